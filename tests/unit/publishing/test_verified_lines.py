"""What `uj verify` prints: the findings, and the answer as the last line, at 80 columns."""

import pytest

from microjoule.publishing import Finding, Verdict
from microjoule.report.verified_lines import LISTED, lines


@pytest.mark.parametrize(
    ("verdict", "last"),
    [
        (
            Verdict(answer="equal", figures=178, traces=1),
            "r.zip: equal. 178 numbers of 1 trace were recomputed from raw counts",
        ),
        (
            Verdict(
                answer="differs", findings=(Finding("f", "2 there, 1 recomputed", 0.5), Finding("g", "x"))
            ),
            "r.zip: differs by 50 %, in 2 places",
        ),
        (
            Verdict(answer="differs", findings=(Finding("g", "x"),)),
            "r.zip: differs in words or bytes, in 1 place",
        ),
        (
            Verdict(answer="cannot", findings=(Finding("traces/a.arrows", "it is missing"),)),
            "r.zip: cannot be verified, because of traces/a.arrows: it is missing",
        ),
        (
            Verdict(answer="cannot", findings=(Finding("r.zip", "The x is damaged"),), remedy="Take it"),
            "r.zip: cannot be verified, because the x is damaged. Take it",
        ),
        (
            Verdict(answer="cannot", findings=(Finding("r.zip", "There is no bundle r.zip"),)),
            "r.zip: cannot be verified, because there is no bundle r.zip",
        ),
    ],
)
def test_the_answer_is_the_last_line(verdict, last):
    said = lines(verdict.to_json(), "r.zip")
    assert said[-1] == last
    assert max(map(len, said)) < 80


def test_the_largest_differences_come_first_and_many_are_counted():
    findings = tuple(Finding(f"figures/{i}", "a there, b recomputed", i / 100) for i in range(LISTED + 5))
    said = lines(Verdict(answer="differs", findings=findings, notes=("n",)).to_json(), "r.zip")
    assert said[0].startswith(f"figures/{LISTED + 4}:")
    assert "and 5 more: --json - lists all" in said
    assert "note: n" in said
