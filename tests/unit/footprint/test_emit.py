"""The report in the forms that others ask for."""

from __future__ import annotations

import copy
import csv
import dataclasses
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from ideal import Ideal, constant, rows

from microjoule.errors import BadRecord
from microjoule.footprint.chosen_factors import FactorOptions, terms
from microjoule.footprint.footprint import attached
from microjoule.joules.energy_trace import Trace
from microjoule.joules.summary import summary
from microjoule.report.emitters import EMITTERS, MISSING
from microjoule.report.emitters.codecarbon import COLUMNS
from microjoule.report.emitters.record import number, outermost
from microjoule.units import J_PER_KWH

SCHEMAS = Path(__file__).parents[2] / "fixtures" / "boamps"
IDEAL = Ideal(constant(100.0), n=600, limit_w=150.0)
CONTEXT = {
    "project": "a & b_model",
    "stage": "fine-tuning",
    "task": "text generation",
    "place": "Québec, Canada",
    "country": "Canada",
    "run_id": "r-1",
    "made_at": "2026-11-23T12:00:00",
}
FACTS = {
    "microjoule": "9.9",
    "python": "3.11.7",
    "host": {"cpu": {"name": "Some Xeon 8480+"}, "kernel": "6.1.0"},
    "gpus": [{"name": "NVIDIA H200"}, {"name": "NVIDIA H200"}],
}


def record(*windows, wishes=None, context=CONTEXT):
    marks = []
    for index, (name, start, end) in enumerate(windows or [("run", 0.1, 0.9)]):
        a, b = IDEAL.inside(start, end)
        marks += [(a, "@begin", index, name), (b, "@end", index, name)]
    trace = Trace(rows([IDEAL, replace(IDEAL, id="package-0/dram", seed=3)], marks))
    plain = attached(summary(trace), terms(wishes or FactorOptions(zone="CA", pue="1.2")))
    return {**plain, "facts": FACTS, "context": dict(context)}


INCOMPLETE = ("late", 0.5, 1.0)
SCORED = FactorOptions(zone="CA", pue="1.2", embodied="1000 kg / 4 y", per="1000 requests")


def emitted(form, *windows, **more):
    return EMITTERS[form](record(*windows, **more))


@pytest.mark.parametrize("form", EMITTERS)
def test_emitting_is_pure_and_leaves_the_record_alone(form):
    of = record()
    before = copy.deepcopy(of)
    assert EMITTERS[form](of) == EMITTERS[form](of)
    assert of == before


@pytest.mark.parametrize("form", EMITTERS)
def test_the_bare_record_of_a_trace_without_footprint_or_context_is_emitted(form):
    of = record()
    bare = {"schema": of["schema"], "windows": of["windows"], "facts": {}}
    bare["windows"] = [{k: v for k, v in window.items() if k != "footprint"} for window in bare["windows"]]
    assert EMITTERS[form](bare)


@pytest.mark.parametrize("form", [form for form in EMITTERS if form != "json"])  # whose counts may be zero
def test_what_is_not_known_is_never_a_zero(form):
    text = emitted(form, INCOMPLETE)
    figures = re.findall(r"(?<![-.\w])0(?:\.0+)?(?![.\w])", text)
    assert not figures


@pytest.mark.parametrize("form", ["huggingface", "annex-xi", "latex", "markdown"])
def test_why_nothing_is_known_is_said(form):
    assert "incomplete" in emitted(form, INCOMPLETE)


@pytest.mark.parametrize("form", ["huggingface", "sci"])
def test_forms_of_one_window_ask_which(form):
    with pytest.raises(BadRecord, match="Choose one: a, b"):
        emitted(form, ("a", 0.1, 0.3), ("b", 0.4, 0.6))


def test_hugging_face_wants_grams():
    of = record()
    lines = EMITTERS["huggingface"](of).splitlines()
    assert lines[0] == "co2_eq_emissions:"
    fields = dict(line.strip().split(": ", 1) for line in lines[1:])
    grams = of["windows"][0]["footprint"]["co2e_location"]["value"]
    assert float(fields.pop("emissions")) == pytest.approx(grams, rel=1e-5)
    fields = {key: json.loads(text) for key, text in fields.items()}
    assert fields["training_type"] == "fine-tuning"
    assert fields["geographical_location"] == "Québec, Canada"
    assert fields["hardware_used"] == "Some Xeon 8480+, NVIDIA H200, NVIDIA H200"
    assert "grid of Canada" in fields["source"]
    assert "energy measured" in fields["source"]


def test_the_emissions_of_a_card_are_a_number_of_yaml_1_1_at_any_size():
    for figure in (1.5e-9, 2e-5, 0.25, 12, 284_000_000.0, 3.2e14):
        text = number(figure)
        assert "e" not in text
        assert float(text) == pytest.approx(figure, rel=1e-5)


def test_a_score_without_embodied_share_or_unit_is_none_and_says_which_is_missing():
    plain = json.loads(emitted("sci"))
    assert (plain["score"], plain["missing"]) == (None, ["M", "R"])


def test_a_score_is_e_times_i_and_m_per_r():
    plain = json.loads(emitted("sci", wishes=SCORED))
    assert plain["missing"] == []
    o = plain["E"]["value"] * plain["I"]["value"]
    assert plain["operational"]["value"] == pytest.approx(o)
    assert plain["score"]["value"] == pytest.approx((o + plain["M"]["value"]) / plain["R"]["count"])
    assert plain["boundary"]["energy"] == ["package-0", "package-0/dram"]


def test_market_based_figures_stay_out_of_a_score():
    wishes = FactorOptions(zone="CA", market="0 g/kWh solar contract")
    assert "solar" not in emitted("sci", wishes=wishes)


def test_boamps_has_the_schemas_names_and_leaves_out_what_nobody_said():
    of = record()
    plain = json.loads(EMITTERS["boamps"](of))
    assert set(plain) <= {
        "header", "task", "measures", "system", "software", "infrastructure", "environment", "quality"
    }  # fmt: skip
    (measure,) = plain["measures"]
    assert measure["powerConsumption"] == pytest.approx(of["windows"][0]["total"]["energy_j"] / J_PER_KWH)
    assert measure["version"] == "9.9"
    kinds = [part["componentType"] for part in plain["infrastructure"]["components"]]
    assert kinds == ["cpu", "gpu"]
    assert [part["nbComponent"] for part in plain["infrastructure"]["components"]] == [1, 2]
    assert plain["environment"]["country"] == "Canada"
    assert "quality" not in plain, "the scripted sensors do not state their accuracy"
    assert "algorithms" not in plain["task"]
    assert "null" not in EMITTERS["boamps"](of)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("8 x H100", [("H100", "gpu", 8)]),
        ("4 × MI300X, 2 x AMD EPYC 9654", [("MI300X", "gpu", 4), ("AMD EPYC 9654", "cpu", 2)]),
        ("A100-SXM4", [("A100-SXM4", "gpu", 1)]),
        ("16 x TPUv3", [("TPUv3", "tpu", 16)]),
        ("Some GPU of NVIDIA", [("Some GPU of NVIDIA", "gpu", 1)]),
        ("Xeon of some kind", [("Xeon of some kind", "cpu", 1)]),
    ],
)
def test_boamps_counts_the_hardware_and_tells_its_kind(said, expected):
    plain = json.loads(emitted("boamps", context={**CONTEXT, "hardware": said}))
    parts = plain["infrastructure"]["components"]
    found = [(part["componentName"], part["componentType"], part["nbComponent"]) for part in parts]
    assert found == expected


def test_codecarbon_wants_kilograms_and_kilowatt_hours_a_row_a_window():
    of = record(("a", 0.1, 0.4), ("b", 0.4, 0.9), INCOMPLETE)
    table = list(csv.DictReader(io.StringIO(EMITTERS["codecarbon"](of))))
    assert tuple(table[0]) == COLUMNS
    assert len(table) == 3
    first, plain = table[0], of["windows"][0]
    assert float(first["emissions"]) == pytest.approx(plain["footprint"]["co2e_location"]["value"] / 1000)
    assert float(first["cpu_energy"]) == pytest.approx(1.2 * plain["channels"][0]["energy_j"] / J_PER_KWH)
    assert float(first["ram_energy"]) == pytest.approx(1.2 * plain["channels"][1]["energy_j"] / J_PER_KWH)
    assert float(first["energy_consumed"]) == pytest.approx(
        float(first["cpu_energy"]) + float(first["ram_energy"])
    )
    assert (first["gpu_energy"], first["gpu_count"], first["gpu_model"]) == ("", "2", "NVIDIA H200")
    assert first["codecarbon_version"].startswith("microjoule 9.9; ± ")
    late = next(row for row in table if row["emissions"] == "")
    assert (late["energy_consumed"], late["cpu_energy"]) == ("", "")


def test_annex_xi_tells_known_from_estimated():
    of = record()
    text = EMITTERS["annex-xi"](of)
    assert "MWh, known (measured)" in text
    for window in of["windows"]:
        window["total"]["provenance"] = "estimated"
    assert "MWh, estimated (estimated)" in EMITTERS["annex-xi"](of)
    assert "not known (incomplete); to be estimated from the compute used" in emitted("annex-xi", INCOMPLETE)


def test_latex_escapes_whatever_a_person_wrote():
    text = emitted("latex", (r"50% of $x_i & {y} \ ~ ^ #1", 0.1, 0.9))
    paragraph, table = text.split("\n\n")
    assert r"50\% of \$x\_i \& \{y\} \textbackslash{} \textasciitilde{} \textasciicircum{} \#1" in paragraph
    row = table.splitlines()[1]
    assert row.endswith(r" \\")
    assert len(re.findall(r"(?<!\\)&", row)) == 4


def test_markdown_is_one_table_whose_cells_hold():
    text = emitted("markdown", ("a|b", 0.1, 0.9))
    head, rule, row = text.splitlines()[:3]
    assert head.count("|") == rule.count("|") == len(re.findall(r"(?<!\\)\|", row))
    assert "a\\|b" in row
    assert "- intensity: " in text
    assert re.search(r"data [0-9a-f]{12}", text)


FULL = {
    **CONTEXT,
    "stage": "inference",
    "algorithm": "llama3.1-8b",
    "data_type": "token",
    "infrastructure": "onPremise",
    "unit_reason": "tokens are what is sold",
}
FORMS_WITH_WORDS = ["huggingface", "codecarbon", "sci", "sci-ai", "boamps", "annex-xi", "latex", "markdown"]


@pytest.mark.parametrize("form", FORMS_WITH_WORDS)
def test_every_form_states_its_uncertainty_and_what_is_not_covered(form):
    of = record()
    total = of["windows"][0]["total"]
    percent = f"{100 * total['U_j'] / total['energy_j']:.2g}"
    text = EMITTERS[form](of).replace("\\%", "%").replace("$\\pm$", "±").replace("\\", "")
    assert f"± {percent} %" in text
    assert "power supply" in text
    guaranteed = [f"{end:.4f}"[:5] for end in total["guaranteed_j"]]
    assert guaranteed[0] != guaranteed[1]


@pytest.mark.parametrize("form", ["latex", "annex-xi"])
def test_the_guaranteed_interval_is_called_so(form):
    assert "guaranteed by the counter alone" in emitted(form)


def test_boamps_validates_against_its_own_schema():
    jsonschema = pytest.importorskip("jsonschema")
    referencing = pytest.importorskip("referencing")
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*_schema.json"))]
    named = {schema["id"]: schema for schema in schemas}
    assert len(named) == 5
    resources = [(uri, referencing.jsonschema.DRAFT4.create_resource(each)) for uri, each in named.items()]
    (report,) = [each for each in schemas if each["title"] == "report"]
    registry = referencing.Registry().with_resources(resources)
    validator = jsonschema.Draft4Validator(report, registry=registry)
    plain = json.loads(emitted("boamps", context=FULL))
    assert [error.message for error in validator.iter_errors(plain)] == []
    assert MISSING["boamps"](record(context=FULL)) == []
    assert plain["header"]["formatVersion"] == "1.1.0"
    bare = json.loads(emitted("boamps", context={}))
    assert len([*validator.iter_errors(bare)]) > 2
    assert len(MISSING["boamps"](record(context={}))) == 6
    del plain["measures"][0]["powerConsumption"]
    assert any("powerConsumption" in error.message for error in validator.iter_errors(plain))


@pytest.mark.parametrize(("share", "word"), [(0.05, "high"), (0.2, "medium"), (0.4, "low"), (0.9, None)])
def test_the_quality_of_boamps_follows_from_the_uncertainty(share, word):
    of = record()
    total = of["windows"][0]["total"]
    total["U_j"] = share * total["energy_j"]
    total["is_sensor_assessed"] = True
    assert json.loads(EMITTERS["boamps"](of)).get("quality") == word


def test_no_quality_is_derived_where_the_error_of_a_sensor_is_unknown():
    of = record()
    total = of["windows"][0]["total"]
    total["U_j"], total["is_sensor_assessed"] = 0.01 * total["energy_j"], False
    assert "quality" not in json.loads(EMITTERS["boamps"](of))
    of["context"] = {**of["context"], "quality": "high"}
    assert json.loads(EMITTERS["boamps"](of))["quality"] == "high", "a person may know more"


@pytest.mark.parametrize(
    "form", ["latex", "markdown", "annex-xi", "huggingface", "sci", "boamps", "codecarbon"]
)
@pytest.mark.parametrize("is_assessed", [True, False])
def test_every_record_states_its_own_coverage_factor_and_whether_the_sensor_is_in_it(form, is_assessed):
    of = record(wishes=SCORED, context=FULL)
    total = of["windows"][0]["total"]
    total["U_j"], total["k"], total["is_sensor_assessed"] = 0.05 * total["energy_j"], 1.9, is_assessed
    text = EMITTERS[form](of).replace("$\\pm$", "±").replace("\\%", "%")
    assert "± 5 % (k = 1.9)" in text
    assert ("without the sensor's own error, which is unknown" in text) != is_assessed


def test_codecarbon_has_the_columns_of_its_own_class():
    module = pytest.importorskip("codecarbon.output_methods.emissions_data")
    fields = [field.name for field in dataclasses.fields(module.EmissionsData)]
    assert len(fields) == 38
    assert list(COLUMNS) == fields
    (row,) = csv.DictReader(io.StringIO(emitted("codecarbon")))
    assert module.EmissionsData(**row).values["energy_consumed"] == row["energy_consumed"]


def test_a_model_card_is_yaml_whose_emissions_are_a_number():
    yaml = pytest.importorskip("yaml")
    card = yaml.safe_load(emitted("huggingface", context=FULL))["co2_eq_emissions"]
    assert isinstance(card["emissions"], float)
    assert set(card) == {  # https://huggingface.co/docs/hub/model-cards-co2
        "emissions", "source", "training_type", "geographical_location", "hardware_used"
    }  # fmt: skip


def test_the_hub_s_own_library_reads_the_block_of_a_card():
    hub = pytest.importorskip("huggingface_hub")
    of = record(context=FULL)
    card = hub.ModelCard(f"---\nlicense: mit\n{EMITTERS['huggingface'](of)}---\n# A model\n")
    block = card.data.to_dict()["co2_eq_emissions"]
    grams = of["windows"][0]["footprint"]["co2e_location"]["value"]
    assert block["emissions"] == pytest.approx(grams, rel=1e-5)
    assert block["training_type"] == FULL["stage"]
    assert hub.ModelCard(str(card)).data.to_dict()["co2_eq_emissions"] == block


@pytest.mark.parametrize(("stage", "persona"), [("inference", "consumer"), ("training", "provider")])
def test_sci_for_ai_has_two_scores_that_are_never_one(stage, persona):
    wishes = replace(SCORED, per="1000 tokens")
    of = record(wishes=wishes, context={**FULL, "stage": stage})
    plain = json.loads(EMITTERS["sci-ai"](of))
    scores = {"consumer": plain["consumer_score"], "provider": plain["provider_score"]}
    assert plain["persona"] == persona
    assert scores[persona]["unit"] == "g/tokens"
    assert [score for who, score in scores.items() if who != persona] == [None]
    assert len(plain["stages_not_covered"]) == 5
    assert plain["unit_reason"] == "tokens are what is sold"
    assert MISSING["sci-ai"](of) == []


def test_sci_for_ai_asks_for_a_unit_that_the_specification_has():
    of = record(wishes=SCORED, context={**FULL, "stage": "training"})
    assert any("parameter, token, flop" in each for each in MISSING["sci-ai"](of))
    assert any("--stage" in each for each in MISSING["sci-ai"](record(context={})))


def test_an_energy_score_row_is_of_the_gpu_and_of_a_thousand_queries():
    of = record(wishes=replace(SCORED, per="500 queries"), context=FULL)
    of["windows"][0]["channels"][1]["hw_type"] = "gpu"
    of["windows"][0]["channels"][1]["U_j"] = 0.07 * of["windows"][0]["channels"][1]["energy_j"]
    (row,) = csv.DictReader(io.StringIO(EMITTERS["ai-energy-score"](of)))
    assert row["uncertainty"] == "± 7 % (95 %)", "of the GPU, not of the whole"
    joules = of["windows"][0]["channels"][1]["energy_j"]
    assert float(row["total_gpu_energy"]) == pytest.approx(joules / 3600 * 2)
    assert row["hardware"] == "2 x NVIDIA H200"
    assert any("not comparable" in each for each in MISSING["ai-energy-score"](of))


def test_annex_xi_has_megawatt_hours_of_two_digits_device_days_and_a_method():
    of = record(wishes=replace(SCORED, per="1000 inferences"), context={**FULL, "flop": "3e24"})
    window = of["windows"][0]
    window["footprint"]["facility"]["value"] = 1_287_345.0
    window["duration_s"] = 86_400.0
    text = EMITTERS["annex-xi"](of)
    assert "Energy consumption: 1300 MWh, known (measured)" in text
    assert "2 device-days on 2 devices" in text
    one = {**record(context={**FULL, "hardware": "NVIDIA H200"}), "facts": {}}
    assert "device-days on 1 device\n" in EMITTERS["annex-xi"](one)
    assert "Compute: 3e24 FLOP" in text
    assert "Method: energy counters" in text
    assert "Energy of a benchmarked inference: 1287345 Wh, the mean of 1000 inferences\n" in text


def test_windows_that_lie_in_no_other_one_are_each_kept_once():
    spans = [(0, 10), (0, 4), (4, 10), (9, 12), (12, 13), (0, 10), (9, 12)]
    windows = [{"name": str(k), "t0_ns": a, "t1_ns": b} for k, (a, b) in enumerate(spans)]
    assert [window["name"] for window in outermost(windows)] == ["0", "3", "4"]
    other = {"name": "other", "t0_ns": 1, "t1_ns": 2, "trace": "b.arrows"}
    assert other in outermost([*windows, other])
