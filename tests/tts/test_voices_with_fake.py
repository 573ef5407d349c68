"""Which voice speaks."""

import pytest

from maatu_runtime.errors import ConfigurationError, InvalidRequest, NotFound, Unavailable, UnsupportedLanguage
from maatu_tts.engine.fake import FakeEngine
from maatu_tts.voices import VoiceDirectory

ENGLISH = FakeEngine(languages=["en-US", "en-GB"], name="english")
OTHERS = FakeEngine(languages=["en-IN", "es-MX", "es", "es-ES", "kn-IN"], name="others")


@pytest.fixture
def voices() -> VoiceDirectory:
    return VoiceDirectory({"english": ENGLISH, "others": OTHERS}, {"en": "english", "en-IN": "others", "*": "others"})


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "english-en-US"),
        ("en-GB", "english-en-GB"),
        ("EN-gb", "english-en-GB"),
        ("en-AU", "english-en-US"),
        ("en-IN", "others-en-IN"),
        ("es", "others-es"),
        ("es-MX", "others-es-MX"),
        ("es-AR", "others-es"),
        ("kn", "others-kn-IN"),
    ],
)
def test_the_language_chooses_the_nearest_voice_of_its_engine(
    voices: VoiceDirectory, language: str, voice: str
) -> None:
    assert voices.select("", language, field="options.voice").voice.name == voice


def test_a_name_chooses_across_engines(voices: VoiceDirectory) -> None:
    choice = voices.select("others-kn-IN", "", field="options.voice")
    assert (choice.engine.name, str(choice.language)) == ("others", "kn-IN")


def test_an_unknown_name_lists_voices(voices: VoiceDirectory) -> None:
    with pytest.raises(NotFound, match="english-en-US") as caught:
        voices.select("joe", "", field="options.voice")
    assert (caught.value.reason, caught.value.field) == ("VOICE_NOT_FOUND", "options.voice.name")


def test_a_language_nothing_speaks_lists_those_served(voices: VoiceDirectory) -> None:
    with pytest.raises(UnsupportedLanguage, match="en, es, kn") as caught:
        voices.select("", "fi-FI", field="options.voice")
    assert caught.value.field == "options.voice.language_code"


def test_a_language_without_a_route_is_not_served() -> None:
    only_english = VoiceDirectory({"english": ENGLISH}, {"en": "english"})
    with pytest.raises(UnsupportedLanguage):
        only_english.select("", "kn", field="voice")


def test_a_malformed_tag_is_refused(voices: VoiceDirectory) -> None:
    with pytest.raises(UnsupportedLanguage) as caught:
        voices.select("", "kannada please", field="config.voice")
    assert caught.value.field == "config.voice.language_code"


def test_a_voice_is_not_made_to_speak_a_foreign_language(voices: VoiceDirectory) -> None:
    with pytest.raises(UnsupportedLanguage, match="others-kn-IN"):
        voices.select("english-en-US", "kn-IN", field="voice")


def test_neither_name_nor_language(voices: VoiceDirectory) -> None:
    with pytest.raises(InvalidRequest) as caught:
        voices.select("", "", field="options.voice")
    assert caught.value.field == "options.voice"


def test_a_route_to_an_engine_not_in_use_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigurationError, match="piper"):
        VoiceDirectory({"english": ENGLISH}, {"*": "piper"})


def test_before_the_voices_are_loaded_callers_are_told_to_come_back() -> None:
    with pytest.raises(Unavailable):
        VoiceDirectory({"english": FakeEngine(languages=[], name="english")}, {"*": "english"}).list("")


def test_the_list_marks_defaults_and_can_be_narrowed(voices: VoiceDirectory) -> None:
    assert [listing.voice.name for listing in voices.list("es")] == ["others-es", "others-es-ES", "others-es-MX"]
    names = [listing.voice.name for listing in voices.list("")]
    assert names == sorted(names)
    assert len(names) == 7
    assert all(listing.is_default for listing in voices.list(""))  # each is the nearest to its own tag
