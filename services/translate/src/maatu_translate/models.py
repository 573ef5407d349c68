"""The models a service has: which of them translates what, each behind its own batcher."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from maatu_runtime.errors import ConfigurationError, InvalidRequest, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_translate.batcher import Batcher
from maatu_translate.engine.base import Direction
from maatu_translate.engine.languages import match

_LISTED = 12
"""An error lists so many languages at most."""
_REMEMBERED = 1024
"""Languages whose tag is remembered: to look for it takes a tenth of a millisecond where a model has 200."""


@dataclass(frozen=True)
class Model:
    """One model that is served."""

    batcher: Batcher
    version: str
    """Name and fingerprint of its files, by which the cache tells versions apart."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.batcher.engine.name


class Models:
    """Chooses the model for a pair of languages: the first, in the order of the configuration, that has it.

    Args:
        make: Makes them, at least one, when they are to be loaded.
        languages: What to serve of the models' languages, as BCP-47 tags; empty: all.
    """

    def __init__(self, make: Callable[[], Sequence[Model]], languages: Sequence[str] = ()) -> None:
        self._make = make
        self._models: Sequence[Model] = ()
        self._languages = languages
        self._by_direction: dict[Direction, list[Model]] = {}
        self._tag = lru_cache(_REMEMBERED)(lambda language: match(language, self._tags))
        self._tags: frozenset[str] = frozenset()

    @property
    def all(self) -> Sequence[Model]:
        """Every model, in the order of the configuration; none before `load`."""
        return self._models

    def served(self, source: Language | None = None, target: Language | None = None) -> list[tuple[Direction, Model]]:
        """Each direction with the model that serves it where none is asked for, sorted.

        Args:
            source: Only directions that would serve this language; None: all.
            target: The same.
        """
        sources = {self._tag(source)} if source else self._tags
        targets = {self._tag(target)} if target else self._tags
        return [
            (direction, models[0])
            for direction, models in sorted(self._by_direction.items())
            if direction.source in sources and direction.target in targets
        ]

    async def load(self) -> None:
        """Loads all models, one after the other: each takes the cores it is given.

        Raises:
            ModelNotInstalled: One is not in the model directory, or is damaged.
            ConfigurationError: A device, a compute type or a language cannot be had, or a model translates nothing.
        """
        self._models = self._make()
        for model in self._models:
            await model.batcher.load()
        self._by_direction = {}
        every = frozenset(tag for model in self._models for pair in model.batcher.engine.directions for tag in pair)
        wanted = {name: match(Language.parse(name), every) for name in self._languages}
        for model in self._models:
            for direction in model.batcher.engine.directions:
                if not wanted or {*direction} <= {*wanted.values()}:
                    self._by_direction.setdefault(direction, []).append(model)
        self._tags = frozenset(tag for direction in self._by_direction for tag in direction)
        self._tag.cache_clear()
        if useless := [name for name, tag in wanted.items() if tag not in self._tags]:
            absent = [name for name in useless if wanted[name] is None] or useless
            raise ConfigurationError(
                f"MAATU_TRANSLATE_LANGUAGES: none of the models {', '.join(model.name for model in self._models)} translates "
                f"between {', '.join(absent)} and the others"
            )

    async def close(self) -> None:
        """Releases them."""
        await asyncio.gather(*(model.batcher.close() for model in self._models))

    def choose(self, source: Language, target: Language, name: str = "") -> tuple[Model, Direction]:
        """The model for a pair of languages, and the pair as the model calls it.

        Args:
            source: Language of the text.
            target: Language wanted.
            name: Of a model; empty: the first that has the pair.

        Raises:
            UnsupportedLanguage: No model has the pair; the message lists what is served.
            InvalidRequest: There is no model of that name.
        """
        self.check_name(name)
        tags = self._tag(source), self._tag(target)
        if None not in tags:
            direction = Direction(str(tags[0]), str(tags[1]))
            for model in self._by_direction.get(direction, ()):
                if name in ("", model.name):
                    return model, direction
        by = f' by "{name}"' if name else ""
        raise UnsupportedLanguage(
            f"{source} → {target} is not served{by}: what is, is {self._description(name)}",
            field="target_language_code",
        )

    def are_one(self, source: Language, target: Language) -> bool:
        """Whether two languages are the same: they go by one tag, or differ in script or region and no model translates between
        these. zh-CN and zh-TW are not where one does."""
        tags = self._tag(source), self._tag(target)
        if tags[0] is not None and tags[0] == tags[1]:
            return True
        return source.matches(target) and tags not in self._by_direction

    def check_name(self, name: str) -> None:
        """Refuses the name of a model that there is not; the empty one is any.

        Raises:
            InvalidRequest: There is no model of that name.
        """
        names = [model.name for model in self._models]
        if name and name not in names:
            served = ", ".join(f'"{known}"' for known in names)
            raise InvalidRequest(f'no model is named "{name[:80]}"; there are {served}', field="model")

    def _description(self, name: str) -> str:
        """What is served, in a line: pairs where they are few, languages where they are many."""
        directions = sorted(
            direction
            for direction, models in self._by_direction.items()
            if name in ("", *(model.name for model in models))
        )
        if len(directions) <= _LISTED:
            return ", ".join(f"{direction.source} → {direction.target}" for direction in directions)
        sources, targets = ({direction[side] for direction in directions} for side in (0, 1))
        return f"{_some(sources)} → {_some(targets)}"


def _some(tags: set[str]) -> str:
    listed = sorted(tags)
    rest = f" and {len(listed) - _LISTED} more (Translation.ListLanguages lists them)" if len(listed) > _LISTED else ""
    return f"{', '.join(listed[:_LISTED])}{rest}"
