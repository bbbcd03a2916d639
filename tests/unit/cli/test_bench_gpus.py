"""``uj bench`` from end to end: a server that batches, on two GPUs of the NVML stand-in.

Each step of the server keeps both GPUs busy for as long as the energy of its batch takes, whatever the
machine does beside it, so that the true energy of any span is known to the nanosecond.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from standin import compiler, machine

from microjoule.cli import main
from microjoule.joules.energy_trace import load

pytest.importorskip("httpx", reason="uj bench needs httpx (the extra bench)")
pytestmark = pytest.mark.skipif(compiler() is None, reason="no C compiler to build the stand-in with")

SERVER = Path(__file__).parents[2] / "batching_server.py"
BUSY_BYTES = 1 << 16
IDLE_W, BUSY_W = {"gpu-0": 30.0, "gpu-1": 20.0}, {"gpu-0": 400.0, "gpu-1": 200.0}
PREFILL_J, DECODE_J = 0.02, 0.1
FOR_S = 4.0
SENSOR = {"offset", "gain", "code"}


def gpu(number):
    idle, busy = IDLE_W[f"gpu-{number}"], BUSY_W[f"gpu-{number}"]
    wave = f"wave busy {1000 * idle:.0f} {1000 * (idle + busy):.0f} 1 1"
    return f"device GPU-{number}\nlimit_mw 900000\n{wave}\nenergy 20000000 {number} 0\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """One run of two levels: the document, and the folder with all that was kept."""
    folder = tmp_path_factory.mktemp("gpus")
    machine(folder / "nvml", gpu(0) + gpu(1))
    (folder / "nvml/busy").write_bytes(bytes(BUSY_BYTES))
    (folder / "server").mkdir()
    settings = {
        "busy": str(folder / "nvml/busy"), "busy_w": sum(BUSY_W.values()), "running_w": 0.0, "step_s": 0.008,
        "prefill_j": PREFILL_J, "decode_j": DECODE_J,
    }  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, str(SERVER), str(folder / "server"), json.dumps(settings)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        words = (
            "bench", url, "--source", "nvml", "--root", folder / "nvml", "-c", "3,6",
            "--duration", f"{FOR_S}s", "--idle", "1s", "--prompt-words", "10-400", "--output-tokens", "16",
            "--json", folder / "a.json", "--log", folder / "a.jsonl", "-o", folder / "a.arrows",
        )  # fmt: skip
        ran = subprocess.run(
            [sys.executable, "-m", "microjoule", *map(str, words)], capture_output=True, text=True,
            timeout=120, env={**os.environ, "COLUMNS": "80"},
        )  # fmt: skip
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
        server.stdout.close()
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    plain = json.loads((folder / "a.json").read_text())
    assert all(len(line) <= 80 for line in ran.stdout.splitlines()), ran.stdout
    assert (ran.returncode == 0) == any(level["figures"] for level in plain["levels"]), ran.stdout
    return plain, folder


def busy_ns(folder, t0, t1):
    """How long both GPUs were busy in a span."""
    begin, end = np.frombuffer((folder / "nvml/busy").read_bytes(), np.int64).reshape(-1, 2).T
    return int((np.clip(end, t0, t1) - np.clip(begin, t0, t1)).sum())


def true_j(folder, t0, t1):
    """What both GPUs took in a span."""
    return (sum(IDLE_W.values()) * (t1 - t0) + sum(BUSY_W.values()) * busy_ns(folder, t0, t1)) / 1e9


def test_joules_per_token_are_those_of_both_gpus(done):
    plain, folder = done
    assert plain["channels"] == ["gpu-0/energy", "gpu-1/energy"]
    tokens = np.array(json.loads((folder / "server/tokens.json").read_text()))
    figured = [level for level in plain["levels"] if level["figures"]]
    why = [level["why_no_figures"] for level in plain["levels"]]
    if not figured and all("steady" in each for each in why):
        pytest.skip(f"other programs left no steady load: {why}")
    assert figured, why
    trace = load(folder / "a.arrows")
    for level in figured:
        (window,) = trace.named(f"{level['at_once']} at once")
        t1 = window.t0_ns + round(FOR_S * 1e9)
        t0 = t1 - round(level["steady_s"] * 1e9)
        truth = true_j(folder, t0, t1) / ((tokens >= t0) & (tokens < t1)).sum()
        found = level["figures"]["per_output_token"]
        assert abs(found["value"] - truth) <= found["U"]
        # The stand-in's sensors are exact: what the run itself leaves open is enough, too.
        of_run = np.sqrt(sum(part["u"] ** 2 for part in found["budget"] if part["name"] not in SENSOR))
        assert abs(found["value"] - truth) <= 2.2 * of_run


def test_the_power_is_the_function_of_the_batch_that_it_is_said_to_be(done):
    _, folder = done
    served = json.loads((folder / "server/truth.json").read_text())
    of_batches = sum(each["prefill_j"] + each["decode_j"] for each in served)
    assert len(served) > 20
    busy_j = sum(BUSY_W.values()) * float(busy_ns(folder, 0, 1 << 62)) / 1e9
    assert busy_j == pytest.approx(of_batches, rel=0.01)


def test_the_kept_log_shares_out_what_both_gpus_took(done, capsys):
    _, folder = done
    assert main(["attribute", str(folder / "a.arrows"), str(folder / "a.jsonl"), "--json", "-"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert plain["channels"] == ["gpu-0/energy", "gpu-1/energy"]
    measured, truth = plain["measured"], true_j(folder, plain["t0_ns"], plain["t1_ns"])
    assert abs(measured["value"] - truth) <= measured["U"]
    parts = sum(state["energy"]["value"] for state in plain["states"])
    assert parts + plain["unexplained"]["value"] == pytest.approx(measured["value"], rel=1e-12)
