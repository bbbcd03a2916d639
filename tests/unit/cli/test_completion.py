"""The shells complete commands, options and names of files from the script that ``uj completion`` prints."""

import shutil
import subprocess

import pytest

from microjoule import cli

pytest.importorskip("shtab", reason="needs the extra completion: pip install 'microjoule[completion]'")

BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"
completer="$(complete -p uj | sed 's/.*-F \\([^ ]*\\) .*/\\1/')"
"$completer" uj "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
FISH = 'source $argv[1]; complete -C "$argv[2]"'
ZSH = """
fpath=($1 $fpath)
autoload -Uz compinit && compinit -u -d $1/dump
print $_comps[uj]
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1= fpath=($1 \\$fpath); autoload -Uz compinit && compinit -u -d $1/dump; cd $1"
zpty -w -n shell $'uj report --ht\\t'
while zpty -r -m shell line '*--html*'; do print ${line##*uj}; break; done
zpty -d shell
"""
ASKED = [
    (["uj", "rep"], {"report", "repair"}),
    (["uj", "report", "--ht"], {"--html"}),
    (["uj", "completion", "z"], {"zsh"}),
    (["uj", "report", "tr"], {"trace.arrows"}),
    (["uj", "export", "trace.arrows", "--csv", "ta"], {"table.csv"}),
]


@pytest.fixture
def script(tmp_path, capsys, monkeypatch):
    """Writes a shell's script into an empty folder, beside two files to be found."""
    for name in ("trace.arrows", "table.csv"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    def of(shell):
        if shutil.which(shell) is None:
            pytest.skip(f"{shell} is not installed")
        assert cli.main(["completion", shell]) == 0
        path = tmp_path / f"script.{shell}"
        path.write_text(capsys.readouterr().out)
        return path

    return of


def answers(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL)
    assert done.stderr == ""
    return {line.partition("\t")[0].strip() for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize(("typed", "expected"), ASKED)
def test_bash_completes_what_is_typed(script, typed, expected):
    assert answers("bash", "--norc", "-c", BASH, "-", script("bash"), *typed) == expected


@pytest.mark.parametrize(("typed", "expected"), ASKED)
def test_fish_completes_what_is_typed(script, typed, expected):
    assert expected <= answers("fish", "--no-config", "-c", FISH, script("fish"), " ".join(typed))


def test_zsh_completes_what_is_typed(script, tmp_path):
    script("zsh").rename(tmp_path / "_uj")
    found = answers("zsh", "-f", "-c", ZSH, "-", tmp_path)
    assert "_uj" in found
    assert "report --html" in found


def test_a_shell_that_is_not_known_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as exit_code:
        cli.main(["completion", "csh"])
    assert exit_code.value.code == 2
    assert "zsh" in capsys.readouterr().err
