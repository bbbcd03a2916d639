"""Whose a cgroup is, by paths as the runtimes make them."""

import pytest

from microjoule.joules.sharing.owners import owner

ID = "3f4a8b1c9d2e" + "0" * 52
POD = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"


@pytest.mark.parametrize(
    ("path", "container", "pod", "unit", "uid"),
    [
        ("/", "", "", "", ""),
        ("/system.slice/nginx.service", "", "", "nginx.service", ""),
        (f"/system.slice/docker-{ID}.scope", f"docker {ID[:12]}", "", f"docker-{ID}.scope", ""),
        (f"/docker/{ID}", f"docker {ID[:12]}", "", "", ""),
        (f"/machine.slice/libpod-{ID}.scope/container", f"podman {ID[:12]}", "", f"libpod-{ID}.scope", ""),
        (
            f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{POD.replace('-', '_')}.slice/"
            f"cri-containerd-{ID}.scope",
            f"pod {POD} containerd {ID[:12]}",
            POD,
            f"cri-containerd-{ID}.scope",
            "",
        ),
        (f"/kubepods/besteffort/pod{POD}/{ID}", f"pod {POD} container {ID[:12]}", POD, "", ""),
        (f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/crio-{ID}.scope",
         f"pod {POD} cri-o {ID[:12]}", POD, f"crio-{ID}.scope", ""),
        ("/system.slice/slurmstepd.scope/job_7/step_0/user/task_0", "", "", "slurm job 7 step 0", ""),
        ("/slurm/uid_1000/job_7/step_batch", "", "", "slurm job 7 step batch", "1000"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-7.scope",
         "", "", "app-firefox-7.scope", "1000"),
        ("/lxc.payload.web/system.slice/cron.service", "lxc web", "", "cron.service", ""),
        ("/machine.slice/machine-debian.scope/payload", "nspawn debian", "", "machine-debian.scope", ""),
    ],
)  # fmt: skip
def test_paths_say_whose_a_cgroup_is(path, container, pod, unit, uid):
    assert owner(path) == (container, pod, unit, uid)
