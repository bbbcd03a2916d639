from collections.abc import Generator

import pytest
import reached
from hypothesis import settings

pytest_plugins = ["pytester"]

# No test asserts a wall-clock time, and Hypothesis's deadline is one.
settings.register_profile("microjoule", deadline=None)
settings.load_profile("microjoule")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reaches(name=n): how often a condition must hold, see reached.py")
    config.addinivalue_line("markers", "slow: builds or records for more than 20 s; leave out: -m 'not slow'")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    least = {name: n for mark in item.iter_markers("reaches") for name, n in mark.kwargs.items()}
    with reached.counting(least):
        return (yield)
