"""The NVML reader under the address and undefined-behaviour sanitizers, leaks included."""

from __future__ import annotations

import subprocess

import pytest
from standin import CSRC, HERE, compiler, machine

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-g", "-fno-sanitize-recover=all"]


@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
@pytest.mark.skipif(compiler() is None, reason="no C compiler")
def test_opens_reads_fails_and_closes_cleanly(tmp_path, sanitizer):
    flags = [*FLAGS, f"-fsanitize={sanitizer}"]
    probe = tmp_path / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    command = [compiler(), *flags, probe, "-o", tmp_path / "probe"]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{compiler()} has no sanitizers")
    library = machine(tmp_path / "m", "device GPU-1\nsamples 3000000 60 1\ndevice GPU-2\nlost machine")
    program = tmp_path / "reader_check"
    sources = [HERE / "reader_check.c", *sorted(CSRC.glob("*.c"))]
    subprocess.run([compiler(), *flags, f"-I{CSRC}", *sources, "-o", program, "-ldl", "-pthread"], check=True)
    done = subprocess.run([program, library], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
