"""How a time of day is said."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """One way to say a time: with the word that follows it in the text, if any."""

    minutes: str
    """Template with {h} and {m}."""
    sharp: str
    """Template for full hours; "" where we don't know."""
    after: str = ""
    """The word that has to follow, and is read with the time."""
    is_ending: bool = False
    """It is an ending that any number may have: it does not say that this one is a time."""


CLOCKS = {
    "es": (Clock("{h} y {m}", "{h} horas", "horas"), Clock("{h} y {m}", "{h} en punto")),
    "fr": (Clock("{h} {m}", "{h}"),),
    "de": (Clock("{h} Uhr {m}", "{h} Uhr", "Uhr"), Clock("{h} Uhr {m}", "{h} Uhr")),
    "it": (Clock("{h} e {m}", "{h} in punto"),),
    "pt": (Clock("{h} e {m}", "{h} em ponto"),),
    "kn": (
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷಕ್ಕೆ", "{h} ಗಂಟೆಗೆ", "ಗಂಟೆಗೆ"),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷದಿಂದ", "{h} ಗಂಟೆಯಿಂದ", "ಗಂಟೆಯಿಂದ"),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷದವರೆಗೆ", "{h} ಗಂಟೆಯವರೆಗೆ", "ಗಂಟೆಯವರೆಗೆ"),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷ", "{h} ಗಂಟೆ", "ಗಂಟೆ"),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷಕ್ಕೆ", "{h} ಗಂಟೆಗೆ", "ಕ್ಕೆ", is_ending=True),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷದಿಂದ", "{h} ಗಂಟೆಯಿಂದ", "ರಿಂದ", is_ending=True),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷದವರೆಗೆ", "{h} ಗಂಟೆಯವರೆಗೆ", "ರವರೆಗೆ", is_ending=True),
        Clock("{h} ಗಂಟೆ {m} ನಿಮಿಷ", "{h} ಗಂಟೆ"),
    ),
    "hi": (
        Clock("{h} बजकर {m} मिनट से", "{h} बजे से", "बजे से"),
        Clock("{h} बजकर {m} मिनट तक", "{h} बजे तक", "बजे तक"),
        Clock("{h} बजकर {m} मिनट के", "{h} बजे के", "बजे के"),
        Clock("{h} बजकर {m} मिनट पर", "{h} बजे", "बजे"),
        Clock("{h} बजकर {m} मिनट", "{h} बजे"),
    ),
    "mr": (Clock("{h} वाजून {m} मिनिटांनी", "{h} वाजता", "वाजता"), Clock("{h} वाजून {m} मिनिटे", "")),
    "ta": (
        Clock("{h} மணி {m} நிமிடத்திற்கு", "{h} மணிக்கு", "மணிக்கு"),
        Clock("{h} மணி {m} நிமிடம்", "{h} மணி"),
    ),
    "te": (
        Clock("{h} గంటల {m} నిమిషాలకు", "{h} గంటలకు", "గంటలకు"),
        Clock("{h} గంటల {m} నిమిషాలు", "{h} గంటలు"),
    ),
    "ml": (Clock("{h} മണി {m} മിനിറ്റ്", "{h} മണി"),),
    "gu": (Clock("{h} વાગીને {m} મિનિટે", "{h} વાગ્યે", "વાગ્યે"), Clock("{h} વાગીને {m} મિનિટ", "")),
    "pa": (
        Clock("{h} ਵੱਜ ਕੇ {m} ਮਿੰਟ ਤੋਂ", "{h} ਵਜੇ ਤੋਂ", "ਵਜੇ ਤੋਂ"),
        Clock("{h} ਵੱਜ ਕੇ {m} ਮਿੰਟ ਤੱਕ", "{h} ਵਜੇ ਤੱਕ", "ਵਜੇ ਤੱਕ"),
        Clock("{h} ਵੱਜ ਕੇ {m} ਮਿੰਟ ਤੇ", "{h} ਵਜੇ", "ਵਜੇ"),
        Clock("{h} ਵੱਜ ਕੇ {m} ਮਿੰਟ", "{h} ਵਜੇ"),
    ),
    "ur": (
        Clock("{h} بج کر {m} منٹ سے", "{h} بجے سے", "بجے سے"),
        Clock("{h} بج کر {m} منٹ تک", "{h} بجے تک", "بجے تک"),
        Clock("{h} بج کر {m} منٹ پر", "{h} بجے", "بجے"),
        Clock("{h} بج کر {m} منٹ", "{h} بجے"),
    ),
}
"""By ISO 639 code, the one without a following word last. English is in the rule itself."""

HOUR_WORDS = {
    "kn": ("ಗಂಟೆ", "ಘಂಟೆ"),
    "hi": ("बज", "घंट"),
    "mr": ("वाज", "तास"),
    "ta": ("மணி",),
    "te": ("గంట",),
    "ml": ("മണി",),
    "gu": ("વાગ", "કલાક"),
    "pa": ("ਵਜ", "ਵੱਜ", "ਘੰਟ"),
    "ur": ("بج", "گھنٹ"),
    "es": ("hora",),
    "fr": ("heure",),
    "it": ("ore",),
    "pt": ("hora",),
}
"""Beginnings of words that say "o'clock": a time before one that no Clock names is left as it is."""

TIMES_OF_DAY = {"kn": ("ಬೆಳಿಗ್ಗೆ", "ಬೆಳಗ್ಗೆ", "ಮುಂಜಾನೆ", "ಮಧ್ಯಾಹ್ನ", "ಸಂಜೆ", "ರಾತ್ರಿ")}
"""Words that say that 10.30 with a mere ending is a time and no decimal: "ಬೆಳಿಗ್ಗೆ 10.30ಕ್ಕೆ"."""
