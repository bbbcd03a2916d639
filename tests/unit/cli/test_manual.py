"""The manual page has every command, option and example, in roff that no program complains of."""

import argparse
import json
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

import microjoule
from microjoule import cli
from microjoule.cli.examples import EXAMPLES
from microjoule.cli.manual import page

MACROS = {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi", ".RS", ".RE"}


@pytest.fixture(scope="module")
def text():
    return page(cli.parser(), "1.2.3")


def shown(text, tmp_path):
    """The page as a reader sees it, without bold and underline."""
    if shutil.which("mandoc") is None:
        pytest.skip("mandoc is not installed: apt-get install mandoc")
    path = tmp_path / "uj.1"
    path.write_text(text)
    command = ["mandoc", "-T", "utf8", "-O", "width=200", path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    plain = done.stdout
    while (at := plain.find("\b")) > 0:
        plain = plain[: at - 1] + plain[at + 1 :]
    return plain


def parsers():
    (action,) = (each for each in cli.parser()._actions if isinstance(each, argparse._SubParsersAction))
    return action.choices


def test_every_line_that_begins_with_a_dot_is_a_macro(text):
    assert {line.split()[0] for line in text.splitlines() if line.startswith((".", "'"))} <= MACROS
    assert text.isascii()


def test_every_option_of_every_command_is_described(text):
    for name, parser in parsers().items():
        start = text.index(f".SH UJ {name.upper()}\n")
        section = text[start : text.index("\n.SH ", start + 1)]
        for action in parser._actions[1:]:
            for option in action.option_strings:
                assert option.replace("-", r"\-") in section.partition(".TP")[2], (name, option)


def test_a_reader_sees_the_examples_as_they_are_typed(text, tmp_path):
    lines = [line.strip() for line in shown(text, tmp_path).splitlines()]
    for rows in EXAMPLES.values():
        for row in rows:
            assert all(part.strip() in lines for part in row.line.splitlines()), row


@pytest.mark.parametrize(
    "checker",
    [["mandoc", "-T", "lint", "-W", "warning"], ["groff", "-man", "-ww", "-K", "utf8", "-T", "utf8", "-z"]],
    ids=lambda checker: checker[0],
)
def test_no_program_complains_of_it(text, tmp_path, checker):
    if shutil.which(checker[0]) is None:
        pytest.skip(f"{checker[0]} is not installed")
    path = tmp_path / "uj.1"
    path.write_text(text)
    done = subprocess.run([*checker, path], capture_output=True, text=True, timeout=60)
    # A date would differ between two builds of one code.
    told = [line for line in done.stdout.splitlines() if not line.endswith('missing date, using "": TH')]
    assert (told, done.stderr) == ([], "")


def test_the_parser_needs_the_standard_library_alone():
    """Or the page could not be made where the package is built."""
    program = (
        "import sys; sys.path.append(sys.argv[1]); from microjoule.cli import parser; parser();"
        "foreign = {n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names;"
        "sys.exit(str(foreign - {'microjoule', '__main__'}) if foreign - {'microjoule', '__main__'} else 0)"
    )
    command = [sys.executable, "-I", "-S", "-c", program, Path(microjoule.__file__).parents[1]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_wheel_brings_the_page_of_this_code():
    installed = distribution("microjoule")
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        pytest.skip("an editable install has the page of the day when it was installed")
    (path,) = (each for each in installed.files if each.name == "uj.1")
    assert path.parts[-4:] == ("share", "man", "man1", "uj.1")
    assert path.locate().read_text() == page(cli.parser(), installed.version)
