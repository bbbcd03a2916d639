"""How near the shares of requests come to the truth: ``python benchmarks/request_shares.py [RUNS]``.

A scripted server (``tests/batching.py``) batches continuously: first come, first served, 2,048 tokens a step.
Its power is a known function of each batch: linear in running requests, prompt tokens and output tokens, or
saturating at 500 W above idle; 2 % of noise a step are nobody's. The counter is updated every 100 ms and read
every 5 ms. 1, 4 and 16 clients send 1,000 requests a run and 64 clients 4,000, with prompts of 10 to 4,000
tokens, spread evenly over their logarithm. The log has the times at which pieces of answers came (as ``uj
bench`` and vLLM write them), or three instants a request. Writes ``results/requests.md``.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from batching import Batching, linear, saturating

OUTPUT = Path(__file__).parent / "results" / "requests.md"
FIRST_SEED = 540  # nothing was chosen on runs of this seed or later ones
HEAD = """# Shares of requests beside the truth

`python benchmarks/request_shares.py`: a scripted server that batches continuously; see there. Errors are of
single requests, relative to each one's own energy above idle: rms over all requests of all runs. *covered*:
of some hundred requests a run, how often ± U holds the energy; requests of a run share their coefficients
and miss together, so that few runs tell this to ten per cent or so. *equal split*: the rms error of giving
each request the mean. Nothing in the code was chosen on runs of these seeds or later ones (linear: from 500,
saturating: from 540). At one at once the times of pieces change nothing.

With three instants a request the steps between them are counted by the answers themselves, and the fit takes
updates of 0.4 s. Where power saturates, shares follow a fit of power that saturates, of a form that is not
the server's. With 16 or 64 at once and three instants that fit is not used, because loads that the log
smooths look as if power saturated: shares follow the mean slope, and what the other fit would change is in ±.

| power | at once | times of pieces | runs | rms error | U / rms | covered | equal split |
|---|---|---|---|---|---|---|---|
"""


def row(scene: Batching, runs: int) -> str:
    errors, held, halves, equal = [], [], [], []
    for seed in range(FIRST_SEED, FIRST_SEED + runs):
        of = replace(scene, seed=seed)
        found, truth = of.shares(), of.truth_j
        errors.append((found.values_j - truth) / truth)
        equal.append((truth.mean() - truth) / truth)
        some = np.arange(0, scene.n, max(scene.n // 100, 1))
        u = np.array([found.share(int(i)).U for i in some])
        held.append(np.abs(found.values_j - truth)[some] <= u)
        halves.append(u / truth[some])
    rms = np.sqrt(np.mean(np.square(errors)))
    width = np.sqrt(np.mean(np.square(halves)))
    cells = (
        "linear" if scene.power is linear else "saturating", scene.clients,
        "either" if scene.clients == 1 else "yes" if scene.pieces else "no", runs,
        f"{100 * rms:.2f} %", f"{width / rms:.1f}", f"{100 * np.mean(held):.0f} %",
        f"{100 * np.sqrt(np.mean(np.square(equal))):.0f} %",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    rows = []
    batches = [(1, False), *((clients, pieces) for pieces in (True, False) for clients in (4, 16, 64))]
    for power in (linear, saturating):
        for clients, pieces in batches:
            n = 4000 if clients == 64 else 1000
            rows.append(row(Batching(clients=clients, n=n, pieces=pieces, power=power), runs))
            print(rows[-1], flush=True)
            OUTPUT.write_text(HEAD + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
