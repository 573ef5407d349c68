"""Which cross-attention heads of Whisper follow the audio, by which words get their times.

They were chosen by OpenAI for each model and stand in its generation_config.json. Fine-tuning keeps them, but what people publish
often leaves them out; without them CTranslate2's converter takes all heads of the upper half of the decoder, and times get
worse. The numbers are those of `_ALIGNMENT_HEADS` in openai/whisper (MIT licence), as pairs of layer and head.
"""

from collections.abc import Mapping, Sequence
from typing import Any

Heads = Sequence[tuple[int, int]]

_ENGLISH_TOKENS = 51_864
_LARGE_V3_BANDS = 128

_TINY_EN = ((1, 0), (2, 0), (2, 5), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4))
_TINY = ((2, 2), (3, 0), (3, 2), (3, 3), (3, 4), (3, 5))
_BASE_EN = ((3, 3), (4, 7), (5, 1), (5, 5), (5, 7))
_BASE = ((3, 1), (4, 2), (4, 3), (4, 7), (5, 1), (5, 2), (5, 4), (5, 6))
_SMALL_EN = (
    *((6, 6), (7, 0), (7, 3), (7, 8), (8, 2), (8, 5), (8, 7), (9, 0), (9, 4), (9, 8)),
    *((9, 10), (10, 0), (10, 1), (10, 2), (10, 3), (10, 6), (10, 11), (11, 2), (11, 4)),
)
_SMALL = ((5, 3), (5, 9), (8, 0), (8, 4), (8, 7), (8, 8), (9, 0), (9, 7), (9, 9), (10, 5))
_MEDIUM_EN = (
    *((11, 4), (14, 1), (14, 12), (14, 14), (15, 4), (16, 0), (16, 4), (16, 9), (17, 12)),
    *((17, 14), (18, 7), (18, 10), (18, 15), (20, 0), (20, 3), (20, 9), (20, 14), (21, 12)),
)
_MEDIUM = ((13, 15), (15, 4), (15, 15), (16, 1), (20, 0), (23, 4))
_LARGE_V2 = (
    *(
        (10, 12),
        (13, 17),
        (16, 11),
        (16, 12),
        (16, 13),
        (17, 15),
        (17, 16),
        (18, 4),
        (18, 11),
        (18, 19),
        (19, 11),
        (21, 2),
    ),
    *((21, 3), (22, 3), (22, 9), (22, 12), (23, 5), (23, 7), (23, 13), (25, 5), (26, 1), (26, 12), (27, 15)),
)
_LARGE_V3 = ((7, 0), (10, 17), (12, 18), (13, 12), (16, 1), (17, 14), (19, 11), (21, 4), (24, 1), (25, 6))
_TURBO = ((2, 4), (2, 11), (3, 3), (3, 6), (3, 11), (3, 14))

_BY_SHAPE: Mapping[tuple[int, int, bool], Heads] = {
    (4, 6, True): _TINY_EN,
    (4, 6, False): _TINY,
    (6, 8, True): _BASE_EN,
    (6, 8, False): _BASE,
    (12, 12, True): _SMALL_EN,
    (12, 12, False): _SMALL,
    (24, 16, True): _MEDIUM_EN,
    (24, 16, False): _MEDIUM,
    (32, 20, False): _LARGE_V2,
    (4, 20, False): _TURBO,
}
"""By layers and heads of the decoder and whether the model is for English only. The first large has the shape of the second."""


def alignment_heads(config: Mapping[str, Any], generation_config: Mapping[str, Any]) -> Heads | None:
    """The heads of a model: those that it names, or else those of the model that has its shape.

    Args:
        config: The checkpoint's config.json.
        generation_config: Its generation_config.json; empty where there is none.

    Returns:
        None for a shape of its own, such as that of a distilled model.
    """
    layers, heads = config["decoder_layers"], config["decoder_attention_heads"]
    named = generation_config.get("alignment_heads") or ()
    if named and all(0 <= layer < layers and 0 <= head < heads for layer, head in named):
        return [(layer, head) for layer, head in named]
    if layers == 32 and config["num_mel_bins"] == _LARGE_V3_BANDS:
        return _LARGE_V3
    return _BY_SHAPE.get((layers, heads, config["vocab_size"] == _ENGLISH_TOKENS))
