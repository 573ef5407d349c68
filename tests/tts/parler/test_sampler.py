"""Tokens are drawn as their probabilities say, and depend on nothing but scores, seed and column."""

import math

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.parler.sampler import SamplerSettings, allowed, choose

NOTHING = -torch.inf
ALL = SamplerSettings(top_k=0)


def some_scores(batch: int = 1, books: int = 9, vocabulary: int = 1088, seed: int = 0) -> Tensor:
    return 4 * torch.randn(batch, books, vocabulary, generator=torch.Generator().manual_seed(seed))


def draw(
    scores: Tensor, temperature: float, seeds: list[int], settings: SamplerSettings = ALL, column: int = 5
) -> Tensor:
    """Each row drawn with its own seed; one row of scores stands for all."""
    rows = len(seeds)
    return choose(
        scores.expand(rows, -1, -1),
        torch.full((rows,), temperature),
        torch.tensor(seeds),
        torch.full((rows,), column),
        settings,
    )


def test_temperature_zero_takes_the_likeliest_whatever_the_seed() -> None:
    scores = some_scores(batch=4)
    settings = SamplerSettings(top_k=50, top_p=0.9)
    assert torch.equal(draw(scores, 0.0, [1, 2, 3, 4], settings), scores.argmax(dim=-1))
    greedy = choose(scores, torch.zeros(4), torch.zeros(4).long(), torch.zeros(4).long(), ALL, greedy=True)
    assert torch.equal(greedy, scores.argmax(dim=-1))


def test_rows_have_their_own_temperatures() -> None:
    scores = some_scores().expand(3, -1, -1)
    temperature = torch.tensor([0.0, 1.0, 0.0])
    chosen = choose(scores, temperature, torch.tensor([7, 7, 7]), torch.tensor([5, 5, 5]), ALL)
    assert torch.equal(chosen[0], scores[0].argmax(dim=-1))
    assert torch.equal(chosen[2], chosen[0])
    assert torch.equal(chosen[1], draw(some_scores(), 1.0, [7])[0])
    assert not torch.equal(chosen[1], chosen[0])


def test_the_same_seed_draws_the_same_on_any_row_of_any_batch() -> None:
    scores = some_scores(batch=5)
    seeds = [3, 1 << 40, -1, 0, 99]
    together = draw(scores, 0.8, seeds)
    for row, seed in enumerate(seeds):
        assert torch.equal(draw(scores[row], 0.8, [seed])[0], together[row])
    order = [4, 2, 0, 3, 1]
    assert torch.equal(draw(scores[order], 0.8, [seeds[row] for row in order]), together[order])


def test_every_bit_of_the_seed_counts() -> None:
    seeds = [0, -1, *(1 << bit for bit in range(63)), -(1 << 63)]
    drawn = draw(some_scores(vocabulary=512) / 100, 1.0, seeds)
    assert len({tuple(row) for row in drawn.tolist()}) == len(seeds) == 66


def test_every_column_and_codebook_draws_anew() -> None:
    flat = torch.zeros(1, 9, 1024)
    drawn = torch.stack([draw(flat, 1.0, [7], column=column)[0] for column in range(1, 50)])
    assert len({tuple(row) for row in drawn.tolist()}) == 49
    assert len({tuple(row) for row in drawn.T.tolist()}) == 9
    # Draws of one range with replacement repeat about as often as birthdays do.
    assert len(set(drawn.flatten().tolist())) == pytest.approx(1024 * (1 - math.exp(-9 * 49 / 1024)), rel=0.1)


def test_only_the_likeliest_one_is_greedy() -> None:
    scores = some_scores(batch=3)
    assert torch.equal(draw(scores, 2.0, [1, 2, 3], SamplerSettings(top_k=1)), scores.argmax(dim=-1))
    # A probability that is always reached by the likeliest alone.
    assert torch.equal(draw(scores, 2.0, [1, 2, 3], SamplerSettings(top_k=0, top_p=1e-9)), scores.argmax(dim=-1))


def test_never_outside_the_k_likeliest() -> None:
    scores = some_scores() / 8
    drawn = draw(scores, 1.5, list(range(2_000)), SamplerSettings(top_k=5))
    for book in range(9):
        assert set(drawn[:, book].tolist()) == set(scores[0, book].topk(5).indices.tolist())


def test_never_outside_the_likeliest_that_reach_p() -> None:
    probabilities = torch.tensor([0.05, 0.4, 0.01, 0.3, 0.04, 0.2])
    scores = probabilities.log()[None, None]
    expected = {0.3: {1}, 0.45: {1, 3}, 0.75: {1, 3, 5}, 0.92: {0, 1, 3, 5}}
    for top_p, ids in expected.items():
        drawn = draw(scores, 1.0, list(range(2_000)), SamplerSettings(top_k=0, top_p=top_p))
        assert set(drawn.flatten().tolist()) == ids, top_p


def test_k_may_be_more_than_there_are() -> None:
    scores = some_scores(vocabulary=20)
    everything = draw(scores, 1.0, [1, 2, 3])
    assert torch.equal(draw(scores, 1.0, [1, 2, 3], SamplerSettings(top_k=20)), everything)
    assert torch.equal(draw(scores, 1.0, [1, 2, 3], SamplerSettings(top_k=5_000)), everything)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("settings", [ALL, SamplerSettings(top_k=8), SamplerSettings(top_k=0, top_p=0.8)])
def test_frequencies_are_the_probabilities(settings: SamplerSettings, temperature: float) -> None:
    scores = some_scores(vocabulary=12, seed=3) / 4
    draws = 8_000
    drawn = draw(scores, temperature, list(range(draws)), settings)
    for book in range(9):
        probabilities = (scores[0, book] / temperature).softmax(dim=0)
        ordered, ids = probabilities.sort(descending=True)
        kept = torch.ones(12, dtype=torch.bool)
        if settings.top_k:
            kept[settings.top_k :] = False
        kept &= ordered.cumsum(0) - ordered < settings.top_p
        expected = torch.zeros(12)
        expected[ids[kept]] = ordered[kept] / ordered[kept].sum() * draws
        counts = torch.bincount(drawn[:, book], minlength=12)
        assert not counts[expected == 0].any()
        fits = expected > 0
        chi_square = float(((counts - expected) ** 2 / expected)[fits].sum())
        # The sum of n squares is above n + 5 √(2n) once in 10,000 times; the seeds are fixed.
        freedom = int(fits.sum()) - 1
        assert chi_square <= freedom + 5 * math.sqrt(2 * freedom), (book, chi_square)


def test_neighbouring_columns_and_codebooks_are_independent() -> None:
    flat = torch.zeros(1, 2, 16)
    draws = [draw(flat, 1.0, list(range(8_000)), column=column) for column in (1, 2)]
    for first, second in ((draws[0][:, 0], draws[1][:, 0]), (draws[0][:, 0], draws[0][:, 1])):
        pairs = torch.bincount(first * 16 + second, minlength=256)
        chi_square = float(((pairs - 8_000 / 256) ** 2 / (8_000 / 256)).sum())
        assert chi_square <= 255 + 5 * math.sqrt(2 * 255)


def test_forbidden_ids_never_come() -> None:
    able = allowed(1024, 1024, 1088, torch.device("cpu"))
    assert able.nonzero().flatten().tolist() == list(range(1025))
    # All that is left is unlikely; k is larger than what is left.
    scores = torch.full((1, 9, 1088), 50.0)
    scores[..., :4] = 0.0
    scores[..., 4:1024] = NOTHING
    drawn = draw(scores.masked_fill(~able, NOTHING), 1.0, list(range(200)), SamplerSettings(top_k=2_000))
    assert set(drawn.flatten().tolist()) == {1024}
    scores[..., 1024] = NOTHING
    for settings in (SamplerSettings(top_k=2_000), SamplerSettings(top_k=50, top_p=0.99), ALL):
        drawn = draw(scores.masked_fill(~able, NOTHING), 1.0, list(range(200)), settings)
        assert set(drawn.flatten().tolist()) == {0, 1, 2, 3}


@pytest.mark.parametrize(("seed", "token"), [(4_246_514_932, 5), (2_982_849_112, 1_030), (2_738_658_098, 5)])
def test_the_ends_of_the_random_numbers_are_no_exceptions(seed: int, token: int) -> None:
    # Found by running the hash backwards: its state is all ones for the first two, all zeros for the third. Were the number
    # rounded to 1, the noise would be infinite, and a forbidden token's score no number: both would win.
    scores = torch.zeros(1, 1, 1088)
    scores[..., 1025:] = NOTHING
    scores[..., 5] = NOTHING
    assert draw(scores, 1.0, [seed], column=1).item() not in (5, *range(1025, 1088))
    scores[..., token] = -40.0
    assert draw(scores, 1.0, [seed], column=1).item() != token


def test_scores_of_reduced_precision_are_drawn_from_in_float32() -> None:
    scores = some_scores(vocabulary=64)
    halves = draw(scores.bfloat16(), 0.7, list(range(100)))
    assert torch.equal(halves, draw(scores.bfloat16().float(), 0.7, list(range(100))))
