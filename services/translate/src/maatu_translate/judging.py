"""Judges what a model made of a sentence, and makes of it what is delivered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maatu_translate import entities, mending, number_words
from maatu_translate.engine.base import Output, Sentence, WarningKind
from maatu_translate.engine.guards import complaint, match_ending
from maatu_translate.entities import Entity
from maatu_translate.mending import How, Mend
from maatu_translate.normalise import normalise
from maatu_translate.numerals import to_native

_HOW = {
    How.REWRITTEN: "did not come through and was put in where it was written differently",
    How.REPLACED: "did not come through and was put in where something else stood",
    How.ADDED: "did not come through and was added",
    How.REWORDED: "had another word behind it, or none, which was put right",
}


@dataclass(frozen=True)
class Attempt:
    """What can be delivered of one output."""

    translation: str
    """The output with its ending and what must come through; the source where the output is unusable."""
    kept: Sequence[Entity]
    """What must come through."""
    mends: Sequence[Mend] = ()
    """What of it did not by itself."""
    complaint: str | None = None
    """Why the output is unusable; None where it is not."""
    truncated: bool = False
    """The output reached its greatest length."""
    lost_number: bool = False
    """A large number that the source has in words is missing."""

    @property
    def loss(self) -> int:
        """How much of the source the model lost: what had to be put in without a place for it, and the end of what was cut; all and
        more, where the output is unusable. An attempt that lost something is worth a second."""
        if self.complaint is not None:
            return len(self.kept) + 4
        return self.truncated + 2 * self.lost_number + sum(mend.how is How.ADDED for mend in self.mends)

    @property
    def warnings(self) -> list[tuple[WarningKind, str]]:
        """What the caller should know."""
        if self.complaint is not None:
            return [(WarningKind.SOURCE_TEXT_KEPT, self.complaint)]
        cut = (WarningKind.TRUNCATED, "the output reached its greatest length and was cut")
        return [cut] * self.truncated + [
            (WarningKind.PHRASE_RESTORED, f'"{mend.entity.text}" {_HOW[mend.how]}') for mend in self.mends
        ]


def judge(
    sentence: Sentence, output: Output, keep_phrases: Sequence[str] = (), *, native_numerals: bool = False
) -> Attempt:
    """Judges an output and mends what can be mended; of alternatives, takes the one that lost least.

    Args:
        sentence: What was to be translated.
        output: What the model made of it.
        keep_phrases: What comes through besides numbers, times, prices, addresses and codes.
        native_numerals: Write numbers in the digits of the target's script.
    """
    kept = entities.find(sentence.text, [normalise(phrase) for phrase in keep_phrases])
    attempts = (_judge(sentence, one, kept) for one in (output, *output.alternatives))
    # Of two that lost as much, not the one that was cut: nobody knows what its end would have said.
    best = min(attempts, key=lambda attempt: (attempt.loss, attempt.truncated, len(attempt.mends)))
    if native_numerals and best.complaint is None:
        return replace(best, translation=to_native(best.translation, sentence.direction.target, kept))
    return best


def second_sentence(sentence: Sentence, first: Attempt) -> Sentence:
    """What a second attempt is made of, where the first lost something: the sentence with its large numbers in digits, if it was
    one of them, else the same with a wider search. Without the context, which may have led astray."""
    text, direction = sentence.text, sentence.direction
    digits = number_words.in_digits(text, direction.source, first.kept) if first.lost_number else text
    return Sentence(digits, direction, careful=digits == text)


def _judge(sentence: Sentence, output: Output, kept: Sequence[Entity]) -> Attempt:
    text, direction = sentence.text, sentence.direction
    if (why := complaint(text, output.text, direction.target, kept)) is not None:
        return Attempt(text, kept, complaint=why)
    ended = match_ending(text, output.text, direction.target)
    translation, mends = mending.restore(text, ended, kept, direction)
    lost_number = number_words.lost(text, translation, direction, kept)
    return Attempt(translation, kept, mends, truncated=output.truncated, lost_number=lost_number)
