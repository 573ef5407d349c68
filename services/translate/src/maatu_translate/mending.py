"""Puts back what a translation lost of its source: checks every entity, and mends each that did not come through.

In this order: the same value written differently ("1.000" for "1,000", "twenty-five" for "25") is rewritten in its place, as is a
word that resembles a name or an address; another number or name where the missing one belongs is replaced; else it is added. What
came through stays: no edit touches it.
"""

import bisect
import itertools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from maatu_translate import amounts, day_halves, spelled
from maatu_translate.engine.base import Direction
from maatu_translate.entities import Entity, Kind, locate
from maatu_translate.likeness import REGION_CHARS, most_alike

_MOST_COMPARED = 100
"""Entities that are looked for by likeness or by their words; beyond it is no sentence that a person says."""
_MOST_PLACED = 20
"""Entities of which each gets a place of its own; the others go to the end, one after the other."""
_ENDINGS = ".,;:!?…।॥。！？،؟"
_NO_NAME = re.compile(
    "como|cuando|desde|donde|este|esta|esto|estos|estas|hasta|hola|para|pero|porque|quiero|somos|todos|todo|tengo|usted|ustedes"
    "|aunque|gracias|perdona|mientras|nuestro|nuestra|although|because|from|have|hello|please|some|that|their|there|these|they"
    "|this|thank|what|when|where|which|with|your",
    re.IGNORECASE,
)
"""Words of four letters or more that begin a sentence and are no names."""


_SMALL_WORD = re.compile("an?|al|at|el|en|es|he|in|is|it|las?|los|my|no|on|she|si|su|the|una?|we", re.IGNORECASE)
"""They begin a sentence with a capital and go on with a small letter where something is put before them."""
_AT_TIME = {"en": "at {}", "es": "a las {}"}


class How(Enum):
    """How an entity was mended."""

    REWRITTEN = "rewritten"
    """The output had its value, or nearly its letters."""
    REPLACED = "replaced"
    """The output had another number or name in its place."""
    ADDED = "added"
    """The output had nothing in its place."""
    REWORDED = "reworded"
    """The output had another word behind it, or none: "2 million" for "2 mil", "8:15 in the afternoon" for "8:15 a. m."."""


@dataclass(frozen=True)
class Mend:
    """An entity that was put back."""

    entity: Entity
    how: How


def restore(
    source: str,
    output: str,
    entities: Sequence[Entity],
    direction: Direction,
) -> tuple[str, list[Mend]]:
    """Makes sure that every entity of a source is in its translation as a whole token, as often as in the source. Only an
    amount that is partly in words, "2 mil", may stand there in another way: "2,000".

    Args:
        source: The sentence.
        output: Its translation.
        entities: Of the source, in their order: `entities.find(source, phrases)`.
        direction: The languages.

    Returns:
        The translation, and what was mended, in the order of the source.
    """
    has_amounts = any(amounts.SCALE.match(source, entity.end) for entity in entities)
    right = amounts.right_in_other_words(entities, source, output) if has_amounts else {}
    entities = [entity for entity in entities if entity not in right]
    text, how = _with_all(source, output, entities, direction, [*right.values()])
    target = direction.target.partition("-")[0]
    text, halves = day_halves.put_right(text, entities, target)
    how |= dict.fromkeys(halves, How.REWORDED)
    if has_amounts:
        text, rescaled = amounts.rescale(text, source, entities, target)
        how |= dict.fromkeys(rescaled, How.REWORDED)
    return text, [Mend(entity, how[entity]) for entity in entities if entity in how]


def _with_all(
    source: str, output: str, entities: Sequence[Entity], direction: Direction, taken: Sequence[slice]
) -> tuple[str, dict[Entity, How]]:
    """The output with every entity in it, and how those were mended that were not. What is `taken` of it stays as it is."""
    places = locate(output, entities)
    if None not in places:
        return output, {}
    draft = _Draft(source, output, entities, places, direction, taken)
    draft.rewrite_values()
    draft.rewrite_spans()
    draft.rewrite_words()
    draft.rewrite_alike()
    draft.replace_numbers()
    draft.replace_names()
    text = draft.finish()
    # Edits may have made or broken a token at their edges, so all are counted again.
    added = _missing(text, entities)
    for entity in added[:_MOST_PLACED]:
        text = _add(entity, text, source, entities, direction)
    if rest := _missing(text, entities):
        added += rest
        text = " ".join([text, *(entity.text for entity in rest)])
    return text, draft.how | dict.fromkeys(added, How.ADDED)


def _missing(text: str, entities: Sequence[Entity]) -> list[Entity]:
    return [entity for entity, place in zip(entities, locate(text, entities), strict=True) if place is None]


class _Draft:
    """An output while it is mended: what is taken, and what is to be changed."""

    def __init__(
        self,
        source: str,
        output: str,
        entities: Sequence[Entity],
        places: Sequence[int | None],
        direction: Direction,
        taken: Sequence[slice],
    ) -> None:
        self._source = source
        self._output = output
        self._folded = output.casefold() if len(output.casefold()) == len(output) else output.lower()
        self._entities = entities
        self._places = list(places)
        self._target, self._spoken = (tag.partition("-")[0] for tag in (direction.target, direction.source))
        self._edits: list[tuple[int, int, str]] = []
        self._taken = bytearray(len(output) + 1)
        for part in taken:
            self._take(part.start, part.stop)
        for entity, place in zip(entities, places, strict=True):
            if place is not None:
                self._take(place, place + len(entity.text))
        self.how: dict[Entity, How] = {}

    def _missing(self) -> list[tuple[int, Entity]]:
        return [(index, self._entities[index]) for index, place in enumerate(self._places) if place is None]

    def _take(self, start: int, end: int) -> None:
        self._taken[start:end] = b"\x01" * (end - start)

    def _is_free(self, start: int, end: int) -> bool:
        return not any(self._taken[start:end])

    def _replace(self, index: int, start: int, end: int, new: str, how: How) -> None:
        self._edits.append((start, end, new))
        self._take(start, end)
        self._places[index] = start
        self.how[self._entities[index]] = how

    def finish(self) -> str:
        """The output with all changes."""
        parts, at = [], 0
        for start, end, new in sorted(self._edits):
            parts += [self._output[at:start], new]
            at = end
        return "".join([*parts, self._output[at:]])

    def rewrite_values(self) -> None:
        """The same value, written differently: other separators, digits or sign, or the month by its name."""
        self._atoms = [atom for atom in spelled.numbers_in(self._output) if self._is_free(atom.start, atom.end)]
        by_value: dict[str, list[Entity]] = defaultdict(list)
        for atom in reversed(self._atoms):
            for value in spelled.values(atom):
                by_value[value].append(atom)
        for index, entity in self._missing():
            if not entity.kind.is_numeric:
                continue
            for value in spelled.values(entity):
                while by_value[value] and not self._is_free(by_value[value][-1].start, by_value[value][-1].end):
                    by_value[value].pop()
                if by_value[value]:
                    self._put(index, by_value[value].pop(), How.REWRITTEN)
                    break
            else:
                if entity.kind is Kind.DATE and (spelt := self._spelt_date()):
                    self._replace(index, *spelt.span(), entity.text, How.REWRITTEN)

    def _spelt_date(self) -> re.Match[str] | None:
        return next((found for found in spelled.DATE.finditer(self._output) if self._is_free(*found.span())), None)

    def _put(self, index: int, atom: Entity, how: How) -> None:
        """Puts an entity in the place of a number, and of the words that say what its own signs say."""
        entity, start, end = self._entities[index], atom.start, atom.start + len(atom.written or atom.text)
        new = entity.text
        if entity.kind is Kind.TIME:
            new = entity.written or entity.text
        # The entity has all its digits: "2 millones" in its place would say so many times more.
        if not amounts.SCALE.match(self._source, entity.end) and (scale := amounts.SCALE.match(self._output, end)):
            end = scale.end()
        if entity.kind is Kind.CURRENCY and (money := spelled.MONEY.match(self._output, end)):
            end = money.end()
        elif entity.kind is Kind.PERCENT and (percent := spelled.PERCENT.match(self._output, end)):
            end = percent.end()
        if entity.kind is Kind.NUMBER and atom.written.startswith(atom.text):
            end = atom.end  # the ending of an ordinal stays
        if new[0] in "-−" and (minus := spelled.MINUS.search(self._output[max(0, start - 12) : start])):
            start -= len(minus[0])
        # The full stop of "p.m." also ends a sentence.
        if end == len(self._output) and self._output[end - 1] == "." != new[-1]:
            end -= 1
        elif new[-1] == "." == self._output[end : end + 1]:
            new = new[:-1]
        if not self._is_free(start, end):
            start, end = atom.start, atom.end
        if atom.kind is Kind.CURRENCY and entity.kind is not Kind.CURRENCY:
            figure = re.search(r"\d.*\d|\d", atom.text)
            new = atom.text.replace(figure[0], new) if figure else new
        self._replace(index, start, end, new, how)

    def rewrite_spans(self) -> None:
        """Spans and ratios that the output has in words: "de 9 a 5" for 9-5."""
        atoms = [atom for atom in self._atoms if self._is_free(atom.start, atom.end)]
        for index, entity in self._missing()[:_MOST_COMPARED]:
            low, high = self._window(index)
            at = bisect.bisect_left(atoms, low, key=lambda atom: atom.start)
            near = [atom for atom in atoms[at : at + _MOST_COMPARED] if atom.start < high]
            found = spelled.span(entity, near, self._output)
            if found is not None and self._is_free(found.start, found.end):
                self._put(index, found, How.REWRITTEN)

    def rewrite_words(self) -> None:
        """Small numbers, ordinals and times in words."""
        for index, entity in self._missing()[:_MOST_COMPARED]:
            if entity.kind.is_numeric:
                for words, ending in self._words_of(entity):
                    if (found := self._find_words(words, index)) is not None:
                        unit = {Kind.CURRENCY: spelled.MONEY, Kind.PERCENT: spelled.PERCENT}.get(entity.kind)
                        after = unit.match(self._output, found[1]) if unit else None
                        end = after.end() if after and self._is_free(found[1], after.end()) else found[1]
                        self._replace(index, found[0], end, entity.text + ending, How.REWRITTEN)
                        break

    def _words_of(self, entity: Entity) -> list[tuple[str, str]]:
        groups = re.findall(r"\d+", spelled.ascii_digits(entity.text))
        if entity.kind is Kind.TIME:
            hours, minutes = int(groups[0]), int(groups[1]) if len(groups) > 1 else 0
            words = [(way, "") for way in spelled.time_words(hours, minutes, self._target)]
            return words + [(way, "") for way in spelled.number_words(hours, self._target) if not minutes]
        if len(groups) != 1 or len(groups[0]) > 4:
            return []
        value = int(groups[0])
        ordinals = spelled.ordinal_words(value, self._target) if entity.written else ()
        return [*ordinals, *((way, "") for way in spelled.number_words(value, self._target))]

    def _find_words(self, words: str, index: int) -> tuple[int, int] | None:
        """Where words stand, between the neighbours of an entity if they can."""
        low, high = self._window(index)
        found: tuple[int, int] | None = None
        start = self._folded.find(words)
        while start >= 0:
            end = start + len(words)
            is_word = not (self._folded[max(0, start - 1) : start].isalnum() or self._folded[end : end + 1].isalnum())
            if is_word and self._is_free(start, end):
                if low <= start < high:
                    return start, end
                found = found or (start, end)
            start = self._folded.find(words, end)
        return found

    def _window(self, index: int) -> tuple[int, int]:
        """The part of the output between what stands before and after an entity in the source."""
        low = next((place for place in reversed(self._places[max(0, index - 8) : index]) if place is not None), 0)
        after = self._places[index + 1 : index + 9]
        high = next((place for place in after if place is not None), len(self._output))
        return (low, high) if low < high else (0, len(self._output))

    def rewrite_alike(self) -> None:
        """Names, codes and addresses that came through with other letters."""
        missing = [(index, entity) for index, entity in self._missing() if not entity.kind.is_numeric]
        for index, entity in missing[:_MOST_COMPARED]:
            center = entity.start * len(self._output) // max(1, len(self._source))
            if (found := most_alike(entity.text, self._output, self._taken, center)) is not None:
                self._replace(index, *found, entity.text, How.REWRITTEN)

    def replace_numbers(self) -> None:
        """Another number where the missing one belongs. One that the source has in words is no other."""
        atoms = [atom for atom in self._atoms if self._is_free(atom.start, atom.end)]
        free = [atom for place, atom in enumerate(atoms) if place >= _MOST_COMPARED or not self._is_said(atom)]
        # A time for a time first: in "the 14th at 9:15" a wrong time does not stand for the day.
        of_kind = {kind: [atom for atom in free if atom.kind is kind] for kind in Kind}
        for candidates in (of_kind, dict.fromkeys(Kind, free)):
            for index, entity in self._missing():
                if entity.kind.is_numeric:
                    self._replace_number(index, candidates[entity.kind])

    def _replace_number(self, index: int, free: Sequence[Entity]) -> None:
        low, high = self._window(index)
        at = bisect.bisect_left(free, low, key=lambda atom: atom.start)
        for atom in itertools.islice(free, at, at + _MOST_COMPARED):
            if atom.start >= high:
                return
            if self._is_free(atom.start, atom.end):
                self._put(index, atom, How.REPLACED)
                return

    def _is_said(self, atom: Entity) -> bool:
        digits = re.sub(r"\D", "", spelled.ascii_digits(atom.text))
        words = spelled.number_words(int(digits), self._spoken) if len(digits) in (1, 2, 3, 4) else ()
        said = self._source.casefold()
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said) for word in words)

    def replace_names(self) -> None:
        """Another name where the missing one belongs: a word with a capital letter that the source does not have."""
        for index, entity in self._missing()[:_MOST_COMPARED]:
            if entity.kind is not Kind.PHRASE or not entity.text[:1].isupper() or " " in entity.text:
                continue
            low, high = self._window(index)
            begins = not any(map(str.isalnum, self._source[: entity.start]))
            for word in re.finditer(r"(?<!\w)[^\W\d_]+(?!\w)", self._output[low:high][: 2 * REGION_CHARS]):
                start, end = low + word.start(), low + word.end()
                first = not any(map(str.isalnum, self._output[:start]))
                if (
                    word[0][0].isupper()
                    and first is begins
                    and len(word[0]) >= 4
                    and _NO_NAME.fullmatch(word[0]) is None
                    and word[0] not in self._source
                    and self._is_free(start, end)
                ):
                    self._replace(index, start, end, entity.text, How.REPLACED)
                    break


def _add(entity: Entity, text: str, source: str, entities: Sequence[Entity], direction: Direction) -> str:
    """A text with an entity put in where it disturbs least: at the front where it begins its source, else at the end."""
    begins, ends = (not any(map(str.isalnum, part)) for part in (source[: entity.start], source[entity.end :]))
    new = entity.written if entity.kind is Kind.TIME and entity.written else entity.text
    body = text.rstrip().rstrip(_ENDINGS)
    last, end = body.rpartition(" ")[2], text[len(body) :]
    if "." in last and end.startswith("."):
        body += "."  # "p.m." keeps its full stop, which was the sentence's too
    if entity.kind is Kind.TIME and (at_time := _AT_TIME.get(direction.target.partition("-")[0])):
        mended = f"{body} {at_time.format(new)}{end}"
    elif begins and not ends and body:
        word = text.partition(" ")[0]
        goes_on = text[0].lower() + text[1:] if _SMALL_WORD.fullmatch(word) else text
        mended = f"{new}, {goes_on}"
    else:
        joint = " " if not body or (ends and not any(map(str.isdigit, last)) and "." not in last) else ", "
        mended = f"{body}{joint}{new}{end}"
    is_better = len(_missing(mended, entities)) < len(_missing(text, entities))
    return mended if is_better else f"{text} {entity.text}"
