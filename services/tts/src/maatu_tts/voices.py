"""Which voice speaks: by name, or by language along the configured routes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from maatu_runtime.errors import ConfigurationError, InvalidRequest, NotFound, Unavailable, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_tts.engine.base import Engine, EngineVoice

_NAMED_IN_ERRORS = 8


@dataclass(frozen=True)
class Choice:
    """A voice with its engine."""

    engine: Engine
    voice: EngineVoice
    language: Language
    """What it is to speak."""


@dataclass(frozen=True)
class Listing:
    """A voice as it is listed."""

    engine: Engine
    voice: EngineVoice
    is_default: bool
    """It is what its first language gets when no voice is named."""


class VoiceDirectory:
    """All voices of all engines.

    Args:
        engines: The engines in use, by name.
        routes: Which engine speaks a language: {"en": "piper", "es-MX": "espeak", "*": "espeak"}. The tag is looked up first,
            then its language code, then "*".

    Raises:
        ConfigurationError: A route leads to an engine that is not in use.
    """

    def __init__(self, engines: Mapping[str, Engine], routes: Mapping[str, str]) -> None:
        for language, name in routes.items():
            if name not in engines:
                raise ConfigurationError(f'the route {language!r} leads to "{name}", which is no engine in use')
        self._engines = engines
        self._routes = routes

    def select(self, name: str, language_code: str, *, field: str) -> Choice:
        """Finds the voice for a request.

        Args:
            name: Of the voice; "" where the language decides.
            language_code: BCP-47 tag; "" where the voice decides.
            field: Path of the voice in the request, for errors.

        Raises:
            NotFound: VOICE_NOT_FOUND: no voice of that name; the message names some.
            UnsupportedLanguage: Nothing speaks the language, or not the voice that was named.
            InvalidRequest: Neither is given.
        """
        self._require_voices()
        language = Language.parse(language_code, field=f"{field}.language_code") if language_code else None
        if name:
            return self._by_name(name, language, field)
        if language is None:
            raise InvalidRequest("name a voice or a language", field=field)
        choice = self._by_language(language)
        if choice is None:
            served = sorted({spoken.code for _, voice in self._all() for spoken in voice.languages})
            raise UnsupportedLanguage(
                f"nothing here speaks {language}; languages served: {', '.join(served)}",
                field=f"{field}.language_code",
            )
        return choice

    def list(self, language_code: str) -> Sequence[Listing]:
        """The voices, by name; only those of a language where its tag is given.

        Raises:
            UnsupportedLanguage: The tag is malformed.
        """
        self._require_voices()
        language = Language.parse(language_code) if language_code else None
        listings = []
        for engine, voice in self._all():
            if language is None or any(spoken.matches(language) for spoken in voice.languages):
                default = self._by_language(voice.languages[0])
                listings.append(Listing(engine, voice, default is not None and default.voice == voice))
        return sorted(listings, key=lambda listing: listing.voice.name)

    def _by_name(self, name: str, language: Language | None, field: str) -> Choice:
        for engine, voice in self._all():
            if voice.name == name:
                if language is not None and not any(spoken.matches(language) for spoken in voice.languages):
                    able = [other.name for _, other in self._all() if _rank(other, language) is not None]
                    raise UnsupportedLanguage(
                        f"the voice {name} does not speak {language}; voices that do: {_some(able) or 'none'}",
                        field=f"{field}.language_code",
                    )
                return Choice(engine, voice, language or voice.languages[0])
        raise NotFound(
            f'no voice is called "{name[:80]}"; there are {_some([voice.name for _, voice in self._all()])}',
            reason="VOICE_NOT_FOUND",
            field=f"{field}.name",
        )

    def _by_language(self, language: Language) -> Choice | None:
        route = next((self._routes[key] for key in (str(language), language.code, "*") if key in self._routes), None)
        if route is None:
            return None
        engine = self._engines[route]
        ranked = [(rank, voice) for voice in engine.voices if (rank := _rank(voice, language)) is not None]
        if not ranked:
            return None
        # min keeps the engine's own order among equals.
        return Choice(engine, min(ranked, key=lambda pair: pair[0])[1], language)

    def _all(self) -> Sequence[tuple[Engine, EngineVoice]]:
        return [(engine, voice) for engine in self._engines.values() for voice in engine.voices]

    def _require_voices(self) -> None:
        if not self._all():
            raise Unavailable("the voices are still being loaded", reason="MODEL_FAILED")


def _rank(voice: EngineVoice, language: Language) -> int | None:
    """How well a voice fits a language: 0 its very tag, 1 the language without region, 2 another region, None not at all."""
    if language in voice.languages:
        return 0
    if Language(language.code) in voice.languages:
        return 1
    return 2 if any(spoken.matches(language) for spoken in voice.languages) else None


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED_IN_ERRORS
    return ", ".join(names[:_NAMED_IN_ERRORS]) + (f" and {more} more (see ListVoices)" if more > 0 else "")
