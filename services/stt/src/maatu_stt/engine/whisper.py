"""One Whisper model on CTranslate2, encoding no more than what was said.

Whisper pads every utterance to 30 s, which makes the encoder most of the work. CTranslate2's encoder takes shorter
features, and a three-second sentence then costs a third of the time or less. Too little silence after the speech, or a
decode without timestamps, and Whisper says the sentence again and again. The margin was chosen over 61 short utterances,
half of them in noise at 10 dB (word error rate after fallbacks; fallbacks; median time on two cores):

    margin        tiny.en                   base
    0.5 s         3.3 %   27   196 ms       3.1 %    3    87 ms
    2 s           2.7 %    9   188 ms       2.2 %    0    99 ms
    5 s           0.7 %    0   120 ms       2.0 %    0   120 ms
    padded        0.7 %    -   343 ms       1.8 %    -   746 ms

What still looks wrong is decoded again padded (`guards`).

Blocking code: call it from worker threads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import ConfigurationError, ModelFailed
from maatu_runtime.language import Language
from maatu_stt import metrics
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Transcription, Word
from maatu_stt.engine.guards import Evidence, suspicion
from maatu_stt.engine.tokens import prompt, spoken_tokens, word_times
from maatu_stt.engine.windows import window_bounds

_FULL = 30 * SAMPLE_RATE_HZ
_HOP = 160
_WHISPER_CODES = {"jv": "jw", "nb": "no", "fil": "tl"}
"""Where Whisper's code of a language is not that of ISO 639."""
_MAX_TOKENS = 448
_SPARE_TOKENS = 24
_TOKENS_PER_S_ENGLISH = 10
_TOKENS_PER_S = 25
"""More than anyone speaks; languages that Whisper's vocabulary knows badly take a token a letter and more."""


@dataclass(frozen=True)
class WhisperSettings:
    """How a model runs."""

    device: str = "cpu"
    compute_type: str = "int8"
    threads: int = 1
    """Threads of one decode on a CPU."""
    workers: int = 1
    """Decodes at once."""
    beam_size: int = 1
    margin: int = 5 * SAMPLE_RATE_HZ
    """Samples of silence encoded after the speech."""


@dataclass(frozen=True)
class _Attempt:
    evidence: Evidence
    words: tuple[Word, ...]
    language: str


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
        try:
            model = WhisperModel(
                str(directory),
                device=settings.device,
                compute_type=settings.compute_type,
                cpu_threads=settings.threads,
                num_workers=settings.workers,
                local_files_only=True,
            )
        except (RuntimeError, ValueError) as error:
            raise ConfigurationError(
                f"the model {name} does not run on MAATU_STT_DEVICE={settings.device} with "
                f"MAATU_STT_COMPUTE_TYPE={settings.compute_type}: {error}"
            ) from error
        self._model = model.model
        self._tokenizer = model.hf_tokenizer
        self._features = model.feature_extractor
        self.languages = frozenset(model.supported_languages)
        """Whisper's codes of the languages it knows."""

    def knows(self, language: Language) -> bool:
        """Whether it can be asked for a language."""
        return _whisper_code(language) in self.languages

    def warm_up(self) -> None:
        """Decodes a second of silence, so that the first speaker does not wait for pages to be touched."""
        self.decode(DecodeRequest(np.zeros(SAMPLE_RATE_HZ, np.float32), RecognitionOptions()))

    def decode(self, request: DecodeRequest) -> Transcription:
        """Finds out what was said.

        Raises:
            ModelFailed: CTranslate2 failed on this audio.
        """
        began = perf_counter()
        bounds = window_bounds(request.samples)
        parts = []
        for start, end in bounds[:-1]:
            if start not in request.settled:
                request.settled[start] = self._decode_window(request.samples[start:end], request.options, start)
            parts.append(request.settled[start])
        start, end = bounds[-1]
        parts.append(self._decode_window(request.samples[start:end], request.options, start))
        return _joined(parts, perf_counter() - began)

    def _decode_window(self, samples: Samples, options: RecognitionOptions, start: int) -> Transcription:
        began = perf_counter()
        try:
            attempt = self._attempt(samples, options, min(len(samples) + self._settings.margin, _FULL))
            reason = suspicion(attempt.evidence)
            if reason is not None and len(samples) + self._settings.margin < _FULL:
                metrics.FALLBACKS.labels(self.name, reason).inc()
                attempt = self._attempt(samples, options, _FULL)
        except RuntimeError as error:
            raise ModelFailed(f"the model {self.name} failed: {error}") from error
        evidence = attempt.evidence
        offset_s = start / SAMPLE_RATE_HZ
        return Transcription(
            text="" if evidence.is_silence else evidence.text,
            language=_tag(attempt.language, options.languages),
            confidence=min(1.0, math.exp(evidence.average_log_probability)),
            model=self.name,
            compute_s=perf_counter() - began,
            words=()
            if evidence.is_silence
            else tuple(
                Word(word.text, word.start_s + offset_s, word.end_s + offset_s, word.confidence)
                for word in attempt.words
            ),
        )

    def _attempt(self, samples: Samples, options: RecognitionOptions, length: int) -> _Attempt:
        """Decodes with features of `length` samples."""
        duration_s = len(samples) / SAMPLE_RATE_HZ
        padded = np.pad(samples, (0, length - len(samples)))
        features = self._features(padded, padding=0)
        frames = len(padded) // _HOP // 2 * 2  # the encoder halves them
        encoded = self._model.encode(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(features[np.newaxis, :, :frames]))
        )
        language = self._language(encoded, options.languages)
        tokenizer = Tokenizer(self._tokenizer, self._model.is_multilingual, task="transcribe", language=language)
        start = prompt(tokenizer, options)
        rate = _TOKENS_PER_S_ENGLISH if language == "en" else _TOKENS_PER_S
        most = min(_MAX_TOKENS - len(start), _SPARE_TOKENS + math.ceil(duration_s * rate))
        result = self._model.generate(
            encoded,
            [start],
            beam_size=self._settings.beam_size,
            max_length=len(start) + most,
            return_scores=True,
            return_no_speech_prob=True,
        )[0]
        tokens = result.sequences_ids[0]
        spoken = spoken_tokens(tokenizer, tokens, duration_s)
        evidence = Evidence(
            text=tokenizer.decode(spoken).strip(),
            # The score is a mean over the tokens without the one that ends the text.
            average_log_probability=result.scores[0] * len(tokens) / (len(tokens) + 1),
            no_speech_probability=result.no_speech_prob,
            is_cut_off=len(tokens) >= most,
        )
        words: tuple[Word, ...] = ()
        if options.word_times and spoken:
            alignment = self._model.align(encoded, tokenizer.sot_sequence, [spoken], math.ceil(duration_s * 100))[0]
            words = word_times(tokenizer, spoken, alignment, duration_s)
        return _Attempt(evidence, words, language)

    def _language(self, encoded: Any, expected: Sequence[Language]) -> str:
        """Whisper's code of the language: the one expected, or the likeliest of several, or of all."""
        if not self._model.is_multilingual:
            return "en"
        codes = [_whisper_code(language) for language in expected]
        if len(set(codes)) == 1:
            return codes[0]
        probabilities: dict[str, float] = {
            token.strip("<|>"): probability for token, probability in self._model.detect_language(encoded)[0]
        }
        return max(codes or probabilities, key=lambda code: probabilities.get(code, 0.0))


def _whisper_code(language: Language) -> str:
    return _WHISPER_CODES.get(language.code, language.code)


def _tag(code: str, expected: Sequence[Language]) -> str:
    """The tag of a language as the caller wrote it, where it was expected."""
    for language in expected:
        if _whisper_code(language) == code:
            return str(language)
    return next((iso for iso, whisper in _WHISPER_CODES.items() if whisper == code), code)


def _joined(parts: Sequence[Transcription], compute_s: float) -> Transcription:
    """One transcription out of those of the windows; as sure as the least sure of them."""
    return Transcription(
        text=" ".join(part.text for part in parts if part.text),
        language=parts[0].language,
        confidence=min(part.confidence for part in parts),
        model=parts[0].model,
        compute_s=compute_s,
        words=tuple(word for part in parts for word in part.words),
    )
