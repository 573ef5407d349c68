"""Which script a text is in, and which voices cannot read it."""

import pytest

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import LANGUAGES
from maatu_tts.text import languages_written_in, script_of, unspeakable
from maatu_tts.text.scripts import _RANGES


@pytest.mark.parametrize(
    ("character", "script"),
    [
        ("a", "Latin"),
        ("ñ", "Latin"),
        ("ಕ", "Kannada"),
        ("क", "Devanagari"),
        ("ক", "Bengali"),
        ("த", "Tamil"),
        ("తె"[0], "Telugu"),
        ("മ", "Malayalam"),
        ("ગ", "Gujarati"),
        ("ਪ", "Gurmukhi"),
        ("ଓ", "Odia"),
        ("ع", "Arabic"),
        ("ж", "Cyrillic"),
        ("λ", "Greek"),
        ("א", "Hebrew"),
        ("漢", "Han"),
        ("ひ", "Hiragana"),
        ("カ", "Katakana"),
        ("한", "Hangul"),
        ("ก", "Thai"),
        ("ꯀ", "Meetei Mayek"),
        ("ᱥ", "Ol Chiki"),
        ("5", None),
        ("५", None),
        ("!", None),
        ("😀", None),
        ("ಾ", None),
    ],
)
def test_script_of_a_letter(character: str, script: str | None) -> None:
    assert script_of(character) == script


def test_ranges_are_in_order() -> None:
    ends = [end for first, last, _ in _RANGES for end in (first, last)]
    assert ends == sorted(ends)


@pytest.mark.parametrize(
    ("text", "languages", "script"),
    [
        ("Hello", "en", None),
        ("ನಮಸ್ಕಾರ", "en", "Kannada"),
        ("नमस्ते", "kn", "Devanagari"),
        ("नमस्ते", "kn hi", None),
        ("ನಮಸ್ಕಾರ friends", "kn", None),
        ("Please switch on the AC", "kn", None),  # Latin is never in the way
        ("Привет", "es", "Cyrillic"),
        ("Hello мир", "en", None),  # most letters can be read
        ("Привет, how?", "en", "Cyrillic"),
        ("ab क", "en", None),
        ("漢字とかな", "ja", None),
        ("漢字", "en", "Han"),
        ("ನ न", "ta", "Kannada"),
        ("123 !? 😀", "en", None),
        ("", "en", None),
        ("नमस्ते", "tlh-no-such", None),
        ("नमस्ते", "en xx", None),  # not in the table: not judged
    ],
)
def test_what_a_voice_cannot_read(text: str, languages: str, script: str | None) -> None:
    assert unspeakable(text, [Language(code) for code in languages.split()]) == script


def test_languages_of_a_script() -> None:
    assert languages_written_in("Kannada")[0] == "kn"
    assert {"hi", "mr", "ne", "sa"} <= set(languages_written_in("Devanagari"))
    assert "en" in languages_written_in("Latin")
    assert languages_written_in("Klingon") == ()


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_languages_whose_numbers_are_spoken_have_a_script(code: str) -> None:
    assert unspeakable("漢字", [Language(code)]) == "Han"
