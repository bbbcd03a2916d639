"""Teaches a built RAPL emulator that programs in the guest add energy to its package, and to count its time.

    python tests/rig/build_emulator.py RIG    # two minutes

RIG is the folder of a built machine: ``src/qemu`` with ``rapl_emul.c`` in it, and ``run.sh``. Its emulator is
changed in place and built again; a waveform without programs that add to it is what it was.

With ``RIG_ICOUNT=N`` in its environment ``run.sh`` then boots a guest whose time is the count of its
instructions, 2^N ns for each: what its host does besides makes a run longer, and nothing in it late.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HEADER = Path(__file__).resolve().with_name("rapl_deposits.h")
RAPL = "src/qemu/target/i386/tcg/sysemu/rapl_emul.c"
# What is replaced in each file, each once.
EDITS = {
    RAPL: {
        "#include <math.h>\n": '#include <math.h>\n#include "rapl_deposits.h"\n',
        "    qemu_mutex_init(&rapl_lock);\n": "    qemu_mutex_init(&rapl_lock);\n    deposits_init();\n",
        "    long double u = ldexpl(dom_energy(d, last_update(s, di, t)), d->esu);\n": (
            "    long double at = last_update(s, di, t), e = dom_energy(d, at);\n"
            "    if (s == 0 && di == D_PKG) {\n"
            "        e += deposited_j(qatomic_read(&R.origin_ns) + (int64_t)floorl(at * 1e9L));\n"
            "    }\n"
            "    long double u = ldexpl(e, d->esu);\n"
        ),
        "    switch (msr) {\n    case 0x606:": (
            "    if (deposits_rdmsr(msr, val)) {\n        return 1;\n    }\n"
            "    switch (msr) {\n    case 0x606:"
        ),
        "        qatomic_set(&R.origin_ns, now + (int64_t)val);\n": (
            "        qatomic_set(&R.origin_ns, now + (int64_t)val);\n        deposits_restart();\n"
        ),
        "    if (msr_dom(msr) >= 0 || msr == 0x606 || msr == 0x614) {\n": (
            "    if (deposits_wrmsr(msr, val)) {\n        return 1;\n    }\n"
            "    if (msr_dom(msr) >= 0 || msr == 0x606 || msr == 0x614) {\n"
        ),
    },
    # Where time is the count of instructions: no CPU waits for another one for longer than 20 µs,
    "src/qemu/accel/tcg/tcg-accel-ops-icount.c": {
        "        return icount_round(deadline);\n": "        return icount_round(MIN(deadline, 20000));\n",
    },
    # a register is read at the instruction's own time,
    "src/qemu/target/i386/tcg/translate.c": {
        "            gen_update_eip_cur(s);\n            if (b & 2) {\n": (
            "            gen_update_eip_cur(s);\n"
            "            if (tb_cflags(s->base.tb) & CF_USE_ICOUNT) {\n"
            "                gen_io_start();\n"
            "                s->base.is_jmp = DISAS_TOO_MANY;\n"
            "            }\n"
            "            if (b & 2) {\n"
        ),
    },
    # and the host's disk takes no time: the clock of an idle machine waits for it.
    "src/qemu/util/thread-pool.c": {
        "static void thread_pool_completion_bh(": (
            "int rig_in_flight;\n\nstatic void thread_pool_completion_bh("
        ),
        "        QLIST_REMOVE(elem, all);\n": (
            "        QLIST_REMOVE(elem, all);\n        qatomic_dec(&rig_in_flight);\n"
        ),
        "    QLIST_INSERT_HEAD(&pool->head, req, all);\n": (
            "    QLIST_INSERT_HEAD(&pool->head, req, all);\n    qatomic_inc(&rig_in_flight);\n"
        ),
    },
    "src/qemu/softmmu/icount.c": {
        "void icount_start_warp_timer(void)\n{\n": (
            "extern int rig_in_flight;\n\nvoid icount_start_warp_timer(void)\n{\n"
        ),
        "        if (!all_cpu_threads_idle()) {\n": (
            "        if (!all_cpu_threads_idle() || qatomic_read(&rig_in_flight)) {\n"
        ),
    },
    "run.sh": {
        "export RAPL_CONF=": (
            'THREAD=multi\nif [ -n "$RIG_ICOUNT" ]; then\n'
            '  KHZ=1000000 THREAD=single ICOUNT="-icount shift=$RIG_ICOUNT,sleep=off"\nfi\n'
            "export RAPL_CONF="
        ),
        "thread=multi,tb-size=512 ": "thread=$THREAD,tb-size=512 $ICOUNT ",
    },
}


def changed(text: str, edits: dict[str, str]) -> str:
    """A file of the emulator with its edits; as it is where it has them."""
    for old, new in edits.items():
        if new in text:
            continue
        if text.count(old) != 1:
            raise SystemExit(f"The emulator's source has {text.count(old)} times, not once:\n{old}")
        text = text.replace(old, new)
    return text


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    rig = Path(sys.argv[1])
    if not (rig / RAPL).exists():
        raise SystemExit(f"{rig / RAPL} does not exist: give the folder of a built machine")
    shutil.copy(HEADER, (rig / RAPL).parent)
    for name, edits in EDITS.items():
        source = rig / name
        source.write_text(changed(source.read_text(encoding="utf-8"), edits), encoding="utf-8")
    build = ["nice", "-n", "15", "ninja", "-j2", "qemu-system-x86_64"]
    raise SystemExit(subprocess.run(build, cwd=rig / "src" / "qemu" / "build", check=False).returncode)


if __name__ == "__main__":
    main()
