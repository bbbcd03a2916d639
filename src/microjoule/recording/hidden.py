"""What of other programs cannot be seen here, and why: a sentence each, for the trace and its report.

- ``hidepid`` (proc(5)) shows a user its own processes only; without CAP_SYS_PTRACE theirs is
  in the row of what was not seen.
- In a PID namespace, as a container has, the processes outside of it have no number.
- In a cgroup namespace (cgroup_namespaces(7)) paths begin at the container: which pod or container a process
  outside of it is in is not told. The initial namespaces have fixed numbers (``include/linux/proc_ns.h``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path

from ..sources.host import CAP_SYS_PTRACE, capabilities, text_of
from ..trace.label import CGROUP

FIRST_PID, FIRST_CGROUP = 0xEFFFFFFC, 0xEFFFFFFB
_HIDEPID = re.compile(r"^\S+ \S*/proc proc \S*\bhidepid=(\w+)", re.MULTILINE)
SHOWN = ("0", "off")


def hidden(root: Path, kinds: Collection[str], has_cgroups: bool) -> dict[str, str]:
    """Why some programs are not seen, by what is not.

    Args:
        root: Of the machine's files.
        kinds: Of subjects that are looked at.
        has_cgroups: Whether CPU time of cgroups can be read here.
    """
    found: dict[str, str] = {}
    mode = _HIDEPID.search(text_of(root / "proc/mounts") or "")
    may_look = (capabilities(root) or 0) >> CAP_SYS_PTRACE & 1
    if mode is not None and mode[1] not in SHOWN and not may_look:
        found["other users' programs"] = (
            f"/proc is mounted with hidepid={mode[1]}: their energy is in the row of what was not seen. "
            "Run as root, or in the group that gid= names in /proc/mounts."
        )
    if _namespace(root, "pid") not in (None, FIRST_PID):
        found["programs outside of this container"] = (
            "it has a PID namespace of its own: their energy is in the row of what was not seen. "
            "Start it with the host's (`docker run --pid=host`, hostPID: true)."
        )
    if CGROUP in kinds and not has_cgroups:
        found["cgroups"] = "no CPU time of cgroups can be read here: processes are grouped in their place."
    elif CGROUP in kinds and _namespace(root, "cgroup") not in (None, FIRST_CGROUP):
        found["cgroups outside of this container"] = (
            "it has a cgroup namespace of its own, and paths begin at it. "
            "Start it with the host's (`docker run --cgroupns=host`)."
        )
    return found


def _namespace(root: Path, kind: str) -> int | None:
    """The number of this process's namespace; None: the kernel does not say."""
    try:
        return int(os.readlink(root / f"proc/self/ns/{kind}").partition("[")[2].rstrip("]"))
    except (OSError, ValueError):
        return None
