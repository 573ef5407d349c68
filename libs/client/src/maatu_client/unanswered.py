"""What was said in a conversation and got no turn yet: kept, so that it can be said again on another stream."""

from collections import deque
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from maatu.v1 import gateway_pb2, stt_pb2
from maatu_runtime.audio import AudioFormat, playing_time_ns
from maatu_runtime.durations import from_ns

_KEPT_NS = 90_000_000_000
"""Audio kept: more than stt's longest utterance by default, 60 s; 2.9 MB in 16 kHz PCM."""
_SILENCE_NS = 5_000_000_000
"""Of it, what is said again where no speech was noticed: noticing takes at most 3 s, and 2 s of PCM fit into a window of 64 KiB."""
_TEXTS_KEPT = 64
"""Typed texts kept: more than wait for their answers in a gateway, 8 by default."""
_Activity = stt_pb2.SpeechActivity
_FINAL = -1


@dataclass(frozen=True)
class _Said:
    number: int
    request: gateway_pb2.ConverseRequest
    end_ns: int = 0


@dataclass(frozen=True)
class _Heard:
    utterance: int
    text: str
    end_ns: int


class Unanswered:
    """Keeps what a client sent until a `turn` event covers it, and joins the events of several streams into one conversation.

    A turn that was refused because too many wait (CLIENT_TOO_FAST) got no `turn` event: it is kept too.

    Args:
        input_format: Of the audio that is sent.
    """

    def __init__(self, input_format: AudioFormat) -> None:
        self._format = input_format
        self._count = 0
        self._audio: deque[_Said] = deque()
        self._texts: deque[_Said] = deque(maxlen=_TEXTS_KEPT)
        self._end: gateway_pb2.ConverseRequest | None = None
        self._sent_ns = 0
        self._first_ns = 0
        """Where in the conversation's audio that begins which is kept."""
        self._utterances = 0
        """Utterances before it."""
        self._heard: list[_Heard] = []
        """Final transcripts that got no turn yet."""
        self._is_hearing = False
        self._origin_ns = self._first_utterance = 0
        self._latest: dict[int, int] = {}
        """The latest utterance that each kind of news was of: an activity's type, or `_FINAL`."""
        self._told: dict[int, int] = {}
        """The same when the stream began."""

    def sent(self, request: gateway_pb2.ConverseRequest) -> None:
        """Takes what is being sent."""
        self._count += 1
        match request.WhichOneof("message"):
            case "audio":
                self._sent_ns += playing_time_ns(request.audio, self._format)
                self._audio.append(_Said(self._count, request, self._sent_ns))
                self._forget(self._sent_ns - _KEPT_NS)
            case "text":
                self._texts.append(_Said(self._count, request))
            case "end_of_input":
                self._end = request

    def again(self) -> list[gateway_pb2.ConverseRequest]:
        """What is to be said on a new stream, which begins with it."""
        # Every event of the stream before has been taken: whether speech was noticed is certain only now.
        self._is_hearing |= bool(self._heard)
        self._heard.clear()
        if not self._is_hearing:
            self._forget(self._sent_ns - _SILENCE_NS)
        self._origin_ns, self._first_utterance = self._first_ns, self._utterances
        self._told = dict(self._latest)
        kept = sorted([*self._audio, *self._texts], key=lambda said: said.number)
        return [said.request for said in kept] + ([self._end] if self._end is not None else [])

    def take(self, event: gateway_pb2.ConversationEvent) -> bool:
        """Takes an event and puts its offsets and its utterance into their place in the conversation.

        Returns:
            Whether it is news: what is heard again is told only once.
        """
        match event.WhichOneof("event"):
            case "speech":
                return self._take_activity(event.speech)
            case "transcript":
                return self._take_transcript(event.transcript)
            case "turn" if event.turn.state == gateway_pb2.TurnState.STATE_STARTED:
                self._answered(event.turn.text)
            case "status":
                self._refused(event.status.status)
        return True

    def _take_activity(self, activity: stt_pb2.SpeechActivity) -> bool:
        activity.utterance_index += self._first_utterance
        self._place(activity.offset, activity.noticed_at)
        if activity.type not in (_Activity.TYPE_SPEECH_STARTED, _Activity.TYPE_SPEECH_STOPPED):
            return True
        self._is_hearing = True
        return self._is_news(activity.type, activity.utterance_index)

    def _take_transcript(self, transcript: stt_pb2.Transcript) -> bool:
        transcript.utterance_index += self._first_utterance
        self._place(transcript.start, transcript.end)
        for word in transcript.words:
            self._place(word.start, word.end)
        if not transcript.is_final:
            return transcript.utterance_index > self._told.get(_FINAL, -1)
        self._is_hearing = False
        heard = _Heard(transcript.utterance_index, transcript.text.strip(), transcript.end.ToNanoseconds())
        self._heard.append(heard)
        self._let_go_of_noise()
        return self._is_news(_FINAL, transcript.utterance_index)

    def _is_news(self, kind: int, utterance: int) -> bool:
        self._latest[kind] = max(utterance, self._latest.get(kind, -1))
        return utterance > self._told.get(kind, -1)

    def _place(self, *moments: Duration) -> None:
        if self._origin_ns:
            for moment in moments:
                moment.CopyFrom(from_ns(moment.ToNanoseconds() + self._origin_ns))

    def _answered(self, text: str) -> None:
        """A turn began: it is that of the first utterance, or else of the first typed text, of these words."""
        for position, heard in enumerate(self._heard):
            if heard.text == text:
                del self._heard[: position + 1]  # turns come in order: an earlier utterance was refused
                self._cover(heard)
                self._let_go_of_noise()
                return
        for said in self._texts:
            if said.request.text.text == text:
                self._texts.remove(said)
                return

    def _let_go_of_noise(self) -> None:
        """Sound that turned out to be no speech gets no turn."""
        while self._heard and not self._heard[0].text:
            self._cover(self._heard.pop(0))

    def _cover(self, heard: _Heard) -> None:
        self._utterances = heard.utterance + 1
        self._forget(heard.end_ns)

    def _forget(self, before_ns: int) -> None:
        while self._audio and self._audio[0].end_ns <= before_ns:
            self._first_ns = self._audio.popleft().end_ns

    def _refused(self, status: status_pb2.Status) -> None:
        """Lets go of a typed text that is refused wherever it is sent. The status does not name it."""
        info = error_details_pb2.ErrorInfo()
        any(detail.Unpack(info) for detail in status.details)
        if info.reason == "EMPTY_TEXT":
            refused = next((said for said in self._texts if not said.request.text.text.strip()), None)
        elif info.reason == "TEXT_TOO_LONG":
            refused = max(self._texts, key=lambda said: len(said.request.text.text), default=None)
        else:
            return
        if refused is not None:
            self._texts.remove(refused)
