"""A calibration of scripted machines: native sampler, real threads, known truth."""

from dataclasses import replace

import pytest
from scripted import DRAM_W, MODULUS, MS, PACKAGE_W, channel, machine, steady

from microjoule.channel import Timing
from microjoule.learning import calibrate
from microjoule.learning.agreement import disagreements
from microjoule.learning.filtering import filtering
from microjoule.learning.polling import poll
from microjoule.learning.update_statistics import updates
from microjoule.sources import survey
from microjoule.sources.host import Host
from microjoule.sources.machine import Machine
from microjoule.sources.script import Entry, Repeat, script_text, write_machine

FOR_S = 0.4


def calibrated(root):
    found_on = Machine(root)
    channels = [channel for found in survey(found_on) for channel in found.channels]
    return calibrate(channels, found_on, FOR_S)


def test_a_scripted_machine_is_learnt(tmp_path):
    calibration = calibrated(machine(tmp_path))
    package, dram = calibration.channels
    assert (package.channel, package.source, dram.channel) == ("package-0", "script", "package-0/dram")
    for one, watts in ((package, PACKAGE_W), (dram, DRAM_W)):
        assert one.edges > 20
        assert one.note == ""
        assert one.quantum == watts  # a step is a millisecond's energy, in millijoules
        assert one.update.p5_ns <= one.update.median_ns <= one.update.p95_ns <= one.update.max_ns
        assert one.update.median_ns == pytest.approx(MS, rel=0.2)
        assert one.resolution_ns < MS
        assert one.spin.value_w == pytest.approx(watts, rel=0.1)
        assert one.idle.value_w == pytest.approx(watts, rel=0.1)
        assert one.lag_ns is None  # a script does not see the load
        assert one.filtering is None  # and is no RAPL
    assert calibration.disagreements == ()
    assert calibration.host.hostname == "unknown"


def test_a_channel_that_never_updates_says_so_and_the_rest_is_learnt(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt"), channel("package-0/dram", "b.txt")])
    (tmp_path / "a.txt").write_text(steady(PACKAGE_W, 0))
    (tmp_path / "b.txt").write_text(script_text([Entry(raw=7)]))
    package, dram = calibrated(tmp_path).channels
    assert package.edges > 20
    assert dram.edges == 0
    assert dram.update is None
    assert "never changed in 0.4 s" in dram.note


def test_a_channel_that_updates_once_asks_for_more_time(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    (tmp_path / "a.txt").write_text(script_text([Entry(raw=7), Entry(raw=8, t_ns=50 * MS)]))
    (one,) = calibrated(tmp_path).channels
    assert "changed only once" in one.note


def test_steps_that_no_power_explains_are_named(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    steps = [Entry(raw=raw, t_ns=at * MS) for raw, at in ((7, 0), (107, 50), (90_000_000, 100), (200, 150))]
    (tmp_path / "a.txt").write_text(script_text(steps))
    (one,) = calibrated(tmp_path).channels
    assert one.note == "2 changes in 0.4 s did not count: backwards, or more than twice its power limit"


def test_a_channel_whose_reads_all_fail_says_so(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt")])
    (tmp_path / "a.txt").write_text(script_text([Entry(errno=5)]))
    (one,) = calibrated(tmp_path).channels
    assert "every read" in one.note


def test_a_channel_that_cannot_be_opened_says_why_and_hides_no_other(tmp_path):
    write_machine(tmp_path, [channel("package-0", "a.txt"), channel("package-0/dram", "b.txt")])
    (tmp_path / "a.txt").write_text(steady(PACKAGE_W, 0))
    (tmp_path / "b.txt").write_text("no script\n")
    package, dram = calibrated(tmp_path).channels
    assert package.edges > 20
    assert "b.txt" in dram.note


def test_a_poll_finds_the_missed_updates_of_a_counter(tmp_path):
    """Of each five updates the third never comes: the longest time between two is twice the usual."""
    script = tmp_path / "a.txt"
    entries = [Entry(raw=40 * k, t_ns=4 * k * MS) for k in (0, 1, 3, 4)]
    script.write_text(script_text(entries, Repeat(20 * MS, 200)))
    one = channel("a", str(script), timing=Timing(update_ns=4 * MS, update_max_ns=8 * MS))
    seen = updates(poll([one], 5.0, 100).series[0], one)
    assert len(seen) >= 100
    whole = [round(gap / (4 * MS)) for gap in (seen.t_ns[1:] - seen.t_ns[:-1]).tolist()]
    # On a loaded machine the poll is kept away, mostly where the load is as heavy, and sees longer gaps too.
    assert {1, 2} <= set(whole)
    assert min(whole) == 1


def test_two_sources_of_one_channel_are_read_together_and_compared(tmp_path):
    """The same counter shown as it is, and as one that counts a fifth too much."""
    twins = []
    for source, watts in (("rapl_perf", 50), ("powercap", 60), ("rapl_msr", 50)):
        script = tmp_path / f"{source}.txt"
        script.write_text(script_text([Entry(raw=1)], Repeat(MS, watts, MODULUS)))
        twins.append(replace(channel("package-0", str(script)), source=source))
    found = disagreements(twins, 1.0, 200)
    assert [one.sources for one in found] == [("rapl_perf", "powercap"), ("powercap", "rapl_msr")]
    assert found[0].ratio == pytest.approx(1.2, rel=1e-3)
    assert "20.00% more than rapl_perf" in found[0].what
    assert disagreements([channel("package-0", "x")] * 2, 1.0, 200) == ()  # no RAPL: nothing to compare


@pytest.mark.parametrize(
    ("capabilities", "control", "state", "known_from"),
    [
        (1 << 11, 1, "on", "MSR 0xBC bit 0"),
        (1 << 11, 2, "off", "MSR 0xBC bit 0"),
        (0, 1, "unknown", "too few updates"),
        (None, None, "unknown", "too few updates"),
    ],
)
def test_filtering_is_read_from_its_register_where_that_can_be_had(
    tmp_path, capabilities, control, state, known_from
):
    """AMD has none; Intel's register counts where IA32_ARCH_CAPABILITIES announces it."""
    if capabilities is not None:
        device = tmp_path / "dev/cpu/0/msr"
        device.parent.mkdir(parents=True)
        registers = bytearray(0x10A + 8)
        registers[0xBC : 0xBC + 8] = control.to_bytes(8, "little")
        registers[0x10A:] = capabilities.to_bytes(8, "little")
        device.write_bytes(registers)
    rapl = replace(channel("package-0", "x"), source="rapl_perf")
    nothing = updates(poll([replace(channel("a", str(_still(tmp_path))))], 0.01, 1).series[0], rapl)
    got = filtering(rapl, nothing, Host(cpu_vendor="GenuineIntel"), tmp_path)
    assert (got.state, got.known_from) == (state, known_from)
    assert filtering(rapl, nothing, Host(cpu_vendor="AuthenticAMD"), tmp_path).state == "off"
    assert filtering(channel("a", "x"), nothing, Host(), tmp_path) is None


def _still(folder):
    script = folder / "still.txt"
    script.write_text(script_text([Entry(raw=7)]))
    return script
