"""Punjabi in Gurmukhi: the verb comes last, in most tenses with a copula."""

from maatu_stt.engine.completeness.clauses import Converbs, VerbLast
from maatu_stt.engine.completeness.reading import Reading, endings, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

# These await a copula, unless the sentence is negated.
_AWAIT_COPULA = phrases(
    "ਰਿਹਾ ਰਹੀ ਰਹੇ ਸਕਦਾ ਸਕਦੀ ਸਕਦੇ ਚਾਹੁੰਦਾ ਚਾਹੁੰਦੀ ਚਾਹੁੰਦੇ ਕਰਦਾ ਕਰਦੀ ਕਰਦੇ ਹੁੰਦਾ ਹੁੰਦੀ ਹੁੰਦੇ ਚੁੱਕਾ ਚੁੱਕੀ ਚੁੱਕੇ",
)
_NEGATIONS = phrases("ਨਹੀਂ ਨਾ ਨਹੀ")

_converbs = Converbs(words=phrases("ਕੇ ਕਰਕੇ ਜਾਕੇ ਆਕੇ ਲੈਕੇ ਹੋਕੇ ਹੋਇਆਂ ਵੇਲੇ ਕਰਨ"))


def _goes_on(reading: Reading) -> bool:
    if reading.last in _AWAIT_COPULA:
        return _NEGATIONS.isdisjoint(reading.words[-4:])
    return _converbs(reading)


RULES = Rules(
    trailing=phrases(
        # Fillers.
        "ਮਤਲਬ ਯਾਨੀ ਭਾਵ ਅਮਮ",
        # Conjunctions and subordinators. "ਤੇ" is also the postposition "on".
        "ਅਤੇ ਤੇ ਜਾਂ ਪਰ ਕਿਉਂਕਿ ਕਿ ਜੇ ਜੇਕਰ ਜਦੋਂ ਜਦ ਤਾਂ ਤਾਂਕਿ ਜੋ ਜਿਸ ਜਿਹੜਾ ਜਿਹੜੀ ਜਿਹੜੇ ਸਗੋਂ ਇਸ_ਲਈ ਇਸਲਈ ਜਿਵੇਂ ਜਿੱਥੇ",
        # Postpositions.
        "ਨੇ ਨੂੰ ਦਾ ਦੀ ਦੇ ਬਾਰੇ ਦੁਆਰਾ",
        # Possessives and determiners.
        "ਮੇਰਾ ਮੇਰੀ ਮੇਰੇ ਤੇਰਾ ਤੇਰੀ ਤੇਰੇ ਸਾਡਾ ਸਾਡੀ ਸਾਡੇ ਤੁਹਾਡਾ ਤੁਹਾਡੀ ਤੁਹਾਡੇ ਉਸਦਾ ਉਸਦੀ ਉਸਦੇ ਆਪਣਾ ਆਪਣੀ ਆਪਣੇ ਇੱਕ ਇਕ ਇਸ",
        "ਉਸ ਕਿਸ ਹਰ ਕਿਸੇ ਬਹੁਤ ਕਾਫ਼ੀ ਥੋੜ੍ਹਾ ਸਿਰਫ਼ ਲਗਭਗ",
        # Subjects and experiencers.
        "ਮੈਂ ਮੈਨੂੰ ਸਾਨੂੰ ਤੈਨੂੰ ਤੁਹਾਨੂੰ ਉਸਨੂੰ ਉਸਨੇ ਉਨ੍ਹਾਂ_ਨੇ ਅਸੀਂ ਕਿਰਪਾ_ਕਰਕੇ",
    ),
    answers=phrases(
        "ਹਾਂ ਹਾਂਜੀ ਹਾਂ_ਜੀ ਜੀ ਨਹੀਂ ਨਾ ਜੀ_ਨਹੀਂ ਠੀਕ ਠੀਕ_ਹੈ ਅੱਛਾ ਓਕੇ ਧੰਨਵਾਦ ਸ਼ੁਕਰੀਆ ਮਿਹਰਬਾਨੀ ਹੈਲੋ ਨਮਸਤੇ ਸਤ_ਸ੍ਰੀ_ਅਕਾਲ",
        "ਪਤਾ_ਨਹੀਂ ਮੈਨੂੰ_ਪਤਾ_ਨਹੀਂ ਜ਼ਰੂਰ ਬੱਸ ਬਸ",
        "ਰੁਕੋ ਰੁਕ ਸੱਚੀ ਕਿਵੇਂ_ਹੋ ਕੀ_ਹਾਲ_ਹੈ ਮਾਫ਼_ਕਰਨਾ ਕੋਈ_ਗੱਲ_ਨਹੀਂ ਬਿਲਕੁਲ",
    ),
    closings=phrases("ਧੰਨਵਾਦ ਸ਼ੁਕਰੀਆ ਜੀ"),
    goes_on=_goes_on,
    is_clause=VerbLast(
        particles=phrases("ਨਾ ਜੀ ਕੀ"),
        finite=phrases(
            "ਹੈ ਹਨ ਹਾਂ ਕਿਵੇਂ_ਹੋ ਰਹੇ_ਹੋ ਰਹੀ_ਹੋ ਸਕਦੇ_ਹੋ ਕਰਦੇ_ਹੋ ਕਿੱਥੇ_ਹੋ ਕੌਣ_ਹੋ ਚਾਹੁੰਦੇ_ਹੋ ਤੁਸੀਂ_ਹੋ ਸੀ ਸਨ ਹੋਵੇਗਾ",
            "ਹੋਵੇਗੀ ਹੋਣਗੇ ਚਾਹੀਦਾ ਚਾਹੀਦੀ ਚਾਹੀਦੇ ਹੈ_ਨਾ ਹੈ_ਕੀ ਹੋ_ਤੁਸੀਂ ਹੈ_ਜੀ ਹੋ_ਜੀ ਨੇ_ਕੀ",
            "ਕਰੋ ਦਿਓ ਦਿਉ ਦਿਓ_ਜੀ ਦੱਸੋ ਜਾਓ ਆਓ ਲਓ ਲਵੋ ਚਲੋ ਚੱਲੋ ਸੁਣੋ ਵੇਖੋ ਦੇਖੋ ਬੋਲੋ ਰੱਖੋ ਭੇਜੋ ਖੋਲ੍ਹੋ ਪੜ੍ਹੋ ਲਿਖੋ ਦਿਖਾਓ",
            "ਸਮਝਾਓ ਸੁਣਾਓ ਲਾਓ ਬਣਾਓ ਰੁਕੋ ਬੈਠੋ ਪੁੱਛੋ ਕਰੀਏ ਚੱਲੀਏ",
        ),
        finite_endings=endings("ਾਓ ਾਂਗਾ ਾਂਗੀ ਾਂਗੇ ਵੇਗਾ ਵੇਗੀ ਣਗੇ ਣਗੀਆਂ ੇਗਾ ੇਗੀ ੋਗੇ ੋਗੀ ਓਗੇ"),
    ),
    numbers=Numbers(
        digits=phrases("ਸਿਫ਼ਰ ਜ਼ੀਰੋ ਇੱਕ ਇਕ ਦੋ ਤਿੰਨ ਚਾਰ ਪੰਜ ਛੇ ਸੱਤ ਅੱਠ ਨੌਂ ਡਬਲ"),
        others=phrases("ਦਸ ਗਿਆਰਾਂ ਬਾਰਾਂ ਪੰਦਰਾਂ ਵੀਹ ਪੱਚੀ ਤੀਹ ਚਾਲੀ ਪੰਜਾਹ ਸੱਠ ਸੱਤਰ ਅੱਸੀ ਨੱਬੇ ਸੌ ਹਜ਼ਾਰ ਲੱਖ ਕਰੋੜ ਸਾਢੇ"),
        dictated={
            **dict.fromkeys(phrases("ਪਿੰਨ ਓਟੀਪੀ ਕੋਡ"), 6),
            **dict.fromkeys(phrases("ਫ਼ੋਨ_ਨੰਬਰ ਫੋਨ_ਨੰਬਰ ਮੋਬਾਈਲ_ਨੰਬਰ ਮੇਰਾ_ਨੰਬਰ ਖਾਤਾ_ਨੰਬਰ"), 10),
        },
        dates=phrases("ਜਨਵਰੀ ਫਰਵਰੀ ਮਾਰਚ ਅਪ੍ਰੈਲ ਮਈ ਜੂਨ ਜੁਲਾਈ ਅਗਸਤ ਸਤੰਬਰ ਅਕਤੂਬਰ ਨਵੰਬਰ ਦਸੰਬਰ"),
    ),
)
