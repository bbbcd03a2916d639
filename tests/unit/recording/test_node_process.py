"""How a measured program starts its node's recorder: once, as Python, and without the code of the user."""

import os
import subprocess
import sys
import time

import pytest
from ranks import environment
from scripted import machine

from microjoule.errors import MicrojouleError
from microjoule.recording.marking import now
from microjoule.recording.meter import Meter
from microjoule.recording.node_member import NodeMember
from microjoule.recording.node_process import Order, spawned
from microjoule.recording.node_socket import joined


@pytest.fixture
def name():
    return f"\0microjoule-test-{os.getpid()}-{now()}"


@pytest.fixture
def order(tmp_path):
    meter = Meter(sources=("script",), root=machine(tmp_path / "root"))
    return Order(str(tmp_path / "a.arrows"), meter, time.time())


def test_modules_in_the_working_folder_are_not_taken_for_those_of_python(tmp_path, monkeypatch, name, order):
    folder = tmp_path / "mine"
    folder.mkdir()
    for module in ("pickle", "socket", "subprocess", "tempfile", "numpy"):
        (folder / f"{module}.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write(__name__)")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", ["", str(folder), *sys.path])
    said = []
    member = NodeMember(name, {"attributes": {}, "takes_trace": True}, spawned(order), said.append)
    member.join()
    assert member.failure == ""
    assert member.path == order.path
    assert member.end({})["is_whole"]
    member.close()
    os.close(member.file)
    assert not (tmp_path / "ran").exists()
    assert said == []


def script(path, code):
    """A program that notes that it was started."""
    path.write_text(f"#!/bin/sh\necho x >> {path.parent / 'started'}\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(("code", "why"), [(3, "ended with 3"), (0, "ended as soon as it was started")])
def test_an_interpreter_that_starts_no_recorder_is_started_once(
    tmp_path, monkeypatch, name, order, code, why
):
    monkeypatch.setattr(sys, "executable", script(tmp_path / "python3", code))
    with pytest.raises(MicrojouleError, match=why):
        joined(name, spawned(order))
    assert (tmp_path / "started").read_text() == "x\n"


@pytest.mark.parametrize(("file", "is_frozen"), [("app", False), ("python3", True)])
def test_an_application_that_embeds_python_is_not_started_again(
    tmp_path, monkeypatch, name, order, file, is_frozen
):
    monkeypatch.setattr(sys, "executable", script(tmp_path / file, 0))
    monkeypatch.setattr(sys, "frozen", is_frozen, raising=False)
    with pytest.raises(MicrojouleError, match="does not say where its Python interpreter is"):
        joined(name, spawned(order))
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("job", ["none", "j7"])
def test_a_job_without_a_name_runs_since_its_launcher_does(job):
    """The shell between is of the rank: it has its variables."""
    before_s = time.time()
    code = "from microjoule.recording.launch import began_s; print(began_s())"
    said = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c '{code}'; exit $?"],
        env=environment(1, 2, job),
        capture_output=True,
        text=True,
        check=True,
    )
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    assert (float(said.stdout) < before_s - 2 * tick_s) == (job == "none")
