"""Whole sentences as they are spoken, language by language, and what holds for any text."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maatu_runtime.language import Language
from maatu_tts.spoken import spoken
from maatu_tts.spoken.cardinals import LANGUAGES
from maatu_tts.text import LONGEST_PIECE_CHARS, LONGEST_TEXT_CHARS, pieces


def read(tag: str, text: str) -> str:
    return spoken(text, Language.parse(tag))


@pytest.mark.parametrize(
    ("tag", "written", "words"),
    [
        ("en", "Dr. Rao paid $5.50 at 2:30 pm.", "Doctor Rao paid five dollars and fifty cents at two thirty PM."),
        ("en", "It rose 25% since 1999.", "It rose twenty-five percent since nineteen ninety-nine."),
        ("en", "We close at 5 p.m. Come early.", "We close at five PM. Come early."),
        ("en", "Run 3.5 km, rest, etc.", "Run three point five kilometres, rest, et cetera."),
        ("en-US", "Due 3/4/2026.", "Due March fourth twenty twenty-six."),
        ("en-GB", "Due 3/4/2026.", "Due April third twenty twenty-six."),
        ("en-IN", "It has 125000 people.", "It has one lakh twenty-five thousand people."),
        ("es", "Son 21 km y 1 kg.", "Son veintiún kilómetros y un kilo."),
        (
            "es",
            "Cuesta €1,5 millones, un 25 % más.",
            "Cuesta uno coma cinco millones de euros, un veinticinco por ciento más.",
        ),
        ("es", "El Sr. Díaz llega a las 14:30.", "El señor Díaz llega a las catorce y treinta."),
        ("es-MX", "Pesa 3.5 kg.", "Pesa tres punto cinco kilos."),
        ("fr", "À 14h30, 80 km/h.", "À quatorze heures trente, quatre-vingts kilomètres par heure."),
        (
            "fr",
            "M. Petit a 1 234 567 €.",
            "monsieur Petit a un million deux cent trente-quatre mille cinq cent soixante-sept euros.",
        ),
        (
            "de",
            "Am 21.11.2026 um 14:30 Uhr.",
            "Am einundzwanzigsten November zweitausendsechsundzwanzig um vierzehn Uhr dreißig.",
        ),
        ("it", "Alle 14:30, 3,5 kg.", "Alle quattordici e trenta, tre virgola cinque chili."),
        ("pt-BR", "São R$ 2,50 às 14:30.", "São dois reais e cinquenta centavos às catorze e trinta."),
        ("hi", "मूल्य ₹1,25,000 है।", "मूल्य एक लाख पच्चीस हज़ार रुपये है।"),
        ("hi", "25% छूट, 3.5 km दूर।", "पच्चीस प्रतिशत छूट, तीन दशमलव पाँच किलोमीटर दूर।"),
        ("hi", "गाड़ी 14:30 बजे आएगी।", "गाड़ी चौदह बजकर तीस मिनट पर आएगी।"),
        ("hi", "डॉ. राव ५वीं मंज़िल पर हैं।", "डॉक्टर राव पाँचवीं मंज़िल पर हैं।"),
        ("hi", "3-5 दिन, 21/11/2026 तक।", "तीन से पाँच दिन, इक्कीस नवंबर दो हज़ार छब्बीस तक।"),
        ("kn", "ಬೆಲೆ ₹1,25,000.", "ಬೆಲೆ ಒಂದು ಲಕ್ಷದ ಇಪ್ಪತ್ತೈದು ಸಾವಿರ ರೂಪಾಯಿ."),
        ("kn", "25% ರಿಯಾಯಿತಿ, 3.5 km ದೂರ.", "ಶೇಕಡಾ ಇಪ್ಪತ್ತೈದು ರಿಯಾಯಿತಿ, ಮೂರು ದಶಮಾಂಶ ಐದು ಕಿಲೋಮೀಟರ್ ದೂರ."),
        ("kn", "ರೈಲು 14:30ಕ್ಕೆ ಬರುತ್ತದೆ.", "ರೈಲು ಹದಿನಾಲ್ಕು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷಕ್ಕೆ ಬರುತ್ತದೆ."),
        ("kn", "ಡಾ. ರಾವ್ ೨೦೨೬ರಲ್ಲಿ ಬಂದರು.", "ಡಾಕ್ಟರ್ ರಾವ್ ಎರಡು ಸಾವಿರದ ಇಪ್ಪತ್ತಾರರಲ್ಲಿ ಬಂದರು."),
        ("kn", "3-5 ದಿನ, ₹500ಕ್ಕೆ.", "ಮೂರರಿಂದ ಐದು ದಿನ, ಐನೂರು ರೂಪಾಯಿಗೆ."),
        ("en", ".5% of $.50.", "zero point five percent of fifty cents."),
        ("de", ".5%", "null Komma fünf Prozent"),
        ("kn", ".೫%", "ಶೇಕಡಾ ಸೊನ್ನೆ ದಶಮಾಂಶ ಐದು"),
        ("es-419", "$1,500 y 3.5 kg", "mil quinientos dólares y tres punto cinco kilos"),
        ("hi", "सुबह 10.30 बजे", "सुबह दस बजकर तीस मिनट पर"),
        (
            "kn",
            "ಬೆಳಿಗ್ಗೆ 10.30ರಿಂದ 11.30ರವರೆಗೆ",
            "ಬೆಳಿಗ್ಗೆ ಹತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷದಿಂದ ಹನ್ನೊಂದು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷದವರೆಗೆ",
        ),
        ("kn", "ದರ 6.50ಕ್ಕೆ ಏರಿತು", "ದರ ಆರು ದಶಮಾಂಶ ಐದು ಸೊನ್ನೆಗೆ ಏರಿತು"),
        ("ta", "₹1, 89%", "ஒரு ரூபாய், எண்பத்து ஒன்பது சதவீதம்"),
        ("te", "₹500, 500 మంది", "ఐదు వందల రూపాయలు, ఐదు వందల మంది"),
        ("mr", "1,100 लोक", "एक हजार शंभर लोक"),
        ("bn", "৫টি বই", "পাঁচটি বই"),
        ("ur", "5 دن", "پانچ دن"),
    ],
)
def test_sentences_as_they_are_spoken(tag: str, written: str, words: str) -> None:
    assert read(tag, written) == words


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("en", "Nothing to read here."),
        ("en", "192.168.1.1, v1.2.3, B12, 5m, 24/7, 1/2, 0x1F, ½"),
        ("en", "Due 03/04/2026."),  # April or March
        ("en", "2026-02-30 and 31/31/2026"),
        ("en", "1,25 or 1,2,3 or 12,34"),
        ("en", "It won 3-1."),
        ("en", "10,000,000,000,000,000,000 stars"),
        ("es", "1 persona, 300 personas"),  # una, trescientas
        ("fr", "1.234"),  # 1,234 or one point two
        ("kn", "₹5 ಲಕ್ಷದ ಮನೆ"),
        ("mr", "14:00"),
        ("sa", "25% 3.5"),
        ("ru", "25% 5 км 1 000"),
        ("sd", "5 25"),
        ("xx", "Dr. 5"),
    ],
)
def test_what_is_not_sure_stays_as_it_is(tag: str, text: str) -> None:
    assert read(tag, text) == text


@pytest.mark.parametrize("text", ["ಶ್ರೀ\u200dಮಂತ ಕ್\u200cಷ 5", "क्\u200dष 5"])
def test_joiners_stay(text: str) -> None:
    assert read("kn", text).startswith(text[:-1])


def test_the_result_is_in_normal_form_c() -> None:
    assert read("fr", unicodedata.normalize("NFD", "été à 5 €")) == "été à cinq euros"


@pytest.mark.parametrize(
    ("tag", "digits"),
    [
        ("kn", "೧೨೩"),
        ("hi", "१२३"),
        ("bn", "১২৩"),
        ("ta", "௧௨௩"),
        ("te", "౧౨౩"),
        ("ur", "۱۲۳"),
        ("or", "୧୨୩"),
        ("en", "１２３"),
    ],
)
def test_digits_of_every_script_are_read_alike(tag: str, digits: str) -> None:
    assert read(tag, digits) == read(tag, "123")


_CHARACTERS = st.one_of(
    st.characters(),
    st.sampled_from("0123456789 .,-–:/%₹$€+()#@°'ರಕ್ಕೆनेкkmhpMr೫५"),
)
_LANGUAGES = st.sampled_from(sorted(LANGUAGES | {"ru", "zh"}))


@settings(max_examples=400, deadline=None)
@given(text=st.text(_CHARACTERS, max_size=60), code=_LANGUAGES)
def test_any_text_gives_a_text(text: str, code: str) -> None:
    assert isinstance(spoken(text, Language(code)), str)


@settings(max_examples=200, deadline=None)
@given(text=st.text("0123456789 .,-:/%₹$km(", min_size=1, max_size=30), code=_LANGUAGES)
def test_numbers_are_read_or_left_and_never_lost(text: str, code: str) -> None:
    """What comes out has a digit or a letter wherever one went in, and reading twice reads no more."""
    once = spoken(text, Language(code))
    if any(character.isdigit() for character in text):
        assert any(character.isalnum() for character in once)
    if once == text:
        assert sum(map(str.isdigit, once)) == sum(map(str.isdigit, text))


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_plain_number_leaves_no_digit(code: str) -> None:
    assert not any(character.isdigit() for character in spoken("37 1,234 12345678", Language(code)))


@pytest.mark.parametrize(
    "piece",
    [
        "1",
        "1 ",
        "1,",
        "1-",
        "a.",
        "a@",
        "+1 ",
        "Rs. ",
        "₹1 ",
        "12:30-",
        "www.a.com/",
        "5ರಲ್ಲಿ ",
        "123 456 ",
        "(",
        " ",
        "\n",
    ],
)
def test_time_is_linear_in_the_text(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    for tag in ("en", "fr", "kn"):
        began = time.process_time()
        read(tag, text)
        assert time.process_time() - began < 3  # 0.2 s on an idle core; quadratic time would be minutes


@pytest.mark.parametrize("tag", ["en", "hi", "kn", "de"])
def test_pieces_of_what_is_spoken_are_short_enough(tag: str) -> None:
    text = ("₹12,34,56,789.25 " * 200)[:LONGEST_TEXT_CHARS]
    words = read(tag, text)
    assert len(words) > 2 * len(text)
    cut = pieces(words, tag, early=True)
    assert all(0 < len(piece) <= LONGEST_PIECE_CHARS for piece in cut)
    assert " ".join(cut).split() == words.split()
