"""What a caller asks for."""

from dataclasses import dataclass

from maatu_runtime.audio import AudioFormat
from maatu_runtime.places import Priority
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import Utterance
from maatu_tts.voices import Choice


@dataclass(frozen=True)
class Order:
    """How to speak."""

    choice: Choice
    """Engine and voice."""
    audio_format: AudioFormat
    """Format of the audio sent."""
    chunks: ChunkSettings
    """How it is cut."""
    streaming: bool = True
    """Send audio as it is made; otherwise once all of it is."""
    batching: bool = True
    """Let the engine work on it together with other orders."""
    speaking_rate: float = 1.0
    """0.5 to 2."""
    priority: Priority = Priority.INTERACTIVE
    """What goes first."""
    seed: int | None = None
    """Random seed."""
    temperature: float | None = None
    """Sampling temperature."""
    description: str = ""
    """How the voice is to sound."""

    def utterance(self, text: str, priority: Priority) -> Utterance:
        """What the engine is given to speak one piece of text in this way.

        Args:
            text: The piece.
            priority: In place of the order's own.
        """
        return Utterance(
            text=text,
            voice=self.choice.voice,
            speaking_rate=self.speaking_rate,
            priority=priority,
            seed=self.seed,
            temperature=self.temperature,
            description=self.description,
            chunks=self.chunks,
            streaming=self.streaming,
            batching=self.batching,
        )
