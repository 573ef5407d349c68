"""Numbers in words, and what number a string of digits and separators means."""

import pytest

from maatu_runtime.language import Language
from maatu_tts.spoken import kannada
from maatu_tts.spoken.agreement import Noun, counted
from maatu_tts.spoken.cardinals import LANGUAGES, cardinal, digits, ordinal, year
from maatu_tts.spoken.quantity import Quantity, quantity


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "ಸೊನ್ನೆ"),
        (7, "ಏಳು"),
        (10, "ಹತ್ತು"),
        (19, "ಹತ್ತೊಂಬತ್ತು"),
        (20, "ಇಪ್ಪತ್ತು"),
        (21, "ಇಪ್ಪತ್ತೊಂದು"),
        (34, "ಮೂವತ್ತನಾಲ್ಕು"),
        (45, "ನಲವತ್ತೈದು"),
        (83, "ಎಂಬತ್ತಮೂರು"),
        (99, "ತೊಂಬತ್ತೊಂಬತ್ತು"),
        (100, "ನೂರು"),
        (110, "ನೂರ ಹತ್ತು"),
        (250, "ಇನ್ನೂರ ಐವತ್ತು"),
        (500, "ಐನೂರು"),
        (999, "ಒಂಬೈನೂರ ತೊಂಬತ್ತೊಂಬತ್ತು"),
        (1_000, "ಒಂದು ಸಾವಿರ"),
        (1_947, "ಒಂದು ಸಾವಿರದ ಒಂಬೈನೂರ ನಲವತ್ತೇಳು"),
        (1_00_000, "ಒಂದು ಲಕ್ಷ"),
        (1_25_000, "ಒಂದು ಲಕ್ಷದ ಇಪ್ಪತ್ತೈದು ಸಾವಿರ"),
        (12_34_56_789, "ಹನ್ನೆರಡು ಕೋಟಿ ಮೂವತ್ತನಾಲ್ಕು ಲಕ್ಷದ ಐವತ್ತಾರು ಸಾವಿರದ ಏಳುನೂರ ಎಂಬತ್ತೊಂಬತ್ತು"),
        (125_00_00_000, "ನೂರ ಇಪ್ಪತ್ತೈದು ಕೋಟಿ"),
    ],
)
def test_kannada_numbers(value: int, words: str) -> None:
    assert kannada.cardinal(value) == words


@pytest.mark.parametrize(
    ("words", "suffix", "joined"),
    [
        ("ಐದು", "ನೇ", "ಐದನೇ"),
        ("ಐದು", "ಕ್ಕೆ", "ಐದಕ್ಕೆ"),
        ("ಇಪ್ಪತ್ತಾರು", "ರಲ್ಲಿ", "ಇಪ್ಪತ್ತಾರರಲ್ಲಿ"),
        ("ಎರಡು ಸಾವಿರ", "ರಲ್ಲಿ", "ಎರಡು ಸಾವಿರದಲ್ಲಿ"),
        ("ಒಂದು ಲಕ್ಷ", "ರಿಂದ", "ಒಂದು ಲಕ್ಷದಿಂದ"),
        ("ಒಂದು ಕೋಟಿ", "ರಿಂದ", "ಒಂದು ಕೋಟಿಯಿಂದ"),
        ("ಸೊನ್ನೆ", "ರಿಂದ", "ಸೊನ್ನೆಯಿಂದ"),
    ],
)
def test_kannada_endings(words: str, suffix: str, joined: str) -> None:
    assert kannada.with_suffix(words, suffix) == joined


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_each_number_has_words_of_its_own(code: str) -> None:
    """indic-numtowords reads different numbers alike in Kannada, Manipuri and Sindhi: those are not taken from it."""
    language = Language(code)
    numbers = [*range(1_100), *range(1_100, 99_99_99_999, 1_234_567)]
    words = [cardinal(number, language) for number in numbers]
    assert None not in words
    assert len(set(words)) == len(numbers)
    for name in words:
        assert name is not None
        assert name == " ".join(name.split())
        assert "," not in name
        assert not any(character.isdigit() for character in name)


@pytest.mark.parametrize(
    ("code", "value", "words"),
    [
        ("hi", 125_00_00_000, "एक सौ पच्चीस करोड़"),
        ("te", 125_00_00_001, "నూట ఇరవై ఐదు కోట్ల ఒకటి"),
        ("sa", 10**9, None),
        ("kn", 10**14, None),
        ("en", 10**15, None),
        ("es", 21_000, "veintiún mil"),
        ("es", 31_000_000, "treinta y un millones"),
        ("hi", 6, "छह"),
        ("ur", 5, "پانچ"),
        ("ta", 2_000, "இரண்டாயிரம்"),
        ("ru", 5, None),
    ],
)
def test_large_numbers_and_repairs(code: str, value: int, words: str | None) -> None:
    assert cardinal(value, Language(code)) == words


def test_indian_english_counts_in_lakhs() -> None:
    assert cardinal(1_25_000, Language("en", region="IN")) == "one lakh twenty-five thousand"
    assert cardinal(1_25_000, Language("en"), indian=True) == "one lakh twenty-five thousand"
    assert cardinal(1_25_000, Language("en")) == "one hundred and twenty-five thousand"
    assert cardinal(10**12, Language("en", region="IN")) == "one trillion"


def test_digits_ordinals_years() -> None:
    assert digits("907", Language("en")) == "nine zero seven"
    assert digits("1", Language("ru")) is None
    assert ordinal(21, Language("en")) == "twenty-first"
    assert ordinal(11, Language("es")) is None
    assert ordinal(1, Language("hi")) is None
    assert year(1905, Language("en")) == "nineteen oh-five"
    assert year(1999, Language("de")) == "neunzehnhundertneunundneunzig"
    assert year(1999, Language("fr")) == "mille neuf cent quatre-vingt-dix-neuf"


@pytest.mark.parametrize(
    ("tag", "written", "number"),
    [
        ("en", "0", Quantity(0)),
        ("en", "1,234,567.89", Quantity(1_234_567, "89")),
        ("en", "12,34,567", Quantity(1_234_567, indian=True)),
        ("en", "1,00,000.50", Quantity(100_000, "50", indian=True)),
        ("en", "10 000", Quantity(10_000)),
        ("en", "1.234.567", Quantity(1_234_567)),
        ("en", "1.234,5", Quantity(1_234, "5")),
        ("en", "0.125", Quantity(0, "125")),
        ("en", "1,23", None),
        ("en", "007", None),
        ("en", "1.2.3", None),
        ("en", "1,234.5.6", None),
        ("en", "1,2345", None),
        ("hi", "1,25,000", Quantity(125_000, indian=True)),
        ("es", "1.234", Quantity(1_234)),
        ("es", "3,5", Quantity(3, "5")),
        ("es", "3.5", Quantity(3, "5")),
        ("es", "1,234", Quantity(1, "234")),
        ("es-MX", "1,234", Quantity(1_234)),
        ("es-MX", "1.234", Quantity(1, "234")),
        ("de", "3.5", None),
        ("de", "1.234,56", Quantity(1_234, "56")),
        ("fr", "1 234 567,8", Quantity(1_234_567, "8")),
        ("fr", "1\u202f234", Quantity(1_234)),
        ("fr", "1.234", None),
        ("pt", "1.000.000", Quantity(1_000_000)),
    ],
)
def test_what_number_is_meant(tag: str, written: str, number: Quantity | None) -> None:
    assert quantity(written, Language.parse(tag)) == number


@pytest.mark.parametrize(
    ("code", "number", "noun", "words"),
    [
        ("en", Quantity(1), Noun("euro", "euros"), "one euro"),
        ("en", Quantity(1, "5"), Noun("euro", "euros"), "one point five euros"),
        ("es", Quantity(1), Noun("libra", "libras", feminine=True), "una libra"),
        ("es", Quantity(31), Noun("libra", "libras", feminine=True), "treinta y una libras"),
        ("es", Quantity(201), Noun("euro", "euros"), "doscientos un euros"),
        ("es", Quantity(500), Noun("libra", "libras", feminine=True), "quinientas libras"),
        ("es", Quantity(200_000), Noun("libra", "libras", feminine=True), "doscientas mil libras"),
        ("es", Quantity(200_000_000), Noun("libra", "libras", feminine=True), "doscientos millones de libras"),
        ("fr", Quantity(21), Noun("livre", "livres", feminine=True), "vingt et une livres"),
        ("fr", Quantity(1, "5"), Noun("litre", "litres"), "un virgule cinq litre"),
        ("fr", Quantity(2_000_000), Noun("euro", "euros"), "deux millions d'euros"),
        ("de", Quantity(1), Noun("Stunde", "Stunden", feminine=True), "eine Stunde"),
        ("it", Quantity(1_000_000), Noun("euro"), "un milione di euro"),
        ("pt", Quantity(2), Noun("libra", "libras", feminine=True), "duas libras"),
        ("pt", Quantity(300), Noun("libra", "libras", feminine=True), "trezentas libras"),
        ("pt", Quantity(400), Noun("libra", "libras", feminine=True), "quatrocentas libras"),
        ("te", Quantity(2_000), Noun("రూపాయి", "రూపాయలు"), "రెండు వేల రూపాయలు"),
        ("ta", Quantity(1), Noun("டாலர்"), "ஒரு டாலர்"),
        ("kn", Quantity(60), Noun("ಕಿಲೋಮೀಟರ್", before="ಗಂಟೆಗೆ"), "ಗಂಟೆಗೆ ಅರವತ್ತು ಕಿಲೋಮೀಟರ್"),
    ],
)
def test_numbers_agree_with_what_they_count(code: str, number: Quantity, noun: Noun, words: str) -> None:
    assert counted(number, noun, Language(code)) == words
