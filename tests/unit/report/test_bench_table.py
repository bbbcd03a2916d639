"""The table of a benchmark shows figures and no empty tables."""

from microjoule.report.bench_table import render

LEVEL = {
    "at_once": 1,
    "rate_per_s": None,
    "figures": {},
    "per_million_output_tokens": None,
    "requests": {"answered": 1, "failed": 0},
    "steady_s": None,
    "tokens": {
        "gen_ai.usage.input_tokens": 82,
        "gen_ai.usage.cache_read.input_tokens": 0,
        "gen_ai.usage.output_tokens": 32,
    },
    "why_no_figures": "0 requests ended in the steady 12.5 s: give a longer --duration",
    "notes": [],
    "inseparable": [],
}
FOUND = {"levels": [LEVEL], "gen_ai.request.model": "tiny", "channel": "cpu", "provenance": "measured"}


def test_tables_without_any_figure_are_left_out():
    text = render(FOUND)
    assert text.startswith("No level of tiny has a figure: see the reason below.\n\nrequests ")
    assert not any(title in text for title in ("by phase", "speed", "a million"))
    assert "\n\n\n" not in text
    assert "1 at once: 0 requests ended" in text


def test_a_table_with_one_figure_has_every_level():
    figures = {"power": {"value": 50.0, "U": 1.0, "unit": "W", "guaranteed": [49.0, 51.0]}}
    text = render({**FOUND, "levels": [LEVEL, {**LEVEL, "at_once": 4, "figures": figures}]})
    energy = text.split("\n\n")[1].splitlines()
    assert [line.split("  ")[0] for line in energy] == ["energy", "1 at once", "4 at once"]
    assert "by phase" not in text
