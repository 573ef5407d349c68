"""Translates texts: cut into sentences, each from the cache or a model, judged, mended, and given on at once."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from maatu_runtime.language import Language
from maatu_runtime.places import Priority
from maatu_translate import metrics
from maatu_translate.cache import TranslationCache
from maatu_translate.cutting import cut_into_sentences, says_something, set_apart
from maatu_translate.engine.base import Context, Direction, Segment, Sentence, TranslationWarning
from maatu_translate.judging import Attempt, judge, second_sentence
from maatu_translate.models import Model, Models
from maatu_translate.normalise import normalise
from maatu_translate.numerals import to_native

IDENTITY = "identity"
"""Name of the model where source and target language are the same, or the text has no letter or digit."""

_AHEAD = 8
"""Sentences of one text that are translated at once, so that a long text fills batches and does not fill the queue."""
_REMEMBERED_CLAUSES = 1024
"""Delivered translations that can serve as context."""


@dataclass(frozen=True)
class Request:
    """A text to translate."""

    text: str
    """Any number of sentences."""
    source: Language
    """Its language."""
    target: Language
    """The language wanted. The same as `source` gives the text back, unless a model tells their scripts or regions apart; so does
    a text without letter or digit."""
    model: str = ""
    """Name of the model; empty: the first that has the pair."""
    keep_phrases: Sequence[str] = ()
    """Parts of the text that come through letter by letter, besides numbers, times, prices, addresses and codes."""
    context: str = ""
    """The clause before, in the source language, for what pronouns refer to."""
    native_numerals: bool = False
    """Write numbers in the digits of the target's script."""
    priority: Priority = Priority.INTERACTIVE
    """What goes first when the model is busy."""


@dataclass
class Summary:
    """What is known of a translation once it is done."""

    model: str
    cached: bool = True
    """Every sentence came from the cache."""
    compute_s: float = 0.0
    """Time the model worked."""
    warnings: list[TranslationWarning] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """A sentence of the text with the space around it, and what became of it."""

    index: int
    source_text: str
    translation: str
    warnings: list[TranslationWarning]
    compute_s: float | None
    """Time the model worked on it; None where it came from the cache."""


class Translator:
    """Translates for any number of callers at once.

    Args:
        models: What translates.
        cache: What was translated before.
        second_attempt: Translate once more what is unusable or lost something: with a wider search, or a number that was lost in
            digits.
        use_context: Show the models the clause before, where its translation is known.
    """

    def __init__(
        self, models: Models, cache: TranslationCache, *, second_attempt: bool = True, use_context: bool = False
    ) -> None:
        self.models = models
        self._cache = cache
        self._second_attempt = second_attempt
        self._use_context = use_context
        self._clauses: OrderedDict[tuple[Direction, str], str] = OrderedDict()
        metrics.WAITING.set_function(lambda: sum(model.batcher.waiting for model in models.all))

    def capacity(self) -> tuple[int, int]:
        """(batches being translated, batches at once)."""
        batchers = [model.batcher for model in self.models.all]
        return sum(batcher.running for batcher in batchers), sum(batcher.workers for batcher in batchers)

    async def load(self) -> None:
        """Loads the models and connects the cache."""
        await self._cache.warm_up()
        await self.models.load()

    async def close(self) -> None:
        """Releases them."""
        await self.models.close()
        await self._cache.close()

    async def translate(self, request: Request) -> AsyncGenerator[Segment | Summary]:
        """Yields the segments of a translation in order, each when it is done, then its summary.

        Raises:
            UnsupportedLanguage: No model has the pair; the message lists what is served.
            InvalidRequest: There is no such model.
            CapacityExceeded: Too many sentences wait already. Only before the first segment.
            ModelFailed: The model broke; what was yielded is not the whole.
        """
        if self._is_given_back(request):
            yield Segment(0, request.text, request.text)
            yield Summary(IDENTITY, cached=False)
            return
        model, direction = self.models.choose(request.source, request.target, request.model)
        if not says_something(request.text):  # of emoji alone a model makes anything
            yield Segment(0, request.text, request.text)
            yield Summary(IDENTITY, cached=False)
            return
        model.batcher.check_room()
        summary = Summary(model.name)
        pieces = deque(enumerate(cut_into_sentences(request.text, request.source.code)))
        ahead: deque[asyncio.Task[_Piece]] = deque()
        try:
            while pieces or ahead:
                while pieces and len(ahead) < _AHEAD:
                    index, piece = pieces.popleft()
                    work = self._piece(index, piece, request, model, direction)
                    ahead.append(asyncio.create_task(work, name="translate-sentence"))
                done = await asyncio.shield(ahead[0])
                ahead.popleft()
                summary.cached &= done.compute_s is None
                summary.compute_s += done.compute_s or 0.0
                summary.warnings += done.warnings
                yield Segment(done.index, done.translation, done.source_text)
        finally:
            for task in ahead:
                task.cancel()
            await asyncio.gather(*ahead, return_exceptions=True)
        for warning in summary.warnings:
            metrics.WARNINGS.labels(warning.kind.value).inc()
        yield summary

    def _is_given_back(self, request: Request) -> bool:
        """Whether a text is in the language wanted already."""
        if request.model == IDENTITY and request.source.matches(request.target):
            return True
        if not self.models.are_one(request.source, request.target):
            return False
        if request.model != IDENTITY:
            self.models.check_name(request.model)
        return True

    async def _piece(self, index: int, piece: str, request: Request, model: Model, direction: Direction) -> _Piece:
        if not says_something(piece):  # the middle of a thousand emoji
            return _Piece(index, piece, piece, [], None)
        before, said, after = set_apart(piece)
        text = normalise(said)
        context = self._context(request.context, direction) if self._use_context and index == 0 else None
        sentence = Sentence(text, direction, context)
        best, compute_s = await self._attempt(sentence, request, model)
        if best.loss and self._second_attempt:
            second, more_s = await self._attempt(second_sentence(sentence, best), request, model)
            best = min(best, second, key=lambda attempt: attempt.loss)
            compute_s = (compute_s or 0.0) + more_s if more_s is not None else compute_s
        if self._use_context:
            self._remember(text, direction, best.translation)
        warnings = [TranslationWarning(kind, index, message) for kind, message in best.warnings]
        if request.native_numerals:
            before = to_native(before, direction.target)
        # What stands around each sentence goes with it, so that the segments join to the whole.
        return _Piece(index, piece, before + best.translation + after, warnings, compute_s)

    async def _attempt(self, sentence: Sentence, request: Request, model: Model) -> tuple[Attempt, float | None]:
        """One translation of a sentence, judged and mended, and the time the model worked on it, None where it was known."""
        compute_s = None
        output = await self._cache.recall(model.version, sentence)
        if output is None:
            translated = await model.batcher.translate(sentence, request.priority)
            output, compute_s = translated.output, translated.compute_s
            metrics.SENTENCE.labels(*sentence.direction).observe(compute_s)
            metrics.CHARACTERS.labels(*sentence.direction).inc(len(sentence.text))
            self._cache.keep(model.version, sentence, output)
        # Looking for many phrases in a long sentence takes a while: not on everybody's event loop.
        judged = asyncio.to_thread(
            judge, sentence, output, request.keep_phrases, native_numerals=request.native_numerals
        )
        return await judged, compute_s

    def _context(self, text: str, direction: Direction) -> Context | None:
        """The clause before with its translation, where that is known: to translate it anew would cost more than it gives."""
        before = normalise(set_apart(text)[1])
        translation = self._clauses.get((direction, before))
        return Context(before, translation) if translation else None

    def _remember(self, text: str, direction: Direction, translation: str) -> None:
        self._clauses[direction, text] = translation
        self._clauses.move_to_end((direction, text))
        while len(self._clauses) > _REMEMBERED_CLAUSES:
            self._clauses.popitem(last=False)
