"""How a step of the batch is run: as it is written, or as captured CUDA graphs.

At small batches a GPU finishes a kernel before the CPU has launched the next one; a graph launches all of a step's kernels at
once. A graph has fixed shapes, so one is captured for each rung of a ladder of batch sizes and context lengths, and a step takes
the smallest that holds it.
"""

import bisect
import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import torch

from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize, LayerCache
from maatu_tts.engine.parler.decoder import Where

log = logging.getLogger(__name__)

_CONTEXT_BUCKET = 64
"""Without graphs the context is rounded up to this, so that memory is asked for in few sizes."""
_WARM_UP_RUNS = 2
"""Runs before a capture: libraries make their choices and their buffers in them."""


class State(Enum):
    """What became of compiling and capturing. The names are those of maatu_tts.engine.base.CompileState."""

    OFF = "off"
    WARMING_UP = "warming up"
    READY = "ready"
    FALLBACK = "fallback"


class Runner(ABC):
    """Runs steps.

    Attributes:
        state: What became of compiling and capturing.
        detail: Why it fell back, or "".
        graphs: CUDA graphs captured.
    """

    state = State.OFF
    detail = ""
    graphs = 0

    @abstractmethod
    def warm_up(self) -> None:
        """Makes the first step as quick as the thousandth. No row may be in use."""

    @abstractmethod
    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        """Runs Batch.step with these arguments."""


class EagerRunner(Runner):
    """Runs the step as it is written.

    Args:
        batch: Whose step it is.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._positions = batch.size.positions

    def warm_up(self) -> None:
        """Runs the step with one row, with two and with all."""
        size = self._batch.size
        for rows in sorted({1, min(2, size.rows), size.rows}):
            # Torch.compile makes special versions for 1 and for sizes that are equal by chance: these are one of their kind.
            self.run(rows, _CONTEXT_BUCKET + 1, max(1, size.cross_positions - 1), greedy=False)

    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        """Runs Batch.step with these arguments, the context rounded up."""
        context = min(-(-context // _CONTEXT_BUCKET) * _CONTEXT_BUCKET, self._positions)
        self._batch.step(rows, context, cross_context, greedy=greedy)


class CompiledRunner(EagerRunner):
    """Runs the step with its layers compiled by torch.compile, once for all layers and shapes. Prefills run as they are written.

    Args:
        batch: Whose step it is.
        compile_layer: Compiles a layer's forward method.
    """

    def __init__(self, batch: Batch, compile_layer: Callable[..., Callable[..., torch.Tensor]] = torch.compile) -> None:
        super().__init__(batch)
        self._compile = compile_layer

    def warm_up(self) -> None:
        """Compiles. What fails is undone, and the step runs as it is written."""
        self.state = State.WARMING_UP
        layers = list(self._batch.layers)
        written = [layer.forward for layer in layers]
        try:
            for layer in layers:
                layer.forward = _for_steps(self._compile(layer.forward, dynamic=True), layer.forward)
            super().warm_up()
        except Exception as error:  # compilers fail in ways of their own; the model runs without
            for layer, forward in zip(layers, written, strict=True):
                layer.forward = forward
            self.state, self.detail = State.FALLBACK, f"torch.compile failed: {_first_line(error)}"
            log.warning("%s; going on without", self.detail)
            super().warm_up()
            return
        self.state = State.READY


class GraphRunner(Runner):
    """Replays CUDA graphs; runs a step that no graph holds by another runner.

    Args:
        batch: Whose step it is.
        otherwise: Runs the step while it is captured, and where there is no graph.
    """

    def __init__(self, batch: Batch, otherwise: EagerRunner) -> None:
        self._batch = batch
        self._otherwise = otherwise
        self._rows = ladder(batch.size.rows)
        self._contexts = contexts(batch.size, by_lengths=batch.by_lengths)
        self._graphs: dict[tuple[int, int], torch.cuda.CUDAGraph] = {}
        self._stream: torch.cuda.Stream | None = None

    def warm_up(self) -> None:
        """Captures the ladder, the largest first, so that all share the largest one's memory. If that fails, none is used."""
        self._otherwise.warm_up()
        self.state = State.WARMING_UP
        pool: Any = None
        try:
            for rows in reversed(self._rows):
                for context in reversed(self._contexts):
                    graph = self._capture(rows, context, pool)
                    pool = pool or graph.pool()
                    self._graphs[rows, context] = graph
        except (RuntimeError, torch.OutOfMemoryError) as error:
            self._graphs.clear()
            # What went wrong first says why; ending the capture then fails as well.
            cause = error.__context__ or error
            self.state, self.detail = State.FALLBACK, f"capturing CUDA graphs failed: {_first_line(cause)}"
            log.warning("%s; going on without", self.detail)
            return
        self.graphs = len(self._graphs)
        self.state = State.READY
        if self._otherwise.state is State.FALLBACK:
            self.state, self.detail = State.FALLBACK, self._otherwise.detail

    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        """Replays the smallest graph that holds the step. Rows beyond `rows` are not active: they change nothing."""
        rung = bisect.bisect_left(self._rows, rows), bisect.bisect_left(self._contexts, context)
        if not self._graphs or rung[0] == len(self._rows) or rung[1] == len(self._contexts):
            self._otherwise.run(rows, context, cross_context, greedy=greedy)
            return
        self._graphs[self._rows[rung[0]], self._contexts[rung[1]]].replay()

    def _capture(self, rows: int, context: int, pool: Any) -> torch.cuda.CUDAGraph:
        def step() -> None:
            self._batch.step(rows, context, self._batch.size.cross_positions, greedy=False)

        # One stream for all: libraries keep their buffers by stream.
        self._stream = self._stream or torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(_WARM_UP_RUNS):
                step()
        torch.cuda.current_stream().wait_stream(self._stream)
        return capture(step, pool, self._stream)


def capture(
    run: Callable[[], object], pool: Any = None, stream: torch.cuda.Stream | None = None
) -> torch.cuda.CUDAGraph:
    """Captures what a function launches on a GPU; it has run before.

    Args:
        run: The function.
        pool: Of another graph, whose memory it shares.
        stream: To capture on.
    """
    graph, current = torch.cuda.CUDAGraph(), torch.cuda.current_stream()
    try:
        # Other threads may ask for memory meanwhile: descriptions are encoded in theirs.
        with torch.cuda.graph(graph, pool=pool, stream=stream, capture_error_mode="thread_local"):
            run()
    finally:
        # Where ending a capture fails, PyTorch does not leave the stream that it was on.
        torch.cuda.set_stream(current)
    return graph


def _for_steps(
    compiled: Callable[..., torch.Tensor], written: Callable[..., torch.Tensor]
) -> Callable[..., torch.Tensor]:
    """A layer's forward method, compiled for steps. Prefills would be compiled at their first use, while others listen."""

    def forward(x: torch.Tensor, cache: LayerCache, where: Where) -> torch.Tensor:
        return (compiled if where.step else written)(x, cache, where)

    return forward


def ladder(most: int) -> Sequence[int]:
    """Batch sizes that graphs are captured for: 1, 2, 4, then 8, 12, 16, 24, 32, 48 and so on, which waste a third of the rows at
    most."""
    rungs, power = [1, 2, 4], 8
    while rungs[-1] < most:
        rungs += [power, power + power // 2]
        power *= 2
    return sorted({min(rung, most) for rung in rungs})


def contexts(size: CacheSize, *, by_lengths: bool = False) -> Sequence[int]:
    """Context lengths that graphs are captured for. Where rows read their own lengths they only say how to share the work."""
    rungs = [512, size.positions] if by_lengths else [256, 512, 768, 1024, 1536, 2048, 3072, 4096]
    return sorted({min(rung, size.positions) for rung in rungs})


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200] if str(error).strip() else ''}"
