"""``uj probe --calibrate --against METER``: fits the counters to a reference meter, and keeps the result."""

from __future__ import annotations

import argparse
import os
import time
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
    from ..joules.beside_meter import against, counted_channels, device_of, meter_power, temperature_c

    found = against(trace, of)
    meter = meter_power(trace)
    accuracy = meter.trust.accuracy
    lane = trace.facts.get("lanes", {}).get(meter.lane, {})
    own = 0.0 if accuracy is None else accuracy * found.gain.value * 2 / 3**0.5
    return Reference(
        of=of,
        device=device_of(trace, of),
        channels=(of,) if of else counted_channels(trace),
        meter=meter.access.path,
        model=str(lane.get("model", "")),
        taken_realtime_ns=time.time_ns(),
        temperature_c=temperature_c(trace, of),
        gain=found.gain.value,
        U_gain=(found.gain.U**2 + own**2) ** 0.5,
        offset_w=found.offset_w.value,
        U_offset_w=found.offset_w.U,
        lag_s=found.lag_s.value,
        U_lag_s=found.lag_s.U,
        window_s=found.window_s.value,
        residual_w=found.residual_w,
        readings=found.n,
        mean_w=found.mean_w,
        U_mean_w=found.at_mean_w.U,
        meter_accuracy=accuracy,
    )


def as_text(one: Reference) -> list[str]:
    """The reference as lines for a person."""
    from ..report.columns import columns

    subject = one.of or "the machine"
    watts = "" if one.temperature_c is None else f", at {one.temperature_c:.0f} °C"
    rows = [
        (f"{subject} against {one.meter}", f"{one.readings} readings{watts}"),
        ("gain", f"{one.gain:.4f} ± {one.U_gain:.4f}", "watts of the meter for a watt of the counters"),
        ("offset", f"{one.offset_w:.3g} ± {one.U_offset_w:.2g} W", "what no counter sees at any load"),
        ("lag", f"{one.lag_s:.3g} ± {one.U_lag_s:.2g} s", "how long the meter trails"),
        ("averaging", f"{three_digits(one.window_s)} s", "what each of its readings is the mean of"),
        ("left over", f"{one.residual_w:.2g} W", "root mean square of the residuals"),
    ]
    lines = [": ".join(rows[0]), *columns([tuple(row) for row in rows[1:]], (0, 1), indent="  ")]
    if not one.of:
        whole_w = one.offset_w + one.gain * one.mean_w
        lines.append(
            f"The counters cover {one.mean_w / whole_w:.0%} of {three_digits(whole_w)} W at this load."
        )
    if one.meter_accuracy is None:
        lines.append("± is the 95 % uncertainty; it excludes the meter's own accuracy, which is unknown:")
        lines.append("state it in the address, as in ?accuracy=1%25.")
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
