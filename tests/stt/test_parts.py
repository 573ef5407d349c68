"""The small parts of the engine: windows, buffer, languages."""

import numpy as np
import pytest

from maatu_runtime.audio.samples import Samples
from maatu_runtime.language import Language
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Transcription, Word
from maatu_stt.engine.buffer import SampleBuffer
from maatu_stt.engine.languages import LanguageChoice
from maatu_stt.engine.tokens import Prompt, most_tokens
from maatu_stt.engine.windows import LONGEST_WINDOW, settle_point, window_bounds


def test_a_short_utterance_is_one_window() -> None:
    assert window_bounds(np.ones(16_000, np.float32)) == [(0, 16_000)]


def test_long_utterances_are_cut_where_they_are_quiet_and_cuts_stay_when_they_grow() -> None:
    rng = np.random.default_rng(7)
    samples = rng.normal(0, 0.1, 70 * 16_000).astype(np.float32)
    for second in (20, 42):
        samples[second * 16_000 : second * 16_000 + 4_800] = 0
    bounds = window_bounds(samples)
    assert bounds[0][0] == 0
    assert bounds[-1][1] == len(samples)
    assert all(end - start <= LONGEST_WINDOW for start, end in bounds)
    for (_, end), second in zip(bounds, (20, 42), strict=False):
        assert second <= end / 16_000 <= second + 0.3
    for seconds in (26, 45, 60):
        grown = window_bounds(samples[: seconds * 16_000])
        assert grown[:-1] == bounds[: len(grown) - 1]


def test_the_buffer_gives_what_it_was_given_and_forgets_what_it_may() -> None:
    buffer = SampleBuffer()
    stream = np.arange(1_000, dtype=np.float32)
    for start in range(0, 1_000, 70):
        buffer.append(stream[start : start + 70])
    assert buffer.end == 1_000
    assert np.array_equal(buffer.read(65, 215), stream[65:215])
    assert np.array_equal(buffer.read(990, 2_000), stream[990:])
    assert len(buffer.read(500, 500)) == 0
    buffer.forget_before(300)
    assert np.array_equal(buffer.read(300, 310), stream[300:310])
    assert len(buffer.read(0, 200)) == 0


def word(text: str, start_s: float) -> Word:
    return Word(text, (), start_s, start_s + 0.3, 0.9)


def loud(seconds: float, *quiet_at: float) -> Samples:
    """Noise with 100 ms of near-silence around some moments."""
    samples = np.random.default_rng(5).normal(0, 0.1, round(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
    for moment in quiet_at:
        middle = round(moment * SAMPLE_RATE_HZ)
        samples[middle - 800 : middle + 800] *= 0.01
    return samples


def test_a_short_window_keeps_its_words() -> None:
    assert settle_point(loud(9.9), [word(" a", 1.0), word(" b", 5.0)]) is None
    assert settle_point(loud(12.0), []) is None
    assert settle_point(loud(12.0), [word(" a", 1.0)]) is None


def test_a_long_window_is_cut_where_it_is_quiet_between_two_committed_words() -> None:
    committed = [word(f" {i}", float(i)) for i in range(10)]
    point = settle_point(loud(12.0, 2.0, 6.5, 7.02, 8.0), committed[:8])
    # 2.0 is in the earlier half, 6.5 is no boundary, and the word at 8.0 is not committed.
    assert point is not None
    assert point.words == 7
    assert point.position / SAMPLE_RATE_HZ == pytest.approx(7.02, abs=0.03)


def test_the_end_of_a_sentence_is_the_better_place_to_cut() -> None:
    committed = [word(" one", 0.5), word(" two", 4.0), word(".", 5.8), word(" three", 6.0), word(" four", 8.0)]
    samples = loud(12.0)
    samples[round(7.9 * SAMPLE_RATE_HZ) : round(8.1 * SAMPLE_RATE_HZ)] *= 0.5  # a little quieter, in mid-sentence
    point = settle_point(samples, committed)
    assert point is not None
    assert point.words == 3  # the full stop goes with its sentence
    samples[round(7.9 * SAMPLE_RATE_HZ) : round(8.1 * SAMPLE_RATE_HZ)] *= 0.01  # a real pause
    point = settle_point(samples, committed)
    assert point is not None
    assert point.words == 4


def transcription(language: str, probability: float = 1.0, *, doubtful: bool = False) -> Transcription:
    return Transcription(
        (Word(" hola"),), language, 0.9, "model", 0.1, language_probability=probability, is_doubtful=doubtful
    )


def test_a_language_that_is_given_is_not_looked_for() -> None:
    choice = LanguageChoice((Language("kn", region="IN"),), each_utterance=True)
    choice.take(transcription("es"), 10 * SAMPLE_RATE_HZ, commits=True, utterance=choice.begin_utterance())
    assert str(choice.known) == "kn-IN"


@pytest.mark.parametrize(
    ("probability", "seconds", "commits", "doubtful", "known"),
    [
        (0.95, 0.5, False, False, None),
        (0.95, 1.5, False, False, "es"),
        (0.5, 1.5, False, False, None),
        (0.5, 3.0, False, False, "es"),
        (0.2, 0.5, True, False, "es"),
        (0.95, 5.0, True, True, None),
    ],
)
def test_a_language_is_believed_once_enough_was_heard(
    probability: float, seconds: float, commits: bool, doubtful: bool, known: str | None
) -> None:
    choice = LanguageChoice((Language("es"), Language("en")), each_utterance=False)
    heard = round(seconds * SAMPLE_RATE_HZ)
    number = choice.begin_utterance()
    choice.take(transcription("es", probability, doubtful=doubtful), heard, commits=commits, utterance=number)
    assert (str(choice.known) if choice.known else None) == known


def test_a_language_is_found_once_for_the_stream_or_anew_in_each_utterance() -> None:
    once, anew = (LanguageChoice((), each_utterance=each_utterance) for each_utterance in (False, True))
    for choice in (once, anew):
        for language in ("es", "en"):
            choice.take(transcription(language), 5 * SAMPLE_RATE_HZ, commits=True, utterance=choice.begin_utterance())
    assert (str(once.known), str(anew.known)) == ("es", "en")


@pytest.mark.parametrize(
    ("language", "seconds", "forced", "start", "most"),
    [
        ("en", 10, 0, 0, 86),
        ("hi", 10, 0, 0, 266),
        ("kn", 10, 0, 0, 366),  # half of Whisper's positions are over after six seconds
        ("kn", 10, 40, 0, 406),
        ("kn", 25, 0, 0, 445),
        ("kn", 25, 200, 200, 245),
    ],
)
def test_as_many_tokens_as_anyone_says_and_the_model_has_room_for(
    language: str, seconds: int, forced: int, start: int, most: int
) -> None:
    request = DecodeRequest(np.zeros(seconds * SAMPLE_RATE_HZ, np.float32), RecognitionOptions())
    assert most_tokens(request, language, Prompt((), start, forced)) == most


def test_a_late_final_says_nothing_of_the_language_of_the_next_utterance() -> None:
    choice = LanguageChoice((), each_utterance=True)
    first, second = choice.begin_utterance(), choice.begin_utterance()
    choice.take(transcription("es"), 5 * SAMPLE_RATE_HZ, commits=True, utterance=first)
    assert choice.known is None
    choice.take(transcription("en"), 5 * SAMPLE_RATE_HZ, commits=True, utterance=second)
    assert choice.known == Language("en")


def test_a_late_final_says_what_language_the_stream_is_in() -> None:
    choice = LanguageChoice((), each_utterance=False)
    first = choice.begin_utterance()
    choice.begin_utterance()
    choice.take(transcription("es"), 5 * SAMPLE_RATE_HZ, commits=True, utterance=first)
    assert choice.known == Language("es")


@pytest.mark.parametrize(("probability", "goes_on_s", "stream"), [(0.5, 1.5, None), (0.9, 1.5, "es"), (0.5, 3.5, "es")])
def test_a_word_tells_the_language_of_its_utterance_alone(
    probability: float, goes_on_s: float, stream: str | None
) -> None:
    choice = LanguageChoice((Language("es"), Language("en")), each_utterance=False)
    number = choice.begin_utterance()
    choice.take(transcription("es", probability), SAMPLE_RATE_HZ // 2, commits=True, utterance=number)
    assert choice.known == Language("es")
    # From now on the decoder is told the language: its probability of 1 proves nothing.
    choice.take(transcription("es", 1.0), round(goes_on_s * SAMPLE_RATE_HZ), commits=True, utterance=number)
    choice.begin_utterance()
    assert (str(choice.known) if choice.known else None) == stream
