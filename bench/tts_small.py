"""Piper and eSpeak NG: how soon a clause of 12 words is heard, alone and with four clients at once.

    python bench/tts_small.py

Counted from the request to the first audio message, over gRPC, with the service's own settings. No clause comes twice.

1. Alone; beside it the time to the whole clause: piper-tts's own PiperVoice, which has all its audio at once, and eSpeak's
   library.
2. Four clients at once; beside it the same four one after another, each waiting for those before.
"""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Literal

import grpc
from figures import Figure, figure, publish
from piper import PiperVoice

from maatu.v1 import common_pb2, tts_pb2
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_runtime.channel import create_channel
from maatu_runtime.testing import serve_at
from maatu_tts.config import Config
from maatu_tts.engine import espeak_library
from maatu_tts.service import build

ROOT = Path(__file__).resolve().parent.parent
CLIENTS = 4
PIPER_MODEL = "piper-en_US-joe-medium"
PIPER_BOUND_MS = 120
ESPEAK_BOUND_MS = 20


def clauses() -> Iterator[str]:
    """Clauses of 12 words, each another."""
    subjects = ("weather", "garden", "market", "harbour", "station", "valley", "museum", "kitchen", "meadow")
    qualities = ("lovely", "quiet", "crowded", "sunny", "pleasant", "busy", "peaceful", "cheerful")
    actions = ("walk", "wander", "travel", "cycle", "hurry")
    for action, quality, subject in itertools.product(actions, qualities, subjects):
        yield f"The {subject} is {quality} today, and we might {action} along the river."


@asynccontextmanager
async def _serving(engine: Literal["piper", "espeak"], models_dir: Path) -> AsyncIterator[list[grpc.aio.Channel]]:
    """A server with this engine alone and as many clients as there are, each with a connection of its own."""
    config = Config(engines={"*": engine}, models_dir=models_dir, piper_models=(PIPER_MODEL,))
    async with serve_at(build(config)) as served, AsyncExitStack() as channels:
        yield [await channels.enter_async_context(create_channel(served.target)) for _ in range(CLIENTS)]


async def _say(channel: grpc.aio.Channel, text: str) -> tuple[float, float]:
    """Milliseconds to the first audio message and to the end of all audio."""
    began = time.perf_counter()
    options = tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en-US"))
    first_ms = 0.0
    async for answer in TextToSpeechStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text=text, options=options)):
        if answer.HasField("audio") and not first_ms:
            first_ms = (time.perf_counter() - began) * 1_000
    return first_ms, (time.perf_counter() - began) * 1_000


async def _measure(
    engine: Literal["piper", "espeak"], name: str, models_dir: Path, whole: list[float], runs: int, bound_ms: float
) -> list[Figure]:
    texts = itertools.cycle(clauses())
    alone: list[float] = []
    together: list[float] = []
    in_a_row: list[float] = []
    all_together: list[float] = []
    all_in_a_row: list[float] = []
    async with _serving(engine, models_dir) as channels:
        for channel in channels:
            await _say(channel, next(texts))
        for _ in range(runs):
            alone.append((await _say(channels[0], next(texts)))[0])
            answers = await asyncio.gather(*(_say(channel, next(texts)) for channel in channels))
            together += [first_ms for first_ms, _ in answers]
            all_together.append(max(end_ms for _, end_ms in answers))
            waited_ms = 0.0
            for channel in channels:
                first_ms, end_ms = await _say(channel, next(texts))
                in_a_row.append(waited_ms + first_ms)
                waited_ms += end_ms
            all_in_a_row.append(waited_ms)
    return [
        figure(f"{name}: first chunk of 12 words, beside the whole", alone, "ms", at_most=bound_ms, baseline=whole),
        figure(
            f"{name}: first chunk, {CLIENTS} clients at once, beside one after another",
            together,
            "ms",
            baseline=in_a_row,
        ),
        figure(
            f"{name}: all audio of {CLIENTS} clients at once, beside one after another",
            all_together,
            "ms",
            baseline=all_in_a_row,
        ),
    ]


def measure_piper(models_dir: Path, runs: int = 20) -> list[Figure]:
    """Figures of Piper.

    Args:
        models_dir: Holds PIPER_MODEL.
        runs: Measurements of each kind; those of four clients count four times.
    """
    voice = PiperVoice.load(next((models_dir / PIPER_MODEL).glob("*.onnx")))
    whole: list[float] = []
    for text in itertools.islice(clauses(), runs + 1):
        began = time.perf_counter()
        list(voice.synthesize(text))
        whole.append((time.perf_counter() - began) * 1_000)
    return asyncio.run(_measure("piper", "Piper", models_dir, whole[1:], runs, PIPER_BOUND_MS))


def measure_espeak(runs: int = 20) -> list[Figure]:
    """Figures of eSpeak NG.

    Args:
        runs: Measurements of each kind; those of four clients count four times.
    """
    library = espeak_library.load()
    whole: list[float] = []
    for text in itertools.islice(clauses(), runs + 1):
        began = time.perf_counter()
        library.synthesize("gmw/en-US", text, 175, lambda _: True)
        whole.append((time.perf_counter() - began) * 1_000)
    return asyncio.run(_measure("espeak", "eSpeak NG", ROOT, whole[1:], runs, ESPEAK_BOUND_MS))


if __name__ == "__main__":
    publish("tts_small", [*measure_piper(ROOT / "build" / "models"), *measure_espeak()])
