"""A trace of an archive has the figures on Dask that it has here, with any number of workers, if one dies."""

import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fragmented import same
from pieced import write
from team import trace

import microjoule as uj
from microjoule.archive import adding, layout, readings
from microjoule.archive.integrating import row_groups
from microjoule.archive.verifying import verify
from microjoule.cli import main
from microjoule.footprint import FactorOptions
from microjoule.footprint.chosen_factors import terms as chosen
from microjoule.joules.long_traces.fragments import JoinedTrace, integrated

distributed = pytest.importorskip("distributed", reason="needs Dask: pip install 'microjoule[dask]'")
pytestmark = pytest.mark.filterwarnings("ignore")  # of Dask's own threads and sockets


@pytest.fixture(scope="module")
def cluster():
    # A new process learns from it what to import, and where tests run in a worker it is missing.
    sys.modules["__main__"].__spec__ = getattr(sys.modules["__main__"], "__spec__", None)
    settings = {"distributed.worker.daemon": True, "distributed.scheduler.allowed-failures": 5}
    import dask

    with (
        dask.config.set(settings),
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50
        ) as found,
    ):
        yield found


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """An archive of two traces, each in many parts: one of several channels, one of a long stretch."""
    folder = tmp_path_factory.mktemp("stored")
    write(folder / "small.arrows", 1, 200, has_windows=True, silent_from=1000)
    trace(folder / "long.arrows", seconds=6.0, windows=(("step", 1.0, 2.5), ("step", 3.0, 4.5)))
    of = layout.opened(str(folder / "archive"), is_made=True)
    patch = pytest.MonkeyPatch()
    patch.setattr(readings, "PART_ROWS", 700)
    terms = chosen(FactorOptions())
    found = {name: adding.add(of, folder / f"{name}.arrows", "p", terms).entry for name in ("small", "long")}
    patch.undo()
    return of, {
        name: (row_groups(of, entry), uj.load(folder / f"{name}.arrows")) for name, entry in found.items()
    }


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_figures_are_those_of_this_process(cluster, stored, workers):
    from microjoule.archive.on_dask import OnDask

    cluster.scale(workers)
    with distributed.Client(cluster) as client:
        client.wait_for_workers(workers)
        for parts, whole in stored[1].values():
            assert len(parts) > 5
            found = integrated(parts, OnDask(client))
            assert isinstance(found, JoinedTrace)
            assert same(found, whole)


@dataclass(frozen=True)
class Deadly:
    """A part that kills the worker that reads it for the second time, once: it is there, and being mapped."""

    part: object
    marker: Path

    def rows(self):
        for name in ("sketched", "killed"):
            marker = self.marker / name
            if not marker.exists():
                marker.touch()
                if name == "killed":
                    os.kill(os.getpid(), signal.SIGKILL)
                break
        return self.part.rows()


def test_a_worker_that_is_killed_midway_changes_no_figure(cluster, stored, tmp_path):
    import cloudpickle

    from microjoule.archive.on_dask import OnDask

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    cluster.scale(2)
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2)
        parts, whole = stored[1]["small"]
        middle = len(parts) // 2
        deadly = [*parts[:middle], Deadly(parts[middle], tmp_path), *parts[middle + 1 :]]
        found = integrated(deadly, OnDask(client))
    assert (tmp_path / "killed").exists()
    assert isinstance(found, JoinedTrace)
    assert same(found, whole)


def test_verify_works_every_figure_out_again_on_the_cluster(cluster, stored, capsys):
    of, _ = stored
    address = cluster.scheduler_address
    assert main(["archive", "verify", "--archive", of.address, "--dask", address]) == 0
    assert "2 of 2 traces" in capsys.readouterr().out
    assert verify(of, layout.EVERYTHING)["n_equal"] == 2
