"""A source, a report, an emitter and a reader are one file and one entry each: added to a copy, and used."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import microjoule

INSTALLED = Path(microjoule.__file__).parent
REPOSITORY = Path(__file__).parents[1]
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.pyc")

SOURCE = '''"""A meter in a wall socket, as a text file of microjoules."""

from fractions import Fraction

from ..channel import Access, Channel, Place, Role, Scale, Timing, Trust
from .machine import Machine
from .survey import Cause, Obstacle, Survey

NAME = "socket"
READERS = "everyone"


def survey(machine: Machine) -> Survey:
    """The meter, where there is one."""
    path = machine.root / "socket_uj"
    if not path.exists():
        return Survey(NAME, READERS, obstacles=(Obstacle(Cause.NO_HARDWARE, f"there is no {path}"),))
    channel = Channel(
        id="meter-0/energy",
        place=Place(device="meter", number=0, role=Role.PLATFORM),
        hw_type="power_meter",
        source=NAME,
        lane=NAME,
        scale=Scale(quantity="J", unit=Fraction(1, 1_000_000), unit_source="interface"),
        timing=Timing(update_ns=1_000_000, update_max_ns=5_000_000, rate_max_hz=50.0),
        trust=Trust(power_limit_w=3000.0),
        access=Access(reader="text", path=str(path)),
    )
    return Survey(NAME, READERS, channels=(channel,))
'''

RENDER = '''"""A report of one line."""


def render(summary):
    """The window's name and its joules."""
    window = summary["windows"][0]
    return f"{window['name']} {window['total']['energy_j']}\\n"
'''

READER = """/* SPDX-License-Identifier: Apache-2.0
 *
 * Counts its reads, a joule each: a device that nobody has. */
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "error.h"
#include "reader.h"

struct steps_state {
    size_t n;
    uint64_t count;
    uint16_t codes[];
};

static int steps_open(const struct uj_channel *channels, size_t n, void **out, struct uj_error *err)
{
    struct steps_state *state = calloc(1, sizeof *state + n * sizeof *state->codes);
    if (state == NULL)
        return uj_fail(err, ENOMEM, "open", "steps channels");
    state->n = n;
    for (size_t i = 0; i < n; i++)
        state->codes[i] = channels[i].code;
    *out = state;
    return 0;
}

static void steps_read(void *opened, struct uj_sample *rows)
{
    struct steps_state *state = opened;
    state->count++;
    for (size_t i = 0; i < state->n; i++)
        rows[i] = (struct uj_sample){.t_ns = uj_now_ns(), .raw = state->count,
                                     .sensor_ns = UJ_NO_SENSOR_TIME, .channel = state->codes[i]};
}

static void steps_close(void *opened) { free(opened); }

const struct uj_reader uj_reader_steps = {"steps", steps_open, steps_read, steps_close, NULL};
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, native half and all."""
    return Path(shutil.copytree(INSTALLED, tmp_path / "copy" / "microjoule", ignore=NOT_SOURCE))


def changed(copy: Path, original: Path) -> list[str]:
    """The files of a copy that are new or not as they were, and those that are gone."""
    names = {
        path.relative_to(folder)
        for folder in (copy, original)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    return sorted(
        str(name)
        for name in names
        if not (copy / name).exists()
        or not (original / name).exists()
        or not filecmp.cmp(copy / name, original / name, shallow=False)
    )


def put(path: Path, before: str, after: str) -> None:
    """Replaces text that a file has once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, (path, before)
    path.write_text(text.replace(before, after), encoding="utf-8")


def uj(package: Path, *words: object, root: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command of the copy, and of no other."""
    environment = {**os.environ, "PYTHONPATH": str(package.parent), "PYTHONDONTWRITEBYTECODE": "1"}
    program = (
        "import sys, microjoule; from microjoule.cli import main\n"
        f"assert microjoule.__file__.startswith({str(package)!r}), microjoule.__file__\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        capture_output=True, text=True, timeout=120, env=environment, cwd=root or package.parent,
    )  # fmt: skip


def test_a_source_is_one_file_and_one_entry(package: Path, tmp_path: Path) -> None:
    (package / "sources/socket_meter.py").write_text(SOURCE, encoding="utf-8")
    registry = package / "sources/__init__.py"
    put(registry, "    cpu_time,\n    script,\n", "    cpu_time,\n    socket_meter,\n    script,\n")
    put(registry, "from . import (\n", "from . import (\n    socket_meter,\n")
    assert changed(package, INSTALLED) == ["sources/__init__.py", "sources/socket_meter.py"]

    root = tmp_path / "root"
    root.mkdir()
    (root / "socket_uj").write_text("5000000\n")
    probed = json.loads(uj(package, "probe", "--json", "--root", root).stdout)
    (found,) = [one for one in probed["sources"] if one["source"] == "socket"]
    assert [channel["id"] for channel in found["channels"]] == ["meter-0/energy"]

    trace = tmp_path / "t.arrows"
    ran = uj(package, "run", "--source", "socket", "--root", root, "-o", trace, "--", "sleep", "0.2")
    assert ran.returncode == 0, ran.stderr
    reported = json.loads(uj(package, "report", trace, "--json", "-").stdout)
    assert reported["windows"][0]["total"]["channels"] == ["meter-0/energy"]
    assert "behind the meter" in reported["windows"][0]["total"]["covers"]
    assert reported["facts"]["lanes"]["socket"]["rate_hz"] == 50.0


def recorded(package: Path, tmp_path: Path) -> Path:
    """A short trace of CPU time, or of what else there is."""
    ran = uj(package, "run", "-o", tmp_path / "t.arrows", "--source", "cpu_time", "--", "sleep", "0.1")
    assert ran.returncode == 0, ran.stderr
    return tmp_path / "t.arrows"


def test_a_report_is_one_file_and_one_entry_and_the_command_lists_it(package: Path, tmp_path: Path) -> None:
    (package / "report/one_line.py").write_text(RENDER, encoding="utf-8")
    registry = package / "report/__init__.py"
    put(
        registry,
        '"budget": budget_table.render',
        '"budget": budget_table.render, "one-line": one_line.render',
    )
    put(registry, "as_text, budget_table\n", "as_text, budget_table, one_line\n")
    assert changed(package, INSTALLED) == ["report/__init__.py", "report/one_line.py"]
    assert "one-line" in uj(package, "report", "--help").stdout
    written = uj(package, "report", recorded(package, tmp_path), "--as", "one-line")
    name, energy_j = written.stdout.split()
    assert (name, float(energy_j) >= 0) == ("run", True)


def test_an_emitter_is_one_file_and_one_entry_and_the_command_lists_it(package: Path, tmp_path: Path) -> None:
    (package / "report/emitters/one_line.py").write_text(RENDER, encoding="utf-8")
    registry = package / "report/emitters/__init__.py"
    entry = '        "markdown": markdown.render,\n'
    put(registry, entry, entry + '        "one-line": one_line.render,\n')
    put(registry, "latex, markdown, sci", "latex, markdown, one_line, sci")
    assert changed(package, INSTALLED) == ["report/emitters/__init__.py", "report/emitters/one_line.py"]
    assert "one-line" in uj(package, "emit", "--help").stdout
    written = uj(package, "emit", "one-line", recorded(package, tmp_path))
    assert written.stdout.startswith("run ")


@pytest.mark.slow
def test_a_reader_is_one_file_and_one_line(tmp_path: Path) -> None:
    """The extension is built of the copy; a machine whose channel asks for the reader is then recorded."""
    copy = tmp_path / "copy"
    for folder in ("csrc", "src"):
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=NOT_SOURCE)
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPOSITORY / name, copy)
    (copy / "csrc/reader_steps.c").write_text(READER, encoding="utf-8")
    put(copy / "csrc/readers.c", "    X(script)", "    X(steps) \\\n    X(script)")
    assert changed(copy / "csrc", REPOSITORY / "csrc") == ["reader_steps.c", "readers.c"]
    assert changed(copy / "src", REPOSITORY / "src") == []

    built = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        capture_output=True, text=True, cwd=copy, timeout=600,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    package = copy / "src/microjoule"

    root = tmp_path / "root"
    root.mkdir()
    (root / "device").touch()
    channel = {
        "id": "meter-0/energy", "place": {"device": "meter", "number": 0, "role": "platform"},
        "hw_type": "power_meter", "source": "script", "lane": "steps",
        "scale": {"quantity": "J", "unit": [1, 1], "unit_source": "interface"},
        "timing": {"update_ns": 1_000_000, "update_max_ns": 2_000_000},
        "trust": {"power_limit_w": 1e6}, "access": {"reader": "steps", "path": "device"},
    }  # fmt: skip
    (root / "microjoule.json").write_text(json.dumps({"channels": [channel]}))
    trace = tmp_path / "t.arrows"
    ran = uj(package, "run", "--source", "script", "--root", root, "-o", trace, "--", "sleep", "0.2")
    assert ran.returncode == 0, ran.stderr
    reported = json.loads(uj(package, "report", trace, "--json", "-").stdout)
    assert reported["facts"]["left_out"] == {}
    assert reported["windows"][0]["total"]["energy_j"] > 10
