"""How many slots the memory holds."""

import torch

from maatu_runtime.errors import ConfigurationError
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel

_MOST_SLOTS = 256
_CPU_BUDGET_GIB = 4.0
_SHARE = 0.8
"""Of a GPU's free memory. The codec and the graphs need some too."""


def cache_size(model: ParlerModel, *, slots: int, budget_gib: float, positions: int, cross_positions: int) -> CacheSize:
    """Sizes the cache of keys and values.

    Args:
        model: Whose cache it is.
        slots: As many; 0: as many as the budget holds, 256 at most.
        budget_gib: Memory to use; 0: most of what is free on a GPU, 4 GiB elsewhere.
        positions: Longest sequence of a slot.
        cross_positions: Longest description.

    Raises:
        ConfigurationError: The budget does not hold a single slot.
    """
    # Lengths that attention's kernels need not fill up.
    positions, cross_positions = _rounded(positions, 64), _rounded(cross_positions, 16)
    if slots:
        return CacheSize(slots, positions, cross_positions)
    budget = budget_gib * 2**30
    if not budget and model.device.type == "cuda":
        budget = torch.cuda.mem_get_info(model.device)[0] * _SHARE
    budget = budget or _CPU_BUDGET_GIB * 2**30
    each = CacheSize(1, positions, cross_positions).bytes(model.config.decoder, model.activations)
    held = int(budget // each)
    if held < 1:
        raise ConfigurationError(
            f"{budget / 2**30:.2f} GiB hold no slot, which takes {each / 2**30:.2f} GiB: give it more memory with "
            "MAATU_TTS_PARLER_MEMORY_GIB, or make its longest utterance shorter with MAATU_TTS_PARLER_LONGEST_S"
        )
    return CacheSize(min(held, _MOST_SLOTS), positions, cross_positions)


def _rounded(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple
