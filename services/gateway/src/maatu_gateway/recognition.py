"""The recognition of a whole conversation, over as many streams to stt as that takes.

A stream lives as long as the conversation, and so is what a rolling upgrade of stt meets. Where one breaks, because its server
drains or is lost, the audio that no final transcript covers is sent again on a new one: nothing that was said is lost, and the
client notices nothing but the time it takes. Where the conversation's canary of stt is gone, the stream is exchanged between
utterances.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import structlog
from google.protobuf.duration_pb2 import Duration

from maatu.v1 import common_pb2, stt_pb2
from maatu_gateway.hearing import Hearing
from maatu_gateway.hops import Hops, Metadata, Patience
from maatu_runtime.durations import from_ns
from maatu_runtime.errors import DeadlineExceeded, HopUnavailable, MaatuError, is_shutting_down

_PRE_ROLL_NS = 3_000_000_000
"""Audio kept while nobody speaks: more than stt needs to be sure of speech and pads it with (at most 2 s and 1 s)."""
_LONGEST_KEPT_NS = 90_000_000_000
"""Audio kept of an utterance: more than stt's longest by default, 60 s; 2.9 MB in 16 kHz PCM."""
_BREAKS_AN_UTTERANCE = 3
"""An utterance whose audio broke so many streams is not sent to yet another server. Streams that no server took don't count."""

Response = stt_pb2.StreamingRecognizeResponse
_Activity = stt_pb2.SpeechActivity

log = structlog.get_logger()


class _Stream:
    """One stream to stt, and where in the conversation it begins."""

    def __init__(self, hearing: Hearing, first_utterance: int) -> None:
        self.position = hearing.first
        self.origin_ns = self.end_ns = hearing.first_ns
        self.first_utterance = first_utterance
        self.is_accepted = False
        self.is_left = False
        self.has_said_end = False
        self.is_over = False


class LiveRecognition:
    """Recognises the audio of one conversation.

    Args:
        config: What stt is asked for.
        hearing: The audio.
        hops: The services.
        metadata: Of the calls.
    """

    def __init__(
        self, config: stt_pb2.StreamingRecognitionConfig, hearing: Hearing, hops: Hops, metadata: Metadata
    ) -> None:
        self.is_hearing = False
        """An utterance has begun whose final transcript has not been taken yet."""
        self._config = config
        self._hearing = hearing
        self._hops = hops
        self._metadata = metadata
        self._utterances = 0
        self._started = self._stopped = -1
        self._patience = Patience("stt", hops.patience_s)
        self._breaks = 0
        self._was_accepted = False

    async def responses(self) -> AsyncGenerator[Response]:
        """What stt hears, as if on one stream: offsets and utterances count from the conversation's first sample.

        Raises:
            MaatuError: stt refused the audio or failed; HopUnavailable where no server goes on with it.
        """
        while True:
            self._hops.sides.settle("stt")
            stream = _Stream(self._hearing, self._utterances)
            failure: MaatuError | None = None
            recognition = self._hops.recognize_stream(self._config, self._requests(stream), self._metadata)
            try:
                async with aclosing(recognition) as responses:
                    async for response in responses:
                        if self._is_news(stream, response):
                            yield response
                        if response.transcript.is_final:
                            self._utterance_done(stream, response.transcript)
            except MaatuError as error:
                failure = error
            finally:
                stream.is_over = True
                self._hearing.wake()
            if failure is None and stream.has_said_end:
                return
            if not stream.is_left:
                await self._before_another(stream, failure)

    async def _before_another(self, stream: _Stream, failure: MaatuError | None) -> None:
        """Waits a little before a stream that broke is followed by another one; raises where none is to follow."""
        failure = failure or HopUnavailable("stt", "it ended the stream")
        if isinstance(failure, DeadlineExceeded) and failure.reason == "IDLE_TIMEOUT":
            # A microphone is off, the client may be typing: another stream begins with its next audio.
            await self._hearing.message(max(stream.position, self._hearing.first), is_over=lambda: False)
            return
        self._breaks += self.is_hearing and stream.is_accepted
        # At the door, a service that is down is named at once.
        if self._breaks > _BREAKS_AN_UTTERANCE or not (self._was_accepted or is_shutting_down(failure)):
            raise failure
        if stream.is_accepted:
            self._patience.reset()
        log.info("recognition_moves", reason=failure.reason, detail=failure.message)
        await self._patience.wait(failure)

    async def _requests(self, stream: _Stream) -> AsyncGenerator[stt_pb2.StreamingRecognizeRequest]:
        hearing = self._hearing
        stream.is_accepted = self._was_accepted = True  # the first message is asked for once the config is accepted
        while (message := await hearing.message(stream.position, is_over=lambda: stream.is_over)) is not None:
            if not self.is_hearing and self._hops.sides.is_gone("stt"):
                stream.is_left = True
                return
            audio, playing_ns = message
            stream.position += 1
            stream.end_ns += playing_ns
            hearing.forget(before_ns=stream.end_ns - (_LONGEST_KEPT_NS if self.is_hearing else _PRE_ROLL_NS))
            yield stt_pb2.StreamingRecognizeRequest(audio=audio)
        if not stream.is_over:
            stream.has_said_end = True
            yield stt_pb2.StreamingRecognizeRequest(end_of_input=common_pb2.EndOfInput())

    def _is_news(self, stream: _Stream, response: Response) -> bool:
        """Puts a response into its place in the conversation. False: it was said before a stream broke."""
        if response.HasField("transcript"):
            transcript = response.transcript
            transcript.utterance_index += stream.first_utterance
            for moment in (transcript.start, transcript.end):
                _shift(moment, stream.origin_ns)
            for word in transcript.words:
                _shift(word.start, stream.origin_ns)
                _shift(word.end, stream.origin_ns)
            return True
        activity = response.activity
        activity.utterance_index += stream.first_utterance
        _shift(activity.offset, stream.origin_ns)
        _shift(activity.noticed_at, stream.origin_ns)
        if activity.type == _Activity.TYPE_SPEECH_STARTED:
            is_news, self._started = activity.utterance_index > self._started, activity.utterance_index
            self.is_hearing = True
            return is_news
        if activity.type == _Activity.TYPE_SPEECH_STOPPED:
            is_news, self._stopped = activity.utterance_index > self._stopped, activity.utterance_index
            return is_news
        return True

    def _utterance_done(self, stream: _Stream, final: stt_pb2.Transcript) -> None:
        self.is_hearing = False
        self._breaks = 0
        self._utterances = final.utterance_index + 1
        self._hearing.forget(before_ns=min(final.end.ToNanoseconds(), stream.end_ns))


def _shift(moment: Duration, by_ns: int) -> None:
    if by_ns:
        moment.CopyFrom(from_ns(moment.ToNanoseconds() + by_ns))
