"""The judges of outputs, and the cutting into sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.engine.guards import complaint, match_ending, restore_phrases
from maatu_translate.translator import LONGEST_PIECE_CHARS, cut_into_sentences


@pytest.mark.parametrize(
    ("source", "output", "mended"),
    [
        ("Si llueve,", "If it rains.", "If it rains,"),
        ("Si llueve,", "If it rains", "If it rains,"),
        ("Si llueve, ", "If it rains,", "If it rains,"),
        ("Si llueve;", "If it rains,", "If it rains;"),
        ("como sigue:", "as follows.", "as follows:"),
        ("el perro", "the dog.", "the dog"),
        ("El perro.", "The dog.", "The dog."),
        ("El perro.", "The dog", "The dog"),
        ("¿El perro?", "The dog.", "The dog."),
        ("नमस्ते।", "Hello.", "Hello."),
        ("Si llueve,", "", ""),
    ],
)
def test_endings_are_those_of_the_source(source: str, output: str, mended: str) -> None:
    assert match_ending(source, output) == mended


@pytest.mark.parametrize(
    ("source", "output", "phrases", "mended", "restored"),
    [
        ("Soy Ana.", "I am Ana.", ["Ana"], "I am Ana.", []),
        ("Soy Ana.", "I am Anne.", ["Zoe", ""], "I am Anne.", []),
        ("Soy Ana.", "I am Anna.", ["Ana"], "I am Ana.", ["Ana"]),
        ("¿Ana?", "¿Anna?", ["Ana"], "¿Ana?", ["Ana"]),
        ("¿Es Ana?", "...Anna is it?", ["Ana"], "...Ana is it?", ["Ana"]),
        ("Vivo en San José.", "I live in Saint Jose.", ["San José"], "I live in San José.", ["San José"]),
        ("Es AB-12!", "It is!", ["AB-12"], "It is AB-12!", ["AB-12"]),
        ("AB-12", "", ["AB-12"], " AB-12", ["AB-12"]),
        ("Ana y Eva.", "Anna and Eve.", ["Ana", "Eva"], "Ana and Eva.", ["Ana", "Eva"]),
        ("Es XY y b.", "It is b.", ["b.", "XY"], "It is b. XY", ["XY"]),
        ("Hola", "Hello", [" "], "Hello", []),
        ("a b", "Hello", [" "], "Hello", []),
        # The second resembles the first more than its own translation; the first stays none the less.
        ("Anna y Hanna", "Ana and Jana", ["Anna", "Hanna"], "Anna and Hanna", ["Anna", "Hanna"]),
        ("Hola ಬೆಂಗಳೂರು.", "Hello Bengaluru.", ["ಬೆಂಗಳೂರು"], "Hello Bengaluru ಬೆಂಗಳೂರು.", ["ಬೆಂಗಳೂರು"]),
    ],
)
def test_phrases_are_restored(source: str, output: str, phrases: list[str], mended: str, restored: list[str]) -> None:
    assert restore_phrases(source, output, phrases) == (mended, restored)


WORDS = st.text("ab. ", min_size=1, max_size=8)


@given(st.lists(WORDS, max_size=4), st.text("ab. ?", max_size=30))
def test_every_phrase_of_the_source_comes_through(phrases: list[str], output: str) -> None:
    source = " ".join(phrases)
    mended, restored = restore_phrases(source, output, phrases)
    assert all(phrase in mended for phrase in phrases if phrase.strip())
    assert set(restored) <= set(phrases)


@pytest.mark.parametrize(
    ("source", "output", "target", "why"),
    [
        ("Hola.", "Hello.", "en", None),
        ("Hola.", "", "en", "gave nothing"),
        ("Hola.", "...", "en", "gave nothing"),
        ("...", "", "en", None),
        ("Hola.", "x" * 35, "en", None),
        ("Hola.", "x" * 36, "en", "many times longer"),
        ("Hola " * 12, "H" * 20, "en", None),
        ("Hola " * 12, "H" * 19, "en", "many times shorter"),
        ("Hola " * 11, "Hi", "en", None),
        ("Hello " * 12, "你好", "zh", None),
        ("Esto no es así.", "ESTO no es así.", "en", "source itself"),
        ("Radio Televisión Española", "Radio Televisión Española", "en", None),
        ("Hello.", "ನಮಸ್ಕಾರ.", "kn", None),
        ("Hello, Anna.", "ನಮಸ್ಕಾರ ಇದು Anna.", "kn", None),
        ("Hello there.", "Namaskara.", "kn", "Kannada"),
        ("Hello there.", "नमस्ते जी", "kn", "Kannada"),
        ("ನಮಸ್ಕಾರ", "ನಮಸ್ಕಾರ", "en", "Latin"),
        ("Hello.", "Привет.", "ru", None),
        ("It is 12:30.", "12:30.", "kn", None),
        ("Hello.", "こんにちは", "ja", None),
    ],
)
def test_complaints(source: str, output: str, target: str, why: str | None) -> None:
    complained = complaint(source, output, target)
    assert complained is None if why is None else why in (complained or "")


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
    assert len(pieces) <= 1 or all(any(map(str.isalnum, piece)) for piece in pieces)
