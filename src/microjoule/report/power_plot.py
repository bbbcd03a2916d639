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
_BANDS_MAX = 40  # beyond it bands are a wash of colour
_NAMES_MAX = 12
_LEGEND_COLUMNS = 4
_HEADROOM = 0.15  # for the names of windows above the lines


def ready(path: Path) -> None:
    """Refuses what could not be drawn, before anything is read.

    Raises:
        CannotPlot: The name has none of ``SUFFIXES``.
        MissingExtra: There is no matplotlib.
    """
    if path.suffix not in SUFFIXES:
        raise CannotPlot(f"A picture cannot be written as {path}", f"End its name in {', '.join(SUFFIXES)}")
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
    heights = [3 if unit == "W" else 1 for unit in units]
    figure = extra("matplotlib.figure").Figure(figsize=(7.2, 1.5 + 0.85 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(units), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    numbers = {each["id"]: number for number, each in enumerate(channels)}
    for unit, panel in zip(units, axes, strict=True):
        mine = [each for each in channels if each["unit"] == unit]
        for each in mine:
            _line(panel, each, numbers[each["id"]])
        _bands(panel, envelope["windows"])
        panel.set_ylabel("power / W" if unit == "W" else "share" if unit == "1" else unit)
        low, high = panel.get_ylim()
        panel.set_ylim(min(0.0, low), high + (high - low) * _HEADROOM)
        panel.set_xlim(0, envelope["length_s"] or 1)
        panel.spines[["top", "right"]].set_visible(False)
        if mine:
            panel.legend(
                fontsize=7, frameon=False, ncols=_LEGEND_COLUMNS, loc="lower left", bbox_to_anchor=(0, 1.0)
            )
    _names(axes[0], envelope["windows"])
    axes[-1].set_xlabel("time / s")
    figure.suptitle(cut(title).replace("$", r"\$"), fontsize=10)
    figure.text(0.5, -0.01, _caption(channels), ha="center", va="top", fontsize=7, color="0.35")
    figure.savefig(
        path, dpi=200, bbox_inches="tight", metadata={"Date": None} if path.suffix == ".svg" else None
    )


def _line(panel: Any, of: Plain, number: int) -> None:  # noqa: ANN401 - matplotlib's
    colour, style = COLOURS[number % len(COLOURS)], _STYLES[number // len(COLOURS) % len(_STYLES)]
    label = of["id"] + (" (estimated)" if of["provenance"] == "estimated" else "")
    edges = of["edges_s"]
    panel.stairs(of["most"], edges, baseline=of["least"], fill=True, color=colour, alpha=0.25, lw=0)
    panel.stairs(of["mean"], edges, baseline=None, color=colour, ls=style, lw=_LINE, label=label)
    for t0_s, t1_s in of["gaps_s"]:
        panel.axvspan(t0_s, t1_s, facecolor="none", edgecolor=colour, hatch="////", lw=0.4, alpha=0.6)
    for t0_s, t1_s in of["silences_s"][:_BANDS_MAX]:
        panel.axvspan(t0_s, t1_s, facecolor="none", edgecolor=colour, hatch="...", lw=0, alpha=0.5)


def _bands(panel: Any, windows: Sequence[Plain]) -> None:  # noqa: ANN401 - matplotlib's
    for window in windows[:_BANDS_MAX]:
        panel.axvspan(window["t0_s"], window["t1_s"], facecolor="0.5", alpha=0.08, lw=0)


def _names(panel: Any, windows: Sequence[Plain]) -> None:  # noqa: ANN401 - matplotlib's
    for number, window in enumerate(windows[:_NAMES_MAX]):
        words = cut(window["name"], 24).replace("$", r"\$")
        panel.text(
            window["t0_s"], 0.97 - 0.07 * (number % 3), words, fontsize=6, color="0.35", va="top",
            clip_on=True, transform=panel.get_xaxis_transform(),
        )  # fmt: skip


def _caption(channels: Sequence[Plain]) -> str:
    kinds = sorted({each["provenance"] for each in channels})
    said = " and ".join(kinds) or "nothing measured"
    more = ";\nband: least and most of an update; hatched: nothing known; dotted: not read, mean only"
    return f"Power {said}: mean of each interval between updates{more}. Shaded: windows. microjoule"
