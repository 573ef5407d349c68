"""How far what was recognised is from what was said, and whether anything was taken back."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import jiwer
from transformers.models.whisper.english_normalizer import EnglishTextNormalizer

_normalizer: Callable[[str], str] = EnglishTextNormalizer({})  # type: ignore[no-untyped-call]
_TIME_OF_DAY = re.compile(r"(?<=\d):(?=\d\d)")


def normalised(text: str) -> str:
    """The words alone, in one spelling: small letters, no punctuation, numbers in figures, no contractions.

    Whisper's own normalisation for English (Radford et al., 2022, appendix C), so that "$12" is "twelve dollars"; and
    "7:30" is "seven thirty".
    """
    return _normalizer(_TIME_OF_DAY.sub("", text)).strip()


@dataclass(frozen=True)
class Errors:
    """Words said and words wrong; adds up."""

    words: int = 0
    wrong: int = 0
    """Substituted, left out or made up."""

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.words + other.words, self.wrong + other.wrong)

    @property
    def rate(self) -> float:
        """Word error rate in percent."""
        return 100 * self.wrong / max(self.words, 1)


def errors(reference: str, hypothesis: str) -> Errors:
    """Compares the normalised texts by their words."""
    said = normalised(reference)
    output = jiwer.process_words(said, normalised(hypothesis))
    return Errors(len(said.split()), output.substitutions + output.deletions + output.insertions)


def missing_at_the_end(reference: str, hypothesis: str) -> int:
    """Words said last of which nothing was heard."""
    output = jiwer.process_words(normalised(reference), normalised(hypothesis))
    last = output.alignments[0][-1]
    return last.ref_end_idx - last.ref_start_idx if last.type == "delete" else 0


def total(parts: Iterable[Errors]) -> Errors:
    """All of them together."""
    return sum(parts, Errors())


@dataclass(frozen=True)
class Shown:
    """What a transcript promised."""

    utterance_index: int
    text: str
    stable_text: str
    is_final: bool


def retracted_words(transcripts: Sequence[Shown]) -> int:
    """Words that a transcript called stable and the next one of its utterance did not say again at the same place.

    The stable text of a transcript is to be the beginning of its own text and of the stable text of the next one, to
    the letter and ending where a word ends: "for" is kept by "for, …" and not by "forty". The whole text of a final counts
    as stable.
    """
    promised: dict[int, list[str]] = {}
    retracted = 0
    for transcript in transcripts:
        stable = transcript.stable_text.split()
        following = transcript.text.split() if transcript.is_final else stable
        retracted += _not_kept(stable, transcript.text.split())
        retracted += _not_kept(promised.get(transcript.utterance_index, []), following)
        promised[transcript.utterance_index] = following
    return retracted


def _not_kept(words: Sequence[str], following: Sequence[str]) -> int:
    """Words after the longest common beginning."""
    kept = 0
    while kept < min(len(words), len(following)) and words[kept] == following[kept]:
        kept += 1
    # Punctuation may join the last word.
    if kept == len(words) - 1 and kept < len(following) and following[kept].startswith(words[kept]):
        kept += not following[kept][len(words[kept])].isalnum()
    return len(words) - kept
