"""``uj probe --calibrate --against METER``: fits the counters to a reference meter, and keeps the result."""

from __future__ import annotations

import argparse
import os
import time
from math import hypot
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadMeter, CalibrationError
from ..host.reference import Reference, References, load, save
from ..units import three_digits
from .probe_calibrate import NO_FILE, data_folder, is_kept
from .progress import progress

if TYPE_CHECKING:
    from ..joules.energy_trace import Trace
    from ..sources.machine import Machine

FOR_S = 90.0
DWELL_MIN_S = 1.5
STEPS_A_READING = 1.5


def path_of(hostname: str) -> Path:
    """Where what meters showed of a host is kept."""
    return data_folder() / "reference" / f"{hostname.replace('/', '_')}.json"


def stored(root: Path, calibration: str | None) -> References | None:
    """What meters showed of this host; None: nothing, or nothing is to be used."""
    if calibration == NO_FILE:
        return None
    from ..host.key import host_key
    from ..sources.machine import Machine

    host = host_key(Machine(root))
    path = path_of(host.hostname)
    if not is_kept(path):
        return None
    import sys

    try:
        return load(path, host)
    except CalibrationError as error:
        print(f"uj: {error}. Recording without it", file=sys.stderr)
        return None


def learn(arguments: argparse.Namespace, machine: Machine) -> int:
    """Records beside the meter, fits, prints and keeps it; 0."""
    from ..host.key import host_key

    for_s = FOR_S if arguments.for_s is None else arguments.for_s
    if "://" not in arguments.against:
        if not Path(arguments.against).is_file():
            raise BadMeter(
                f"There is no trace {arguments.against}", "Name one, or a meter such as shelly://192.168.1.20"
            )
        trace = _loaded(Path(arguments.against))
        one = _fitted(trace, arguments.of)
    else:
        import tempfile  # every run asks here for what was learnt, and makes no folder

        with tempfile.TemporaryDirectory(prefix="uj-") as folder:
            trace = _loaded(_recorded(arguments, Path(folder) / "against.arrows", for_s))
            one = _fitted(trace, arguments.of)
    host = host_key(machine)
    path = path_of(host.hostname)
    known = load(path, host) if path.exists() else References(host=host)
    print("\n".join(as_text(one)))
    save(known.with_one(one), path)
    print(f"Kept in {path}")
    return 0


def _loaded(path: Path) -> Trace:
    from ..joules.energy_trace import Trace

    return Trace.load(path)


def _recorded(arguments: argparse.Namespace, path: Path, for_s: float) -> Path:
    """A trace of the random load, with the meter in it."""
    from ..learning.random_load import alternate
    from ..recording import RawRecorder
    from ..recording.meter import Meter
    from ..recording.plan import plan

    recorder = RawRecorder(plan(path, Meter(root=arguments.root, against=arguments.against)))
    every_s = max(each.every_s for each in recorder.plan.instruments)
    dwell_s = max(DWELL_MIN_S, STEPS_A_READING * every_s)
    with progress() as say, recorder, recorder.window("calibrate"):
        alternate(sorted(os.sched_getaffinity(0)), for_s, dwell_s, lambda words: say(f"calibrating: {words}"))
    return path


def _fitted(trace: Trace, of: str) -> Reference:
    from ..joules.reference.beside_meter import (
        against,
        counted_channels,
        device_of,
        earlier,
        meter_power,
        temperature_c,
    )

    found = against(trace, of)
    meter = meter_power(trace)
    accuracy = meter.trust.accuracy
    lane = trace.facts.get("lanes", {}).get(meter.lane, {})
    # A channel that an earlier calibration corrected is recorded corrected: both gains together are its own.
    before = earlier(trace, of)
    own = 0.0 if accuracy is None else accuracy * found.gain.value * 2 / 3**0.5
    return Reference(
        of=of,
        device=device_of(trace, of),
        channels=(of,) if of else counted_channels(trace),
        meter=meter.access.path,
        model=str(lane.get("model", "")),
        taken_realtime_ns=time.time_ns(),
        temperature_c=temperature_c(trace, of),
        gain=found.gain.value * before.gain,
        U_gain=hypot(found.gain.U, own) * before.gain,
        offset_w=found.offset_w.value + found.gain.value * before.offset_w,
        U_offset_w=found.offset_w.U,
        lag_s=found.lag_s.value,
        U_lag_s=found.lag_s.U,
        window_s=found.window_s.value,
        residual_w=found.residual_w,
        readings=found.n,
        mean_w=(found.mean_w - before.offset_w) / before.gain,
        U_mean_w=found.at_mean_w.U,
        meter_accuracy=accuracy,
    )


def as_text(one: Reference) -> list[str]:
    """The reference as lines for a person."""
    from ..joules.estimates.estimate_text import Scale, figure
    from ..report.columns import columns

    subject = one.of or "the machine"
    watts = "" if one.temperature_c is None else f", at {one.temperature_c:.0f} °C"
    rows = [
        (figure(one.gain, one.U_gain, ""), "gain", "watts of the meter for a counted watt"),
        (figure(one.offset_w, one.U_offset_w, "W"), "offset", "what no counter sees at any load"),
        (figure(one.lag_s, one.U_lag_s, Scale("s", 1.0)), "lag", "how long the meter trails"),
        (f"{three_digits(one.window_s)} s", "averaging", "what each of its readings is the mean of"),
        (f"{three_digits(one.residual_w)} W", "left over", "root mean square of the residuals"),
    ]
    lines = [
        f"{subject} against {one.meter}: {one.readings} readings{watts}",
        *columns([(name, value, what) for value, name, what in rows], (0, 1, 2), indent="  "),
    ]
    if not one.of:
        whole_w = one.offset_w + one.gain * one.mean_w
        share = 100 * one.mean_w / whole_w
        U = hypot(one.U_mean_w / whole_w, (one.meter_accuracy or 0.0) * 2 / 3**0.5)  # noqa: N806 - the GUM's
        lines.append(
            f"The counters cover {figure(share, share * U, '%')} of {three_digits(whole_w)} W at this load."
        )
    if one.meter_accuracy is None:
        lines += [
            "± is the 95 % uncertainty; it excludes the meter's own accuracy, which is",
            "unknown. State it in the address, as in ?accuracy=1%25.",
        ]
    return lines


def refuse(arguments: argparse.Namespace) -> None:
    """Refuses options that mean nothing without the others."""
    if arguments.of and not arguments.against:
        raise BadMeter(
            "--of says which device the meter measures, and needs a meter", "Name the meter: --against METER"
        )
    if arguments.against and not arguments.calibrate:
        raise BadMeter(
            "--against compares the counters with a meter, which is a calibration", "Add --calibrate"
        )
