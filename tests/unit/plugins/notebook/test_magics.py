"""The magics in a real IPython shell, on a scripted machine of 45 W."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from scripted import DRAM_W, PACKAGE_W, machine

from microjoule.errors import BadMagic
from microjoule.plugins.notebook.options import parsed

pytest.importorskip("IPython", reason="IPython is not installed: pip install 'microjoule[notebook]'")

TOTAL_W = PACKAGE_W + DRAM_W
EXAMPLE = Path(__file__).parents[4] / "examples" / "notebook.ipynb"


@pytest.fixture(scope="module")
def started():
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    quiet = Config(HistoryManager={"enabled": False}, InteractiveShell={"colors": "nocolor"})
    made = InteractiveShell(config=quiet)
    made.run_line_magic("load_ext", "microjoule")
    yield made
    made.run_line_magic("unload_ext", "microjoule")
    assert "energy" not in made.magics_manager.magics["cell"]


@pytest.fixture
def shell(started):
    started.reset(new_session=False)
    return started


@pytest.fixture
def reading(tmp_path):
    return f"--source script --root {machine(tmp_path / 'root')}"


def holds(estimate, truth):
    return abs(estimate.value - truth) <= 1.5 * estimate.U + 1e-9


class Texts(HTMLParser):
    """The texts of a page, and its elements, each of which must end."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.tags, self._open = [], [], []
        self.feed(page)
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_in_a_job_each_cell_has_its_own_figure_and_paths_have_places(shell, reading, tmp_path, monkeypatch):
    job = {
        "TORCHELASTIC_RUN_ID": "k1",
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "2",
        "MICROJOULE_NODE": "n1",
    }
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    for seconds in (0.1, 0.4):
        done = shell.run_cell(
            f"%%energy {reading} --trace {tmp_path}/{{node}}.arrows --to used\n"
            f"import time\ntime.sleep({seconds})"
        )
        used = shell.user_ns["used"]
        assert done.success
        assert seconds <= used.window.duration_ns / 1e9
        assert holds(used.energy.total, TOTAL_W * used.window.duration_ns / 1e9)
    assert sorted(each.name for each in tmp_path.glob("*.arrows")) == ["n1.1.arrows", "n1.arrows"]


def test_a_cell_runs_once_as_it_is_and_its_energy_and_power_are_kept(shell, reading):
    done = shell.run_cell(
        f"%%energy {reading} --name '<i>nap' --to used\n"
        "import time, microjoule as uj\n"
        "count = globals().get('count', 0) + 1\n"
        "with uj.window('half'): time.sleep(0.1)\n"
        "time.sleep(0.1)\n"
    )
    used = shell.user_ns["used"]
    assert done.success
    assert done.result is used
    assert shell.user_ns["count"] == 1
    seconds = used.window.duration_ns / 1e9
    assert holds(used.energy.total, TOTAL_W * seconds)
    assert [window.name for window in used.trace.windows] == ["<i>nap", "half"]
    for steps, name in zip(used.power, ("package-0", "package-0/dram"), strict=True):
        assert steps["name"] == name
        joules = sum(
            watts * (to - since)
            for watts, since, to in zip(
                steps["power_w"], steps["edges_s"], steps["edges_s"][1:], strict=False
            )
        )
        # The window's own figure knows that power steps at its marks; the picture of the power does not.
        assert joules == pytest.approx(used.energy[name].value, abs=used.energy[name].U)
    page = Texts(used._repr_html_())
    assert "i" not in {tag for tag, _ in page.tags}
    assert any("<i>nap" in text for text in page.texts)
    assert sum(tag == "path" for tag, _ in page.tags) == 3 + 2  # rules, and a line a channel


def test_a_statement_is_repeated_and_its_line_may_be_assigned(shell, reading):
    done = shell.run_cell(
        f"found = %energy {reading} --rel 10% --max-time 500ms --name nap __import__('time').sleep(0.002)"
    )
    found = shell.user_ns["found"]
    assert done.success
    assert (found.name, found.rel) == ("nap", 0.1)
    assert holds(found.power, TOTAL_W)
    text = shell.display_formatter.format(found)[0]
    assert text["text/plain"].startswith("nap: ")
    assert "a call, total of package-0 + package-0/dram" in text["text/html"]


def test_a_cell_with_a_target_is_repeated_and_a_line_with_once_is_not(shell, reading):
    shell.user_ns["calls"] = calls = []
    shell.run_cell(f"%%energy {reading} --rel 20% --max-time 10s --to often\ncalls.append(0)\n")
    assert len(calls) > 100
    assert shell.user_ns["often"].rel == 0.2
    del calls[:]
    shell.run_cell(f"%energy {reading} --once calls.append(0)")
    assert len(calls) == 1


def test_where_only_a_model_is_at_hand_a_cell_says_so_and_a_statement_is_refused(shell, capsys):
    done = shell.run_cell("%%energy --source cpu_time --to used\nsum(range(100000))\n")
    assert done.success
    assert "estimated" in shell.user_ns["used"]._repr_html_()
    shell.run_cell("%energy --source cpu_time 1 + 1")
    assert "No energy counter is readable here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%energy --rell 1 x", "unrecognized arguments: --rell"),
        ("%energy --rel x y", "'x' is not a share: write 0.01 or 1%"),
        ("%energy --rel 1% --once x", "--once and --rel exclude each other"),
        ("%energy", "There is no code to measure"),
        ("%%energy x = 1\ny = 2", "%%energy does not know 'x = 1'"),
        ("%energy --to 1x y", "'1x' is not a variable name"),
        ("%energy --source nothing --once 1", "nothing"),
    ],
)
def test_a_wrong_line_is_one_sentence_and_no_traceback(shell, capsys, cell, sentence):
    done = shell.run_cell(cell)
    said = "".join(capsys.readouterr())
    assert not done.success
    assert sentence in said
    assert "Traceback" not in said


def test_a_cell_that_fails_fails_under_the_magic_too(shell, reading, capsys):
    """Or "Run all" and nbconvert go on. Its traceback is shown once, and no figure is given."""
    outcome = shell.run_cell(f"%%energy {reading} --to used\n1 / 0\n")
    assert not outcome.success
    assert isinstance(outcome.error_in_exec, ZeroDivisionError)
    assert "".join(capsys.readouterr()).count("ZeroDivisionError: division by zero") == 1
    assert "used" not in shell.user_ns
    assert not shell.run_cell(f"%%energy {reading}\n1 +\n").success


def test_a_semicolon_at_the_end_silences_a_cell(shell, reading):
    assert shell.run_cell(f"%%energy {reading}\n1 + 1\n").result is not None
    assert shell.run_cell(f"%%energy {reading}\n1 + 1;\n").result is None


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("--rel 1% f('--rel  2')", "f('--rel  2')"),
        ("--name 'two words' -x", "-x"),
        ("--once\tx  +  y", "x  +  y"),
        ("--max-time=2m  a", "a"),
    ],
)
def test_a_statement_stands_as_it_was_written(line, statement):
    assert parsed(line)[1] == statement


def test_an_option_s_value_is_read():
    given, rest = parsed("--name 'two words' --max-time 500ms --source script --source rapl_perf")
    assert (given.name, given.max_time, given.source, rest) == ("two words", 0.5, ["script", "rapl_perf"], "")
    with pytest.raises(BadMagic, match="duration"):
        parsed("--max-time 0s x")


def code_cells(reading):
    for cell in json.loads(EXAMPLE.read_text())["cells"]:
        if cell["cell_type"] == "code":
            yield re.sub(r"(?m)^(%+energy)", rf"\1 {reading}", cell["source"])


def test_the_example_notebook_runs(shell, reading):
    for cell in code_cells(reading):
        done = shell.run_cell(cell)
        assert done.success, cell
        if done.result is not None:
            shell.display_formatter.format(done.result)
    assert shell.user_ns["used"].energy.total.is_ok


def test_the_example_notebook_runs_in_a_kernel(reading, tmp_path):
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbformat = pytest.importorskip("nbformat")
    book = nbformat.read(EXAMPLE, as_version=4)
    for cell, source in zip(
        (c for c in book.cells if c.cell_type == "code"), code_cells(reading), strict=True
    ):
        cell.source = source
    nbclient.NotebookClient(book, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", []) if "data" in output]
    pages = [output.data.get("text/html", "") for output in shown]
    assert sum("<svg" in page for page in pages) == 1
    assert all("<table" in page for page in pages)
    assert len(pages) == 6
