"""Between Whisper's tokens and text: prompts, timestamps, the times of words."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from maatu_stt.engine.base import RecognitionOptions, Word

MAX_PROMPT_TOKENS = 223
"""Half of Whisper's context less one: what may come before the transcript."""
TIMESTAMP_S = 0.02
"""What one step of a timestamp token stands for, and one frame of the encoder's output."""


def prompt(tokenizer: Any, options: RecognitionOptions) -> list[int]:
    """The tokens a decode begins with: what was said before, hotwords, language and task; timestamps are left on."""
    earlier: list[int] = []
    if options.hotwords:
        earlier += tokenizer.encode(" " + ", ".join(options.hotwords))
    if options.initial_prompt.strip():
        earlier += tokenizer.encode(" " + options.initial_prompt.strip())
    start = list(tokenizer.sot_sequence)
    return [tokenizer.sot_prev, *earlier[-MAX_PROMPT_TOKENS:], *start] if earlier else start


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


def word_times(tokenizer: Any, tokens: list[int], alignment: Any, duration_s: float) -> tuple[Word, ...]:
    """When each word was said.

    Args:
        tokenizer: Of the model.
        tokens: Text tokens that were aligned.
        alignment: What ctranslate2's `align` says of them: pairs (token, frame) and a probability for each token.
        duration_s: Length of the audio; no word ends later.
    """
    first_frame: dict[int, int] = {}
    for token, frame in alignment.alignments:
        first_frame.setdefault(token, frame)
    texts, groups = tokenizer.split_to_word_tokens(tokens)
    words: list[Word] = []
    position = 0
    for text, group in zip(texts, groups, strict=True):
        following = position + len(group)
        start_s = min(first_frame.get(position, 0) * TIMESTAMP_S, duration_s)
        end_s = min(first_frame[following] * TIMESTAMP_S if following in first_frame else duration_s, duration_s)
        probabilities = alignment.text_token_probs[position:following]
        if words and not any(map(str.isalnum, text)):
            words[-1] = replace(words[-1], text=words[-1].text + text.strip())  # punctuation is not said
        elif text.strip():
            confidence = sum(probabilities) / len(probabilities) if probabilities else 0.0
            words.append(Word(text.strip(), start_s, max(start_s, end_s), confidence))
        position = following
    return tuple(words)
