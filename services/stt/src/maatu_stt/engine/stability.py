"""How much of a partial transcript is likely to stay."""

_HIGHEST = 0.9
"""Only finals are certain."""


class Stability:
    """Compares each decode of an utterance with the one before it."""

    def __init__(self) -> None:
        self._previous: list[str] = []

    def update(self, text: str, *, at_pause: bool) -> tuple[str, float]:
        """Takes the text of the next decode.

        Args:
            text: All of the utterance so far.
            at_pause: It was decoded after a pause: no word in it is half said.

        Returns:
            The words at its beginning that both decodes have, and the stability of the whole text, 0 to 0.9.
        """
        words = text.split()
        agreed = 0
        for word, before in zip(words, self._previous, strict=False):
            if word != before:
                break
            agreed += 1
        self._previous = words
        # Found in the text, so that it is its beginning to the letter.
        end = 0
        for word in words[:agreed]:
            end = text.index(word, end) + len(word)
        return text[:end], _HIGHEST if at_pause else _HIGHEST * agreed / max(len(words), 1)
