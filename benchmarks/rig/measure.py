"""Power pulses and updates, measured on a real kernel whose counters follow a known waveform exactly.

    python benchmarks/rig/measure.py RIG        # fifteen minutes; writes results/rig_*.md
    python benchmarks/rig/measure.py RIG --again    # the tables once more, from what the guests left

RIG is the folder of a built machine: ``run.sh`` boots its guest and runs a command, ``mkwheel.sh`` builds a
wheel for it, ``tools/truth.py`` knows the waveform. The guest's processor is emulated in software, five to
ten times slower than the host: its CPU shares are compared with each other here, and with nothing else.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # for conftest.py

import against_truth
from conftest import pytest_benchmark_update_machine_info

from microjoule.joules.energy_trace import load
from microjoule.joules.summary import summary

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parent / "results"
SECONDS, TURNS = 12, 3
CPUS = {"a client": "Skylake-Client", "a server": "Skylake-Server"}
GUEST = "pip install -q --no-index --no-deps whl/*.whl && "
PULSE_HEAD = (
    "sampling", "measured", "n", "error: median, %", "rms, %", "bias, %", "U, %", "U held, %",
    "bounds held, %",
)  # fmt: skip
EDGE_HEAD = (
    "sampling", "CPU, % of a core", "relative to 1 kHz", "known to 50 µs, % of updates",
    "error of an update's time: median", "95 %", "updates seen singly",
)  # fmt: skip


def truth_of(rig: Path) -> ModuleType:
    """The machine's module that knows the waveform."""
    spec = importlib.util.spec_from_file_location("truth", rig / "tools" / "truth.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"{rig} holds no tools/truth.py: give the folder of a built machine")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def boot(rig: Path, name: str, cpu: str, command: str) -> Path:
    """Runs a command in a guest of its own; the folder that it leaves."""
    shutil.copy(HERE / "in_guest.py", rig)
    waveform = (HERE / "pulses.conf").read_text()
    if cpu == CPUS["a server"]:
        waveform = waveform.replace("dom * dram", "dom * dram esu=16")
    (rig / "pulses.conf").write_text(waveform)
    folder = rig / "runs" / name
    shutil.rmtree(folder, ignore_errors=True)
    words = ["./run.sh", "-t", "400", "-m", cpu, "-c", "pulses.conf", "-o", str(folder), "-f", "whl"]
    done = subprocess.run([*words, "-f", "in_guest.py", "--", GUEST + command], cwd=rig, check=False)
    if done.returncode:
        raise SystemExit(f"The guest ended with {done.returncode}; see {folder}/console.txt and out.txt")
    return folder


def recorded(folder: Path, truth: ModuleType) -> Iterator[tuple]:
    """Each way's name, trace, clock, domain, and lane."""
    domain = truth.load(str(folder / "rapl.conf"))[0, "pkg"]
    for name, way in json.loads((folder / "ways.json").read_text()).items():
        if way["code"]:
            raise SystemExit(f"{name}: {way['said']}")
        trace = load(folder / way["file"])
        (lane,) = (each for each in summary(trace)["engine"]["lanes"] if each["lane"] == "package-0")
        yield name, trace, against_truth.Clock(way["pairs"]), domain, lane


def row(cells: Iterator[object] | tuple | list) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def pulses_table(folders: list[Path], truth: ModuleType) -> list[str]:
    """All turns' pulses together."""
    gathered: dict[tuple[str, str, str], list[against_truth.Errors]] = {}
    for folder in folders:
        for name, trace, clock, domain, _ in recorded(folder, truth):
            for (pulse, way), errors in against_truth.pulses(trace, clock, domain).items():
                gathered.setdefault((pulse, name, way), []).append(errors)
    lines: list[str] = []
    for pulse in against_truth.PULSES_S:
        lines += [f"### A pulse of {pulse}", "", row(PULSE_HEAD), "|---" * len(PULSE_HEAD) + "|"]
        for (of, name, way), each in gathered.items():
            if of == pulse:
                lines.append(row([name, way, *against_truth.Errors.joined(each).cells()]))
        lines.append("")
    return lines


def edges_table(folders: list[Path], truth: ModuleType) -> list[str]:
    """Medians over the turns."""
    found: dict[str, list[against_truth.Updates]] = {}
    for folder in folders:
        for name, trace, clock, domain, lane in recorded(folder, truth):
            found.setdefault(name, []).append(against_truth.updates(trace, clock, domain, lane))
    plain = statistics.median(each.of_core for each in found["1 kHz"])
    lines = [row(EDGE_HEAD), "|---" * len(EDGE_HEAD) + "|"]
    for name, each in found.items():
        core, known, median, p95 = (
            statistics.median(getattr(one, what) for one in each)
            for what in ("of_core", "known", "median_us", "p95_us")
        )
        n = sum(one.n for one in each)
        lines.append(
            row([name, f"{100 * core:.1f}", f"{core / plain:.2f}", f"{100 * known:.1f}", f"{median:.3g} µs",
                 f"{p95:.3g} µs", n])
        )  # fmt: skip
    return lines


def wheel(rig: Path) -> None:
    """Builds the wheel of what is committed, in the folder ``whl`` of the machine."""
    shutil.rmtree(rig / "whl", ignore_errors=True)
    source = rig / "source"
    shutil.rmtree(source, ignore_errors=True)
    root = HERE.parents[1]
    files = subprocess.run(["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True).stdout
    for name in files.decode().split("\0")[:-1]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / name, source / name)
    subprocess.run(["./mkwheel.sh", str(source), "whl"], cwd=rig, check=True)


def taken(rig: Path) -> None:
    """Builds the wheel and runs all guests."""
    wheel(rig)
    for turn in range(TURNS):
        boot(rig, f"turn{turn}", CPUS["a client"], f"python3 in_guest.py /share {SECONDS}")
    boot(rig, "server", CPUS["a server"], "python3 in_guest.py /share 0")


def host_lines() -> list[str]:
    """When and where this was taken, in Markdown."""
    machine: dict[str, object] = {}
    pytest_benchmark_update_machine_info(machine)
    facts = {"taken": datetime.now(UTC).isoformat(timespec="minutes"), **machine["microjoule"]}  # type: ignore[dict-item]
    return ["The host:", "", *(f"- {key}: {value}" for key, value in facts.items()), ""]


def written(rig: Path) -> None:
    """The tables, from what the guests left."""
    truth = truth_of(rig)
    folders = [rig / "runs" / f"turn{turn}" for turn in range(TURNS)]
    server = rig / "runs" / "server"
    told = host_lines()
    (RESULTS / "rig_pulses.md").write_text("\n".join([PULSES_SAY, *pulses_table(folders, truth), *told]))
    calibrated = [
        line
        for words, folder in (
            ("a client (Skylake-Client)", folders[0]),
            ("a server (Skylake-Server)", server),
        )
        for line in (f"### {words}", "", "```", *_probe(folder), "```", "")
    ]
    edges = [EDGES_SAY, *edges_table(folders, truth), "", CALIBRATION_SAYS, *calibrated, *told]
    (RESULTS / "rig_edges.md").write_text("\n".join(edges))


def main() -> None:
    rig = Path(sys.argv[1]).resolve()
    truth_of(rig)  # a sentence before ten minutes, if this is none
    if "--again" not in sys.argv:
        taken(rig)
    written(rig)


def _probe(folder: Path) -> list[str]:
    lines = (folder / "probe.txt").read_text().splitlines()
    return [line.rstrip() for line in lines if not line.startswith("Kept in")]


PULSES_SAY = f"""# Power pulses on a real kernel, against the exact truth

Taken by `python benchmarks/rig/measure.py RIG`: Linux 6.1 with its own perf driver, on an emulated
processor whose RAPL registers are the exact integral of 20 W and, 7.3 times a second, 100 W more for
1 ms and, half a period later, for 10 ms. {TURNS} boots of {SECONDS} s a way of sampling. The windows are the
pulses to the nanosecond; updates come every 976.6 µs.

*window* is the plain energy of the window. The counter's lag is not known here (nothing that runs moves
the registers, so that none can be calibrated) and is taken as anything up to 1 ms; in truth it is none.
Half of what is assumed shifts the window, so that a pulse at its edges loses up to half a millisecond.
*update to update* is what `uj.measure` does with code that runs once: from the last update before to the
first after, less the power between pulses, which 40 ms windows told. *n times* is the mean of so many. U is
without the sensor's gain, of which these registers have none. *U held* and *bounds held*: how often each
held the truth.
"""
EDGES_SAY = f"""# When updates come, on a real kernel, against the exact truth

Taken by `python benchmarks/rig/measure.py RIG`, where `rig_pulses.md` says of what. The registers are
updated every 976.6 µs and late by up to 20 µs. An emulated processor wakes late by hundreds of
microseconds, and a group read of five events takes 16 µs: what an edge-locked lane misses here it does not
miss on hardware (`edges.md`). Medians of {TURNS} boots of {SECONDS} s.
"""
CALIBRATION_SAYS = """## What `uj probe --calibrate` found

The truth: updates every 976.6 µs, late by up to 20 µs; 2⁻¹⁴ J a step (perf shows it as 2¹⁸ of its own
counts); no lag, no filtering. On the server a DRAM step is 2⁻¹⁶ J, and the kernel's powercap takes it for
15.3 µJ, 0.27 % more; the count is taken back from that exactly and given its true unit, so that perf,
powercap and the MSR agree below and no disagreement is left to name.
"""

if __name__ == "__main__":
    main()
