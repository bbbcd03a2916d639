"""Whose a cgroup is, by its path: a Kubernetes pod, a container, a systemd unit, a Slurm step, a user.

Nothing is asked of any runtime: a path has the id that the runtime gave, not the name that people gave. The
rows below are tried in their order, and the innermost match of a row counts.

- Kubernetes with the systemd driver: ``kubepods-burstable-pod<uid with _>.slice/cri-containerd-<id>.scope``;
  with cgroupfs: ``kubepods/burstable/pod<uid>/<id>`` (kubelet/cm/cgroup_manager_linux.go).
- Docker: ``docker-<id>.scope`` or ``docker/<id>``; Podman ``libpod-<id>.scope``; CRI-O
  ``crio-<id>.scope``; containerd ``cri-containerd-<id>.scope``; LXC
  ``lxc.payload.<name>``; systemd-nspawn ``machine-<name>.scope``.
- Slurm: ``slurmstepd.scope/job_<j>/step_<s>`` (version 2) or ``slurm/uid_<u>/job_<j>/step_<s>`` (1).
- systemd: the innermost ``.service``, ``.scope``, ``.socket``, ``.mount`` or ``.slice`` (systemd.unit(5)).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

OUTSIDE = "outside of containers"
UNKNOWN = "unknown"
ID_SHOWN = 12  # digits of a container's id, as the runtimes themselves print them

_POD = re.compile(r"(?:^|[/-])pod([0-9a-f]{8}(?:[-_]?[0-9a-f]{4}){3}[-_]?[0-9a-f]{12}|[0-9a-f]{32})")
_ID = r"([0-9a-f]{12,64})"
_CONTAINERS = (
    ("docker", re.compile(rf"(?:docker-{_ID}\.scope|/docker/{_ID})")),
    ("podman", re.compile(rf"libpod-{_ID}(?:\.scope)?")),
    ("containerd", re.compile(rf"cri-containerd-{_ID}\.scope|cri-containerd:{_ID}")),
    ("cri-o", re.compile(rf"crio-{_ID}(?:\.scope)?")),
    ("lxc", re.compile(r"lxc\.payload\.([^/]+)|/lxc/([^/]+)")),
    ("nspawn", re.compile(r"/machine-([^/]+)\.scope")),
    ("container", re.compile(rf"/pod[^/]+/{_ID}(?:/|$)")),
)
_JOB = re.compile(r"/job_(\d+)(?:/step_([^/]+))?")
_UNIT = re.compile(r"([^/]+\.(?:service|scope|socket|mount|slice))(?=/|$)")
_UID = re.compile(r"/user-(\d+)\.slice|/slurm/uid_(\d+)")


class Owner(NamedTuple):
    """What the path of a cgroup says; empty where it says nothing of the kind.

    Attributes:
        container: ``docker 0123456789ab``, ``pod …/containerd …``: runtime and short id.
        pod: The uid of a Kubernetes pod.
        unit: The innermost unit of systemd, or ``slurm job 7 step 0``.
        uid: The number of the user whose slice it is in.
    """

    container: str
    pod: str
    unit: str
    uid: str


@lru_cache(maxsize=4096)
def owner(path: str) -> Owner:
    """Whose a cgroup is."""
    pod = _last(_POD, path).replace("_", "-")
    found = next(((runtime, id_) for runtime, of in _CONTAINERS if (id_ := _last(of, path))), None)
    container = "" if found is None else f"{found[0]} {found[1][:ID_SHOWN]}"
    if pod:
        container = f"pod {pod}" + (f" {container}" if container else "")
    job = _JOB.search(path) if "slurm" in path else None
    unit = _last(_UNIT, path)
    if job is not None:
        unit = f"slurm job {job[1]}" + (f" step {job[2]}" if job[2] else "")
    return Owner(container, pod, unit, _last(_UID, path))


def _last(of: re.Pattern[str], path: str) -> str:
    """The first group that matched, of the innermost match."""
    found = ""
    for each in of.finditer(path):
        found = next((group for group in each.groups() if group), found)
    return found
