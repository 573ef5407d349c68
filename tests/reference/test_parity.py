"""Greedy codes of our engine are those of parler_tts 0.2.3's generate, alone and in a batch; waveforms are within 1e-4."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from maatu_tts.engine.parler.batch import Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, load_model
from maatu_tts.engine.parler.random_weights import MINI, TINY, Size, write_checkpoint
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Piece, Request, Stream

WAVEFORM_TOLERANCE = 1e-4
CLOSEST_CHOICE = {"float32": 1e-4, "float64": 1e-6}
"""Scores of the reference that lie closer than this could fall either way on another machine: take another seed then. Both
engines compute the text encoder's norms and softmax in float32, so float64 has its limit too."""

UTTERANCES = [
    ("A woman speaks slowly in a quiet room.", "Good morning, how are you today?", 60),
    ("A man with a low voice speaks fast, and the recording is of very high quality.", "The train leaves at nine.", 60),
    ("ಒಬ್ಬ ಮಹಿಳೆ ಸ್ಪಷ್ಟವಾಗಿ ಮಾತನಾಡುತ್ತಾಳೆ.", "ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", 45),
    ("A voice.", "Yes.", 30),
    ("A voice.", "Thank you for calling. Please tell me what I can do for you, and I will be glad to help.", 75),
    ("The speaker is close to the microphone.", "½ of it,  and so on", 9),
    ("A man speaks with an expressive, animated tone.", "No background noise at all!", 50),
    ("A woman speaks slowly in a quiet room.", "When does the next train to the city leave?", 60),
]
JOINS = [0, 0, 3, 7, 8, 20, 21, 40]
"""Before which step each utterance joins."""


@dataclass(frozen=True)
class Variant:
    """A checkpoint."""

    name: str
    size: Size = TINY
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def write(self, directory: Path) -> Path:
        """Writes it, unless it is there already."""
        place = directory / self.name
        if not place.exists():
            write_checkpoint(place, self.size, seed=self.seed, **{"mean_frames": 15, **self.options})
        return place


GROUPED = replace(TINY, key_value_heads=2, cross_key_value_heads=1)
PLAIN = Variant("plain", seed=2)
CROSS = Variant("cross", options={"prompt_cross_attention": True})
GROUPED_ROPE = Variant("grouped-rope", GROUPED, seed=1, options={"rope": True, "fused_heads": True})
VARIANTS = [
    PLAIN,
    CROSS,
    GROUPED_ROPE,
    Variant("fused", options={"fused_heads": True, "separate_description_tokenizer": True, "shards": 3}),
    Variant("fused-cross", options={"fused_heads": True, "prompt_cross_attention": True}),
    Variant("grouped", GROUPED),
    Variant("rope-cross", seed=1, options={"rope": True, "prompt_cross_attention": True}),
    Variant("projected", replace(TINY, text_encoder_hidden=48)),
    Variant("endless", seed=1, options={"mean_frames": None}),
]
# These hold a codec of the published size: stored in bfloat16, and computed in float32 as the others are.
DESCRIPT = [
    Variant("descript", options={"codec": "descript", "dtype": torch.bfloat16}),
    Variant("descript-parametrized", options={"codec": "descript-parametrized", "dtype": torch.bfloat16}),
]


class Heard:
    """What a listener was told of one stream."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.ended = False

    def __call__(self, told: Piece | Exception | None) -> None:
        assert not self.ended
        if isinstance(told, Exception):
            raise told
        if told is None:
            self.ended = True
        else:
            self.pieces.append(told)

    @property
    def waveform(self) -> np.ndarray:
        """All pieces, one after another."""
        return np.concatenate([np.zeros(0, np.float32), *(piece.samples for piece in self.pieces)])


def speak(
    model: ParlerModel,
    utterances: Sequence[tuple[str, str, int]],
    *,
    joins: Sequence[int],
    rows: int,
    cancels: dict[int, int] | None = None,
) -> list[tuple[Stream, Heard]]:
    """Speaks utterances that join, and some that leave, at given steps."""
    scheduler = Scheduler(model, CacheSize(rows=rows, positions=256, cross_positions=256))
    spoken: list[tuple[Stream, Heard]] = []
    step = 0
    while len(spoken) < len(utterances) or scheduler.busy:
        for (description, prompt, frames), join in zip(utterances, joins, strict=True):
            if join == step:
                sampling = Sampling(frames, min_columns=model.config.sampling.min_new_tokens, temperature=0.0)
                request = Request(model.prompt_ids(prompt), model.describe(description), sampling)
                heard = Heard()
                spoken.append((scheduler.add(request, heard), heard))
        for index, leave in (cancels or {}).items():
            if leave == step:
                scheduler.cancel(spoken[index][0])
        scheduler.step()
        step += 1
        assert step < 2000
    assert scheduler.rows_in_use == 0
    return spoken


def check(reference: Any, spoken: list[tuple[Stream, Heard]], precision: str, skip: Sequence[int] = ()) -> None:
    """Holds streams against what the reference generated."""
    for index, ((stream, heard), expected) in enumerate(zip(spoken, reference, strict=True)):
        if index in skip:
            continue
        assert expected.margin > CLOSEST_CHOICE[precision]
        assert stream.request.prompt_ids == expected.prompt
        assert stream.codes.tolist() == expected.codes.tolist()
        assert heard.ended
        assert heard.waveform.shape == expected.waveform.shape
        assert np.abs(heard.waveform - expected.waveform).max(initial=0.0) < WAVEFORM_TOLERANCE


@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_alone(reference: Any, checkpoints: Path, variant: Variant, precision: str) -> None:
    checkpoint = variant.write(checkpoints)
    expected = reference.speak(checkpoint, UTTERANCES, precision)
    model = load_model(checkpoint, "cpu", precision)
    spoken = [speak(model, [utterance], joins=[0], rows=1)[0] for utterance in UTTERANCES]
    check(expected, spoken, precision)


@pytest.mark.parametrize("variant", DESCRIPT, ids=lambda variant: variant.name)
def test_alone_with_the_descript_codec(reference: Any, checkpoints: Path, variant: Variant) -> None:
    checkpoint = variant.write(checkpoints)
    expected = reference.speak(checkpoint, UTTERANCES[:3])
    model = load_model(checkpoint)
    spoken = [speak(model, [utterance], joins=[0], rows=1)[0] for utterance in UTTERANCES[:3]]
    check(expected, spoken, "float32")


@pytest.mark.parametrize("rows", [8, 3])
@pytest.mark.parametrize("precision", ["float32", "float64"])
@pytest.mark.parametrize("variant", [PLAIN, CROSS, GROUPED_ROPE], ids=lambda variant: variant.name)
def test_eight_that_join_at_different_steps(
    reference: Any, checkpoints: Path, variant: Variant, precision: str, rows: int
) -> None:
    checkpoint = variant.write(checkpoints)
    expected = reference.speak(checkpoint, UTTERANCES, precision)
    model = load_model(checkpoint, "cpu", precision)
    check(expected, speak(model, UTTERANCES, joins=JOINS, rows=rows), precision)


def test_cancelled_streams_change_nothing_for_the_others(reference: Any, checkpoints: Path) -> None:
    checkpoint = PLAIN.write(checkpoints)
    expected = reference.speak(checkpoint, UTTERANCES)
    spoken = speak(load_model(checkpoint), UTTERANCES, joins=JOINS, rows=8, cancels={0: 5, 2: 12, 4: 41})
    check(expected, spoken, "float32", skip=[0, 2, 4])
    assert not any(spoken[index][1].ended for index in (0, 2, 4))


def test_streams_end_by_themselves_and_at_their_limit(reference: Any, checkpoints: Path) -> None:
    limits = [frames for _, _, frames in UTTERANCES]
    frames = [spoken.codes.shape[1] for spoken in reference.speak(PLAIN.write(checkpoints), UTTERANCES)]
    ended = [number < limit for number, limit in zip(frames, limits, strict=True)]
    assert any(ended)
    assert not all(ended)


@pytest.mark.timeout(400)
def test_mini_size(reference: Any, checkpoints: Path) -> None:
    # The decoder and the codec are mini's; the text encoder and the vocabularies are cut to what takes little time.
    size = replace(
        MINI,
        prompt_vocabulary=384,
        text_encoder_layers=2,
        text_encoder_vocabulary=384,
    )
    utterances = [(description, prompt, 31) for description, prompt, _ in UTTERANCES[:2]]
    checkpoint = Variant("mini", size, options={"dtype": torch.bfloat16}).write(checkpoints)
    expected = reference.speak(checkpoint, utterances)
    model = load_model(checkpoint)
    check(expected, speak(model, utterances, joins=[0, 5], rows=2), "float32")
