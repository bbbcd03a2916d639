"""The source distribution has all that a build and its tests need."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
NEEDED = (
    "setup.py", "Makefile", "LICENSE", "CHANGELOG.md", ".ci/run", "src/microjoule/_native.pyx",
    "src/microjoule/_native.pxd", "src/microjoule/py.typed", "src/microjoule/report/report.schema.json",
    "csrc/microjoule.h", "csrc/sampler.c", "tests/conftest.py", "tests/golden", "examples/train.py",
)  # fmt: skip
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "build", "dist", "*.so", "__pycache__", "*.egg-info")


def test_it_has_the_native_half_and_the_tests(tmp_path):
    copy = shutil.copytree(REPOSITORY, tmp_path / "copy", ignore=LEFT_OUT, symlinks=True)
    command = [sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(tmp_path)]
    made = subprocess.run(command, cwd=copy, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as file:
        names = {name.partition("/")[2] for name in file.getnames()}
    assert {name for name in NEEDED if name not in names} == set()
    assert not {name for name in names if name.endswith((".so", ".pyc"))}
