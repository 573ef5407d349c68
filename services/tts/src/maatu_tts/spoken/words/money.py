"""Currencies and large numbers that follow an amount."""

from dataclasses import dataclass

from maatu_tts.spoken.agreement import Noun

SYMBOLS = {
    "INR": ("₹", "₨", "INR", "Rs.", "Rs", "रु.", "रु", "रू.", "ರೂ.", "ರೂ", "ரூ.", "రూ.", "രൂ.", "રૂ.", "ਰੁ.", "روپے"),
    "USD": ("US$", "$", "USD"),
    "EUR": ("€", "EUR"),
    "GBP": ("£", "GBP"),
    "JPY": ("¥", "￥", "JPY"),
    "BRL": ("R$", "BRL"),
}
"""How each currency is written."""


@dataclass(frozen=True)
class Currency:
    """What a currency is called in a language."""

    major: Noun
    """The rupee."""
    minor: Noun | None = None
    """The paisa; None: fractions are read as decimals."""


_MARK = "*"


def _row(text: str) -> Currency:
    """Reads "major/majors, minor/minors"; an asterisk marks the feminine."""
    nouns = []
    for part in text.split(", "):
        one, _, many = part.rstrip(_MARK).partition("/")
        nouns.append(Noun(one, many, feminine=part.endswith(_MARK)))
    return Currency(nouns[0], nouns[1] if len(nouns) > 1 else None)


def _rows(*rows: str) -> dict[str, Currency]:
    """Currencies in the order of SYMBOLS; the last ones may be left out."""
    return {currency: _row(row) for currency, row in zip(SYMBOLS, rows, strict=False)}


CURRENCIES = {
    "en": _rows(
        "rupee/rupees, paisa/paise",
        "dollar/dollars, cent/cents",
        "euro/euros, cent/cents",
        "pound/pounds, penny/pence",
        "yen",
        "real/reais, centavo/centavos",
    ),
    "es": _rows(
        "rupia/rupias*, paisa/paisas*",
        "dólar/dólares, centavo/centavos",
        "euro/euros, céntimo/céntimos",
        "libra/libras*, penique/peniques",
        "yen/yenes",
        "real/reales, centavo/centavos",
    ),
    "fr": _rows(
        "roupie/roupies*, paisa/paisas",
        "dollar/dollars, cent/cents",
        "euro/euros, centime/centimes",
        "livre/livres*, penny/pence",
        "yen/yens",
    ),
    "de": _rows("Rupie/Rupien*, Paisa", "Dollar, Cent", "Euro, Cent", "Pfund, Penny/Pence", "Yen"),
    "it": _rows(
        "rupia/rupie*", "dollaro/dollari, centesimo/centesimi", "euro, centesimo/centesimi", "sterlina/sterline*", "yen"
    ),
    "pt": _rows(
        "rupia/rupias*", "dólar/dólares", "euro/euros", "libra/libras*", "iene/ienes", "real/reais, centavo/centavos"
    ),
    "kn": _rows("ರೂಪಾಯಿ, ಪೈಸೆ", "ಡಾಲರ್, ಸೆಂಟ್", "ಯೂರೋ, ಸೆಂಟ್", "ಪೌಂಡ್, ಪೆನ್ಸ್", "ಯೆನ್"),
    "hi": _rows("रुपया/रुपये, पैसा/पैसे", "डॉलर, सेंट", "यूरो, सेंट", "पाउंड, पेंस", "येन"),
    "mr": _rows("रुपया/रुपये, पैसा/पैसे", "डॉलर, सेंट", "युरो, सेंट", "पाउंड, पेन्स", "येन"),
    "ne": _rows("रुपैयाँ, पैसा", "डलर, सेन्ट", "युरो, सेन्ट", "पाउन्ड, पेन्स", "येन"),
    "ta": _rows("ரூபாய், பைசா", "டாலர், சென்ட்", "யூரோ, சென்ட்", "பவுண்டு, பென்ஸ்", "யென்"),
    "te": _rows("రూపాయి/రూపాయలు, పైసా/పైసలు", "డాలర్/డాలర్లు, సెంట్/సెంట్లు", "యూరో/యూరోలు, సెంట్/సెంట్లు", "పౌండ్/పౌండ్లు", "యెన్/యెన్లు"),
    "ml": _rows("രൂപ, പൈസ", "ഡോളർ, സെന്റ്", "യൂറോ, സെന്റ്", "പൗണ്ട്, പെൻസ്", "യെൻ"),
    "bn": _rows("টাকা, পয়সা", "ডলার, সেন্ট", "ইউরো, সেন্ট", "পাউন্ড, পেন্স", "ইয়েন"),
    "as": _rows("টকা, পইচা", "ডলাৰ, চেণ্ট", "ইউৰো, চেণ্ট", "পাউণ্ড", "য়েন"),
    "gu": _rows("રૂપિયો/રૂપિયા, પૈસો/પૈસા", "ડૉલર, સેન્ટ", "યુરો, સેન્ટ", "પાઉન્ડ, પેન્સ", "યેન"),
    "pa": _rows("ਰੁਪਇਆ/ਰੁਪਏ, ਪੈਸਾ/ਪੈਸੇ", "ਡਾਲਰ, ਸੈਂਟ", "ਯੂਰੋ, ਸੈਂਟ", "ਪਾਊਂਡ, ਪੈਂਸ", "ਯੇਨ"),
    "or": _rows("ଟଙ୍କା, ପଇସା", "ଡଲାର, ସେଣ୍ଟ", "ୟୁରୋ, ସେଣ୍ଟ", "ପାଉଣ୍ଡ", "ୟେନ"),
    "ur": _rows("روپیہ/روپے, پیسہ/پیسے", "ڈالر, سینٹ", "یورو, سینٹ", "پاؤنڈ, پینس", "ین"),
}
"""By ISO 639 code and ISO 4217 code."""

AND = {"en": "and ", "es": "con ", "de": "und ", "it": "e ", "pt": "e "}
"""Between rupees and paise."""

SHORT_MAGNITUDES = {
    "en": {
        "lakhs": "lakh",
        "crores": "crore",
        "k": "thousand",
        "K": "thousand",
        "m": "million",
        "M": "million",
        "L": "lakh",
        "bn": "billion",
        "Cr": "crore",
        "cr": "crore",
    },
    "de": {"Mio.": "Millionen", "Mrd.": "Milliarden"},
}
"""How large numbers are abbreviated after an amount."""

MAGNITUDES = {
    "en": "thousand lakh crore million billion trillion",
    "es": "mil millón millones",
    "fr": "mille million millions milliard milliards",
    "de": "Tausend Million Millionen Milliarde Milliarden",
    "it": "mila milione milioni miliardo miliardi",
    "pt": "mil milhão milhões bilhão bilhões",
    "kn": "ಸಾವಿರ ಲಕ್ಷ ಕೋಟಿ",
    "hi": "हज़ार हजार लाख करोड़ अरब",
    "mr": "हजार लाख कोटी",
    "ne": "हजार लाख करोड",
    "ta": "ஆயிரம் லட்சம் கோடி",
    "te": "వేల లక్షల కోట్ల",
    "ml": "ആയിരം ലക്ഷം കോടി",
    "bn": "হাজার লাখ লক্ষ কোটি",
    "as": "হাজাৰ লাখ কোটি",
    "gu": "હજાર લાખ કરોડ",
    "pa": "ਹਜ਼ਾਰ ਲੱਖ ਕਰੋੜ",
    "or": "ହଜାର ଲକ୍ଷ କୋଟି",
    "ur": "ہزار لاکھ کروڑ ارب",
}
"""What may follow an amount and is spoken before its currency: "₹5 lakh" is "five lakh rupees"."""
