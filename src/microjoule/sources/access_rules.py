"""Rules that open a machine's counters to a group, or to one program, and survive a reboot.

A mode that ``chmod`` sets on a file of sysfs is gone after a reboot, because the kernel makes the file anew;
``sysctl`` without a file is gone as well. What lasts: a rule of udev, which runs whenever a zone or a device
appears; a line of ``/etc/sysctl.d``; a capability in a program's file. Each exposes something, and says what:

- powercap: CVE-2020-8694 (PLATYPUS, platypusattack.com) reads keys off the energy of instructions.
- perf: ``Documentation/admin-guide/perf-security.rst``.
- A capability works in a program's own file alone. A script (pyenv's ``python3``) ignores it, and a bare copy
  of an interpreter does not find the packages of a virtual environment, so it is one of its own, made of
  copies. Its base is root's: who may write its library writes programs with the capability.
- MSR: ``/dev/cpu/N/msr`` asks for CAP_SYS_RAWIO whatever its mode (``arch/x86/kernel/msr.c``: ``msr_open``).
  That capability opens raw I/O, which is as good as root (``capabilities(7)``).

The text is a shell script of at most eighty columns: comments, and commands to paste.
"""

from __future__ import annotations

import re

from ..value_class import dataclass
from . import powercap, rapl_msr, rapl_perf
from .machine import Machine

GROUP = "energy"
GROUP_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")  # useradd(8); it goes into a shell script

_GROUP = """\
sudo groupadd --system --force {group}
sudo usermod --append --groups {group} "$USER"   # then log in again
"""
_PROGRAM = """\
sudo /usr/bin/python3 -m venv --copies /usr/local/lib/microjoule
sudo /usr/local/lib/microjoule/bin/python3 -m pip install microjoule
sudo chgrp {group} /usr/local/lib/microjoule/bin/python3
sudo chmod 0750 /usr/local/lib/microjoule/bin/python3
sudo setcap {capability}+ep /usr/local/lib/microjoule/bin/python3
# Run it as: /usr/local/lib/microjoule/bin/uj run -- COMMAND
"""


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One way to read counters without being root.

    Attributes:
        source: The source that it opens.
        files: A pattern of the files that it opens, under the root: without one it has no effect.
        text: What it does, what it exposes, and the commands; ``{group}`` is the group's name.
    """

    source: str
    files: str
    text: str


RULES = (
    AccessRule(
        powercap.NAME,
        "sys/class/powercap/intel-rapl*:*",
        """\
# powercap: the group `{group}` may read energy_uj.
# Exposes: its members can infer keys and data of other users' programs from
# fine-grained energy (CVE-2020-8694, PLATYPUS). Keep the group small.
"""
        + _GROUP
        + """\
sudo tee /etc/udev/rules.d/70-microjoule-powercap.rules <<'END'
ACTION=="add|change", SUBSYSTEM=="powercap", KERNEL=="intel-rapl*:*", \\
  RUN+="/bin/sh -c 'chgrp {group} /sys%p/energy_uj; chmod g+r /sys%p/energy_uj'"
END
sudo udevadm control --reload
sudo udevadm trigger --subsystem-match=powercap --action=add
""",
    ),
    AccessRule(
        rapl_perf.NAME,
        "sys/bus/event_source/devices/power/type",
        """\
# perf, for every user: perf_event_paranoid 0.
# Exposes: every user can count and sample events of all CPUs, of the kernel and
# of other users' programs, and read energy (CVE-2020-8694).
echo 'kernel.perf_event_paranoid = 0' |
  sudo tee /etc/sysctl.d/70-microjoule.conf
sudo sysctl --system

# perf, for the group `{group}`: CAP_PERFMON on a copy of Python in a folder of
# its own. Instead of the above. Exposes the same, and the kernel's tracepoints,
# to the members of the group, through this Python only; the commands that it
# starts do not have it. Python has to be 3.10 or later, and root's. Repeat it
# when Python is updated.
"""
        + _GROUP
        + _PROGRAM.replace("{capability}", "cap_perfmon"),
    ),
    AccessRule(
        rapl_msr.NAME,
        "dev/cpu/*/msr",
        """\
# MSR: CAP_SYS_RAWIO on a copy of Python in a folder of its own. The mode of
# /dev/cpu/*/msr cannot grant it: the kernel asks for the capability besides.
# Exposes: whoever runs this Python can read every register, and use raw I/O,
# which is as good as root. Prefer perf or powercap.
"""
        + _GROUP
        + _PROGRAM.replace("{capability}", "cap_sys_rawio")
        + """\
echo msr | sudo tee /etc/modules-load.d/70-microjoule.conf
echo 'SUBSYSTEM=="msr", GROUP="{group}", MODE="0640"' |
  sudo tee /etc/udev/rules.d/70-microjoule-msr.rules
sudo udevadm control --reload
sudo udevadm trigger --subsystem-match=msr --action=add
""",
    ),
)

HEAD = """\
#!/bin/sh
# What opens the energy counters of this machine to others than root, and stays
# after a reboot. One part is enough: take the first that you accept. To undo
# it, delete the files that it writes.
"""


def rules(machine: Machine) -> tuple[AccessRule, ...]:
    """The rules that have an effect on this machine, the least exposing first."""
    return tuple(rule for rule in RULES if any(machine.root.glob(rule.files)))


def script(machine: Machine, group: str = GROUP) -> str:
    """The rules as a shell script of commands to paste; empty where there is no counter to open.

    Args:
        machine: What it has decides which rules are in it.
        group: The name of the group that may read.

    Raises:
        ValueError: No group can have that name, and a shell would read it.
    """
    if not GROUP_NAME.fullmatch(group):
        raise ValueError(f"{group!r} is not the name of a group: use a-z, 0-9, _ and -")
    parts = [rule.text.replace("{group}", group) for rule in rules(machine)]
    return "\n".join([HEAD, *parts]) if parts else ""
