"""Which half of the day a time is in: "8:15 a. m." is not "8:15 in the afternoon". English and Spanish."""

import re
from collections.abc import Sequence

from maatu_translate.behind import rewrite_behind
from maatu_translate.entities import Entity, Kind

_MARK = re.compile(r"([ap])\.?[ \u00a0]?m", re.IGNORECASE)
_WRITTEN = {"en": {"a": "a.m.", "p": "p.m."}, "es": {"a": "a. m.", "p": "p. m."}}
_AFTER_TIME = {
    "en": re.compile(
        r",?[ \u00a0]?(?:(?P<a>a\.?[ \u00a0]?m(?!\w)\.?|(?:in|of) the (?:early )?morning)"
        r"|(?P<p>p\.?[ \u00a0]?m(?!\w)\.?|(?:in|of) the (?:late )?(?:afternoon|evening))"
        r"|(?P<night>(?:at|in the|of the) night))(?!\w)",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r",?[ \u00a0]?(?:(?P<a>a\.?[ \u00a0]?m(?!\w)\.?|(?:de|por) la (?:mañana|madrugada)|de madrugada)"
        r"|(?P<p>p\.?[ \u00a0]?m(?!\w)\.?|(?:de|por) la tarde)"
        r"|(?P<night>(?:de|por) la noche|de noche))(?!\w)",
        re.IGNORECASE,
    ),
}
"""What says the half behind a time."""
_ANYWHERE = {
    "en": re.compile(
        r"(?<!\w)(?:[ap]\.?[ \u00a0]?m|morning|noon|afternoon|evening|night|tonight|midnight)(?!\w)", re.IGNORECASE
    ),
    "es": re.compile(
        r"(?<!\w)(?:[ap]\.?[ \u00a0]?m|mañana|madrugada|mediod[ií]a|tarde|noche|medianoche)(?!\w)", re.IGNORECASE
    ),
}


def put_right(text: str, entities: Sequence[Entity], target: str) -> tuple[str, list[Entity]]:
    """Puts a.m. or p.m. behind each time that has it in the source and the other half, or neither, in the translation.

    Args:
        text: The translation, with all entities in it.
        entities: Of the source.
        target: ISO 639 code of the language of the translation.

    Returns:
        The translation, and the times that were put right.
    """
    if target not in _WRITTEN or not any(_half(entity) for entity in entities):
        return text, []

    def behind(entity: Entity, text: str, at: int) -> tuple[str, int] | None:
        half, said = _half(entity), _AFTER_TIME[target].match(text, at)
        if not half or (_is_right(said, half, entity) if said else _ANYWHERE[target].search(text)):
            return None
        end = said.end() if said else at
        # Its own full stop is the sentence's too.
        return _WRITTEN[target][half], end + text.startswith(".", end)

    return rewrite_behind(text, entities, behind)


def _half(entity: Entity) -> str:
    """ "a" or "p"; empty where it is no time with a half."""
    mark = _MARK.search(entity.written) if entity.kind is Kind.TIME else None
    return mark[1].lower() if mark else ""


def _is_right(said: re.Match[str], half: str, time: Entity) -> bool:
    """Whether what stands behind a time says its half; a night has hours of both."""
    if said["night"]:
        hour = int(re.match(r"\d+", time.text)[0])  # type: ignore[index]
        return (hour == 12 or hour <= 5) == (half == "a")
    return said[half] is not None
