"""Fuzzes one target with atheris: python tests/fuzz TARGET SECONDS CORPUS. The corpus grows and is kept."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[0] = str(Path(__file__).resolve().parent.parent)  # where the tests' own modules are

with atheris.instrument_imports(include=["microjoule"]):
    from fuzz.targets import TARGETS, seeds

MEMORY_MB, ONE_S, BYTES = 3000, 60, 20_000  # what one input may take


def main(name: str, for_s: int, corpus: Path) -> None:
    """Fuzzes until the time is over or something broke; then the input is in the current folder."""
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds(name)):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-rss_limit_mb={MEMORY_MB}", f"-timeout={ONE_S}", f"-max_len={BYTES}"]
    with tempfile.TemporaryDirectory(prefix="uj-fuzz-") as folder:
        words = [sys.argv[0], str(corpus), f"-max_total_time={for_s}", *limits]
        atheris.Setup(words, lambda data: TARGETS[name](data, Path(folder)))
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
