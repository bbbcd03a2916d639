"""What pytest loads: options, marker, fixture and hooks. Light: figures are for when there are some."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from .fixture import EnergyFixture, MeasuredTest
from .options import add, wishes

_RUN = pytest.StashKey[MeasuredTest]()
_FIXTURE = "energy"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    add(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Registers the marker, and reads the run to compare with, so that a wrong name is known at once."""
    config.addinivalue_line(
        "markers",
        "energy(group='', rel=0.01, max_time=5.0): with which others a test stands in the table, "
        "how exactly it is measured (half of the 95 % interval as a share), and for how many seconds.",
    )
    wanted = wishes(config)
    run = MeasuredTest(wanted, is_worker=hasattr(config, "workerinput"))
    config.stash[_RUN] = run
    if run.is_worker:
        return
    _refuse_workers(config, run)
    if wanted.compare is not None:
        from ...errors import MicrojouleError
        from .saved import find, read

        try:
            path = find(wanted.compare, wanted.folder)
            run.earlier, run.compared = read(path), path.name
        except MicrojouleError as error:
            raise pytest.UsageError(str(error)) from error


def _refuse_workers(config: pytest.Config, run: MeasuredTest) -> None:
    from .fixture import WORKER

    wants_figures = run.wishes.save or run.wishes.is_autosave or run.wishes.json or run.wishes.compare
    if wants_figures and getattr(config.option, "dist", "no") != "no":
        raise pytest.UsageError(WORKER)


@pytest.fixture
def energy(request: pytest.FixtureRequest) -> EnergyFixture:
    """Measures the energy of one call of a function.

    ``result = energy(function, *args, **kwargs)`` calls it as often as it takes.
    ``energy.pedantic(function, args, kwargs, setup=…, rounds=…, iterations=…, warmup_rounds=…)`` counts the
    calls out. ``@pytest.mark.energy(group=…, rel=…, max_time=…)`` says how exactly. ``energy.measurement``
    has the figures.
    """
    return EnergyFixture(request.config.stash[_RUN], request.node)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Starts up before the first test where a test asks for energy."""
    asks = any(_FIXTURE in getattr(item, "fixturenames", ()) for item in session.items)
    if asks and not session.config.option.collectonly:
        session.config.stash[_RUN].warm_up()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what ``--energy-only`` and ``--energy-skip`` leave out."""
    wanted = item.config.stash[_RUN].wishes
    asks = _FIXTURE in getattr(item, "fixturenames", ())
    if asks and wanted.is_skip:
        pytest.skip("--energy-skip leaves out tests that ask for energy")
    if not asks and wanted.is_only:
        pytest.skip("--energy-only leaves out tests that do not ask for energy")


@pytest.hookimpl(trylast=True)  # after the test itself, and not at all where that failed
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fails a test that passed by itself and whose energy rose by more than is allowed."""
    failure = item.config.stash[_RUN].failures.get(item.nodeid)
    if failure:
        pytest.fail(failure, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remembers which tests failed: their energy enters no saved run."""
    report = yield
    if report.failed:
        item.config.stash[_RUN].failed.add(item.nodeid)
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Saves what was measured; a file that cannot be written makes pytest's exit code 1."""
    run = session.config.stash[_RUN]
    wanted = run.wishes
    if wanted.is_strict and run.unmeasured:
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    run.said += _unmeasured(run)
    wants_file = wanted.save or wanted.is_autosave or wanted.json
    if run.is_worker or not wants_file:
        return
    rows = [row for row in run.rows if row["fullname"] not in run.failed]
    if not rows:
        run.said.append("nothing is saved: no test that passed has a measured energy")
        return
    from .saved import document, save, text_of

    plain = document(run.facts, run.started, rows)
    try:
        if wanted.save or wanted.is_autosave:
            name = wanted.save or run.started.replace(":", "").partition("+")[0]
            run.said.append(f"saved as {_short(save(plain, wanted.folder, name), session.config.rootpath)}")
        if wanted.json is not None:
            wanted.json.write_text(text_of(plain), encoding="utf-8")
            run.said.append(f"written to {wanted.json}")
    except OSError as error:
        run.said.append(f"cannot write {error.filename}: {error.strerror}. Choose another place.")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    except ValueError as error:
        run.said.append(f"cannot be saved: {error}. Keep JSON values only in extra_info.")
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED


def _unmeasured(run: MeasuredTest) -> list[str]:
    """How many tests ran without their energy, why, and what that means for a gate."""
    if not run.unmeasured:
        return []
    n, why = len(run.unmeasured), next(iter(run.unmeasured.values()))
    found = [f"energy not measured in {n} test{'s' * (n != 1)}: {why}"]
    if run.wishes.limits:
        found.append("--energy-fail judged none of them. --energy-strict makes that an exit code of 1.")
    return found


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Shows the table."""
    run = config.stash[_RUN]
    if run.is_worker or not (run.rows or run.said):
        return
    from ...report.test_lines import lines
    from .table import table

    terminalreporter.write_sep("=", "energy of one call")
    for line in [*(lines(table(run)) if run.rows else []), *run.said]:
        terminalreporter.write_line(line)


def _short(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else path
