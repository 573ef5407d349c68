"""The word lists that vocabularies are trimmed by: those of the package wordfreq (Robyn Speer), for some forty languages."""

from collections.abc import Sequence
from pathlib import Path

from maatu_client.models.entries import Member, Trim, Wheel
from maatu_client.models.trim import Vocabulary
from maatu_client.models.wheels import WheelCache

WORDFREQ = Wheel("wordfreq", "3.1.1", "4b1c6ecffc6198be3396d5cf871c4423ca71c907c231348d352dd54d62b97473")
LICENCE = "code Apache-2.0, data CC-BY-SA-4.0"
ENTRIES_PER_LANGUAGE = 32_768
"""As the embedded Gemma, whose vocabulary for English and Spanish has twice as many."""

_LISTS = {
    "large": "ar bn ca cs de en es fi fr he it ja mk nb nl pl pt ru sv uk zh",
    "small": "bg da el fa fil hi hu id is ko lt lv ms ro sh sk sl ta tr ur vi",
}
"""The largest list of each language."""
_OTHER_NAMES = {"bs": "sh", "hr": "sh", "no": "nb", "tl": "fil", "zh-Hans": "zh"}
"""Names of lists of languages that the package calls otherwise. Not Serbian's: its list is in Latin letters."""


def word_list(tag: str) -> Member | None:
    """The list of a language; None where there is none.

    Args:
        tag: BCP-47. A region does not matter.
    """
    language, _, rest = tag.partition("-")
    name = _OTHER_NAMES.get(tag, tag if len(rest) == 4 else _OTHER_NAMES.get(language, language))
    size = next((size for size, names in _LISTS.items() if name in names.split()), None)
    return Member(WORDFREQ, f"wordfreq/data/{size}_{name}.msgpack.gz") if size else None


def trim_to(tags: Sequence[str], entries: int | None = None) -> Trim:
    """How a vocabulary is trimmed to languages.

    Args:
        tags: Of the languages, BCP-47.
        entries: To keep at most; None: ENTRIES_PER_LANGUAGE for each.
    """
    words = {tag: member for tag in tags if (member := word_list(tag))}
    unlisted = [tag for tag in tags if tag not in words]
    return Trim(entries or ENTRIES_PER_LANGUAGE * len(tags), words, LICENCE, unlisted)


def unpack(trim: Trim, wheels: WheelCache, directory: Path) -> Vocabulary:
    """Puts the word lists into a directory and says what a conversion is to do with them. The packages are in the cache."""
    for language, member in trim.words.items():
        wheels.write([member], directory / language)
    return Vocabulary(trim.size, {language: directory / language for language in trim.words})
