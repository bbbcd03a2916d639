"""How ``uj agent`` starts: which user, group and folder it takes, and which it refuses."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import numpy as np
import pytest
from agents import agent, as_user, open_folder, sockets, written_machine

from microjoule.agent import confinement
from microjoule.sources import Machine, agent_offer
from microjoule.sources import agent as source

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--group", "no-such-group"), 1, "groupadd --system no-such-group"),
        (("--group", "root"), 1, "also holds programs that are not its members"),
        (("--source", "nvml"), 3, "nvml"),
        (("--source", "nonsense"), 2, "nonsense"),
        (("--rate", "1e9"), 2, "out of range"),
        (("--group", "99999999999999999999"), 2, "not a user or group number"),
        (("--group", "4294967295"), 2, "not a user or group number"),
        (("--user", "4294967295"), 2, "not a user or group number"),
    ],
)
def test_what_cannot_be_served_is_refused(tmp_path, options, code, said):
    written_machine(tmp_path)
    with pytest.raises(AssertionError, match=said) as refused, agent(tmp_path, tmp_path, *options):
        pass
    assert f"exit code {code}" in str(refused.value)
    assert not (sockets(tmp_path) / "agent.sock").exists()


@needs_root
@pytest.mark.parametrize(("user", "said"), [("root", "must not stay root"), ("no-such-user", "useradd")])
def test_it_becomes_a_user_without_rights_or_does_not_serve(tmp_path, user, said):
    written_machine(tmp_path)
    with pytest.raises(AssertionError, match=said), agent(tmp_path, tmp_path, "--user", user):
        pass
    assert not (sockets(tmp_path) / "agent.sock").exists()


@needs_root
@pytest.mark.parametrize(
    ("prepare", "said"),
    [
        (lambda folder: os.chown(folder, 4711, 4711), "it belongs to user 4711"),
        (lambda folder: folder.chmod(0o777), "other users may write to it"),
        (lambda folder: (os.chown(folder, 0, 4711), folder.chmod(0o775)), "other users may write to it"),
    ],
    ids=["another user's", "world-writable", "writable by a group"],
)
@pytest.mark.parametrize("below", ["", "run/microjoule"])
def test_a_folder_that_others_can_change_is_refused_and_nothing_in_it_is_changed(
    tmp_path, prepare, said, below
):
    written_machine(tmp_path / "machine")
    folder = tmp_path / "theirs"
    folder.mkdir()
    prepare(folder)
    runtime = ("--runtime", str(folder / below))
    with pytest.raises(AssertionError, match=said), agent(tmp_path / "machine", tmp_path, *runtime):
        pass
    assert list(folder.iterdir()) == []


@needs_root
def test_a_link_of_another_user_is_not_followed(tmp_path):
    written_machine(tmp_path / "machine")
    (tmp_path / "precious").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "precious")
    os.chown(link, 4711, 4711, follow_symlinks=False)
    runtime = ("--runtime", str(link))
    with pytest.raises(AssertionError, match="user 4711"), agent(tmp_path / "machine", tmp_path, *runtime):
        pass
    assert list((tmp_path / "precious").iterdir()) == []


@pytest.fixture
def private_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@needs_root
@pytest.mark.usefixtures("private_umask")
def test_whatever_the_umask_everybody_reaches_the_sockets_that_an_agent_makes():
    with open_folder() as folder:
        written_machine(folder / "machine")
        client = folder / "client"
        client.mkdir()
        client.chmod(0o755)
        with agent(folder / "machine", client):
            ask = agent_offer.ask
            assert as_user(4711, lambda: ask(sockets(client) / "coarse.sock").close()) == 0
            modes = [
                (sockets(client) / name).stat().st_mode & 0o777 for name in ("agent.sock", "coarse.sock")
            ]
            assert modes == [0o660, 0o666]


@needs_root
def test_a_member_of_a_thousand_groups_gets_every_reading():
    with open_folder() as folder:
        written_machine(folder / "machine")
        client = folder / "client"

        def asked():
            assert agent_offer.ask(sockets(client) / "agent.sock").view == agent_offer.FULL

        with agent(folder / "machine", client, "--group", "4242"):
            assert as_user(4711, asked, range(4000, 5000)) == 0
            assert as_user(4711, asked, range(5000, 6000)) == 1


@needs_root
@pytest.mark.parametrize(
    ("users", "user", "uid"),
    [
        ({"nobody": 65534}, "", 65534),
        ({"microjoule": 4711, "nobody": 65534}, "", 4711),
        ({"microjoule": 4711}, "4712", 4712),
    ],
)
def test_it_becomes_its_own_user_where_there_is_one(users, user, uid):
    """In the order of the users of a machine, which a fork has replaced."""

    def become():
        def named(name):
            return pwd.struct_passwd((name, "x", users[name], users[name], "", "/", "/bin/false"))

        pwd.getpwnam = named
        confinement.become(user)
        assert os.getresuid() == os.getresgid() == (uid, uid, uid)

    assert as_user(0, become) == 0


@needs_root
def test_a_folder_that_others_may_not_search_is_named_to_root_and_to_them():
    with open_folder() as folder:
        written_machine(folder / "machine")
        client = folder / "client"
        client.mkdir()
        client.chmod(0o700)
        with agent(folder / "machine", client) as process:
            assert f"chmod a+x {client}\n" in process.said

            def asked():
                found = source.survey(Machine(client)).obstacles
                assert f"The folder {client} of the agent may not be searched" in found[0].what
                assert found[0].remedy == f"An administrator can open it: sudo chmod a+x {client}"

            assert as_user(4711, asked) == 0


def test_a_long_path_is_said_as_it_is(tmp_path):
    written_machine(tmp_path / "machine")
    runtime = tmp_path / ("long" * 40)
    with agent(tmp_path / "machine", tmp_path, "--runtime", str(runtime)) as process:
        assert f"serving {runtime}/agent.sock (full view)" in process.said


@needs_root
def test_an_installation_that_only_root_may_read_serves(monkeypatch):
    """In a home, say: once it is another user, the agent can import nothing any more."""
    with open_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        (closed / "packages").symlink_to(Path(np.__file__).parents[1])
        monkeypatch.setenv("PYTHONPATH", str(closed / "packages"))
        written_machine(folder / "machine")
        with agent(folder / "machine", folder / "client") as process:
            owner = Path(f"/proc/{process.pid}").stat().st_uid
            uses = f"PYTHONPATH={closed}".encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
    assert owner != 0
    assert uses
