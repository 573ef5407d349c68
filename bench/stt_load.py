"""Eight people who speak at once, in real time, each on a stream of their own, with interim results (tiny.en).

The people are in this process, the service in another, on the same processors.
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Mapping

import numpy as np
import stt_client
from figures import Figure, figure
from stt_client import RATE_HZ, STOPPED, Served, Speaker
from stt_conditions import Condition
from stt_corpus import Utterance, load_corpus
from stt_engine import MODELS_DIR

from maatu_runtime.audio.samples import Samples

MODEL = "whisper-tiny.en"
PEOPLE = 8
SECONDS = 60.0
FINAL_P95_MS = 500
_KINDS = ("final", "pause", "partial")
_STAGGER = RATE_HZ * 370 // 1_000
"""Samples by which each person begins later than the one before."""


def monologue(utterances: list[Utterance], person: int, length_s: float) -> Samples:
    """What one person says: utterances of their own, with the silence around them that each has."""
    own = itertools.cycle(utterances[person::PEOPLE])
    pieces = [np.zeros(person * _STAGGER, np.float32)]
    while sum(map(len, pieces)) < length_s * RATE_HZ:
        pieces.append(next(own).heard(Condition.CLEAN))
    return np.concatenate([*pieces, np.zeros(RATE_HZ, np.float32)])


async def _speak(served: Served, samples: Samples) -> tuple[list[float], int]:
    """Milliseconds from each endpoint to its final, and how many partials came."""
    async with Speaker(served.address) as speaker:
        heard = await speaker.hear(samples)
    finals = {final.utterance_index: at for at, final in heard.transcripts(is_final=True)}
    delays = [(finals[one.utterance_index] - at) * 1_000 for at, one in heard.activities(STOPPED)]
    return delays, len(heard.transcripts(is_final=False))


def _counters(served: Served) -> dict[str, float]:
    page = {"skipped": served.metric("maatu_stt_skipped_partials_total"), "cpu": served.cpu_seconds()}
    for kind in _KINDS:
        page[f"{kind} waits"] = served.metric("maatu_stt_queue_seconds_count", kind=kind)
        page[f"{kind} waited"] = served.metric("maatu_stt_queue_seconds_sum", kind=kind)
        page[f"{kind} at most 120 ms"] = served.metric("maatu_stt_queue_seconds_bucket", kind=kind, le="0.12")
    return page


async def measure(length_s: float, **settings: object) -> list[Figure]:
    """Lets them speak.

    Args:
        length_s: How long.
        settings: Of the service.
    """
    utterances = load_corpus(MODELS_DIR)
    people = [monologue(utterances, person, length_s) for person in range(PEOPLE)]
    async with stt_client.service(MODEL, **settings) as served:
        before, began = _counters(served), time.perf_counter()
        results = await asyncio.gather(*(_speak(served, samples) for samples in people))
        took_s = time.perf_counter() - began
        after = _counters(served)
    delays = sorted(delay for of_one, _ in results for delay in of_one)
    print(f"load: {len(delays)} finals, slowest {delays[-1]:.0f} ms", file=sys.stderr)
    return _figures(
        delays, sum(count for _, count in results), {key: after[key] - before[key] for key in after}, took_s
    )


def _figures(delays: list[float], partials: int, counted: Mapping[str, float], took_s: float) -> list[Figure]:
    p95 = delays[min(len(delays) - 1, int(0.95 * len(delays)))]
    rows = [
        figure(f"{PEOPLE} people at once: final after the endpoint", delays, "ms"),
        figure(f"{PEOPLE} people at once: p95 of finals after the endpoint", [p95], "ms", at_most=FINAL_P95_MS),
        figure("partials that came", [partials / took_s], "/s"),
        figure("partials not made, because the decoder was busy", [counted["skipped"] / took_s], "/s"),
        figure("processors in use by the service", [counted["cpu"] / took_s], "cores"),
    ]
    for kind in _KINDS:
        waits = counted[f"{kind} waits"]
        if waits:
            mean_ms = 1_000 * counted[f"{kind} waited"] / waits
            rows.append(figure(f"mean wait for the decoder, {kind} ({waits:.0f} of them)", [mean_ms], "ms"))
            soon = 100 * counted[f"{kind} at most 120 ms"] / waits
            rows.append(figure(f"decodes that waited at most 120 ms, {kind}", [soon], "%"))
    return rows


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many seconds of speech each.
    """
    return asyncio.run(measure(min(SECONDS, limit or SECONDS)))
