"""Whether the GPU computes what the CPU does: the same tokens, and the same audio in windows as at once."""

from dataclasses import dataclass

import numpy as np
import torch
from tts_gpu_common import CROSS_POSITIONS, DESCRIPTION, Bench

from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, load_model
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import EagerRunner, GraphRunner, Runner, State
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Listener, Piece, Request, Stream

_TEXTS = [
    ("Good morning, how are you today?", 60),
    ("The train leaves at nine.", 60),
    ("Yes.", 30),
    ("Thank you for calling. Please tell me what I can do for you, and I will be glad to help.", 75),
    ("12, 13, 14; and so on", 9),
    ("No background noise at all!", 50),
    ("When does the next train to the city leave?", 45),
    ("I would like to know when you close.", 60),
]
_JOINS = (0, 0, 3, 7, 8, 20, 21, 40)
"""Before which step each text joins."""
_SAMPLED = (1, 3, 6)
"""Texts that are sampled with a seed; the others are greedy."""
WINDOWS_ERROR = 1e-5
_POSITIONS = 192


@dataclass(frozen=True)
class _Spoken:
    codes: list[torch.Tensor]
    waveforms: list[np.ndarray]


def run(bench: Bench) -> None:
    """In float32 and in float64: where only float32 differs, two scores were nearly the same."""
    # A float32 convolution may otherwise be of 10-bit mantissas.
    torch.backends.cudnn.allow_tf32 = False
    for precision in ("float32", "float64"):
        on_cpu = load_model(bench.tiny, "cpu", precision)
        expected = _speak(on_cpu, graphs=False, together=False)
        here = load_model(bench.tiny, bench.device, precision)
        _compare(bench, f"{precision}: eager, alone", expected, _speak(here, graphs=False, together=False))
        _compare(bench, f"{precision}: eager, eight joining", expected, _speak(here, graphs=False, together=True))
        if bench.on_gpu:
            _compare(bench, f"{precision}: graphs, alone", expected, _speak(here, graphs=True, together=False))
            _compare(bench, f"{precision}: graphs, eight joining", expected, _speak(here, graphs=True, together=True))
        _windows(bench, f"{precision}: windows", here, expected)


def _compare(bench: Bench, name: str, expected: _Spoken, spoken: _Spoken) -> None:
    """Counts utterances whose tokens are those of the CPU, one after another."""
    same = 0
    for number, (theirs, ours) in enumerate(zip(expected.codes, spoken.codes, strict=True)):
        if torch.equal(theirs, ours):
            same += 1
        else:
            frames = min(theirs.shape[1], ours.shape[1])
            differ = (theirs[:, :frames] != ours[:, :frames]).any(dim=0).nonzero()
            where = int(differ[0]) if len(differ) else frames
            print(f"  {name}: text {number} differs from frame {where} on, of {theirs.shape[1]} and {ours.shape[1]}")
    bench.report.figure(f"{name}: texts with the CPU's tokens", [float(same)], "", at_least=float(len(_TEXTS)))


def _windows(bench: Bench, name: str, model: ParlerModel, expected: _Spoken) -> None:
    """The same tokens decoded in chunks and at once, here and on the CPU."""
    scheduled = _speak(model, graphs=False, together=True)
    worst_here, worst_there = 0.0, 0.0
    with torch.inference_mode():
        for codes, heard, there in zip(scheduled.codes, scheduled.waveforms, expected.waveforms, strict=True):
            whole = model.codec(codes[None].to(model.device))[0].cpu().numpy()
            worst_here = max(worst_here, float(np.abs(whole - heard).max(initial=0.0)))
            if there.shape == heard.shape:
                worst_there = max(worst_there, float(np.abs(there - heard).max(initial=0.0)))
    bench.report.figure(
        f"{name}: largest difference to the whole", [worst_here * 1e6], "1e-6", at_most=WINDOWS_ERROR * 1e6
    )
    bench.report.figure(f"{name}: largest difference to the CPU", [worst_there * 1e6], "1e-6")


def _speak(model: ParlerModel, *, graphs: bool, together: bool) -> _Spoken:
    """Speaks the texts one after another, or joining a batch of eight while others go on."""

    def make(batch: Batch) -> Runner:
        eager = EagerRunner(batch)
        return GraphRunner(batch, eager) if graphs else eager

    rows = len(_TEXTS) if together else 1
    scheduler = Scheduler(model, CacheSize(rows, _POSITIONS, CROSS_POSITIONS), make_runner=make)
    if graphs:
        with torch.inference_mode():
            scheduler.runner.warm_up()
        if scheduler.runner.state is State.FALLBACK:
            raise RuntimeError(scheduler.runner.detail)
    voice = model.describe(DESCRIPTION)
    pieces: list[list[Piece]] = [[] for _ in _TEXTS]
    streams: list[Stream] = []
    step = 0
    while len(streams) < len(_TEXTS) or scheduler.busy:
        while len(streams) < len(_TEXTS) and (_JOINS[len(streams)] <= step if together else not scheduler.busy):
            number = len(streams)
            text, frames = _TEXTS[number]
            temperature = 1.0 if number in _SAMPLED else 0.0
            sampling = Sampling(frames, min_columns=10, temperature=temperature, seed=number)
            plan = ChunkPlan(first=4, largest=20)
            streams.append(scheduler.add(Request(model.prompt_ids(text), voice, sampling, plan), _keep(pieces[number])))
        scheduler.step()
        step += 1
    waveforms = [np.concatenate([piece.samples for piece in heard]) for heard in pieces]
    return _Spoken([stream.codes.clone() for stream in streams], waveforms)


def _keep(pieces: list[Piece]) -> Listener:
    def listen(told: Piece | Exception | None) -> None:
        if isinstance(told, Exception):
            raise told
        if told is not None:
            pieces.append(told)

    return listen
