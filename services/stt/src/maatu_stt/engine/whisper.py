"""One Whisper model on CTranslate2, encoding no more than what was said.

Whisper pads every utterance to 30 s, which makes the encoder most of the work. CTranslate2's encoder takes shorter
features, and a three-second sentence then costs a third of the time or less. Too little silence after the speech, or a
decode without timestamps, and Whisper says the sentence again and again; docs/stt.md has the word error rates by which the
margin was chosen. What still looks wrong is decoded again padded (`guards`).

Blocking code: call it from worker threads.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer

from maatu_runtime.errors import ModelFailed
from maatu_runtime.language import Language
from maatu_stt import metrics
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Transcription, Word, text_of
from maatu_stt.engine.features import FULL, HOP, log_mel, padded_length
from maatu_stt.engine.guards import Evidence, hallucination, suspicion, without_annotations
from maatu_stt.engine.languages import tag_of, whisper_code
from maatu_stt.engine.loading import Placement, load_whisper
from maatu_stt.engine.rest import Attempt, later, rest_of, with_rest
from maatu_stt.engine.tokens import (
    closed_at,
    earlier_tokens,
    most_tokens,
    prompt,
    split_words,
    spoken_tokens,
    with_times,
)
from maatu_stt.engine.windows import window_bounds


@dataclass(frozen=True)
class WhisperSettings:
    """How a model runs."""

    placement: Placement = field(default_factory=Placement)
    beam_size: int = 2
    """Hypotheses followed while finals are decoded; partials are greedy. Two cost a tenth more than one and, over 280 utterances
    with tiny.en, bring the word error rate from 6.9 to 5.8 %; five bring no more."""
    margin: int = 5 * SAMPLE_RATE_HZ
    """Samples of silence encoded after the speech."""


class WhisperEngine:
    """A loaded model. Its methods may be called from several threads.

    Args:
        name: As transcripts name it.
        directory: Of the model in CTranslate2's format.
        settings: How it runs.

    Raises:
        ConfigurationError: the device or the compute type cannot be had, or the files do not load.
    """

    def __init__(self, name: str, directory: Path, settings: WhisperSettings) -> None:
        self.name = name
        self._settings = settings
        model = load_whisper(name, directory, settings.placement)
        self._model = model.model
        self._hf_tokenizer = model.hf_tokenizer
        # What callers write is text: "<|startoftranscript|>" among their hotwords would begin a transcript in the prompt.
        self._hf_tokenizer.encode_special_tokens = True
        self._features = model.feature_extractor
        # faster-whisper's list is that of the newest models; a vocabulary may lack some.
        self.languages = frozenset(
            code
            for code in model.supported_languages
            if not model.model.is_multilingual or model.hf_tokenizer.token_to_id(f"<|{code}|>") is not None
        )
        """Whisper's codes of the languages it knows."""
        self._tokenizers: dict[str, Tokenizer] = {}

    def knows(self, language: Language) -> bool:
        """Whether it can be asked for a language."""
        return whisper_code(language) in self.languages

    def batch_key(self, request: DecodeRequest) -> Hashable:
        """Requests with equal keys can be decoded in one batch."""
        timed = _is_timed(request)
        language = self._known_language(request) if timed else None
        if len(window_bounds(request.samples)) > 1 or (timed and language is None):
            return object()  # alone: several windows, or words to be aligned in a language that is still to be found
        return len(earlier_tokens(self._tokenizer("en"), request)), language, timed

    def warm_up(self) -> None:
        """Decodes a second of silence, so that the first speaker does not wait for pages to be touched.

        Raises:
            ModelFailed: the model does not even do that.
        """
        (answer,) = self.decode([DecodeRequest(np.zeros(SAMPLE_RATE_HZ, np.float32), RecognitionOptions())])
        if isinstance(answer, ModelFailed):
            raise answer

    def decode(
        self, requests: Sequence[DecodeRequest], *, are_partials: bool = False
    ) -> list[Transcription | ModelFailed]:
        """Finds out what was said, in one batch.

        Args:
            requests: With equal `batch_key`.
            are_partials: Be quick: greedy, and what looks wrong is not decoded again.

        Returns:
            For each request what was said, or what went wrong with it.
        """
        try:
            return list(self._decode(requests, are_partials))
        except (RuntimeError, ValueError, IndexError) as error:  # all that CTranslate2 raises
            if len(requests) == 1:
                return [ModelFailed(f"the model {self.name} failed: {error}")]
        # Which of them was at fault? The others are not to pay for it.
        return [answer for request in requests for answer in self.decode([request], are_partials=are_partials)]

    def _decode(self, requests: Sequence[DecodeRequest], are_partials: bool) -> list[Transcription]:
        began = perf_counter()
        bounds = window_bounds(requests[0].samples)
        if len(bounds) > 1:
            return [self._decode_long(requests[0], bounds, are_partials)]
        longest = max(len(request.samples) for request in requests)
        length = padded_length(longest, self._settings.margin)
        beam_size = 1 if are_partials else self._settings.beam_size
        attempts = self._attempt(requests, length, beam_size)
        for index, attempt in enumerate(attempts):
            reason = suspicion(attempt.evidence)
            if not are_partials and reason is not None and length < FULL:
                metrics.FALLBACKS.labels(self.name, reason).inc()
                (attempts[index],) = self._attempt([requests[index]], FULL, beam_size)
        attempts = self._go_on(requests, attempts, beam_size)
        compute_s = (perf_counter() - began) / len(requests)
        return [
            self._transcription(request, attempt, compute_s)
            for request, attempt in zip(requests, attempts, strict=True)
        ]

    def _go_on(self, requests: Sequence[DecodeRequest], attempts: list[Attempt], beam_size: int) -> list[Attempt]:
        """Decodes what is left where the model stopped in mid-audio; costs nothing where nothing is."""
        attempts = list(attempts)
        batches: dict[Hashable, list[tuple[int, DecodeRequest]]] = {}
        for index, (request, attempt) in enumerate(zip(requests, attempts, strict=True)):
            if (rest := rest_of(request, attempt)) is not None:
                batches.setdefault(self.batch_key(rest), []).append((index, rest))
        for batch in batches.values():
            rests = [rest for _, rest in batch]
            metrics.CONTINUATIONS.labels(self.name).inc(len(rests))
            length = padded_length(max(len(rest.samples) for rest in rests), self._settings.margin)
            found = self._go_on(rests, self._attempt(rests, length, beam_size), beam_size)
            for (index, rest), after in zip(batch, found, strict=True):
                attempts[index] = with_rest(attempts[index], after, rest.mean_voice)
        return attempts

    def _decode_long(
        self, request: DecodeRequest, bounds: Sequence[tuple[int, int]], are_partials: bool
    ) -> Transcription:
        """Decodes samples that do not fit into one window, one window after the other."""
        parts: list[Transcription] = []
        words: list[Word] = []
        for start, end in bounds:
            part = replace(
                request,
                samples=request.samples[start:end],
                committed=() if parts else request.committed,
                context=text_of(words) if parts else request.context,
            )
            parts += self._decode([part], are_partials)
            words += [later(word, start / SAMPLE_RATE_HZ) for word in parts[-1].words]
        return replace(
            parts[0],
            words=tuple(words),
            confidence=min(part.confidence for part in parts),  # as sure as the least sure of them
            compute_s=sum(part.compute_s for part in parts),
            is_doubtful=any(part.is_doubtful for part in parts),
        )

    def _transcription(self, request: DecodeRequest, attempt: Attempt, compute_s: float) -> Transcription:
        evidence = attempt.evidence
        invented = hallucination(evidence, request.voiced_s, request.mean_voice)
        if invented is not None:
            metrics.HALLUCINATIONS.labels(self.name, invented).inc()
        return Transcription(
            # What is committed stays, whatever comes of the rest.
            words=attempt.words if invented is None else request.committed,
            language=tag_of(attempt.language, request.options.languages),
            confidence=min(1.0, math.exp(evidence.average_log_probability)),
            model=self.name,
            compute_s=compute_s,
            language_probability=attempt.language_probability,
            is_doubtful=suspicion(evidence) is not None,
        )

    def _attempt(self, requests: Sequence[DecodeRequest], length: int, beam_size: int) -> list[Attempt]:
        """Decodes a batch with features of `length` samples."""
        features = np.stack([log_mel(self._features, request.samples, length) for request in requests])
        encoded = self._model.encode(ctranslate2.StorageView.from_array(features))
        languages = self._languages(encoded, requests)
        prompts = [
            prompt(self._tokenizer(language), request)
            for request, (language, _) in zip(requests, languages, strict=True)
        ]
        most = [
            most_tokens(request, language, begin)
            for request, (language, _), begin in zip(requests, languages, prompts, strict=True)
        ]
        results = self._model.generate(
            encoded,
            [list(begin.tokens) for begin in prompts],
            beam_size=beam_size,
            # CTranslate2 generates half of max_length, forced tokens among them, and no more than follow the prompt.
            max_length=max(2 * max(most), max(most) + prompts[0].start + 3),
            return_scores=True,
            return_no_speech_prob=True,
        )
        attempts = [
            self._found(request, result, language, limit)
            for request, result, language, limit in zip(requests, results, languages, most, strict=True)
        ]
        if any(map(_is_timed, requests)):
            self._time_words(encoded, requests, attempts)
        return attempts

    def _found(self, request: DecodeRequest, result: Any, language: tuple[str, float], limit: int) -> Attempt:
        tokenizer = self._tokenizer(language[0])
        tokens = result.sequences_ids[0]
        spoken = spoken_tokens(tokenizer, tokens, len(request.samples) / SAMPLE_RATE_HZ)
        committed = sum(len(word.tokens) for word in request.committed)
        words = (*request.committed, *split_words(tokenizer, spoken[committed:]))
        text = text_of(words)
        if not without_annotations(text):  # "[Music]"
            text, words = "", request.committed
        evidence = Evidence(
            text=text,
            # The score is a mean over the tokens without the one that ends the text.
            average_log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_probability=result.no_speech_prob,
            is_cut_off=len(tokens) >= limit,
            duration_s=len(request.samples) / SAMPLE_RATE_HZ,
        )
        return Attempt(words, evidence, *language, heard_to=closed_at(tokenizer, tokens))

    def _time_words(self, encoded: Any, requests: Sequence[DecodeRequest], attempts: list[Attempt]) -> None:
        """Finds the times of the words, in place."""
        tokenizer = self._tokenizer(attempts[0].language)
        alignments = self._model.align(
            encoded,
            tokenizer.sot_sequence,
            # Something must be aligned even where nothing was said.
            [[token for word in attempt.words for token in word.tokens] or [tokenizer.eot - 1] for attempt in attempts],
            [math.ceil(len(request.samples) / HOP) for request in requests],
        )
        for index, (request, alignment) in enumerate(zip(requests, alignments, strict=True)):
            words = with_times(attempts[index].words, alignment, len(request.samples) / SAMPLE_RATE_HZ)
            attempts[index] = replace(attempts[index], words=words)

    def _languages(self, encoded: Any, requests: Sequence[DecodeRequest]) -> list[tuple[str, float]]:
        """Whisper's code and the probability of each request's language: known, or the likeliest of those expected."""
        known = [self._known_language(request) for request in requests]
        if None not in known:
            return [(code, 1.0) for code in known if code is not None]
        found = []
        for request, code, detected in zip(requests, known, self._model.detect_language(encoded), strict=True):
            probabilities = {token.strip("<|>"): probability for token, probability in detected}
            candidates = [whisper_code(language) for language in request.options.languages] or list(probabilities)
            likeliest = code or max(candidates, key=lambda candidate: probabilities.get(candidate, 0.0))
            found.append((likeliest, 1.0 if code else probabilities.get(likeliest, 0.0)))
        return found

    def _known_language(self, request: DecodeRequest) -> str | None:
        if not self._model.is_multilingual:
            return "en"
        if request.language is not None:
            return whisper_code(request.language)
        codes = {whisper_code(language) for language in request.options.languages}
        return codes.pop() if len(codes) == 1 else None

    def _tokenizer(self, language: str) -> Tokenizer:
        if language not in self._tokenizers:
            self._tokenizers[language] = Tokenizer(
                self._hf_tokenizer, self._model.is_multilingual, task="transcribe", language=language
            )
        return self._tokenizers[language]


def _is_timed(request: DecodeRequest) -> bool:
    return request.timed or request.options.word_times
