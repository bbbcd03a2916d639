import gc
import os
import signal
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import reached
from hypothesis import settings

pytest_plugins = ["pytester"]
NOBODY = 65534

# No test asserts a wall-clock time, and Hypothesis's deadline is one. The gate judges a change, so it tries
# the same examples each time; HYPOTHESIS_PROFILE=random tries others, as it is every night.
settings.register_profile("gate", deadline=None, derandomize=True)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reaches(name=n): how often a condition must hold, see reached.py")
    config.addinivalue_line("markers", "slow: builds or records for more than 20 s; leave out: -m 'not slow'")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported stays, so the garbage collector does not go through it again: a tenth of all time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    least = {name: n for mark in item.iter_markers("reaches") for name, n in mark.kwargs.items()}
    with reached.counting(least):
        return (yield)


@pytest.fixture
def not_ignoring_interrupts() -> Generator[None]:
    """Tests that run in the background ignore Ctrl-C, and so would the commands that they start."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.fixture
def shared_path() -> Iterator[Path]:
    """A temporary folder that every user may enter; pytest's own is its user's alone."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@contextmanager
def unprivileged() -> Iterator[None]:
    """Runs as a user whom file modes bind: root passes them by."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def nobody():
    """The context manager under which this process is an ordinary user."""
    return unprivileged
