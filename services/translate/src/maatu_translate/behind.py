"""Changes the words behind tokens of a translation."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from maatu_translate.entities import Entity, locate

Behind: TypeAlias = Callable[[Entity, str, int], tuple[str, int] | None]
"""What is to stand behind a token that ends at a place in a text, and where in the text what it replaces ends; None: what stands
there stays."""


def rewrite_behind(text: str, entities: Sequence[Entity], behind: Behind) -> tuple[str, list[Entity]]:
    """Asks for each token what is to stand behind it, the last one first.

    Args:
        text: The translation, with all entities in it.
        entities: Of the source.
        behind: Says it.

    Returns:
        The translation, and the tokens behind which it was changed.
    """
    changed = []
    places = zip(locate(text, entities), entities, strict=True)
    there = [(place, entity) for place, entity in places if place is not None]
    for place, entity in sorted(there, key=lambda one: one[0], reverse=True):
        end = place + len(entity.text)
        if (new := behind(entity, text, end)) is not None:
            text = f"{text[:end]} {new[0]}{text[new[1] :]}"
            changed.append(entity)
    return text, changed
