"""Continuous batching: streams join and leave at any step, and one step decodes a column of each.

`step` is the whole engine: join, prefill, decode, speak. It runs in one thread, which is the only one that touches what is here.
"""

import heapq
import itertools
import logging
import time
from collections import deque
from collections.abc import Callable

import torch

from maatu_runtime.places import Priority
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.runner import EagerRunner, Runner
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.speaker import Speaker
from maatu_tts.engine.parler.stream import Listener, Request, Stream

log = logging.getLogger(__name__)

_FIRST_OF_ALL = max(Priority) + 1
"""Priority of streams that lost their row."""
_STEP_WINDOW_S = 60.0
"""Time over which steps are counted."""
_IDLE_PREFILL_TOKENS = 512
"""Inputs prefilled at once while nobody is being decoded, and so nobody waits for it."""
_PAUSE_S = 1.0
"""Steps further apart had nothing to do between them."""


class Scheduler:
    """Runs streams on a model.

    Args:
        model: What decodes.
        size: Rows of the batch, and their lengths.
        settings: Of sampling.
        prefill_tokens: Inputs prefilled between two steps while others are being decoded: about what costs as much as a step.
        codec_frames: Frames decoded to audio at once, with their context; the rest waits for the next step.
        make_runner: Makes what runs the batch's steps.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        model: ParlerModel,
        size: CacheSize,
        settings: SamplerSettings | None = None,
        *,
        prefill_tokens: int = 16,
        codec_frames: int = 256,
        make_runner: Callable[[Batch], Runner] = EagerRunner,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.model = model
        self.limit = size.rows
        """Rows in use at most; shrinks when memory runs out."""
        self.batch = Batch(model, size, settings or SamplerSettings())
        self.runner = make_runner(self.batch)
        self._prefill_tokens = prefill_tokens
        self._speaker = Speaker(model, codec_frames, clock)
        self._clock = clock
        self._rows: list[Stream] = []
        self._waiting: list[tuple[int, int, Stream]] = []
        self._tickets = itertools.count()
        self._steps: deque[float] = deque()
        self._step_s = 0.0

    @property
    def busy(self) -> bool:
        """There is something to do."""
        return bool(self._rows or self._speaker or self._waiting)

    @property
    def rows_in_use(self) -> int:
        """Streams that have a row."""
        return len(self._rows)

    @property
    def waiting(self) -> int:
        """Streams that wait for a row."""
        return len(self._waiting)

    @property
    def steps_per_second(self) -> float:
        """Over the last minute in which it had work; 0 before the first step."""
        since = self._clock() - _STEP_WINDOW_S
        # A copy: this is asked from other threads while steps go on.
        return sum(ended >= since for ended in self._steps.copy()) / _STEP_WINDOW_S

    def seconds_until_free(self) -> float:
        """Until a row is free at the latest, if steps go on as they did; 0 if one is."""
        rows = list(self._rows)
        if len(rows) < self.limit:
            return 0.0
        return min(stream.frames_to_come for stream in rows) * self._step_s

    def add(self, request: Request, listener: Listener) -> Stream:
        """Takes a stream in. It begins when a row is free and nobody of a higher priority waits."""
        codec = self.model.config.codec
        stream = Stream(request, listener, self.model.config.decoder.codebooks, codec.hop / codec.sample_rate_hz)
        heapq.heappush(self._waiting, (-request.priority, next(self._tickets), stream))
        return stream

    def cancel(self, stream: Stream) -> None:
        """Forgets a stream; its row is free at once. The others decode what they would have."""
        stream.closed = True
        self._leave(stream)
        self._waiting = [entry for entry in self._waiting if entry[2] is not stream]
        heapq.heapify(self._waiting)
        self._speaker.forget(stream)

    def fail(self, error: Exception) -> None:
        """Ends all streams with an error. All are told and forgotten before the batch is touched, which may be broken as well."""
        streams = dict.fromkeys([*self._rows, *self._speaker.streams, *(entry[2] for entry in self._waiting)])
        rows = len(self._rows)
        self._rows.clear()
        self._waiting.clear()
        for stream in streams:
            stream.row, stream.decoding = None, False
            self._speaker.forget(stream)
            try:
                stream.fail(error)
            except Exception:
                log.exception("a listener could not be told")
        for row in range(rows):
            self.batch.release(row)

    @torch.inference_mode()
    def step(self) -> None:
        """Does what is due, once."""
        try:
            self._join()
            self._prefill()
            self._decode()
        except torch.OutOfMemoryError as error:
            self._shrink(error)
        for stream in self._speaker.speak():
            self._free_memory()
            self._leave(stream)

    def _join(self) -> None:
        """Gives free rows to those who wait."""
        while self._waiting and len(self._rows) < self.limit:
            stream = self._waiting[0][2]
            alone = stream.request.alone or any(other.request.alone for other in self._rows)
            if alone and self._rows:
                return
            heapq.heappop(self._waiting)
            stream.row = len(self._rows)
            self._rows.append(stream)
            request = stream.request
            attended = self.model.config.prompt_cross_attention
            prompt = self.model.attended_prompt(request.prompt_ids) if attended else None
            self.batch.begin(stream.row, request.voice, request.sampling, prompt)

    def _prefill(self) -> None:
        """Puts prompts into the cache: several short ones in one pass, a long one in parts while others are being decoded."""
        joining = [stream for stream in self._rows if not stream.decoding]
        if not joining:
            return
        inputs = {stream: self._inputs(stream) for stream in joining}
        for stream in [stream for stream in joining if not len(inputs[stream])]:
            # A prompt that is cross-attended needs no prefill.
            del inputs[stream]
            self._activate(stream)
        if not inputs:
            return
        first = next(iter(inputs))
        left = len(inputs[first]) - first.prefilled
        idle = not any(stream.decoding for stream in self._rows)
        budget = max(_IDLE_PREFILL_TOKENS, left) if idle else self._prefill_tokens
        began = self._clock()
        together = self._that_fit(inputs, budget)
        if len(together) > 1:
            self.batch.prefill_together([_row(stream) for stream in together], [inputs[stream] for stream in together])
            for stream in together:
                stream.prefilled = len(inputs[stream])
        else:
            together = [first]
            chunk = inputs[first][first.prefilled :][:budget]
            self.batch.prefill(_row(first), chunk, first.prefilled)
            first.prefilled += len(chunk)
        took_s = self._clock() - began
        for stream in together:
            stream.compute_s += took_s / len(together)
            if stream.prefilled == len(inputs[stream]):
                self._activate(stream)

    def _that_fit(self, inputs: dict[Stream, torch.Tensor], budget: int) -> list[Stream]:
        """Those first in line whose whole inputs, filled up to the longest, fit into the budget."""
        fitting: list[Stream] = []
        longest = 0
        for stream, needed in inputs.items():
            longest = max(longest, len(needed))
            if stream.prefilled or longest * (len(fitting) + 1) > budget:
                break
            fitting.append(stream)
        return fitting

    def _activate(self, stream: Stream) -> None:
        """Lets a stream take part in steps: its inputs are in the cache."""
        row = _row(stream)
        if stream.progress is not None:
            self.batch.resume(row, stream.columns[-1], stream.count, *stream.progress)
        self.batch.activate(row)
        stream.decoding = True
        self._speaker.add(stream)

    def _inputs(self, stream: Stream) -> torch.Tensor:
        """What stands in the cache before the column that goes in next: the prompt, and after a lost row the columns."""
        model, config = self.model, self.model.config
        ids = [] if config.prompt_cross_attention else stream.request.prompt_ids
        prompt = model.embedded_prompt(ids)
        if stream.progress is None:
            return prompt
        start = torch.full((1, config.decoder.codebooks), config.decoder.bos)
        columns = torch.cat([start, stream.columns[:-1]]).to(model.device)
        return torch.cat([prompt, self.batch.embed(columns)])

    def _decode(self) -> None:
        """One column of every stream whose prompt is in the cache."""
        decoding = [stream for stream in self._rows if stream.decoding]
        if not decoding:
            return
        rows = len(self._rows)
        began = self._clock()
        context = max(self._position(stream) for stream in self._rows) + 1
        greedy = all(stream.request.sampling.temperature == 0 for stream in decoding)
        self.runner.run(rows, context, self.batch.cross_context(rows), greedy=greedy)
        columns = self.batch.columns(rows).numpy()
        ended = self._clock()
        self._steps.append(ended)
        while self._steps[0] < ended - _STEP_WINDOW_S:
            self._steps.popleft()
        # Codec runs lie between the steps, so the time from step to step counts, smoothed.
        since = self._steps[-2] if len(self._steps) > 1 and began - self._steps[-2] < _PAUSE_S else began
        self._step_s = 0.9 * self._step_s + 0.1 * (ended - since) if self._step_s else ended - since
        for stream in decoding:
            stream.compute_s += (ended - began) / len(decoding)
            stream.add(columns[_row(stream)], self.model.config.decoder.eos)
        for stream in decoding:
            if stream.ended:
                self._leave(stream)

    def _position(self, stream: Stream) -> int:
        """Where in the cache a stream's next input is written."""
        if not stream.decoding:
            return stream.prefilled
        prompt = 0 if self.model.config.prompt_cross_attention else len(stream.request.prompt_ids)
        return prompt + stream.count

    def _leave(self, stream: Stream) -> None:
        """Frees a stream's row. The last row moves into the gap, so that rows in use are always the first ones."""
        if stream.row is None:
            return
        gap, last = stream.row, self._rows[-1]
        if last is not stream:
            # Where this breaks, both are still found among the rows, and are told.
            self.batch.move(_row(last), gap, self._position(last))
            last.row = gap
            self._rows[gap] = last
        self._rows.pop()
        stream.row, stream.decoding = None, False
        self.batch.release(len(self._rows))

    def _shrink(self, error: torch.OutOfMemoryError) -> None:
        """Takes half of the rows out of use. Their streams wait, and go on where they were when a row is free."""
        self._free_memory()
        rows = len(self._rows)
        if not rows:
            # There is nothing to give up, and with no rows at all nobody would be served again.
            raise error
        if rows == 1:
            stream = self._rows[0]
            self._leave(stream)
            self._speaker.forget(stream)
            stream.fail(error)
            return
        self.limit = rows // 2
        log.warning("out of memory with %d streams; at most %d at once from now on", rows, self.limit)
        for stream in self._rows[self.limit :]:
            # One that is not decoding has nothing yet, or is on its way back and has its progress still.
            if stream.decoding and len(stream.columns):
                stream.progress = self.batch.progress(_row(stream))
            self._leave(stream)
            stream.prefilled = 0
            # Before all others: somebody is listening already.
            heapq.heappush(self._waiting, (-_FIRST_OF_ALL, next(self._tickets), stream))

    def _free_memory(self) -> None:
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()


def _row(stream: Stream) -> int:
    assert stream.row is not None
    return stream.row
