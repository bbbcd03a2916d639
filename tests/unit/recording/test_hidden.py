"""What of other programs cannot be seen, and the sentence that says why."""

import json

import pytest

from microjoule.joules.sharing.parties import GROUPINGS
from microjoule.recording.activity import ActivityLane, ActivityPlan
from microjoule.recording.hidden import FIRST_CGROUP, FIRST_PID, hidden
from microjoule.trace import schema
from microjoule.trace.label import Subject


def machine(root, mounts="proc /proc proc rw,relatime 0 0", pid=FIRST_PID, cgroup=FIRST_CGROUP, caps="0"):
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/mounts").write_text(f"sysfs /sys sysfs rw 0 0\n{mounts}\n")
    (root / "proc/self/status").write_text(f"Name:\tx\nCapEff:\t{caps:>016}\n")
    (root / "proc/stat").write_text("cpu  1 0 0 0 0 0 0 0 0 0\n")
    for kind, number in (("pid", pid), ("cgroup", cgroup)):
        (root / f"proc/self/ns/{kind}").symlink_to(f"{kind}:[{number}]")
    return root


HIDDEN = "proc /proc proc rw,nosuid,hidepid={},gid=26 0 0"


@pytest.mark.parametrize(
    ("facts", "kinds", "has_cgroups", "what", "word"),
    [
        ({}, ("process",), True, [], ""),
        (
            {"mounts": HIDDEN.format("invisible")},
            ("process",),
            True,
            ["other users' programs"],
            "hidepid=inv",
        ),
        ({"mounts": HIDDEN.format("2")}, ("process",), True, ["other users' programs"], "gid="),
        ({"mounts": HIDDEN.format("off")}, ("process",), True, [], ""),
        ({"mounts": HIDDEN.format("2"), "caps": "80000"}, ("process",), True, [], ""),
        ({"pid": 4026532123}, ("process",), True, ["programs outside of this container"], "--pid=host"),
        ({"cgroup": 4026532124}, ("process",), True, [], ""),
        ({"cgroup": 4026532124}, ("cgroup",), True, ["cgroups outside of this container"], "--cgroupns"),
        ({}, ("cgroup",), False, ["cgroups"], "no CPU time of cgroups"),
    ],
)
def test_each_cause_has_its_sentence(tmp_path, facts, kinds, has_cgroups, what, word):
    found = hidden(machine(tmp_path, **facts), kinds, has_cgroups)
    assert list(found) == what
    assert word in "".join(found.values())


def test_a_machine_that_says_nothing_hides_nothing(tmp_path):
    assert hidden(tmp_path, ("process",), True) == {}


def test_without_accounts_of_cgroups_processes_are_looked_at(tmp_path):
    """Case: --by cgroup where no hierarchy is mounted had rows of nobody."""
    folder = machine(tmp_path) / "proc/7"
    folder.mkdir()
    (folder / "cgroup").write_text("0::/a.service\n")
    lane = ActivityLane(ActivityPlan(kinds=("cgroup",), root=tmp_path))
    for ticks in (5, 9):
        (folder / "stat").write_text(f"7 (x) S 1 {'0 ' * 9}{ticks} 0 {'0 ' * 6}1\n")
        lane.look()
    labels = [json.loads(label) for _, _, name, _, label in lane.drain() if name == schema.SUBJECT]
    assert [(each["kind"], each["cgroup"]) for each in labels] == [("process", "/a.service")]
    assert "cgroups" in lane.hidden


def test_a_path_that_leads_out_of_the_namespace_is_of_nobody_known():
    """And not of the host, as it was said."""
    by = GROUPINGS["container"][0]
    assert by(Subject("process", "x", 1, "/../../kubepods")) == "unknown"
    assert by(Subject("process", "x", 1, "/system.slice/a.service")) == "outside of containers"
    assert by(Subject("process", "x", 1, "")) == "unknown"
