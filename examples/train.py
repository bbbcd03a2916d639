"""A small real training run: a two-layer network learns a spiral, with a window for each epoch.

    uj run -- python examples/train.py [SECONDS]

The windows do nothing when nobody measures, so they can stay in the program.
"""

from __future__ import annotations

import sys
import time

import numpy as np

import microjoule as uj

CLASSES, HIDDEN, POINTS = 5, 256, 4000
EPOCHS = 10


def spiral(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points on interleaved spiral arms, and which arm each is on."""
    arm = rng.integers(CLASSES, size=POINTS)
    radius = rng.random(POINTS)
    angle = 2 * np.pi * (arm / CLASSES + radius) + rng.normal(0, 0.1, POINTS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), arm


def train(seconds: float) -> float:
    """Trains for about so long; gives the share of points that it then puts on the right arm."""
    rng = np.random.default_rng(1)
    x, arm = spiral(rng)
    wanted = np.eye(CLASSES)[arm]
    w1, b1 = rng.normal(0, 1, (2, HIDDEN)), np.zeros(HIDDEN)
    w2, b2 = rng.normal(0, 0.1, (HIDDEN, CLASSES)), np.zeros(CLASSES)
    accuracy = 0.0
    for epoch in range(EPOCHS):
        with uj.window("epoch", number=epoch):
            end = time.monotonic() + seconds / EPOCHS
            while time.monotonic() < end:
                hidden = np.maximum(x @ w1 + b1, 0)
                score = hidden @ w2 + b2
                odds = np.exp(score - score.max(axis=1, keepdims=True))
                odds /= odds.sum(axis=1, keepdims=True)
                step = (odds - wanted) / POINTS
                back = (step @ w2.T) * (hidden > 0)
                w2 -= hidden.T @ step
                b2 -= step.sum(axis=0)
                w1 -= x.T @ back
                b1 -= back.sum(axis=0)
            accuracy = float((score.argmax(axis=1) == arm).mean())
        print(f"epoch {epoch}: {accuracy:.1%} right")
    return accuracy


if __name__ == "__main__":
    train(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
