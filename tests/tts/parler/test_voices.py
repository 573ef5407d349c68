"""The voices of Parler-TTS: those built in, and files of one's own."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from maatu_runtime.errors import ConfigurationError
from maatu_runtime.language import Language
from maatu_tts.engine.base import LONGEST_DESCRIPTION_CHARS
from maatu_tts.engine.parler import voices as module
from maatu_tts.engine.parler.voices import NamedVoice, load_voices

CALM: dict[str, Any] = {
    "name": "kn-calm",
    "languages": ["kn-IN", "kn"],
    "speaker": "Anu",
    "description": "Anu speaks slowly and calmly.",
}


def write(path: Path, *entries: dict[str, Any], **settings: Any) -> Path:
    path.write_text(json.dumps({"voices": entries, **settings}), encoding="utf-8")
    return path


def test_the_indic_model_has_the_recommended_speakers_of_each_language_first() -> None:
    voices = load_voices(None, "parler-indic")
    speakers: dict[str, list[str]] = {}
    for voice in voices:
        speakers.setdefault(str(voice.languages[0]), []).append(voice.speaker)
    assert speakers["kn-IN"] == ["Suresh", "Anu", "Chetan", "Vidya"]
    assert speakers["hi-IN"] == ["Rohit", "Divya", "Aman", "Rani"]
    assert speakers["ta-IN"] == ["Jaya", "Kavitha"]
    assert speakers["ml-IN"][:2] == ["Anjali", "Harish"]
    assert speakers["en-IN"] == ["Thoma", "Mary"]
    assert len(speakers) == 18


@pytest.mark.parametrize("model", ["parler-mini", "parler-large", "my-parler-mini-v2"])
def test_the_english_models_have_a_dozen_voices(model: str) -> None:
    voices = load_voices(None, model)
    assert len(voices) == 12
    assert all(voice.languages == (Language("en"),) for voice in voices)


def test_every_built_in_voice_is_called_after_its_language_and_speaker_and_unique_over_all_models() -> None:
    voices = load_voices(None, "parler-mini") + load_voices(None, "parler-indic")
    assert len({voice.name for voice in voices}) == len(voices)
    for voice in voices:
        assert voice.name == f"parler-{voice.languages[0].code}-{voice.speaker.lower()}"
        assert voice.speaker in voice.description
        assert "very clear audio" in voice.description


def test_the_built_in_file_holds_nothing_that_no_model_has() -> None:
    kinds = tomllib.loads(Path(module.__file__).with_name("voices.toml").read_text(encoding="utf-8"))
    assert sum(map(len, kinds.values())) == len(load_voices(None, "parler-mini") + load_voices(None, "parler-indic"))


def test_voices_of_a_file_come_before_those_built_in(tmp_path: Path) -> None:
    voices = load_voices(write(tmp_path / "voices.json", CALM), "parler-indic")
    calm = NamedVoice("kn-calm", (Language("kn", region="IN"), Language("kn")), "Anu speaks slowly and calmly.", "Anu")
    assert voices == [calm, *load_voices(None, "parler-indic")]


def test_a_voice_of_a_file_takes_the_place_of_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    voices = load_voices(write(tmp_path / "voices.json", {**CALM, "name": "parler-kn-anu"}), "parler-indic")
    assert len(voices) == len(load_voices(None, "parler-indic"))
    assert [voice.description for voice in voices if voice.name == "parler-kn-anu"] == [CALM["description"]]


def test_a_file_can_leave_out_all_that_is_built_in(tmp_path: Path) -> None:
    voices = load_voices(write(tmp_path / "voices.json", CALM, built_in=False), "parler-indic")
    assert [voice.name for voice in voices] == ["kn-calm"]


def test_toml_is_read_as_the_documentation_shows_it(tmp_path: Path) -> None:
    assert load_voices.__doc__ is not None
    example = load_voices.__doc__.partition("JSON:\n")[2].partition("    Args:")[0]
    path = tmp_path / "voices.toml"
    path.write_text(example, encoding="utf-8")
    first = load_voices(path, "parler-indic")[0]
    assert (first.name, first.speaker, first.languages) == ("kn-calm", "Anu", (Language("kn", region="IN"),))


def test_a_voice_may_name_no_speaker(tmp_path: Path) -> None:
    entry = {**CALM, "description": "A woman speaks slowly."}
    del entry["speaker"]
    assert load_voices(write(tmp_path / "voices.json", entry), "unheard-of")[0].speaker == ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": ""}, r"voices\.1\.name: "),
        ({"name": "two words"}, r"voices\.1\.name: "),
        ({"languages": ["kn_IN"]}, r'voices\.1\.languages\.0: "kn_IN" is no language tag'),
        ({"languages": []}, r"voices\.1\.languages: "),
        ({"languages": "kn"}, r"voices\.1\.languages: "),
        ({"description": "  "}, r"voices\.1\.description: "),
        ({"description": "Anu " * LONGEST_DESCRIPTION_CHARS}, r"voices\.1\.description: .*500"),
        ({"description": None}, r"voices\.1\.description: "),
        ({"speaker": "Chetan"}, r'voices\.1\.speaker: the description does not name "Chetan"'),
        ({"gender": "f"}, r"voices\.1\.gender: "),
        ({"name": "first"}, r'voices: voices\.0 and voices\.1 have the same name "first"'),
    ],
)
def test_a_wrong_entry_is_named_with_its_file_and_field(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    path = write(tmp_path / "mine.json", {**CALM, "name": "first"}, {**CALM, **change})
    with pytest.raises(ConfigurationError, match=rf"mine\.json are wrong:\n  {problem}"):
        load_voices(path, "parler-indic")


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        ("mine.toml", b"voices = [", r"mine\.toml is no TOML"),
        ("mine.json", b"{", r"mine\.json is no JSON"),
        ("mine.json", b"\xff", r"mine\.json is no JSON"),
        ("mine.json", b"[]", r"mine\.json are wrong:\n  voices: "),
        ("mine.json", b'{"voices": {}}', r"mine\.json are wrong:\n  voices: "),
        ("mine.json", b'{"voice": []}', r"mine\.json are wrong:\n  voice: "),
        ("mine.txt", b"", r"mine\.txt cannot be read: its name must end in \.toml or \.json"),
        ("mine.json", None, r"mine\.json cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, file: str, content: bytes | None, problem: str) -> None:
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ConfigurationError, match=problem):
        load_voices(tmp_path / file, "parler-indic")


def test_a_model_without_any_voice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no voices come with the model mine: give it a file of voices"):
        load_voices(None, "mine")
    with pytest.raises(
        ConfigurationError, match=r"no voices come with the model parler-mini: and .*voices\.json names none"
    ):
        load_voices(write(tmp_path / "voices.json", built_in=False), "parler-mini")
