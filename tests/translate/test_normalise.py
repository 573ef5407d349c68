"""What is made of a text before it goes to a model."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.normalise import normalise


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Hello there.", "Hello there."),
        ("  Hello \t there.\r\n", "Hello there."),
        ("cafe\u0301", "caf\u00e9"),
        ("e\u00ad\u0301", "\u00e9"),
        ("25\u00a0€\u3000oder\u202f30", "25 € oder 30"),
        ("a\x00b\x07c\x1b[0m", "abc[0m"),
        ("\ufeffa\u200bb\u2060c\u00add", "abcd"),
        ("\u202eabc\u202c \u2066x\u2069\u200f\u061c", "abc x"),
        ("a\ud800b\udfffc\U000e1234\ue000\uffff\ufffdd", "abcd"),
        ("one\u2028two\x85three", "one two three"),
        # Kannada: a non-joiner after the virama (ರಾಜ್‌ಕುಮಾರ್), a joiner before it (ರ‍್ಯಾಲಿ), and ones that say nothing.
        ("ರಾಜ್\u200cಕುಮಾರ್", "ರಾಜ್\u200cಕುಮಾರ್"),
        ("ರ\u200d್ಯಾಲಿ", "ರ\u200d್ಯಾಲಿ"),
        ("ಕನ್ನಡ\u200c \u200dನಾಡು\u200c", "ಕನ್ನಡ ನಾಡು"),
        ("ರಾಜ್\u200c\u200d\u200cಕುಮಾರ್", "ರಾಜ್\u200cಕುಮಾರ್"),
        ("क्\u200dष", "क्\u200dष"),
        ("ന്\u200d", "ന്\u200d"),  # a Malayalam chillu as it was written before Unicode 5.1
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200db\u200cc", "abc"),
        ("👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👍🏽", "👩\u200d👩\u200d👧 ❤\ufe0f\u200d🔥 👍🏽"),
        ("\u200dx", "x"),
        ("\u06ddx", "\u06ddx"),
        ("a" + "\u0301" * 50, "\u00e1" + "\u0301" * 29),
        ("", ""),
        ("\x00\u200b", ""),
    ],
)
def test_normal_form_of(text: str, normal: str) -> None:
    assert normalise(text) == normal


ODD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "\u200c\u200d\u0ccd\u094d\u0301\u00ad\ufeff\u202e\ud800\u0cb0\u0643\u0041\u093c\u0f71\u0f74\u1100\u1161\u11a8 \n"
        ),
    )
)


@given(ODD)
def test_twice_changes_nothing_more(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


@given(ODD)
def test_what_is_left_is_one_line_in_form_nfc(text: str) -> None:
    normal = normalise(text)
    assert unicodedata.is_normalized("NFC", normal)
    assert normal == " ".join(normal.split())
    assert not [one for one in normal if unicodedata.category(one) in ("Cc", "Cs", "Co", "Cn")]


@given(st.text("aé ñ.,3ಕನ್ನಡमराठी", max_size=40))
def test_letters_and_digits_stay(text: str) -> None:
    def letters(of: str) -> list[str]:
        return [one for one in unicodedata.normalize("NFC", of) if one.isalnum()]

    assert letters(normalise(text)) == letters(text)


@pytest.mark.parametrize(
    "one", ["\u0301", "\u200d", "\u0ccd\u200d", "\u202e", "a\u0323\u0301", "\u0f71\u0f74", "👍\u200d", " "]
)
def test_long_texts_of_one_thing(one: str) -> None:
    normal = normalise("a" + one * (20_000 // len(one)))
    assert len(normal) <= 20_001
    assert normalise(normal) == normal
