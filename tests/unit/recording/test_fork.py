"""A forked child that releases a sampler of a GPU does not hang, whatever its parent's thread is doing.

The library is ``tests/native/fork_library.c``: it holds one lock during each call, as vendors' do.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from standin import compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in library with")

LIBRARY = Path(__file__).parents[2] / "native" / "fork_library.c"
CHILDREN = 10

PROGRAM = f"""
import gc, json, os, signal, sys, time
from microjoule._native import Sampler
from microjoule.errors import MicrojouleError

reader, path, config, way = sys.argv[1:]
sampler = Sampler("gpu", [(reader, path, 0, int(config), -1, 0)], 1_000_000, 4096)
sampler.start()
while sampler.counts()["ticks"] < 2:
    time.sleep(0.001)

def child():
    global sampler
    signal.alarm(20)
    try:
        sampler.counts()
    except MicrojouleError as error:
        said = str(error)
    if way == "released":
        del sampler
        gc.collect()
        os._exit(0 if "parent" in said else 1)
    raise SystemExit(0 if "parent" in said else 1)  # the interpreter's end releases it

statuses = []
for _ in range({CHILDREN}):
    time.sleep(0.001)
    number = os.fork()
    if number == 0:
        child()
    statuses.append(os.waitpid(number, 0)[1])
ticks = sampler.counts()["ticks"]
while sampler.counts()["ticks"] == ticks:
    time.sleep(0.001)
print(json.dumps(statuses))
"""


@pytest.fixture(scope="module", params=["nvml", "amdsmi", "rocm"])
def gpu(request, tmp_path_factory):
    """Reader, path and config of a channel of a library that locks."""
    library = tmp_path_factory.mktemp("locking") / "liblocking.so"
    defines = ["-DROCM"] if request.param == "rocm" else []
    command = [compiler(), "-std=gnu11", "-O1", "-shared", "-fPIC", *defines, LIBRARY, "-pthread"]
    subprocess.run([*command, "-o", library], check=True)
    if request.param == "nvml":
        return "nvml", f"GPU-1@{library}", "83"
    return "amdsmi", f"0000:03:00.0@{library}", "1"


@pytest.mark.parametrize("way", ["released", "ended"])
def test_a_child_ends_and_the_parent_goes_on(gpu, way):
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", PROGRAM, *gpu, way],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=dict(os.environ),
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [0] * CHILDREN
