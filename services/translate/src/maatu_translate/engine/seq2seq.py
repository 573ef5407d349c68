"""Sequence-to-sequence models of any family, on CTranslate2."""

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ctranslate2

from maatu_runtime.errors import ConfigurationError, ModelFailed, ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Context, Direction, Output, Sentence
from maatu_translate.engine.device import check_device
from maatu_translate.engine.families.base import Encoded, Family

TOKENS_PER_SOURCE_TOKEN = 2
"""A translation has at most so many times the tokens of its source, and EXTRA_TOKENS more. Between a language that a model's
tokens fit well and one they fit badly the ratio is about 1.5."""
EXTRA_TOKENS = 16
LONGEST = 256
"""Greatest number of tokens, in a source and in a translation with what precedes it. The families' smallest position tables have
512 places; a sentence of speech has under 60 tokens."""
CAREFUL_BEAM = 4
"""Hypotheses of a careful search."""
_CHARACTERS_PER_TOKEN = 3
"""Roughly, in vocabularies for many languages: about 4 in Latin scripts, 3 in those of India, 1.5 in ideographs."""


class Seq2SeqEngine:
    """Translates batches with an encoder-decoder model. Sentences of all directions go into one batch.

    Decoding is greedy unless a beam is asked for, and never chooses the unknown token. With greedy decoding a sentence that is
    cancelled, or longer than its source justifies, leaves the batch at its next token; a beam cannot be stopped.

    Args:
        store: Where the model is.
        model: Its name.
        family: Makes the model's family of its directory.
        device: "cpu" or "cuda".
        compute_type: As CTranslate2 calls it; "default" keeps that of the conversion.
        workers: Batches at once.
        threads: Threads for each.
        beam_size: Hypotheses that are followed; 1 is greedy.
    """

    def __init__(
        self,
        store: ModelStore,
        model: str,
        family: Callable[[Path], Family],
        *,
        device: str,
        compute_type: str,
        workers: int,
        threads: int,
        beam_size: int = 1,
    ) -> None:
        self._store = store
        self._model = model
        self._make_family = family
        self._device = device
        self._compute_type = compute_type
        self._workers = workers
        self._threads = threads
        self._beam_size = beam_size
        self._directions: frozenset[Direction] = frozenset()
        self._family: Any = None
        self._translator: Any = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def directions(self) -> frozenset[Direction]:
        """Those of the model; none before it is loaded."""
        return self._directions

    def load(self) -> None:
        """See Engine.load."""
        directory = self._store.path(self._model)
        check_device(self._device, self._compute_type)
        self._family = self._make_family(directory)
        self._directions = self._family.directions
        try:
            self._translator = ctranslate2.Translator(
                str(directory),
                device=self._device,
                compute_type=self._compute_type,
                inter_threads=self._workers,
                intra_threads=self._threads,
            )
        except (RuntimeError, ValueError, LookupError) as error:
            if "CUDA" in str(error):
                raise ConfigurationError(f"the model {self._model} cannot be put on the GPU: {error}") from error
            raise ModelNotInstalled(
                f"model.bin, config.json or the vocabulary of the model in {directory} cannot be used: {error}. "
                "Convert the model anew: `maatu models convert`",
                metadata={"model": self._model},
            ) from error
        first = min(self._directions)
        self.translate([Sentence("Hello.", first)], [threading.Event()])

    def batch_key(self, sentence: Sentence) -> Hashable:
        """All that are searched alike share batches: each sentence carries its languages with it."""
        return sentence.careful

    def length(self, sentence: Sentence) -> int:
        """See Engine.length. An estimate by characters."""
        context = len(sentence.context.source_text) if sentence.context else 0
        return (context + len(sentence.text)) // _CHARACTERS_PER_TOKEN + 1

    def translate(self, sentences: Sequence[Sentence], cancelled: Sequence[threading.Event]) -> list[Output]:
        """See Engine.translate."""
        outputs = [Output("")] * len(sentences)
        wanted = [index for index, event in enumerate(cancelled) if not event.is_set()]
        self._translate_into(outputs, [(i, sentences[i], cancelled[i]) for i in wanted])
        # A context may make a model believe that all is said. Without it the sentence has to be translated.
        silent = [i for i in wanted if sentences[i].context and not outputs[i].text and not cancelled[i].is_set()]
        alone = [(i, replace(sentences[i], context=None), cancelled[i]) for i in silent]
        self._translate_into(outputs, alone)
        return outputs

    def close(self) -> None:
        """Releases the model."""
        self._translator = None

    def _translate_into(self, outputs: list[Output], numbered: Sequence[tuple[int, Sentence, threading.Event]]) -> None:
        if not numbered:
            return
        requests = [_request(self._family, sentence) for _, sentence, _ in numbered]
        generated = self._generate(requests, [event for _, _, event in numbered], careful=numbered[0][1].careful)
        for (index, sentence, _), request, hypotheses in zip(numbered, requests, generated, strict=True):
            best, *others = [
                Output(
                    self._family.decode(tokens[: request.longest], sentence.direction, request.notes),
                    truncated=request.source_truncated or not ended or len(tokens) > request.longest,
                )
                for tokens, ended in hypotheses
            ]
            outputs[index] = replace(best, alternatives=tuple(others))

    def _generate(
        self, requests: Sequence["_Request"], cancelled: Sequence[threading.Event], *, careful: bool
    ) -> list[list[tuple[list[str], bool]]]:
        """What the model writes after each prefix, the most probable first, and whether that came to an end by itself."""
        beam_size = max(self._beam_size, CAREFUL_BEAM) if careful else self._beam_size

        def stops(step: Any) -> bool:
            request = requests[step.batch_id]
            longest = len(request.prefix) + request.longest
            over: bool = step.step + 1 >= longest or cancelled[step.batch_id].is_set()
            return over

        try:
            results = self._translator.translate_batch(
                [request.source for request in requests],
                target_prefix=[request.prefix for request in requests],
                beam_size=beam_size,
                num_hypotheses=beam_size if careful else 1,
                max_input_length=0,
                max_decoding_length=max(len(request.prefix) + request.longest for request in requests),
                disable_unk=True,
                return_end_token=True,
                callback=stops if beam_size == 1 else None,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFailed(f"the model {self._model} failed on this text") from error
        return [
            [_without_end(tokens[len(request.prefix) :], request.source[-1]) for tokens in result.hypotheses]
            for result, request in zip(results, requests, strict=True)
        ]


@dataclass(frozen=True)
class _Request:
    """A sentence as CTranslate2 is given it."""

    source: list[str]
    prefix: list[str]
    longest: int
    """Greatest number of tokens after the prefix."""
    notes: Any
    source_truncated: bool


def _request(family: Family, sentence: Sentence) -> _Request:
    if sentence.context is not None:
        request = _request_in_context(family, sentence, sentence.context)
        if request is not None:
            return request
    encoded = family.encode(sentence.text, sentence.direction)
    return _bounded(encoded, encoded.prefix, len(encoded.source))


def _request_in_context(family: Family, sentence: Sentence, context: Context) -> _Request | None:
    """Both clauses as source, the translation of the first as beginning of the target; None where that is too long."""
    encoded = family.encode(f"{context.source_text} {sentence.text}", sentence.direction)
    before = family.encode_target(context.translation, sentence.direction)
    # The bound for the rest is that of the sentence by its share of the characters.
    share = len(sentence.text) / (len(context.source_text) + 1 + len(sentence.text))
    request = _bounded(encoded, encoded.prefix + before, round(share * len(encoded.source)) + 1)
    too_long = request.source_truncated or len(request.prefix) + request.longest > LONGEST
    return None if too_long else request


def _bounded(encoded: Encoded, prefix: list[str], source_tokens: int) -> _Request:
    source = encoded.source
    truncated = len(source) > LONGEST
    if truncated:
        source = [*source[: LONGEST - 1], source[-1]]  # the last token marks the end in every family
    longest = min(TOKENS_PER_SOURCE_TOKEN * source_tokens + EXTRA_TOKENS, LONGEST - len(encoded.prefix))
    return _Request(source, prefix, longest, encoded.notes, truncated)


def _without_end(tokens: list[str], end: str) -> tuple[list[str], bool]:
    """Tokens without the mark of the end, and whether it was there."""
    return (tokens[:-1], True) if tokens[-1:] == [end] else (tokens, False)
