"""The metrics as OpenTelemetry has them: in the SDK's memory, and as bytes that arrive over HTTP."""

import itertools

import pytest
from levels import BUSY, DRAM, PACKAGE, PSYS, SERVER, level, picture
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from otlp_collector import collector

from microjoule.errors import BadEndpoint
from microjoule.live.otlp import endpoint, exporting, provider


def collected(levels=SERVER):
    """The metrics of one collection by name, and its resource."""
    reader = InMemoryMetricReader()
    made = provider(lambda: picture(levels() if callable(levels) else levels), reader)
    try:
        (resource,) = reader.get_metrics_data().resource_metrics
        (scope,) = resource.scope_metrics
        return {metric.name: metric for metric in scope.metrics}, resource.resource.attributes
    finally:
        made.shutdown()


def by_id(metric):
    return {point.attributes["hw.id"]: point.value for point in metric.data.data_points}


def test_energy_and_power_have_the_names_and_units_of_the_conventions():
    metrics, _ = collected()
    units = {
        name: metrics[name].unit for name in ("hw.energy", "hw.power", "hw.host.energy", "hw.host.power")
    }
    assert units == {"hw.energy": "J", "hw.power": "W", "hw.host.energy": "J", "hw.host.power": "W"}
    assert by_id(metrics["hw.energy"]) == {"package-0": 40.0, "package-0/dram": 5.0}
    assert by_id(metrics["hw.host.energy"]) == {"host": 45.0}
    assert by_id(metrics["microjoule.overlapping.energy"]) == {"package-0/core": 30.0, "psys": 60.0}


def test_a_counter_is_a_cumulative_sum_that_only_grows():
    metrics, _ = collected()
    data = metrics["hw.energy"].data
    assert data.is_monotonic
    assert data.aggregation_temporality.name == "CUMULATIVE"
    assert not hasattr(metrics["hw.power"].data, "is_monotonic")


def test_a_point_says_which_hardware_it_is_of_and_how_it_is_known():
    metrics, _ = collected()
    found = [dict(point.attributes) for point in metrics["microjoule.overlapping.energy"].data.data_points]
    assert found[0] == {
        "hw.id": "package-0/core",
        "hw.name": "core of package-0",
        "hw.type": "cpu",
        "hw.parent": "package-0",
        "microjoule.domain": "core",
        "microjoule.provenance": "measured",
    }


def test_all_metrics_of_a_collection_are_of_one_moment():
    """However much is drawn while it lasts."""
    counts = itertools.count(1000, 1000)
    metrics, _ = collected(lambda: [level(PACKAGE, next(counts)), level(DRAM, next(counts))])
    (host,) = by_id(metrics["hw.host.energy"]).values()
    assert sum(by_id(metrics["hw.energy"]).values()) == host


def test_a_estimated_figure_says_so():
    metrics, _ = collected([level(BUSY, 2000)])
    (point,) = metrics["hw.host.energy"].data.data_points
    assert (point.value, point.attributes["microjoule.provenance"]) == (8.0, "estimated")


def test_the_whole_hosts_meter_is_the_hosts_energy_and_no_components():
    metrics, _ = collected([level(PSYS, 60_000)])
    assert by_id(metrics["hw.host.energy"]) == {"host": 60.0}
    assert "hw.energy" not in metrics


def test_a_missing_power_is_no_point():
    metrics, _ = collected([level(PACKAGE, 5)])
    assert "hw.power" not in metrics
    assert "hw.host.power" not in metrics


def test_the_resource_names_host_and_service_and_the_environment_has_the_last_word(monkeypatch):
    _, resource = collected()
    assert resource["service.name"] == "microjoule"
    assert resource["host.name"]
    assert resource["service.version"]
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=here,rack=4")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "power of the lab")
    _, resource = collected()
    assert (resource["host.name"], resource["rack"]) == ("here", "4")
    assert resource["service.name"] == "power of the lab"


def test_what_arrives_at_a_collector_is_what_was_said():
    with collector() as (url, arrived):
        exporting(picture, url).shutdown()
    ((path, kind, resource),) = arrived
    assert (path, kind) == ("/v1/metrics", "application/x-protobuf")
    (scope,) = resource.scope_metrics
    metrics = {metric.name: metric for metric in scope.metrics}
    energy = metrics["hw.energy"].sum
    assert energy.is_monotonic
    assert energy.aggregation_temporality == energy.aggregation_temporality.__class__(2)  # cumulative
    figures = {
        next(a.value.string_value for a in point.attributes if a.key == "hw.id"): point.as_double
        for point in energy.data_points
    }
    assert figures == {"package-0": 40.0, "package-0/dram": 5.0}
    assert metrics["hw.host.power"].gauge.data_points[0].as_double == 45.0
    assert metrics["microjoule.readings"].sum.data_points[0].as_int == 1000
    assert {one.key: one.value.string_value for one in resource.resource.attributes}[
        "service.name"
    ] == "microjoule"


@pytest.mark.parametrize(
    ("url", "pushed_to"),
    [
        ("http://localhost:4318", "http://localhost:4318/v1/metrics"),
        ("https://otel.example/", "https://otel.example/v1/metrics"),
        ("http://localhost:9090/api/v1/otlp/v1/metrics", "http://localhost:9090/api/v1/otlp/v1/metrics"),
    ],
)
def test_a_collectors_url_gets_the_standard_path_and_a_path_stays(url, pushed_to):
    assert endpoint(url) == pushed_to


@pytest.mark.parametrize(
    "url", ["localhost:4318", "grpc://localhost:4317", "http://", "nonsense", "http://[::1"]
)
def test_what_is_no_url_is_a_sentence(url):
    with pytest.raises(BadEndpoint, match=r"is not the URL of a collector\. .*http://localhost:4318"):
        endpoint(url)
