"""What leaves the window of a long utterance, by what the decodes say."""

import numpy as np
import pytest

from maatu_stt.engine.agreement import Agreement
from maatu_stt.engine.base import SAMPLE_RATE_HZ, RecognitionOptions, Transcription, Word
from maatu_stt.engine.languages import LanguageChoice
from maatu_stt.engine.utterance import Utterance

SECONDS = 21
SAMPLES = np.random.default_rng(5).normal(0, 0.1, SECONDS * SAMPLE_RATE_HZ).astype(np.float32)


def utterance() -> Utterance:
    return Utterance(0, 0, 0, RecognitionOptions(word_times=True), LanguageChoice((), each_utterance=False))


def said(*words: Word, doubtful: bool = False) -> Transcription:
    return Transcription(words, "en", 0.9, "model", 0.1, is_doubtful=doubtful)


def each_second(text: str = " no", seconds: int = SECONDS) -> tuple[Word, ...]:
    return tuple(Word(f"{text}{second}", (), float(second), second + 0.5, 0.9) for second in range(seconds))


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_person_who_repeats_himself_loses_nothing(doubtful: bool) -> None:
    words = each_second()
    heard = utterance()
    transcription = said(*words, doubtful=doubtful)
    heard.learn(transcription, len(SAMPLES))
    heard.settle(SAMPLES, transcription)
    assert SECONDS / 2 <= heard.window_start / SAMPLE_RATE_HZ <= SECONDS * 0.75
    left = tuple(word for word in words if (word.start_s or 0.0) * SAMPLE_RATE_HZ >= heard.window_start)
    assert 0 < len(left) < len(words)
    assert heard.final(said(*left), len(SAMPLES)).text == said(*words).text


def test_a_doubtful_decode_takes_no_committed_word_back() -> None:
    words = each_second()
    heard = utterance()
    for transcription in (said(*words), said(*words), said(*words, doubtful=True)):
        heard.learn(transcription, len(SAMPLES))
    before = heard.partial(said(*words), 0, at_pause=False).stable_text
    heard.settle(SAMPLES, said(*words, doubtful=True))
    committed = heard.request(SAMPLES, 0.0, 0.0).committed
    assert heard.partial(said(*committed), 0, at_pause=False).stable_text == before


def test_words_that_stay_lose_the_times_of_the_window_that_is_gone() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.update(said(*each_second(seconds=6)))
    agreement.forget(2)
    assert [word.text for word in agreement.committed] == [" no2", " no3", " no4"]
    assert {word.start_s for word in agreement.committed} == {None}
