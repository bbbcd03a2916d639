"""The meter that a command's options describe."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..recording.meter import Meter
from . import options, probe_against, probe_calibrate, sampling_cost_line


def meter(arguments: argparse.Namespace, channel: str | Sequence[str] = "") -> Meter:
    """What the options of sampling want to be read.

    Args:
        arguments: Those of ``options.add_sampling``.
        channel: Only this channel, or these; empty: all.

    Raises:
        BadRate: The rate is out of range.
        CalibrationError: The calibration that was named cannot be used.
    """
    return Meter(
        channel=channel,
        sources=arguments.source,
        root=arguments.root,
        visible_gpus=options.visible_gpus(arguments),
        rate=options.cadence(arguments),
        calibration=probe_calibrate.stored(arguments),
        overhead=sampling_cost_line.stored(arguments.root),
        reference=probe_against.stored(arguments.root, arguments.calibration),
        against=arguments.against,
    )
