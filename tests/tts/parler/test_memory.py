"""The cache is as large as its budget allows, and takes what it says."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from maatu_runtime.errors import ConfigurationError
from maatu_tts.engine.parler.cache import CacheSize, KeyValueCache
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.memory import cache_size

Load = Callable[..., ParlerModel]
GIB = 2**30


@pytest.mark.parametrize("variant", ["endless", "grouped"])
def test_a_size_says_the_bytes_of_its_cache(load: Load, variant: str) -> None:
    model = load(variant)
    size = CacheSize(rows=3, positions=50, cross_positions=20)
    before = _tensors(KeyValueCache(model.config.decoder, size, model.activations, model.device))
    assert size.bytes(model.config.decoder, model.activations) == before
    assert size.bytes(model.config.decoder, torch.bfloat16) == before // 2


def _tensors(cache: KeyValueCache) -> int:
    tensors = [each for each in vars(cache).values() if isinstance(each, torch.Tensor) and each.is_floating_point()]
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


def test_slots_that_are_asked_for_are_taken(load: Load) -> None:
    size = cache_size(load("endless"), slots=5, budget_gib=0.0, positions=128, cross_positions=32)
    assert size == CacheSize(5, 128, 32)


def test_lengths_are_rounded_up_to_what_kernels_take(load: Load) -> None:
    size = cache_size(load("endless"), slots=5, budget_gib=0.0, positions=129, cross_positions=1)
    assert size == CacheSize(5, 192, 16)


def test_a_budget_holds_as_many_as_fit(load: Load) -> None:
    model = load("endless")
    each = CacheSize(1, 128, 32).bytes(model.config.decoder, model.activations)
    for budget, rows in ((each, 1), (1.99 * each, 1), (2 * each, 2), (7.5 * each, 7)):
        size = cache_size(model, slots=0, budget_gib=budget / GIB, positions=128, cross_positions=32)
        assert size == CacheSize(rows, 128, 32)


def test_halves_fit_twice(load: Load) -> None:
    sizes = [
        cache_size(load("endless", precision), slots=0, budget_gib=0.005, positions=192, cross_positions=32).rows
        for precision in ("float64", "float32", "bfloat16")
    ]
    assert sizes[1] in (2 * sizes[0], 2 * sizes[0] + 1)
    assert sizes[2] in (2 * sizes[1], 2 * sizes[1] + 1)


def test_without_a_budget_there_are_no_more_slots_than_are_of_use(load: Load) -> None:
    assert cache_size(load("endless"), slots=0, budget_gib=0.0, positions=128, cross_positions=32).rows == 256


def test_a_gpu_gives_most_of_what_is_free_with_fake_memory(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load("endless")
    each = CacheSize(1, 128, 32).bytes(model.config.decoder, model.activations)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (10 * each, 99 * each))
    on_gpu = replace(model, device=torch.device("cuda"))
    assert cache_size(on_gpu, slots=0, budget_gib=0.0, positions=128, cross_positions=32).rows == 8
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (each, 99 * each))
    with pytest.raises(ConfigurationError, match="hold no slot"):
        cache_size(on_gpu, slots=0, budget_gib=0.0, positions=128, cross_positions=32)


def test_a_budget_that_holds_none_is_refused_and_says_what_to_set(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        cache_size(load("endless"), slots=0, budget_gib=0.00001, positions=1_000, cross_positions=100)
    assert "MAATU_TTS_PARLER_MEMORY_GIB" in str(caught.value)
    assert "MAATU_TTS_PARLER_LONGEST_S" in str(caught.value)
