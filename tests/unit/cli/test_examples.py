"""Each command's help ends with examples, and the parser takes every one of them."""

import re
import shlex

import pytest

from microjoule import cli
from microjoule.cli.examples import EXAMPLES, FIRST, HEADING

COMMANDS = cli.COMMANDS
ROWS = [(name, row) for name, rows in EXAMPLES.items() for row in rows]


def words(line):
    """What a shell would hand to ``uj``: without settings and sudo before, and what follows a redirection."""
    lexer = shlex.shlex(line.replace("\\\n", " "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    found = list(lexer)
    end = next((i for i, word in enumerate(found) if word in {"|", ">", "&&"}), len(found))
    start = found.index("uj")
    assert all("=" in word or word == "sudo" for word in found[:start])
    return found[start + 1 : end]


def test_every_command_has_two_examples_or_more_and_nothing_else_has():
    assert set(EXAMPLES) == set(COMMANDS)
    assert min(len(rows) for rows in EXAMPLES.values()) >= 2


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_ends_with_the_examples_in_lines_that_fit(name, capsys):
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    told = capsys.readouterr().out
    examples = told[told.rindex(f"\n\n{HEADING}\n") :]
    assert "\n\n" not in examples.strip()
    assert all(row.does in examples for row in EXAMPLES[name])
    assert max(map(len, examples.splitlines())) <= 100


@pytest.mark.parametrize(("name", "row"), ROWS, ids=lambda value: str(value)[:60])
def test_the_parser_takes_each_example(name, row):
    found = words(row.line)
    assert found[0] == name
    assert callable(cli.parser().parse_args(found).run)


def test_the_first_examples_are_of_commands_that_are_there(capsys):
    for row in FIRST[:-1]:
        cli.parser().parse_args(words(row.line))
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert re.search(rf"\n{HEADING}\n  uj probe\n", capsys.readouterr().out)
