"""How near the shares of requests come to the truth: ``python benchmarks/request_shares.py [RUNS]``.

A scripted server (``tests/batching.py``) batches continuously: first come, first served, 2,048 tokens a step.
Its power is a known function of each batch: linear in running requests, prompt tokens and output tokens, or
saturating at 500 W above idle; 2 % of noise a step are nobody's. The counter is updated every 100 ms and read
every 5 ms. 1, 4 and 16 clients send 1,000 requests a run and 64 clients 4,000, with prompts of 10 to 4,000
tokens, spread evenly over their logarithm. The log has the times at which pieces of answers came (as ``uj
bench`` and vLLM write them), or three instants a request. Timing is exact, or the duration of a step
varies by 5 % and tokens reach the client 0.5 ms late on average. Writes ``results/requests.md``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from batching import T0, Batching, linear, saturating

from microjoule.joules.counters.update_record import updates
from microjoule.joules.profiling.regression import between_updates
from microjoule.joules.serving.request_fit import fitted, no_finer

OUTPUT = Path(__file__).parent / "results" / "requests.md"
# Nothing was chosen on runs of these seeds or later ones: exact timing and times of pieces, and else.
FIRST_SEED, FIRST_SEED_OF_OTHERS = 700, 2100
RUNS = 8
JITTER = {"jitter": 0.05, "latency_s": 0.0005}
Z = 1.96
HEAD = """# Shares of requests beside the truth

`python benchmarks/request_shares.py`: a scripted server that batches continuously; see there. Errors are of
single requests, relative to each one's own energy above idle: rms over all requests of all runs, and in
brackets that of the worst run. *schedule known*: the rms error of the linear fit with everything that each
step of the server computed, over updates of 0.1 s; that is the limit that noise sets, and a log cannot do
better. *covered*: of some hundred requests a run, how often ± U holds the energy, with its binomial interval
(Wilson, 95 %), and in brackets the worst run. Requests of a run share their coefficients and miss together,
so the true doubt is larger than that interval. *equal split*: the rms error of giving each request the mean.

Nothing in the code was chosen on runs of these seeds: 700 and later where timing is exact and pieces have
times, and at one at once; 2100 and later elsewhere. At one at once the times of pieces (*pieces*) change
nothing. *jitter*: the duration of a step varies by 5 % (standard deviation of its logarithm), and each token
reaches the client 0.5 ms late on average. With three instants a request the steps between them are counted by
the answers themselves. The fit takes updates of 0.1 s where the log's steps do not scatter, and longer ones
where they do, of 0.4 s with 16 and 0.8 s with 64 at once here. Where power saturates, shares follow a fit of
power that saturates, of a form that is not the server's.

In each row ± holds 93 of 100 or more. Linear power is at most 2 % off, but for jitter with 64 at once and
three instants: 2.3 %.

| power | at once | timing | pieces | runs | rms error | schedule known | U / rms | covered | equal split |
|---|---|---|---|---|---|---|---|---|---|
"""


def known_shares_j(of: Batching) -> np.ndarray:
    """float64[n]: shares by a fit with all that was computed in each step."""
    counter, done = of.counter, of.played.done
    found = no_finer(updates(counter, *counter.span_ns), 100_000_000)
    until = np.append(np.array(of.played.times), 1e6)
    sums = [np.append(until[:-1], 1e6), *(np.append(each, each[-1]) for each in np.cumsum(done, axis=0).T)]

    def at(t_ns: np.ndarray) -> np.ndarray:
        return np.stack([np.interp((t_ns - T0) / 1e9, until, each) for each in sums], axis=1)

    design = between_updates(at, found)
    units = fitted(found, design, design).energy_j / design.sum(axis=0)
    return of.played.amounts @ units[1:]


def wilson(part: float, n: int) -> tuple[float, float]:
    """The 95 % interval of a probability of which a part of n was seen."""
    middle, half = part + Z**2 / (2 * n), Z * np.sqrt(part * (1 - part) / n + Z**2 / (4 * n**2))
    return (middle - half) / (1 + Z**2 / n), (middle + half) / (1 + Z**2 / n)


def rms(of: object) -> float:
    return float(np.sqrt(np.mean(np.square(of))))


def row(scene: Batching, runs: int) -> str:
    errors, known, held, halves, equal = [], [], [], [], []
    is_exact = not scene.jitter and (scene.pieces or scene.clients == 1)
    first = FIRST_SEED if is_exact else FIRST_SEED_OF_OTHERS
    for seed in range(first, first + runs):
        of = replace(scene, seed=seed)
        found, truth = of.shares(), of.truth_j
        errors.append((found.values_j - truth) / truth)
        known.append((known_shares_j(of) - truth) / truth)
        equal.append((truth.mean() - truth) / truth)
        some = np.arange(0, scene.n, max(scene.n // 100, 1))
        u = np.array([found.share(int(i)).U for i in some])
        held.append(np.abs(found.values_j - truth)[some] <= u)
        halves.append(u / truth[some])
    part = float(np.mean(held))
    low, high = wilson(part, np.size(held))
    is_linear = scene.power is linear
    cells = (
        "linear" if is_linear else "saturating", scene.clients, "jitter" if scene.jitter else "exact",
        "either" if scene.clients == 1 else "yes" if scene.pieces else "no", runs,
        f"{100 * rms(errors):.2f} % ({100 * max(map(rms, errors)):.2f})",
        f"{100 * rms(known):.2f} %" if is_linear else "-", f"{rms(halves) / rms(errors):.1f}",
        f"{100 * part:.1f} %, {100 * low:.1f}-{100 * high:.1f} ({100 * min(map(np.mean, held)):.0f})",
        f"{100 * rms(equal):.0f} %",
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def scenes() -> Iterator[Batching]:
    batches = [(1, False), *((clients, pieces) for pieces in (True, False) for clients in (4, 16, 64))]
    for power in (linear, saturating):
        for clients, pieces in batches:
            yield Batching(clients=clients, n=4000 if clients == 64 else 1000, pieces=pieces, power=power)
    for clients, pieces in batches[2:4] + batches[5:]:
        yield Batching(clients=clients, n=4000 if clients == 64 else 1000, pieces=pieces, **JITTER)


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    rows = []
    for scene in scenes():
        rows.append(row(scene, runs))
        print(rows[-1], flush=True)
        OUTPUT.write_text(HEAD + "\n".join(rows) + "\n")


if __name__ == "__main__":
    main()
