"""What the client keeps of what was said, and when it lets go of it."""

import pytest
from google.rpc import status_pb2

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu.v1.gateway_pb2 import ConversationEvent, ConverseRequest
from maatu_client.unanswered import Unanswered
from maatu_runtime.audio import AudioFormat, Encoding
from maatu_runtime.durations import from_seconds
from maatu_runtime.errors import CapacityExceeded, InvalidText, MaatuError
from maatu_runtime.status import to_status

PCM = AudioFormat(Encoding.LINEAR16, 16_000)
END = ConverseRequest(end_of_input=common_pb2.EndOfInput())


@pytest.fixture
def unanswered() -> Unanswered:
    return Unanswered(PCM)


def audio(number: int) -> ConverseRequest:
    """100 ms."""
    return ConverseRequest(audio=number.to_bytes(2) * 1600)


def text(words: str) -> ConverseRequest:
    return ConverseRequest(text=gateway_pb2.TextInput(text=words))


def speech_started(utterance: int = 0, at_s: float = 0.0) -> ConversationEvent:
    activity = stt_pb2.SpeechActivity(
        type=stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED,
        utterance_index=utterance,
        offset=from_seconds(at_s),
        noticed_at=from_seconds(at_s),
    )
    return ConversationEvent(speech=activity)


def final(words: str, end_s: float, utterance: int = 0) -> ConversationEvent:
    transcript = stt_pb2.Transcript(text=words, is_final=True, end=from_seconds(end_s), utterance_index=utterance)
    return ConversationEvent(transcript=transcript)


def turn(words: str) -> ConversationEvent:
    return ConversationEvent(
        turn=gateway_pb2.TurnState(turn_id="t", state=gateway_pb2.TurnState.STATE_STARTED, text=words)
    )


def refusal(error: MaatuError) -> ConversationEvent:
    status: status_pb2.Status = to_status(error)
    return ConversationEvent(status=gateway_pb2.TurnStatus(status=status))


def test_audio_is_kept_until_the_utterance_in_it_gets_a_turn(unanswered: Unanswered) -> None:
    for number in range(20):
        unanswered.sent(audio(number))
    unanswered.take(final("one", 1.0))
    unanswered.take(final("two", 1.5, 1))
    assert unanswered.again() == [audio(number) for number in range(20)]
    unanswered.take(final("one", 1.0))
    unanswered.take(turn("one"))
    assert unanswered.again() == [audio(number) for number in range(10, 20)]


def test_what_is_left_is_said_again_in_its_order(unanswered: Unanswered) -> None:
    said = [text("one"), audio(0), text("two"), audio(1), text("one"), END]
    for request in said:
        unanswered.sent(request)
    unanswered.take(turn("one"))
    assert unanswered.again() == said[1:]


def test_sound_that_is_no_speech_is_let_go_of_unless_an_utterance_before_it_waits(unanswered: Unanswered) -> None:
    for number in range(30):
        unanswered.sent(audio(number))
    unanswered.take(final("", 1.0))
    assert unanswered.again()[0] == audio(10)
    unanswered.take(final("one", 0.5))
    unanswered.take(final("", 1.0, 1))
    assert unanswered.again()[0] == audio(10)
    unanswered.take(final("one", 0.5))
    unanswered.take(final("", 1.0, 1))
    unanswered.take(turn("one"))
    assert unanswered.again()[0] == audio(20)


def test_five_seconds_of_silence_and_ninety_of_speech_are_said_again(unanswered: Unanswered) -> None:
    for number in range(100):
        unanswered.sent(audio(number))
    assert unanswered.again() == [audio(number) for number in range(50, 100)]
    for number in range(100, 1100):
        unanswered.sent(audio(number))
    # Speech is noticed in what was sent long before: the client reads late.
    unanswered.take(speech_started())
    assert unanswered.again() == [audio(number) for number in range(200, 1100)]


def test_offsets_and_utterances_go_on_where_the_stream_before_was_covered(unanswered: Unanswered) -> None:
    for number in range(20):
        unanswered.sent(audio(number))
    unanswered.take(final("one", 1.0))
    unanswered.take(turn("one"))
    assert unanswered.take(speech_started(1, 1.5))
    unanswered.again()
    again = speech_started(0, 0.5)
    assert not unanswered.take(again)
    assert (again.speech.utterance_index, again.speech.offset.ToMilliseconds()) == (1, 1500)
    partial = ConversationEvent(transcript=stt_pb2.Transcript(text="tw", start=from_seconds(0.5)))
    partial.transcript.words.add(word="tw", end=from_seconds(0.7))
    assert unanswered.take(partial)
    assert partial.transcript.words[0].end.ToMilliseconds() == 1700
    news = final("two", 0.8)
    assert unanswered.take(news)
    assert (news.transcript.utterance_index, news.transcript.end.ToMilliseconds()) == (1, 1800)


def test_a_text_that_is_refused_anywhere_is_not_said_again(unanswered: Unanswered) -> None:
    for words in ("one", "  ", "long " * 500, "two"):
        unanswered.sent(text(words))
    unanswered.take(refusal(InvalidText("empty")))
    unanswered.take(refusal(InvalidText("too long", reason="TEXT_TOO_LONG")))
    unanswered.take(refusal(CapacityExceeded("too fast", reason="CLIENT_TOO_FAST")))
    assert unanswered.again() == [text("one"), text("two")]
