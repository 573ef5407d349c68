"""The rows that are decoded together, and the step that decodes one column of each.

Parler-TTS delays codebook k by k columns: column s holds frame s-1-k of codebook k, a begin token where that is negative, and an
end token past the last frame. Column 0 is all begin tokens. What follows is the arithmetic of parler_tts 0.2.3's generate
(its delay pattern mask and ParlerTTSLogitsProcessor), for one column at a time and for rows that are at different columns.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from maatu_tts.engine.parler.cache import CacheSize, KeyValueCache
from maatu_tts.engine.parler.loader import ParlerModel, Voice
from maatu_tts.engine.parler.sampler import SamplerSettings, allowed, choose


@dataclass(frozen=True)
class _State:
    """Where each row is; all lies on the device, and every step changes it in place."""

    tokens: Tensor
    """[rows, codebooks] The column that goes in next."""
    column: Tensor
    """[rows] Number of the column that comes out next."""
    position: Tensor
    """[rows] Where in the cache the column that goes in is written."""
    finished: Tensor
    """[rows, codebooks] bool: the codebook has emitted its end."""
    unfinished: Tensor
    """[rows] First codebook that may still go on. Those after it may not end before it has."""
    active: Tensor
    """[rows] bool: the step counts. Other rows are computed and forgotten."""
    max_frames: Tensor
    min_columns: Tensor
    temperature: Tensor
    seed: Tensor

    @classmethod
    def zeros(cls, rows: int, codebooks: int, device: torch.device) -> "_State":
        """No row is active."""

        def make(*shape: int, dtype: torch.dtype = torch.long) -> Tensor:
            return torch.zeros(*shape, dtype=dtype, device=device)

        return cls(
            tokens=make(rows, codebooks),
            column=make(rows),
            position=make(rows),
            finished=make(rows, codebooks, dtype=torch.bool),
            unfinished=make(rows),
            active=make(rows, dtype=torch.bool),
            max_frames=make(rows),
            min_columns=make(rows),
            temperature=make(rows, dtype=torch.float32),
            seed=make(rows),
        )


@dataclass(frozen=True)
class Sampling:
    """How one stream is sampled and when it ends."""

    max_frames: int
    """It ends here at the latest."""
    min_columns: int = 0
    """It does not end before so many columns."""
    temperature: float = 1.0
    """0: always the likeliest token."""
    seed: int = 0
    """The same seed gives the same tokens."""


class Batch:
    """Rows of streams at different places, decoded a column at a time.

    Args:
        model: What decodes.
        size: Rows and their lengths.
        settings: Of sampling.
    """

    def __init__(self, model: ParlerModel, size: CacheSize, settings: SamplerSettings) -> None:
        self.size = size
        self._decoder = model.decoder
        self._config = config = model.config.decoder
        self._settings = settings
        self._cache = KeyValueCache(config, size, model.activations, model.device)
        self._state = _State.zeros(size.rows, config.codebooks, model.device)
        self._rows = torch.arange(size.rows, device=model.device)
        self._books = torch.arange(config.codebooks, device=model.device)
        self._nonsense = ~allowed(model.config.codec.codebook_size, config.eos, config.vocabulary, model.device)
        self._lengths = [0] * size.rows

    @property
    def by_lengths(self) -> bool:
        """A step costs what its rows hold; otherwise all rows cost what the longest one does."""
        return self._decoder.by_lengths

    @property
    def layers(self) -> nn.ModuleList:
        """The decoder's layers, for compiling."""
        return self._decoder.layers

    def begin(self, row: int, voice: Voice, sampling: Sampling, prompt: Tensor | None = None) -> None:
        """Gives a row to a stream. It takes no part in steps until `activate`.

        Args:
            row: Of the batch.
            voice: Its description.
            sampling: How it is sampled.
            prompt: Keys and values of a cross-attended prompt.
        """
        keys_values = voice.keys_values
        if prompt is not None:
            keys_values = torch.cat([keys_values, prompt], dim=2)
        self._cache.set_cross(row, keys_values)
        self._lengths[row] = keys_values.shape[2]
        state = self._state
        state.tokens[row] = self._config.bos
        state.column[row] = 1
        state.position[row] = 0
        state.finished[row] = False
        state.unfinished[row] = 0
        state.active[row] = False
        state.max_frames[row] = sampling.max_frames
        state.min_columns[row] = sampling.min_columns
        state.temperature[row] = sampling.temperature
        state.seed[row] = sampling.seed

    def prefill(self, row: int, inputs: Tensor, start: int) -> None:
        """Puts inputs into a row's cache: [length, hidden], from position `start` on."""
        length = len(inputs)
        rows = self._rows[row : row + 1]
        where = self._decoder.where(
            slice(row, row + 1),
            rows,
            torch.arange(start, start + length, device=rows.device)[None],
            start + length,
            self._cache.cross_lengths[rows],
            self._lengths[row],
        )
        self._decoder(inputs[None], self._cache, where)
        # A step that passes over the row before it is active writes there, and the next prefill over that.
        self._state.position[row] = start + length

    def prefill_together(self, rows: list[int], inputs: list[Tensor]) -> None:
        """Puts inputs into the caches of several rows in one pass, from position 0 on: for each row [length, hidden].

        Shorter ones are filled up. What that writes beyond their ends is not seen before it is written over.
        """
        longest = max(len(one) for one in inputs)
        filled = torch.stack([functional.pad(one, (0, 0, 0, longest - len(one))) for one in inputs])
        numbers = torch.tensor(rows, device=self._rows.device)
        where = self._decoder.where(
            numbers,
            numbers,
            torch.arange(longest, device=numbers.device).expand(len(rows), -1),
            longest,
            self._cache.cross_lengths[numbers],
            max(self._lengths[row] for row in rows),
        )
        self._decoder(filled, self._cache, where)
        self._state.position[numbers] = torch.tensor([len(one) for one in inputs], device=numbers.device)

    def activate(self, row: int) -> None:
        """Lets a row take part in steps: its prompt is in the cache."""
        self._state.active[row] = True

    def resume(self, row: int, column: Tensor, count: int, finished: Tensor, unfinished: int) -> None:
        """Brings a row to where a stream was that lost its place; its prompt and all columns before the last are prefilled.

        Args:
            row: Of the batch.
            column: [codebooks] The last column that came out.
            count: How many came out.
            finished: [codebooks] bool, and
            unfinished: first codebook that may go on, as `progress` gave them.
        """
        self._state.tokens[row] = column
        self._state.column[row] = count + 1
        self._state.finished[row] = finished
        self._state.unfinished[row] = unfinished

    def embed(self, columns: Tensor) -> Tensor:
        """Columns [length, codebooks] as inputs of a prefill, [length, hidden]."""
        return self._decoder.embed(columns)

    def step(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        """Decodes one column of the first rows. Reads and writes nothing but the state and the cache: it can be captured.

        Args:
            rows: How many.
            context: More than the largest position among them.
            cross_context: At least the longest description among them.
            greedy: None of them samples.
        """
        state = _State(**{field.name: getattr(self._state, field.name)[:rows] for field in fields(_State)})
        where = self._decoder.where(
            slice(0, rows),
            self._rows[:rows],
            state.position[:, None],
            context,
            self._cache.cross_lengths[:rows],
            cross_context,
            step=True,
        )
        hidden = self._decoder(self._decoder.embed(state.tokens)[:, None], self._cache, where)[:, 0]
        scores = self._decoder.scores(hidden).masked_fill(self._nonsense, -torch.inf)

        eos, last = self._config.eos, self._config.codebooks - 1
        behind = state.finished.gather(1, state.unfinished[:, None])[:, 0] & (state.unfinished < last)
        unfinished = state.unfinished + behind.long()
        may_end = (self._books <= unfinished[:, None]) & (state.column > state.min_columns)[:, None]
        scores[..., eos].masked_fill_(~may_end, -torch.inf)
        chosen = choose(scores, state.temperature, state.seed, state.column, self._settings, greedy=greedy)
        chosen = chosen.masked_fill(state.finished, eos)
        frames = state.column[:, None] - 1 - self._books
        tokens = chosen.masked_fill(frames < 0, self._config.bos)
        tokens = tokens.masked_fill(frames >= state.max_frames[:, None], eos)

        active = state.active
        state.tokens.copy_(torch.where(active[:, None], tokens, state.tokens))
        state.finished.logical_or_((chosen == eos) & active[:, None])
        state.unfinished.copy_(torch.where(active, unfinished, state.unfinished))
        state.column.add_(active)
        state.position.add_(active)

    def columns(self, rows: int) -> Tensor:
        """The columns that the last step brought for the first rows, on the CPU: [rows, codebooks]."""
        return self._state.tokens[:rows].to("cpu", copy=True)

    def progress(self, row: int) -> tuple[Tensor, int]:
        """What `resume` needs: which codebooks are finished [codebooks], and the first one that may go on."""
        return self._state.finished[row].clone(), int(self._state.unfinished[row])

    def cross_context(self, rows: int) -> int:
        """The longest description among the first rows."""
        return max(self._lengths[:rows])

    def move(self, source: int, target: int, position: int) -> None:
        """Moves a stream, which has written `position` positions, to a row that is free."""
        self._cache.move(source, target, position, self._lengths[source])
        self._lengths[target] = self._lengths[source]
        for field in fields(_State):
            tensor = getattr(self._state, field.name)
            tensor[target] = tensor[source]

    def release(self, row: int) -> None:
        """A row takes no part in steps any more."""
        self._state.active[row] = False
        # A graph for more rows than are in use computes it all the same, and reads as much of the cache as its position says.
        self._state.position[row] = 0

    def place(self, rows: int, position: int) -> None:
        """For measuring: the first rows are at a position, whatever the cache holds up to there, all others at the start."""
        self._state.position[:rows] = position
        self._state.position[rows:] = 0
