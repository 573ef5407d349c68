"""Text from no speech: how often 100 ten-second clips of noise, music, silence and keyboards are transcribed.

    python bench/stt_sounds.py        about two minutes on two cores

A false transcript is a clip for which there is any final text. Each clip (bench/sounds.py) is heard four times:

1. By the service's own stream, with its detector and its default settings, beside WhisperModel.transcribe with
   vad_filter=True, which runs the same detector over the clip first.
2. By the model and the guards alone, as if the detector had taken all of it for voice, beside WhisperModel.transcribe as it
   comes. That takes seconds a clip, so it is done for every fourth clip, one of each kind, and counted four times.
"""

import asyncio
import itertools
from collections.abc import Iterator

from faster_whisper import WhisperModel
from figures import Figure, publish
from sounds import Clip, clips
from stt_engine import MODELS, decode_once, directory, recognition, recognizer, stream

from maatu_stt.engine.segmenter import Activity
from maatu_stt.engine.utterance import Transcript

AT_MOST = 1
_EVERY = 4
_LOUDNESS = 2
"""Which of the four of a kind: at the level of speech in a call."""


def figures(limit: int | None = None) -> list[Figure]:
    """Figures of both models.

    Args:
        limit: At most so many clips.
    """
    every = list(itertools.islice(clips(), limit))
    return [figure for model in MODELS for figure in _of(model, every)]


def _of(model: str, every: list[Clip]) -> Iterator[Figure]:
    some = every[_LOUDNESS::_EVERY]
    ours, started, alone = asyncio.run(_ours(model, every, some))
    theirs = WhisperModel(str(directory(model)), device="cpu", compute_type="int8")

    def false_transcripts(heard: list[Clip], *, vad_filter: bool) -> int:
        texts = (theirs.transcribe(clip.samples, language="en", vad_filter=vad_filter)[0] for clip in heard)
        return sum(any(segment.text.strip() for segment in segments) for segments in texts)

    name = f"{model}: false transcripts in {len(every)} clips"
    yield _figure(f"{name}, beside transcribe(vad_filter=True)", ours, false_transcripts(every, vad_filter=True), True)
    yield _figure(f"{model}: clips of {len(every)} in which speech is reported", started, None, False)
    yield _figure(
        f"{model}: false transcripts in {len(some)} clips, model and guards alone, beside transcribe()",
        alone,
        false_transcripts(some, vad_filter=False),
        False,
    )


async def _ours(model: str, every: list[Clip], some: list[Clip]) -> tuple[int, int, int]:
    """Clips with a text and clips with speech, of all; clips with a text where the detector is not asked, of some."""
    with_text = with_speech = 0
    async with recognizer(model) as engine:
        for clip in every:
            events = await stream(recognition(engine), clip.samples)
            said = [event.text for event in events if isinstance(event, Transcript) and event.is_final and event.text]
            if said:
                print(f"{model}: {clip.name}: {said}")
            with_text += bool(said)
            with_speech += any(isinstance(event, Activity) for event in events)
        alone = [(await decode_once(engine, clip.samples)).text for clip in some]
    return with_text, with_speech, sum(map(bool, alone))


def _figure(name: str, value: int, baseline: int | None, has_target: bool) -> Figure:
    return Figure(
        name,
        value,
        "clips",
        baseline=baseline,
        target=f"<= {AT_MOST}" if has_target else "",
        met=value <= AT_MOST if has_target else None,
        runs=1,
    )


if __name__ == "__main__":
    publish("stt_sounds", figures())
