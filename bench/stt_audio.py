"""What it costs to hear: processor time for 100 ms of audio, everything but recognition itself.

Decoding of the encoding, resampling, Silero, segmenting and buffering, on one core, on speech and silence in turn. The
recogniser is the service's fake, which answers at once, and there are no interim results. Counted is the time of this thread,
in which all of it runs.
"""

import asyncio
import time

import numpy as np
from figures import Figure, figure
from stt_client import RATE_HZ
from stt_conditions import Condition
from stt_corpus import load_corpus
from stt_engine import MODELS_DIR, recognition

from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder, StreamEncoder
from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.fake import FakeRecognizer, FakeScript

SECONDS = 60.0
AT_MOST_MS = 5
MESSAGES = 5
"""Of 20 ms, the usual packet of Opus: 100 ms."""
FORMATS = {
    "LINEAR16, 16 kHz": AudioFormat(Encoding.LINEAR16, 16_000),
    "LINEAR16, 48 kHz": AudioFormat(Encoding.LINEAR16, 48_000),
    "MULAW, 8 kHz": AudioFormat(Encoding.MULAW, 8_000),
    "OPUS, 48 kHz": AudioFormat(Encoding.OPUS, 48_000),
}


def messages(samples: Samples, audio_format: AudioFormat) -> list[bytes]:
    """A recording as messages of 20 ms."""
    encoder = StreamEncoder(RATE_HZ, audio_format)
    frame = RATE_HZ // 50
    encoded = [one for start in range(0, len(samples), frame) for one in encoder.push(samples[start : start + frame])]
    return [one.data for one in encoded if one.data]


async def measure(data: list[bytes], audio_format: AudioFormat) -> list[float]:
    """Milliseconds of processor time for each 100 ms."""
    hearing = recognition(FakeRecognizer(FakeScript()), interim_results=False)
    decoder = StreamDecoder(audio_format, RATE_HZ)
    costs_ms: list[float] = []

    async def feed() -> None:
        for start in range(0, len(data) - MESSAGES + 1, MESSAGES):
            began = time.thread_time()
            for message in data[start : start + MESSAGES]:
                await hearing.push(decoder.push(message))
            costs_ms.append((time.thread_time() - began) * 1_000)
            await asyncio.sleep(0)
        await hearing.finish()

    async for _ in hearing.events(feed):
        pass
    return costs_ms


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many seconds of audio.
    """
    length = round(min(SECONDS, limit or SECONDS) * RATE_HZ)
    utterances = load_corpus(MODELS_DIR, 40)
    samples = np.concatenate([one.heard(Condition.CLEAN) for one in utterances])[:length]
    rows = []
    for name, audio_format in FORMATS.items():
        costs_ms = asyncio.run(measure(messages(samples, audio_format), audio_format))
        rows.append(figure(f"{name}: processor time for 100 ms of audio", costs_ms, "ms", at_most=AT_MOST_MS))
    return rows
