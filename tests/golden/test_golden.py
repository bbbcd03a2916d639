"""The files of this folder open, and give the energies that they must give: the promise of the format."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

import microjoule as uj
from golden.write import main
from microjoule.errors import TraceError
from microjoule.trace import schema

HERE = Path(__file__).parent
EXPECTED = json.loads((HERE / "energies.json").read_text(encoding="utf-8"))
NEAR = 0.01  # of the truth; and what a step of power moves by, placed half an update off
UPDATE_J = 0.15
ESTIMATED = 0.2  # CPU time comes in hundredths of a second


def test_there_is_a_file_of_each_kind():
    """RAPL through three interfaces, NVML, estimated, marks, truncated; none without its energies."""
    kinds = {"rapl_perf", "powercap", "rapl_msr", "nvml", "estimated", "marks", "truncated"}
    assert set(EXPECTED) == kinds == {path.stem for path in HERE.glob("*.arrows")}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_file_gives_its_energies(name):
    expected, trace = EXPECTED[name], uj.load(HERE / f"{name}.arrows")
    assert trace.is_truncated == expected["is_truncated"]
    written = [name for name in trace.table["channel"].to_pylist() if name not in schema.CHECKS]
    assert len(written) == expected["rows"] or trace.is_truncated
    assert trace.damage == ()
    found = {(window.name, window.t0_ns): window for window in trace.windows}
    for wanted in expected["windows"]:
        window = found[wanted["name"], wanted["t0_ns"]]
        assert window.is_open == wanted["is_open"]
        assert dict(window.attributes) == wanted["attributes"]
        assert window.t1_ns == wanted["t1_ns"] or window.is_open
        energies = trace.energy(window)
        assert list(energies.total.channels) == expected["total"]
        for channel, energy_j in wanted["energies"].items():
            one = energies[channel]
            is_estimated = trace.channels[channel].trust.model is not None
            assert (one.status, one.provenance == "measured") == ("ok", not is_estimated)
            assert one.low <= energy_j <= one.high
            slack_j = ESTIMATED if is_estimated else NEAR * energy_j + UPDATE_J
            assert one.value == pytest.approx(energy_j, abs=slack_j)


def test_three_interfaces_of_one_register_agree():
    """To a count, though each shows it in its own way."""
    perf, powercap, msr = (uj.load(HERE / f"{name}.arrows") for name in ("rapl_perf", "powercap", "rapl_msr"))
    for window in ("rest", "work"):
        one, two, three = (trace.energy(window)["package-0"].value for trace in (perf, powercap, msr))
        assert two == pytest.approx(three, abs=2**-14)
        assert one == pytest.approx(three, abs=2**-13)


def readings_and_marks(path):
    """The rows of a file but the recorder's account of itself, to which versions add, and the checksums."""
    table = pa.ipc.open_stream(path).read_all().to_pylist()
    return [
        row
        for row in table
        if not row["channel"].startswith("@engine/") and row["channel"] not in schema.CHECKS
    ]


def test_the_script_writes_what_is_kept(tmp_path):
    """So it can be read to see what is in the files; their readings and marks, that is."""
    main(tmp_path)
    assert json.loads((tmp_path / "energies.json").read_text(encoding="utf-8")) == EXPECTED
    for name in set(EXPECTED) - {"truncated"}:
        kept, written = (readings_and_marks(folder / f"{name}.arrows") for folder in (HERE, tmp_path))
        assert kept == written


@pytest.mark.parametrize(("version", "remedy"), [(1, "Record again"), (3, "pip install --upgrade")])
def test_a_file_of_another_format_says_what_to_do(tmp_path, version, remedy):
    with pa.ipc.open_stream(HERE / "marks.arrows") as stream:
        table = stream.read_all()
    metadata = {**table.schema.metadata, schema.KEY_FORMAT: str(version).encode()}
    path = tmp_path / "other.arrows"
    with pa.ipc.new_stream(path, table.schema.with_metadata(metadata)) as writer:
        writer.write_table(table.replace_schema_metadata(metadata))
    with pytest.raises(TraceError, match=f"{path} is in trace format {version}.* format 2") as caught:
        uj.load(path)
    assert remedy in caught.value.remedy
