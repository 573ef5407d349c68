"""The cutting into sentences."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.cutting import LONGEST_PIECE_CHARS, cut_into_sentences, says_something, set_apart

ALPHABETS = {
    "es": "aéñ ¿?¡!.,;…\n\t1😀\"'()",
    "en": "abDrM. ?!,'\n\r\t\x0b\x85\u2028\x00\ufeff\u20033",
    "kn": "ಕನ್ನಡ।॥. ?!\n5",
    "hi": "हिन्दी।॥ |?!.\n",
    "ar": "مرحبا؟،. !\n\u200f",
    "zh": "你好。！？，… \n\u3000",
    "zz": "xyz. \n",
}


@given(st.sampled_from(sorted(ALPHABETS)).flatmap(lambda code: st.tuples(st.just(code), st.text(ALPHABETS[code]))))
def test_sentences_join_to_the_text(case: tuple[str, str]) -> None:
    language, text = case
    sentences = cut_into_sentences(text, language)
    assert "".join(sentences) == text
    assert all(sentences)
    # No sentence is without a letter or digit, unless the whole text is.
    assert len(sentences) <= 1 or all(any(map(str.isalnum, sentence)) for sentence in sentences)


@given(st.text())
def test_sentences_of_any_text_join_to_it(text: str) -> None:
    assert "".join(cut_into_sentences(text, "en")) == text


@pytest.mark.parametrize(
    ("language", "text", "sentences"),
    [
        ("es", "Hola. ¿Qué tal?", ["Hola. ", "¿Qué tal?"]),
        ("en", "Dr. Smith paid 3.50 dollars. He left.", ["Dr. Smith paid 3.50 dollars. ", "He left."]),
        ("kn", "ನಾನು ಬಂದೆ। ನೀನು?", ["ನಾನು ಬಂದೆ। ", "ನೀನು?"]),
        ("hi", "मैं ठीक हूँ। आप?", ["मैं ठीक हूँ। ", "आप?"]),
        ("es", "\n\nHola.\n\nAdiós. 😀", ["\n\nHola.\n\n", "Adiós. 😀"]),
        ("es", "... Hola.", ["... Hola."]),
        ("es", "😀", ["😀"]),
        ("es", "", []),
        (
            "kn",
            "ಡಾ. ರಾಜ್ ಬಂದರು. ಶ್ರೀ. ಕುಮಾರ್ ೩.೫ ಕಿ.ಮೀ. ನಡೆದರು. ಸರಿ.",
            ["ಡಾ. ರಾಜ್ ಬಂದರು. ", "ಶ್ರೀ. ಕುಮಾರ್ ೩.೫ ಕಿ.ಮೀ. ನಡೆದರು. ", "ಸರಿ."],
        ),
        ("hi", "डॉ. शर्मा 3.5 कि.मी. चले॥ वे थके।", ["डॉ. शर्मा 3.5 कि.मी. चले॥ ", "वे थके।"]),
        ("te", "డా. రావు వచ్చారు. సరే.", ["డా. రావు వచ్చారు. ", "సరే."]),
        ("sat", "ᱚᱞ। ᱚᱞ॥ ᱚᱞ", ["ᱚᱞ। ", "ᱚᱞ॥ ", "ᱚᱞ"]),
        (
            "en",
            'Well... I agree. "Really?" he said. It is 3.5. Ok… then go.',
            ["Well... I agree. ", '"Really?" he said. ', "It is 3.5. ", "Ok… then go."],
        ),
        (
            "es",
            "Bueno... no sé. El Sr. Ruiz pagó 1.000 euros. «¡Ven!» dijo.",
            ["Bueno... no sé. ", "El Sr. Ruiz pagó 1.000 euros. ", "«¡Ven!» dijo."],
        ),
        ("ur", "میں ٹھیک ہوں۔ آپ؟", ["میں ٹھیک ہوں۔ ", "آپ؟"]),
        ("ja", "はい。そうです。", ["はい。", "そうです。"]),
        (
            "es",
            "Es la 1.ª vez. Vive en el n.º 5. El 2.° piso.",
            ["Es la 1.ª vez. ", "Vive en el n.º 5. ", "El 2.° piso."],
        ),
        (
            "es",
            "Son las 3 p. m. y llueve. Son las 3 p.m. Llueve.",
            ["Son las 3 p. m. y llueve. ", "Son las 3 p.m. ", "Llueve."],
        ),
        ("es", "D. José vino. Hola, Dña. Ana. Soy D.ª Eva.", ["D. José vino. ", "Hola, Dña. Ana. ", "Soy D.ª Eva."]),
        ("es", "Son aprox. 10. Hay máx. 7 o mín. 2.", ["Son aprox. 10. ", "Hay máx. 7 o mín. 2."]),
        ("en", "Call tel. 5551234. Max. 7 in Apt. 5.", ["Call tel. 5551234. ", "Max. 7 in Apt. 5."]),
        ("en", "It is 3 p.m. and dry. I saw Max. He left.", ["It is 3 p.m. and dry. ", "I saw Max. ", "He left."]),
        ("en", "Take vitamin D. Then sleep.", ["Take vitamin D. ", "Then sleep."]),
        ("es", "Son aprox.\n10 mesas.", ["Son aprox.\n", "10 mesas."]),
    ],
)
def test_sentences_of(language: str, text: str, sentences: list[str]) -> None:
    assert cut_into_sentences(text, language) == sentences


def test_a_long_sentence_is_cut_after_its_last_comma_or_space() -> None:
    words = "una palabra y otra palabra mas " * 30
    pieces = cut_into_sentences(words, "es")
    assert "".join(pieces) == words
    assert all(LONGEST_PIECE_CHARS / 2 <= len(piece) <= LONGEST_PIECE_CHARS for piece in pieces[:-1])
    assert all(piece.endswith(" ") for piece in pieces)
    with_comma = words[:299] + ", " + words
    assert len(cut_into_sentences(with_comma, "es")[0]) == 301
    assert list(map(len, cut_into_sentences("a" * 900, "es"))) == [LONGEST_PIECE_CHARS, LONGEST_PIECE_CHARS, 100]


@given(st.lists(st.sampled_from(["palabra", " ", ", ", "…", "\u3000", "x" * 300]), max_size=400).map("".join))
def test_pieces_of_long_sentences_join_to_the_text(text: str) -> None:
    pieces = cut_into_sentences(text, "es")
    assert "".join(pieces) == text
    for piece, following in itertools.pairwise(pieces):
        say_something = says_something(piece) and says_something(following)
        assert say_something or len((piece + following).strip()) > LONGEST_PIECE_CHARS


@pytest.mark.parametrize(
    ("piece", "parts"),
    [
        (" Hola.\n", (" ", "Hola.", "\n")),
        ("Hola 😀 ❤️👩🏽‍🚀!", ("", "Hola 😀 ❤️👩🏽‍🚀!", "")),
        ("Hola. 😀 ❤️👩🏽‍🚀 ", ("", "Hola.", " 😀 ❤️👩🏽‍🚀 ")),
        ("¿Qué?!!! ¡No!!", ("", "¿Qué?!!! ¡No!", "!")),
        ("Bueno... ", ("", "Bueno...", " ")),
        ("Bueno......", ("", "Bueno...", "...")),
        ("😀 Hola", ("😀 ", "Hola", "")),
        ("... Hola", ("", "... Hola", "")),
        ("❶ 🄀", ("", "❶ 🄀", "")),
        ("Hace 25 °", ("", "Hace 25 °", "")),
        ("ಕ್\u200d", ("", "ಕ್\u200d", "")),
        ("1. Hierve agua.", ("1. ", "Hierve agua.", "")),
        (" - 12) ¿Y tú? ", (" - 12) ", "¿Y tú?", " ")),
        ("• Agua", ("• ", "Agua", "")),
        ("-Agua", ("", "-Agua", "")),
        ("5. 6", ("", "5. 6", "")),
        ("1.5 km", ("", "1.5 km", "")),
        ("- 5 km", ("", "- 5 km", "")),
        ("2026. Fue bueno.", ("", "2026. Fue bueno.", "")),
    ],
)
def test_what_stands_around_a_sentence(piece: str, parts: tuple[str, str, str]) -> None:
    assert set_apart(piece) == parts


def test_what_says_something_is_never_set_apart() -> None:
    assert not [
        character for character in map(chr, range(0x110000)) if character.isalnum() and not set_apart(character)[1]
    ]


@pytest.mark.parametrize(
    "text",
    [
        "ಡಾ. " * 5_000,
        "। " * 10_000,
        "... a " * 3_300,
        "x" * 20_000,
        "\n" * 20_000,
        "مرحبا؟ 👍 " * 2_000,
        ". " * 10_000,
        "tel. 5 " * 2_800,
        "1.º " * 5_000,
        "Hola " + "😀" * 19_000,
        "Hola" + "!" * 19_000,
    ],
)
def test_long_and_odd_texts_are_cut(text: str) -> None:
    pieces = cut_into_sentences(text, "kn")
    assert "".join(pieces) == text
    assert all(len(piece.strip()) <= LONGEST_PIECE_CHARS for piece in pieces)
    assert all("".join(set_apart(piece)) == piece for piece in pieces)
