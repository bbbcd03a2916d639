"""Names beside a trace that is there: there is always one more."""

from microjoule.recording.trace_file import free


def test_a_thousand_traces_beside_one_leave_a_name(tmp_path):
    for number in range(1, 1001):
        (tmp_path / f"a.{number}.arrows").touch()
    assert free(tmp_path / "a.arrows") == tmp_path / "a.1001.arrows"
