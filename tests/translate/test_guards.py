"""The judges of outputs, and the endings of sentences."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.engine.guards import complaint, match_ending
from maatu_translate.entities import find


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
        ("¿El perro?", "The dog.", "The dog?"),
        ("¿El perro?", "The dog", "The dog?"),
        ("¿El perro?", "The dog?", "The dog?"),
        ("El perro.", "The dog,", "The dog."),
        ("Sale a las 6 p. m", "It leaves at 6 p.m.", "It leaves at 6 p.m."),
        ("«El perro.»", "“The dog.”", "“The dog.”"),
        ("Y entonces...", "And then...", "And then..."),
        ("y entonces", "and then...", "and then"),
        ("el perro", "?", "?"),
        ("नमस्ते।", "Hello.", "Hello."),
        ("Si llueve,", "", ""),
    ],
)
def test_endings_are_those_of_the_source(source: str, output: str, mended: str) -> None:
    assert match_ending(source, output) == mended


@pytest.mark.parametrize(
    ("source", "output", "target", "mended"),
    [
        ("Is it the dog?", "Es el perro.", "es", "¿Es el perro?"),
        ("Is it the dog?", "“Es el perro.", "es", "“¿Es el perro?"),
        ("Is it the dog?", "¿Es el perro", "es-MX", "¿Es el perro?"),
        ("Is it the dog?", "هل هو الكلب.", "ar", "هل هو الكلب؟"),
        ("Is it the dog?", "هل هو الكلب؟", "ar", "هل هو الكلب؟"),
        ("Is it the dog?", "是狗。", "zh-Hans", "是狗？"),
        ("Is it the dog?", "Είναι ο σκύλος;", "el", "Είναι ο σκύλος;"),
        ("Is it the dog?", "Είναι ο σκύλος.", "el", "Είναι ο σκύλος;"),
        ("Is it the dog?", "ಅದು ನಾಯಿ.", "kn", "ಅದು ನಾಯಿ?"),
        ("If it rains,", "अगर बारिश हो।", "hi", "अगर बारिश हो,"),
        ("If it rains,", "اگر بارش ہو۔", "ur", "اگر بارش ہو،"),
        ("If it rains,", "雨が降ったら。", "ja", "雨が降ったら、"),
        ("It rains.", "बारिश,", "hi", "बारिश।"),
        ("It rains.", "बारिश।", "hi", "बारिश।"),
        ("ಮಳೆ।।", "It rains", "en", "It rains"),
        ("ಮಳೆ ಬಂದರೆ", "अगर बारिश हो।", "hi", "अगर बारिश हो"),
    ],
)
def test_endings_are_written_as_the_target_language_writes_them(
    source: str, output: str, target: str, mended: str
) -> None:
    assert match_ending(source, output, target) == mended


@given(
    st.text('Si no. ,;:?!…।॥؟،。？"»'),
    st.text('If no.,;:?!…।॥؟،。？¿"»'),
    st.sampled_from(["en", "es", "hi", "ar", "zh", "el"]),
)
def test_endings_change_nothing_but_the_end_and_only_once(source: str, output: str, target: str) -> None:
    mended = match_ending(source, output, target)
    assert [c for c in mended if c.isalnum()] == [c for c in output if c.isalnum()]
    assert match_ending(source, mended, target) == mended


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
        ("Beatriz, please bring 15 plates.", "Beatriz, please bring 15 plates.", "es", "source itself"),
        ("Follow @nora to see her 12 new recipes.", "Follow her 12 new recipes.", "es", "source itself"),
        ("Follow @nora to see her 12 new recipes.", "Sigue a @nora para ver sus recetas.", "es", None),
        ("La casa de Marta es muy grande.", "A casa da Marta é muito grande.", "pt", None),
        ("Hotel Central, no.", "Hotel Central, no.", "es", None),
        ("Radio Televisión Española", "Radio Televisión Española", "en", None),
        ("Hello.", "ನಮಸ್ಕಾರ.", "kn", None),
        ("Hello, Anna.", "ನಮಸ್ಕಾರ ಇದು Anna.", "kn", None),
        ("Hello there.", "Namaskara.", "kn", "Kannada"),
        ("Hello there.", "नमस्ते जी", "kn", "Kannada"),
        ("ನಮಸ್ಕಾರ", "ನಮಸ್ಕಾರ", "en", "Latin"),
        ("Hello.", "Привет.", "ru", None),
        ("It is 12:30.", "12:30.", "kn", None),
        ("Hello.", "こんにちは", "ja", None),
        ("Hello.", "Dobar dan.", "sr", None),
        ("Hello.", "Добар дан.", "sr", None),
        ("Hello.", "Добар дан.", "sr-Latn", "Latin"),
        ("Hello.", "안녕하세요", "ja", "Cjk"),
        ("Send it to Anna Smith, IBM.", "Anna Smith, IBM ಗೆ.", "kn", None),
        ("Send it to Anna Smith.", "Send it to Anna.", "kn", "Kannada"),
        (
            "我们明天早上九点在火车站见面好吗",
            "Shall we meet at the railway station tomorrow morning at nine o'clock?",
            "en",
            None,
        ),
        ("Está bien.", "the the the the", "en", "repeats"),
        ("Me gusta.", "I like it. I like it. I like it.", "en", "repeats"),
        ("Me gusta.", "好吃好吃好吃好吃好吃好吃", "zh", "repeats"),
        ("Nein, nein, nein, nein.", "No, no, no, no.", "en", None),
        ("Muy, muy bien.", "Very, very good.", "en", None),
        ("1000000000000000", "1000000000000000", "en", None),
        ("Hola.", "Hel\x07lo.", "en", "control"),
        ("Hola.", "Hel\ufffdlo.", "en", "broken"),
    ],
)
def test_complaints(source: str, output: str, target: str, why: str | None) -> None:
    complained = complaint(source, output, target)
    assert complained is None if why is None else why in (complained or "")


@pytest.mark.parametrize(
    ("source", "output", "target", "why"),
    [
        ("Write to support@maatu.example please.", "ದಯವಿಟ್ಟು support@maatu.example ಗೆ ಬರೆಯಿರಿ.", "kn", None),
        ("Visit www.a.gov.in/services today.", "आज www.a.gov.in/services देखें।", "hi", None),
        ("Say flor azul to @maatu_team.", "@maatu_team ಗೆ flor azul ಹೇಳಿ.", "kn", None),
        ("Me llamo ಅನನ್ಯ ರಾವ್ ಶರ್ಮಾ.", "My name is ಅನನ್ಯ ರಾವ್ ಶರ್ಮಾ.", "en", None),
        ("Follow @maatu_team.", "@maatu_team.", "kn", None),
        ("@maatu_team", "@maatu_team", "kn", None),
        ("Write to support@maatu.example please.", "Please write to support@maatu.example.", "kn", "Kannada"),
        ("Follow @maatu_team today.", "", "kn", "gave nothing"),
        ("Send it to support@maatu.example " + "right now " * 6, "support@maatu.example", "kn", "many times shorter"),
    ],
)
def test_what_must_come_through_is_not_judged(source: str, output: str, target: str, why: str | None) -> None:
    complained = complaint(source, output, target, find(source, ["flor azul", "ಅನನ್ಯ ರಾವ್ ಶರ್ಮಾ"]))
    assert complained is None if why is None else why in (complained or "")


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("ab " * 7_000, "repeats itself"),
        ("ಕ" * 20_000, "Latin"),
        ("a" * 20_000, None),
        ("?" * 20_000, "gave nothing"),
        ("مرحبا " * 3_500, "Latin"),
        ("👍" * 20_000, "gave nothing"),
        ("ab" * 10_000, "repeats itself"),
        ("ab " * 300, "many times shorter"),
    ],
)
def test_long_and_odd_outputs_are_judged(output: str, why: str | None) -> None:
    source = " ".join(f"{chr(97 + number % 26)}{number}" for number in range(4_000))
    complained = complaint(source, output, "en")
    assert complained is None if why is None else why in (complained or "")
    assert match_ending(source, output) == output
