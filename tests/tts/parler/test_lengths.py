"""How much of the cache rows read, where each reads its own length."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.parler import decoder as decoder_module
from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.sampler import SamplerSettings

Load = Callable[..., ParlerModel]
TEXTS = ["Good morning.", "When does the next train to the city leave?", "Yes!"]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, load: Load) -> list[list[int]]:
    """The lengths that every call of a fake kernel is told, descriptions' among them."""
    told: list[list[int]] = []

    def kernel(queries: Tensor, keys_values: Tensor, lengths: Tensor, context: int) -> Tensor:
        told.append(lengths.tolist())
        return queries.flatten(1)

    monkeypatch.setattr(decoder_module, "decode_attention", kernel)
    monkeypatch.setattr(load("one-layer").decoder, "by_lengths", True)
    return told


@pytest.fixture
def batch(load: Load, read: list[list[int]]) -> Batch:
    """Three rows with prompts of several lengths; what prefilling them read is forgotten."""
    model = load("one-layer")
    made = Batch(model, CacheSize(3, 96, 64), SamplerSettings())
    with torch.inference_mode():
        for row, text in enumerate(TEXTS):
            made.begin(row, model.describe("A voice."), Sampling(25))
            made.prefill(row, model.embedded_prompt(model.prompt_ids(text)), 0)
            made.activate(row)
    read.clear()
    return made


def step(batch: Batch, read: list[list[int]]) -> list[int]:
    """What a step of all rows reads."""
    read.clear()
    with torch.inference_mode():
        batch.step(3, 96, 64, greedy=True)
    own, _ = read
    return own


def test_a_row_that_was_left_is_read_no_further_than_its_start_with_fake_kernel(
    load: Load, batch: Batch, read: list[list[int]]
) -> None:
    prompts = [len(load("one-layer").prompt_ids(text)) for text in TEXTS]
    assert step(batch, read) == [length + 1 for length in prompts]
    batch.release(2)
    # A graph of four rows computes it though three are in use.
    assert step(batch, read) == [prompts[0] + 2, prompts[1] + 2, 1]


def test_rows_are_placed_to_measure_a_step_with_fake_kernel(batch: Batch, read: list[list[int]]) -> None:
    for row in range(3):
        batch.release(row)
    for rows, context, expected in ((2, 96, [96, 96, 1]), (3, 64, [64, 64, 64]), (1, 10, [10, 1, 1])):
        batch.place(rows, context - 1)
        # Rows that are not active stay where they are, however often a step is measured.
        assert [step(batch, read) for _ in range(3)] == [expected] * 3
