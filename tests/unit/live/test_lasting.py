"""What fell silent is opened anew, and no count falls."""

import time

from scripted import MS, machine

from microjoule.live.lasting import Lasting
from microjoule.live.session import session
from microjoule.recording.meter import Meter
from microjoule.sources.script import Entry, script_text_by_reads

PATIENCE_S = 60
SILENT_NS = 300 * MS


def sampled(root):
    return Lasting(lambda: session(Meter(rate=100, sources=["script"], root=root)), SILENT_NS)


def until(is_so):
    ends = time.monotonic() + PATIENCE_S
    while not (found := is_so()):
        assert time.monotonic() < ends
        time.sleep(0.02)
    return found


def counts(running):
    return {level.channel.id: level.energy_counts for level in running.levels()}


def test_a_source_that_died_is_opened_anew_and_added_to_what_was(tmp_path):
    root = machine(tmp_path)
    dies = script_text_by_reads([Entry(raw=0), Entry(raw=700), Entry(errno=19)])
    (root / "dram.txt").write_text(dies)
    with sampled(root) as running:
        until(lambda: counts(running).get("package-0/dram") == 700)
        before = counts(running)
        (root / "dram.txt").write_text(script_text_by_reads([Entry(raw=0), Entry(raw=50)]))
        assert "package-0/dram" in until(running.look)
        after = until(lambda: counts(running)["package-0/dram"] > 700 and counts(running))
        assert after["package-0/dram"] == 750
        assert after["package-0"] > before["package-0"]


def test_a_channel_that_is_gone_stays_where_it_was_and_comes_back(tmp_path):
    root = machine(tmp_path)
    dies = script_text_by_reads([Entry(raw=0), Entry(raw=700), Entry(errno=19)])
    (root / "dram.txt").write_text(dies)
    with sampled(root) as running:
        until(lambda: counts(running).get("package-0/dram") == 700)
        (root / "dram.txt").unlink()
        until(running.look)
        until(lambda: list(running.left_out) == ["package-0/dram"])
        level = next(one for one in running.levels() if one.channel.id == "package-0/dram")
        assert (level.energy_counts, level.power_w) == (700, None)
        assert list(running.channels) == ["package-0", "package-0/dram"]
        (root / "dram.txt").write_text(script_text_by_reads([Entry(raw=0), Entry(raw=50)]))
        until(running.look)
        until(lambda: counts(running)["package-0/dram"] == 750)


def test_where_all_is_gone_the_levels_stay_and_it_is_tried_again(tmp_path):
    root = machine(tmp_path)
    lasts = (root / "package.txt").read_text()
    dies = script_text_by_reads([Entry(raw=0), Entry(raw=700), Entry(errno=19)])
    for name in ("package.txt", "dram.txt"):
        (root / name).write_text(dies)
    with sampled(root) as running:
        until(lambda: list(counts(running).values()) == [700, 700])
        for name in ("package.txt", "dram.txt"):
            (root / name).unlink()
        until(running.look)
        assert list(counts(running).values()) == [700, 700]
        (root / "package.txt").write_text(lasts)
        until(lambda: running.look() or counts(running)["package-0"] > 700)
        until(lambda: counts(running)["package-0"] > 700)


def test_while_all_is_well_nothing_is_opened_anew(tmp_path):
    begun = []

    def begin():
        begun.append(1)
        return session(Meter(rate=100, sources=["script"], root=machine(tmp_path)))

    with Lasting(begin) as running:
        until(lambda: len(counts(running)) == 2)
        assert running.look() == ()
    assert len(begun) == 1
