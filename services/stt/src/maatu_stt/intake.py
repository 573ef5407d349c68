"""What comes in: the order of a stream's messages, and how much audio they may hold."""

import asyncio

from maatu.v1 import stt_pb2
from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder
from maatu_runtime.errors import InvalidAudio, InvalidSequence
from maatu_runtime.streams import RequestStream
from maatu_stt.engine.base import SAMPLE_RATE_HZ
from maatu_stt.engine.stream import StreamRecognition

MAX_MESSAGE_MS = 200
"""Longest audio in one message of a stream: more makes every event late."""
MAX_RECORDING_BYTES = 4 * 1024 * 1024
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


async def feed_stream(requests: Requests, audio_format: AudioFormat, recognition: StreamRecognition) -> None:
    """Hands the audio of a stream to the recognition, and ends it at end_of_input.

    Raises:
        InvalidSequence: a message that may not come here.
        InvalidAudio: audio that does not decode, or none at all before end_of_input.
    """
    decoder = StreamDecoder(audio_format, SAMPLE_RATE_HZ)
    is_empty = True
    async for request in requests:
        match request.WhichOneof("message"):
            case "audio":
                _check_message(request.audio, audio_format)
                await recognition.push(decoder.push(request.audio))
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


def _check_message(audio: bytes, audio_format: AudioFormat) -> None:
    """Opus packets are never too long: they hold 120 ms at most."""
    if audio_format.encoding is Encoding.OPUS:
        return
    duration_ms = len(audio) * 1_000 / _sample_bytes(audio_format) / audio_format.sample_rate_hz
    if duration_ms > MAX_MESSAGE_MS:
        raise InvalidAudio(
            f"{duration_ms:.0f} ms of audio in one message; at most {MAX_MESSAGE_MS} ms are allowed", field="audio"
        )


def _sample_bytes(audio_format: AudioFormat) -> int:
    return 2 if audio_format.encoding is Encoding.LINEAR16 else 1
