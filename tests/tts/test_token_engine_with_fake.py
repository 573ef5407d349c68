"""Engines with codec tokens cut their own audio: over real gRPC, with a fake engine that has tokens."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import MAX_MESSAGE_BYTES
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import CacheStatus, Capabilities, CompileState, EngineStatus
from maatu_tts.engine.fake import FakeEngine, FakeScript
from maatu_tts.synthesis_cache import SynthesisCache

FRAME = 256
HELD_BACK = 22_050 * 5 // 1_000
"""Samples of a clause that wait to be faded until its end is certain."""
FIVE_WORDS = "one two three four five"
"""87 codec frames."""


def samples_of(responses: list[Any]) -> list[np.ndarray]:
    """Each chunk's samples, LINEAR16."""
    return [np.frombuffer(each.audio.audio, "<i2") for each in responses if each.WhichOneof("event") == "audio"]


async def test_each_piece_of_the_engine_is_a_chunk(tokens_client: Any) -> None:
    responses = await tokens_client.say(FIVE_WORDS)
    lengths = [len(chunk) for chunk in samples_of(responses)]
    assert lengths == [5 * FRAME - HELD_BACK, 10 * FRAME, 20 * FRAME, 40 * FRAME, 12 * FRAME, HELD_BACK]
    assert responses[-1].summary.tokens == 87
    assert not responses[-1].summary.cached


async def test_the_request_says_how_the_engine_cuts(tokens_client: Any, tokens: FakeEngine) -> None:
    chunks = common_pb2.StreamingParameters(chunk_tokens=30, first_chunk_tokens=3, adaptive=False)
    lengths = [len(chunk) for chunk in samples_of(await tokens_client.say(FIVE_WORDS, chunks=chunks))]
    assert lengths == [3 * FRAME - HELD_BACK, 30 * FRAME, 30 * FRAME, 24 * FRAME, HELD_BACK]
    [utterance] = tokens.utterances
    wanted = ChunkSettings(chunk_tokens=30, first_chunk_tokens=3, adaptive=False)
    assert (utterance.chunks, utterance.streaming, utterance.batching) == (wanted, True, True)


async def test_a_first_chunk_in_force_gives_way_to_shorter_chunks(tokens_client: Any, tokens: FakeEngine) -> None:
    in_force = common_pb2.StreamingParameters(chunk_tokens=100, first_chunk_tokens=60)
    await tokens_client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest(chunks=in_force))
    await tokens_client.say("one", chunks=common_pb2.StreamingParameters(chunk_tokens=40))
    assert tokens.utterances[0].chunks == ChunkSettings(chunk_tokens=40, first_chunk_tokens=40)


async def test_all_at_once_and_alone_reach_the_engine(tokens_client: Any, tokens: FakeEngine) -> None:
    responses = await tokens_client.say("one " * 15, streaming=False, batching=False)
    assert [len(chunk) for chunk in samples_of(responses)] == [44_100, 259 * FRAME - 44_100]
    [utterance] = tokens.utterances
    assert (utterance.streaming, utterance.batching) == (False, False)
    assert responses[-1].summary.tokens == 259


@pytest.mark.parametrize("encoding", [1, 2, 3])
async def test_no_message_is_longer_than_allowed(serving: Callable[..., Any], encoding: int) -> None:
    script = FakeScript(samples_per_token=2_048, word_ms=20_000)
    engine = FakeEngine(script, capabilities=Capabilities(tokens=True), sample_rate_hz=44_100)
    async with serving(engine) as client:
        audio_format = common_pb2.AudioFormat(encoding=encoding, sample_rate_hz=48_000)  # type: ignore[arg-type]
        chunks = common_pb2.StreamingParameters(chunk_tokens=200, first_chunk_tokens=200)
        responses = await client.say("one", format=audio_format, chunks=chunks)
        audio = [each.audio for each in responses if each.WhichOneof("event") == "audio"]
        assert max(len(chunk.audio) for chunk in audio) <= MAX_MESSAGE_BYTES
        if encoding == 3:
            assert max(chunk.duration.ToMilliseconds() for chunk in audio) == 20
        assert responses[-1].summary.audio_duration.ToMilliseconds() == pytest.approx(20_000, abs=50)


def dictation(text: str, **fields: Any) -> list[tts_pb2.StreamingSynthesizeRequest]:
    fields = {"voice": common_pb2.Voice(language_code="en-US"), **fields}
    return [
        tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisOptions(**fields)),
        tts_pb2.StreamingSynthesizeRequest(text=text),
        tts_pb2.StreamingSynthesizeRequest(end_of_input=common_pb2.EndOfInput()),
    ]


async def test_clauses_follow_one_another_without_gap_or_click(tokens_client: Any, tokens: FakeEngine) -> None:
    tokens.script.word_ms = 213  # clauses end in the middle of the tone
    responses = await tokens_client.dictate(*dictation("One two three, four five. Six seven."))
    clauses = [each.clause for each in responses if each.HasField("clause")]
    assert [clause.text for clause in clauses] == ["One two three,", "four five.", "Six seven."]
    samples = np.concatenate(samples_of(responses)) / 32_768
    begins = [clause.offset.ToNanoseconds() * 22_050 // 1_000_000_000 + 1 for clause in clauses]
    frames = [-(-22_050 * 213 * words // 1_000 // FRAME) for words in (3, 2, 2)]
    assert begins[1] == pytest.approx(frames[0] * FRAME, abs=FRAME + 1)
    assert len(samples) == responses[-1].summary.tokens * FRAME
    # Faded over 5 ms, a tone of 440 Hz never moves faster from sample to sample than this; a click would.
    assert np.abs(np.diff(samples, prepend=0.0, append=0.0)).max() < 0.5 * 2 * np.pi * 440 / 22_050 + 0.01
    # The fades last 10 ms; a gap would be longer.
    loud = np.convolve(np.abs(samples), np.ones(220) / 220, mode="valid") > 0.01
    assert loud.all()


async def test_the_next_clause_is_made_at_once(tokens_client: Any, tokens: FakeEngine, until: Any) -> None:
    call = tokens_client.stub.StreamingSynthesize()
    for request in dictation("One two three. Four five six. Seven"):
        await call.write(request)
    assert (await call.read()).HasField("started")
    await until(lambda: len(tokens.utterances) == 3)  # nobody has read any audio yet
    assert len(await tokens_client.rest(call)) > 3


async def test_soft_and_loud_clauses_become_alike(serving: Callable[..., Any]) -> None:
    quiet = FakeEngine(FakeScript(word_ms=1_000), capabilities=Capabilities(tokens=True, levelled=False), name="uneven")
    levelled = FakeEngine(FakeScript(word_ms=1_000), capabilities=Capabilities(tokens=True), name="even")
    loudness = {}
    for engine in (quiet, levelled):
        async with serving(engine) as client:
            samples = np.concatenate(samples_of(await client.dictate(*dictation("One. Two. Three."))))
            loudness[engine.name] = float(np.sqrt(np.mean((samples[-22_050:] / 32_768) ** 2)))
    assert loudness["even"] == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert loudness["uneven"] == pytest.approx(0.15, rel=0.1)


@pytest.mark.parametrize("tokens", [True, False])
async def test_numbers_are_written_out_for_all_engines(serving: Callable[..., Any], tokens: bool) -> None:
    engine = FakeEngine(capabilities=Capabilities(tokens=tokens), languages=["en-US", "en-IN"])
    async with serving(engine) as client:
        voice = common_pb2.Voice(name="fake-en-IN", language_code="en")
        responses = await client.dictate(*dictation("It costs ₹1,25,000.", voice=voice))
        assert responses[1].clause.text == "It costs ₹1,25,000."  # as it was written
        [utterance] = engine.utterances
        assert "one lakh twenty-five thousand rupees" in utterance.text
        assert not any(character.isdigit() for character in utterance.text)


async def test_tokens_are_counted(serving: Callable[..., Any]) -> None:
    engine = FakeEngine(capabilities=Capabilities(tokens=True), name="counted")
    async with serving(engine) as client:
        await client.say(FIVE_WORDS)
        await client.say(FIVE_WORDS)
        assert REGISTRY.get_sample_value("maatu_tts_codec_frames_total", {"engine": "counted"}) == 174


class Compiled(FakeEngine):
    """Has something to tell of itself."""

    def status(self) -> EngineStatus:
        return replace(
            super().status(),
            device="cuda:0",
            compute_type="bfloat16",
            compile_state=CompileState.FALLBACK,
            compile_detail="capture failed at batch 64",
            graphs_captured=7,
            steps_per_second=86.5,
            caches=(CacheStatus("voice", entries=3, capacity=64, hits=10, misses=4),),
            device_memory_bytes=5_000_000_000,
        )


async def test_the_status_tells_all_that_the_engine_does(serving: Callable[..., Any]) -> None:
    async with serving(Compiled(name="compiled")) as client:
        [told] = (await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).engines
        assert (told.device, told.compute_type) == ("cuda:0", "bfloat16")
        assert told.compile_state == tts_pb2.EngineStatus.COMPILE_STATE_FALLBACK
        assert told.compile_detail == "capture failed at batch 64"
        assert (told.graphs_captured, told.steps_per_second, told.device_memory_bytes) == (7, 86.5, 5_000_000_000)
        assert list(told.caches) == [tts_pb2.CacheStatus(name="voice", entries=3, capacity=64, hits=10, misses=4)]
        steps = REGISTRY.get_sample_value("maatu_tts_decode_steps_per_second", {"engine": "compiled"})
        memory = REGISTRY.get_sample_value("maatu_tts_device_memory_bytes", {"engine": "compiled"})
        assert (steps, memory) == (86.5, 5e9)


def test_every_compile_state_has_its_name_on_the_wire() -> None:
    names = {name.removeprefix("COMPILE_STATE_") for name in tts_pb2.EngineStatus.CompileState.keys()}  # noqa: SIM118
    assert names == {state.name for state in CompileState} | {"UNSPECIFIED"}


async def test_streams_that_come_and_go_leave_nothing_behind(serving: Callable[..., Any], until: Any) -> None:
    able = Capabilities(tokens=True)
    engine = FakeEngine(FakeScript(word_ms=20), capabilities=able, streams=64, name="busy")
    chance = random.Random(3)
    async with serving(engine, cache=SynthesisCache(200_000)) as client:
        alone = np.concatenate(samples_of(await client.say(FIVE_WORDS)))

        async def visit(number: int) -> None:
            text = f"One {number % 20}, two {number}. " * 3
            call = client.stub.StreamingSynthesize(iter(dictation(text)))
            for _ in range(chance.randrange(6)):
                await call.read()
            call.cancel()

        for begin in range(0, 400, 40):
            await asyncio.gather(*map(visit, range(begin, begin + 40)))
        await until(lambda: engine.admitted == engine.running == 0)
        after = np.concatenate(samples_of(await client.say(FIVE_WORDS)))
    assert np.abs(after.astype(int) - alone).max() <= 1
