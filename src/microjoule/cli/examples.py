"""The examples with which each command's ``--help`` ends, and the shape of that help.

One row an example: what is typed, and what comes of it. A test lets the parser take each of them, so that
none outlives the options that it shows.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

HEADING = "examples:"


class Example(NamedTuple):
    """A command for a shell, in one line or in several that go on; and what it does."""

    line: str
    does: str


def _rows(*rows: tuple[str, str]) -> tuple[Example, ...]:
    return tuple(Example(*row) for row in rows)


FIRST = _rows(
    ("uj probe", "list what this machine can measure, and what fixes the rest"),
    ("uj run -- python train.py", "measure the energy of a command"),
    ("uj run -o trace.arrows --rate 4000 -- ./a.out", "the same, and keep every reading"),
    ("uj report trace.arrows --zone DE --html report.html", "as text, and as a page that opens offline"),
    ("uj compare 'python one.py' 'python other.py'", "which of two commands uses less"),
    ("uj COMMAND --help", "the options of a command, and examples"),
)

EXAMPLES: Mapping[str, tuple[Example, ...]] = MappingProxyType(
    {
        "import": _rows(
            (
                "uj import meter.csv --with run.arrows -o both.arrows",
                "add a plug's log to a recording made at the same time",
            ),
            (
                "uj import meter.csv --timezone Europe/Berlin -o meter.arrows",
                "a trace of the meter alone; its log's times without an offset are local",
            ),
        ),
        "probe": _rows(
            ("uj probe", "every source and channel, and the command that fixes what is missing"),
            ("uj probe --json > host.json", "the same for a program"),
            ("uj probe --rule", "commands that let a group read the counters, also after a reboot"),
            ("sudo uj probe --calibrate", "learn how often each counter is updated, for later recordings"),
        ),
        "run": _rows(
            ("uj run -- python train.py", "the energy of a command and of the windows that it marks"),
            ("uj run -o trace.arrows --html page.html -- make -j8", "keep the readings, and draw them"),
            ("uj run --zone DE --price '0.30 EUR/kWh' -- ./a.out", "with its CO2e and its cost"),
            ("uj run --channel package-0 -- ./a.out", "read only one of the sensors that `uj probe` lists"),
        ),
        "profile": _rows(
            ("uj profile -s 'x = list(range(1000))' 'sum(x)'", "the energy of one call, to 1 %"),
            ("uj profile --rel 5% --max-time 10s 'sorted(range(100))'", "less precise, but faster"),
            ("uj profile --mode edge -r 1 'import numpy'", "code that can run only once"),
        ),
        "compare": _rows(
            ("uj compare 'python one.py' 'python other.py'", "in turns, with the ratio and its interval"),
            ("uj compare -n old -n new -r 20 --markdown - ./old ./new", "a table for a pull request"),
            ("uj compare before.arrows after.arrows --window step", "windows that were recorded"),
        ),
        "bench": _rows(
            (
                "uj bench http://127.0.0.1:8000 --channel gpu-0/energy",
                "joules per request and token at 1, 4 and 16 at once",
            ),
            (
                "uj bench http://127.0.0.1:8000 -c 1,8,64 --duration 2m --plot energy.html \\\n"
                "     --channel gpu-0/energy",
                "longer, with a plot",
            ),
            (
                "uj bench http://127.0.0.1:8000 --request-rate 0.5,2 --prompts prompts.txt \\\n"
                "     --log log.jsonl --channel gpu-0/energy",
                "at two rates, with your own prompts, and a log for `uj attribute`",
            ),
        ),
        "record": _rows(
            ("uj record -o day.arrows", "the whole machine, until Ctrl-C"),
            ("uj record --for 10m --rate 100", "ten minutes at a hundred readings a second"),
            ("uj record --source nvml --all-gpus -o gpus.arrows", "all GPUs and nothing else"),
        ),
        "watch": _rows(
            ("uj watch", "this machine; q ends it, r records"),
            ("uj watch --rate 100 --source nvml", "GPUs alone, a hundred times a second"),
            ("uj watch trace.arrows", "what another process records there"),
        ),
        "serve": _rows(
            ("uj serve", "http://127.0.0.1:9464/metrics, for this host alone"),
            ("uj serve --bind 0.0.0.0 --port 9100", "for every host that reaches this one"),
            ("uj serve --otlp http://collector:4318", "pushed to a collector as well"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS=api-key=… \\\n    uj serve --port none --otlp https://otel.example",
                "pushed and nothing else, with a key",
            ),
            ("uj serve --source nvml", "GPUs alone"),
        ),
        "agent": _rows(
            ("sudo uj agent --group energy", "every reading to the group energy, a coarse view to everybody"),
            ("sudo uj agent --group energy --no-coarse", "nothing to anybody else"),
            ("sudo uj agent --group none", "the coarse view alone, and every reading to root"),
        ),
        "report": _rows(
            ("uj report trace.arrows --budget", "each window, and what its uncertainty is made of"),
            ("uj report trace.arrows --zone DE --html report.html", "a page that opens offline"),
            ("uj report trials/*.arrows --until 'accuracy>=0.9'", "a project's total, failed runs too"),
        ),
        "export": _rows(
            ("uj export trace.arrows --parquet trace.parquet", "all rows, smallest; uj.load reads it"),
            ("uj export trace.arrows --wide ticks.parquet", "one row a tick, one column a channel"),
            ("uj export trace.arrows --perfetto trace.json.gz", "open it in ui.perfetto.dev"),
        ),
        "sql": _rows(
            ("uj sql trace.arrows", "the tables and their columns"),
            ("uj sql trace.arrows 'select name, energy_j, expanded_j from windows'", "a table of windows"),
            (
                "uj sql trace.arrows 'select channel, sum(energy_j) from energy group by 1'",
                "each channel over all windows",
            ),
            ("uj sql trace.arrows 'select t_ns, raw from readings' --csv > raw.csv", "exact counts"),
        ),
        "attribute": _rows(
            ("uj attribute trace.arrows profile.json.gz", "energy by kernel, operator and range"),
            (
                "uj attribute trace.arrows profile.json.gz -o with_power.json.gz",
                "the profile with the power inside",
            ),
            ("uj attribute trace.arrows profile.json --channel gpu-0/energy --json -", "of one channel"),
            (
                "uj attribute trace.arrows requests.jsonl --channel gpu-0/energy",
                "of each request of a server",
            ),
        ),
        "flame": _rows(
            ("uj flame -- python train.py", "flame.html, in which a frame's width is its joules"),
            (
                "uj flame -o f.speedscope.json -o f.folded -o f.pb.gz -- python train.py",
                "for speedscope, flamegraph.pl and pprof",
            ),
            ("uj flame --sampler py-spy --stacks 200 -- python train.py", "Python functions, by py-spy"),
        ),
        "repair": _rows(
            ("uj repair cut.arrows", "every whole batch, into cut.repaired.arrows"),
            ("uj repair cut.arrows -o cut.arrows", "in place"),
        ),
        "archive": _rows(
            ("uj archive add run.arrows --archive traces --project vision", "store a trace and its figures"),
            ("uj archive report --archive traces --by project,month", "what was used, from the catalogue"),
        ),
        "publish": _rows(
            ("uj publish trace.arrows -o result.zip", "the readings, all figures, and what checks them"),
            ("uj publish trials/*.arrows -o result.zip --zone DE", "of several traces, with their CO2e"),
        ),
        "verify": _rows(
            ("uj verify result.zip", "equal, differs by …, or cannot, because …"),
            ("uj verify result.zip --json -", "every difference, for a program"),
        ),
        "overhead": _rows(
            ("uj overhead --quick", "one rate, next to a load: about 30 s"),
            ("uj overhead --rate 1000 --rate 10000 --plot overhead.svg", "two rates, and a plot"),
        ),
        "zones": _rows(
            ("uj zones germany", "its code and its figure"),
            ("uj zones US- --json", "all zones of the United States, with the source of each"),
        ),
        "estimate": _rows(
            ("uj estimate --hardware V100 --count 8 --wall-hours 24 --zone US-CA", "8 GPUs for a day"),
            ("uj estimate --hardware H100-SXM --device-hours 4e6 --utilisation 0.8", "summed over devices"),
        ),
        "paper": _rows(
            ("uj paper", "the printed tables next to the recomputed ones"),
            ("uj paper --zone FR --pue 1.1", "the same work on another grid, in a better building"),
        ),
        "emit": _rows(
            (
                "uj emit huggingface trace.arrows --window train --zone DE --stage fine-tuning",
                "for a model card",
            ),
            ("uj emit latex trace.arrows --window train -o energy.tex", "a table for a paper"),
            ("uj emit boamps report.json --country Germany -o boamps.json", "from a report's JSON"),
        ),
        "label": _rows(
            ("uj label --sets", "what can be compared with"),
            (
                "uj label --wh-per-unit 900 --low 850 --high 950 --unit '1000 images' \\\n"
                "     --set luccioni2024-image-generation --hardware '1 × H200' -o label.svg",
                "of a figure",
            ),
            (
                "uj label trace.arrows --window inference --units 2.5 --unit '1000 texts' \\\n"
                "     --set luccioni2024-text-generation --hardware '1 × H200'",
                "of a trace",
            ),
        ),
        "equivalents": _rows(
            ("uj equivalents '284 t'", "an amount of CO2e, as flights, car-kilometres, …"),
            ("uj equivalents '3 kWh' --key phone-charge", "an amount of energy, as one thing"),
            ("uj equivalents '284 t' --against '5 t'", "two amounts, and their ratio"),
        ),
        "amortise": _rows(
            ("uj amortise --training '1287 MWh' --use '3 Wh' --uses 1e9", "the training's share of a use"),
            (
                "uj amortise --training a.arrows --use '0.2 Wh' --uses 1e6 --instead-of '1 Wh'",
                "and when it pays",
            ),
        ),
        "data": _rows(
            ("uj data licences", "the sources of all figures, and what is owed for them"),
            ("uj data hash", "which tables a figure came from"),
        ),
        "completion": _rows(
            ("uj completion bash > ~/.local/share/bash-completion/completions/uj", "for bash"),
            ("uj completion zsh > ~/.zfunc/_uj", "for zsh, with ~/.zfunc in fpath before compinit"),
            ("uj completion fish > ~/.config/fish/completions/uj.fish", "for fish"),
        ),
    }
)


class Layout(argparse.HelpFormatter):
    """Fills paragraphs, and tables and examples line by line; what is to be copied is never broken."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        return _wrapped(" ".join(text.split()), 0, width)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.strip("\n").split("\n\n")
        return "\n\n".join(
            "\n".join(line for row in part.splitlines() for line in _fitting(row, width))
            if "\n " in part
            else "\n".join(indent + line for line in self._split_lines(part, width - len(indent)))
            for part in parts
        )


def _wrapped(text: str, indent: int, width: int) -> list[str]:
    from ..report.wrapping import wrapped

    return wrapped(text, indent, width)


def _fitting(line: str, width: int) -> list[str]:
    """A line of a table or an example over as many as it needs, but for a command, which is to be copied.

    What goes on does so below the table's last column, or four characters further in.
    """
    if line.strip().startswith(("uj ", "sudo ", "-")) or len(line) <= width:
        return [line]
    blanks = len(line) - len(line.lstrip())
    before, _, _ = line.rpartition("  ")
    column = len(before) + 2 if before.strip() else blanks
    return _wrapped(line, column if width - column > 24 else blanks + 4, width)


def finish(parser: argparse.ArgumentParser, rows: tuple[Example, ...]) -> None:
    """Lets a parser's help end with examples, below whatever stands there already."""
    parser.formatter_class = Layout
    parser.epilog = "\n\n".join(filter(None, [(parser.epilog or "").strip("\n"), "\n".join(_lines(rows))]))


def _lines(rows: tuple[Example, ...]) -> Iterator[str]:
    if rows:
        yield HEADING
    for row in rows:
        yield from (f"  {part}" for part in row.line.splitlines())
        yield f"      {row.does}"
