"""The small parts of the engine: guards, windows, stability, buffer."""

import numpy as np
import pytest

from maatu_stt.engine.buffer import SampleBuffer
from maatu_stt.engine.guards import Evidence, repeats_itself, suspicion
from maatu_stt.engine.stability import Stability
from maatu_stt.engine.windows import LONGEST_WINDOW, window_bounds


def evidence(text: str, log_probability: float = -0.3, no_speech: float = 0.0, cut_off: bool = False) -> Evidence:
    return Evidence(text, log_probability, no_speech, cut_off)


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital of France? What is the capital of France?",
        "And so my fellow Americans asked, and so my fellow Americans asked",
        "yes, yes, yes, yes,",
        "ಹೌದು ಹೌದು ಹೌದು ಹೌದು",
        "I said thank you very much thank you very much",
    ],
)
def test_repetition_is_noticed(text: str) -> None:
    assert repeats_itself(text)
    assert suspicion(evidence(text)) == "repetition"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes, yes, I know.",
        "No, no, no.",
        "ask not what your country can do for you, ask what you can do for your country",
        "the more the merrier the more",
        "ಕಾ ಕಿ ಕು ಕೆ ಕೊ",
    ],
)
def test_usual_speech_does_not_count_as_repetition(text: str) -> None:
    assert not repeats_itself(text)
    assert suspicion(evidence(text)) is None


def test_every_sign_of_a_bad_decode_has_its_name() -> None:
    assert suspicion(evidence("hello", log_probability=-1.1)) == "log_probability"
    assert suspicion(evidence("hello", cut_off=True)) == "too_long"
    assert suspicion(evidence("ah" * 100)) == "compression"


def test_silence_needs_both_signs() -> None:
    assert evidence("you", log_probability=-1.5, no_speech=0.9).is_silence
    assert not evidence("you", log_probability=-0.5, no_speech=0.9).is_silence
    assert not evidence("you", log_probability=-1.5, no_speech=0.1).is_silence


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


def test_what_two_decodes_agree_on_is_stable() -> None:
    stability = Stability()
    assert stability.update("and so", at_pause=False) == ("", 0.0)
    assert stability.update("And so my", at_pause=False) == ("", 0.0)
    text, value = stability.update("And so my fellow", at_pause=False)
    assert text == "And so my"
    assert value == pytest.approx(0.9 * 3 / 4)
    assert stability.update("And  so my fellow", at_pause=True) == ("And  so my fellow", 0.9)


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
