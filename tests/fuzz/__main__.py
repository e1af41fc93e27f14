"""Feed the reader of config.yaml spoilt files, led by the code they reach, until the time is over.

    python -m tests.fuzz --seconds 600

libFuzzer keeps each file that reaches new code in `.fuzz/corpus` and goes on from there, also the next time. A file
that breaks the reader, or takes it longer than `--slowest` seconds, ends the search and lies in `.fuzz/`: give it a
name that says what it is, and put it into `tests/fuzz/found/`, where the tests look at it for ever.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["scheduler.config", "scheduler.core"]):
    from tests.edges.config_mutations import SEEDS, judge, spoil

HOME = Path(".fuzz")
LONGEST = 8192  # bytes of a file; it need not be long to be wrong


def main() -> None:
    """Fuzz until the budget is spent; the exit code is libFuzzer's."""
    options = _options()
    corpus = HOME / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS):
        (corpus / f"seed-{number}").write_bytes(seed.encode())
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        file = Path(folder) / "config.yaml"
        budget = [f"-max_total_time={options.seconds}", f"-timeout={options.slowest}", f"-max_len={LONGEST}"]
        where = [f"-artifact_prefix={HOME}/", str(corpus)]
        atheris.Setup([sys.argv[0], *budget, *where], lambda raw: judge(file, raw), custom_mutator=_mutate)
        atheris.Fuzz()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Look for files that break the reader of config.yaml")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--slowest", type=int, default=5)
    return parser.parse_args()


def _memory() -> str | None:
    """A folder whose files are no work for a disk."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a fresh folder in it


def _mutate(raw: bytes, longest: int, seed: int) -> bytes:
    """Every other time an accident of ours, else libFuzzer's own."""
    random = Random(seed)  # noqa: S311 - a game, no secret
    if random.random() < 0.5:
        return atheris.Mutate(raw, longest)
    return spoil(random, raw.decode(errors="surrogateescape"), random.randint(1, 3))[:longest]


if __name__ == "__main__":
    main()
