"""Streams in a batch decode what they decode alone, on whatever row; how a stream begins and ends."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from maatu_tts.engine.parler import decoder as decoder_module
from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.decoder import Decoder
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.stream import Request, Stream

Load = Callable[..., ParlerModel]
EOS, BOS = 1024, 1025
TEXTS = ["Good morning.", "When does the next train to the city leave?", "Yes!", "Thank you for calling."]
VOICES = ["A woman speaks slowly.", "A man.", "A low voice in a quiet room, close to the microphone.", "A clear voice."]


def begin(batch: Batch, model: ParlerModel, row: int, index: int, sampling: Sampling) -> None:
    """Gives a row one of the texts."""
    ids = model.prompt_ids(TEXTS[index])
    attended = model.config.prompt_cross_attention
    batch.begin(row, model.describe(VOICES[index]), sampling, model.attended_prompt(ids) if attended else None)
    if not attended:
        batch.prefill(row, model.embedded_prompt(ids), 0)
    batch.activate(row)


@torch.inference_mode()
def columns(
    model: ParlerModel, order: Sequence[int], steps: int, *, temperature: float = 0.0, context: int = 96
) -> dict[int, Tensor]:
    """The columns of texts that are decoded together, on rows in this order: by text, [steps, codebooks]."""
    batch = Batch(model, CacheSize(len(order), 96, 64), SamplerSettings())
    for row, index in enumerate(order):
        begin(batch, model, row, index, Sampling(steps, temperature=temperature, seed=index))
    brought = []
    for _ in range(steps):
        batch.step(len(order), context, batch.cross_context(len(order)), greedy=temperature == 0)
        brought.append(batch.columns(len(order)))
    return {index: torch.stack([column[row] for column in brought]) for row, index in enumerate(order)}


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("variant", ["endless", "ending", "cross", "grouped-rope"])
def test_columns_are_the_same_alone_and_on_any_row(load: Load, variant: str, precision: str) -> None:
    model = load(variant, precision)
    alone = {index: columns(model, [index], 25)[index] for index in range(4)}
    assert len({str(each.tolist()) for each in alone.values()}) == 4
    for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
        together = columns(model, order, 25)
        assert all(torch.equal(together[index], alone[index]) for index in range(4))


def test_samples_too(load: Load) -> None:
    model = load("endless", "float64")
    alone = {index: columns(model, [index], 25, temperature=1.0)[index] for index in range(4)}
    together = columns(model, [2, 0, 3, 1], 25, temperature=1.0)
    assert all(torch.equal(together[index], alone[index]) for index in range(4))
    greedy = columns(model, [0], 25)[0]
    assert not torch.equal(alone[0], greedy)


def test_the_greedy_step_is_temperature_zero(load: Load) -> None:
    model = load("endless", "float64")
    batch = Batch(model, CacheSize(1, 96, 64), SamplerSettings())
    with torch.inference_mode():
        begin(batch, model, 0, 0, Sampling(25, temperature=0.0))
        brought = []
        for _ in range(25):
            batch.step(1, 96, 64, greedy=False)
            brought.append(batch.columns(1)[0])
    assert torch.equal(torch.stack(brought), columns(model, [0], 25)[0])


@pytest.mark.parametrize("variant", ["endless", "grouped-rope"])
def test_prompts_of_several_lengths_prefilled_together_are_those_prefilled_alone(load: Load, variant: str) -> None:
    model = load(variant, "float64")
    alone = {index: columns(model, [index], 15)[index] for index in range(4)}
    prompts = [model.embedded_prompt(model.prompt_ids(text)) for text in TEXTS]
    assert len({len(prompt) for prompt in prompts}) > 1
    batch = Batch(model, CacheSize(5, 96, 64), SamplerSettings())
    with torch.inference_mode():
        # Two pairs, neither on neighbouring rows; the longer prompt first, then the shorter.
        for rows, indices in (([4, 0], [1, 2]), ([1, 3], [3, 0])):
            for row, index in zip(rows, indices, strict=True):
                batch.begin(row, model.describe(VOICES[index]), Sampling(15, temperature=0.0))
            batch.prefill_together(rows, [prompts[index] for index in indices])
            for row in rows:
                batch.activate(row)
        brought = []
        for _ in range(15):
            batch.step(5, 96, 64, greedy=True)
            brought.append(batch.columns(5))
    for row, index in {4: 1, 0: 2, 1: 3, 3: 0}.items():
        assert torch.equal(torch.stack([column[row] for column in brought]), alone[index]), index


def by_length(queries: Tensor, keys_values: Tensor, lengths: Tensor, context: int) -> Tensor:
    """What the GPU's decode_attention computes, row by row."""
    brought = []
    for query, remembered, length in zip(queries, keys_values, lengths.tolist(), strict=True):
        keys, values = remembered[:, :length].chunk(2)
        attended = functional.scaled_dot_product_attention(query[:, None], keys, values, enable_gqa=True)
        brought.append(attended.flatten())
    return torch.stack(brought)


@pytest.mark.parametrize("variant", ["endless", "grouped-rope", "rope-cross"])
def test_rows_that_read_their_own_lengths_bring_the_same_columns_with_fake_kernel(
    load: Load, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(variant, "float64")
    masked = columns(model, [2, 0, 3, 1], 20)
    monkeypatch.setattr(decoder_module, "decode_attention", by_length)
    monkeypatch.setattr(model.decoder, "by_lengths", True)
    own = columns(model, [2, 0, 3, 1], 20)
    assert all(torch.equal(own[index], masked[index]) for index in masked)


def test_fused_heads_bring_the_same_columns(load: Load) -> None:
    assert torch.equal(columns(load("fused"), [0], 25)[0], columns(load("endless"), [0], 25)[0])


def test_rows_that_are_not_active_change_nothing_and_are_not_changed(load: Load) -> None:
    model = load("endless", "float64")
    expected = columns(model, [0], 12)[0]
    batch = Batch(model, CacheSize(3, 96, 64), SamplerSettings())
    with torch.inference_mode():
        begin(batch, model, 0, 0, Sampling(12, temperature=0.0))
        begin(batch, model, 2, 1, Sampling(12, temperature=0.0))
        batch.release(2)
        before = batch.columns(3)[2]
        brought = []
        for _ in range(12):
            batch.step(3, 96, 64, greedy=True)
            brought.append(batch.columns(3)[0])
            assert torch.equal(batch.columns(3)[2], before)
    assert torch.equal(torch.stack(brought), expected)


def test_a_stream_goes_on_where_it_was_after_its_row_was_lost(load: Load) -> None:
    model = load("ending", "float64")
    expected = columns(model, [0], 40)[0]
    end = expected[:, 0].tolist().index(EOS) + 1
    assert 5 < end < 30
    # Some of the moments are those in which the first codebook has ended and others have not.
    for lost in (1, 5, end, end + 2, end + 4, end + 7, 39):
        batch = Batch(model, CacheSize(2, 96, 64), SamplerSettings())
        with torch.inference_mode():
            begin(batch, model, 0, 0, Sampling(40, temperature=0.0))
            brought = []
            for _ in range(lost):
                batch.step(1, 96, 64, greedy=True)
                brought.append(batch.columns(1)[0])
            progress = batch.progress(0)
            ids = model.prompt_ids(TEXTS[0])
            batch.begin(1, model.describe(VOICES[0]), Sampling(40, temperature=0.0))
            before = torch.stack([torch.full((9,), BOS), *brought[:-1]])
            batch.prefill(1, torch.cat([model.embedded_prompt(ids), batch.embed(before)]), 0)
            batch.resume(1, brought[-1], lost, *progress)
            batch.activate(1)
            batch.release(0)
            for _ in range(40 - lost):
                batch.step(2, 96, 64, greedy=True)
                brought.append(batch.columns(2)[1])
        assert torch.equal(torch.stack(brought), expected), lost


class ScriptedDecoder(nn.Module):
    """Wants given tokens: `script(column, codebook)`, columns counted from 1; its second choice is code 7."""

    def __init__(self, model: ParlerModel, script: Callable[[int, int], int]) -> None:
        super().__init__()
        self.config = model.config.decoder
        self.layers = nn.ModuleList()
        self._script = script
        self._column = 0

    def where(self, *_: object, **__: object) -> None:
        """Needs no cache."""

    def embed(self, tokens: Tensor) -> Tensor:
        return torch.zeros(*tokens.shape[:-1], self.config.hidden)

    def forward(self, inputs: Tensor, *_: object) -> Tensor:
        return inputs

    def scores(self, hidden: Tensor) -> Tensor:
        self._column += 1
        scores = torch.zeros(len(hidden), self.config.codebooks, self.config.vocabulary)
        scores[..., 7] = 1.0
        for book in range(self.config.codebooks):
            scores[:, book, self._script(self._column, book)] = 2.0
        return scores


def scripted(model: ParlerModel, script: Callable[[int, int], int], sampling: Sampling) -> tuple[Stream, list[Any]]:
    """A stream that decodes a script to its end, and its columns."""
    fake = replace(model, decoder=cast(Decoder, ScriptedDecoder(model, script)))
    batch = Batch(fake, CacheSize(1, 96, 64), SamplerSettings())
    voice = model.describe("A voice.")
    stream = Stream(Request([], voice, sampling), lambda _: None, 9, 0.0116)
    with torch.inference_mode():
        batch.begin(0, voice, sampling)
        batch.activate(0)
        while not stream.ended:
            batch.step(1, 96, 64, greedy=True)
            stream.add(batch.columns(1)[0].numpy(), EOS)
    return stream, stream.columns.tolist()


def code(column: int, book: int) -> int:
    """A code that says where it stands."""
    return 100 * book + column


def test_codebooks_are_delayed_by_their_number_with_fake_scores(load: Load) -> None:
    stream, brought = scripted(load("endless"), code, Sampling(max_frames=6, temperature=0.0))
    assert len(brought) == 6 + 8
    for book in range(9):
        column = [tokens[book] for tokens in brought]
        assert column[:book] == [BOS] * book
        assert column[book : book + 6] == [100 * book + book + 1 + frame for frame in range(6)]
        assert column[book + 6 :] == [EOS] * (8 - book)
    assert stream.codes.tolist() == [[100 * book + book + 1 + frame for frame in range(6)] for book in range(9)]


def test_the_first_codebooks_end_sets_the_length_with_fake_scores(load: Load) -> None:
    stream, brought = scripted(
        load("endless"), lambda column, book: EOS if column - book >= 6 else 5, Sampling(40, temperature=0.0)
    )
    assert stream.frames == 5
    assert np.array_equal(stream.codes, np.full((9, 5), 5))
    assert len(brought) == 5 + 8


def test_nothing_ends_before_the_first_codebook_with_fake_scores(load: Load) -> None:
    # All of the others want to end at once.
    stream, brought = scripted(
        load("endless"),
        lambda column, book: EOS if book > 0 or column == 12 else 5,
        Sampling(max_frames=40, temperature=0.0),
    )
    assert stream.frames == 11
    for book in range(9):
        column = [tokens[book] for tokens in brought]
        # Until it may end, a codebook emits its second choice. It may a step after the one before it has.
        end = 11 + book
        assert column == [BOS] * book + [7 if book else 5] * (end - book) + [EOS] * (len(brought) - end), book


@pytest.mark.parametrize("least", [1, 4, 10])
def test_nothing_ends_before_its_least_column_with_fake_scores(load: Load, least: int) -> None:
    stream, brought = scripted(load("endless"), lambda *_: EOS, Sampling(40, min_columns=least, temperature=0.0))
    assert stream.frames == least
    assert [tokens[0] for tokens in brought[: least + 1]] == [7] * least + [EOS]


def test_the_limit_wins_over_the_least_column_with_fake_scores(load: Load) -> None:
    stream, _ = scripted(load("endless"), code, Sampling(3, min_columns=20, temperature=0.0))
    assert stream.frames == 3


def test_a_stream_may_have_no_frames_with_fake_scores(load: Load) -> None:
    stream, brought = scripted(load("endless"), lambda *_: EOS, Sampling(40, temperature=0.0))
    assert (stream.frames, len(brought)) == (0, 1)
    assert stream.codes.shape == (9, 0)
    stream, brought = scripted(load("endless"), code, Sampling(max_frames=0, temperature=0.0))
    assert (stream.frames, len(brought)) == (0, 0)


def test_ids_that_mean_nothing_are_never_chosen_with_fake_scores(load: Load) -> None:
    stream, brought = scripted(load("endless"), lambda *_: 1026, Sampling(4, temperature=0.0))
    assert set(stream.codes.flatten().tolist()) == {7}
    assert {token for tokens in brought for token in tokens} == {7, BOS, EOS}
