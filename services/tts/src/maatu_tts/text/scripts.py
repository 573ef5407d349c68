"""Which scripts a text is written in, and which of them a voice can read."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable

from maatu_runtime.language import Language

_LATIN = "Latin"
# First and last code point of the letters of each script (Unicode blocks; a block may hold a few letters of no script).
_RANGES = (
    (0x0041, 0x024F, _LATIN),
    (0x0250, 0x02AF, _LATIN),
    (0x0370, 0x03FF, "Greek"),
    (0x0400, 0x052F, "Cyrillic"),
    (0x0530, 0x058F, "Armenian"),
    (0x0590, 0x05FF, "Hebrew"),
    (0x0600, 0x06FF, "Arabic"),
    (0x0750, 0x077F, "Arabic"),
    (0x0780, 0x07BF, "Thaana"),
    (0x0860, 0x08FF, "Arabic"),
    (0x0900, 0x097F, "Devanagari"),
    (0x0980, 0x09FF, "Bengali"),
    (0x0A00, 0x0A7F, "Gurmukhi"),
    (0x0A80, 0x0AFF, "Gujarati"),
    (0x0B00, 0x0B7F, "Odia"),
    (0x0B80, 0x0BFF, "Tamil"),
    (0x0C00, 0x0C7F, "Telugu"),
    (0x0C80, 0x0CFF, "Kannada"),
    (0x0D00, 0x0D7F, "Malayalam"),
    (0x0D80, 0x0DFF, "Sinhala"),
    (0x0E00, 0x0E7F, "Thai"),
    (0x0E80, 0x0EFF, "Lao"),
    (0x0F00, 0x0FFF, "Tibetan"),
    (0x1000, 0x109F, "Myanmar"),
    (0x10A0, 0x10FF, "Georgian"),
    (0x1100, 0x11FF, "Hangul"),
    (0x1200, 0x139F, "Ethiopic"),
    (0x13A0, 0x13FF, "Cherokee"),
    (0x1780, 0x17FF, "Khmer"),
    (0x1800, 0x18AF, "Mongolian"),
    (0x1C50, 0x1C7F, "Ol Chiki"),
    (0x1C80, 0x1C8F, "Cyrillic"),
    (0x1E00, 0x1EFF, _LATIN),
    (0x1F00, 0x1FFF, "Greek"),
    (0x2C60, 0x2C7F, _LATIN),
    (0x2DE0, 0x2DFF, "Cyrillic"),
    (0x3040, 0x309F, "Hiragana"),
    (0x30A0, 0x30FF, "Katakana"),
    (0x3100, 0x312F, "Bopomofo"),
    (0x3130, 0x318F, "Hangul"),
    (0x31F0, 0x31FF, "Katakana"),
    (0x3400, 0x4DBF, "Han"),
    (0x4E00, 0x9FFF, "Han"),
    (0xA640, 0xA69F, "Cyrillic"),
    (0xA720, 0xA7FF, _LATIN),
    (0xA8E0, 0xA8FF, "Devanagari"),
    (0xAAE0, 0xAAFF, "Meetei Mayek"),
    (0xABC0, 0xABFF, "Meetei Mayek"),
    (0xAC00, 0xD7FF, "Hangul"),
    (0xF900, 0xFAFF, "Han"),
    (0xFB00, 0xFB06, _LATIN),
    (0xFB1D, 0xFB4F, "Hebrew"),
    (0xFB50, 0xFDFF, "Arabic"),
    (0xFE70, 0xFEFE, "Arabic"),
    (0xFF21, 0xFF5A, _LATIN),
    (0xFF66, 0xFF9F, "Katakana"),
    (0x20000, 0x3FFFF, "Han"),
)
_STARTS = [first for first, _, _ in _RANGES]

# What each language is written in. Languages in Latin script are the last row; one that is in no row is not judged.
_WRITTEN = {
    "Arabic": "ar fa ur ps sd ks ku ug",
    "Armenian": "hy hyw",
    "Bengali": "bn as bpy mni sat",
    "Bopomofo": "cmn zh",
    "Cherokee": "chr",
    "Cyrillic": "ru uk be bg sr mk kk ky tt ba cv mn tg uz nog az bs sh",
    "Devanagari": "hi mr ne sa kok mai doi brx bho sd ks sat mag awa new raj",
    "Ethiopic": "am ti",
    "Georgian": "ka",
    "Greek": "el grc",
    "Gujarati": "gu",
    "Gurmukhi": "pa",
    "Han": "zh cmn yue hak nan ja ko wuu",
    "Hangul": "ko",
    "Hebrew": "he yi",
    "Hiragana": "ja",
    "Kannada": "kn tcy kok",
    "Katakana": "ja",
    "Khmer": "km",
    "Lao": "lo",
    "Malayalam": "ml",
    "Meetei Mayek": "mni",
    "Mongolian": "mn",
    "Myanmar": "my shn",
    "Odia": "or sat",
    "Ol Chiki": "sat",
    "Sinhala": "si",
    "Tamil": "ta",
    "Telugu": "te",
    "Thaana": "dv",
    "Thai": "th",
    "Tibetan": "bo dz",
    _LATIN: (
        "en es fr de it pt nl sv da no nb nn fi is et lv lt pl cs sk sl hr bs sr sh hu ro sq tr az uz id ms jv su vi tl fil "
        "ceb haw mi sw zu xh af eu ca gl oc an ga gd cy br mt lb la eo ia io ht qu gn pap nci kl smj om tn tk lfn piqd qya sjn"
    ),
}
_SCRIPTS: dict[str, set[str]] = {}
for _script, _codes in _WRITTEN.items():
    for _code in _codes.split():
        _SCRIPTS.setdefault(_code, set()).add(_script)


def script_of(character: str) -> str | None:
    """Unicode's name of the script of a letter; None for digits, marks and punctuation, and for scripts not in the table."""
    if not character.isalpha():
        return None
    point = ord(character)
    first = bisect_right(_STARTS, point) - 1
    if first < 0 or point > _RANGES[first][1]:
        return None
    return _RANGES[first][2]


def languages_written_in(script: str) -> tuple[str, ...]:
    """ISO 639 codes of the languages that use a script, in the order in which they should be proposed; () if unknown."""
    return tuple(dict.fromkeys(_WRITTEN.get(script, "").split()))


def unspeakable(text: str, languages: Iterable[Language]) -> str | None:
    """The script that keeps a voice from speaking a text: most of its letters are in scripts that the voice does not read.

    Latin is never in the way: speakers of every language mix English in, and engines read it. Nor is anything in the way of
    a voice one of whose languages is not in the table.

    Args:
        text: What is to be spoken.
        languages: What the voice speaks.

    Returns:
        Name of the most frequent such script, for `languages_written_in`; None where the text can be spoken.
    """
    readable = {_LATIN}
    for language in languages:
        if language.code not in _SCRIPTS:
            return None
        readable |= _SCRIPTS[language.code]
    letters = Counter(script for script in map(script_of, text) if script is not None)
    foreign = Counter({script: count for script, count in letters.items() if script not in readable})
    if foreign.total() * 2 <= letters.total():
        return None
    return foreign.most_common(1)[0][0]
