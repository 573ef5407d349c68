"""Which half of the day a time is in: "8:15 a. m." is not "8:15 in the afternoon". English and Spanish."""

import re
from collections.abc import Sequence

from maatu_translate.entities import Entity, Kind, locate

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
    changed: list[Entity] = []
    if target not in _WRITTEN or not any(entity.kind is Kind.TIME and entity.written for entity in entities):
        return text, changed
    places = zip(entities, locate(text, entities), strict=True)
    for entity, place in sorted(places, key=lambda both: -1 if both[1] is None else both[1], reverse=True):
        mark = _MARK.search(entity.written) if entity.kind is Kind.TIME else None
        if place is None or mark is None:
            continue
        half, end = mark[1].lower(), place + len(entity.text)
        said = _AFTER_TIME[target].match(text, end)
        if _is_right(said, half, entity) if said else _ANYWHERE[target].search(text):
            continue
        following = text[said.end() if said else end :]
        text = f"{text[:end]} {_WRITTEN[target][half]}{following.removeprefix('.')}"
        changed.append(entity)
    return text, changed


def _is_right(said: re.Match[str], half: str, time: Entity) -> bool:
    """Whether what stands behind a time says its half; a night has hours of both."""
    if said["night"]:
        hour = int(re.match(r"\d+", time.text)[0])  # type: ignore[index]
        return (hour == 12 or hour <= 5) == (half == "a")
    return said[half] is not None
