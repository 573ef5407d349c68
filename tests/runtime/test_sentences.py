"""Finding the sentences of a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.sentences import sentences


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        # Numbers of lists, of dates, of ordinals; numbers that end a sentence.
        ("en", "1. Boil it. 2. Add tea.", ["1. Boil it. ", "2. Add tea."]),
        ("en", "(1) Boil it. (2) Add tea.", ["(1) Boil it. ", "(2) Add tea."]),
        ("en", "- 1. Boil it.\n- 2. Add tea.", ["- 1. Boil it.\n", "- 2. Add tea."]),
        ("en", "Ways: 1. walk, 2. run.", ["Ways: 1. walk, 2. run."]),
        ("en", "Is it 5? It is 5. Not 6.", ["Is it 5? ", "It is 5. ", "Not 6."]),
        ("en", "It was 1999. We won.", ["It was 1999. ", "We won."]),
        ("de", "Am 5. April kommt er. Im Jahr 2026. Gut.", ["Am 5. April kommt er. ", "Im Jahr 2026. ", "Gut."]),
        ("de", "Es kostet 3.50. Gut.", ["Es kostet 3.50. ", "Gut."]),
        # Abbreviations, before what cannot begin a sentence.
        ("en", "It is approx. 5 km. Walk.", ["It is approx. 5 km. ", "Walk."]),
        ("en", "Nuts, seeds, etc. are good. Eat.", ["Nuts, seeds, etc. are good. ", "Eat."]),
        ("en", "I saw nuts, etc. They are good.", ["I saw nuts, etc. ", "They are good."]),
        # Titles.
        ("fr", "M. Dupont et MM. Roux. Bien.", ["M. Dupont et MM. Roux. ", "Bien."]),
        ("en", "I am M. Then he came.", ["I am M. ", "Then he came."]),
        ("ta", "திரு. குமார் வந்தார். சரி.", ["திரு. குமார் வந்தார். ", "சரி."]),
        # Quotations.
        ("en", '"How are you?" he asked. Fine.', ['"How are you?" he asked. ', "Fine."]),
        ("en", '"How are you?" He left.', ['"How are you?" ', "He left."]),
    ],
)
def test_sentences_of(language: str, text: str, found: list[str]) -> None:
    assert list(sentences(text, language)) == found


@given(st.sampled_from(("en", "de", "es", "fr", "kn", "ta", "zz")), st.text(st.sampled_from("a.M 13)(\n?!\"»…।ಕ್á°,-'")))
def test_sentences_join_to_the_text(language: str, text: str) -> None:
    assert "".join(sentences(text, language)) == text
