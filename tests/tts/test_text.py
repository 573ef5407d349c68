"""What is taken out of a text before it is spoken, and how it is cut."""

import pytest

from maatu_tts.text import LONGEST_PIECE_CHARS, clean, is_speakable, pieces


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello, world!", "Hello, world!"),
        ("<speak>Hello <break time='1s'/>there</speak>", "Hello there"),
        ("**Bold** and *italic* and `code`", "Bold and italic and code"),
        ("# Title\n- first\n- second", "Title\nfirst\nsecond"),
        ("See [the map](https://example.org/a_b) now", "See the map now"),
        ("Great 👍🏽 job 👩‍👩‍👧 😀!", "Great job !"),
        ("AT&amp;T", "AT&T"),
        ("3 * 4 = 12 and a < b > c", "3 * 4 = 12 and a < b > c"),
        ("snake_case stays", "snake_case stays"),
        ("[[həˈloʊ]] there", "həˈloʊ there"),
        ("tab\tand\x00control", "tab and control"),
        ("ಶ್ರೀ\u200dಮಂತ ಕ್\u200cಷ", "ಶ್ರೀ\u200dಮಂತ ಕ್\u200cಷ"),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया।"),
    ],
)
def test_only_what_can_be_spoken_stays(written: str, spoken: str) -> None:
    assert clean(written) == spoken


@pytest.mark.parametrize("text", ["", "  \n", "😀🎉", "<b></b>", "...!?", "**", "—"])
def test_nothing_speakable(text: str) -> None:
    assert not is_speakable(clean(text))


@pytest.mark.parametrize("text", ["a", "7", "ಕ", "—no"])
def test_something_speakable(text: str) -> None:
    assert is_speakable(clean(text))


def test_a_short_clause_is_one_piece() -> None:
    clause = "The weather is lovely today, and we might walk along the river."
    assert pieces(clause, "en", early=True) == [clause]


def test_sentences_are_pieces_and_no_word_is_lost() -> None:
    text = "First sentence here. Second one, with a comma. " * 20
    cut = pieces(text, "en", early=True)
    assert len(cut) > 10
    assert " ".join(cut).split() == text.split()


def test_no_piece_is_too_long() -> None:
    cut = pieces("word " * 390, "en", early=True)
    assert all(len(piece) <= LONGEST_PIECE_CHARS for piece in cut)
    assert " ".join(cut).split() == ["word"] * 390


def test_a_long_first_clause_begins_with_a_short_piece() -> None:
    clause = "Well my friend, " + "this goes on for quite a while without any full stop " * 3
    assert pieces(clause, "en", early=True)[0] == "Well my friend,"
    assert len(pieces(clause, "en", early=False)[0]) > 100
