"""How intervals are written."""

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from microjoule.report.written_numbers import interval

OF = {"J": Fraction(1), "kJ": Fraction(1000), "mJ": Fraction(1, 1000), "µJ": Fraction(1, 10**6)}
JOULES = st.floats(0, 1e8)


@example(0.0, 8000.3846)
@example(0.1, 0.3)
@given(JOULES, JOULES)
def test_a_written_interval_holds_the_interval_to_a_millionth_of_its_last_digit(one, other):
    low, high = sorted((one, other))
    said = interval(low, high, "J").split()
    size, places = OF[said[-1]], len(said[0].partition(".")[2])
    least, most = (Fraction(each) * size for each in (said[0], said[2]))
    slack = size / 10**places / 10**5
    assert least <= Fraction(low) + slack
    assert Fraction(high) <= most + slack
    assert Fraction(low) - least <= size / 10**places + slack
    assert most - Fraction(high) <= size / 10**places + slack
