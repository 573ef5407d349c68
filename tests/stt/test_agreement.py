"""What of a transcript is committed."""

from hypothesis import given
from hypothesis import strategies as st

from maatu_stt.engine.agreement import Agreement
from maatu_stt.engine.base import Transcription, Word, text_of


def said(*texts: str, confidence: float = 0.9) -> Transcription:
    return Transcription(tuple(Word(text) for text in texts), "en", confidence, "model", 0.1)


def committed(agreement: Agreement) -> str:
    return text_of(agreement.committed)


def test_a_word_is_committed_when_two_decodes_wrote_it() -> None:
    agreement = Agreement()
    agreement.update(said(" what", " is", " the", " cap"))
    assert committed(agreement) == ""
    agreement.update(said(" what", " is", " the", " capital", " of"))
    assert committed(agreement) == "what is the"
    agreement.update(said(" what", " is", " the", " capital", " of", " France"))
    assert committed(agreement) == "what is the capital of"


def test_the_last_word_is_never_committed_for_it_may_be_half_said() -> None:
    agreement = Agreement()
    for _ in range(3):
        agreement.update(said(" I", " can"))
    assert committed(agreement) == "I"


def test_punctuation_around_the_last_word_waits_with_it() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.update(said(" Yes", ",", " please", "."))
    assert committed(agreement) == "Yes"
    for _ in range(2):
        agreement.update(said(" Yes", ",", " please", ",", " do", "."))
    assert committed(agreement) == "Yes, please"


def test_a_word_that_changed_has_to_be_written_twice_again() -> None:
    agreement = Agreement()
    agreement.update(said(" the", " water", " was"))
    agreement.update(said(" the", " weather", " was", " nice"))
    assert committed(agreement) == "the"
    agreement.update(said(" the", " weather", " was", " nice", " today"))
    assert committed(agreement) == "the weather was nice"


def test_an_unsure_decode_commits_nothing_but_counts_as_the_first_of_two() -> None:
    agreement = Agreement()
    for _ in range(3):
        agreement.update(said(" the", " water", " was", confidence=0.5))
    assert committed(agreement) == ""
    agreement.update(said(" the", " water", " was", " cold"))
    assert committed(agreement) == "the water was"


def test_words_that_leave_take_nothing_with_them() -> None:
    agreement = Agreement()
    for _ in range(2):
        agreement.update(said(" a", " b", " c", " d", " e"))
    assert text_of(agreement.forget(2)) == "a b"
    assert committed(agreement) == "c d"
    agreement.update(said(" c", " d", " e", " f"))
    assert committed(agreement) == "c d e"


@given(st.lists(st.lists(st.sampled_from([" a", " b", ",", "."]), max_size=6), max_size=12))
def test_what_is_committed_only_ever_grows(tails: list[list[str]]) -> None:
    agreement = Agreement()
    for tail in tails:
        before = agreement.committed
        agreement.update(Transcription((*before, *map(Word, tail)), "en", 0.9, "model", 0.1))
        assert agreement.committed[: len(before)] == before


def test_nothing_said_commits_nothing() -> None:
    agreement = Agreement()
    agreement.update(said())
    agreement.update(said(","))
    agreement.update(said(","))
    assert agreement.committed == ()
