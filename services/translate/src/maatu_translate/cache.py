"""The translation cache: what a model said of a sentence is not computed again, in this process or, with Redis, in any."""

import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from maatu_runtime.shared_cache import SharedCache
from maatu_translate import metrics
from maatu_translate.engine.base import Output, Sentence


class SharedTranslations(SharedCache):
    """Translations in Redis, by key.

    Args:
        url: Of Redis.
        ttl_s: A translation is forgotten after so long, used or not.
        timeout_s: Longest duration of a look-up; a caller waits for it.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, url: str, *, ttl_s: float, timeout_s: float = 0.01, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(
            url,
            prefix="maatu:translate:2:",
            name="translation_cache",
            ttl_s=ttl_s,
            timeout_s=timeout_s,
            on_error=metrics.SHARED_CACHE_ERRORS.inc,
            clock=clock,
        )


class TranslationCache:
    """What models said, by model and sentence, the least used forgotten first.

    It holds the output of the model as it came, so that what is made of it for one caller (kept phrases, numerals) reaches no
    other. A truncated output is kept too: the model would say it again.

    Args:
        entries: Sentences remembered in memory; 0 turns the cache off, the shared one too.
        shared: Translations of all processes, looked up after those of this one.
    """

    def __init__(self, entries: int, shared: SharedTranslations | None = None) -> None:
        self._entries = entries
        self._shared = shared if entries else None
        self._outputs: OrderedDict[tuple[str, Sentence], Output] = OrderedDict()

    async def warm_up(self) -> None:
        """Connects to the shared translations."""
        if self._shared is not None:
            await self._shared.warm_up()

    async def close(self) -> None:
        """Closes the connections."""
        if self._shared is not None:
            await self._shared.close()

    async def recall(self, model: str, sentence: Sentence) -> Output | None:
        """What a model said of a sentence; None where that is not known.

        Args:
            model: Name and version of the model: two versions do not answer for each other.
            sentence: The sentence with its context.
        """
        if not self._entries:
            return None
        key = (model, sentence)
        if (known := self._outputs.get(key)) is not None:
            self._outputs.move_to_end(key)
            metrics.CACHE.labels("hit").inc()
            return known
        if self._shared is not None and (data := await self._shared.get(_digest(*key))) is not None:
            output = _read(data)
            if output is not None:
                self._put(key, output)
                metrics.CACHE.labels("shared_hit").inc()
                return output
        metrics.CACHE.labels("miss").inc()
        return None

    def keep(self, model: str, sentence: Sentence, output: Output) -> None:
        """Remembers what a model said."""
        if not self._entries:
            return
        key = (model, sentence)
        self._put(key, output)
        if self._shared is not None:
            found = [[one.text, one.truncated] for one in (output, *output.alternatives)]
            self._shared.put(_digest(*key), json.dumps(found).encode())

    def _put(self, key: tuple[str, Sentence], output: Output) -> None:
        self._outputs[key] = output
        while len(self._outputs) > self._entries:
            self._outputs.popitem(last=False)


def _digest(model: str, sentence: Sentence) -> str:
    """A key that tells nobody who looks into Redis what was asked."""
    parts = [model, *sentence.direction, sentence.careful, sentence.text, *(sentence.context or ())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _read(data: bytes) -> Output | None:
    """Reads what `keep` wrote; None where it is something else."""
    try:
        best, *others = (_read_one(*one) for one in json.loads(data))
    except (ValueError, TypeError):
        return None
    return replace(best, alternatives=tuple(others))


def _read_one(text: object, truncated: object) -> Output:
    if not (isinstance(text, str) and isinstance(truncated, bool)):
        raise TypeError("no output of a model")
    return Output(text, truncated)
