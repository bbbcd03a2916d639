"""The files of a machine that say in which state it is, under a folder."""

from __future__ import annotations

from pathlib import Path

CPU = "sys/devices/system/cpu"
FILES = {
    f"{CPU}/cpu0/cpufreq/scaling_governor": "performance",
    f"{CPU}/cpu0/cpufreq/energy_performance_preference": "performance",
    f"{CPU}/cpu0/cpufreq/scaling_driver": "intel_pstate",
    f"{CPU}/cpu0/cpufreq/scaling_min_freq": "800000",
    f"{CPU}/cpu0/cpufreq/scaling_max_freq": "3900000",
    f"{CPU}/cpu0/cpufreq/scaling_cur_freq": "3100000",
    f"{CPU}/cpu0/thermal_throttle/package_throttle_count": "3",
    f"{CPU}/cpu0/microcode/version": "0x2b000603",
    f"{CPU}/cpu0/cpuidle/state0/name": "POLL",
    f"{CPU}/cpu0/cpuidle/state0/disable": "0",
    f"{CPU}/cpu0/cpuidle/state1/name": "C1",
    f"{CPU}/cpu0/cpuidle/state1/disable": "0",
    f"{CPU}/cpu0/cpuidle/state2/name": "C6",
    f"{CPU}/cpu0/cpuidle/state2/disable": "1",
    f"{CPU}/cpuidle/current_driver": "intel_idle",
    f"{CPU}/intel_pstate/no_turbo": "0",
    f"{CPU}/smt/active": "1",
    f"{CPU}/online": "0-7",
    f"{CPU}/vulnerabilities/meltdown": "Not affected",
    f"{CPU}/vulnerabilities/spectre_v2": "Mitigation: Enhanced IBRS",
    "sys/class/powercap/intel-rapl:0/name": "package-0",
    "sys/class/powercap/intel-rapl:0/constraint_0_name": "long_term",
    "sys/class/powercap/intel-rapl:0/constraint_0_power_limit_uw": "165000000",
    "sys/class/powercap/intel-rapl:0:0/name": "dram",
    "sys/class/powercap/intel-rapl:0:0/constraint_0_power_limit_uw": "41000000",
    "sys/class/power_supply/AC/type": "Mains",
    "sys/class/power_supply/AC/online": "1",
    "sys/class/hwmon/hwmon2/name": "coretemp",
    "sys/class/hwmon/hwmon2/temp1_input": "51000",
    "sys/class/hwmon/hwmon2/temp1_crit": "100000",
    "sys/class/hwmon/hwmon1/name": "nvme",
    "sys/class/hwmon/hwmon1/temp1_input": "33000",
    "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "proc/sys/kernel/nmi_watchdog": "1",
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz root=UUID=secret mitigations=off isolcpus=2-3 password=hunter2",
    "proc/self/cgroup": "0::/user.slice/job",
    "proc/uptime": "1000.50 7800.25",
    "proc/stat": "cpu  100 0 50 800 0 0 0 0 0 0",
    "sys/fs/cgroup/user.slice/job/cpu.max": "200000 100000",
    "sys/fs/cgroup/user.slice/job/memory.max": "max",
}


def tree(root: Path, **changes: str) -> Path:
    """Writes the files under ``root``; ``changes`` are by the last part of a file's name."""
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(changes.get(path.name, text) + "\n")
    return root
