"""The decoder computes what its formulas say, whatever the cache, the row and the neighbours."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from maatu_tts.engine.parler.cache import CacheSize, KeyValueCache
from maatu_tts.engine.parler.loader import ParlerModel

Load = Callable[..., ParlerModel]
SIZE = CacheSize(rows=4, positions=128, cross_positions=32)


class Rows:
    """A cache for the decoder of a model, and passes over it."""

    def __init__(self, model: ParlerModel) -> None:
        self.decoder = model.decoder
        self.cache = KeyValueCache(model.config.decoder, SIZE, model.activations, model.device)

    def describe(self, row: int, states: Tensor) -> None:
        """Gives a row its description."""
        self.cache.set_cross(row, self.decoder.cross_keys_values(states))

    def run(self, row: int, inputs: Tensor, start: int = 0, context: int | None = None) -> Tensor:
        """One pass over inputs [length, hidden] of one row; [length, hidden]."""
        rows, stop = torch.tensor([row]), start + len(inputs)
        lengths = self.cache.cross_lengths[rows]
        positions = torch.arange(start, stop)[None]
        where = self.decoder.where(slice(row, row + 1), rows, positions, context or stop, lengths, int(lengths))
        hidden: Tensor = self.decoder(inputs[None], self.cache, where)[0]
        return hidden

    def step(self, rows: Tensor, inputs: Tensor, starts: Tensor, context: int) -> Tensor:
        """One input [batch, hidden] of several rows, at different positions; [batch, hidden]."""
        lengths = self.cache.cross_lengths[rows]
        where = self.decoder.where(rows, rows, starts[:, None], context, lengths, SIZE.cross_positions)
        hidden: Tensor = self.decoder(inputs[:, None], self.cache, where)[:, 0]
        return hidden


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def same(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, atol=1e-10, rtol=0)


def formulas(model: ParlerModel, directory: Path, inputs: Tensor, states: Tensor) -> Tensor:
    """The transformer without a cache, head by head, from the stored tensors; inputs [length, 64], states [length, 64]."""
    config = model.config.decoder
    stored = {name: tensor.double() for name, tensor in load_file(directory / "model.safetensors").items()}
    root = "decoder.model.decoder"
    time, size = len(inputs), config.head_size
    causal = torch.ones(time, time).tril().bool()

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(
            x, (config.hidden,), stored[f"{root}.{name}.weight"], stored[f"{root}.{name}.bias"]
        )

    def turned(x: Tensor) -> Tensor:
        """Pairs of channels as complex numbers, turned by an angle that grows with the position."""
        if not config.rope:
            return x
        rates = config.rope_theta ** -(torch.arange(size // 2).double() * 2 / size)
        turn = torch.polar(torch.ones(1).double(), torch.arange(len(x)).double()[:, None] * rates)
        pairs = torch.complex(x[:, : size // 2], x[:, size // 2 :]) * turn
        return torch.cat([pairs.real, pairs.imag], dim=1)

    def attend(x: Tensor, seen: Tensor, name: str, groups: int, mask: Tensor | None) -> Tensor:
        queries, keys, values = (
            torch.split(rows @ stored[f"{root}.{name}.{letter}_proj.weight"].T, size, dim=1)
            for rows, letter in ((x, "q"), (seen, "k"), (seen, "v"))
        )
        outputs = []
        for head, query in enumerate(queries):
            group = head * groups // config.heads
            key = keys[group] if mask is None else turned(keys[group])
            scores = turned(query) @ key.T / size**0.5
            scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
            outputs.append(scores.softmax(dim=1) @ values[group])
        return torch.cat(outputs, dim=1) @ stored[f"{root}.{name}.out_proj.weight"].T

    x = inputs if config.rope else inputs + stored[f"{root}.embed_positions.weights"][:time]
    for number in range(config.layers):
        layer = f"layers.{number}"
        y = norm(x, f"{layer}.self_attn_layer_norm")
        x = x + attend(y, y, f"{layer}.self_attn", config.key_value_heads, causal)
        y = norm(x, f"{layer}.encoder_attn_layer_norm")
        x = x + attend(y, states, f"{layer}.encoder_attn", config.cross_key_value_heads, None)
        y = norm(x, f"{layer}.final_layer_norm")
        y = functional.gelu(y @ stored[f"{root}.{layer}.fc1.weight"].T)
        x = x + y @ stored[f"{root}.{layer}.fc2.weight"].T
    return norm(x, "layer_norm")


@pytest.mark.parametrize("variant", ["endless", "rope", "grouped", "grouped-rope"])
def test_it_is_what_the_formulas_say(load: Load, checkpoint: Callable[[str], Path], variant: str) -> None:
    model = load(variant, "float64")
    inputs, states = noise(20, 64), noise(7, 64, seed=1)
    rows = Rows(model)
    rows.describe(2, states)
    # Rotations are computed in float32, as they were in training.
    tolerance = 1e-4 if model.config.decoder.rope else 1e-10
    expected = formulas(model, checkpoint(variant), inputs, states)
    torch.testing.assert_close(rows.run(2, inputs), expected, atol=tolerance, rtol=0)


@pytest.mark.parametrize("variant", ["endless", "grouped-rope"])
@pytest.mark.parametrize("chunks", [[1] * 20, [7, 13], [16, 4], [19, 1]])
def test_in_chunks_is_at_once(load: Load, variant: str, chunks: list[int]) -> None:
    model = load(variant, "float64")
    inputs, states = noise(20, 64), noise(7, 64, seed=1)
    rows = Rows(model)
    for row in (0, 3):
        rows.describe(row, states)
    whole = rows.run(0, inputs)
    start, parts = 0, []
    for chunk in torch.split(inputs, chunks):
        parts.append(rows.run(3, chunk, start))
        start += len(chunk)
    same(torch.cat(parts), whole)
    for layer in rows.cache.layers:
        for stored, expected in zip(*(layer.read(slice(row, row + 1), 20) for row in (3, 0)), strict=True):
            same(stored, expected)


@pytest.mark.parametrize("variant", ["endless", "grouped-rope"])
def test_the_context_may_be_longer_than_needed_and_hold_anything(load: Load, variant: str) -> None:
    model = load(variant, "float64")
    rows = Rows(model)
    rows.describe(1, noise(7, 64, seed=1))
    inputs = noise(20, 64)
    expected = rows.run(1, inputs)
    heads, beyond = 2 * model.config.decoder.key_value_heads, torch.arange(20, SIZE.positions)[None]
    for layer in rows.cache.layers:
        left_over = 1e3 * noise(1, beyond.shape[1], heads, 16)
        layer.write(torch.tensor([[1]]), beyond, left_over)
    for context in (21, 64, SIZE.positions):
        same(rows.run(1, inputs, context=context), expected)


@pytest.mark.parametrize("variant", ["endless", "grouped-rope"])
def test_rows_at_different_positions_do_not_see_each_other(load: Load, variant: str) -> None:
    model = load(variant, "float64")
    lengths = [3, 40, 11, 1]
    texts = [noise(length + 1, 64, seed=length) for length in lengths]
    descriptions = [noise(length, 64, seed=length) for length in (5, 1, 30, 12)]
    alone = []
    for text, description in zip(texts, descriptions, strict=True):
        rows = Rows(model)
        rows.describe(1, description)
        alone.append(rows.run(1, text)[-1])
    together = Rows(model)
    order = [2, 0, 3, 1]
    for row, index in enumerate(order):
        together.describe(row, descriptions[index])
        together.run(row, texts[index][:-1])
    hidden = together.step(
        torch.arange(4),
        torch.stack([texts[index][-1] for index in order]),
        torch.tensor([lengths[index] for index in order]),
        context=64,
    )
    same(hidden, torch.stack([alone[index] for index in order]))


def test_a_row_that_moves_takes_all_with_it(load: Load) -> None:
    rows = Rows(load("grouped", "float64"))
    rows.describe(0, noise(30, 64, seed=3))
    rows.run(0, noise(50, 64, seed=4))
    inputs = noise(21, 64)
    rows.describe(3, noise(7, 64, seed=1))
    rows.run(3, inputs[:20])
    rows.cache.move(3, 0, length=20, cross_length=7)
    same(rows.run(0, inputs[20:], start=20), rows.run(3, inputs[20:], start=20))


def test_fused_heads_score_as_separate_ones(load: Load) -> None:
    hidden = noise(5, 64)
    fused, separate = load("fused", "float64").decoder, load("endless", "float64").decoder
    assert fused.scores(hidden).shape == (5, 9, 1088)
    assert torch.equal(fused.scores(hidden), separate.scores(hidden))


def test_scores_are_each_codebooks_own(load: Load, checkpoint: Callable[[str], Path]) -> None:
    stored = load_file(checkpoint("endless") / "model.safetensors")
    hidden = noise(5, 64)
    scores = load("endless", "float64").decoder.scores(hidden)
    for book in range(9):
        same(scores[:, book], hidden @ stored[f"decoder.lm_heads.{book}.weight"].double().T)


def test_a_column_is_embedded_as_the_sum_of_its_codebooks(load: Load, checkpoint: Callable[[str], Path]) -> None:
    stored = load_file(checkpoint("endless") / "model.safetensors")
    columns = torch.tensor([[book * 100 for book in range(9)], [1025] * 9, [1024 - book for book in range(9)]])
    tables = [stored[f"decoder.model.decoder.embed_tokens.{book}.weight"].double() for book in range(9)]
    expected = sum(table[columns[:, book]] for book, table in enumerate(tables))
    assert isinstance(expected, Tensor)
    same(load("endless", "float64").decoder.embed(columns), expected)


@pytest.mark.parametrize("variant", ["cross", "rope-cross"])
def test_a_cross_attended_prompt_continues_the_description(
    load: Load, checkpoint: Callable[[str], Path], variant: str
) -> None:
    model = load(variant, "float64")
    voice, ids = model.describe("A low voice."), model.prompt_ids("Good morning")
    stored = load_file(checkpoint(variant) / "model.safetensors")
    prompt = stored["embed_prompts.weight"][ids].double() + stored["embed_positions.weights"][: len(ids)].double()
    rows = Rows(model)
    rows.cache.set_cross(0, torch.cat([voice.keys_values, model.attended_prompt(ids)], dim=2))
    rows.describe(1, torch.cat([voice.states, prompt]))
    inputs = noise(10, 64)
    same(rows.run(0, inputs), rows.run(1, inputs))
    rows.describe(1, voice.states)
    assert not torch.allclose(rows.run(0, inputs), rows.run(1, inputs))


def test_states_of_another_width_are_projected(load: Load, checkpoint: Callable[[str], Path]) -> None:
    model = load("projected", "float64")
    ids = torch.tensor(model.description_ids("A low voice."))
    stored = load_file(checkpoint("projected") / "model.safetensors")
    states = model.text_encoder.encoder(input_ids=ids[None]).last_hidden_state[0]
    assert states.shape == (len(ids), 48)
    expected = states @ stored["enc_to_dec_proj.weight"].double().T + stored["enc_to_dec_proj.bias"].double()
    same(model.describe("A low voice.").states, expected)
