"""Between Whisper's tokens and text: prompts, timestamps, words and their times."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, Word

MAX_PROMPT_TOKENS = 223
"""Half of Whisper's context less one: what may come before the transcript."""
CONTEXT_TOKENS = 32
"""How much of what was said before is shown to the model. Always the same number, because CTranslate2 decodes only such
requests in one batch whose transcripts start at the same position."""
TIMESTAMP_S = 0.02
"""What one step of a timestamp token stands for, and one frame of the encoder's output."""
_MAX_POSITIONS = 448
_START_TOKENS = 3
"""At most, from the one that starts the transcript: that, the language, the task."""
_SPARE_TOKENS = 16
_TOKENS_PER_S_ENGLISH = 7
_TOKENS_PER_S = 25
_TOKENS_PER_S_SPELT = 35
"""More than anyone speaks, each."""
_SPELT = frozenset(("am", "as", "bn", "bo", "gu", "ka", "km", "kn", "lo", "ml", "my", "pa", "si", "te"))
"""Whisper's codes of languages that its vocabulary hardly knows: a letter takes 1.6 to 3 tokens, in Hindi or Tamil one."""


@dataclass(frozen=True)
class Prompt:
    """What a decode begins with."""

    tokens: tuple[int, ...]
    start: int
    """Position of the token that starts the transcript."""
    forced: int
    """How many of the last tokens belong to the transcript already."""


def earlier_tokens(tokenizer: Any, request: DecodeRequest) -> list[int]:
    """The tokens before the transcript: hotwords, the caller's prompt, what was said before; none without any of them."""
    options = request.options
    earlier: list[int] = []
    if options.hotwords:
        earlier += tokenizer.encode(" " + ", ".join(options.hotwords))
    if options.initial_prompt.strip():
        earlier += tokenizer.encode(" " + options.initial_prompt.strip())
    earlier = earlier[-(MAX_PROMPT_TOKENS - CONTEXT_TOKENS) :]
    if request.context:
        earlier += tokenizer.encode(" " + request.context)[-CONTEXT_TOKENS:]
    return [tokenizer.sot_prev, *earlier] if earlier else []


def prompt(tokenizer: Any, request: DecodeRequest) -> Prompt:
    """The tokens a decode begins with: what was said before, language and task, committed words. Timestamps are left on."""
    earlier = earlier_tokens(tokenizer, request)
    committed = [token for word in request.committed for token in word.tokens]
    forced = [tokenizer.timestamp_begin, *committed] if committed else []
    return Prompt((*earlier, *tokenizer.sot_sequence, *forced), len(earlier), len(forced))


def most_tokens(request: DecodeRequest, language: str, begin: Prompt) -> int:
    """More tokens, forced ones among them, than anyone says in that time, and no more than the model has positions for.

    Whisper itself stops at half of its positions; ten seconds of Kannada take more.

    Args:
        request: The decode.
        language: Whisper's code of its language.
        begin: What the decode begins with.
    """
    rate = _TOKENS_PER_S_ENGLISH if language == "en" else _TOKENS_PER_S_SPELT if language in _SPELT else _TOKENS_PER_S
    said = _SPARE_TOKENS + math.ceil(len(request.samples) / SAMPLE_RATE_HZ * rate)
    return min(begin.forced + said, _MAX_POSITIONS - begin.start - _START_TOKENS)


def spoken_tokens(tokenizer: Any, tokens: Sequence[int], duration_s: float) -> list[int]:
    """The text tokens of what was said before the audio's end; the rest of them is made up.

    Args:
        tokenizer: Of the model.
        tokens: As decoded, timestamps among them.
        duration_s: Length of the audio without the silence added to it.
    """
    spoken: list[int] = []
    for token in tokens:
        if token >= tokenizer.timestamp_begin:
            if spoken and (token - tokenizer.timestamp_begin) * TIMESTAMP_S >= duration_s:
                break
        elif token < tokenizer.eot:
            spoken.append(token)
    return spoken


def closed_at(tokenizer: Any, tokens: Sequence[int]) -> int | None:
    """The sample at which the last segment was closed; None where the text simply ends."""
    if len(tokens) < 2 or tokens[-1] < tokenizer.timestamp_begin:
        return None
    steps: int = tokens[-1] - tokenizer.timestamp_begin
    return round(steps * TIMESTAMP_S * SAMPLE_RATE_HZ)


def split_words(tokenizer: Any, tokens: Sequence[int]) -> tuple[Word, ...]:
    """Text tokens as words; punctuation marks are words of their own."""
    texts, groups = tokenizer.split_to_word_tokens(list(tokens))
    return tuple(Word(text, tuple(group)) for text, group in zip(texts, groups, strict=True) if text)


def with_times(words: Sequence[Word], alignment: Any, duration_s: float) -> tuple[Word, ...]:
    """The words with the times at which they were said.

    Args:
        words: As decoded.
        alignment: What ctranslate2's `align` says of their tokens: pairs (token, frame) and a probability for each token.
        duration_s: Length of the audio; no word ends later.
    """
    first_frame: dict[int, int] = {}
    for token, frame in alignment.alignments:
        first_frame.setdefault(token, frame)
    timed = []
    position = 0
    for word in words:
        following = position + len(word.tokens)
        start_s = min(first_frame.get(position, 0) * TIMESTAMP_S, duration_s)
        end_s = min(first_frame[following] * TIMESTAMP_S if following in first_frame else duration_s, duration_s)
        probabilities = alignment.text_token_probs[position:following]
        confidence = sum(probabilities) / len(probabilities) if probabilities else 0.0
        timed.append(replace(word, start_s=start_s, end_s=max(start_s, end_s), confidence=confidence))
        position = following
    return tuple(timed)
