"""Teaches a built RAPL emulator that programs in the guest add energy to its package: one file, two minutes.

    python tests/rig/build_emulator.py RIG

RIG is the folder of a built machine: ``src/qemu`` with ``rapl_emul.c`` in it, and ``run.sh``. Its emulator is
changed in place and built again; a waveform without programs that add to it is what it was.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

HEADER = Path(__file__).resolve().with_name("rapl_deposits.h")
FOLDER = "target/i386/tcg/sysemu"
# What is replaced in rapl_emul.c, each once.
EDITS = {
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
        "    if (deposits_rdmsr(msr, val)) {\n        return 1;\n    }\n    switch (msr) {\n    case 0x606:"
    ),
    "        qatomic_set(&R.origin_ns, now + (int64_t)val);\n": (
        "        qatomic_set(&R.origin_ns, now + (int64_t)val);\n        deposits_restart();\n"
    ),
    "    if (msr_dom(msr) >= 0 || msr == 0x606 || msr == 0x614) {\n": (
        "    if (deposits_wrmsr(msr, val)) {\n        return 1;\n    }\n"
        "    if (msr_dom(msr) >= 0 || msr == 0x606 || msr == 0x614) {\n"
    ),
}


def changed(text: str) -> str:
    """The emulator's source with deposits; as it is where it has them."""
    if HEADER.name in text:
        return text
    for old, new in EDITS.items():
        if text.count(old) != 1:
            raise SystemExit(f"rapl_emul.c has {text.count(old)} times, not once:\n{old}")
        text = text.replace(old, new)
    return text


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    qemu = Path(sys.argv[1]) / "src" / "qemu"
    source = qemu / FOLDER / "rapl_emul.c"
    if not source.exists():
        raise SystemExit(f"{source} does not exist: give the folder of a built machine")
    shutil.copy(HEADER, source.parent)
    source.write_text(changed(source.read_text(encoding="utf-8")), encoding="utf-8")
    build = ["nice", "-n", "15", "ninja", "-j2", "qemu-system-x86_64"]
    raise SystemExit(subprocess.run(build, cwd=qemu / "build", check=False).returncode)


if __name__ == "__main__":
    main()
