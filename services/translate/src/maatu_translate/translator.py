"""Translates texts: cut into sentences, each from the cache or the engine, judged, mended, and given on at once."""

import asyncio
import re
import threading
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import sentencex

from maatu_runtime.errors import InvalidRequest, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_runtime.places import Places, Priority
from maatu_runtime.streams import settle
from maatu_translate import metrics
from maatu_translate.engine.base import Direction, Engine, Output, Segment, TranslationWarning, WarningKind
from maatu_translate.engine.guards import complaint, match_ending, restore_phrases

LONGEST_PIECE_CHARS = 400
"""A sentence longer than this is cut: a small model drops most of it without a sign, and it keeps a worker for seconds."""
IDENTITY = "identity"
"""Name of the model where source and target language are the same, or the text has no letter or digit."""

_BREAK = re.compile(r"\s+")


@dataclass
class Summary:
    """What is known of a translation once it is done."""

    model: str
    cached: bool = False
    """Every sentence came from the cache."""
    compute_s: float = 0.0
    """Time the model worked."""
    warnings: list[TranslationWarning] = field(default_factory=list)


class Translator:
    """Translates for any number of callers at once.

    Args:
        engine: What translates.
        workers: Sentences it works on at once.
        max_waiting: Sentences that may wait for it.
        cache_entries: Sentences remembered.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, engine: Engine, *, workers: int, max_waiting: int, cache_entries: int, clock: Callable[[], float]
    ) -> None:
        self._engine = engine
        self._places = Places(workers, waiting=max_waiting, subject="translate/sentences")
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="translate")
        self._cache: OrderedDict[tuple[str, Direction], Output] = OrderedDict()
        self._cache_entries = cache_entries
        self._clock = clock
        metrics.WAITING.set_function(lambda: self._places.waiting)

    @property
    def model(self) -> str:
        """Name of the engine's model."""
        return self._engine.name

    @property
    def directions(self) -> frozenset[Direction]:
        """What is served, identity aside."""
        return self._engine.directions

    def capacity(self) -> tuple[int, int]:
        """(sentences being translated, sentences at once)."""
        return self._places.in_use, self._places.count

    async def load(self) -> None:
        """Loads the engine's model."""
        await asyncio.get_running_loop().run_in_executor(self._executor, self._engine.load)

    async def close(self) -> None:
        """Releases it."""
        await asyncio.to_thread(self._executor.shutdown)
        self._engine.close()

    def check_direction(self, source: Language, target: Language, model: str = "") -> None:
        """Makes sure that a direction is served.

        Raises:
            UnsupportedLanguage: The message lists what is.
            InvalidRequest: No such model.
        """
        if model not in ("", self.model, IDENTITY if source.matches(target) else ""):
            raise InvalidRequest(f'no model is named "{model[:80]}": "{self.model}" is served', field="model")
        if not source.matches(target) and Direction(source.code, target.code) not in self.directions:
            served = ", ".join(sorted(f"{direction.source} → {direction.target}" for direction in self.directions))
            raise UnsupportedLanguage(
                f"{source} → {target} is not served: what is, is {served}", field="target_language_code"
            )

    async def translate(
        self,
        text: str,
        source: Language,
        target: Language,
        *,
        keep_phrases: Sequence[str] = (),
        priority: Priority = Priority.INTERACTIVE,
    ) -> AsyncGenerator[Segment | Summary]:
        """Yields the segments of a translation in order, each when it is done, then its summary.

        Args:
            text: Any number of sentences.
            source: Its language.
            target: The language wanted; the same as `source` gives the text back, as does a text without letter or digit.
            keep_phrases: Parts of the text that come through letter by letter.
            priority: What goes first when all workers are busy.

        Raises:
            CapacityExceeded: Too many sentences wait already.
            ModelFailed: The model broke; what was yielded is not the whole.
        """
        if source.matches(target) or not _says_something(text):  # of emoji alone a model makes anything
            yield Segment(0, text, text)
            yield Summary(IDENTITY)
            return
        direction = Direction(source.code, target.code)
        summary = Summary(self.model, cached=True)
        for index, piece in enumerate(cut_into_sentences(text, source.code)):
            sentence = piece.strip()
            output = await self._one(sentence, direction, priority, summary)
            # Looking for many phrases in a long sentence takes a second: not on everybody's event loop.
            translated = await asyncio.to_thread(self._judge, index, sentence, output, direction, keep_phrases, summary)
            # The space around each sentence goes with it, so that the segments join to the whole.
            begin = piece[: len(piece) - len(piece.lstrip())]
            yield Segment(index, begin + translated + piece[len(piece.rstrip()) :], piece)
        for warning in summary.warnings:
            metrics.WARNINGS.labels(warning.kind.value).inc()
        yield summary

    async def _one(self, sentence: str, direction: Direction, priority: Priority, summary: Summary) -> Output:
        key = (sentence, direction)
        if (known := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            metrics.CACHE.labels("hit").inc()
            return known
        summary.cached = False
        metrics.CACHE.labels("miss").inc()
        async with self._places.take(priority):
            began = self._clock()
            output = await self._in_thread(sentence, direction)
            took_s = self._clock() - began
        summary.compute_s += took_s
        metrics.SENTENCE.labels(*direction).observe(took_s)
        metrics.CHARACTERS.labels(*direction).inc(len(sentence))
        if self._cache_entries:
            self._cache[key] = output
            while len(self._cache) > self._cache_entries:
                self._cache.popitem(last=False)
        return output

    async def _in_thread(self, sentence: str, direction: Direction) -> Output:
        """Runs the engine in a worker thread. A caller that leaves stops it and waits until it has stopped."""
        cancelled = threading.Event()
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._executor, self._engine.translate, sentence, direction, cancelled)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            cancelled.set()
            await settle(work)
            raise

    def _judge(
        self,
        index: int,
        sentence: str,
        output: Output,
        direction: Direction,
        keep_phrases: Sequence[str],
        summary: Summary,
    ) -> str:
        if (why := complaint(sentence, output.text, direction.target)) is not None:
            summary.warnings.append(TranslationWarning(WarningKind.SOURCE_TEXT_KEPT, index, why))
            return sentence
        if output.truncated:
            message = "the output reached its greatest length and was cut"
            summary.warnings.append(TranslationWarning(WarningKind.TRUNCATED, index, message))
        text, restored = restore_phrases(sentence, match_ending(sentence, output.text), keep_phrases)
        for phrase in restored:
            message = f'"{phrase}" did not come through and was put in'
            summary.warnings.append(TranslationWarning(WarningKind.PHRASE_RESTORED, index, message))
        return text


def cut_into_sentences(text: str, language: str) -> list[str]:
    """Cuts a text into sentences with the space around them; joined, they are the text.

    A sentence of more than LONGEST_PIECE_CHARS is cut further, after a comma or a space where it has one. A piece without a
    letter or digit goes with the one before it, or with the next where it is the first.
    """
    pieces: list[str] = []
    at = 0
    for found in sentencex.segment(language, text):
        end = text.index(found.strip(), at) + len(found.strip()) if found.strip() else at
        while end < len(text) and text[end].isspace():
            end += 1
        sentence, at = text[at:end], end
        for piece in _cut_long(sentence):
            if pieces and not (_says_something(piece) and _says_something(pieces[-1])):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces


def _cut_long(sentence: str) -> Iterator[str]:
    """The pieces of a sentence, each short enough; none of an empty one."""
    while len(sentence.strip()) > LONGEST_PIECE_CHARS:
        # Only the second half is searched, so that a comma at the very start makes no stub.
        ends = [found.end() for found in _BREAK.finditer(sentence, LONGEST_PIECE_CHARS // 2, LONGEST_PIECE_CHARS)]
        commas = [end for end in ends if not sentence[:end].rstrip()[-1:].isalnum()]
        end = (commas or ends or [LONGEST_PIECE_CHARS])[-1]
        yield sentence[:end]
        sentence = sentence[end:]
    if sentence:
        yield sentence


def _says_something(piece: str) -> bool:
    return any(map(str.isalnum, piece))
