"""Length costs nothing: thirty minutes of speech in one stream, and one utterance of four minutes.

1. The service as a process of its own hears 30 minutes at eight times the speed of speech, with interim results; where it is
   slower, gRPC's flow control holds the sender back. As fast as it takes them there would be no time for partials: 3 in all.
   Its resident memory is read as its answers pass 5, 10, 20 and 30 minutes.
2. Speech without pauses, in this process: after each 100 ms all decodes are waited for, so that every partial is made that
   would be made live. Time on the decoder is counted over the first and the last 30 s.
"""

import asyncio
import itertools
import sys
import time

import numpy as np
import stt_client
from figures import Figure, figure
from stt_client import RATE_HZ, Speaker, seconds
from stt_conditions import Condition
from stt_corpus import Utterance, in_turn, load_corpus
from stt_engine import MODELS_DIR, decode_seconds, recognition, recognizer, shown, stream
from stt_score import retracted_words

from maatu.v1 import stt_pb2
from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.segmenter import Activity, ActivityType

MODEL = "whisper-tiny.en"
MINUTES = (5, 10, 20, 30)
SPEED = 8.0
GROWTH_MIB = 20
LONG_S = 240.0
PART_S = 30.0
MAX_UTTERANCE_S = 300.0


def conversation(utterances: list[Utterance], length_s: float) -> Samples:
    """Utterances with the silence around them that each has, again and again."""
    pieces: list[Samples] = []
    length = 0
    for utterance in itertools.cycle(utterances):
        if length >= length_s * RATE_HZ:
            break
        pieces.append(utterance.heard(Condition.CLEAN))
        length += len(pieces[-1])
    return np.concatenate(pieces)


async def measure_memory() -> list[Figure]:
    """Resident memory of the service during 30 minutes of one stream."""
    samples = conversation(load_corpus(MODELS_DIR), MINUTES[-1] * 60 + 10)
    memory_mib: dict[int, float] = {}
    finals = partials = 0
    async with stt_client.service(MODEL) as served, Speaker(served.address) as speaker:
        began = time.perf_counter()
        async for answer in speaker.speak(samples, speed=SPEED):
            position_s = _position_s(answer)
            for minutes in MINUTES:
                if position_s >= minutes * 60 and minutes not in memory_mib:
                    memory_mib[minutes] = served.memory_mib()
                    print(f"long: {minutes} minutes heard, {memory_mib[minutes]:.1f} MiB", file=sys.stderr)
            if answer.HasField("transcript"):
                finals += answer.transcript.is_final
                partials += not answer.transcript.is_final
        took_s = time.perf_counter() - began
    growth_mib = memory_mib[MINUTES[-1]] - memory_mib[MINUTES[0]]
    return [
        *(figure(f"memory after {minutes} minutes", [value], "MiB") for minutes, value in memory_mib.items()),
        figure("memory, growth from 5 to 30 minutes of one stream", [growth_mib], "MiB", at_most=GROWTH_MIB),
        figure("finals in 30 minutes", [finals], "finals"),
        figure("partials in 30 minutes, as many as there was time for", [partials], "partials"),
        figure("30 minutes heard, times faster than real time", [len(samples) / RATE_HZ / took_s], "x"),
    ]


def _position_s(answer: stt_pb2.StreamingRecognizeResponse) -> float:
    """How far the service had heard when it answered, at least."""
    return seconds(answer.activity.noticed_at if answer.HasField("activity") else answer.transcript.end)


async def measure_utterance() -> list[Figure]:
    """Time on the decoder at the beginning and at the end of a long utterance."""
    speech = np.concatenate([one.speech for one in in_turn(load_corpus(MODELS_DIR), LONG_S + 1, without_pauses=True)])[
        : round(LONG_S * RATE_HZ)
    ]
    counted: list[tuple[float, float]] = []

    async def count(heard: int) -> None:
        counted.append((heard / RATE_HZ, decode_seconds()))

    async with recognizer(MODEL) as ours:
        before = decode_seconds()
        long = recognition(ours, max_utterance_s=MAX_UTTERANCE_S)
        events = await stream(long, speech, after_frame=count)
    at_first = max(value for at, value in counted if at <= PART_S) - before
    at_last = counted[-1][1] - max(value for at, value in counted if at <= LONG_S - PART_S)
    transcripts = shown(events)
    utterances = len({one.utterance_index for one in transcripts})
    pauses = sum(isinstance(event, Activity) and event.type is ActivityType.PAUSE for event in events)
    print(f"long: {utterances} utterances, {pauses} pauses, decoded {at_first:.1f} s, {at_last:.1f} s", file=sys.stderr)
    return [
        figure(
            f"utterance of {LONG_S:.0f} s: decode per second of speech, first 30 s", [1_000 * at_first / PART_S], "ms"
        ),
        figure(
            f"utterance of {LONG_S:.0f} s: decode per second of speech, last 30 s, beside the first",
            [1_000 * at_last / PART_S],
            "ms",
            baseline=[1_000 * at_first / PART_S],
        ),
        figure(f"utterance of {LONG_S:.0f} s: utterances it was cut into", [utterances], "utterances", at_most=1),
        figure(
            f"utterance of {LONG_S:.0f} s: committed words retracted",
            [retracted_words(transcripts)],
            "words",
            at_most=0,
        ),
    ]


def figures(limit: int | None = None) -> list[Figure]:
    """All figures. The limit is not used: a shorter stream would be another claim."""
    return [*asyncio.run(measure_memory()), *asyncio.run(measure_utterance())]
