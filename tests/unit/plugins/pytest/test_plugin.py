"""The plugin as a user of pytest meets it, on a scripted machine of 45 W."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

# Loaded here and not inside: pytester forgets what a run inside loads, and numpy is loaded once only.
import microjoule.measuring.rounds
import microjoule.report.test_lines  # noqa: F401
from microjoule.plugins.pytest.saved import SCHEMA

pytest_plugins = ["pytester"]

EXAMPLE = Path(__file__).parents[4] / "examples" / "test_sorting.py"
TOTAL_W = PACKAGE_W + DRAM_W
QUICK = ("--energy-rel=5%", "--energy-max-time=300ms")
SLEEPS = """
import time

def test_sleep(energy):
    assert energy(lambda s: time.sleep(s) or "slept", {seconds}) == "slept"
"""


@pytest.fixture
def scripted(pytester):
    machine(pytester.path / "root")
    return ("--energy-source=script", "--energy-root=root", "-p", "no:cacheprovider", *QUICK)


def test_a_function_is_measured_its_result_given_back_and_the_run_saved(pytester, scripted):
    pytester.makepyfile(
        """
        import time
        import pytest

        @pytest.mark.energy(group="naps", rel=0.1, max_time=0.3)
        @pytest.mark.parametrize("ms", [2, 4])
        def test_nap(energy, ms):
            energy.extra_info["ms"] = ms
            assert energy(time.sleep, ms / 1000) is None
            assert energy.measurement.rel == 0.1

        def test_counted(energy):
            made = []
            total = energy.pedantic(
                lambda a, b: time.sleep(0.002) or a + b,
                setup=lambda: made.append(0) or ((1,), {"b": len(made)}),
                rounds=3, iterations=2, warmup_rounds=1,
            )
            assert total == 5 and len(made) == 4  # the last of four preparations
        """
    )
    done = pytester.runpytest_inprocess(*scripted, "--energy-save=first", "--energy-json=run.json")
    done.assert_outcomes(passed=3)
    done.stdout.fnmatch_lines(
        ["*energy of one call*", "test_counted*3 × 2*", "group naps", "test_nap?2?* × *", "test_nap?4?*",
         "energy of package-0 + package-0/dram", "saved as .microjoule/0001_first.json",
         "written to run.json"]
    )  # fmt: skip
    run = json.loads((pytester.path / "run.json").read_text())
    assert run["schema"] == SCHEMA
    assert {"machine", "software", "started"} <= set(run)
    rows = {row["name"]: row for row in run["tests"]}
    assert set(rows) == {"test_nap[2]", "test_nap[4]", "test_counted"}
    nap = rows["test_nap[2]"]
    assert (nap["group"], nap["params"], nap["extra_info"]) == ("naps", {"ms": "2"}, {"ms": 2})
    assert nap["measurement"]["provenance"] == "measured"
    for row in rows.values():
        power = row["measurement"]["power"]
        assert abs(power["value"] - TOTAL_W) <= 1.5 * power["U"] + 1e-9
    saved = json.loads((pytester.path / ".microjoule" / "0001_first.json").read_text())
    assert saved["tests"] == run["tests"]
    assert saved["number"] == 1


def test_a_rise_beyond_the_limit_and_its_uncertainty_fails_that_test_and_no_other(pytester, scripted):
    enough = (*scripted, "--energy-max-time=1s")  # several windows, and the opening and the waiting before
    pytester.makepyfile(test_a=SLEEPS.format(seconds=0.002), test_b=SLEEPS.format(seconds=0.002))
    pytester.runpytest_inprocess(*enough, "--energy-autosave").assert_outcomes(passed=2)
    pytester.makepyfile(test_a=SLEEPS.format(seconds=0.004))
    gate = ("--energy-compare", "--energy-fail=mean:30%")
    done = pytester.runpytest_inprocess(*enough, *gate)
    done.assert_outcomes(passed=1, failed=1)
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*one call takes * and took *: it rose by * ± *, and mean:30% is allowed*"])
    done.stdout.fnmatch_lines(["*to 0001_*", "*FAILED*", "nothing says on which machine*does not cancel"])
    less = pytester.runpytest_inprocess(*scripted, "--energy-compare=1", "--energy-fail=mean:1J")
    less.assert_outcomes(passed=2)


def test_a_test_without_counters_runs_and_the_summary_says_what_was_not_measured(pytester):
    """A suite must lose no test on a hosted runner: the assertions decide, once each."""
    pytester.makepyfile(
        """
        calls = []

        def test_right(energy):
            assert energy(lambda: calls.append(1) or 42) == 42
            assert calls == [1]

        def test_wrong(energy):
            assert energy(lambda: 1) == 2
        """
    )
    pytester.makeconftest("import sys; sys.modules['microjoule._native'] = None")
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["energy not measured in 2 tests: The native half of microjoule is missing*"])
    only = ("-k", "right")
    assert pytester.runpytest_subprocess(*only).ret == 0
    assert pytester.runpytest_subprocess(*only, "--energy-strict").ret == 1
    pytester.runpytest_subprocess(*only, "--energy-source=script").assert_outcomes(failed=1)


@pytest.mark.parametrize(("options", "is_loaded"), [((), True), (("--energy-disable",), False)])
def test_start_up_is_over_before_the_first_test(pytester, scripted, options, is_loaded):
    """It was charged to the first test: imports, and opening the counters."""
    pytester.makepyfile(SLEEPS.format(seconds=0.001))
    pytester.makeconftest(
        """
        import sys

        def pytest_runtest_logstart(nodeid):
            print("loaded" if "microjoule.measuring.measure" in sys.modules else "not loaded")
        """
    )
    done = pytester.runpytest_subprocess(*scripted, *options, "-s")
    done.assert_outcomes(passed=1)
    said = "loaded" if is_loaded else "not loaded"
    assert any(line.strip().endswith(said) for line in done.outlines if "loaded" in line), done.outlines
    assert is_loaded != any("not loaded" in line for line in done.outlines)


def test_a_failed_test_enters_no_saved_run(pytester, scripted):
    pytester.makepyfile(
        """
        import time

        def test_right(energy):
            energy(lambda: time.sleep(0.001))

        def test_wrong(energy):
            energy(lambda: time.sleep(0.001))
            assert False
        """
    )
    done = pytester.runpytest_inprocess(*scripted, *QUICK, "--energy-json=saved.json")
    done.assert_outcomes(passed=1, failed=1)
    assert "test_right" in (pytester.path / "saved.json").read_text()
    assert "test_wrong" not in (pytester.path / "saved.json").read_text()


def test_a_model_is_refused_or_marked(pytester):
    pytester.makepyfile(SLEEPS.format(seconds=0.001))
    model = ("--energy-source=cpu_time", *QUICK)
    done = pytester.runpytest_inprocess(*model)
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["*No energy counter is readable here*--energy-estimated measures*"])
    done = pytester.runpytest_inprocess(*model, "--energy-estimated")
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["test_sleep*estimated*", "energy of CPU time"])


def test_a_function_s_own_error_is_the_test_s(pytester, scripted):
    pytester.makepyfile(
        """
        import microjoule as uj

        def test_wrong(energy):
            energy(lambda: 1 / 0)

        def test_ours(energy):
            energy(uj.load, "no-such-file.arrows")

        async def waits(): ...

        def test_coroutine(energy):
            energy(waits)

        def test_twice(energy):
            energy.pedantic(int)
            energy(int)
        """
    )
    done = pytester.runpytest_inprocess(*scripted)
    done.assert_outcomes(failed=4)
    done.stdout.fnmatch_lines(
        [
            "*ZeroDivisionError*",
            "*TraceError: *",
            "waits is a coroutine function*",
            "*A test measures one thing*",
        ]
    )


def test_disabled_it_runs_a_function_once_and_measures_nothing(pytester):
    pytester.makepyfile(
        """
        def test_once(energy):
            calls = []
            energy(calls.append, 0)
            assert len(calls) == 1 and energy.measurement is None
        """
    )
    done = pytester.runpytest_inprocess("--energy-disable")
    done.assert_outcomes(passed=1)
    assert "energy of one call" not in done.stdout.str()


def test_the_example_runs(pytester):
    pytester.makepyfile(test_sorting=EXAMPLE.read_text())
    pytester.runpytest_inprocess("--energy-disable", "--strict-markers").assert_outcomes(passed=3)


def test_only_and_skip_choose_by_the_fixture(pytester):
    pytester.makepyfile("def test_with(energy): energy(int)\ndef test_without(): pass\n")
    pytester.runpytest_inprocess("--energy-skip").assert_outcomes(passed=1, skipped=1)
    done = pytester.runpytest_inprocess("--energy-only", "-rs", "-k", "without")
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines(["*do not ask for energy*"])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--energy-fail=mean:5%"], "Add --energy-compare"),
        (["--energy-fail=max:5%", "--energy-compare"], "invalid limit value: 'max:5%'"),
        (["--energy-rel=x"], "invalid share value"),
        (["--energy-max-time=0"], "invalid duration_s value"),
        (["--energy-compare"], "Save one first with --energy-save NAME"),
        (["--energy-compare=7"], "has the number 7. There are: none"),
        (["--energy-compare=absent.json"], "Cannot read absent.json: No such file"),
        (["--energy-compare=test_it.py"], "test_it.py is not JSON"),
        (["--energy-only", "--energy-skip"], "leave no test"),
        (["--energy-disable", "--energy-save=x"], "measure nothing that could be saved"),
        (["--energy-save=a/b"], "not a file name"),
    ],
)
def test_options_that_make_no_sense_are_a_usage_error_and_one_sentence(pytester, options, sentence):
    pytester.makepyfile(test_it="def test_it(energy): energy(int)")
    done = pytester.runpytest_inprocess(*options)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert sentence in "\n".join(done.errlines)
    assert "Traceback" not in "\n".join(done.errlines)


def test_a_marker_with_a_word_that_it_does_not_know_fails(pytester):
    pytester.makepyfile("import pytest\n@pytest.mark.energy(precision=1)\ndef test_it(energy): energy(int)\n")
    done = pytester.runpytest_inprocess("--strict-markers")
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*takes group=, rel= and max_time=, and nothing else*"])


def test_workers_are_refused_because_energy_is_the_package_s(pytester):
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    pytester.makepyfile("def test_with(energy): energy(int)\ndef test_without(): pass\n")
    done = pytester.runpytest_subprocess("-n2")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*shares of several workers of pytest-xdist cannot be separated*"])
    saving = pytester.runpytest_subprocess("-n2", "--energy-save=x")
    assert saving.ret == pytest.ExitCode.USAGE_ERROR


def test_a_file_that_cannot_be_written_is_said_and_fails_the_run(pytester, scripted):
    pytester.makepyfile("def test_it(energy): energy.pedantic(int, iterations=1000)")
    done = pytester.runpytest_inprocess(*scripted, "--energy-json=absent/run.json")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["cannot write absent/run.json: No such file or directory*"])


def test_a_program_that_imported_the_package_runs_pytest_without_a_warning(tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it(): pass\n")
    program = "import microjoule, pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider']))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    assert "microjoule" not in done.stdout


def test_a_run_without_measurements_loads_nothing_heavy(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {n for n in sys.modules if n.startswith('microjoule.')}\n"
        "    assert not {'numpy', 'pyarrow', 'microjoule._native'} & set(sys.modules)\n"
        "    assert not {n for n in ours if 'measuring' in n or 'report' in n or 'energy' in n}, ours\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:hypothesispytest", "-p", "no:cacheprovider", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
