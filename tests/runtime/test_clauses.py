"""Cutting live text into clauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.clauses import LONGEST_CLAUSE_CHARS, ClauseCutter


def cut(text: str, language: str = "en", *, step: int) -> list[str]:
    cutter = ClauseCutter(language)
    clauses = [clause for at in range(0, len(text), step) for clause in cutter.push(text[at : at + step])]
    return clauses + cutter.flush()


@pytest.mark.parametrize(
    ("language", "text", "clauses"),
    [
        ("en", "Paris is the capital. It is big.", ["Paris is the capital.", "It is big."]),
        ("en", "Hello! How are you?", ["Hello!", "How are you?"]),
        ("en", "Well, yes. No, never.", ["Well, yes.", "No, never."]),
        ("en", "In the morning, tea is best, hot.", ["In the morning,", "tea is best, hot."]),
        (
            "en",
            "It rains a lot over there and people stay in.",
            ["It rains a lot over there", "and people stay in."],
        ),
        ("en", "It costs 3.50 dollars. Dr. Lee paid 1,200.", ["It costs 3.50 dollars.", "Dr. Lee paid 1,200."]),
        ("en", "One\nTwo", ["One", "Two"]),
        ("es", "¿Cómo estás? Muy bien.", ["¿Cómo estás?", "Muy bien."]),
        ("hi", "दिल्ली राजधानी है। यह बड़ा है।", ["दिल्ली राजधानी है।", "यह बड़ा है।"]),
        ("kn", "ದೆಹಲಿ ದೊಡ್ಡದು. ಅದು ಸುಂದರ.", ["ದೆಹಲಿ ದೊಡ್ಡದು.", "ಅದು ಸುಂದರ."]),
        ("ja", "東京です。大きいです。", ["東京です。", "大きいです。"]),
        ("en", "It was April 5, 2026, in Mysuru.", ["It was April 5, 2026,", "in Mysuru."]),
        ("en", "They are 12, 13 and 14, all of them.", ["They are 12, 13 and 14,", "all of them."]),
        ("en", "1. Boil the water.\n2. Add tea.", ["1. Boil the water.", "2. Add tea."]),
        ("en", "It is approx. 5 km. Walk.", ["It is approx. 5 km.", "Walk."]),
        ("es", "Abre a las 10:30 a. m. hoy. Venga.", ["Abre a las 10:30 a. m. hoy.", "Venga."]),
        ("en", "...", []),
        ("en", "", []),
    ],
)
@pytest.mark.parametrize("step", [1, 3, 100])
def test_clauses_of(step: int, language: str, text: str, clauses: list[str]) -> None:
    assert cut(text, language, step=step) == clauses


def test_the_first_clause_is_whole_as_soon_as_the_next_begins() -> None:
    cutter = ClauseCutter("en")
    assert cutter.push("The sea is wide.") == []
    assert cutter.push(" It") == ["The sea is wide."]


def test_a_number_is_not_cut_in_two() -> None:
    cutter = ClauseCutter("en")
    assert cutter.push("There are about 7,") == []
    assert cutter.push("000 of them, I") == ["There are about 7,000 of them,"]


def test_without_early_cut_a_comma_does_not_end_the_first_clause() -> None:
    cutter = ClauseCutter("en", cut_first_early=False)
    assert cutter.push("In the morning, tea is best. Yes") == ["In the morning, tea is best."]


@given(st.text(alphabet=st.sampled_from("ab ,.?!\n3ಕ।"), max_size=400), st.integers(1, 9))
def test_no_letter_is_lost_or_doubled_whatever_the_pieces(text: str, step: int) -> None:
    clauses = cut(text, step=step)
    assert [c for clause in clauses for c in clause if c.isalnum()] == [c for c in text if c.isalnum()]
    assert all(len(clause) <= LONGEST_CLAUSE_CHARS + 1 for clause in clauses)
