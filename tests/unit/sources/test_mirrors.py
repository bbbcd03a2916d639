"""One counter that is listed as several packages is read once."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from machines import TWO_SOCKET_SERVER, Zone, set_energy_uj, write

from microjoule import sources
from microjoule.recording.plan import machine_facts
from microjoule.sources import mirrors

STEP_UJ = 61_035  # a thousand counts
FOUR = replace(
    TWO_SOCKET_SERVER,
    zones=tuple(Zone(id=str(n), name=f"package-{n}", unit_nj=61_035) for n in range(4)),
)


@pytest.fixture
def counting(tmp_path, monkeypatch):
    """Moves the zones whenever a look waits: each shows so much more than the one before it."""
    shown = [STEP_UJ * 1000]

    def move(more_uj):
        shown[0] += STEP_UJ
        for number in range(4):
            set_energy_uj(tmp_path, f"intel-rapl:{number}", shown[0] + number * more_uj)

    def start(more_uj):
        move(more_uj)
        monkeypatch.setattr(mirrors, "time", SimpleNamespace(sleep=lambda _: move(more_uj)))

    return start


def test_four_packages_of_one_counter_are_one_and_the_report_says_so(tmp_path, counting):
    machine = sources.Machine(write(FOUR, tmp_path))
    counting(0)
    surveys = sources.survey(machine)
    chosen = sources.choose(surveys, ["powercap"])
    assert [channel.id for channel in chosen] == ["package-0"]
    facts = machine_facts(machine, surveys, chosen)
    left_out = facts["left_out"]
    assert facts["misleading"] == []  # it is said once
    assert left_out["package-3"] == (
        "package-3 shows the counter of package-0, equal at every look; it is counted once."
    )
    perf = next(one for one in surveys if one.source == "rapl_perf")
    assert "package-1" not in [channel.id for channel in perf.channels]


def test_packages_that_count_alike_900_counts_apart_stay(tmp_path, counting):
    machine = sources.Machine(write(FOUR, tmp_path))
    counting(900 * 61)
    chosen = sources.choose(sources.survey(machine), ["powercap"])
    assert [channel.id for channel in chosen] == ["package-0", "package-1", "package-2", "package-3"]


def test_counters_that_stand_at_one_count_are_not_said_to_be_one(tmp_path):
    chosen = sources.choose(sources.survey(sources.Machine(write(FOUR, tmp_path))), ["powercap"])
    assert len(chosen) == 4
