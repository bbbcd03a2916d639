"""What `uj probe --rule` prints does what it says: its commands are run, on a fake machine."""

from __future__ import annotations

import grp
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from machines import CLIENT, EMPTY_VM, write

from microjoule.cli import main
from microjoule.sources import Machine, access_rules

SUDO = """#!/bin/sh
case "$1" in
tee) mkdir -p "$FAKE$(dirname "$2")"; cat > "$FAKE$2" ;;
*) echo "$@" >> "$FAKE/log" ;;
esac
"""


def ours() -> str:
    """A group of this user that exists."""
    return grp.getgrgid(os.getegid()).gr_name


def pasted(text, fake):
    """Runs the script with a `sudo` that writes files under a folder and notes other commands."""
    programs = fake / "programs"
    programs.mkdir()
    (programs / "sudo").write_text(SUDO)
    (programs / "sudo").chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    subprocess.run(
        ["sh", "-eu"], input=text, text=True, check=True, env={"FAKE": str(fake), "PATH": path, "USER": "me"}
    )
    return (fake / "log").read_text().splitlines()


def test_the_script_is_valid_and_each_part_says_what_it_exposes(tmp_path):
    text = access_rules.script(Machine(write(CLIENT, tmp_path / "root")), "power")
    assert max(map(len, text.splitlines())) <= 80
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert len(comments) > 10
    parts = [rule for rule in access_rules.RULES if "xposes" in rule.text and "group" in rule.text]
    assert parts == list(access_rules.RULES)
    assert "{" not in re.sub(r"\$\{?", "", text), "no field is left open"
    (tmp_path / "fake").mkdir()
    log = pasted(text, tmp_path / "fake")
    assert "groupadd --system --force power" in log
    assert "usermod --append --groups power me" in log
    for capability in ("cap_perfmon", "cap_sys_rawio"):
        assert f"setcap {capability}+ep /usr/local/lib/microjoule/bin/python3" in log
    assert "sysctl --system" in log
    kept = tmp_path / "fake/etc"
    assert (kept / "sysctl.d/70-microjoule.conf").read_text() == "kernel.perf_event_paranoid = 0\n"
    assert (kept / "modules-load.d/70-microjoule.conf").read_text() == "msr\n"


def test_udevs_rule_gives_a_zone_to_the_group(tmp_path):
    root = write(CLIENT, tmp_path / "root")
    (tmp_path / "fake").mkdir()
    pasted(access_rules.script(Machine(root), ours()), tmp_path / "fake")
    text = (tmp_path / "fake/etc/udev/rules.d/70-microjoule-powercap.rules").read_text()
    (rule,) = text.replace("\\\n", "").splitlines()  # udev joins lines as a shell does
    keys = re.findall(r'(\w+)(==|\+=)"([^"]*)"', rule)
    assert [key for key, _, _ in keys] == ["ACTION", "SUBSYSTEM", "KERNEL", "RUN"]
    pattern, command = keys[2][2], keys[3][2]
    zone = root / "sys/class/powercap/intel-rapl:0:0"
    assert zone.match(pattern)
    assert not (root / "sys/class/powercap/intel-rapl").match(pattern), "the control type has no energy"
    file = zone.resolve() / "energy_uj"
    file.chmod(0o400)
    device = str(zone.resolve()).removeprefix(str(root / "sys"))
    program, flag, line = re.fullmatch(r"(\S+) (-c) '(.*)'", command).groups()
    line = line.replace("/sys%p", f"{root}/sys{device}")
    subprocess.run([program, flag, line], check=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o440


@pytest.mark.skipif(shutil.which("setcap") is None, reason="no setcap")
@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no Python of root's")
def test_the_python_with_the_capability_is_a_program_that_finds_what_is_installed_for_it(tmp_path):
    """A copy of pyenv's ``python3`` was a shell script, and one of an interpreter found no microjoule."""
    home = tmp_path / "mj"
    text = access_rules.script(Machine(write(CLIENT, tmp_path / "root")), ours())
    part = text[text.index("# perf, for the group") : text.index("# MSR")].replace(
        "/usr/local/lib/microjoule", str(home)
    )
    commands = [line.removeprefix("sudo ").split() for line in part.splitlines() if line.startswith("sudo ")]
    made = [words for words in commands if words[0] not in ("groupadd", "usermod") and "pip" not in words]
    *before, capability = [" ".join(words).replace("-m venv", "-m venv --without-pip") for words in made]
    for command in before:
        subprocess.run(command.split(), check=True)
    given = subprocess.run(capability.split(), capture_output=True, text=True, check=False)
    if given.returncode:
        pytest.skip(f"capabilities cannot be set here: {given.stderr}")
    python = home / "bin/python3"
    (packages,) = (home / "lib").glob("python3*/site-packages")
    (packages / "installed_for_it.py").touch()
    assert "cap_perfmon=ep" in subprocess.run(["getcap", python], capture_output=True, text=True).stdout
    assert stat.S_IMODE(python.stat().st_mode) == 0o750
    assert not python.is_symlink()
    assert python.read_bytes()[:4] == b"\x7fELF", "a capability in a script has no effect"
    subprocess.run([python, "-c", "import installed_for_it"], check=True, cwd="/")


def test_only_counters_that_are_there_have_a_part(tmp_path):
    assert access_rules.script(Machine(write(EMPTY_VM, tmp_path / "vm"))) == ""
    root = write(CLIENT, tmp_path / "client")
    shutil.rmtree(root / "dev")
    assert [rule.source for rule in access_rules.rules(Machine(root))] == ["powercap", "rapl_perf"]


@pytest.mark.parametrize("name", ["a b", "$(reboot)", "", "-x", "Ä"])
def test_a_name_that_a_shell_would_read_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="not the name of a group"):
        access_rules.script(Machine(tmp_path), name)


def test_the_command_prints_the_script_and_says_where_there_is_nothing(tmp_path, capsys, monkeypatch):
    """However narrow the terminal, commands are whole, and a sentence fits it."""
    monkeypatch.setenv("COLUMNS", "40")
    client, machine = write(CLIENT, tmp_path / "client"), write(EMPTY_VM, tmp_path / "vm")
    assert main(["probe", "--root", str(client), "--rule"]) == 0
    assert capsys.readouterr().out == access_rules.script(Machine(client))
    assert main(["probe", "--root", str(client), "--rule", "power"]) == 0
    assert "groupadd --system --force power" in capsys.readouterr().out
    assert main(["probe", "--root", str(machine), "--rule"]) == 3
    said = capsys.readouterr().out.splitlines()
    assert "no RAPL counter" in " ".join(said)
    assert max(map(len, said)) <= 40
    with pytest.raises(SystemExit):
        main(["probe", "--rule", "a;b"])
