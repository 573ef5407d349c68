"""What comes in: the order of a stream's messages, how much audio they may hold, and what becomes of damaged ones.

A message of LINEAR16 or MULAW that does not decode is a mistake of the client's, and ends the stream with an error. An Opus
packet may have been damaged on its way through telephone networks and relays, and a call must survive that: from the second
packet on, one that does not decode counts as lost, silence as long as the packet before takes its place, and nothing
moves in time. The stream ends once it is plain that more than a packet is broken. The first packet has to decode: a client
that sends something else than Opus is to learn it at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from maatu.v1 import stt_pb2
from maatu_runtime.audio import MAX_MESSAGE_BYTES, AudioFormat, Encoding, StreamDecoder
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import InvalidAudio, InvalidSequence
from maatu_runtime.streams import RequestStream
from maatu_stt import metrics
from maatu_stt.arrival import ArrivalCheck
from maatu_stt.engine.base import SAMPLE_RATE_HZ
from maatu_stt.engine.stream import StreamRecognition

MAX_MESSAGE_MS = 200
"""Longest audio in one message of a stream: more makes every event late."""
MAX_RECORDING_BYTES = 4 * 1024 * 1024
MAX_LOST_IN_A_ROW = 10
"""Opus packets that do not decode, one after another, at which a stream ends: 200 ms of the usual ones …"""
MAX_LOST_OF_100 = 20
"""… and the most of the latest 100: with more silence in it speech is not understood."""
_RECORDING_PIECE_MS = 100

Requests = RequestStream[stt_pb2.StreamingRecognizeRequest]


async def read_config(requests: Requests) -> stt_pb2.StreamingRecognitionConfig:
    """The first message of a stream.

    Raises:
        InvalidSequence: AUDIO_BEFORE_CONFIG: it is something else.
    """
    async for request in requests:
        if request.WhichOneof("message") == "config":
            return request.config
        break
    raise InvalidSequence("the first message of a stream must be its config", reason="AUDIO_BEFORE_CONFIG")


async def feed_stream(
    requests: Requests,
    audio_format: AudioFormat,
    recognition: StreamRecognition,
    *,
    clock: Callable[[], float] = monotonic,
) -> None:
    """Hands the audio of a stream to the recognition, and ends it at end_of_input.

    Args:
        requests: Everything after the config.
        audio_format: Of the audio.
        recognition: Of this stream.
        clock: Seconds; tells how fast the audio arrives.

    Raises:
        InvalidSequence: a message that may not come here.
        InvalidAudio: audio that does not decode, or none at all before end_of_input.
    """
    decoder = _DamageDecoder(audio_format)
    is_opus = audio_format.encoding is Encoding.OPUS
    arrival = None if is_opus else ArrivalCheck(audio_format.sample_rate_hz, clock)  # Opus packets know their length
    is_empty = True
    async for request in requests:
        match request.WhichOneof("message"):
            case "audio":
                _check_message(request.audio, audio_format)
                samples = decoder.push(request.audio)
                if arrival is not None:
                    arrival.heard(_duration_s(request.audio, audio_format))
                await recognition.push(samples)
                is_empty = False
            case "end_of_input":
                if is_empty:
                    raise InvalidAudio("no audio came before end_of_input", reason="EMPTY_AUDIO", field="audio")
                await recognition.push(decoder.flush())
                return await _finish(requests, recognition)
            case "config":
                raise InvalidSequence(
                    "a stream has one config: open another stream for other settings",
                    reason="DUPLICATE_CONFIG",
                    field="config",
                )
            case _:
                raise InvalidSequence("a message with nothing in it: send audio or end_of_input")
    # Whoever was lost does not hear this; whoever half-closed learns why there is no final transcript.
    raise InvalidSequence("the stream ended without end_of_input")


async def feed_recording(audio: bytes, audio_format: AudioFormat, recognition: StreamRecognition) -> None:
    """Hands a whole recording to the recognition.

    Raises:
        InvalidAudio: it is empty, too long, in Opus or does not decode.
    """
    if not audio:
        raise InvalidAudio("the recording is empty", reason="EMPTY_AUDIO", field="audio")
    if len(audio) > MAX_RECORDING_BYTES:
        raise InvalidAudio(
            f"the recording has {len(audio)} bytes; at most {MAX_RECORDING_BYTES} are allowed: stream it",
            reason="AUDIO_TOO_LONG",
            field="audio",
        )
    decoder = StreamDecoder(audio_format, SAMPLE_RATE_HZ)
    piece = audio_format.sample_rate_hz * _RECORDING_PIECE_MS // 1_000 * _sample_bytes(audio_format)
    for start in range(0, len(audio), piece):
        await recognition.push(decoder.push(audio[start : start + piece]))
        await asyncio.sleep(0)  # other streams want to be heard too
    await recognition.push(decoder.flush())
    await recognition.finish()


def check_recording_format(audio_format: AudioFormat) -> None:
    """Refuses formats that a recording without a container cannot have.

    Raises:
        InvalidAudio: UNSUPPORTED_ENCODING for Opus.
    """
    if audio_format.encoding is Encoding.OPUS:
        raise InvalidAudio(
            "Opus packets need a message each: use StreamingRecognize, or send LINEAR16 or MULAW",
            reason="UNSUPPORTED_ENCODING",
            field="config.format.encoding",
        )


async def _finish(requests: Requests, recognition: StreamRecognition) -> None:
    """Finishes the stream, and meanwhile watches for messages that come too late."""
    late = asyncio.ensure_future(anext(requests, None))
    finishing = asyncio.ensure_future(recognition.finish())
    try:
        await asyncio.wait({late, finishing}, return_when=asyncio.FIRST_COMPLETED)
        if late.done() and late.exception() is None and late.result() is not None:
            raise InvalidSequence("a message came after end_of_input: open another stream")
        await finishing
    finally:
        late.cancel()
        finishing.cancel()
        await asyncio.gather(late, finishing, return_exceptions=True)


class _DamageDecoder:
    """Decodes a stream, damaged Opus packets among the others."""

    def __init__(self, audio_format: AudioFormat) -> None:
        self._decoder = StreamDecoder(audio_format, SAMPLE_RATE_HZ)
        self._is_opus = audio_format.encoding is Encoding.OPUS
        self._has_decoded = False
        self._in_a_row = 0
        self._latest: deque[bool] = deque(maxlen=100)
        """Whether each of the latest packets was lost."""

    def push(self, data: bytes) -> Samples:
        """The samples of a message, or silence in the place of a damaged one.

        Raises:
            InvalidAudio: it does not decode, and there is no going on.
        """
        try:
            samples = self._decoder.push(data)
        except InvalidAudio as error:
            if not self._is_opus or not self._has_decoded or not 0 < len(data) <= MAX_MESSAGE_BYTES:
                raise
            self._lose(error)
            return self._decoder.conceal()
        self._has_decoded = True
        self._in_a_row = 0
        self._latest.append(False)
        return samples

    def flush(self) -> Samples:
        """The samples held back, at the end of the stream."""
        return self._decoder.flush()

    def _lose(self, error: InvalidAudio) -> None:
        metrics.LOST_PACKETS.inc()
        self._in_a_row += 1
        self._latest.append(True)
        lost = sum(self._latest)
        if self._in_a_row >= MAX_LOST_IN_A_ROW:
            raise InvalidAudio(f"{self._in_a_row} Opus packets in a row do not decode: {error.message}", field="audio")
        if lost > MAX_LOST_OF_100:
            raise InvalidAudio(
                f"{lost} of the latest {len(self._latest)} Opus packets do not decode: {error.message}", field="audio"
            )


def _check_message(audio: bytes, audio_format: AudioFormat) -> None:
    """Opus packets are never too long: they hold 120 ms at most."""
    if audio_format.encoding is Encoding.OPUS:
        return
    duration_ms = _duration_s(audio, audio_format) * 1_000
    if duration_ms > MAX_MESSAGE_MS:
        raise InvalidAudio(
            f"{duration_ms:.0f} ms of audio in one message; at most {MAX_MESSAGE_MS} ms are allowed", field="audio"
        )


def _duration_s(audio: bytes, audio_format: AudioFormat) -> float:
    return len(audio) / _sample_bytes(audio_format) / audio_format.sample_rate_hz


def _sample_bytes(audio_format: AudioFormat) -> int:
    return 2 if audio_format.encoding is Encoding.LINEAR16 else 1
