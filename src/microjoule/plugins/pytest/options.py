"""What the user wants of the plugin: its options, and what they mean together. Light: no numpy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ...units import S_PER_HOUR, S_PER_MIN
from ...value_class import dataclass

FOLDER = ".microjoule"
LATEST = "latest"
_REL, _MAX_TIME_S = 0.01, 5.0
_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "m": S_PER_MIN, "h": S_PER_HOUR}
_JOULES = {"": 1.0, "k": 1e3, "m": 1e-3, "u": 1e-6, "µ": 1e-6}


@dataclass(frozen=True, slots=True)
class Limit:
    """By how much a figure may rise: a share of what it was, or joules.

    Attributes:
        text: As the user wrote it.
        share: Of the earlier figure; 0 where it is joules.
        joules: A call; 0 where it is a share.
    """

    text: str
    share: float = 0.0
    joules: float = 0.0

    def allowed_j(self, earlier_j: float) -> float:
        """How many joules more than the earlier figure are allowed."""
        return self.joules or self.share * abs(earlier_j)


def limit(text: str) -> Limit:
    """``mean:5%`` or ``mean:2J``, ``mean:300mJ``; an option's type.

    Raises:
        ValueError: It is neither.
    """
    found = re.fullmatch(r"mean:(\d+(?:\.\d+)?(?:e-?\d+)?)\s*(%|([kmuµ]?)J)", text.strip())
    if not found:
        raise ValueError(text)
    number = float(found[1])
    if found[2] == "%":
        return Limit(text, share=number / 100)
    return Limit(text, joules=number * _JOULES[found[3]])


def share(text: str) -> float:
    """``0.01`` or ``1%``; an option's type."""
    return float(text[:-1]) / 100 if text.endswith("%") else float(text)


def duration_s(text: str) -> float:
    """``5``, ``5s``, ``500ms``, ``2m`` in seconds; an option's type."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|)", text.strip())
    if not found or not float(found[1]):
        raise ValueError(text)
    return float(found[1]) * _SECONDS[found[2]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyOptions:
    """What the options say.

    Attributes:
        is_disabled: Functions run once, and nothing is measured.
        is_only: Tests without the fixture are skipped.
        is_skip: Tests with the fixture are skipped.
        is_strict: Energy that was asked for and not measured makes the exit code 1.
        is_estimated: Where nothing measures, CPU time through a power model will do.
        rel: The target of each test without one of its own.
        max_time_s: The same of its time.
        sources: Names of sources; empty: the best.
        root: The file system whose counters are read.
        channel: The one whose energy is wanted; empty: the total.
        save: Name to save the run under; empty: it is not saved.
        is_autosave: Saved under the time of day.
        json: File to write the run to.
        compare: What to compare with: a file, a number or ``LATEST``; None: nothing.
        limits: What a figure may rise by.
        is_same_code: Whether the earlier run's tests ran the same code.
        is_any_state: Whether runs are compared whatever the machine's settings were.
        folder: Where runs are saved.
    """

    is_disabled: bool
    is_only: bool
    is_skip: bool
    is_strict: bool
    is_estimated: bool
    rel: float
    max_time_s: float
    sources: tuple[str, ...]
    root: Path
    channel: str
    save: str
    is_autosave: bool
    json: Path | None
    compare: str | None
    limits: tuple[Limit, ...]
    is_same_code: bool
    is_any_state: bool
    folder: Path

    @property
    def is_demanded(self) -> bool:
        """Whether a source or a channel was asked for, so that a figure without it is a failure."""
        return bool(self.sources or self.channel)


def add(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("energy", "energy of tests, by microjoule")
    put = group.addoption
    put("--energy-disable", action="store_true", help="run functions once and measure nothing")
    put("--energy-only", action="store_true", help="skip tests that do not ask for energy")
    put(
        "--energy-strict", action="store_true",
        help="exit with 1 where energy was asked for and not measured",
    )  # fmt: skip
    put("--energy-skip", action="store_true", help="skip tests that ask for energy")
    put(
        "--energy-rel", type=share, default=_REL, metavar="X",
        help="how exact: 0.01 or 1%% (default), half of the 95 %% interval",
    )  # fmt: skip
    put(
        "--energy-max-time", type=duration_s, default=_MAX_TIME_S, metavar="TIME",
        help="what a test's measurement may take: 500ms, 20s; default 5s",
    )  # fmt: skip
    put(
        "--energy-estimated", action="store_true",
        help="where nothing measures: estimate from CPU time through a power model",
    )  # fmt: skip
    put(
        "--energy-source", action="append", default=[], metavar="NAME",
        help="force a source (repeat for several); see `uj probe`",
    )  # fmt: skip
    put("--energy-root", type=Path, default=Path("/"), metavar="DIR", help="read counters under DIR")
    put("--energy-channel", default="", metavar="ID", help="this channel's energy; default: the total")
    put("--energy-save", default="", metavar="NAME", help=f"save as {FOLDER}/NUMBER_NAME.json")
    put("--energy-autosave", action="store_true", help="the same, named by date and time")
    put("--energy-json", type=Path, metavar="FILE", help="write the run to a JSON file")
    put(
        "--energy-compare", nargs="?", const=LATEST, metavar="FILE|NUMBER",
        help="compare with a saved run; without a value with the latest",
    )  # fmt: skip
    put(
        "--energy-fail", action="append", type=limit, default=[], metavar="mean:X",
        help="fail where the mean rose by more than X (5%% or 2J) and by more than its uncertainty",
    )  # fmt: skip
    put(
        "--energy-same-code", action="store_true",
        help="the tests run the same code as then, so that sensor error that depends on code cancels",
    )  # fmt: skip
    put(
        "--energy-any-state", action="store_true",
        help="compare even if the machine's governor, power limits or the like are others than then",
    )  # fmt: skip
    put(
        "--energy-storage", type=Path, default=Path(FOLDER), metavar="DIR",
        help=f"where runs are saved; default {FOLDER} in the root folder",
    )  # fmt: skip


def wishes(config: pytest.Config) -> EnergyOptions:
    """What the options say.

    Raises:
        pytest.UsageError: They contradict each other.
    """
    option = config.getoption
    found = EnergyOptions(
        is_disabled=option("--energy-disable"),
        is_only=option("--energy-only"),
        is_skip=option("--energy-skip"),
        is_strict=option("--energy-strict"),
        is_estimated=option("--energy-estimated"),
        rel=option("--energy-rel"),
        max_time_s=option("--energy-max-time"),
        sources=tuple(option("--energy-source")),
        root=option("--energy-root"),
        channel=option("--energy-channel"),
        save=option("--energy-save"),
        is_autosave=option("--energy-autosave"),
        json=option("--energy-json"),
        compare=option("--energy-compare"),
        limits=tuple(option("--energy-fail")),
        is_same_code=option("--energy-same-code"),
        is_any_state=option("--energy-any-state"),
        folder=config.rootpath / option("--energy-storage"),
    )
    _refuse_contradictions(found)
    return found


def _refuse_contradictions(of: EnergyOptions) -> None:
    if of.is_only and of.is_skip:
        raise pytest.UsageError("--energy-only and --energy-skip leave no test. Give one of them.")
    if of.limits and of.compare is None:
        raise pytest.UsageError(
            "--energy-fail needs something to compare with. Add --energy-compare, after a run with "
            "--energy-save NAME."
        )
    wants_figures = of.save or of.is_autosave or of.json or of.compare is not None
    if wants_figures and (of.is_disabled or of.is_skip):
        raise pytest.UsageError(
            "--energy-disable and --energy-skip measure nothing that could be saved or compared. "
            "Leave them out."
        )
    if re.search(r"[^\w.-]", of.save):
        raise pytest.UsageError(
            f"--energy-save {of.save!r} is not a file name. Use letters, digits, '.', '-' and '_'."
        )
