"""What the fuzz found, each fixed, and its seeds: all must be read or refused as they should be."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.fuzz_checkpoints import KINDS, execute, make_folder, mutate, seeds

CASES = sorted((Path(__file__).parent / "cases").glob("*.bin"))


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    made = make_folder()
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_finding_stays_fixed(case: Path, folder: Path) -> None:
    execute(case.read_bytes(), folder)


def test_the_seeds_are_of_every_kind_and_run(folder: Path) -> None:
    found = seeds()
    assert {seed[0] for seed in found} == set(range(len(KINDS)))
    for seed in found:
        execute(seed, folder)


def test_mutated_seeds_run(folder: Path) -> None:
    """A few of the fuzz's steps with Python's own chance, for machines without atheris."""
    chance = random.Random(3)

    def flip(body: bytes, _: int) -> bytes:
        changed = bytearray(body)
        for _ in range(min(3, len(changed))):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
        return bytes(changed)

    for number, seed in enumerate(seeds()):
        execute(mutate(seed, 8192, number, flip), folder)
