"""Reference meters: their addresses, and what each kind answers, against stand-ins of a known power."""

import errno
from fractions import Fraction
from pathlib import Path

import pytest
from power_meters import Played, redfish, served

from microjoule.errors import BadMeter, MeterFailed
from microjoule.sources.meters import METERS, Address, connect

SIMULATED = f"backend={Path(__file__).with_name('instrument.yaml')}@sim"
VISA = f"visa://TCPIP::192.168.1.7::INSTR?{SIMULATED}"


def test_an_address_has_a_host_and_says_how_often_and_how_well():
    address = Address.of("shelly://admin:p%40ss@plug.lan:8080/pm1/1?every=500ms&accuracy=1%25")
    assert (address.kind, address.host, address.path) == ("shelly", "plug.lan:8080", "pm1/1")
    assert (address.user, address.password) == ("admin", "p@ss")
    assert (address.every_s, address.accuracy) == (0.5, 0.01)
    assert str(address) == "shelly://plug.lan:8080/pm1/1"  # what a trace keeps has no password
    assert "p@ss" not in repr(address)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("192.168.1.20", "lacks a kind or a host"),
        ("shelly://", "lacks a kind or a host"),
        ("shelly://plug:port", "not an address"),
        ("shelly://plug?every=0", "cannot be read every '0'"),
        ("shelly://plug?every=soon", "cannot be read every 'soon'"),
        ("shelly://plug?accuracy=many", "no accuracy 'many'"),
        ("shelly://plug?colour=red", "no option 'colour'"),
        ("shelly://plug/fan/0", "no component 'fan/0'"),
        ("shely://plug", "'shely' is not a known kind of meter. Nearest: 'shelly'"),
    ],
)
def test_an_address_that_is_none_is_named(text, words):
    with pytest.raises(BadMeter, match=words):
        connect([text])


def test_a_plug_shows_watts_and_the_energy_to_the_last_digit():
    with served(Played(watts=lambda _: 123.4)) as host:
        (meter,) = connect([f"shelly://{host}?accuracy=1%25"])
        power, energy = meter.channels
        reading = meter.ask()
        meter.close()
    assert (power.id, energy.id) == ("meter-0/power", "meter-0/energy")
    assert reading.raws[0] * power.scale.unit == Fraction("123.4")
    assert energy.scale.unit == Fraction(36, 10)  # a thousandth of a watt-hour
    assert energy.trust.parents == (power.id,)  # the same joules, which no total adds twice
    assert power.trust.sensor.gain == 0.01
    assert abs(reading.sensor_ns / 1e9 - __import__("time").time()) < 5


def test_a_plug_with_a_password_wants_it():
    with served(Played(password="secret")) as host:
        with pytest.raises(BadMeter, match=r"shelly://USER:PASSWORD@127"):
            connect([f"shelly://{host}"])
        with pytest.raises(BadMeter, match="password are missing or wrong"):
            connect([f"shelly://admin:wrong@{host}"])
        (meter,) = connect([f"shelly://admin:secret@{host}"])
        assert meter.ask().raws[0] == 100_000


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"no json", errno.EBADMSG),
        (b"[]", errno.EBADMSG),
        (b'{"switch:0": {"apower": "high"}}', errno.EBADMSG),
        (b'{"switch:0": {"apower": NaN}}', errno.EBADMSG),
        (b'{"switch:1": {"apower": 1}}', errno.ENODEV),
    ],
)
def test_a_reply_that_is_no_reading_is_a_failure_and_never_0(reply, code):
    played = Played()
    with served(played) as host:
        (meter,) = connect([f"shelly://{host}"])
        played.reply = reply
        with pytest.raises(MeterFailed) as caught:
            meter.ask()
        assert caught.value.code == code
        played.reply, played.lost = None, lambda _: True
        with pytest.raises(MeterFailed) as caught:
            meter.ask()
        assert caught.value.code == errno.ECONNREFUSED
    with pytest.raises(BadMeter, match="cannot be reached"):
        connect([f"shelly://{host}"])  # nobody is there any more


def test_an_analyser_answers_its_query_and_says_what_it_is():
    (meter,) = connect([f"{VISA}&setup=ITEM+P&energy=MEAS:ENER%3F"])
    power, energy = meter.channels
    raws = meter.ask().raws
    assert raws[0] * power.scale.unit == Fraction("123.45")
    assert raws[1] * energy.scale.unit == 1800  # joules of half a watt-hour
    assert meter.model == "ACME,PA1,0001,1.0"
    meter.close()
    meter.close()


def test_an_analyser_that_has_no_value_gives_none():
    (meter,) = connect([f"{VISA}&power=NAN%3F"])
    assert meter.ask().raws == (None,)
    with pytest.raises(BadMeter, match="is not a number"):
        connect([f"{VISA}&power=BROKEN%3F"])
    with pytest.raises(BadMeter, match="gives no reading"):
        connect([VISA.replace("192.168.1.7", "192.168.1.8")])


def test_a_controller_is_asked_for_the_first_chassis_that_has_a_power():
    with served(Played(watts=lambda _: 240.0), redfish) as host:
        (meter,) = connect([f"redfish://{host}?scheme=http"])
        assert meter.model == "/redfish/v1/Chassis/Old/Power"
        assert meter.ask().raws[0] * meter.channels[0].scale.unit == 240
        (meter,) = connect([f"redfish://{host}/New?scheme=http"])
        power, energy = meter.channels
        assert energy.scale.unit == Fraction(36, 10)  # joules of a millionth of a kilowatt-hour
        assert meter.ask().raws[0] * power.scale.unit == 240
        with pytest.raises(BadMeter, match="shows its power"):
            connect([f"redfish://{host}/Fans?scheme=http"])


def test_a_chassis_of_a_controller_that_cannot_be_reached_is_not_one_without_power():
    with served(Played(password="secret"), redfish) as host:
        for address, words in ((f"{host}/New?scheme=http", "HTTP 401"), (f"{host}/New", "no reply from")):
            with pytest.raises(BadMeter, match=words):
                connect([f"redfish://{address}"])


def test_every_kind_has_a_name_and_a_pace():
    assert all(name == kind.NAME and kind.EVERY_S > 0 for name, kind in METERS.items())
