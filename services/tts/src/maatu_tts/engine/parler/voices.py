"""Named voices: a description in words for each name, built in (voices.toml) or out of a file of the operator's."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from maatu_runtime.errors import ConfigurationError, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_tts.engine.base import LONGEST_DESCRIPTION_CHARS

_BUILT_IN = Path(__file__).with_name("voices.toml")
_KINDS = {"indic": "indic", "mini": "english", "large": "english"}
"""Which built-in voices a checkpoint has, by a part of its name; the first part found counts."""


@dataclass(frozen=True)
class NamedVoice:
    """A voice that requests choose by its name."""

    name: str
    """Unique over all engines: "parler-kn-anu"."""
    languages: tuple[Language, ...]
    """What it speaks, its own language first."""
    description: str
    """How it sounds, in the words that the model is given."""
    speaker: str
    """The speaker of the training data whom the description names; "" where it names none."""


def load_voices(path: Path | None, model: str) -> list[NamedVoice]:
    """The voices of a checkpoint; of those that speak a language, the preferred one first.

    A file of one's own is TOML or JSON:

        built_in = true              # false: the voices that come with Maatu are left out

        [[voices]]
        name = "kn-calm"             # that of a built-in voice replaces it
        languages = ["kn-IN"]
        speaker = "Anu"              # may be left out
        description = "Anu speaks slowly and calmly. The recording has very clear audio."

    Args:
        path: The file, whose voices come before those built in; None for those built in alone.
        model: Name of the checkpoint, which says what is built in: with "indic" in it the Indian voices, with "mini" or
            "large" the English ones.

    Raises:
        ConfigurationError: The file cannot be read, or names the entry and the field that are wrong; or there are no voices.
    """
    own = _check(path, _read(path)) if path is not None else _File()
    names = {entry.name for entry in own.voices}
    voices = [entry.voice() for entry in own.voices]
    kind = next((kind for part, kind in _KINDS.items() if part in model), None)
    if own.built_in and kind is not None:
        built_in = _check(_BUILT_IN, {"voices": _read(_BUILT_IN)[kind]})
        voices += [entry.voice() for entry in built_in.voices if entry.name not in names]
    if not voices:
        source = f"and {path} names none" if path is not None else "give it a file of voices"
        raise ConfigurationError(f"no voices come with the model {model}: {source}")
    return voices


def _language(tag: object) -> Language:
    try:
        return Language.parse(str(tag))
    except UnsupportedLanguage as error:
        raise ValueError(error.message) from None


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, arbitrary_types_allowed=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)
    languages: list[Annotated[Language, BeforeValidator(_language)]] = Field(min_length=1)
    description: str = Field(min_length=1, max_length=LONGEST_DESCRIPTION_CHARS)
    speaker: str = ""

    @field_validator("speaker")
    @classmethod
    def _is_described(cls, speaker: str, info: ValidationInfo) -> str:
        # A speaker steers the model only through the description.
        if speaker not in info.data.get("description", speaker):
            raise ValueError(f'the description does not name "{speaker}"')
        return speaker

    def voice(self) -> NamedVoice:
        return NamedVoice(self.name, tuple(self.languages), self.description, self.speaker)


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    built_in: bool = True
    voices: tuple[_Entry, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        seen: dict[str, int] = {}
        for place, entry in enumerate(self.voices):
            if (first := seen.setdefault(entry.name, place)) != place:
                raise ValueError(f'voices.{first} and voices.{place} have the same name "{entry.name}"')
        return self


def _check(path: Path, content: Any) -> _File:
    try:
        return _File.model_validate(content)
    except ValidationError as error:
        lines = [
            f"  {'.'.join(map(str, issue['loc'])) or 'voices'}: {issue['msg'].removeprefix('Value error, ')}"
            for issue in error.errors()
        ]
        raise ConfigurationError("\n".join([f"the voices in {path} are wrong:", *lines])) from None


def _read(path: Path) -> Any:
    if path.suffix not in (".toml", ".json"):
        raise ConfigurationError(f"the voices in {path} cannot be read: its name must end in .toml or .json")
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise ConfigurationError(f"the voices in {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigurationError(f"{path} is no {path.suffix[1:].upper()}: {error}") from None
