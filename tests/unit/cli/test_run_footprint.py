"""``uj run`` works out a footprint where somebody sees it."""

import subprocess
import sys

import pytest
from scripted import machine


@pytest.fixture
def root(tmp_path):
    return machine(tmp_path / "root")


def test_a_footprint_is_worked_out_for_who_asks_for_it(root, tmp_path):
    """Its tables and factors take a tenth of a short run's time."""
    program = (
        "import sys; from microjoule.cli import main; code = main(sys.argv[1:]);"
        "print(any(name.startswith('microjoule.footprint') for name in sys.modules)); sys.exit(code)"
    )
    command = ["run", "--source", "script", "--root", str(root)]
    said = {}
    for options in ((), ("--brief",), ("-v",), ("--zone", "DE"), ("--json", str(tmp_path / "r.json"))):
        words = [*command, *options, "--", "true"]
        done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        said[options[:1]] = (done.stdout.strip().splitlines()[-1], done.stderr)
    assert {key: text for key, (text, _) in said.items()} == {
        (): "False", ("--brief",): "False", ("-v",): "True", ("--zone",): "True", ("--json",): "True"
    }  # fmt: skip
    assert "add --zone CODE" in said[()][1]
    assert "CO2e" in said[("--zone",)][1]


def test_the_usual_method_has_one_name():
    from microjoule.cli.options import METHOD
    from microjoule.footprint.methods import DEFAULT

    assert METHOD == DEFAULT
