"""What is taken out of a text before it is spoken, and how it is cut."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        ("[\u200b[həˈloʊ]&#8203;] \\[\\[a\\]\\] &#91;&#91;b", "həˈloʊ a b"),
        ("tab\tand\x00control", "tab and control"),
        ("ಶ್ರೀ\u200dಮಂತ ಕ್\u200cಷ", "ಶ್ರೀ\u200dಮಂತ ಕ್\u200cಷ"),
        ("नमस्ते दुनिया।", "नमस्ते दुनिया।"),
        ("<prosody rate=\"slow\" pitch='low'>Slow</prosody><br/>down", "Slow down"),
        ("<!-- a > b --><p class=x>Text</p><!DOCTYPE html>", "Text"),
        ("<script>if (a < b) { alert(1) }</script>Hi<style>p { color: red }</style>", "Hi"),
        ("x<y and y>z", "x<y and y>z"),
        ("I <3 you", "I <3 you"),
        (
            "Write to <ann@example.com> or <https://example.com/a_b>",
            "Write to ann@example.com or https://example.com/a_b",
        ),
        ("1 &lt; 2 &#38; 3 &gt; 2, &nbsp;&unknown; R&D", "1 < 2 & 3 > 2, &unknown; R&D"),
        ("&#0;&#128512;&#99999999;a", "&#99999999;a"),
        ('![a cat](cat.png) and [b](https://e.org/x_(y) "title")', "a cat and b"),
        ("A note[^1] and [a link][2]", "A note and [a link 2]"),
        ("```python\nprint(1)\n```", "print(1)"),
        ("~~~\ncode\n~~~", "code"),
        ("> > quoted\n> more", "quoted\nmore"),
        ("- [ ] open\n- [x] done\n* * *\n---", "open\ndone"),
        ("Title\n=====\nText", "Title\n\nText"),
        ("| Name | Price |\n|:-----|------:|\n| Tea | **5** |\n| Rice | |", "Name, Price\n\nTea, 5\nRice"),
        (r"5 \* 3 and \_x\_", "5 * 3 and _x_"),
        ("~~old~~ ***new***", "old new"),
        ("🇮🇳 India 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f 1️⃣ ❤️‍🔥 ✅ ▶️ ‼️", "India 1"),
        ("☎️ 555 → now", "555 now"),
        ("soft\u00adhyphen zero\u200bwidth \u202eright\u202c \ufeffBOM \u2060x", "softhyphen zerowidth right BOM x"),
        ("a\u2028b\r\nc\rd", "a\nb\nc\nd"),
        ("bad \ud800 surrogate \ue000 private \ufffd", "bad surrogate private"),
        ("e\u0301te\u0301", "été"),
        ("क्\u200dष ನ್\u200cನ 👨\u200d🚀", "क्\u200dष ನ್\u200cನ"),
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


@pytest.mark.parametrize(
    ("language", "text", "count"),
    [
        ("hi", "नमस्ते दुनिया। ठीक है॥ अब जाओ।", 3),
        ("bn", "আমি ভালো আছি। তুমি কেমন আছ?", 2),
        ("ur", "میں ٹھیک ہوں۔ آپ کیسے ہیں؟", 2),
        ("kn", "ಅವರು ಬಂದರು. ಸರಿ! ಹೋಗೋಣವೇ? ಹೌದು.", 4),
        ("kn", "ಡಾ. ರಾವ್ 3.5 ಕಿ. ಮೀ. ನಡೆದರು. ಸರಿ.", 2),
        ("kn", "ಎಸ್. ಎಂ. ಕೃಷ್ಣ ಬಂದರು.", 1),
        ("hi", "डॉ. राव 3.5 किमी चले।", 1),
        ("te", "డా. రావు వచ్చారు.", 1),
        ("en", "Dr. Smith paid 3.50 dollars, e.g. by card. He left.", 2),
    ],
)
def test_sentences_end_where_they_end(language: str, text: str, count: int) -> None:
    cut = pieces(text, language, early=False)
    assert len(cut) == count
    assert " ".join(cut).split() == text.split()


def test_pieces_that_belong_together_stay_short_enough() -> None:
    text = "ಡಾ. " + "ರಾವ್ " * 60
    assert all(len(piece) <= LONGEST_PIECE_CHARS for piece in pieces(text, "kn", early=False))


@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.one_of(
            st.characters(),
            st.sampled_from("<>&#;[](){}*_~`|\\-=\n \u200d\ufe0f👩🇮ಕ್aA1\"'/:!"),
        ),
        max_size=80,
    )
)
def test_any_text_can_be_cleaned(text: str) -> None:
    cleaned = clean(text)
    assert cleaned == cleaned.strip()
    assert not any(ord(character) < 32 and character != "\n" for character in cleaned)


@pytest.mark.parametrize(
    "piece",
    ["<a", "<a ", "<a x=", "<a b=c ", "<!--", "<script>", "[", "[](", "[a](b", "[a](()", "&#9", "&a", "*", "`", "|", "| a", "> ",
     "\n", " ",
     "\\", "[^", "<x@", "<http://", '[](x "', "👩\u200d", "🇮🇳", "\u200d", "\x00", "a"],
)  # fmt: skip
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    began = time.process_time()
    clean(text)
    assert time.process_time() - began < 1  # 20 ms on an idle core; quadratic time would be many seconds
