"""A laptop's battery: text files under ``/sys/class/power_supply``.

Theory of the device (``Documentation/ABI/testing/sysfs-class-power``). The fuel gauge of a battery
measures the current that flows out of it, so while it discharges ``power_now`` (microwatts) is what the
whole machine draws, screen and radio included: the only such figure that most laptops have. It is
refreshed by the firmware every 1 to 60 s, which no file states, and each read may be a call of
milliseconds into the embedded controller; its lane is a slow one. Who may read: everyone.

Known errors.
- On mains the figure is the charging power, or 0, and says nothing of the machine. The trace does not
  say which it was, so a battery enters no total.
- Some drivers give it a minus sign while discharging, some do not: read as signed, to be taken absolute.
- Some batteries have only ``current_now`` and ``voltage_now`` (microamperes, microvolts). Their product is
  the power in picowatts, and it is read as one reading. The two are not of one moment, and the voltage
  falls by up to a tenth under load: the uncertainty of the product includes that.
- ``energy_now`` falls in steps of 10 mWh (36 J) or more, too coarse for a window of minutes.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from ..channel import UNPLACED, Access, Channel, Encoding, Kind, Place, Scale, SensorError, Timing, Trust
from ..units import UW_PER_W
from .host import integer_in, text_of
from .machine import Machine
from .survey import Cause, Obstacle, Survey
from .text_obstacles import refusal

NAME = "battery"
READERS = "everyone (mode 0444)"
LANE = "battery-slow"
RATE_MAX_HZ = 10.0

# No driver states an accuracy: what is assumed of every gauge of which nothing is known.
POWER_ERROR = SensorError(gain=0.10, source="assumed: a battery's driver states no accuracy")
PRODUCT_ERROR = SensorError(
    gain=0.15, source="assumed: current and voltage of two moments, no stated accuracy"
)
FILES = ("power_now", "current_now", "voltage_now")
MICROWATT, PICOWATT = Fraction(1, UW_PER_W), Fraction(1, UW_PER_W * UW_PER_W)

UNPLUG = "Unplug the machine to measure with its battery"


def survey(machine: Machine) -> Survey:
    """The batteries under ``root``, each as the power of the whole machine."""
    root = machine.root
    folder = root / "sys/class/power_supply"
    # A mouse has a battery too: scope says Device.
    batteries = [
        path
        for path in sorted(folder.glob("*"))
        if text_of(path / "type") == "Battery" and text_of(path / "scope") != "Device"
    ]
    if not batteries:
        return Survey(NAME, READERS, obstacles=(Obstacle(Cause.NO_HARDWARE, "no battery in this machine"),))
    channels: list[Channel] = []
    obstacles: list[Obstacle] = []
    for number, battery in enumerate(batteries):
        refused = next(filter(None, (refusal(battery / name) for name in FILES)), None)
        if refused is not None:
            obstacles.append(refused)
            continue
        if integer_in(battery / "power_now") is not None:
            channels.append(_channel(number, battery / "power_now", MICROWATT, POWER_ERROR))
        elif None not in (integer_in(battery / "current_now"), integer_in(battery / "voltage_now")):
            product = battery / "current_now*voltage_now"
            channels.append(_channel(number, product, PICOWATT, PRODUCT_ERROR))
            what = f"{battery.name} reports current and voltage and no power: the power is their product"
            obstacles.append(Obstacle(Cause.MISLEADING, what))
        else:
            what = f"{battery.name} reports neither its power nor current and voltage"
            obstacles.append(Obstacle(Cause.NO_HARDWARE, what))
            continue
        status = text_of(battery / "status")
        if status != "Discharging":
            state = status or "in an unknown state"
            what = f"{battery.name} is {state}: its power is not what the machine draws"
            obstacles.append(Obstacle(Cause.MISLEADING, what, UNPLUG))
    return Survey(NAME, READERS, channels=tuple(channels), obstacles=tuple(obstacles))


def _channel(number: int, path: Path, unit: Fraction, error: SensorError) -> Channel:
    return Channel(
        id=f"battery-{number}/power",
        place=Place(device="battery", number=number),
        hw_type="battery",
        source=NAME,
        lane=LANE,
        kind=Kind.GAUGE,
        encoding=Encoding.SIGNED,
        scale=Scale(quantity="W", unit=unit, unit_source="interface"),
        timing=Timing(rate_max_hz=RATE_MAX_HZ),
        trust=Trust(sensor=error, parents=(UNPLACED,)),
        access=Access(reader="text", path=str(path)),
    )
