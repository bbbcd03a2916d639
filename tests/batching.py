"""A server that batches continuously, step by step, and what each of its requests truly takes.

Every step computes one token of each answer under way and, first come, first served, up to ``budget`` tokens
of prompts. Power in a step is a known function of the batch, so that the energy of each request is known:
its part of the load times the power above idle. The log has what a client sees, and no step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ideal import MS, T0, Ideal, Wave, constant

from microjoule.joules.counters.counter import Counter
from microjoule.joules.counters.update_record import updates
from microjoule.joules.serving.request_shares import RequestShares, shares
from microjoule.joules.serving.requests import Requests

BASE = Ideal(constant(1.0), poll_ns=5 * MS, update_ns=100 * MS, jitter=0.05, limit_w=2000.0, modulus=1 << 64)


def linear(load_w):
    return load_w


def saturating(load_w):
    """At most 500 W above idle, and half of that at 350 W of load."""
    return 500.0 * (1.0 - np.exp(-load_w / 500.0))


class Played:
    """The run of a server, step by step."""

    def __init__(self, of: Batching) -> None:
        self.of, n = of, of.n
        rng = self.rng = np.random.default_rng([of.seed, 31])
        self.unlike, self.latency = (np.random.default_rng([of.seed, key]) for key in (32, 33))
        self.prompt, self.output = (
            np.exp(rng.uniform(*np.log(ends), n)).astype(np.int64) for ends in (of.prompt, of.output)
        )
        self.cached = np.where(rng.random(n) < of.cached, self.prompt // 2, 0)
        self.think_s = rng.exponential(of.think_s, n)
        self.start, self.first, self.end, self.energy_j = (np.zeros(n) for _ in range(4))
        self.pieces: list[list[float]] = [[] for _ in range(n)]
        self.t, self.sent = 1.0, 0
        self.arrivals = sorted((1.0 + rng.exponential(of.think_s)) for _ in range(min(of.clients, n)))
        self.waiting: list[list[int]] = []  # request, tokens left
        self.decoding: list[list[int]] = []
        self.times, self.above_w = [0.0, 1.0], [0.0]
        self.prompt_tokens = [0]  # computed in each of these times
        self.running_s = np.zeros(n)  # of each request, from the step that takes it up
        self.done = [(0.0, 0, 0)] * 2  # in each of these times: request-seconds, prompt and output tokens

    def step(self) -> bool:
        """One step, or the time until a request comes; whether there is more to come."""
        if not self.waiting and not self.decoding and self.arrivals[0] > self.t:
            self._pass(self.arrivals[0], 0.0, 0)
        while self.arrivals and self.arrivals[0] <= self.t:
            self.start[self.sent] = self.arrivals.pop(0)
            self.waiting.append([self.sent, int(self.prompt[self.sent] - self.cached[self.sent])])
            self.sent += 1
        taken = self._taken()
        self._compute(taken)
        self._end(taken)
        return bool(self.arrivals or self.waiting or self.decoding)

    def _pass(self, until: float, above_w: float, tokens: int) -> None:
        self.times.append(until)
        self.prompt_tokens.append(tokens)
        self.done.append((0.0, 0, 0))
        self.above_w.append(above_w * (1 + self.of.scatter * self.rng.standard_normal()))
        self.t = until

    def _taken(self) -> list[int]:
        """The tokens of each waiting prompt that the step computes."""
        left, found = self.of.budget - len(self.decoding), []
        for _, tokens in self.waiting:
            found.append(min(tokens, left))
            left -= found[-1]
        return found

    def _compute(self, taken: list[int]) -> None:
        of, tokens, answers = self.of, sum(taken), len(self.decoding)
        dt = 0.005 + 2e-5 * answers + 4e-5 * tokens
        dt *= float(np.exp(of.jitter * self.unlike.standard_normal()))
        load_w = (of.prefill_j * tokens + of.decode_j * answers) / dt
        load_w += of.running_w * (len(self.waiting) + answers)
        above_w = float(of.power(load_w))
        part = above_w / load_w
        for request, _ in (*self.waiting, *self.decoding):
            self.energy_j[request] += part * of.running_w * dt
            self.running_s[request] += dt
        for (request, _), each in zip(self.waiting, taken, strict=True):
            self.energy_j[request] += part * of.prefill_j * each
        for request, _ in self.decoding:
            self.energy_j[request] += part * of.decode_j
        self._pass(self.t + dt, above_w, tokens)
        self.done[-1] = ((len(self.waiting) + answers) * dt, tokens, answers)

    def _end(self, taken: list[int]) -> None:
        for each in self.decoding:
            each[1] -= 1
            self.pieces[each[0]].append(self.t)
        for each, tokens in zip(self.waiting, taken, strict=True):
            each[1] -= tokens
        begun = [request for request, left in self.waiting if not left]
        self.first[begun] = self.t
        ended = [request for request, left in self.decoding if not left]
        ended += [request for request in begun if self.output[request] == 1]
        self.waiting = [each for each in self.waiting if each[1]]
        self.decoding = [each for each in self.decoding if each[1]]
        self.decoding += [[each, int(self.output[each]) - 1] for each in begun if self.output[each] > 1]
        for request in ended:
            self.end[request] = self.t
            if self.sent + len(self.arrivals) < self.of.n:
                self.arrivals.append(self.t + self.think_s[request])
        self.arrivals.sort()

    @property
    def amounts(self):
        """float64[n, 3]: the seconds, the prompt tokens and the output tokens of each request."""
        return np.stack((self.running_s, self.prompt - self.cached, self.output - 1), axis=1)

    @property
    def power(self):
        """Instants in s, and the watts above idle between them; two idle seconds at the end."""
        return np.array([*self.times, self.t + 2.0]), np.array([*self.above_w, 0.0])

    def _seen(self, i):
        """When the client saw the tokens of a request."""
        sent = np.array([self.first[i], *self.pieces[i]])
        if not self.of.latency_s:
            return sent
        return np.maximum.accumulate(sent + self.latency.exponential(self.of.latency_s, len(sent)))

    def log(self, pieces: bool) -> Requests:
        """What a client saw; with the instants of its answer's pieces, or without."""
        none = np.empty(0, np.int64)
        seen = [self._seen(i) for i in range(self.of.n)]
        first, end = (np.array([each[at] for each in seen]) for at in (0, -1))
        return Requests(
            tuple(f"r{i}" for i in range(self.of.n)),
            *(_ns(each) for each in (self.start, first, end)),
            self.prompt, self.cached, self.output,
            np.full(self.of.n, -1),
            tuple(_ns(each[1:]) if pieces else none for each in seen),
        )  # fmt: skip


def _ns(t_s):
    return T0 + np.rint(np.array(t_s) * 1e9).astype(np.int64)


@dataclass(frozen=True)
class Batching:
    """Clients that send, wait for the answer, think and send again; ``n`` requests in all.

    ``running_w``, ``prefill_j`` and ``decode_j`` are the load of a request, a prompt token and an output
    token; ``power`` turns the load of a step into watts above idle. ``jitter`` is the relative scatter of
    steps' durations, and ``latency_s`` by how much later a client sees a token, in the mean.
    """

    clients: int = 4
    n: int = 1000
    seed: int = 0
    prompt: tuple[int, int] = (10, 4000)
    output: tuple[int, int] = (16, 256)
    think_s: float = 0.5
    cached: float = 0.0
    budget: int = 2048
    idle_w: float = 100.0
    running_w: float = 2.0
    prefill_j: float = 0.02
    decode_j: float = 0.05
    scatter: float = 0.02
    jitter: float = 0.0
    latency_s: float = 0.0
    power: object = linear
    base: Ideal = BASE
    pieces: bool = False

    @cached_property
    def played(self) -> Played:
        """The whole run."""
        found = Played(self)
        while found.step():
            pass
        return found

    @cached_property
    def log(self) -> Requests:
        return self.played.log(self.pieces)

    @property
    def truth_j(self):
        """float64[n]: the energy of each request."""
        return self.played.energy_j

    @cached_property
    def ideal(self) -> Ideal:
        times, above = self.played.power
        joules = np.concatenate(([0.0], np.cumsum((self.idle_w + above) * np.diff(times))))
        wave = Wave("batching", 2000.0, lambda t: np.interp(t, times, joules))
        return replace(self.base, wave=wave, seed=self.seed, n=int(times[-1] * 1e9 / self.base.poll_ns) - 5)

    @cached_property
    def counter(self) -> Counter:
        return Counter(self.ideal.series, self.ideal.channel)

    def shares(self, log: Requests | None = None, u_align_ns: float = 0.0) -> RequestShares:
        counter = self.counter
        of = updates(counter, *counter.span_ns)
        return shares(counter, of, self.log if log is None else log, u_align_ns)
