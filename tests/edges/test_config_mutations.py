"""Whatever a file says, it is accepted or its mistakes are told, at places that it has; nothing else comes out."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.edges.config_mutations import PIECES, SEEDS, SPOILT, Spoil, judge, problems_of, spoil

FOUND = sorted((Path(__file__).parents[1] / "fuzz" / "found").glob("*.yaml"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "config.yaml"


@pytest.mark.parametrize("kind", SPOILT, ids=lambda kind: kind.__name__)
@settings(max_examples=60)
@given(seed=st.sampled_from(SEEDS), random=st.randoms(use_true_random=False))
def test_each_kind_of_accident_is_accepted_or_explained(file: Path, kind: Spoil, seed: str, random: Random) -> None:
    judge(file, kind(random, seed).encode(errors="surrogateescape"))


@settings(max_examples=200)
@given(seed=st.sampled_from(SEEDS), random=st.randoms(use_true_random=False), times=st.integers(2, 6))
def test_several_accidents_are_accepted_or_explained(file: Path, seed: str, random: Random, times: int) -> None:
    judge(file, spoil(random, seed, times))


@settings(max_examples=100)
@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@example(text="http://[::1@")  # a password, by its shape
def test_any_row_of_pieces_is_accepted_or_explained(file: Path, text: str) -> None:
    judge(file, text.encode())


@settings(max_examples=50)
@given(raw=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_any_bytes_are_explained(file: Path, raw: bytes) -> None:
    judge(file, raw)


@pytest.mark.parametrize("found", FOUND, ids=lambda found: found.stem)
def test_what_the_fuzzer_found_is_explained_now(file: Path, found: Path) -> None:
    judge(file, found.read_bytes())


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_spoilt_was_sound_but_for_its_quotes(file: Path, seed: str) -> None:
    assert {problem.code for problem in problems_of(file, seed.encode())} <= {"cron-unquoted"}
