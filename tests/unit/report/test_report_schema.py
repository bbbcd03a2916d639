"""The JSON Schema of the report describes what the commands write, field by field."""

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from scripted import machine

import microjoule
from microjoule.cli import main

SCHEMA = json.loads((Path(microjoule.__file__).parent / "report" / "report.schema.json").read_text())
PROGRAM = """
import time, microjoule as uj
for number in range(6):
    with uj.window("epoch", number=number, tokens=3):
        with uj.window("step"):
            time.sleep(0.02)
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """A report of windows by name, with a footprint."""
    folder = tmp_path_factory.mktemp("schema")
    words = ["--source", "script", "--root", str(machine(folder)), "--zone", "DE", "--json", "r.json"]
    command = [sys.executable, "-m", "microjoule", "run", *words, "-o", "t.arrows", "--"]
    done = subprocess.run(
        [*command, sys.executable, "-c", PROGRAM],
        cwd=folder,
        env=os.environ,
        timeout=120,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_what_run_and_report_write_is_valid(report):
    found = json.loads((report / "r.json").read_text())
    jsonschema.validate(found, SCHEMA)
    assert {row["name"] for row in found["by_name"]} >= {"epoch", "step"}
    assert main(["report", str(report / "t.arrows"), "--json", str(report / "again.json")]) == 0
    jsonschema.validate(json.loads((report / "again.json").read_text()), SCHEMA)


@pytest.mark.parametrize("part", ["", "whole", "total", "channel", "by_name"])
def test_a_field_that_the_schema_lacks_is_refused(report, part):
    """So that a new field is described where it is added."""
    found = json.loads((report / "r.json").read_text())
    places = {
        "": found,
        "whole": found["whole"],
        "total": found["whole"]["total"],
        "channel": found["windows"][0]["channels"][0],
        "by_name": found["by_name"][0],
    }
    places[part]["new"] = 1
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)


def test_a_missing_energy_is_null_and_never_left_out(report):
    found = json.loads((report / "r.json").read_text())
    found["whole"]["total"]["energy_j"] = None
    jsonschema.validate(found, SCHEMA)
    del found["whole"]["total"]["energy_j"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, SCHEMA)
