"""The text front end: what may be spoken, by whom, and in which pieces. How numbers are spoken is in `maatu_tts.spoken`."""

from maatu_tts.text.cleaning import clean, is_speakable
from maatu_tts.text.cutting import LONGEST_PIECE_CHARS, LONGEST_TEXT_CHARS, pieces
from maatu_tts.text.scripts import languages_written_in, script_of, unspeakable

__all__ = [
    "LONGEST_PIECE_CHARS",
    "LONGEST_TEXT_CHARS",
    "clean",
    "is_speakable",
    "languages_written_in",
    "pieces",
    "script_of",
    "unspeakable",
]
