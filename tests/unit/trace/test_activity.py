"""Who was busy when: rows in any order, what was used up to an instant, and labels that make no sense."""

import numpy as np
import pytest

from microjoule.trace.activity import Activity, named
from microjoule.trace.label import CGROUP, GPU, PROCESS, Subject, changed_label, unlabel
from microjoule.trace.state import state

MS = 1_000_000
ONE, OTHER = Subject(PROCESS, "make", pid=7, is_of_command=True), Subject(CGROUP, "/user.slice")


def activity() -> Activity:
    """Two subjects: 7 uses 3 ms from 10 to 20 ms and nothing more; 9 has one row."""
    rows = [(7, 20, 8), (9, 15, 4), (7, 10, 5), (7, 30, 8)]
    number, t_ms, busy_ms = np.array(rows, np.int64).T
    return Activity({7: ONE, 9: OTHER}, number, t_ms * MS, busy_ms * MS)


def test_what_a_subject_used_until_an_instant_is_counted_from_its_first_row() -> None:
    found = activity()
    assert len(found) == 4
    assert found.instants_ns(7).tolist() == [10 * MS, 20 * MS, 30 * MS]
    instants = np.array([0, 10, 15, 20, 25, 99]) * MS
    assert found.used_ns(7, instants).tolist() == [0, 0, 1.5 * MS, 3 * MS, 3 * MS, 3 * MS]
    assert found.used_ns(9, instants).tolist() == [0] * 6
    assert found.used_ns(8, instants).tolist() == [0] * 6
    assert found.instants_ns(8).tolist() == []
    assert found.used_s(7, 15 * MS, 99 * MS) == pytest.approx(1.5e-3)


def test_a_subject_may_have_run_only_where_its_time_grew() -> None:
    found = activity()
    assert found.running_ns(7).tolist() == [[10 * MS, 20 * MS]]
    assert found.running_ns(9).shape == found.running_ns(8).shape == (0, 2)
    one_ns = Activity({7: ONE}, np.array([7, 7]), np.array([10, 20]) * MS, np.array([5, 6]))
    assert one_ns.running_ns(7).tolist() == [[10 * MS, 20 * MS]]
    assert found.numbers(PROCESS) == [7]
    assert found.numbers(CGROUP) == [9]
    assert found.numbers(GPU) == []


@pytest.mark.parametrize("subject", [ONE, OTHER, Subject(GPU, "python", pid=3, device="gpu-0", engine="sm")])
def test_a_subject_is_read_as_it_was_written(subject: Subject) -> None:
    assert Subject.of_label(subject.to_label()) == subject


def test_what_a_label_leaves_out_is_not_known_and_not_so() -> None:
    """A label of an older recorder leaves fields out, too."""
    found = Subject.of_label('{"kind": "process", "name": "make"}')
    assert found == Subject("process", "make", 0, "", "", False, False, "", "")


def test_what_changed_and_nothing_else_stands_in_the_row_at_the_end() -> None:
    text = changed_label(
        {"governor": "performance", "turbo": True, "left": 1},
        {"governor": "performance", "turbo": False, "new": 2},
    )
    assert unlabel(text) == ("changed", {"turbo": False, "left": None, "new": 2})


@pytest.mark.parametrize(
    "label",
    [
        "",
        "{",
        "[]",
        "7",
        '{"kind": "process"}',
        '{"kind": "sun", "name": "x"}',
        '{"kind": "process", "name": 5}',
        '{"kind": "process", "name": "x", "pid": "7"}',
        '{"kind": "process", "name": "x", "is_of_command": "no"}',
    ],
)
def test_a_label_that_is_of_no_subject_is_passed_over(label: str) -> None:
    assert Subject.of_label(label) is None
    assert named([(1, label), (1, ONE.to_label()), (1, OTHER.to_label()), (2, None)]) == {1: ONE}


def test_the_state_of_a_machine_is_its_settings_what_changed_and_what_was_read() -> None:
    rows = [
        (5, 'now\t{"cpu_0_hz":2e9,"temperature_0_c":51.5,"word":"x"}'),
        (6, 'now\t{"temperature_0_c":52}'),
        (7, 'changed\t{"governor":"powersave"}'),
        (8, 'changed\t{"turbo":null}'),
        (9, "something else"),
        (10, None),
    ]
    found = state({"governor": "performance"}, rows)
    assert found.settings == {"governor": "performance"}
    assert found.changed == {"governor": "powersave", "turbo": None}
    assert [t_ns for t_ns, _ in found.readings] == [5, 6]
    assert found.values("temperature_0_c") == [51.5, 52.0]
    assert found.values("cpu_0_hz") == [2e9]
    assert found.clocks() == [[2e9]]
    assert state(["no", "settings"], []).settings == {}
