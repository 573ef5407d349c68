"""What was worked out of voice descriptions before. Encoding one runs the largest part of the model; voices are few."""

import threading
from collections import OrderedDict
from collections.abc import Callable

from maatu_tts.engine.parler.loader import Voice


class VoiceCache:
    """Encoded descriptions, the least recently used forgotten first. Thread-safe; one description is encoded at a time.

    Args:
        describe: Encodes a description.
        capacity: Most descriptions kept.
    """

    def __init__(self, describe: Callable[[str], Voice], capacity: int) -> None:
        self.capacity = capacity
        self.hits = 0
        self.misses = 0
        self._describe = describe
        self._voices: OrderedDict[str, Voice] = OrderedDict()
        self._access = threading.Lock()
        self._encoding = threading.Lock()

    def __len__(self) -> int:
        return len(self._voices)

    def known(self, description: str) -> Voice | None:
        """The voice described, if it is in the cache. Never waits for an encoding."""
        with self._access:
            voice = self._voices.get(description)
            if voice is not None:
                self.hits += 1
                self._voices.move_to_end(description)
            return voice

    def voice(self, description: str) -> Voice:
        """The voice described; encodes the description if it is new."""
        with self._encoding:
            # Somebody else may have asked for it meanwhile.
            if (voice := self.known(description)) is not None:
                return voice
            voice = self._describe(description)
            with self._access:
                self.misses += 1
                self._voices[description] = voice
                if len(self._voices) > self.capacity:
                    self._voices.popitem(last=False)
            return voice
