"""Many listeners at once, each to one utterance after another, on a real clock."""

import heapq
import random
import time
from dataclasses import dataclass, field

from tts_gpu_alone import speak
from tts_gpu_common import DESCRIPTION, Bench, Heard, request
from tts_gpu_report import percentile

from maatu_tts.engine.parler.loader import Voice
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Stream

_NUMBERS = (16, 64, 128, 256, 384)
_ROWS = 256
"""Of the scheduler, as many as the service has at most. More listeners get one that has as many rows."""
_BURST = 64
_SETTLE_S = 4.0
"""Listeners come over this time, and what they hear in it does not count."""
_LONGEST_GAP_S = 1.0
"""Between the end of one utterance's playback and the next question."""
UNDERRUNS_PERCENT = 1.0
_HOPELESS_PERCENT = 60.0
"""More listeners than had so many underruns are not tried."""
STREAMS, FIRST_CHUNK_P95_MS = 256, 120.0


@dataclass
class Watched:
    """What was heard in the time that counts."""

    first_chunks_ms: list[float] = field(default_factory=list)
    ahead_ms: list[float] = field(default_factory=list)
    """Of every piece after a first one: how long before playback would have run dry."""
    late_pieces: int = 0
    streams: int = 0
    late_streams: int = 0
    steps: int = 0

    def add(self, heard: Heard, since_s: float, now_s: float) -> None:
        """Counts a stream that has ended, or that is heard as the watch ends."""
        ahead_s = [ahead for at, ahead in heard.ahead_s if at >= since_s]
        # What has not come though playback has run dry is late already.
        starved = not heard.ended and heard.first_s is not None and heard.dry_s < now_s
        if heard.first_s is not None and heard.asked_s >= since_s:
            self.first_chunks_ms.append(heard.first_chunk_ms)
        elif heard.first_s is None:
            self.first_chunks_ms.append((now_s - heard.asked_s) * 1_000)
        if ahead_s or starved:
            self.ahead_ms += [1_000 * ahead for ahead in ahead_s]
            late = sum(ahead < 0 for ahead in ahead_s) + starved
            self.late_pieces += late
            self.streams += 1
            self.late_streams += late > 0


def run(bench: Bench) -> None:
    """Listeners in growing numbers, and 64 questions in one moment."""
    model = bench.model()
    voice = model.describe(DESCRIPTION)
    numbers, rows, burst = ((2, 4), 2, 2) if bench.quick else (_NUMBERS, _ROWS, _BURST)
    scheduler = bench.scheduler(model, rows)
    speak(scheduler, voice, bench.frames)

    most = 0
    for number in numbers:
        if number > rows:
            rows = number
            del scheduler
            bench.free()
            scheduler = bench.scheduler(model, rows)
            speak(scheduler, voice, bench.frames)
        watched = _watch(bench, scheduler, voice, number, random.Random(number))
        percent = _report(bench, watched, number)
        most = number if percent <= UNDERRUNS_PERCENT else most
        if percent > _HOPELESS_PERCENT:
            print(f"  more than {number} listeners are not tried")
            break
    least = None if bench.quick else STREAMS
    name = f"listeners with at most {UNDERRUNS_PERCENT:g} % of utterances interrupted"
    bench.report.figure(name, [float(most)], "", at_least=least)
    _burst(bench, scheduler, voice, burst)


def _report(bench: Bench, watched: Watched, number: int) -> float:
    """Returns the percentage of streams with an underrun."""
    name, report = f"{number} listeners", bench.report
    first = watched.first_chunks_ms or [0.0]
    report.figure(f"{name}: first chunk", first, "ms")
    bound = FIRST_CHUNK_P95_MS if number == 64 else None
    report.figure(f"{name}: first chunk, 95th percentile", [percentile(first, 0.95)], "ms", at_most=bound)
    pieces = max(1, len(watched.ahead_ms))
    percent = 100 * watched.late_streams / max(1, watched.streams)
    report.figure(f"{name}: pieces that came late", [100 * watched.late_pieces / pieces], "%")
    bound = UNDERRUNS_PERCENT if number == STREAMS else None
    report.figure(f"{name}: utterances with an underrun", [percent], "%", at_most=bound)
    margin_ms = percentile(watched.ahead_ms or [0.0], 0.05)
    report.figure(f"{name}: playback ahead as a piece comes, 5th percentile", [margin_ms], "ms")
    report.figure(f"{name}: steps a second", [watched.steps / bench.watch_s], "1/s")
    print(f"  {watched.streams} utterances, {pieces} pieces, {len(first)} first chunks")
    return percent


def _watch(bench: Bench, scheduler: Scheduler, voice: Voice, number: int, chance: random.Random) -> Watched:
    """Keeps so many listeners listening.

    Each hears an utterance to its end, waits for a moment and asks for the next. First utterances are of all lengths, so that
    listeners are at different places of theirs.
    """
    settle_s = _SETTLE_S if not bench.quick else 0.5
    rate_hz = scheduler.model.config.codec.sample_rate_hz
    watched = Watched()
    began = time.perf_counter()
    since, until = began + settle_s, began + settle_s + bench.watch_s
    questions = [(began + chance.uniform(0, settle_s), listener) for listener in range(number)]
    heapq.heapify(questions)
    listening: dict[int, tuple[Heard, Stream]] = {}
    asked = [0] * number
    while (now := time.perf_counter()) < until:
        while questions and questions[0][0] <= now:
            due_s, listener = heapq.heappop(questions)
            frames = bench.frames if asked[listener] else chance.randint(bench.frames // 5, bench.frames)
            asked[listener] += 1
            # Asked when it was due, though the step before kept it waiting.
            heard = Heard(due_s, rate_hz)
            stream = scheduler.add(request(scheduler.model, voice, frames, seed=chance.getrandbits(62)), heard)
            listening[listener] = heard, stream
        if scheduler.busy:
            scheduler.step()
            watched.steps += time.perf_counter() >= since
        elif questions:
            time.sleep(max(0.0, min(questions[0][0] - time.perf_counter(), until - time.perf_counter())))
        for listener in [listener for listener, (heard, _) in listening.items() if heard.ended]:
            heard, _ = listening.pop(listener)
            heapq.heappush(questions, (heard.dry_s + chance.uniform(0, _LONGEST_GAP_S), listener))
            watched.add(heard, since, now)
    for heard, stream in listening.values():
        watched.add(heard, since, until)
        scheduler.cancel(stream)
    return watched


def _burst(bench: Bench, scheduler: Scheduler, voice: Voice, number: int) -> None:
    """All ask in one moment, of an engine that has nothing else to do."""
    rate_hz = scheduler.model.config.codec.sample_rate_hz
    times_ms = []
    for _ in range(bench.runs(3)):
        began = time.perf_counter()
        heard = [Heard(began, rate_hz) for _ in range(number)]
        streams = [scheduler.add(request(scheduler.model, voice, 200, seed=7), one) for one in heard]
        while any(one.first_s is None for one in heard):
            scheduler.step()
        for stream in streams:
            scheduler.cancel(stream)
        times_ms += [one.first_chunk_ms for one in heard]
    bench.report.figure(f"{number} questions in one moment: first chunk", times_ms, "ms")
