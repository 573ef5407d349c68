"""Amounts of money: ₹1,25,000, $5.50, 20 €, ₹5 lakh."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken import kannada
from maatu_tts.spoken.agreement import Noun, counted, of, read
from maatu_tts.spoken.quantity import NUMBER, Quantity, number_pattern, quantity
from maatu_tts.spoken.rule import END_OF_NUMBER, END_OF_WORD, Rule, alternatives, next_word
from maatu_tts.spoken.words.money import AND, CURRENCIES, MAGNITUDES, SHORT_MAGNITUDES, SYMBOLS
from maatu_tts.spoken.words.numbers import NUMBER_WORDS

_CURRENCY_OF = {symbol: currency for currency, symbols in SYMBOLS.items() for symbol in symbols}

# Written after the digits, and what it is after the word ರೂಪಾಯಿ.
_KANNADA_ENDINGS = {
    "ಕ್ಕೆ": "ಗೆ",
    "ಗೆ": "ಗೆ",
    "ರ": "ಯ",
    "ರಷ್ಟು": "ಯಷ್ಟು",
    "ರಿಂದ": "ಯಿಂದ",
    "ರವರೆಗೆ": "ಯವರೆಗೆ",
    "ರವರೆಗೂ": "ಯವರೆಗೂ",
    "ರಲ್ಲಿ": "ಯಲ್ಲಿ",
    "ರೊಳಗೆ": "ಯೊಳಗೆ",
    "ಕ್ಕಿಂತ": "ಗಿಂತ",
    "ಕ್ಕೂ": "ಗೂ",
    "ಗಳು": "ಗಳು",
    "ಗಳ": "ಗಳ",
    "ಗಳನ್ನು": "ಗಳನ್ನು",
    "ಗಳಿಗೆ": "ಗಳಿಗೆ",
}
_KANNADA_RUPEES = re.compile(
    rf"(?:₹|ರೂ\.?) ?(?P<number>{NUMBER})-?(?P<end>{alternatives(list(_KANNADA_ENDINGS))}){END_OF_WORD}"
)


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    if language.code not in CURRENCIES:
        return []
    number = number_pattern(language)
    symbol = rf"(?P<symbol>{alternatives(list(_CURRENCY_OF))})"
    sign = "(?P<sign>-)?"
    short = SHORT_MAGNITUDES.get(language.code, {})
    long = MAGNITUDES[language.code].split()
    magnitudes = alternatives([*long, *short])
    # A second one counts the first: "1.5 lakh crore". Single letters don't.
    second = alternatives([*long, *(one for one in short if len(one) > 1)])
    # An amount before an inflected "lakh" is not read without it.
    large = (
        rf"(?:(?P<hyphen>-)?[ \u00a0]?(?P<magnitude>{magnitudes})(?:[ \u00a0](?P<second>{second}))?{END_OF_WORD})?"
        rf"(?![ \u00a0\-]?(?:{alternatives(long)}))"
    )
    amount = rf"(?P<low>{number})(?:[-–](?P<high>{number}))?{large}"
    amounts = rf"(?P<low>{number})(?:[-–](?:(?P=symbol) ?)?(?P<high>{number}))?{large}"
    before = re.compile(rf"{sign}{symbol}[ \u00a0]?{amounts}(?:/-)?{END_OF_NUMBER}(?![-–][₹$€£¥])")
    after = re.compile(rf"{sign}{amount}[ \u00a0\u202f]?{symbol}{END_OF_WORD}(?!-?[0-9])")

    def amount_in_words(match: re.Match[str]) -> str | None:
        currency = CURRENCIES[language.code].get(_CURRENCY_OF[match["symbol"]])
        low = quantity(match["low"], language)
        high = quantity(match["high"], language) if match["high"] else None
        if (
            currency is None
            or low is None
            or (match["high"] and (high is None or not low.whole < high.whole or match["sign"]))
        ):
            return None
        last = high or low
        if match["magnitude"]:
            magnitude = " ".join(short.get(one, one) for one in match.group("magnitude", "second") if one)
            major = currency.major
            if language.code == "en" and match["hyphen"] and next_word(match):
                # "A $5-million deal": an adjective knows no plural.
                major = Noun(major.one)
            words = _large(last, magnitude, major, language)
        else:
            words = _exact(last, currency.major, currency.minor, language)
        if high is not None and words is not None:
            first = read(low, language)
            words = NUMBER_WORDS[language.code].span.format(_from(first, language), words) if first else None
        if words is not None and match["sign"]:
            words = f"{NUMBER_WORDS[language.code].minus} {words}"
        return words

    found = [Rule("money", before, amount_in_words), Rule("money before its sign", after, amount_in_words)]
    if language.code == "kn":
        found.append(Rule("rupees with an ending", _KANNADA_RUPEES, lambda match: _kannada_rupees(match, language)))
    return found


def _kannada_rupees(match: re.Match[str], language: Language) -> str | None:
    number = quantity(match["number"], language)
    words = counted(number, CURRENCIES["kn"]["INR"].major, language) if number and not number.fraction else None
    return words + _KANNADA_ENDINGS[match["end"]] if words else None


def _from(words: str, language: Language) -> str:
    return kannada.from_number(words) if language.code == "kn" else words


def _large(number: Quantity, magnitude: str, major: Noun, language: Language) -> str | None:
    words = read(number, language)
    if words is None:
        return None
    million = counted(number, Noun(magnitude), language) or words
    return f"{million} {of(major.many or major.one, language) if magnitude not in ('mil', 'mille') else major.many}"


def _exact(number: Quantity, major: Noun, minor: Noun | None, language: Language) -> str | None:
    if minor is None or len(number.fraction) != 2:
        return counted(number, major, language)
    cents = Quantity(int(number.fraction))
    whole = Quantity(number.whole, indian=number.indian)
    if not cents.whole:
        return counted(whole, major, language)
    small = counted(cents, minor, language)
    if not whole.whole or small is None:
        return small
    large = counted(whole, major, language)
    return f"{large} {AND.get(language.code, '')}{small}" if large else None
