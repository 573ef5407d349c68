"""Whether words make a whole clause: one rule for languages whose verb comes early, one for those whose verb comes last."""

from dataclasses import dataclass

from maatu_stt.engine.completeness.reading import Mark, Reading


@dataclass(frozen=True, kw_only=True)
class VerbEarly:
    """Clauses of the languages that put the verb before its object: nothing but the words tells when they are done.

    A statement is whole when it has a finite verb, words after it, a closing mark, and a last word that can be the last. It
    must have some length: of shorter ones the greater part are beginnings.
    """

    finite: frozenset[str]
    """Finite verbs: auxiliaries, and the commonest of the others."""
    open_words: frozenset[str]
    """Words that seldom end an utterance: transitive verbs, adjectives that stand before their noun, quantities."""
    question_openers: frozenset[str]
    """Words, or pairs, that open a question."""
    question_prepositions: frozenset[str] = frozenset()
    """Prepositions before a question word: "a qué hora"."""
    lead_ins: frozenset[str]
    """What may stand before the clause proper: "well", "and", "please"."""
    subordinators: frozenset[str]
    """Words that open a clause that another must follow."""
    closers: frozenset[str]
    """Words that often are the last: "today", "here", "again". With one a statement may be shorter."""
    statement_words: int = 7
    """Least number of words of a statement, lead-ins not counted."""
    question_words: int = 5
    """The same of a question."""

    def __call__(self, reading: Reading) -> bool:
        """Whether the sentence is whole."""
        words = reading.words
        start = 0
        while start < len(words) and words[start] in self.lead_ins:
            start += 1
        words = words[start:]
        if len(words) < self.question_words - 1 or reading.ends_with(self.open_words):
            return False
        if self._is_question(words, reading):
            least = self.question_words + (words[0] in self.question_prepositions)
            return len(words) >= least or reading.ends_with(self.closers)
        if words[0] in self.subordinators:
            after_comma = [comma + 1 - start for comma in reading.commas if comma >= start]
            if not after_comma or len(words) - after_comma[-1] < self.question_words:
                return False
            words = words[after_comma[-1] :]
        least = self.statement_words - (2 if reading.ends_with(self.closers) else 0)
        return reading.is_closed and len(words) >= least and not self.finite.isdisjoint(words[:-1])

    def _is_question(self, words: tuple[str, ...], reading: Reading) -> bool:
        opened = (
            reading.opens_question or words[0] in self.question_openers or " ".join(words[:2]) in self.question_openers
        )
        # Where an inverted mark or a question word opens it, the verb may still be missing: "What will the weather".
        return opened and not self.finite.isdisjoint(words)


@dataclass(frozen=True, kw_only=True)
class VerbLast:
    """Clauses of the languages whose verb comes last, with its person and tense: where it stands, the clause is whole.

    No punctuation is asked for: models tuned on these languages often write none.
    """

    finite: frozenset[str]
    """Finite verbs, copulas and what stands for them: "want", "is not"."""
    finite_endings: tuple[str, ...] = ()
    """Endings of finite verbs that no other common word has."""
    not_finite: frozenset[str] = frozenset()
    """Words that have such an ending by chance."""
    question_words: frozenset[str] = frozenset()
    """Question words that are predicates by themselves: "your name what". After a subject of `subjects` they ask for a verb."""
    subjects: frozenset[str] = frozenset()
    """Personal pronouns in the nominative and the dative."""
    commands: frozenset[str] = frozenset()
    """Commands that sound like a converb: whole unless a word of `doers` says that somebody else does it."""
    doers: frozenset[str] = frozenset()
    """Subjects that take no command: "I", "he", "they"."""
    particles: frozenset[str] = frozenset()
    """What may follow the finite verb: negations, question particles, "isn't it"."""
    dative_endings: tuple[str, ...] = ()
    """Endings of the dative, after which a question word asks for a verb as after a subject: "to-you what (is wanted)"."""

    def is_finite(self, word: str) -> bool:
        """Whether a word is a finite verb."""
        return word in self.finite or (word.endswith(self.finite_endings) and word not in self.not_finite)

    def __call__(self, reading: Reading) -> bool:
        """Whether the sentence is whole."""
        words = reading.words
        if len(words) < 2:
            # Alone even a finite verb may be the end of a sentence whose beginning was not understood.
            return reading.mark is Mark.QUESTION and (self.is_finite(words[-1]) or words[-1] in self.question_words)
        if reading.ends_with(self.finite) or self.is_finite(words[-1]):
            return True
        if words[-1] in self.particles and self.is_finite(words[-2]):
            return True
        if words[-1] in self.commands:
            return self.doers.isdisjoint(words)
        return words[-1] in self.question_words and not (
            words[-2] in self.subjects or words[-2].endswith(self.dative_endings)
        )


@dataclass(frozen=True, kw_only=True)
class Converbs:
    """Verb forms that another verb must follow: "having done", "if it comes", "in order to go"."""

    words: frozenset[str] = frozenset()
    """The forms themselves, where the ending alone would not tell."""
    endings: tuple[str, ...] = ()
    """Endings of such forms."""
    exceptions: frozenset[str] = frozenset()
    """Words that have such an ending by chance."""
    after_doers: frozenset[str] = frozenset()
    """Forms that are also commands: converbs only after a word of `doers`."""
    doers: frozenset[str] = frozenset()
    """Subjects that take no command."""

    def __call__(self, reading: Reading) -> bool:
        """Whether the sentence ends with one."""
        last = reading.last
        if last in self.words or (last.endswith(self.endings) and last not in self.exceptions):
            return True
        return last in self.after_doers and not self.doers.isdisjoint(reading.words)
