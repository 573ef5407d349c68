"""The guards: what nobody said is dropped, what was said is not."""

import pytest

from maatu_stt.engine.guards import Evidence, hallucination, is_too_fast, repeats_itself, suspicion, without_annotations
from maatu_stt.engine.silence_phrases import CREDITS, STOCK_PHRASES, is_credit, is_stock_phrase


def evidence(
    text: str, log_probability: float = -0.6, no_speech: float = 0.05, *, duration_s: float = 0.0, cut_off: bool = False
) -> Evidence:
    return Evidence(text, log_probability, no_speech, cut_off, duration_s)


SAID = (
    "Thank you.",
    "Yes.",
    "No.",
    "Okay.",
    "you",
    "Bye.",
    "Thanks for watching the kids.",
    "ಧನ್ಯವಾದಗಳು",
    "ありがとうございました",
)


@pytest.mark.parametrize("text", SAID)
@pytest.mark.parametrize(
    ("log_probability", "no_speech", "voiced_s", "mean_voice"),
    [
        (-0.5, 0.02, 0.0, 0.0),  # nothing known of the detector
        (-0.9, 0.45, 0.5, 0.8),
        (-1.3, 0.5, 0.4, 0.58),  # in as much noise as speech
    ],
)
def test_what_was_said_is_kept(
    text: str, log_probability: float, no_speech: float, voiced_s: float, mean_voice: float
) -> None:
    voiced_s = 1.2 if len(text) > 12 and voiced_s else voiced_s
    assert hallucination(evidence(text, log_probability, no_speech), voiced_s, mean_voice) is None


@pytest.mark.parametrize(
    "text", ["you", "Thank you.", "Thanks for watching! Thanks for watching!", "감사합니다.", "MERCI !"]
)
def test_a_stock_phrase_needs_one_more_sign(text: str) -> None:
    assert hallucination(evidence(text)) is None
    assert hallucination(evidence(text, -0.4, 0.9)) == "phrase", "the model heard no speech"
    assert hallucination(evidence(text), 0.3, 0.4) == "phrase", "the detector hardly heard voice"
    assert hallucination(evidence("Thank you for watching. Bye. See you next time."), 0.3, 0.8) == "phrase", "too fast"


def test_other_words_need_two_more_signs() -> None:
    text = "I'll take the train."
    assert hallucination(evidence(text, -0.6, 0.7)) is None
    assert hallucination(evidence(text, -0.6, 0.1), 1.0, 0.4) is None
    assert hallucination(evidence(text, -0.6, 0.7), 1.0, 0.4) == "no_voice"
    assert hallucination(evidence(text, -1.2, 0.7)) == "no_speech"
    assert hallucination(evidence(text, -0.6, 0.9)) == "no_speech"
    loop = "Click! Click! Click! Click! Click!"
    assert hallucination(evidence(loop, -0.4, 0.7)) == "no_voice"
    assert hallucination(evidence(loop)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Subtitles by the Amara.org community",
        "Subtítulos realizados por la comunidad de Amara.org",
        "Sous-titres réalisés par la communauté d'Amara.org",
        "Untertitel im Auftrag des ZDF, 2020",
        "MBC 뉴스 김성현입니다.",
        "Субтитры создавал DimaTorzok",
        "Altyazı M.K.",
    ],
)
def test_a_credit_is_dropped_at_the_first_doubt(text: str) -> None:
    assert is_credit(text)
    assert hallucination(evidence(text), 2.0, 0.9) is None
    assert hallucination(evidence(text), 2.0, 0.6) == "credit"
    assert hallucination(evidence(text, -0.2, 0.7)) == "credit"


@pytest.mark.parametrize("text", [".", "...", ". . . . . .", "♪♪", "?!"])
def test_marks_without_a_word_are_no_text(text: str) -> None:
    assert hallucination(evidence(text)) == "no_words"
    assert hallucination(evidence("")) is None


@pytest.mark.parametrize("language", sorted(STOCK_PHRASES))
def test_all_phrases_are_known_in_any_case_and_punctuation(language: str) -> None:
    for phrase in STOCK_PHRASES[language]:
        assert is_stock_phrase(phrase)
        assert is_stock_phrase(f" {phrase.upper()}!")
        assert not is_stock_phrase(f"{phrase} zebra")


def test_credits_are_found_within_a_text_and_nowhere_else() -> None:
    assert all(is_credit(f"{name} Maria") for names in CREDITS.values() for name in names)
    assert not any(is_credit(text) for text in ("Who made the subtitles?", "untertitel", "字幕", "", "Amara is here."))


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("[Music]", ""),
        ("(applause)", ""),
        ("♪♪", ""),
        ("♪ ♫", ""),
        ("[BLANK_AUDIO]", ""),
        ("(upbeat music) (laughs)", ""),
        ("*sighs*", ""),
        ("（笑）", ""),
        ("【音楽】", ""),
        ("(speaking in foreign language)", ""),
        ("[Music] Hello there.", "Hello there."),
        ("Well, (laughs) I know.", "Well, I know."),
        ("♪ Happy birthday to you ♪", "Happy birthday to you"),
        ("Call (555) 123 [4567].", "Call (555) 123 [4567]."),
        ("My brother (the elder) came.", "My brother (the elder) came."),
        ("Two * three * four", "Two * three * four"),
        ("ಧನ್ಯವಾದಗಳು (ನಗು)", "ಧನ್ಯವಾದಗಳು (ನಗು)"),
        ("", ""),
    ],
)
def test_annotations_leave_what_was_spoken(text: str, spoken: str) -> None:
    assert without_annotations(text) == spoken


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("What is the capital of France?", 1.4),
        ("I need to cancel my appointment on Friday.", 1.6),
        ("My number is 415 229 4471.", 2.0),
        ("100,000,000", 0.8),
        ("明日の会議は何時に始まりますか", 1.6),
        ("내일 회의는 몇 시에 시작하나요", 1.5),
        ("ನಾಳೆ ಸಭೆ ಎಷ್ಟು ಗಂಟೆಗೆ ಪ್ರಾರಂಭವಾಗುತ್ತದೆ", 1.6),
        ("Yes.", 0.2),
        ("anything at all, as long as the time is not known, is slow enough", 0.0),
    ],
)
def test_a_quick_speaker_is_not_too_fast(text: str, seconds: float) -> None:
    assert not is_too_fast(text, seconds)
    assert suspicion(evidence(text, duration_s=seconds)) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("I'm not going to be too close to the end of the video.", 0.4),
        ("ご視聴ありがとうございました。また次の動画でお会いしましょう。", 0.8),
        ("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", 0.9),
    ],
)
def test_nobody_speaks_so_fast(text: str, seconds: float) -> None:
    assert is_too_fast(text, seconds)
    assert suspicion(evidence(text, duration_s=seconds)) == "too_fast"


@pytest.mark.parametrize("text", ["BEE-BEE-BEE-BEE-BEE-BEE-", "Aaaaaaah!", "B-b-b-b-b-b", "1.0.1.1.1.1.1.1.1.1.1.1"])
def test_a_syllable_over_and_over_is_repetition(text: str) -> None:
    assert suspicion(evidence(text)) == "repetition"


@pytest.mark.parametrize("text", ["Hahaha!", "Mississippi", "1,000,000", "Oooh.", "ಮಮತೆ", "さよならならない"])
def test_usual_words_repeat_less(text: str) -> None:
    assert not repeats_itself(text)
