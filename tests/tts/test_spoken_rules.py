"""Each rule by itself: what its pattern takes at the beginning of a text, and what it reads; None where it leaves the text."""

import pytest

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import LANGUAGES
from maatu_tts.spoken.rules import rules_for


def read(tag: str, name: str, text: str) -> str | None:
    """What the rule makes of the text from its beginning on; the rest of the text stays."""
    (rule,) = [rule for rule in rules_for(Language.parse(tag)) if rule.name == name]
    match = rule.pattern.match(text)
    words = rule.read(match) if match else None
    return None if match is None or words is None else words + text[match.end() :]


CASES: dict[str, list[tuple[str, str, str | None]]] = {
    "e-mail address": [
        ("en", "info@example.com", "info at example dot com"),
        ("en", "ann_2@mail.example.org.", "ann underscore two at mail dot example dot org."),
        ("es", "info@ejemplo.es", "info arroba ejemplo punto es"),
        ("hi", "info@example.com", "info ऐट example डॉट com"),
        ("kn", "info@example.com", "info ಅಟ್ example ಡಾಟ್ com"),
        ("kn", "a_b@example.com", None),
        ("en", "info@example", None),
    ],
    "web address": [
        ("en", "https://www.example.com/a/b?c=1", "example dot com"),
        ("en", "example.com, and", "example dot com, and"),
        ("en", "http://a1.org/x).", "a one dot org)."),
        ("es", "www.ejemplo.es", "ejemplo punto es"),
        ("hi", "https://example.com", "example डॉट com"),
        ("kn", "www.example.com", "example ಡಾಟ್ com"),
        ("en", "done.in the", None),
        ("en", "http://10.0.0.1/", None),
    ],
    "abbreviation": [
        ("en", "e.g. this", "for example this"),
        ("en", "etc. It", "et cetera. It"),
        ("en", "etc.", "et cetera."),
        ("es", "etc. y", "etcétera y"),
        ("de", "z. B. so", "zum Beispiel so"),
    ],
    "title": [
        ("en", "Dr. Rao", "Doctor Rao"),
        ("en", "Mr Lee", "Mister Lee"),
        ("en", "Dr. is", None),
        ("en", "Dr.", None),
        ("es", "Sra. Paz", "señora Paz"),
        ("hi", "डॉ. राव", "डॉक्टर राव"),
        ("kn", "ಡಾ. ರಾವ್", "ಡಾಕ್ಟರ್ ರಾವ್"),
    ],
    "iso date": [
        ("en", "2026-11-21", "November twenty-first twenty twenty-six"),
        ("es", "2026-11-21", "veintiuno de noviembre de dos mil veintiséis"),
        ("hi", "2026-11-21", "इक्कीस नवंबर दो हज़ार छब्बीस"),
        ("kn", "2026-11-21", "ನವೆಂಬರ್ ಇಪ್ಪತ್ತೊಂದು ಎರಡು ಸಾವಿರದ ಇಪ್ಪತ್ತಾರು"),
        ("en", "2026-13-01", None),
        ("en", "2026-11-21T10", None),
        ("en", "2026-11-21-5", None),
    ],
    "date in figures": [
        ("en", "21/11/2026", "November twenty-first twenty twenty-six"),
        ("en", "11/21/2026", "November twenty-first twenty twenty-six"),
        ("en", "5/5/2026", "May fifth twenty twenty-six"),
        ("en", "3/4/2026", None),
        ("en-US", "3/4/2026", "March fourth twenty twenty-six"),
        ("en-IN", "3/4/2026", "April third twenty twenty-six"),
        ("es", "1/2/2026", "primero de febrero de dos mil veintiséis"),
        ("es-US", "1/2/2026", "dos de enero de dos mil veintiséis"),
        ("hi", "01/02/2026", "एक फ़रवरी दो हज़ार छब्बीस"),
        ("kn", "21.11.2026", "ನವೆಂಬರ್ ಇಪ್ಪತ್ತೊಂದು ಎರಡು ಸಾವಿರದ ಇಪ್ಪತ್ತಾರು"),
        ("kn", "11/21/2026", None),
        ("hi", "31/02/2026", None),
    ],
    "date with its month named": [
        ("en", "21 Nov 2026", "November twenty-first twenty twenty-six"),
        ("en", "1st of May, 2026", "May first twenty twenty-six"),
        ("en", "21 November", "November twenty-first"),
        ("en", "31 Feb 2026", None),
        ("es", "1 de mayo", "primero de mayo"),
        ("fr", "1er mai 2026", "premier mai deux mille vingt-six"),
        ("de", "3. Oktober", "dritter Oktober"),
        ("hi", "21 Nov 2026", "इक्कीस नवंबर दो हज़ार छब्बीस"),
        ("kn", "21 Nov", "ನವೆಂಬರ್ ಇಪ್ಪತ್ತೊಂದು"),
    ],
    "date that begins with its month": [
        ("en", "Nov. 21, 2026", "November twenty-first twenty twenty-six"),
        ("en", "December 3rd", "December third"),
        ("en", "May 5 of them", None),
        ("en", "May 5, 2026", "May fifth twenty twenty-six"),
    ],
    "span of time": [
        ("en", "14:30-15:30", "fourteen thirty to fifteen thirty"),
        ("en", "10:00–11:30 am", "ten to eleven thirty AM"),
        ("en", "10.00-11.30 am", "ten to eleven thirty AM"),
        ("en", "10.30-11.30", None),
        ("en", "10.30-11:30 am", None),
    ],
    "time": [
        ("en", "14:30", "fourteen thirty"),
        ("en", "2:05 p.m.", "two oh five PM."),
        ("en", "9:00", "nine o'clock"),
        ("en", "14:30 pm", None),
        ("en", "25:00", None),
        ("en", "1:30:15", None),
        ("en", "10.30 am", "ten thirty AM"),
        ("en", "10.30", None),
        ("hi", "10.30", None),
        ("kn", "10.30", None),
        ("es", "14:30", "catorce y treinta"),
        ("es", "1:00", "una en punto"),
        ("es", "1:00 hora", None),
        ("fr", "21:05", "vingt et une heures cinq"),
        ("de", "1:00", "ein Uhr"),
        ("hi", "14:30", "चौदह बजकर तीस मिनट"),
        ("hi", "9:00", "नौ बजे"),
        ("hi", "9:30 घंटे", None),
        ("kn", "14:30", "ಹದಿನಾಲ್ಕು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷ"),
        ("kn", "9:30 ಗಂಟೆಯ", None),
        ("mr", "9:00", None),
    ],
    "time with ಗಂಟೆಗೆ": [("kn", "9:30 ಗಂಟೆಗೆ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷಕ್ಕೆ"), ("kn", "9.00 ಗಂಟೆಗೆ", "ಒಂಬತ್ತು ಗಂಟೆಗೆ")],
    "time with ಗಂಟೆಯಿಂದ": [("kn", "9:30 ಗಂಟೆಯಿಂದ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷದಿಂದ")],
    "time with ಗಂಟೆಯವರೆಗೆ": [("kn", "9:00 ಗಂಟೆಯವರೆಗೆ", "ಒಂಬತ್ತು ಗಂಟೆಯವರೆಗೆ")],
    "time with ಗಂಟೆ": [("kn", "9:30 ಗಂಟೆ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷ")],
    "time with ಕ್ಕೆ": [("kn", "9:30ಕ್ಕೆ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷಕ್ಕೆ"), ("kn", "9.30ಕ್ಕೆ", None)],
    "time with ರಿಂದ": [("kn", "9:30ರಿಂದ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷದಿಂದ"), ("kn", "9:00ರಿಂದ", "ಒಂಬತ್ತು ಗಂಟೆಯಿಂದ")],
    "time with ರವರೆಗೆ": [("kn", "9:30ರವರೆಗೆ", "ಒಂಬತ್ತು ಗಂಟೆ ಮೂವತ್ತು ನಿಮಿಷದವರೆಗೆ")],
    "time with बजे": [("hi", "9:30 बजे", "नौ बजकर तीस मिनट पर"), ("hi", "9.00 बजे", "नौ बजे")],
    "time with बजे से": [("hi", "9:30 बजे से", "नौ बजकर तीस मिनट से")],
    "time with बजे तक": [("hi", "9:30 बजे तक", "नौ बजकर तीस मिनट तक")],
    "time with बजे के": [("hi", "9:30 बजे के बाद", "नौ बजकर तीस मिनट के बाद")],
    "time with horas": [("es", "9:30 horas", "nueve y treinta")],
    "time with h": [("fr", "14 h 30", "quatorze heures trente"), ("fr", "1h", "une heure")],
    "full hour": [("en", "2pm", "two PM"), ("en", "5 a.m. We", "five AM. We"), ("en", "13 pm", None)],
    "money": [
        ("en", "₹1,25,000", "one lakh twenty-five thousand rupees"),
        ("en", "$1", "one dollar"),
        ("en", "$0.99", "ninety-nine cents"),
        ("en", "-$5", "minus five dollars"),
        ("en", "$1.5 million", "one point five million dollars"),
        ("en", "$5M", "five million dollars"),
        ("en", "₹5 crores", "five crore rupees"),
        ("en", "Rs. 500/-", "five hundred rupees"),
        ("en", "$5-10", "five to ten dollars"),
        ("en", "$1,000-$2,000", "one thousand to two thousand dollars"),
        ("en", "$5-€10", None),
        ("en", "₹10 L", "ten lakh rupees"),
        ("en", "$5-3", None),
        ("en", "$5x", None),
        ("en", "$5 meals", "five dollars meals"),
        ("en", "$5 millions", None),
        ("en", "$5-millions", None),
        ("en", "$5-million deal", "five million dollar deal"),
        ("en", "$5-million.", "five million dollars."),
        ("en", "Rs 1.5 lakh crore", "one point five lakh crore rupees"),
        ("en", "₹2 lakh crores", "two lakh crore rupees"),
        ("en", "$5 M L", "five million dollars L"),
        ("es", "$5 mil millones", "cinco mil millones de dólares"),
        ("pt-BR", "R$ 5 mil milhões", "cinco mil milhões de reais"),
        ("es", "$1.500", "mil quinientos dólares"),
        ("hi", "₹2.50", "दो रुपये पचास पैसे"),
        ("hi", "₹5 लाख", "पाँच लाख रुपये"),
        ("hi", "₹5 लाखों", None),
        ("hi", "₹50 हज़ार करोड़", "पचास हज़ार करोड़ रुपये"),
        ("kn", "₹3 ಸಾವಿರ ಕೋಟಿ", "ಮೂರು ಸಾವಿರ ಕೋಟಿ ರೂಪಾಯಿ"),
        ("kn", "₹1,25,000", "ಒಂದು ಲಕ್ಷದ ಇಪ್ಪತ್ತೈದು ಸಾವಿರ ರೂಪಾಯಿ"),
        ("kn", "₹2.50", "ಎರಡು ರೂಪಾಯಿ ಐವತ್ತು ಪೈಸೆ"),
        ("kn", "ರೂ. 1.5 ಕೋಟಿ", "ಒಂದು ದಶಮಾಂಶ ಐದು ಕೋಟಿ ರೂಪಾಯಿ"),
    ],
    "money before its sign": [
        ("en", "20 €", "twenty euros"),
        ("en", "500 INR", "five hundred rupees"),
        ("es", "1,50 €", "un euro con cincuenta céntimos"),
        ("es", "1 millón €", "un millón de euros"),
        ("hi", "500 रु.", "पाँच सौ रुपये"),
        ("kn", "500₹", "ಐನೂರು ರೂಪಾಯಿ"),
        ("en", "5 $10", None),
    ],
    "rupees with an ending": [
        ("kn", "₹500ಕ್ಕೆ", "ಐನೂರು ರೂಪಾಯಿಗೆ"),
        ("kn", "₹1,000ಗಳನ್ನು", "ಒಂದು ಸಾವಿರ ರೂಪಾಯಿಗಳನ್ನು"),
        ("kn", "₹500ರಿಂದ", "ಐನೂರು ರೂಪಾಯಿಯಿಂದ"),
        ("kn", "₹500ರವರೆಗೆ", "ಐನೂರು ರೂಪಾಯಿಯವರೆಗೆ"),
        ("kn", "₹500ರವರೆಗೂ", "ಐನೂರು ರೂಪಾಯಿಯವರೆಗೂ"),
        ("kn", "₹500ರಲ್ಲಿ", "ಐನೂರು ರೂಪಾಯಿಯಲ್ಲಿ"),
        ("kn", "₹500ರೊಳಗೆ", "ಐನೂರು ರೂಪಾಯಿಯೊಳಗೆ"),
        ("kn", "₹500ಕ್ಕಿಂತ ಹೆಚ್ಚು", "ಐನೂರು ರೂಪಾಯಿಗಿಂತ ಹೆಚ್ಚು"),
        ("kn", "₹500ಕ್ಕೂ ಹೆಚ್ಚು", "ಐನೂರು ರೂಪಾಯಿಗೂ ಹೆಚ್ಚು"),
        ("kn", "₹5ಕ", None),
    ],
    "percentage": [
        ("en", "25%", "twenty-five percent"),
        ("en", "-0.5 %", "minus zero point five percent"),
        ("en", "5%-10%", "five to ten percent"),
        ("es", "3,5 %", "tres coma cinco por ciento"),
        ("hi", "25%", "पच्चीस प्रतिशत"),
        ("kn", "25%", "ಶೇಕಡಾ ಇಪ್ಪತ್ತೈದು"),
        ("kn", "25%ರಷ್ಟು", "ಶೇಕಡಾ ಇಪ್ಪತ್ತೈದರಷ್ಟು"),
        ("kn", "5-10%", "ಶೇಕಡಾ ಐದರಿಂದ ಹತ್ತು"),
        ("en", "10-5%", None),
        ("en", "5%a", None),
    ],
    "measure": [
        ("en", "3.5 km", "three point five kilometres"),
        ("en", "1kg", "one kilogram"),
        ("en", "-5°C", "minus five degrees Celsius"),
        ("en", "3-5 kg", "three to five kilograms"),
        ("en", "5m", None),
        ("en", "5 km²", None),
        ("en", "5 km/s", None),
        ("es", "21 km", "veintiún kilómetros"),
        ("hi", "60 km/h", "साठ किलोमीटर प्रति घंटा"),
        ("hi", "3.5 किमी", "तीन दशमलव पाँच किलोमीटर"),
        ("kn", "3.5 km", "ಮೂರು ದಶಮಾಂಶ ಐದು ಕಿಲೋಮೀಟರ್"),
        ("kn", "60 km/h", "ಗಂಟೆಗೆ ಅರವತ್ತು ಕಿಲೋಮೀಟರ್"),
        ("kn", "5 ಕಿ.ಮೀ.", "ಐದು ಕಿಲೋಮೀಟರ್"),
    ],
    "international telephone number": [
        ("en", "+1 (555) 123-4567", "plus one, five five five, one two three, four five six seven"),
        ("es", "+34 912 345 678", "más tres cuatro, nueve uno dos, tres cuatro cinco, seis siete ocho"),
        ("kn", "+91 98765 43210", "ಪ್ಲಸ್ ಒಂಬತ್ತು ಒಂದು, ಒಂಬತ್ತು ಎಂಟು ಏಳು ಆರು ಐದು, ನಾಲ್ಕು ಮೂರು ಎರಡು ಒಂದು ಸೊನ್ನೆ"),
        ("en", "+5", None),
    ],
    "telephone number": [
        ("en", "(555) 123-4567", "five five five, one two three, four five six seven"),
        ("en", "080-2345-6789", "zero eight zero, two three four five, six seven eight nine"),
        ("en", "1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
        ("fr", "06 12 34", "zéro six, un deux, trois quatre"),
        ("hi", "98765 43210", "नौ आठ सात छह पाँच, चार तीन दो एक शून्य"),
        ("en", "12345 67890", None),
    ],
    "groups of digits, left as they are": [
        ("es", "3 300 km", "3 300 km"),
        ("es", "3 000 km", None),
        ("es", "3 30 km", None),
    ],
    "string of digits": [
        ("en", "007", "zero zero seven"),
        ("kn", "0123456789", "ಸೊನ್ನೆ ಒಂದು ಎರಡು ಮೂರು ನಾಲ್ಕು ಐದು ಆರು ಏಳು ಎಂಟು ಒಂಬತ್ತು"),
        ("en", "123456789", None),
    ],
    "ordinal": [
        ("en", "22nd", "twenty-second"),
        ("en", "111th", "one hundred and eleventh"),
        ("en", "11st", None),
        ("es", "3er", "tercer"),
        ("es", "2.ª", "segunda"),
        ("es", "11º", None),
        ("fr", "1re", "première"),
        ("fr", "20e", "vingtième"),
        ("hi", "10वीं", "दसवीं"),
        ("hi", "6वां", None),
    ],
    "decade": [("en", "1990s", "nineteen nineties"), ("en", "1995s", None)],
    "number sign": [("en", "#5", "number five"), ("en", "No. 12", "number twelve")],
    "number with an ending": [
        ("kn", "10ನೇ", "ಹತ್ತನೇ"),
        ("kn", "1947ರ", "ಒಂದು ಸಾವಿರದ ಒಂಬೈನೂರ ನಲವತ್ತೇಳರ"),
        ("kn", "2000ರಲ್ಲಿ", "ಎರಡು ಸಾವಿರದಲ್ಲಿ"),
        ("kn", "100ಕ್ಕೂ ಹೆಚ್ಚು", "ನೂರಕ್ಕೂ ಹೆಚ್ಚು"),
        ("kn", "1000ರೊಳಗೆ", "ಒಂದು ಸಾವಿರದೊಳಗೆ"),
        ("kn", "100ರವರೆಗೂ", "ನೂರರವರೆಗೂ"),
        ("kn", "10000000ಕ್ಕೂ", "ಒಂದು ಕೋಟಿಗೂ"),
        ("kn", "5ಕ", None),
        ("bn", "5টি", "পাঁচটি"),
    ],
    "span": [
        ("en", "3-5", "three to five"),
        ("en", "3 – 5", "three to five"),
        ("en", "2020-2026", "twenty twenty to twenty twenty-six"),
        ("en", "5-3", None),
        ("en", "3-5-7", None),
        ("es", "3-5", "tres a cinco"),
        ("hi", "3-5", "तीन से पाँच"),
        ("kn", "3-5", "ಮೂರರಿಂದ ಐದು"),
    ],
    "number": [
        ("en", "1,234.5", "one thousand two hundred and thirty-four point five"),
        ("en", "-5", "minus five"),
        ("en", "+5", "plus five"),
        ("en", "5.", "five."),
        ("en", "1.2.3", None),
        ("en", "5a", None),
        ("es", "1.234 casas", "mil doscientos treinta y cuatro casas"),
        ("es", "21 casas", None),
        ("es", "21 de mayo", "veintiuno de mayo"),
        ("de", "3. Mann", None),
        ("de", "3.", "drei."),
        ("hi", "1,25,000", "एक लाख पच्चीस हज़ार"),
        ("kn", "0.75", "ಸೊನ್ನೆ ದಶಮಾಂಶ ಏಳು ಐದು"),
    ],
}


@pytest.mark.parametrize(
    ("name", "tag", "text", "words"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_rule(name: str, tag: str, text: str, words: str | None) -> None:
    assert read(tag, name, text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("in 1999", "nineteen ninety-nine"),
        ("since 2005", "two thousand and five"),
        ("of 2026", "twenty twenty-six"),
        ("about 1999", None),
    ],
)
def test_a_year_is_known_by_the_word_before_it(text: str, words: str | None) -> None:
    (rule,) = [rule for rule in rules_for(Language("en")) if rule.name == "year"]
    match = rule.pattern.match(text, text.index(" ") + 1)
    assert match is not None
    assert rule.read(match) == words


def test_every_rule_of_the_four_main_languages_has_cases() -> None:
    names = {rule.name for code in ("en", "es", "hi", "kn") for rule in rules_for(Language(code))}
    assert names <= {*CASES, "year"}


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_names_of_rules_are_unique(code: str) -> None:
    names = [rule.name for rule in rules_for(Language(code))]
    assert len(names) == len(set(names))
    assert names[-1] == "number"
