"""Power over time as a picture for a paper, through matplotlib, which the extra ``plot`` brings.

Where more updates share a column than the picture can show, their least, most and mean power are drawn.
The colours are those of Okabe and Ito, which the colour-blind tell apart; from the ninth channel on the
line is dashed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import CannotPlot
from ..late import extra
from .foreign_text import cut

Plain = Mapping[str, Any]

SUFFIXES = (".png", ".svg", ".pdf")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#A97A00", "#56B4E9", "#7A5BC7", "#5F6B7A")
_STYLES = ("-", "--", ":")
_LINE = 0.9
BARS = ("#A9C7E8", "#F1C79B", "#B5DCC2", "#DDB7D2", "#DDD08F", "#BDBDE4", "#D3B4A2", "#A9D3D3")
_SILENCES_MAX = 40  # beyond it they are a wash of dots
_ROW_HEIGHT = 0.28
_NAMES_WIDE = 130  # signs of this size from one end of the axis to the other
_NAME_LEAST = 4
_FAR, _ABOVE = 1.6, 1.25  # a peak this far above what is usual is outside an axis that goes so far above it
_LEGEND_COLUMNS = 4
_HEADROOM = 0.05


def ready(path: Path) -> None:
    """Refuses what could not be drawn, before anything is read.

    Raises:
        CannotPlot: The name has none of ``SUFFIXES``.
        MissingExtra: There is no matplotlib.
    """
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"A picture cannot be written to {path}", f"End its name in {', '.join(SUFFIXES)}")
    extra("matplotlib")


def draw(envelope: Plain, title: str, path: Path) -> None:
    """Draws power over time into a file.

    Args:
        envelope: ``joules.plot_data.enveloped`` of a trace.
        title: What the trace is called.
        path: Where to; its suffix says in which form.

    Raises:
        OSError: The file cannot be written.
    """
    channels = envelope["channels"]
    units = sorted(dict.fromkeys(each["unit"] for each in channels), key=lambda unit: unit != "W") or ["W"]
    windows = envelope["windows"]
    n_rows = max((each["row"] for each in windows), default=-1) + 1
    heights = [3.0 if unit == "W" else 1.0 for unit in units] + [_ROW_HEIGHT * n_rows] * bool(n_rows)
    figure = extra("matplotlib.figure").Figure(figsize=(7.2, 1.5 + 0.85 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    numbers = {each["id"]: number for number, each in enumerate(channels)}
    for unit, panel in zip(units, axes, strict=False):
        mine = [each for each in channels if each["unit"] == unit]
        for each in mine:
            _line(panel, each, numbers[each["id"]])
        panel.set_ylabel("power / W" if unit == "W" else "share" if unit == "1" else unit)
        panel.set_ylim(*_range(mine))
        panel.set_xlim(0, envelope["length_s"] or 1)
        panel.spines[["top", "right"]].set_visible(False)
        if mine:
            panel.legend(
                fontsize=7, frameon=False, ncols=_LEGEND_COLUMNS, loc="lower left", bbox_to_anchor=(0, 1.0)
            )
    if n_rows:
        _windows(axes[-1], windows, n_rows, envelope["length_s"] or 1)
    axes[-1].set_xlabel("time / s")
    figure.suptitle(cut(title).replace("$", r"\$"), fontsize=10)
    left_out = envelope["n_windows"] - len(windows)
    figure.text(0.5, -0.01, _caption(channels, left_out), ha="center", va="top", fontsize=7, color="0.35")
    figure.savefig(
        path, dpi=200, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else None
    )


def _line(panel: Any, of: Plain, number: int) -> None:  # noqa: ANN401 - matplotlib's
    colour, style = COLOURS[number % len(COLOURS)], _STYLES[number // len(COLOURS) % len(_STYLES)]
    label = of["id"] + (" (estimated)" if of["provenance"] == "estimated" else "")
    edges = of["edges_s"]
    panel.stairs(of["most"], edges, baseline=of["least"], fill=True, color=colour, alpha=0.25, lw=0)
    panel.stairs(of["line"], edges, baseline=None, color=colour, ls=style, lw=_LINE, label=label)
    for t0_s, t1_s in of["gaps_s"]:
        panel.axvspan(t0_s, t1_s, facecolor="none", edgecolor=colour, hatch="////", lw=0.4, alpha=0.6)
    for t0_s, t1_s in of["silences_s"][:_SILENCES_MAX]:
        panel.axvspan(t0_s, t1_s, facecolor="none", edgecolor=colour, hatch="...", lw=0, alpha=0.5)


def _range(channels: Sequence[Plain]) -> tuple[float, float]:
    """An axis that holds the usual values; peaks too where they are not far above."""
    usual = max((each["usual"] for each in channels), default=0.0)
    highest = max((each["highest"] for each in channels), default=0.0)
    lowest = min((each["lowest"] for each in channels), default=0.0)
    top = highest if highest <= _FAR * usual else _ABOVE * usual
    return lowest, (top or 1.0) * (1 + _HEADROOM)


def _windows(panel: Any, windows: Sequence[Plain], n_rows: int, length_s: float) -> None:  # noqa: ANN401 - matplotlib's
    """The windows as bars in rows, with their names where these fit."""
    for window in windows:
        t0_s, wide_s = window["t0_s"], window["t1_s"] - window["t0_s"]
        colour = BARS[window["number"] % len(BARS)]
        panel.broken_barh([(t0_s, wide_s)], (window["row"] + 0.08, 0.84), facecolor=colour, lw=0)
        room = int(wide_s / length_s * _NAMES_WIDE)
        if room >= _NAME_LEAST:
            words = cut(window["name"], room).replace("$", r"\$")
            panel.text(t0_s, window["row"] + 0.5, f" {words}", fontsize=6, va="center", clip_on=True)
    panel.set_ylim(n_rows, 0)
    panel.set_yticks([])
    panel.set_ylabel("windows", fontsize=7)
    panel.spines[["top", "right", "left"]].set_visible(False)


def _caption(channels: Sequence[Plain], left_out: int) -> str:
    kinds = sorted({each["provenance"] for each in channels})
    said = " and ".join(kinds) or "nothing measured"
    more = ";\nband: lowest and highest update; hatched: unknown; dotted: not read, only the mean is known"
    few = f"; {left_out:,} shorter windows are not drawn" if left_out else ""
    return f"Power {said}: mean over some updates{more}{few}. microjoule"
