"""A flame graph as a page, for speedscope, as collapsed lines and for pprof: one tree, one total."""

import copy
import gzip
import html
import json
import re
from pathlib import Path

import pytest
from chromium import PROGRAM, Chromium
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import microjoule as uj
from microjoule.errors import CannotWrite
from microjoule.plugins.profiles import readers
from microjoule.plugins.profiles.attribute import Asked
from microjoule.plugins.profiles.functions import functions
from microjoule.report import flame
from microjoule.report.flame_stacks import own_uj

FOLDER = Path(__file__).parents[2] / "recorded" / "stacks"
HOSTILE = '</script><img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def found():
    trace = uj.load(FOLDER / "perf.arrows")
    plain = functions(trace, readers.read(FOLDER / "perf.script.gz"), Asked()).plain
    next(row for row in plain["frames"] if row["name"] == "hot")["name"] = HOSTILE
    return {**plain, "title": "./victim 70", "notes": ["A note."], "sampler": "perf"}


@pytest.fixture(scope="module")
def whole(found):
    return round(found["measured"]["value"] * 1e6)


def test_every_form_adds_up_to_what_was_measured(found, whole):
    assert sum(own_uj(found)) == whole
    lines = flame.FORMS[".folded"](found).splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == whole
    assert any(line.startswith("victim;") and ";main;cold" in line for line in lines)
    scope = json.loads(flame.FORMS[".json"](found))
    (profile,) = scope["profiles"]
    assert sum(profile["weights"]) == profile["endValue"] == whole
    names = [each["name"] for each in scope["shared"]["frames"]]
    assert len(profile["samples"]) == len(profile["weights"]) == len(lines)
    assert names[profile["samples"][0][0]] == "victim"
    values = [dict(zip(("samples", "energy"), each[1], strict=True)) for each in pprofs(found)]
    assert sum(each["energy"] for each in values) == whole
    assert sum(each["samples"] for each in values) == found["samples"]


def pprofs(found):
    """Stack (outermost first) and values of each sample, by protobuf's own reader."""
    profile = message().FromString(gzip.decompress(flame.FORMS[".pb.gz"](found)))
    texts = profile.string_table
    assert texts[0] == ""
    assert [(texts[each.type], texts[each.unit]) for each in profile.sample_type] == [
        ("samples", "count"),
        ("energy", "microjoules"),
    ]
    functions_ = {each.id: texts[each.name] for each in profile.function}
    locations = {each.id: functions_[each.line[0].function_id] for each in profile.location}
    for each in profile.sample:
        yield [locations[number] for number in each.location_id][::-1], list(each.value)


def test_pprof_has_the_stacks_of_the_collapsed_lines(found):
    lines = [line.rpartition(" ") for line in flame.FORMS[".folded"](found).splitlines()]
    mine = {(";".join(stack).replace(HOSTILE, "?"), values[1]) for stack, values in pprofs(found)}
    theirs = {(stack.replace(HOSTILE, "?"), int(energy)) for stack, _, energy in lines}
    assert mine == theirs


# Of https://github.com/google/pprof/blob/main/proto/profile.proto: the fields that are written.
FIELDS = {
    "ValueType": [("type", 1, "int64"), ("unit", 2, "int64")],
    "Sample": [("location_id", 1, "uint64*"), ("value", 2, "int64*")],
    "Line": [("function_id", 1, "uint64")],
    "Location": [("id", 1, "uint64"), ("line", 4, "Line*")],
    "Function": [("id", 1, "uint64"), ("name", 2, "int64"), ("system_name", 3, "int64")],
    "Profile": [
        ("sample_type", 1, "ValueType*"),
        ("sample", 2, "Sample*"),
        ("location", 4, "Location*"),
        ("function", 5, "Function*"),
        ("string_table", 6, "string*"),
        ("time_nanos", 9, "int64"),
        ("duration_nanos", 10, "int64"),
        ("period_type", 11, "ValueType"),
        ("period", 12, "int64"),
        ("default_sample_type", 14, "int64"),
    ],
}


def message():
    file = descriptor_pb2.FileDescriptorProto(name="profile.proto", package="p", syntax="proto3")
    kinds = {"int64": 3, "uint64": 4, "string": 9}
    for name, fields in FIELDS.items():
        added = file.message_type.add(name=name)
        for field, number, kind in fields:
            word = kind.rstrip("*")
            label = 3 if kind.endswith("*") else 1
            one = added.field.add(name=field, number=number, label=label, type=kinds.get(word, 11))
            if word not in kinds:
                one.type_name = f".p.{word}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("p.Profile"))


def test_the_page_reaches_for_nothing_and_holds_no_foreign_markup(found):
    page = flame.FORMS[".html"](found)
    assert "default-src 'none'" in html.unescape(page)
    assert HOSTILE not in page
    assert page.count("<script") == 2
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "A note." in page
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    frames = data["frames"]
    assert frames[0][2] == pytest.approx(found["measured"]["value"])
    children = {}
    for _, parent, joules, *_ in frames[1:]:
        children[parent] = children.get(parent, 0.0) + joules
    assert children[0] == pytest.approx(frames[0][2], rel=1e-6)
    # No frame is wider than the one around it.
    assert all(joules <= frames[parent][2] * (1 + 1e-9) for parent, joules in children.items())


@pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
def test_in_a_browser_frames_zoom_and_are_found(found, tmp_path):
    path = tmp_path / "f.html"
    flame.write(found, path)
    with Chromium(tmp_path) as page:
        page.open(path)
        width = "document.querySelector('#graph').clientWidth"
        of = "[...document.querySelectorAll('.frame')].filter(f => f.textContent === 'victim')[0]"
        share = page.value(f"{of}.offsetWidth / {width}")
        victim = next(row for row in found["frames"] if row["name"] == "victim")
        assert share == pytest.approx(victim["energy"]["value"] / found["measured"]["value"], abs=0.01)
        assert "±" in page.value(f"{of}.title")
        page.value(f"{of}.click()")
        assert page.value(f"{of}.offsetWidth") == pytest.approx(page.value(width), abs=2)
        page.value("document.querySelector('#back').click()")
        find = "document.querySelector('#find')"
        page.value(f"{find}.value = 'cold'; {find}.dispatchEvent(new Event('input'))")
        assert page.value("document.querySelectorAll('.frame.match').length") > 0
        assert "%" in page.value("document.querySelector('#found').textContent")
        assert page.complaints == []
        assert all(each.startswith(("file:", "data:")) for each in page.requests)


def test_a_name_without_a_form_is_refused(found, tmp_path):
    with pytest.raises(CannotWrite, match="does not end in a known flame graph format") as caught:
        flame.write(found, tmp_path / "f.png")
    assert ".html" in caught.value.remedy
    with pytest.raises(CannotWrite, match="Cannot write"):
        flame.write(found, tmp_path / "no" / "f.html")


def test_lines_fit_eighty_columns_and_begin_with_the_answer(found):
    lines = flame.lines(found)
    assert lines[0].startswith(f"./victim 70: {found['channel']} used ")
    assert max(map(len, lines)) <= 80
    wide = copy.deepcopy(found)
    for each in wide["functions"]:
        each["name"], each["samples"] = "f" * 40, 123_456_789
        for energy in (each["energy"], *([each["own"]["energy"]] if each["own"] else ())):
            energy.update(value=43.71, U=0.03, guaranteed=[43.0, 44.0])
    assert max(map(len, flame.lines(wide))) <= 80
