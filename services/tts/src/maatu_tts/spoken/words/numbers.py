"""Words around numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class NumberWords:
    """What is said around numbers in a language."""

    point: str
    """Between the whole and its fraction."""
    minus: str
    """Before a negative number."""
    plus: str
    """Before the country code of a telephone number."""
    percent: str
    """Template for 25%."""
    span: str
    """Template for 3-5."""


NUMBER_WORDS = {
    "en": NumberWords("point", "minus", "plus", "{} percent", "{} to {}"),
    "es": NumberWords("coma", "menos", "más", "{} por ciento", "{} a {}"),
    "fr": NumberWords("virgule", "moins", "plus", "{} pour cent", "{} à {}"),
    "de": NumberWords("Komma", "minus", "plus", "{} Prozent", "{} bis {}"),
    "it": NumberWords("virgola", "meno", "più", "{} per cento", "{} a {}"),
    "pt": NumberWords("vírgula", "menos", "mais", "{} por cento", "{} a {}"),
    "kn": NumberWords("ದಶಮಾಂಶ", "ಮೈನಸ್", "ಪ್ಲಸ್", "ಶೇಕಡಾ {}", "{} {}"),
    "hi": NumberWords("दशमलव", "माइनस", "प्लस", "{} प्रतिशत", "{} से {}"),
    "mr": NumberWords("दशांश", "उणे", "प्लस", "{} टक्के", "{} ते {}"),
    "ne": NumberWords("दशमलव", "माइनस", "प्लस", "{} प्रतिशत", "{} देखि {}"),
    "ta": NumberWords("புள்ளி", "மைனஸ்", "பிளஸ்", "{} சதவீதம்", "{} முதல் {}"),
    "te": NumberWords("పాయింట్", "మైనస్", "ప్లస్", "{} శాతం", "{} నుండి {}"),
    "ml": NumberWords("പോയിന്റ്", "മൈനസ്", "പ്ലസ്", "{} ശതമാനം", "{} മുതൽ {}"),
    "bn": NumberWords("দশমিক", "মাইনাস", "প্লাস", "{} শতাংশ", "{} থেকে {}"),
    "as": NumberWords("দশমিক", "মাইনাছ", "প্লাছ", "{} শতাংশ", "{}ৰ পৰা {}"),
    "gu": NumberWords("પોઇન્ટ", "માઇનસ", "પ્લસ", "{} ટકા", "{} થી {}"),
    "pa": NumberWords("ਦਸ਼ਮਲਵ", "ਮਾਈਨਸ", "ਪਲੱਸ", "{} ਪ੍ਰਤੀਸ਼ਤ", "{} ਤੋਂ {}"),
    "or": NumberWords("ଦଶମିକ", "ମାଇନସ", "ପ୍ଲସ", "{} ପ୍ରତିଶତ", "{} ରୁ {}"),
    "ur": NumberWords("اعشاریہ", "منفی", "پلس", "{} فیصد", "{} سے {}"),
}
"""By ISO 639 code."""

DIGITS = {
    first + value: str(value)
    for first in (
        0x0660,  # Arabic
        0x06F0,  # Persian, Urdu
        0x0966,  # Devanagari
        0x09E6,  # Bengali, Assamese
        0x0A66,  # Gurmukhi
        0x0AE6,  # Gujarati
        0x0B66,  # Odia
        0x0BE6,  # Tamil
        0x0C66,  # Telugu
        0x0CE6,  # Kannada
        0x0D66,  # Malayalam
        0x1C50,  # Ol Chiki
        0xABF0,  # Meetei Mayek
        0xFF10,  # full width
    )
    for value in range(10)
}
"""For str.translate: digits of other scripts to ASCII ones, and the minus sign to a hyphen; one character for one."""
DIGITS[0x2212] = "-"
