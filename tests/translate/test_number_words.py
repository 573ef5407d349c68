"""Large numbers in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.engine.base import Direction
from maatu_translate.number_words import in_digits, lost


@pytest.mark.parametrize(
    ("language", "text", "digits"),
    [
        ("es", "Cuesta tres mil quinientos euros.", "Cuesta 3500 euros."),
        ("es", "Nació en mil novecientos noventa.", "Nació en 1990."),
        ("es", "Son cien mil, o treinta y un mil.", "Son 100000, o 31000."),
        ("es", "Tiene dos millones de habitantes.", "Tiene 2 millones de habitantes."),
        ("es", "Son dos mil millones.", "Son 2000 millones."),
        ("es-MX", "Dos mil dieciocho.", "2018."),
        ("en", "A hundred thousand books.", "100000 books."),
        ("en", "She owes twenty-one thousand five hundred.", "She owes 21500."),
        ("en", "It has two billion people.", "It has 2 billion people."),
        ("fr", "Il coûte trois mille euros.", "Il coûte 3000 euros."),
        ("fr", "Ils sont trois millions.", "Ils sont 3 millions."),
        ("de", "Das kostet dreitausend Euro.", "Das kostet 3000 Euro."),
        ("pt", "Custa três mil euros.", "Custa 3000 euros."),
    ],
)
def test_large_numbers_in_digits(language: str, text: str, digits: str) -> None:
    assert in_digits(text, language) == digits


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("es", "Mil gracias, un millón de gracias. Vinieron miles de personas y cientos de perros."),
        ("es", "Tengo treinta y dos o quinientos."),
        ("es", "Son 3,5 millones y veinte mil, o 2 mil."),
        ("es", "Son dos millones y medio."),
        ("en", "Thanks a million. A thousand thanks, two hundred times."),
        ("en", "This is the three thousandth."),
        ("en", "Two and a half million, three point five million."),
        ("de", "Tausend Dank, eine Million."),
        ("kn", "ಎರಡು ಸಾವಿರ."),
        ("zz", "two thousand"),
        ("en", ""),
    ],
)
def test_other_numbers_stay_as_they_are(language: str, text: str) -> None:
    assert in_digits(text, language) == text


@pytest.mark.parametrize(
    ("source", "output", "direction", "is_lost"),
    [
        ("Cuesta tres mil euros.", "It costs three million euros.", ("es", "en"), True),
        ("Cuesta tres mil euros.", "It costs three thousand euros.", ("es", "en"), False),
        ("Cuesta tres mil euros.", "It costs 3,000 euros.", ("es", "en"), False),
        ("Cuesta tres mil euros.", "It costs 3 thousand euros.", ("es", "en"), False),
        ("Nació en mil novecientos noventa.", "She was born in nineteen ninety.", ("es", "en"), False),
        ("Nació en mil novecientos noventa.", "She was born in one hundred and fifty.", ("es", "en"), True),
        ("A hundred thousand books.", "Un millón de libros.", ("en", "es"), True),
        ("A hundred thousand books.", "Cien mil libros.", ("en", "es"), False),
        ("Two billion people.", "Dos mil millones de personas.", ("en", "es"), False),
        ("Two billion people.", "2.000 millones de personas.", ("en", "es"), False),
        ("Two billion people.", "Dos millones de personas.", ("en", "es"), True),
        # Of languages whose words are not known nothing is said.
        ("Two thousand people.", "ಜನರು.", ("en", "kn"), False),
        ("ಎರಡು ಸಾವಿರ ಜನರು.", "People.", ("kn", "en"), False),
    ],
)
def test_a_large_number_that_is_lost(source: str, output: str, direction: tuple[str, str], is_lost: bool) -> None:
    assert lost(source, output, Direction(*direction)) is is_lost


@given(st.sampled_from(("en", "es", "fr", "de", "it", "pt")), st.text())
def test_any_text_is_read(language: str, text: str) -> None:
    in_digits(text, language)


WORDS = st.sampled_from(
    ["two", "thousand", "million", "dos", "mil", "y", "and", "a", "3", ".", ",", "-", "hundred", "point", "half"]
)


@given(st.sampled_from(("en", "es")), st.lists(WORDS, max_size=30).map(" ".join))
def test_texts_of_numbers_are_read(language: str, text: str) -> None:
    lost(text, text, Direction(language, language))
    assert in_digits(text, "kn") == text
