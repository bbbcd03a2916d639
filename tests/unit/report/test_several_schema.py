"""The JSON Schemas of documents of several traces describe what the commands write, field by field."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
from referencing import Registry, Resource

import microjoule
from microjoule.cli import main

FOLDER = Path(microjoule.__file__).parent / "report"
GOLDEN = Path(__file__).parents[2] / "golden"
SCHEMAS = {path.name: json.loads(path.read_text()) for path in FOLDER.glob("*.schema.json")}
REGISTRY = Registry().with_resources((one["$id"], Resource.from_contents(one)) for one in SCHEMAS.values())
FORMS = {
    "reports.schema.json": ["--each"],
    "project.schema.json": ["--until", "accuracy>=0.5"],
}
PLACES = {
    "reports.schema.json": [(), ("engine",), ("traces", 0), ("windows", 0)],
    "project.schema.json": [(), ("runs", 0), ("runs", 0, "energy"), ("total",), ("sums", 0)],
}


def valid(found, name):
    jsonschema.Draft202012Validator(SCHEMAS[name], registry=REGISTRY).validate(found)


def written(folder, *words):
    assert main(["report", *map(str, words), "--json", str(folder / "r.json")]) == 0
    return json.loads((folder / "r.json").read_text())


@pytest.fixture(scope="module", params=FORMS)
def document(request, tmp_path_factory):
    """A document of two traces, and the name of its schema."""
    folder = tmp_path_factory.mktemp("several")
    traces = [GOLDEN / f"{name}.arrows" for name in ("marks", "estimated")]
    return written(folder, *traces, *FORMS[request.param]), request.param


@pytest.mark.parametrize("trace", sorted(path.stem for path in GOLDEN.glob("*.arrows")))
def test_the_report_of_every_kind_of_trace_is_valid(tmp_path, trace):
    valid(written(tmp_path, GOLDEN / f"{trace}.arrows", "--zone", "DE"), "report.schema.json")


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one(name):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_what_is_written_of_several_traces_is_valid(document):
    found, name = document
    valid(found, name)
    assert SCHEMAS[name]["$id"] == found["schema"].replace("microjoule.", "urn:microjoule:")


def test_a_total_of_one_trace_is_valid_and_has_the_energy_of_its_report(tmp_path):
    found = written(tmp_path, GOLDEN / "marks.arrows", "--total")
    valid(found, "project.schema.json")
    whole = written(tmp_path, GOLDEN / "marks.arrows")["whole"]
    assert found["total"]["energy"]["energy_j"] == pytest.approx(whole["total"]["energy_j"], rel=1e-12)


def test_a_total_with_an_unreadable_file_is_valid(tmp_path):
    (tmp_path / "broken.arrows").write_bytes(b"no trace")
    out = tmp_path / "r.json"
    words = [str(GOLDEN / "marks.arrows"), str(tmp_path / "broken.arrows"), "--json", str(out)]
    assert main(["report", *words]) == 1
    found = json.loads(out.read_text())
    valid(found, "project.schema.json")
    assert found["n_unreadable"] == 1
    assert found["total"]["energy"]["energy_j"] is None


def test_each_keeps_the_total_of_each_trace(tmp_path):
    paths = [Path(shutil.copy(GOLDEN / f"{name}.arrows", tmp_path)) for name in ("marks", "estimated")]
    found = written(tmp_path, *paths, "--each")
    wholes = [written(tmp_path, path)["whole"] for path in paths]
    assert [each["whole"] for each in found["traces"]] == wholes
    assert {row["trace"] for row in found["by_name"]} <= {str(path) for path in paths}


@pytest.mark.parametrize("name", FORMS)
def test_a_field_that_the_schema_lacks_is_refused_and_one_that_is_missing_too(tmp_path, name):
    """So that a new field is described where it is added."""
    traces = [GOLDEN / f"{trace}.arrows" for trace in ("marks", "estimated")]
    text = json.dumps(written(tmp_path, *traces, *FORMS[name]))
    for path in PLACES[name]:
        for change in (lambda at: at.update(new=1), lambda at: at.pop(next(iter(at)))):
            found = json.loads(text)
            at = found
            for key in path:
                at = at[key]
            change(at)
            with pytest.raises(jsonschema.ValidationError):
                valid(found, name)
