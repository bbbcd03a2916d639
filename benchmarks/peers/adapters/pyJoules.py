"""pyJoules: an energy meter around the work."""

from pyJoules.device import DeviceFactory
from pyJoules.device.rapl_device import RaplPackageDomain
from pyJoules.energy_meter import EnergyMeter

done = []


def start():
    """Finds the package."""
    global devices
    devices = DeviceFactory.create_devices([RaplPackageDomain(0)])


def begin():
    """Starts a meter."""
    global meter
    meter = EnergyMeter(devices)
    meter.start()


def end():
    """Stops it."""
    meter.stop()
    done.append(meter)


def energies_j():
    """The package's joules of each measurement; None where it gives none."""
    found = [next(iter(each.get_trace()[0].energy.values())) for each in done]
    return [None if energy is None else energy / 1e6 for energy in found]
