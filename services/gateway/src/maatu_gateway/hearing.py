"""The listening side of a conversation: the client's audio on its way to stt, and when each sample of it arrived."""

import asyncio
from bisect import bisect_left
from collections import deque
from collections.abc import Callable

from maatu.v1 import stt_pb2
from maatu_gateway.settings import ConversationSettings
from maatu_gateway.timeline import Clock
from maatu_runtime.audio import AudioFormat, Encoding, playing_time_ns
from maatu_runtime.errors import InvalidAudio

_WAITING_MESSAGES = 16
"""Audio messages that may wait for stt; more wait in the client's own queue, where they are counted."""
_LONGEST_MESSAGE_NS = 200_000_000
"""Longest audio message, as gateway.proto says."""
_REMEMBERED_MESSAGES = 20_000
"""Messages whose arrival is remembered: over three minutes in the shortest frames."""


class ArrivalClock:
    """Maps positions in the client's audio to the time at which they reached the gateway.

    Args:
        audio_format: Of the stream.
        clock: Nanoseconds, monotonic.
    """

    def __init__(self, audio_format: AudioFormat, clock: Clock) -> None:
        self._format = audio_format
        self._clock = clock
        self._ends_ns: list[int] = []
        self._arrivals_ns: list[int] = []

    def arrived(self, audio: bytes) -> None:
        """A message of audio came just now."""
        end_ns = (self._ends_ns[-1] if self._ends_ns else 0) + playing_time_ns(audio, self._format)
        self._ends_ns.append(end_ns)
        self._arrivals_ns.append(self._clock())
        if len(self._ends_ns) > 2 * _REMEMBERED_MESSAGES:
            del self._ends_ns[:_REMEMBERED_MESSAGES], self._arrivals_ns[:_REMEMBERED_MESSAGES]

    def arrival_ns(self, offset_ns: int) -> int:
        """When the sample at `offset_ns` from the start of the stream arrived."""
        if not self._ends_ns:
            return self._clock()
        return self._arrivals_ns[min(bisect_left(self._ends_ns, offset_ns), len(self._ends_ns) - 1)]


def check_message(audio: bytes, audio_format: AudioFormat) -> None:
    """Makes sure that a message can be audio of a format, without decoding it.

    Raises:
        InvalidAudio: it is empty, too long or holds half a sample.
    """
    if not audio:
        raise InvalidAudio("an audio message is empty", field="audio")
    if audio_format.encoding is Encoding.LINEAR16 and len(audio) % 2:
        raise InvalidAudio(f"{len(audio)} bytes are no whole number of 16-bit samples", field="audio")
    if (playing_ns := playing_time_ns(audio, audio_format)) > _LONGEST_MESSAGE_NS:
        raise InvalidAudio(
            f"{playing_ns / 1e6:.0f} ms of audio in one message; at most {_LONGEST_MESSAGE_NS / 1e6:.0f} ms are allowed",
            field="audio",
        )


class Hearing:
    """Takes the client's audio, and keeps what no transcript covers yet, so that a recognition can begin anew.

    Positions count messages from the first one of the conversation.
    """

    def __init__(self, audio_format: AudioFormat, clock: Clock) -> None:
        self.arrivals = ArrivalClock(audio_format, clock)
        self.first = 0
        """Position of the first message that is kept."""
        self.first_ns = 0
        """Where in the conversation's audio it begins."""
        self._format = audio_format
        self._kept: deque[tuple[bytes, int]] = deque()
        self._sent = 0
        self._has_ended = False
        self._is_abandoned = False
        self._changed = asyncio.Event()

    async def push(self, audio: bytes) -> None:
        """Audio came from the client. Waits while stt is behind.

        What is plainly no audio is refused here: once stt has refused it, the reason may be lost while the next message
        is on its way there.

        Raises:
            InvalidAudio: the message is empty, too long or holds half a sample.
        """
        check_message(audio, self._format)
        self.arrivals.arrived(audio)
        while not self._is_abandoned and self.first + len(self._kept) - self._sent >= _WAITING_MESSAGES:
            await self._change()
        if not self._is_abandoned:
            self._kept.append((audio, playing_time_ns(audio, self._format)))
            self.wake()

    def end(self) -> None:
        """No more audio comes."""
        self._has_ended = True
        self.wake()

    def abandon(self) -> None:
        """Nobody listens any more: lets go of the audio, and of whoever waits in `push`."""
        self._is_abandoned = True
        self._kept.clear()
        self.wake()

    async def message(self, position: int, *, is_over: Callable[[], bool]) -> tuple[bytes, int] | None:
        """The message at a position, once it is there, and the nanoseconds it plays; None where the audio ends.

        Args:
            position: At least `first`.
            is_over: Whoever asks does not want it any more. Looked at after each `wake`.
        """
        while position >= self.first + len(self._kept):
            if self._has_ended or self._is_abandoned or is_over():
                return None
            await self._change()
        if position == self._sent:
            self._sent += 1
            self.wake()
        return self._kept[position - self.first]

    def forget(self, *, before_ns: int) -> None:
        """Lets go of sent messages that end before a point in the conversation's audio."""
        while self.first < self._sent and self._kept and self.first_ns + self._kept[0][1] <= before_ns:
            self.first_ns += self._kept.popleft()[1]
            self.first += 1

    def wake(self) -> None:
        """Has everyone who waits look again."""
        self._changed.set()

    async def _change(self) -> None:
        # One task at a time runs, and each looks at its condition again: no change is missed between clear and wait.
        self._changed.clear()
        await self._changed.wait()


def recognition_config(settings: ConversationSettings) -> stt_pb2.StreamingRecognitionConfig:
    """What stt is asked for in a conversation."""
    request = settings.request
    config = stt_pb2.StreamingRecognitionConfig(
        format=request.input_format,
        language_codes=[str(settings.language)],
        interim_results=request.interim_results,
        hotwords=request.keep_phrases,
        session_id=settings.session_id,
    )
    if request.HasField("voice_activity"):
        config.voice_activity.CopyFrom(request.voice_activity)
    if request.HasField("endpointing"):
        config.endpointing.CopyFrom(request.endpointing)
    return config
