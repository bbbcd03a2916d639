"""Whose energy, for a terminal: parts in plain digits, and no figure that is cut."""

import re

import pytest

from microjoule.joules.estimates.estimate_text import percent
from microjoule.report import as_text, share_lines, written_numbers


def row(name, energy_j, half_j, busy_s, kind="program"):
    return {
        "kind": kind,
        "name": name,
        "names": [name],
        "status": "ok",
        "busy_s": busy_s,
        "energy_j": energy_j,
        "U_j": half_j,
        "guaranteed_j": [0.0, 70.0],
        "share": energy_j / 70.0,
        "by_cpu_time_j": None,
        "gpu_s": None,
    }


ROWS = [
    row("command", 0.324, 0.018, 0.0795, "command"),
    row("idle", 70.2, 1.1, None, "idle"),
    row("a-program-of-a-long-name-that-nobody-shortens", 3.17, 0.25, 1.884),
    row("unexplained", -74.2, None, None, "unexplained"),
]
SUMMARY = {"shares": {"by": "name", "status": "ok", "total_j": 70.0, "rows": ROWS, "brief": ROWS}}


@pytest.mark.parametrize(
    ("part", "digits", "shown"),
    [
        (1.003, 2, "100 %"),
        (0.9971, 2, "100 %"),
        (1.06, 2, "106 %"),
        (-1.06, 2, "-106 %"),
        (16.0, 3, "1,600 %"),
        (12.345, 2, "1,234 %"),
        (0.482, 2, "48 %"),
        (0.05, 2, "5 %"),
        (0.00023, 2, "0.023 %"),
        (0.99949, 3, "99.9 %"),
        (0.0, 2, "0 %"),
        (-0.0, 2, "0 %"),
    ],
)
def test_a_part_has_all_its_digits_before_the_point_and_no_exponent(part, digits, shown):
    assert percent(part, digits) == shown


def test_a_part_of_a_whole_beyond_a_thousand_percent_has_no_exponent():
    assert written_numbers.share(160.0, 10.0) == "1,600 %"
    assert written_numbers.share(0.00001, 1.0) == "< 0.01 %"
    assert written_numbers.share(0.0312, 1.0) == "3.1 %"
    assert written_numbers.share(0.4821, 1.0) == "48.2 %"


def test_shares_are_written_in_plain_digits():
    shown = "\n".join(share_lines.brief(SUMMARY, 80))
    assert "100 %" in shown
    assert "-106 %" in shown
    assert "e+" not in shown


@pytest.mark.parametrize("status", ["ok", "too short"])
@pytest.mark.parametrize("left_j", [-74.2, 0.0, 1.5])
def test_no_negative_energy_is_without_a_word_why(status, left_j):
    rows = [*ROWS[:-1], row("unexplained", left_j, None, None, "unexplained")]
    shares = {**SUMMARY["shares"], "status": status, "rows": rows, "looked_s": 0.1, "looks": 1}
    text = " ".join(" ".join(share_lines.full({"shares": shares})).split())
    assert text.count("Unexplained is negative: the other rows") == (left_j < 0)


@pytest.mark.parametrize("width", [30, 40, 50, 60, 80])
def test_no_cell_of_a_narrow_table_is_cut(width):
    """Case: at 40 columns 0.324 J was shown as 0.32, and the heading as shar."""
    whole = share_lines.brief(SUMMARY, 200)
    words = {cell for line in whole for cell in re.split(r"  +", line.strip())}
    lines = share_lines.brief(SUMMARY, width)
    assert max(map(len, lines)) <= width
    assert len(lines) == len(whole)
    for line in lines:
        name, *cells = re.split(r"  +", line)
        assert set(cells) <= words
        assert name in words or name.endswith("…")
    assert all("J" in line for line in lines[1:])


def test_columns_are_left_out_before_a_figure_is_cut():
    heads = {width: re.split(r"  +", share_lines.brief(SUMMARY, width)[0]) for width in (80, 40, 30, 10)}
    assert heads[80] == ["whose", "energy", "share", "CPU time"]
    assert heads[40] == ["whose", "energy", "share"]
    assert heads[30] == heads[10] == ["whose", "energy"]
    # Nothing is left to leave out: a terminal can wrap a whole figure, and a cut one is lost.
    assert "324 mJ ± 18 mJ" in share_lines.brief(SUMMARY, 10)[1]


def test_a_report_has_the_table_of_its_width():
    assert as_text._shares(SUMMARY, 40, str)[: len(ROWS) + 1] == share_lines.brief(SUMMARY, 40)


@pytest.mark.parametrize(("most_j", "is_said"), [(20.0, True), (70.0, False), (137.0, False), (None, False)])
def test_a_bound_is_said_where_it_is_less_than_everything(most_j, is_said):
    """Case: of 59.9 mJ the command used at most 137 mJ."""
    short = {**ROWS[0], "status": "too short", "energy_j": None, "guaranteed_j": [0.0, most_j]}
    shares = {"by": "name", "status": "too short", "total_j": 70.0, "rows": [short], "brief": [short]}
    said = share_lines.said({"shares": {**shares, "looks": 9, "looked_s": 0.3}})
    assert said[0] == share_lines.TOO_SHORT
    assert said[1:] == (["The command used at most 20.0 J of it (guaranteed)."] if is_said else [])


@pytest.mark.parametrize(
    ("looks", "looked_s", "says"),
    [
        (9, 0.3, "Too short to say whose energy it was: that takes half a second or more."),
        (
            4,
            12.34,
            "Too few looks to say whose energy it was: 4 in 12.3 s, because each of them is slow here.",
        ),
        (80, 8.0, "The sensor is updated too rarely to say whose energy it was. Record for longer,"),
    ],
)
def test_it_says_why_nothing_can_be_said(looks, looked_s, says):
    """Case: of twelve seconds in which four looks came it was said that they were no half second."""
    of = {"by": "name", "status": "too short", "total_j": 70.0, "rows": ROWS[:1], "brief": []}
    summary = {"shares": {**of, "looks": looks, "looked_s": looked_s}}
    assert share_lines.said(summary)[0].startswith(says)
    assert max(map(len, share_lines.full(summary))) <= 80


def test_where_nobody_was_seen_no_longer_recording_helps():
    """Case: of a hidden /proc and looks at a GPU it was said that the sensor is updated too rarely."""
    nobody = [each for each in ROWS if each["busy_s"] is None]
    of = {"by": "name", "status": "too short", "total_j": 70.0, "rows": nobody, "brief": []}
    summary = {"shares": {**of, "looks": 80, "looked_s": 8.0}}
    assert share_lines.said(summary) == [share_lines.NOBODY_SEEN]
    assert "Record for longer" not in share_lines.NOBODY_SEEN


def test_a_gpu_that_cannot_be_divided_says_between_whom():
    of = {
        **row("gpu-0/energy", 300.0, 2.0, None, "unattributed"),
        "names": ["command", "idle"],
        "status": "not separable",
    }
    summary = {"shares": {"by": "name", "status": "ok", "total_j": 370.0, "rows": [*ROWS, of], "brief": [of]}}
    lines = share_lines.brief(summary, 80)
    assert any(line.startswith("gpu-0/energy: command + idle machine") for line in lines)
    assert any(
        "command and idle machine were busy at the same times" in line for line in share_lines.said(summary)
    )


def test_why_programs_were_not_seen_is_said():
    of = {**SUMMARY["shares"], "hidden": ["other users' programs: /proc is mounted with hidepid=2."]}
    said = share_lines.said({"shares": of})
    assert said[-1] == "Not seen: other users' programs: /proc is mounted with hidepid=2."
    assert said[:-1] == [share_lines.NEGATIVE], "of these rows"


@pytest.mark.parametrize("busy_s", [None, 2.0])
def test_where_no_program_was_seen_on_a_gpu_that_is_said(busy_s):
    """The GPU's sensor was called too slow, or /proc hidden."""
    rows = [
        {**ROWS[0], "busy_s": busy_s, "energy_j": None},
        row("gpu-0/energy", 70.0, 1.0, None, "unattributed"),
    ]
    of = {"status": "too short", "total_j": 70.0, "rows": rows, "brief": rows, "looked_s": 5.0, "looks": 50}
    said = share_lines.said({"shares": of})[0]
    assert said.startswith("Whose energy it was is not known: no program was seen on gpu-0/energy (")
