"""The units for systemd and the manifest for Kubernetes: valid, hardened, with options that there are."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from agents import sockets, written_machine

from microjoule.cli import parser
from microjoule.sources.agent_offer import COARSE, FOLDER, FULL, SOCKETS, ask

PACKAGING = Path(__file__).parents[3] / "docs/packaging"
SERVICE = PACKAGING / "microjoule-agent.service"
UNITS = {FULL: "microjoule-agent.socket", COARSE: "microjoule-agent-coarse.socket"}
EXPOSURE = 1.0  # of 10, by systemd's own judgement


def unit(path):
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str
    found.read(path)
    return found


def analyzed(*words):
    """What systemd-analyze says, or a skip where it is not here or too old."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    version = subprocess.run(
        ["systemd-analyze", "--version"], capture_output=True, text=True, check=True
    ).stdout
    if int(re.search(r"systemd (\d+)", version)[1]) < 252:
        pytest.skip("systemd-analyze is older than 252")
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_the_units_are_valid(tmp_path):
    for path in (SERVICE, *(PACKAGING / name for name in UNITS.values())):
        text = path.read_text().replace("/opt/microjoule/bin/uj", "/bin/true")
        (tmp_path / path.name).write_text(text)
    done = analyzed("verify", *map(str, sorted(tmp_path.iterdir())))
    assert (done.returncode, done.stderr) == (0, "")


def test_the_service_is_hardened():
    done = analyzed("security", "--offline=true", "--no-pager", str(SERVICE))
    assert done.returncode == 0, done.stderr
    assert float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1]) <= EXPOSURE


def test_the_service_has_one_capability_and_is_nobody_of_the_machine():
    service = unit(SERVICE)["Service"]
    assert service["CapabilityBoundingSet"] == service["AmbientCapabilities"] == "CAP_PERFMON"
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    command = shlex.split(service["ExecStart"])
    assert Path(command[0]).name == "uj"
    assert parser(["agent"]).parse_args(command[1:]).group == "microjoule"


@pytest.mark.parametrize("view", [FULL, COARSE])
def test_the_sockets_are_where_clients_look(view):
    section = unit(PACKAGING / UNITS[view])["Socket"]
    assert section["ListenSequentialPacket"] == f"/{FOLDER}/{SOCKETS[view]}"
    assert section["Service"] == SERVICE.name
    assert section["FileDescriptorName"] == {FULL: "agent", COARSE: "coarse"}[view]
    assert section["SocketMode"] == {FULL: "0660", COARSE: "0666"}[view]
    assert section.get("SocketGroup") == {FULL: "microjoule", COARSE: None}[view]


# What systemd does for a unit with sockets: the child has them from 3 on, and their names in its environment.
ACTIVATED = """
import os, socket, sys
paths = sys.argv[1:3]
for fd, path in zip((10, 11), paths):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    os.dup2(listener.fileno(), fd)
    listener.close()
os.dup2(10, 3)
os.dup2(11, 4)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "agent:coarse"}
os.execv(sys.executable, [sys.executable, "-m", "microjoule", "agent", *sys.argv[3:]])
"""


def test_sockets_of_a_service_manager_are_used_and_it_is_told(tmp_path):
    written_machine(tmp_path / "machine")
    folder = sockets(tmp_path)
    folder.mkdir(parents=True)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(60)
    command = [sys.executable, "-c", ACTIVATED, *(str(folder / SOCKETS[view]) for view in (FULL, COARSE))]
    command += ["--root", str(tmp_path / "machine"), "--group", "none", "--calibration", "none"]
    environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
    # A client may come before the agent is ready: it waits.
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert manager.recv(100) == b"READY=1"
            views = [ask(folder / SOCKETS[view]) for view in (FULL, COARSE)]
            assert [offer.view for offer in views] == [FULL, COARSE]
            for offer in views:
                offer.close()
        finally:
            process.terminate()
            said = process.communicate(timeout=60)[1]
    assert process.returncode == 0, said
    assert manager.recv(100) == b"STOPPING=1"
    assert (folder / SOCKETS[FULL]).exists()  # they are the manager's
    manager.close()


def test_the_manifest_is_valid():
    validate = pytest.importorskip("kubernetes_validate")
    documents = list(yaml.safe_load_all((PACKAGING / "microjoule-agent.yaml").read_text()))
    assert [document["kind"] for document in documents] == ["Namespace", "DaemonSet"]
    for document in documents:
        for version in ("1.28", validate.latest_version()):
            validate.validate(document, version, strict=True)


def test_the_manifest_gives_the_agent_no_more_than_it_needs():
    _, manifest = yaml.safe_load_all((PACKAGING / "microjoule-agent.yaml").read_text())
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    arguments = parser(["agent"]).parse_args(container["command"][1:])
    assert [int(arguments.group)] == pod["securityContext"]["supplementalGroups"]
    security = container["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"], "add": ["PERFMON", "SETUID", "SETGID"]}
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert pod["volumes"][0]["hostPath"]["path"] == container["volumeMounts"][0]["mountPath"] == f"/{FOLDER}"
    assert not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC"))
