from fractions import Fraction

from places import identity

from microjoule.channel import Access, Channel, Scale
from microjoule.sources import script
from microjoule.sources.machine import Machine
from microjoule.sources.script import Entry, Repeat, script_text, script_text_by_reads, write_machine


def a_channel(path="package-0.script"):
    return Channel(
        **identity("package-0"),
        source="script",
        lane="package-0",
        scale=Scale(quantity="J", unit=Fraction(1, 2**14), unit_source="register", modulus=2**32),
        access=Access(reader="script", path=path),
    )


def test_a_scripted_machine_lists_its_channels_with_absolute_paths(tmp_path):
    write_machine(tmp_path, [a_channel()])
    (tmp_path / "package-0.script").write_text(script_text([Entry(raw=1)]))
    (channel,) = script.survey(Machine(tmp_path)).channels
    assert channel.access.path == str((tmp_path / "package-0.script").resolve())
    assert channel.scale == a_channel().scale


def test_a_machine_without_the_file_is_no_scripted_one(tmp_path):
    survey = script.survey(Machine(tmp_path))
    assert survey.channels == ()
    assert [obstacle.cause for obstacle in survey.obstacles] == ["no such hardware"]


def test_a_channel_without_its_script_is_closed(tmp_path):
    write_machine(tmp_path, [a_channel()])
    survey = script.survey(Machine(tmp_path))
    assert [closed.channel.id for closed in survey.closed] == ["package-0"]
    assert survey.closed[0].obstacle.cause == "hidden"


def test_a_file_that_describes_no_machine_gets_a_sentence(tmp_path):
    for text in ("{", "[]", '{"channels": [{"id": "x"}]}'):
        (tmp_path / "microjoule.json").write_text(text)
        assert [obstacle.cause for obstacle in script.survey(Machine(tmp_path)).obstacles] == ["failing"]


def test_scripts_are_written_in_the_grammar_of_the_reader():
    entries = [Entry(raw=5), Entry(t_ns=10, errno=5), Entry(t_ns=20, raw=7, latency_ns=300)]
    assert script_text(entries, Repeat(1000, 7, 2**32)) == (
        "by time\nrepeat 1000 7 4294967296\n0 5\n10 !5\n20 7 300\n"
    )
    assert script_text_by_reads(entries) == "by reads\n5\n!5\n7 300\n"
