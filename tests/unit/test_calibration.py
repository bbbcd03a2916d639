import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import identity
from reached import reached
from scripted import channel

from microjoule.channel import Kind, Timing
from microjoule.errors import CalibrationError
from microjoule.host.calibration import (
    DISTINCT,
    EDGES_MIN,
    Calibration,
    Disagreement,
    Filtering,
    HostKey,
    LearnedPower,
    Learnt,
    Spread,
    applied,
    facts_of,
    load,
    save,
)

MS = 1_000_000
HOST = HostKey(hostname="a", cpu="x 6 85 7", kernel="6.1")
COUNTER = channel("package-0", "x.txt")

times = st.integers(0, 10**10)
finite = st.floats(allow_nan=False, allow_infinity=False)
spreads = st.builds(Spread, p5_ns=times, median_ns=times, p95_ns=times, p99_ns=times, max_ns=times)
powers = st.builds(LearnedPower, value_w=finite, u_w=finite)


def maybe(strategy):
    return st.none() | strategy


calibrations = st.builds(
    Calibration,
    host=st.builds(HostKey, hostname=st.text(), cpu=st.text(), kernel=st.text()),
    taken_realtime_ns=st.integers(0, 1 << 62),
    channels=st.lists(
        st.builds(
            Learnt,
            channel=st.text(),
            source=st.text(),
            edges=times,
            update=maybe(spreads),
            read=maybe(spreads),
            resolution_ns=maybe(times),
            quantum=maybe(times),
            distinct=times,
            lag_ns=maybe(times),
            idle=maybe(powers),
            spin=maybe(powers),
            filtering=maybe(st.builds(Filtering, state=st.text(), known_from=st.text())),
            note=st.text(),
        ),
        max_size=3,
    ).map(tuple),
    disagreements=st.lists(
        st.builds(
            Disagreement,
            channel=st.text(),
            sources=st.tuples(st.text(), st.text()),
            ratio=finite,
            u=finite,
            what=st.text(),
        ),
        max_size=2,
    ).map(tuple),
)


def of(learnt):
    return Calibration(host=HOST, taken_realtime_ns=1, channels=(learnt,))


def period(median_ns, max_ns):
    return Spread(p5_ns=median_ns, median_ns=median_ns, p95_ns=max_ns, p99_ns=max_ns, max_ns=max_ns)


@given(calibrations)
def test_what_is_kept_comes_back_the_same(calibration):
    assert Calibration.from_json(json.loads(json.dumps(calibration.to_json()))) == calibration


def test_a_file_is_written_whole_and_read_back(tmp_path):
    path = tmp_path / "new" / "folder" / "c.json"
    calibration = of(Learnt(channel="package-0", source="script", edges=3))
    save(calibration, path)
    save(calibration, path)
    assert load(path, HOST) == calibration
    assert [each.name for each in path.parent.iterdir()] == ["c.json"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_unknown_fields_of_a_later_writer_are_passed_over(tmp_path):
    plain = of(Learnt(channel="a", source="b")).to_json()
    plain["channels"][0]["smell"] = 3
    plain["weather"] = "fine"
    (tmp_path / "c.json").write_text(json.dumps(plain))
    assert load(tmp_path / "c.json").channels[0].channel == "a"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is damaged"),
        ('{"kind": "microjoule.calib', "is damaged"),
        ("[]", "is not a calibration"),
        ('{"kind": "something else"}', "is not a calibration"),
        ('{"kind": "microjoule.host.calibration", "format": 2}', "is in format 2"),
        ('{"kind": "microjoule.host.calibration", "format": 1}', "is damaged"),
        ('{"kind": "microjoule.host.calibration", "format": 1, "host": 3, "channels": []}', "is damaged"),
        ("\xff\xfe", "is damaged"),
    ],
)
def test_a_file_that_is_none_is_one_sentence(tmp_path, text, said):
    path = tmp_path / "c.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(CalibrationError, match=said) as caught:
        load(path)
    assert "uj probe --calibrate" in caught.value.remedy


def test_a_file_that_is_missing_or_a_folder_is_one_sentence(tmp_path):
    with pytest.raises(CalibrationError, match="There is no calibration"):
        load(tmp_path / "none.json")
    with pytest.raises(CalibrationError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(CalibrationError, match="cannot be written"):
        save(of(Learnt(channel="a", source="b")), tmp_path / "file" / "c.json")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CalibrationError, match="cannot be written"):
        save(of(Learnt(channel="a", source="b")), tmp_path / "c.json")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("part", "said"), [("hostname", "of host 'b'"), ("cpu", "of CPU 'b'"), ("kernel", "of kernel 'b'")]
)
def test_another_hosts_calibration_is_refused(tmp_path, part, said):
    save(replace(of(Learnt(channel="a", source="b")), host=replace(HOST, **{part: "b"})), tmp_path / "c.json")
    with pytest.raises(CalibrationError, match=said):
        load(tmp_path / "c.json", HOST)
    assert load(tmp_path / "c.json").host != HOST


@pytest.mark.reaches(learnt=5)
@given(
    declared=st.builds(Timing, update_ns=st.none() | times, update_max_ns=times, lag_ns=times),
    learnt=st.builds(
        Learnt,
        channel=st.just("package-0"),
        source=st.just("script"),
        edges=st.integers(0, 300),
        update=maybe(spreads),
        lag_ns=maybe(times),
        quantum=maybe(st.integers(1, 1000)),
        distinct=st.integers(0, 40),
    ),
    kind=st.sampled_from(Kind),
)
def test_a_bound_only_grows(declared, learnt, kind):
    before = replace(COUNTER, timing=declared, kind=kind)
    (after,) = applied([before], of(learnt))
    assert after.timing.update_max_ns >= before.timing.update_max_ns
    assert after.timing.lag_ns >= before.timing.lag_ns
    assert after.scale.quantum >= before.scale.quantum
    if reached("learnt", learnt.update is not None and learnt.edges >= EDGES_MIN):
        assert after.timing.update_max_ns >= learnt.update.max_ns
    assert replace(after, timing=before.timing, scale=before.scale) == before


FIELDS = ("energy", "module_energy", "power")


def gpu(number, uuid, name="energy"):
    access = replace(COUNTER.access, path=f"{uuid}@/lib/libnvidia-ml.so.1", config=FIELDS.index(name))
    return replace(COUNTER, **identity(f"gpu-{number}/{name}"), access=access)


def test_what_was_learnt_of_a_gpu_is_for_that_card_whatever_its_number():
    """Cards change places: what was learnt of one is no prior for another."""
    learnt = [
        Learnt(
            channel=f"gpu-{n}/{name}",
            source="script",
            device=uuid,
            field=FIELDS.index(name),
            likely_lag_ns=(lag, lag + MS),
        )
        for n, uuid, lag in ((0, "GPU-a", 5 * MS), (1, "GPU-b", 90 * MS))
        for name in ("energy", "module_energy")
    ]
    calibration = Calibration(host=HOST, taken_realtime_ns=1, channels=tuple(learnt))
    kept = Calibration.from_json(json.loads(json.dumps(calibration.to_json())))
    for number, uuid, expected in ((0, "GPU-b", (90 * MS, 91 * MS)), (5, "GPU-a", (5 * MS, 6 * MS))):
        (after,) = applied([gpu(number, uuid)], kept)
        assert after.timing.likely_lag_ns == expected
        assert after.timing.lag_ns == expected[1] > COUNTER.timing.lag_ns  # all of it is guaranteed
        assert after.timing.lag_source == "measured by uj probe --calibrate"
    assert applied([gpu(0, "GPU-new")], kept) == (gpu(0, "GPU-new"),)
    assert applied([gpu(0, "GPU-a", "power")], kept) == (gpu(0, "GPU-a", "power"),)
    older = of(Learnt(channel="gpu-0/energy", source="script", lag_ns=3, lag_min_ns=1))
    assert applied([gpu(0, "GPU-a")], older)[0].timing.lag_ns == 3


def test_a_lag_that_a_trace_measures_takes_the_place_of_the_likely_one():
    timing = COUNTER.timing.with_likely_lag(3 * MS, 4 * MS, "before").with_lag(MS, 2 * MS, "now")
    assert (timing.middle_lag_ns, timing.half_lag_ns) == (3 * MS // 2, MS / 2)


def test_what_was_learnt_refines_the_usual_period():
    learnt = Learnt(
        channel="package-0",
        source="script",
        edges=200,
        update=period(976_000, 3 * MS),
        quantum=16,
        distinct=DISTINCT,
        lag_ns=400,
    )
    (after,) = applied([COUNTER], of(learnt))
    assert after.timing == Timing(update_ns=976_000, update_max_ns=3_750_000, lag_ns=500)
    assert after.scale.quantum == 16
    few = replace(learnt, edges=EDGES_MIN - 1, distinct=DISTINCT - 1)
    (after,) = applied([COUNTER], of(few))
    assert after.timing.update_ns == COUNTER.timing.update_ns
    assert after.scale.quantum == 1


def test_a_gauge_keeps_the_period_that_it_declares():
    learnt = Learnt(channel="package-0", source="script", edges=200, update=period(300 * MS, 900 * MS))
    gauge = replace(COUNTER, kind=Kind.GAUGE)
    (after,) = applied([gauge], of(learnt))
    assert after.timing.update_ns == MS
    (after,) = applied([replace(gauge, timing=Timing())], of(learnt))
    assert after.timing.update_ns == 300 * MS


def test_other_channels_and_sources_are_left_alone():
    calibration = of(Learnt(channel="package-0", source="perf", edges=200, update=period(5, 5)))
    assert applied([COUNTER], calibration) == (COUNTER,)
    assert applied([COUNTER], None) == (COUNTER,)
    twin = replace(COUNTER, **identity("package-0@perf"), source="perf")
    assert applied([twin], calibration)[0].timing.update_ns == 5


def test_a_trace_keeps_what_was_learnt_of_its_own_channels():
    calibration = of(Learnt(channel="package-0", source="script"))
    assert facts_of(None, [COUNTER]) == {}
    assert len(facts_of(calibration, [COUNTER])["calibration"]["channels"]) == 1
    assert facts_of(calibration, [replace(COUNTER, id="x")])["calibration"]["channels"] == ()


def test_the_library_looks_for_no_file_by_itself():
    import microjoule.host.calibration as module

    assert "environ" not in Path(module.__file__).read_text()


def test_a_host_that_nothing_tells_from_others_has_no_file_of_its_own(tmp_path, capsys):
    from microjoule.cli import main

    assert not HostKey(hostname="unknown", cpu="? ? ? ?", kernel="unknown").is_known
    assert not HostKey(hostname="h", cpu="? ? ? ?", kernel="unknown").is_known
    assert HostKey(hostname="h", cpu="? ? ? ?", kernel="6.1").is_known  # ARM tells no family
    assert main(["probe", "--calibrate", "--root", str(tmp_path)]) == 1
    assert "--calibration FILE" in capsys.readouterr().err


def test_a_few_updates_tell_of_a_counter_that_is_updated_rarely():
    """Five in as many seconds, of 50 J each; but not where each is of a quantum, as of a part that rests."""
    learnt = Learnt(
        channel="package-0",
        source="script",
        edges=5,
        update=period(1_000 * MS, 1_010 * MS),
        spin=LearnedPower(value_w=50.0, u_w=0.1),
    )
    (after,) = applied([COUNTER], of(learnt))
    assert after.timing.update_ns == 1_000 * MS
    assert after.timing.update_max_ns == round(1.25 * 1_010 * MS)
    (after,) = applied([COUNTER], of(replace(learnt, spin=LearnedPower(value_w=0.001, u_w=0.0))))
    assert after == COUNTER


def test_a_lag_that_was_bounded_on_both_sides_takes_the_place_of_the_declared_one():
    """Shorter or longer: 0.1 to 0.2 ms in place of up to 1 ms."""
    learnt = Learnt(channel="package-0", source="script", lag_ns=200_000, lag_min_ns=100_000)
    declared = replace(COUNTER, timing=replace(COUNTER.timing, lag_ns=MS))
    (after,) = applied([declared], of(learnt))
    assert (after.timing.lag_min_ns, after.timing.lag_ns) == (100_000, 200_000)
    assert after.timing.lag_source == "measured by uj probe --calibrate"
    (after,) = applied([declared], of(replace(learnt, lag_ns=5 * MS, lag_min_ns=4 * MS)))
    assert after.timing.lag_ns == 5 * MS
