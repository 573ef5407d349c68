"""Refuses text in a script that its voice does not read, and names voices that do."""

from maatu_runtime.errors import UnsupportedLanguage
from maatu_tts.text import languages_written_in, unspeakable
from maatu_tts.voices import Choice, VoiceDirectory

_NAMED = 8
"""Voices that an error names."""


def require_readable(text: str, choice: Choice, voices: VoiceDirectory) -> None:
    """Checks that a voice reads the script of a text.

    Args:
        text: Cleaned text: all of a request, or a clause of a stream.
        choice: The voice.
        voices: All there are.

    Raises:
        UnsupportedLanguage: Most of the text is in a script that the voice does not read; the message names voices that do.
    """
    script = unspeakable(text, choice.voice.languages)
    if script is None:
        return
    able = _voices_that_read(script, voices)
    more = f" and {len(able) - _NAMED} more (see ListVoices)" if len(able) > _NAMED else ""
    raise UnsupportedLanguage(
        f"the voice {choice.voice.name} does not read {script} script; "
        + (f"voices that do: {', '.join(able[:_NAMED])}{more}" if able else "no voice here does"),
        field="text",
    )


def _voices_that_read(script: str, voices: VoiceDirectory) -> list[str]:
    """Their names: those of the language that is most likely meant first, and of one language its default voice first."""
    codes = languages_written_in(script)
    ranked = [
        (min(codes.index(code) for code in spoken), not listing.is_default, listing.voice.name)
        for listing in voices.list("")
        if (spoken := [language.code for language in listing.voice.languages if language.code in codes])
    ]
    return [name for _, _, name in sorted(ranked)]
