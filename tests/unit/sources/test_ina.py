"""INA power monitors on fake trees: volts times amperes, and which rail holds which."""

from __future__ import annotations

from fractions import Fraction

import pytest
from standin.native import once, sampler

from microjoule.channel import UNPLACED, Encoding, Kind
from microjoule.joules.estimates.total import covered
from microjoule.sources import hwmon, ina
from microjoule.sources.machine import Machine
from microjoule.sources.survey import Cause

# label: millivolts, milliamperes
ORIN = {"VDD_GPU_SOC": (4968, 1200), "VDD_CPU_CV": (4960, 480), "VIN_SYS_5V0": (4952, 1880)}


def monitor(root, number, rails, chip="ina3221", **files):
    folder = root / f"sys/class/hwmon/hwmon{number}"
    folder.mkdir(parents=True)
    texts = {"name": chip, "update_interval": 1, **files}
    for n, (label, (millivolts, milliamperes)) in enumerate(rails.items(), 1):
        texts |= {f"in{n}_label": label, f"in{n}_input": millivolts, f"curr{n}_input": milliamperes}
    for name, text in texts.items():
        (folder / name).write_text(f"{text}\n")
    return folder


def found(root):
    return {channel.id: channel for channel in ina.survey(Machine(root)).channels}


def power_w(channel):
    """What the native half reads, in watts."""
    (row,) = once(sampler([(channel.access.reader, channel.access.path, 0, 0, -1, 0)]))
    assert row.status == 0
    return row.raw * channel.scale.unit


def test_a_rails_power_is_one_reading_of_volts_times_amperes(tmp_path):
    monitor(tmp_path, 1, ORIN)
    channels = found(tmp_path)
    assert list(channels) == [f"ina3221-0/{label.lower()}" for label in ORIN]
    for channel, (millivolts, milliamperes) in zip(channels.values(), ORIN.values(), strict=True):
        assert power_w(channel) == Fraction(millivolts * milliamperes, 10**6)
        assert (channel.kind, channel.encoding, channel.scale.quantity) == (Kind.GAUGE, Encoding.SIGNED, "W")
        assert channel.timing.update_ns == 1_000_000


def test_a_feed_of_the_same_voltage_holds_the_other_rails(tmp_path):
    monitor(tmp_path, 1, ORIN)
    assert covered(found(tmp_path)) == ("ina3221-0/vin_sys_5v0",)
    (note,) = ina.survey(Machine(tmp_path)).obstacles
    assert note.cause is Cause.MISLEADING
    assert "VIN_SYS_5V0" in note.what


def test_on_an_agx_orin_the_rails_lie_side_by_side_and_ddr_inside_the_5_volt_rail(tmp_path):
    """Its module is fed with 7 to 20 V, and the 5 V rail is one of three."""
    monitor(tmp_path, 1, {"VDD_GPU_SOC": (19120, 300), "VDD_CPU_CV": (19120, 90), "VIN_SYS_5V0": (4952, 700)})
    monitor(tmp_path, 2, {"NC": (0, 0), "VDDQ_VDD2_1V8AO": (4952, 200)})
    channels = found(tmp_path)
    assert covered(channels) == ("ina3221-0/vdd_gpu_soc", "ina3221-0/vdd_cpu_cv", "ina3221-0/vin_sys_5v0")
    assert channels["ina3221-1/vddq_vdd2_1v8ao"].trust.parents == ("ina3221-0/vin_sys_5v0",)
    assert channels["ina3221-1/nc"].trust.parents == (UNPLACED,)


def test_the_modules_input_is_its_whole(tmp_path):
    monitor(tmp_path, 1, {"VDD_IN": (5000, 1500), "VDD_CPU_GPU_CV": (5000, 400), "VDD_SOC": (5000, 500)})
    channels = found(tmp_path)
    assert covered(channels) == ("ina3221-0/vdd_in",)
    assert {c.trust.parents for c in channels.values()} == {(), ("ina3221-0/vdd_in",)}


def test_a_label_that_no_row_knows_enters_no_total(tmp_path):
    monitor(tmp_path, 1, {"my rail": (12000, 10)})
    channels = found(tmp_path)
    assert channels["ina3221-0/my_rail"].trust.parents == (UNPLACED,)
    assert covered(channels) == ()


def test_the_older_driver_multiplies_by_itself(tmp_path):
    folder = tmp_path / "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    folder.mkdir(parents=True)
    for n, (label, milliwatts) in enumerate([("POM_5V_IN", 2100), ("POM_5V_GPU", 120), ("POM_5V_CPU", 480)]):
        (folder / f"rail_name_{n}").write_text(f"{label}\n")
        (folder / f"in_power{n}_input").write_text(f"{milliwatts}\n")
    channels = found(tmp_path)
    assert power_w(channels["ina3221x-0/pom_5v_in"]) == Fraction("2.1")
    assert covered(channels) == ("ina3221x-0/pom_5v_in",)


@pytest.mark.parametrize(("resistor", "offset_w"), [({}, 0.2), ({"shunt1_resistor": 5000}, 0.08)])
def test_the_chips_offset_weighs_as_its_shunt_and_the_voltage(tmp_path, resistor, offset_w):
    monitor(tmp_path, 1, {"VDD_IN": (5000, 1000)}, **resistor)
    (channel,) = found(tmp_path).values()
    assert channel.trust.sensor.offset_w == pytest.approx(offset_w)
    assert channel.scale.unit * channel.scale.quantum == pytest.approx(offset_w / 2)


def test_a_chip_that_multiplies_is_hwmons(tmp_path):
    monitor(tmp_path, 0, {"rail": (5000, 1)}, chip="ina219", power1_input=5000)
    assert found(tmp_path) == {}
    assert [channel.id for channel in hwmon.survey(Machine(tmp_path)).channels] == ["ina219-0/power1"]


def test_a_rail_that_is_off_and_one_that_does_not_answer(tmp_path):
    folder = monitor(tmp_path, 0, {"VDD_GPU_SOC": (5000, 1), "VDD_CPU_CV": (5000, 1)}, in1_enable=0)
    assert list(found(tmp_path)) == ["ina3221-0/vdd_cpu_cv"]
    (folder / "curr2_input").write_text("N/A\n")
    survey = ina.survey(Machine(tmp_path))
    assert survey.channels == ()
    assert [one.channel.id for one in survey.closed] == ["ina3221-0/vdd_cpu_cv"]
    assert "curr2_input does not hold a number" in survey.obstacles[0].what


def test_a_machine_without_one(tmp_path):
    (none,) = ina.survey(Machine(tmp_path)).obstacles
    assert none.cause is Cause.NO_HARDWARE
