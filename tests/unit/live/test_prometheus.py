"""The page for Prometheus, read by its own parsers and by promtool."""

import shutil
import socket
import subprocess
import urllib.request

import pytest
from levels import BUSY, PACKAGE, SERVER, level, picture
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from microjoule.errors import BadAddress, CannotServe
from microjoule.live.prometheus import Collector, Page

STARTED_S = 1_700_000_000.5
HOST = ("package-0+package-0/dram", "measured")
ORDER = ("channel", "channels", "domain", "provenance", "bound")


@pytest.fixture(scope="module")
def served():
    """One page for all tests, whose levels each of them puts in place."""
    shown = []
    with Page(Collector(lambda: picture(shown[-1]), STARTED_S), "127.0.0.1", 0) as page:
        yield page.url, shown


@pytest.fixture
def page(served):
    """The text that is served of levels, and its type."""
    url, shown = served

    def read(levels=SERVER, accept="text/plain"):
        shown.append(levels)
        asked = urllib.request.Request(url, headers={"Accept": accept})
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.read().decode(), answer.headers["Content-Type"]

    return read


def samples(families):
    return {
        (one.name, *(one.labels[name] for name in ORDER if name in one.labels)): one.value
        for family in families
        for one in family.samples
    }


OPEN = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize(
    ("parse", "accept"), [(parser, "text/plain"), (openmetrics, OPEN)], ids=["text", "open"]
)
def test_both_forms_hold_the_same_figures(page, parse, accept):
    text, kind = page(accept=accept)
    assert kind.startswith(accept.partition(";")[0])
    found = samples(parse.text_string_to_metric_families(text))
    assert found["microjoule_host_energy_joules_total", *HOST] == 45.0
    assert found["microjoule_host_power_watts", *HOST] == 45.0
    assert found["microjoule_energy_joules_total", "package-0", "package", "measured"] == 40.0
    assert found["microjoule_overlapping_energy_joules_total", "package-0/core", "core", "measured"] == 30.0
    assert found["microjoule_failed_readings_total", "psys", "psys", "measured"] == 3.0
    assert found["microjoule_bound_ratio", "package-0", "package", "measured", "low"] == 0.95


def test_a_counter_says_when_it_began(page):
    text, _ = page(accept=OPEN)
    found = samples(openmetrics.text_string_to_metric_families(text))
    assert found["microjoule_energy_joules_created", "package-0", "package", "measured"] == STARTED_S


def test_a_sum_over_the_channels_is_the_host(page):
    found = samples(parser.text_string_to_metric_families(page()[0]))
    parts = [value for (name, *_), value in found.items() if name == "microjoule_energy_joules_total"]
    assert sum(parts) == found["microjoule_host_energy_joules_total", *HOST]


def test_a_missing_power_is_no_line(page):
    text, _ = page([level(PACKAGE, 5)])
    assert "microjoule_power_watts" not in text
    assert "microjoule_host_power_watts" not in text
    assert 'microjoule_energy_joules_total{channel="package-0"' in text


def test_a_model_is_named_beside_its_channel(page):
    text, _ = page([level(BUSY, 5)])
    assert 'provenance="estimated"' in text
    assert 'model="a table"' in text


def test_a_channel_is_told_with_what_contains_it(page):
    text, _ = page()
    families = parser.text_string_to_metric_families(text)
    (info,) = (family.samples for family in families if family.name == "microjoule_channel_info")
    assert [one.labels for one in info if one.labels["channel"] == "package-0/core"] == [
        {
            "channel": "package-0/core",
            "hardware": "cpu",
            "source": "script",
            "quantity": "J",
            "unit_from": "interface",
            "parent": "package-0",
            "model": "",
        }
    ]


def test_nothing_of_the_process_itself_is_served(page):
    names = {line.split("{")[0].split(" ")[0] for line in page()[0].splitlines() if not line.startswith("#")}
    assert {name for name in names if not name.startswith("microjoule_")} == set()


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
@pytest.mark.parametrize("levels", [SERVER, (level(BUSY, 5),), ()], ids=["server", "estimated", "nothing"])
def test_promtool_finds_nothing_to_say(page, levels):
    text, _ = page(levels)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=30
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_a_port_that_is_taken_is_a_sentence_with_two_ways_out():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotServe, match=rf"Port {port} of 127.0.0.1 is taken.*ss -ltnp.*--port"):
            Page(Collector(picture, STARTED_S), "127.0.0.1", port)


def test_an_address_of_another_machine_is_a_usage_error():
    with pytest.raises(BadAddress, match=r"192.0.2.1 is not an address of this machine. .*`ip address`"):
        Page(Collector(picture, STARTED_S), "192.0.2.1", 0)


def test_no_address_is_a_usage_error():
    with pytest.raises(BadAddress, match=r"'no address' is not an address .*--bind 127.0.0.1"):
        Page(Collector(picture, STARTED_S), "no address", 0)


def test_no_port_is_a_usage_error():
    with pytest.raises(BadAddress, match=r"70000 is not a port. .*--port 9464"):
        Page(Collector(picture, STARTED_S), "127.0.0.1", 70_000)


def test_a_closed_page_gives_its_port_back():
    first = Page(Collector(picture, STARTED_S), "127.0.0.1", 0)
    port = int(first.url.rpartition(":")[2].partition("/")[0])
    first.close()
    Page(Collector(picture, STARTED_S), "127.0.0.1", port).close()
