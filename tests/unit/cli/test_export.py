"""``uj export``: files for other tools."""

import gzip

import pyarrow.parquet as pq
import pytest
from ideal import MS, T0, Ideal, rows, square, write
from trace_events import checked, counters

from microjoule.cli import main
from microjoule.joules.energy_trace import load

MARKS = [(T0 + 20 * MS, "@begin", 1, "step"), (T0 + 60 * MS, "@end", 1, "")]


@pytest.fixture
def trace(tmp_path):
    return write(tmp_path / "t.arrows", rows([Ideal(square(20, 100, 0.02), n=200)], MARKS))


def test_a_trace_for_perfetto_is_written_plain_or_packed_and_the_same(capsys, tmp_path, trace):
    plain, packed = tmp_path / "t.json", tmp_path / "t.json.gz"
    assert main(["export", str(trace), "--perfetto", str(plain)]) == 0
    assert main(["export", str(trace), "--perfetto", str(packed)]) == 0
    assert capsys.readouterr() == ("", "")
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    events = checked(plain.read_text())
    assert len(counters(events)["package-0"]) > 190
    assert [event["name"] for event in events["X"] if event["cat"] == "window"] == ["step"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.arrows", "t.json", "t.json.gz"]


def test_data_tools_get_parquet_wide_and_csv_files_and_nothing_is_left_beside_them(tmp_path, trace):
    files = [tmp_path / name for name in ("all.parquet", "ticks.parquet", "all.csv.gz")]
    options = [
        word for pair in zip(("--parquet", "--wide", "--csv"), map(str, files), strict=True) for word in pair
    ]
    assert main(["export", str(trace), *options]) == 0
    assert load(files[0]).energy("step")["package-0"] == load(trace).energy("step")["package-0"]
    assert pq.read_table(files[1]).column_names == ["t_ns", "package-0"]
    assert len(gzip.decompress(files[2].read_bytes()).splitlines()) == load(trace).table.num_rows + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["t.arrows", *(f.name for f in files)])


@pytest.mark.parametrize(
    "name", ["../up", "/tmp/absolute", "a/b", "..", "CON", "=1+1", "new\nline", "x" * 300]
)
def test_no_name_inside_a_trace_becomes_the_name_of_a_file(tmp_path, name):
    """Windows and channels are named by programs: only the files that were asked for are made."""
    folder = tmp_path / "inner"
    folder.mkdir()
    marks = [(T0 + 20 * MS, "@begin", 1, name), (T0 + 60 * MS, "@end", 1, "")]
    channel = name.replace("\n", " ").lstrip("./=")[:60] or "dots"
    path = write(folder / "t.arrows", rows([Ideal(square(20, 100, 0.02), n=200, id=f"../{channel}")], marks))
    asked = {"--perfetto": "p.json", "--parquet": "a.parquet", "--wide": "w.parquet", "--csv": "c.csv"}
    words = [word for option, file in asked.items() for word in (option, str(folder / file))]
    assert main(["export", str(path), *words]) == 0
    html = ["--html", str(folder / "r.html"), "--json", str(folder / "r.json")]
    assert main(["report", str(path), *html]) == 0
    made = {"t.arrows", "r.html", "r.json", *asked.values()}
    assert {each.relative_to(tmp_path).as_posix() for each in tmp_path.rglob("*")} == {
        "inner",
        *(f"inner/{each}" for each in made),
    }


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ([], 2, "No format was named"),
        (["--perfetto", "t.arrows"], 2, "is an input"),
        (["--perfetto", "no/such.json"], 1, "Cannot write"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(
    capsys, tmp_path, trace, monkeypatch, arguments, code, sentence
):
    monkeypatch.chdir(tmp_path)
    before = trace.read_bytes()
    assert main(["export", "t.arrows", *arguments]) == code
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert sentence in err
    assert trace.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.arrows"]
