"""``uj serve`` as those meet it who run it, scrape it and ask Prometheus about it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import prometheus_server
import pytest
import scripted
from otlp_collector import collector
from prometheus_client import parser

from microjoule.cli import main
from microjoule.sources.script import Entry, Repeat, script_text, write_machine

EXAMPLES = Path(__file__).parents[3] / "examples/serve"
UJ = (sys.executable, "-m", "microjoule", "serve")
HOST = "microjoule_host_energy_joules_total"
SCRIPTED = ("--source", "script", "--calibration", "none")


@contextmanager
def serving(root, *options, **environment):
    """A service of the machine under root on a free port: its URL, and its process."""
    command = [*UJ, "--root", str(root), *SCRIPTED, "--port", "0", *options]
    told = {**os.environ, **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=told) as service:
        try:
            line = service.stderr.readline()
            found = re.search(r"http://\S+/metrics", line)
            assert found, line + service.stderr.read()
            yield found[0], service
        finally:
            service.terminate()
            service.communicate(timeout=60)


def figures(url):
    """What a page says once something was read."""
    until = time.monotonic() + 60
    while not (found := page(url)) or not any(name == HOST for name, _ in found):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def page(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        families = parser.text_string_to_metric_families(answer.read().decode())
    return {
        (one.name, one.labels.get("channel", "")): one.value for family in families for one in family.samples
    }


def whirling(root, modulus):
    """The scripted machine, whose package's counter starts again every so many millijoules."""
    package = scripted.channel("package-0", "package.txt")
    package = replace(package, scale=replace(package.scale, modulus=modulus))
    write_machine(root, [package, scripted.channel("package-0/dram", "dram.txt")])
    repeat = Repeat(scripted.MS, scripted.PACKAGE_W, modulus)
    (root / "package.txt").write_text(script_text([Entry(raw=0)], repeat))
    (root / "dram.txt").write_text(scripted.steady(scripted.DRAM_W, 7))
    return root


def test_a_scrape_finds_what_the_script_plays(tmp_path):
    with serving(scripted.machine(tmp_path)) as (url, _):
        found = figures(url)
    assert found[HOST, ""] == pytest.approx(
        found["microjoule_energy_joules_total", "package-0"]
        + found["microjoule_energy_joules_total", "package-0/dram"]
    )
    assert found["microjoule_resets_total", "package-0"] == 0


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT], ids=lambda sent: sent.name)
def test_a_signal_ends_it_well(tmp_path, sent):
    with serving(scripted.machine(tmp_path)) as (_, service):
        service.send_signal(sent)
        _, said = service.communicate(timeout=60)
    assert (service.returncode, said) == (0, "")


@pytest.mark.skipif(prometheus_server.MISSING is not None, reason=prometheus_server.MISSING or "")
def test_prometheus_answers_with_the_scripts_power_over_wraps(tmp_path):
    """The package wraps every 1.6 s; the server sees no reset, and 40 W."""
    modulus = 1 << 16
    with (
        serving(whirling(tmp_path, modulus), "--rate", "100") as (url, _),
        prometheus_server.prometheus(
            tmp_path, url.removeprefix("http://").removesuffix("/metrics")
        ) as server,
    ):
        package = 'microjoule_energy_joules_total{channel="package-0"}'
        around_40 = pytest.approx(scripted.PACKAGE_W, rel=0.05)
        assert server.eventually(f"rate({package}[2s])", lambda w: w == around_40) == around_40
        grown_j = server.value(f"max_over_time({package}[1m]) - min_over_time({package}[1m])")
        assert grown_j > modulus / 1000
        assert server.value(f"resets({package}[1m])") == 0
        assert server.value(
            "sum(microjoule_energy_joules_total) - sum(microjoule_host_energy_joules_total)"
        ) == (pytest.approx(0, abs=1e-6))
        questions = re.findall(r"^#   (.+)$", (EXAMPLES / "prometheus.yml").read_text(), re.MULTILINE)
        assert questions
        for question in questions:
            server.ask(question)


def test_a_collector_gets_what_the_script_plays_and_once_more_at_the_end(tmp_path):
    with collector() as (url, arrived):
        with serving(scripted.machine(tmp_path), "--otlp", url, OTEL_METRIC_EXPORT_INTERVAL="200") as (
            page_url,
            _,
        ):
            figures(page_url)
        *_, (_, _, last) = arrived
    (scope,) = last.scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    parts = [point.as_double for point in metrics["hw.energy"].sum.data_points]
    (whole,) = metrics["hw.host.energy"].sum.data_points
    assert len(parts) == 2
    assert whole.as_double > 0
    assert whole.as_double == pytest.approx(sum(parts))


def test_a_collector_that_is_away_is_a_sentence_and_ends_well(tmp_path):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        told = {"OTEL_METRIC_EXPORT_INTERVAL": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
        with serving(scripted.machine(tmp_path), "--otlp", away, **told) as (_, service):
            assert service.stderr.readline() == f"uj: pushing to {away}\n"
            said = service.stderr.readline()
            service.terminate()
            rest = service.communicate(timeout=60)[1]
    assert service.returncode == 0
    assert said.startswith(f"uj: {away} took no metrics: ")
    assert all(line.startswith("uj: ") for line in rest.splitlines())


def test_a_port_that_is_taken_is_one_sentence_and_exit_1(tmp_path, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        assert main(["serve", "--root", str(scripted.machine(tmp_path)), *SCRIPTED, "--port", taken]) == 1
    assert re.fullmatch(rf"uj: Port {taken} of 127.0.0.1 is taken.*\n", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--bind", "192.0.2.1"), 2, r"192.0.2.1 is not an address of this machine"),
        (("--rate", "0.1"), 2, r"A rate of 0.1 Hz is out of range"),
        (("--port", "none"), 2, r"There is nothing to serve"),
        (("--port", "none", "--otlp", "localhost"), 2, r"'localhost' is not the URL of a collector"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_is_one_sentence(tmp_path, capsys, options, code, said):
    assert (
        main(["serve", "--root", str(scripted.machine(tmp_path)), *SCRIPTED, "--port", "0", *options]) == code
    )
    assert re.fullmatch(rf"uj: {said}.*\n", capsys.readouterr().err)


def test_nothing_to_measure_is_exit_3(tmp_path, capsys):
    assert main(["serve", "--root", str(tmp_path), "--port", "0", "--source", "script"]) == 3
    assert capsys.readouterr().err.startswith("uj: ")


@pytest.mark.parametrize("package", ["prometheus_client", "opentelemetry"])
def test_a_missing_library_is_named_with_its_extra(tmp_path, package):
    """Of a Python to which the library is hidden."""
    program = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from microjoule.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    ways = {"prometheus_client": ("--port", "0"), "opentelemetry": ("--port", "none", "--otlp")}
    root = scripted.machine(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", program, "serve", "--root", str(root), *SCRIPTED, *ways[package]],
        capture_output=True,
        text=True,
        timeout=60,
    )
    extras = {"prometheus_client": "prometheus", "opentelemetry": "otel"}
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert f"pip install 'microjoule[{extras[package]}]'" in done.stderr


@pytest.mark.skipif(
    not shutil.which("systemd-analyze"), reason="systemd-analyze (Debian: systemd) is not installed"
)
def test_systemd_finds_nothing_to_say_of_the_unit(tmp_path):
    unit = (EXAMPLES / "microjoule.service").read_text()
    here = tmp_path / "microjoule.service"
    here.write_text(unit.replace("/opt/microjoule/bin/uj", sys.executable))
    checked = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, timeout=60)
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")
def test_prometheus_takes_the_configuration():
    checked = subprocess.run(
        ["promtool", "check", "config", EXAMPLES / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stderr


def test_the_extras_bring_what_is_imported():
    project = tomllib.loads((EXAMPLES.parents[1] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert {*extras["prometheus"], *extras["otel"]} <= {*extras["test"]}
