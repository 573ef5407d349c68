"""Kannada numbers. indic-numtowords 1.1.0 loses the tens after a hundred (110 becomes "ನೂ") and reads 83 as 82.

A number is written as separate words, as it is spoken slowly: ನೂರ ಇಪ್ಪತ್ತೈದು, 125. What stands before a smaller part takes
its genitive: ನೂರು → ನೂರ, ಸಾವಿರ → ಸಾವಿರದ, ಲಕ್ಷ → ಲಕ್ಷದ.
"""

_UNITS = ["ಸೊನ್ನೆ", "ಒಂದು", "ಎರಡು", "ಮೂರು", "ನಾಲ್ಕು", "ಐದು", "ಆರು", "ಏಳು", "ಎಂಟು", "ಒಂಬತ್ತು"]
_TEENS = ["ಹತ್ತು", "ಹನ್ನೊಂದು", "ಹನ್ನೆರಡು", "ಹದಿಮೂರು", "ಹದಿನಾಲ್ಕು", "ಹದಿನೈದು", "ಹದಿನಾರು", "ಹದಿನೇಳು", "ಹದಿನೆಂಟು", "ಹತ್ತೊಂಬತ್ತು"]
# Their final u gives way to the vowel of the unit: ಇಪ್ಪತ್ತು and ಐದು make ಇಪ್ಪತ್ತೈದು.
_TENS = ["ಇಪ್ಪತ್ತು", "ಮೂವತ್ತು", "ನಲವತ್ತು", "ಐವತ್ತು", "ಅರವತ್ತು", "ಎಪ್ಪತ್ತು", "ಎಂಬತ್ತು", "ತೊಂಬತ್ತು"]
_AFTER_TENS = ("ು", "ೊಂದು", "ೆರಡು", "ಮೂರು", "ನಾಲ್ಕು", "ೈದು", "ಾರು", "ೇಳು", "ೆಂಟು", "ೊಂಬತ್ತು")
_HUNDREDS = ["ನೂರು", "ಇನ್ನೂರು", "ಮುನ್ನೂರು", "ನಾನೂರು", "ಐನೂರು", "ಆರುನೂರು", "ಏಳುನೂರು", "ಎಂಟುನೂರು", "ಒಂಬೈನೂರು"]
_U = "ು"
_ENDS_IN_A = ("ಸಾವಿರ", "ಲಕ್ಷ")
LARGEST = 10**14 - 1
"""Beyond it the crores themselves would be counted in crores."""


def cardinal(value: int) -> str:
    """A number of 0 to LARGEST in words: 1,25,000 is ಒಂದು ಲಕ್ಷದ ಇಪ್ಪತ್ತೈದು ಸಾವಿರ."""
    if value < 100:
        return _below_hundred(value)
    for size, word, genitive in ((10**7, "ಕೋಟಿ", "ಕೋಟಿ"), (10**5, "ಲಕ್ಷ", "ಲಕ್ಷದ"), (1_000, "ಸಾವಿರ", "ಸಾವಿರದ")):
        count, rest = divmod(value, size)
        if count:
            return f"{cardinal(count)} {genitive} {cardinal(rest)}" if rest else f"{cardinal(count)} {word}"
    count, rest = divmod(value, 100)
    hundreds = _HUNDREDS[count - 1]
    return f"{hundreds.removesuffix(_U)} {_below_hundred(rest)}" if rest else hundreds


def with_suffix(words: str, suffix: str) -> str:
    """Joins a number in words and the case ending or ordinal ending that was written after its digits: 5ಕ್ಕೆ is ಐದಕ್ಕೆ."""
    if words.endswith(_U):
        return words.removesuffix(_U) + suffix
    if words.endswith(_ENDS_IN_A):
        return words + ("ದ" + suffix.removeprefix("ರ") if suffix.startswith("ರ") else suffix)
    if suffix.startswith("ಕ್ಕ"):
        return words + "ಗ" + suffix.removeprefix("ಕ್ಕ")
    return words + ("ಯ" + suffix.removeprefix("ರ") if suffix.startswith("ರ") else suffix)


def from_number(words: str) -> str:
    """The number with "from": ಮೂರು becomes ಮೂರರಿಂದ, ಸಾವಿರ becomes ಸಾವಿರದಿಂದ."""
    return with_suffix(words, "ರಿಂದ")


def _below_hundred(value: int) -> str:
    if value < 10:
        return _UNITS[value]
    if value < 20:
        return _TEENS[value - 10]
    tens, units = divmod(value, 10)
    return _TENS[tens - 2].removesuffix(_U) + _AFTER_TENS[units]
