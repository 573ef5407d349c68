"""How soon a person is answered: utterances of 3 to 8 s, spoken in real time to the service as a process of its own.

One stream after another. Beside it `WhisperModel.transcribe`, with its own default settings and threads, hears the same audio
while the service has nothing to do.
"""

import asyncio
import sys
from dataclasses import dataclass, field

import numpy as np
import stt_client
from figures import Figure, figure
from stt_client import PAUSE, RATE_HZ, STOPPED, Heard, Speaker, seconds
from stt_conditions import LEAD, Condition
from stt_corpus import Utterance, load_corpus
from stt_engine import MODELS, MODELS_DIR, Reference, decode_once, recognizer

from maatu.v1 import stt_pb2
from maatu_runtime.audio.samples import Samples

UTTERANCES = 20
SHORTEST_S = 3.0
LONGEST_S = 8.0
FINAL_MS = {"whisper-tiny.en": 150, "whisper-base": 250}
"""Asked for, from the endpoint to the final."""
FIRST_PARTIAL_MS = {"whisper-tiny.en": 700}
TIMES_FASTER = 3
SILENCE = np.zeros(2 * RATE_HZ, np.float32)
"""After each utterance: more than the longest endpoint."""
_AROUND = RATE_HZ * 300 // 1_000
"""Samples around an utterance that are decoded with it."""


@dataclass
class Measured:
    """Milliseconds of one model."""

    endpoint_to_final: list[float] = field(default_factory=list)
    pause_to_text: list[float] = field(default_factory=list)
    endpointing: list[float] = field(default_factory=list)
    first_partial: list[float] = field(default_factory=list)
    transcribe: list[float] = field(default_factory=list)
    decode: list[float] = field(default_factory=list)
    last_decode: list[float] = field(default_factory=list)


async def measure(model: str, utterances: list[Utterance]) -> Measured:
    """Speaks the utterances to the service."""
    measured = Measured()
    reference = Reference(model)
    warm = utterances[0].heard(Condition.CLEAN)
    await asyncio.to_thread(reference.transcribe, warm)
    async with recognizer(model) as ours, stt_client.service(model) as served, Speaker(served.address) as speaker:
        await decode_once(ours, warm)
        await speaker.hear(np.concatenate([warm, SILENCE]))
        for utterance in utterances:
            samples = np.concatenate([utterance.heard(Condition.CLEAN), SILENCE])
            heard = await speaker.hear(samples)
            partials = heard.transcripts(is_final=False)
            if partials:
                measured.first_partial.append((partials[0][0] - heard.time_sent(LEAD)) * 1_000)
            for at, final in heard.transcripts(is_final=True):
                if not SHORTEST_S <= seconds(final.end) - seconds(final.start) <= LONGEST_S:
                    continue
                take(measured, heard, at, final)
                part = _audio_of(samples, final)
                measured.decode.append((await decode_once(ours, part)).compute_s * 1_000)
                measured.transcribe.append((await asyncio.to_thread(reference.transcribe, part))[1] * 1_000)
                print(
                    f"live, {model}: final {measured.endpoint_to_final[-1]:.0f} ms after the endpoint,"
                    f" transcribe {measured.transcribe[-1]:.0f} ms: {final.text}",
                    file=sys.stderr,
                )
    return measured


def take(measured: Measured, heard: Heard, final_at: float, final: stt_pb2.Transcript) -> None:
    """Takes the times of one utterance.

    The text of the final is there when a transcript first said it after the last pause: usually the one made at that pause.
    """
    index = final.utterance_index
    stopped_at, stopped = next((at, one) for at, one in heard.activities(STOPPED) if one.utterance_index == index)
    measured.endpoint_to_final.append((final_at - stopped_at) * 1_000)
    measured.endpointing.append((seconds(stopped.noticed_at) - seconds(stopped.offset)) * 1_000)
    measured.last_decode.append(seconds(final.compute_time) * 1_000)
    pauses = [at for at, one in heard.activities(PAUSE) if one.utterance_index == index]
    if pauses:
        text_at = next(
            at
            for at, one in heard.transcripts()
            if one.utterance_index == index and at >= pauses[-1] and one.text == final.text
        )
        measured.pause_to_text.append((text_at - pauses[-1]) * 1_000)


def _audio_of(samples: Samples, final: stt_pb2.Transcript) -> Samples:
    start, end = round(seconds(final.start) * RATE_HZ), round(seconds(final.end) * RATE_HZ)
    return samples[max(start - _AROUND, 0) : end + _AROUND]


def figures_of(model: str, measured: Measured) -> list[Figure]:
    """The figures of one model.

    A final comes at once after its endpoint because it was decoded in the pause before: what a person waits for is nothing beside
    transcribe's time. What the engine itself saves is the ratio of the decodes; the time from the pause to the text has the
    partial in it that still runs beside it, the audio model and two ways through gRPC.
    """
    rows = [
        figure(f"{model}: final after the endpoint", measured.endpoint_to_final, "ms", at_most=FINAL_MS[model]),
        figure(
            f"{model}: text of the final after its pause is noticed, beside transcribe",
            measured.pause_to_text,
            "ms",
            baseline=measured.transcribe,
        ),
        figure(
            f"{model}: decode of the whole utterance at once (our engine, one thread), beside transcribe",
            measured.decode,
            "ms",
            baseline=measured.transcribe,
            ratio_at_least=TIMES_FASTER,
        ),
        figure(f"{model}: decode that made the final (compute_time)", measured.last_decode, "ms"),
        figure(f"{model}: endpointing, from the last voice to the endpoint", measured.endpointing, "ms"),
    ]
    if measured.first_partial:
        name = f"{model}: first partial after the first sample of speech is sent"
        rows.append(figure(name, measured.first_partial, "ms", at_most=FIRST_PARTIAL_MS.get(model)))
    return rows


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many utterances a model.
    """
    fitting = [one for one in load_corpus(MODELS_DIR) if SHORTEST_S <= one.seconds <= LONGEST_S]
    count = min(limit or UTTERANCES, len(fitting))
    chosen = [fitting[index * len(fitting) // count] for index in range(count)]
    rows = []
    for model in MODELS:
        rows += figures_of(model, asyncio.run(measure(model, chosen)))
    return rows
