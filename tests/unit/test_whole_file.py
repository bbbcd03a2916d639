"""A file is written whole or not at all; devices, pipes, links and files of others stay what they are."""

import json
import os
import stat
from pathlib import Path

import pytest
from ideal import Ideal, constant, rows, write

from microjoule.cli.export import write_pieces
from microjoule.errors import BundleError, CalibrationError, CannotWrite, TraceError
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.host.files import Kept
from microjoule.plugins.profiles.write_back import write_back
from microjoule.publishing import publish
from microjoule.trace.repairing import repair
from microjoule.whole_file import whole_file


def published(trace, target):
    publish([trace], target, terms(FactorOptions()))


def repaired(trace, target):
    repair(trace, target)


def exported(_, target):
    write_pieces(["text"], target)


def kept(_, target):
    Kept("reference", "k", 1, CalibrationError, "again").save({"a": 1}, target)


def written_back(trace, target):
    profile = trace.with_name("profile.json")
    profile.write_text('{"traceEvents": [{"ph": "i"}]}')
    write_back(profile, profile.read_text().index("]"), [', {"ph": "i"}'], target)


WRITERS = [
    (published, BundleError),
    (repaired, TraceError),
    (exported, TraceError),
    (kept, CalibrationError),
    (written_back, CannotWrite),
]
writers = pytest.mark.parametrize(("make", "error"), WRITERS, ids=[each.__name__ for each, _ in WRITERS])
# An export goes into pipes and devices as well: tests/unit/cli/test_export.py.
refusers = pytest.mark.parametrize(
    ("make", "error"),
    [each for each in WRITERS if each[0] is not exported],
    ids=[each.__name__ for each, _ in WRITERS if each is not exported],
)
makers = pytest.mark.parametrize("make", [each for each, _ in WRITERS], ids=lambda make: make.__name__)


@pytest.fixture
def trace(tmp_path):
    (tmp_path / "source").mkdir()
    return write(tmp_path / "source" / "a.arrows", rows([Ideal(constant(50.0), n=50)]))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@refusers
def test_a_pipe_and_a_link_to_one_are_refused_and_stay(trace, folder, make, error):
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(error, match="pipe, not a regular file"):
            make(trace, folder / name)
    assert stat.S_ISFIFO((folder / "pipe").lstat().st_mode)
    assert (folder / "link").is_symlink()
    assert sorted(path.name for path in folder.iterdir()) == ["link", "pipe"]


@refusers
def test_a_device_is_refused_and_stays(trace, folder, make, error):
    node = folder / "full"
    try:
        os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 7))
    except PermissionError:
        pytest.skip("only root makes devices")
    with pytest.raises(error, match="device, not a regular file"):
        make(trace, node)
    assert stat.S_ISCHR(node.lstat().st_mode)


@makers
@pytest.mark.parametrize("is_there", [True, False])
def test_of_a_link_the_file_that_it_leads_to_is_written(trace, folder, make, is_there):
    real = folder / "real.zip"
    if is_there:
        real.write_text("old")
    link = folder / "link.zip"
    link.symlink_to("real.zip")
    make(trace, link)
    assert link.is_symlink()
    assert real.read_bytes() not in (b"", b"old")
    assert sorted(path.name for path in folder.iterdir()) == ["link.zip", "real.zip"]


@writers
def test_a_folder_is_refused(trace, folder, make, error):
    (folder / "x").mkdir()
    with pytest.raises(error, match="it is a folder"):
        make(trace, folder / "x")
    assert list(folder.rglob("*")) == [folder / "x"]


@makers
def test_a_file_of_another_that_is_called_partial_stays(trace, folder, make):
    precious = folder / "x.json.partial"
    precious.write_text("precious")
    make(trace, folder / "x.json")
    assert precious.read_text() == "precious"
    assert sorted(path.name for path in folder.iterdir()) == ["x.json", "x.json.partial"]


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(folder):
    (folder / "x").write_text("old")

    def fail():
        with whole_file(folder / "x") as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert [path.read_text() for path in folder.iterdir()] == ["old"]


@pytest.mark.parametrize(("mode", "mask", "given"), [(0o666, 0o027, 0o640), (0o600, 0o022, 0o600)])
def test_permissions_are_those_that_were_asked_for_less_the_umask(folder, mode, mask, given):
    before = os.umask(mask)
    try:
        with whole_file(folder / "x", mode) as file:
            file.write(b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder / "x").stat().st_mode) == given
    assert json.loads(Path(folder / "x").read_text()) == 1
