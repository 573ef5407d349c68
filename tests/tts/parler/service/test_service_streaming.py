"""StreamingSynthesize over real gRPC, with Parler-TTS on a tiny random checkpoint."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_tts.engine.base import Capabilities, EngineAudio, Utterance
from maatu_tts.engine.fake import FakeEngine, FakeScript

FRAME = 512
FRAMES = 80
"""Of each utterance."""
STEADY = common_pb2.StreamingParameters(first_chunk_tokens=10, chunk_tokens=50, adaptive=False)
"""Chunks do not depend on how fast the machine is."""
KANNADA = common_pb2.Voice(language_code="kn-IN")


@pytest.fixture
def engine(parler: Callable[..., Any]) -> Any:
    return parler()


@pytest.fixture
async def client(engine: Any, serving: Callable[..., Any]) -> AsyncIterator[Any]:
    async with serving(engine) as client:
        yield client


async def test_clauses_follow_one_another_without_a_gap(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    text = "ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ? ನಾನು ಚೆನ್ನಾಗಿದ್ದೇನೆ. ನೀವು?"
    heard = speech(await client.dictate(*dictation(*text, voice=KANNADA, chunks=STEADY, seed=1)))
    assert heard.started.voice_name == "parler-kn-suresh"
    assert [clause.text for clause in heard.clauses] == ["ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", "ನಾನು ಚೆನ್ನಾಗಿದ್ದೇನೆ.", "ನೀವು?"]
    assert [clause.clause_index for clause in heard.clauses] == [0, 1, 2]
    begins = [clause.offset.ToNanoseconds() for clause in heard.clauses]
    assert begins == [number * FRAMES * FRAME * 1_000_000_000 // 44_100 for number in range(3)]
    assert set(begins) <= {chunk.offset.ToNanoseconds() for chunk in heard.chunks}
    assert heard.summary.tokens == 3 * FRAMES
    assert heard.frames == 3 * [10, 50, 20]
    assert [utterance.text for utterance in engine.utterances] == [clause.text for clause in heard.clauses]
    # The noise of random weights is never as soft as this for 20 ms, but where a clause fades.
    loud = np.convolve(np.abs(heard.samples), np.ones(882) / 882, mode="valid") > 0.01
    assert loud.all()


async def test_the_first_clause_sounds_while_the_text_is_still_being_written(
    client: Any, dictation: Callable[..., Any]
) -> None:
    call = client.stub.StreamingSynthesize()
    config, *rest = dictation("One two three. Four ", "five.")
    await call.write(config)
    await call.write(rest[0])
    kinds = [(await call.read()).WhichOneof("event") for _ in range(3)]
    assert kinds == ["started", "clause", "audio"]
    for request in rest[1:]:
        await call.write(request)
    responses = await client.rest(call)
    assert [each.clause.text for each in responses if each.HasField("clause")] == ["Four five."]
    assert responses[-1].summary.tokens == 2 * FRAMES


async def test_a_clause_sounds_as_it_does_alone(client: Any, speech: Any, dictation: Callable[..., Any]) -> None:
    alone = speech(await client.say("One two three.", voice=common_pb2.Voice(language_code="en"), seed=9))
    heard = speech(await client.dictate(*dictation("One two three. Four.", seed=9)))
    assert np.abs(heard.samples[: FRAMES * FRAME] - alone.samples).max() <= 1 / 32_768


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("kn-IN", "ಬೆಲೆ ₹1,25,000 ಮಾತ್ರ.", "ಒಂದು ಲಕ್ಷದ ಇಪ್ಪತ್ತೈದು ಸಾವಿರ ರೂಪಾಯಿ"),
        ("hi-IN", "कीमत ₹1,25,000 है।", "एक लाख पच्चीस हज़ार रुपये"),
        ("en-IN", "It costs ₹1,25,000.", "one lakh twenty-five thousand rupees"),
    ],
)
async def test_numbers_reach_the_engine_as_words_and_the_client_as_written(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any], language: str, text: str, said: str
) -> None:
    heard = speech(await client.dictate(*dictation(text, voice=common_pb2.Voice(language_code=language))))
    assert [clause.text for clause in heard.clauses] == [text]
    [utterance] = engine.utterances
    assert said in utterance.text
    assert not any(character.isdigit() or character in "₹," for character in utterance.text)
    await client.say(text, voice=common_pb2.Voice(language_code=language))
    assert engine.utterances[-1].text == utterance.text


async def test_a_long_clause_is_spoken_in_pieces_of_one_clause(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    words = "some words that go on and on without any full stop " * 10
    heard = speech(await client.dictate(*dictation(words)))
    assert len(engine.utterances) >= 3
    assert max(len(utterance.text) for utterance in engine.utterances) <= 240
    assert " ".join(utterance.text for utterance in engine.utterances) == words.strip()
    assert heard.summary.tokens == FRAMES * len(engine.utterances)


async def test_joints_of_chunks_and_clauses_do_not_click(
    client: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    """Chunks are decoded apart; where they meet, the waveform moves no faster than within them, where it is all noise."""
    chunks = common_pb2.StreamingParameters(chunk_tokens=25, first_chunk_tokens=5, adaptive=False)
    heard = speech(await client.dictate(*dictation("One two three. Four five six. Seven.", chunks=chunks, seed=3)))
    moves = np.abs(np.diff(heard.samples))
    joints = [length - 1 for length in itertools.accumulate(heard.lengths[:-1])]
    assert len(joints) >= 3 * 4
    at_joints = moves[joints]
    assert at_joints.max() <= moves.max()
    assert np.mean(at_joints) <= 1.5 * np.mean(moves)
    ends = [number * FRAMES * FRAME for number in (1, 2)]
    # Clauses are faded out and in, so where they meet there is silence.
    assert all(np.abs(heard.samples[end - 2 : end + 2]).max() < 0.02 for end in ends)
    assert abs(heard.samples[0]) < 0.02
    assert abs(heard.samples[-1]) < 0.02


async def test_cut_audio_is_the_audio_that_is_not_cut(
    parler: Callable[..., Any], ending_checkpoint: Path, serving: Callable[..., Any], speech: Any
) -> None:
    async with serving(parler(ending_checkpoint, frames=250)) as client:
        heard = []
        for fields in (
            {"streaming": False},
            {"chunks": common_pb2.StreamingParameters(chunk_tokens=25, first_chunk_tokens=1)},
            {"chunks": common_pb2.StreamingParameters(chunk_tokens=200, first_chunk_tokens=33)},
            {"chunks": common_pb2.StreamingParameters(chunk_tokens=26, first_chunk_tokens=13, adaptive=False)},
        ):
            heard.append(speech(await client.say("ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", temperature=0.0, **fields)))
    assert len({each.summary.tokens for each in heard}) == 1
    for each in heard[1:]:
        assert np.abs(each.samples - heard[0].samples).max() <= 1 / 32_768


async def test_all_that_a_request_says_reaches_the_engine(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    options = {"temperature": 0.5, "seed": 11, "batching": False, "priority": common_pb2.PRIORITY_BATCH}
    voice = common_pb2.Voice(name="parler-en-mary", description="Calm and  low.")
    heard = speech(await client.dictate(*dictation("One two. Three.", voice=voice, chunks=STEADY, **options)))
    assert heard.summary.tokens == 2 * FRAMES
    for utterance in engine.utterances:
        assert (utterance.temperature, utterance.seed, utterance.batching) == (0.5, 11, False)
        assert (utterance.voice.name, utterance.description) == ("parler-en-mary", "Calm and low.")
        assert utterance.priority == common_pb2.PRIORITY_BATCH
        assert not utterance.chunks.adaptive


class Uneven(FakeEngine):
    """Every second clause is 10 dB softer."""

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        gain = np.float32(10 ** (-10 / 20) if len(self.utterances) % 2 else 1.0)
        async for part in super().synthesize(utterance):
            yield EngineAudio(part.samples * gain, part.compute_s, part.tokens)


async def test_clauses_10_db_apart_become_alike_with_fake(
    serving: Callable[..., Any], speech: Any, dictation: Callable[..., Any]
) -> None:
    engine = Uneven(FakeScript(word_ms=1_000), capabilities=Capabilities(tokens=True, levelled=False), name="uneven")
    async with serving(engine) as client:
        heard = speech(await client.dictate(*dictation("One two. Three four. Five six. Seven eight.")))
    rate = 22_050
    begins = [clause.offset.ToNanoseconds() * rate // 1_000_000_000 for clause in heard.clauses]
    clauses = np.split(heard.samples, begins[1:])
    whole = [20 * np.log10(np.sqrt(np.mean(clause**2))) for clause in clauses]
    ends = [20 * np.log10(np.sqrt(np.mean(clause[-rate // 2 :] ** 2))) for clause in clauses]
    assert max(ends) - min(ends) < 2.0, ends
    assert max(whole) - min(whole) < 5.0, whole
    # A levelled tone of 440 Hz, faded over 5 ms, never moves faster from sample to sample than this; a click would.
    loudest = np.abs(heard.samples).max()
    assert np.abs(np.diff(heard.samples, prepend=0.0, append=0.0)).max() < loudest * 2 * np.pi * 440 / rate + 0.01


async def test_the_client_can_stop_in_the_middle_of_a_clause(
    client: Any, engine: Any, dictation: Callable[..., Any], until: Any
) -> None:
    call = client.stub.StreamingSynthesize(iter(dictation("One two three. Four five six. Seven.")))
    while not (await call.read()).HasField("audio"):
        pass
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.read()
    await until(lambda: engine.status().slots_in_use == engine.status().queue_depth == 0)
    responses = await client.dictate(*dictation("One."))
    assert isinstance(responses[-1], tts_pb2.StreamingSynthesizeResponse)
    assert responses[-1].summary.tokens == FRAMES
