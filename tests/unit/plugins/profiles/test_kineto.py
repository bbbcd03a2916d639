"""Kineto's profiles read piece by piece, and written back with events added."""

import gzip
import io
import json
from pathlib import Path

import gpu_profile
import pytest
from gpu_profile import BASE_NS, document, event, events_of, kernel
from hypothesis import given
from hypothesis import strategies as st

from microjoule.errors import ProfileError
from microjoule.plugins.profiles import chrome
from microjoule.plugins.profiles.chrome import Document
from microjoule.plugins.profiles.kinds import KERNELS, RANGES
from microjoule.plugins.profiles.kineto import read
from microjoule.plugins.profiles.write_back import write_back

RECORDED = Path(__file__).parents[3] / "recorded" / "torch_cpu" / "profile.json.gz"
T = BASE_NS + 5_000_000_123


def test_a_recorded_profile_is_what_json_says_it_is():
    whole = json.loads(gzip.decompress(RECORDED.read_bytes()))
    mine = read(RECORDED)
    of_cpu = [e for e in whole["traceEvents"] if e.get("cat") in ("cpu_op", "user_annotation")]
    found = events_of(mine)
    assert len(mine.events) == len(found.name) == len(of_cpu) > 1000
    assert mine.source.host == whole["host_name"]
    of_cpu.sort(key=lambda e: (round(e["ts"] * 1000), -round(e["dur"] * 1000)))
    for row, e in enumerate(of_cpu):
        assert found.names[found.name[row]] == e["name"]
        assert found.t0_ns[row] == whole["baseTimeNanoseconds"] + round(e["ts"] * 1000)
    assert mine.source.process not in {e.get("pid") for e in whole["traceEvents"]}


def test_a_gpu_profile_keeps_devices_streams_and_nanoseconds(tmp_path):
    rows = [
        kernel("gemm", T, T + 5001),
        kernel("copy", T, T + 9, device=1, stream=20, category="gpu_memcpy"),
        event("user_annotation", "ProfilerStep#17", T, T + 10_000),
        event("user_annotation", "ProfilerStep#18", T + 10_000, T + 20_000),
        event("python_function", "ignored", T, T + 1),
    ]
    found = read(gpu_profile.write(tmp_path / "p.json", document(rows)))
    kernels = events_of(found, KERNELS, 0)
    assert [found.names[n] for n in kernels.name] == ["gemm"]
    assert (int(kernels.t0_ns[0]), int(kernels.t1_ns[0])) == (T, T + 5001)
    assert len(events_of(found, KERNELS).name) == 2
    assert {found.names[n] for n in events_of(found, RANGES).name} == {"ProfilerStep#*"}


def test_timestamps_without_a_base_count_from_1970(tmp_path):
    whole = document([event("cpu_op", "mm", BASE_NS + 64_000, BASE_NS + 128_000)])
    del whole["baseTimeNanoseconds"]
    for row in whole["traceEvents"]:
        row["ts"] += BASE_NS / 1000
    found = read(gpu_profile.write(tmp_path / "p.json", whole))
    assert abs(int(events_of(found).t0_ns[0]) - BASE_NS - 64_000) < 300  # as fine as a float can be


def test_a_bare_array_of_events_is_a_profile_too(tmp_path):
    rows = [event("cpu_op", "mm", 10**18, 10**18 + 500)]
    rows[0]["ts"] = 10**15
    found = read(gpu_profile.write(tmp_path / "p.json", json.dumps(rows)))
    assert int(events_of(found).t0_ns[0]) == 10**18


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.text(), values, max_size=3),
    st.lists(st.dictionaries(st.text(), values, max_size=3), max_size=4),
    st.integers(1, 40),
    st.booleans(),
)
def test_reading_in_pieces_of_any_size_is_reading_whole(head, events, size, is_ascii):
    head.pop("traceEvents", None)
    text = json.dumps({**head, "traceEvents": events, "after": 1}, ensure_ascii=is_ascii).encode()
    chunk, chrome._CHUNK = chrome._CHUNK, size
    try:
        whole = Document(io.BytesIO(text), Path("p"))
        found = list(whole.events())
    finally:
        chrome._CHUNK = chunk
    # The text is read byte by byte, so that a name that was not escaped is decoded where it is used.
    if not is_ascii:
        found = json.loads(json.dumps(found, ensure_ascii=False).encode("latin-1"))
    assert found == events
    assert text[whole.events_end : whole.events_end + 1] == b"]"


BAD = {
    "empty": ("", "is empty"),
    "no JSON": ("hello", "is not a Chrome trace"),
    "a number": ("17", "is not a Chrome trace"),
    "other JSON": ('{"a": 1}', "without traceEvents"),
    "no event": ('{"traceEvents": []}', "contains no events"),
    "no event of use": ('{"traceEvents": [{"ph": "i", "ts": 1}]}', "no kernel, operator or annotated range"),
    "nested too deeply": ('{"traceEvents": [{"args": ' + "[" * 100_000, "nests too deeply"),
    "nested too deeply from the start": ("[" * 100_000, "not a Chrome trace"),
    "cut in an event": (json.dumps(document([kernel("k", T, T + 1)]))[:400], "ends in the middle"),
    "cut in a string": ('{"traceEvents": [{"ph": "X', "ends in the middle"),
    "cut before its end": (json.dumps(document([kernel("k", T, T + 1)]))[:-1], "ends in the middle"),
    "damaged": ('{"traceEvents": [' + " " * 50 + "]; 1" + " " * 100, "no valid JSON near byte"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("name", ["p.json", "p.json.gz"])
def test_what_is_no_profile_is_refused_in_a_sentence(tmp_path, name, text, sentence):
    with pytest.raises(ProfileError, match=sentence) as caught:
        read(gpu_profile.write(tmp_path / name, text))
    assert caught.value.remedy


def test_an_event_that_nests_too_deeply_is_left_out_and_counted():
    deep = '{"args": ' + "[" * 100_000 + "]" * 100_000 + "}"
    found = Document(io.BytesIO(f'{{"traceEvents": [{{"a": 1}}, {deep}, {{"b": 2}}]}}'.encode()), Path("p"))
    assert list(found.events()) == [{"a": 1}, {"b": 2}]
    assert (found.read, found.unreadable) == (3, 1)


def test_a_packed_file_that_was_cut_is_refused(tmp_path):
    path = tmp_path / "p.json.gz"
    path.write_bytes(RECORDED.read_bytes()[:-2000])
    with pytest.raises(ProfileError, match="ends in the middle"):
        read(path)
    with pytest.raises(ProfileError, match="cannot open"):
        read(tmp_path / "none.json")


@pytest.mark.parametrize("suffix", [".json", ".json.gz"])
def test_writing_back_leaves_every_byte_and_adds_the_events(tmp_path, suffix):
    original = gzip.decompress(RECORDED.read_bytes())
    target = tmp_path / f"out{suffix}"
    added = ',\n{"ph":"C","pid":1,"name":"µ","ts":1,"args":{"W":2}}'
    write_back(RECORDED, read(RECORDED).source.events_end, [added], target)
    raw = target.read_bytes()
    text = gzip.decompress(raw) if suffix.endswith(".gz") else raw
    assert text.replace(added.encode(), b"") == original
    assert json.loads(text)["traceEvents"][-1]["name"] == "µ"
    assert list(tmp_path.iterdir()) == [target]
