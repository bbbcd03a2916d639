"""Whatever a window, a project or a processor is called: in no form is its name anything but a name."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from dataclasses import replace
from functools import cache

import prometheus_client
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ideal import Ideal, constant, rows
from levels import PACKAGE, level, picture
from prometheus_client.parser import text_string_to_metric_families

from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.footprint import attached
from microjoule.joules.energy_trace import Trace
from microjoule.joules.summary import summary
from microjoule.live.prometheus import Collector
from microjoule.report import row_output
from microjoule.report.emitters import EMITTERS
from microjoule.report.foreign_text import in_cell
from microjoule.trace import exporting

HOSTILE = (
    *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r", "\n", "\n=2", "\x0b", "\x85", "\u2028"),
    *("|", "\\|", "||", "---", "<script>alert(1)</script>", "</td>", "[x](javascript:alert(1))", "`"),
    *("${x}", "%", "&", "#", "~", "^", "_", "\\input{/etc/passwd}", "\\\\", "\\end{document}", "}", "{"),
    *('"', "'", "''", ": ", "- ", "!!python/object", "\x1b[31m", "\x00", "\x7f", "\x9b", "\u202e", "\ufffe"),
    *("\U0001f600", "CO2e", "é", "1e3", ",", ";"),
)
NAMES = st.one_of(
    st.text(min_size=1, max_size=12),
    st.lists(st.sampled_from(HOSTILE), min_size=1, max_size=5).map("".join),
)
PLAIN = "name"
CALLED = ("project", "stage", "task", "place", "country", "run_id", "hardware", "algorithm", "publisher")
IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)
LATEX = re.compile(
    r"\\(textbackslash|textasciitilde|textasciicircum|textmu)\{\}|\\[&%$#_{}]|\\textsubscript\{2\}|\$\\(geq|times|pm)\$"
)


@cache
def made():
    a, b = IDEAL.inside(0.1, 0.9)
    trace = Trace(rows([IDEAL], [(a, "@begin", 1, PLAIN), (b, "@end", 1, "")]))
    return attached(summary(trace), terms(FactorOptions(zone="CA", pue="1.2", per="1000 requests")))


def called(name):
    """A record in which all that somebody else chooses has this name."""
    record = copy.deepcopy(made())
    for window in record["windows"]:
        window["name"] = name
    host = {"cpu": {"name": name}, "kernel": name}
    facts = {"microjoule": "9.9", "host": host, "gpus": [{"name": name}], "python": name}
    return {**record, "facts": facts, "context": dict.fromkeys(CALLED, name)}


def emitted(form, name):
    return EMITTERS[form](called(name))


ALWAYS = [*HOSTILE, "-", "= 1", "x|y\\"]


def hostile(test):
    for name in ALWAYS:
        test = example(name=name)(test)
    return settings(max_examples=60, deadline=None)(given(name=NAMES)(test))


@pytest.mark.parametrize(
    "form", [form for form in EMITTERS if form not in ("json", "sci", "sci-ai", "boamps")]
)
@hostile
def test_a_name_adds_no_line(form, name):
    assert len(emitted(form, name).splitlines()) == len(emitted(form, PLAIN).splitlines())


@pytest.mark.parametrize("form", ["json", "sci", "sci-ai", "boamps"])
@hostile
def test_json_has_the_name_itself(form, name):
    def strings(value):
        if isinstance(value, dict):
            return [each for one in value.values() for each in strings(one)]
        if isinstance(value, list):
            return [each for one in value for each in strings(one)]
        return [value]

    assert name in strings(json.loads(emitted(form, name)))


@hostile
def test_yaml_has_the_keys_that_it_has_and_no_others(name):
    found, plain = (yaml.safe_load(emitted("huggingface", each)) for each in (name, PLAIN))
    assert found.keys() == plain.keys() == {"co2_eq_emissions"}
    assert found["co2_eq_emissions"].keys() == plain["co2_eq_emissions"].keys()
    assert {type(each) for each in found["co2_eq_emissions"].values()} == {float, str}


@pytest.mark.parametrize("form", ["codecarbon", "ai-energy-score"])
@hostile
def test_csv_has_as_many_cells_and_no_formula(form, name):
    found, plain = (list(csv.reader(io.StringIO(emitted(form, each)))) for each in (name, PLAIN))
    assert [len(row) for row in found] == [len(row) for row in plain]
    assert not [cell for row in found for cell in row if is_formula(cell)]


def is_formula(cell):
    """By another road than the product: what is left of a cell that a spreadsheet would look at."""
    if re.fullmatch(
        r"\s*[-+]?(\d[\d_]*\.?\d*|\.\d+)(e[-+]?\d+)?\s*|\s*[-+]?(inf|infinity|nan)\s*", cell, re.IGNORECASE
    ):
        return False
    return re.match(r"\s*[=+\-@＝＋－＠]", cell) is not None


@hostile
def test_rows_of_an_answer_and_readings_have_no_formula(name):
    found = list(csv.reader(io.StringIO("".join(row_output.csv(["a", "b"], [[name, -1.5], [[name], None]])))))
    assert [len(row) for row in found] == [2, 2, 2]
    assert not is_formula(found[1][0])
    assert found[1][1] == "-1.5"
    assert found[1][0].removeprefix("'").replace("\r\n", "\n") == name.removeprefix("'").replace("\r\n", "\n")


@hostile
def test_an_exported_label_is_no_formula(name):
    a, b = IDEAL.inside(0.1, 0.9)
    trace = Trace(rows([IDEAL], [(a, "@begin", 1, name), (b, "@end", 1, "")]))
    sink = io.BytesIO()
    exporting.csv(trace, sink, in_cell)
    found = list(csv.DictReader(io.StringIO(sink.getvalue().decode(), newline="")))
    (label,) = (row["label"] for row in found if row["channel"] == "@begin")
    assert not is_formula(label)
    assert label in (name, f"'{name}")


@hostile
def test_latex_has_as_many_cells_and_no_command(name):
    found, plain = (emitted("latex", each) for each in (name, PLAIN))
    bare = LATEX.sub("", found.replace("\n% what & hardware & duration & energy &", ""))
    rest = bare.replace(" \\\\", "")
    assert not set(rest) & set("\\%$#_{}~^")
    assert bare.count("&") == LATEX.sub(
        "", plain.replace("\n% what & hardware & duration & energy &", "")
    ).count("&")


@hostile
def test_markdown_has_as_many_cells_and_no_html(name):
    found, plain = (emitted("markdown", each) for each in (name, PLAIN))
    assert [cells(line) for line in found.splitlines()] == [cells(line) for line in plain.splitlines()]
    assert "<" not in found
    assert not re.search(r"(?<!\\)(\\\\)*\[", found)


def cells(line):
    return len(re.findall(r"(?<!\\)(?:\\\\)*\|", line))


@hostile
def test_prometheus_has_one_series_of_that_label(name):
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    channel = replace(PACKAGE, id=name, trust=replace(PACKAGE.trust, parents=()))
    registry.register(Collector(lambda: picture([level(channel, 5_000, power_w=1.0)]), 0.0))
    text = prometheus_client.generate_latest(registry).decode()
    found = [one for family in text_string_to_metric_families(text) for one in family.samples]
    energies = [one for one in found if one.name == "microjoule_energy_joules_total"]
    assert [(one.labels["channel"], one.value) for one in energies] == [(name, 5.0)]
