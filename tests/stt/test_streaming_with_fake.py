"""StreamingRecognize on a real server, with a scripted recogniser and detector."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from maatu.v1 import common_pb2, stt_pb2
from maatu_runtime.audio import AudioFormat, Encoding, StreamEncoder
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.errors import ModelFailed
from maatu_stt.engine.base import Urgency
from maatu_stt.engine.fake import FakeRecognizer

Voice = Callable[..., Samples]
Until = Callable[[Callable[[], bool]], Awaitable[None]]
END = stt_pb2.StreamingRecognizeRequest(end_of_input=common_pb2.EndOfInput())
TEXT = "what is the capital of france"


def at(duration: Any) -> float:
    """Seconds."""
    return float(duration.ToTimedelta().total_seconds())


async def test_one_utterance_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    responses = await client.responses(client.requests(voice(1.6, 1.0)))
    started, pause, stopped = (response.activity for response in responses[:3])
    assert [started.type, pause.type, stopped.type] == [1, 2, 4]
    assert at(started.offset) == 0
    # Voice ends within a window of 32 ms; silence is noticed within another.
    assert at(pause.offset) == at(stopped.offset) == pytest.approx(1.6, abs=0.033)
    assert at(pause.noticed_at) - at(pause.offset) == pytest.approx(0.2, abs=0.033)
    assert at(stopped.noticed_at) - at(stopped.offset) == pytest.approx(0.5, abs=0.033)
    (final,) = (response.transcript for response in responses[3:])
    assert (final.text, final.is_final, final.stability, final.stable_text) == (TEXT, True, 1.0, TEXT)
    assert (final.language_code, final.model, final.utterance_index) == ("en-US", "fake", 0)
    assert (at(final.start), at(final.end)) == (0, at(stopped.offset))


async def test_the_decode_at_the_pause_is_the_final_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    await client.responses(client.requests(voice(1.6, 1.0)))
    (asked,) = fake.asked
    assert asked.urgency is Urgency.PAUSE
    assert fake.capacity()[0] == 0


async def test_the_padding_ends_with_the_pause_where_the_audio_is_live_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    """A stream is decoded when the pause is noticed; a recording has its padding, which here is longer."""
    (*_, stopped, _) = await client.responses(client.requests(voice(1.6, 1.0)))
    audio = to_int16(voice(1.6, 1.0)).astype("<i2").tobytes()
    async for _ in client.stub.Recognize(stt_pb2.RecognizeRequest(config=client.config(), audio=audio)):
        pass
    padding = [asked.samples / 16_000 - at(stopped.activity.offset) for asked in fake.asked]
    assert padding == pytest.approx([0.2, 0.3], abs=0.001)


async def test_a_pause_decode_that_still_runs_at_the_endpoint_is_waited_for_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    fake.script.gate = asyncio.Event()
    call = client.stub.StreamingRecognize(iter(client.requests(voice(1.0, 1.0))))
    for expected in (1, 2, 4):
        assert (await call.read()).activity.type == expected
    (decode,) = fake.under_way
    assert decode.urgency is Urgency.FINAL
    fake.script.gate.set()
    assert (await call.read()).transcript.is_final
    assert len(fake.asked) == 1


async def test_speech_after_a_pause_is_one_utterance_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    answers = await client.stream(client.requests(voice(0.8, 0.3, 0.8, 1.0)))
    assert answers == ["STARTED", "PAUSE", "RESUMED", "PAUSE", "STOPPED", f"final {TEXT}"]
    first, second = fake.asked
    assert second.samples > first.samples + 16_000


async def test_partials_come_while_the_person_speaks_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    call = client.stub.StreamingRecognize()
    await call.write(stt_pb2.StreamingRecognizeRequest(config=client.config(interim_results=True)))
    partials = []
    for piece in range(3):
        for request in client.audio(voice(0.56)):
            await call.write(request)
        if piece == 0:
            assert (await call.read()).activity.type == 1
        partials.append((await call.read()).transcript)
    for request in [*client.audio(voice(0.0, 1.0)), END]:
        await call.write(request)
    rest = [await call.read() for _ in range(4)]
    assert [partial.is_final for partial in partials] == [False, False, False]
    assert [at(partial.end) for partial in partials] == pytest.approx([0.42, 0.93, 1.44], abs=0.05)
    assert partials[0].stable_text == ""
    for partial in partials:
        assert TEXT.startswith(partial.text)
        assert partial.text.startswith(partial.stable_text)
        assert 0 <= partial.stability < 1
    assert partials[2].stable_text == partials[1].text
    # A pause tells what was said up to it, for whoever prepares a turn on it; then nothing but the end is left.
    pause, at_pause, stopped, final = rest
    assert (pause.activity.type, stopped.activity.type) == (2, 4)
    assert (at_pause.transcript.text, at_pause.transcript.is_final) == (TEXT, False)
    assert at_pause.transcript.stability == pytest.approx(0.9)
    assert (final.transcript.text, final.transcript.is_final) == (TEXT, True)


async def test_partials_are_skipped_while_the_decoder_is_busy_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    fake.script.places = 0
    answers = await client.stream(client.requests(voice(3.0), interim_results=True))
    assert answers == ["STARTED", "STOPPED", f"final {TEXT}"]
    assert Urgency.PARTIAL in {asked.urgency for asked in fake.asked}


async def test_without_interim_results_there_are_no_partials_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    answers = await client.stream(client.requests(voice(3.0, 1.0)))
    assert answers == ["STARTED", "PAUSE", "STOPPED", f"final {TEXT}"]


async def test_every_utterance_of_a_stream_gets_its_own_final_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    fake.script.texts = ("one", "two", "three")
    responses = await client.responses(client.requests(voice(0.6, 0.8, 0.6, 0.8, 0.6, 0.8), interim_results=True))
    finals = [r.transcript for r in responses if r.HasField("transcript") and r.transcript.is_final]
    assert [(final.utterance_index, final.text) for final in finals] == [(0, "one"), (1, "two"), (2, "three")]


async def test_end_of_input_while_speech_is_open_answers_at_once_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    assert await client.stream(client.requests(voice(1.01))) == ["STARTED", "STOPPED", f"final {TEXT}"]


async def test_silence_ends_without_a_word_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    assert await client.stream(client.requests(voice(0.0, 3.0), interim_results=True)) == []
    assert not fake.asked


async def test_a_click_is_not_speech_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    assert await client.stream(client.requests(voice(0.1, 1.0, 0.15, 1.0))) == []
    assert not fake.asked


async def test_two_minutes_of_speech_are_cut_and_answered_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    responses = await client.responses(client.requests(voice(120.0, 1.0), frame_ms=200))
    stops = [at(r.activity.offset) for r in responses if r.HasField("activity") and r.activity.type == 4]
    finals = [r.transcript for r in responses if r.HasField("transcript")]
    assert stops == pytest.approx([60.0, 120.0], abs=0.1)
    assert [(final.text, final.utterance_index) for final in finals] == [(TEXT, 0), (TEXT, 1)]
    # Nobody asked for partials; the window is kept short all the same.
    assert max(asked.samples for asked in fake.asked) < 23 * 16_000


async def test_settings_of_the_stream_are_used_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    endpointing = stt_pb2.EndpointingOptions()
    endpointing.endpoint_silence.FromMilliseconds(1_000)
    endpointing.pause_silence.FromMilliseconds(600)
    answers = await client.stream(client.requests(voice(0.6, 0.8, 0.6, 1.2), endpointing=endpointing))
    assert answers == ["STARTED", "PAUSE", "RESUMED", "PAUSE", "STOPPED", f"final {TEXT}"]
    endpointing.max_utterance.FromMilliseconds(1_000)
    answers = await client.stream(client.requests(voice(1.5, 1.2), endpointing=endpointing))
    assert [answer for answer in answers if not answer.startswith("final")] == [
        *("STARTED", "STOPPED", "STARTED", "STOPPED")
    ]
    activity = stt_pb2.VoiceActivityOptions()
    activity.min_speech.FromMilliseconds(1_000)
    assert await client.stream(client.requests(voice(0.9, 1.0), voice_activity=activity)) == []


async def test_an_endpoint_below_the_usual_pause_brings_the_pause_forward_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    endpointing = stt_pb2.EndpointingOptions()
    endpointing.endpoint_silence.FromMilliseconds(100)
    answers = await client.stream(client.requests(voice(0.6, 1.0), endpointing=endpointing))
    assert answers == ["STARTED", "PAUSE", "STOPPED", f"final {TEXT}"]


async def test_what_is_asked_reaches_the_recogniser_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    requests = client.requests(
        voice(1.0),
        language_codes=["kn-IN", "en"],
        hotwords=["Maatu", " "],
        initial_prompt="Names:",
        word_times=True,
    )
    (final,) = [r.transcript for r in await client.responses(requests) if r.HasField("transcript")]
    options = fake.asked[0].options
    assert [str(language) for language in options.languages] == ["kn-IN", "en"]
    assert (options.hotwords, options.initial_prompt) == (("Maatu",), "Names:")
    assert [word.word for word in final.words] == TEXT.split()
    assert at(final.start) <= at(final.words[0].start) <= at(final.words[-1].end) <= at(final.end)


@pytest.mark.parametrize(
    ("encoding", "rate_hz"),
    [(Encoding.LINEAR16, 8_000), (Encoding.LINEAR16, 44_100), (Encoding.MULAW, 8_000), (Encoding.OPUS, 48_000)],
)
async def test_every_format_is_heard_alike_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice, encoding: Encoding, rate_hz: int
) -> None:
    encoder = StreamEncoder(16_000, AudioFormat(encoding, rate_hz))
    samples = voice(1.0, 1.0)
    pieces = [piece for start in range(0, len(samples), 800) for piece in encoder.push(samples[start : start + 800])]
    proto = common_pb2.AudioFormat(encoding=encoding.value, sample_rate_hz=rate_hz)
    responses = await client.responses(
        [
            stt_pb2.StreamingRecognizeRequest(config=client.config(format=proto)),
            *(stt_pb2.StreamingRecognizeRequest(audio=piece.data) for piece in [*pieces, *encoder.flush()]),
            stt_pb2.StreamingRecognizeRequest(end_of_input=common_pb2.EndOfInput()),
        ]
    )
    assert [r.activity.type for r in responses if r.HasField("activity")] == [1, 2, 4]
    assert at(responses[1].activity.offset) == pytest.approx(1.0, abs=0.05)
    assert responses[-1].transcript.text == TEXT


async def test_a_client_that_vanishes_in_mid_sentence_leaves_nothing_behind_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice, until: Until
) -> None:
    fake.script.gate = asyncio.Event()
    heard_out = asyncio.Event()

    async def requests() -> AsyncIterator[stt_pb2.StreamingRecognizeRequest]:
        yield stt_pb2.StreamingRecognizeRequest(config=client.config(interim_results=True))
        for request in client.audio(voice(1.0, 0.6, 1.0, 0.3)):
            yield request
        await heard_out.wait()

    call = client.stub.StreamingRecognize(requests())
    for _ in range(3):
        await call.read()
    await until(lambda: fake.capacity()[0] >= 2)
    call.cancel()
    await until(lambda: fake.capacity()[0] == 0)
    # Others are served as if nothing had been; `serving` checks that no task is left.
    fake.script.gate.set()
    assert (await client.stream(client.requests(voice(1.0))))[-1] == f"final {TEXT}"


async def test_a_slow_decoder_does_not_hold_up_the_next_start_of_speech_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    fake.script.gate = asyncio.Event()
    call = client.stub.StreamingRecognize(iter(client.requests(voice(0.6, 0.8, 0.6, 0.3))))
    for expected in (1, 2, 4, 1):
        assert (await call.read()).activity.type == expected
    fake.script.gate.set()
    rest = []
    while hasattr(response := await call.read(), "WhichOneof"):
        rest.append(response)
    finals = [r.transcript.utterance_index for r in rest if r.HasField("transcript")]
    assert finals == [0, 1]


async def test_a_model_that_fails_ends_the_stream_with_its_error_and_no_other_with_fake(
    client: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    fake.script.failure = ModelFailed("out of memory")
    fake.script.gate = asyncio.Event()
    over = asyncio.Event()

    async def requests() -> AsyncIterator[stt_pb2.StreamingRecognizeRequest]:
        for request in client.requests(voice(1.0, 0.6))[:-1]:
            yield request
        # All is sent. A status that overtakes the client's own messages is lost in grpc.aio.
        assert fake.script.gate is not None
        fake.script.gate.set()
        await over.wait()

    error = await client.refusal(client.stub.StreamingRecognize(requests()))
    over.set()
    assert (type(error), error.reason) == (ModelFailed, "MODEL_FAILED")
    assert fake.capacity()[0] == 0
    fake.script.failure = None
    assert (await client.stream(client.requests(voice(1.0))))[-1] == f"final {TEXT}"
