"""Many calls at once over real gRPC, with Parler-TTS on a tiny random checkpoint: slots, waiting, refusals, leavers."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from maatu.v1 import common_pb2, tts_pb2, tts_pb2_grpc
from maatu_runtime.channel import create_channel
from maatu_runtime.errors import CapacityExceeded, Quota
from maatu_runtime.testing import serve_at
from maatu_tts.config import Config
from maatu_tts.service import assemble

TEXT = "Good morning, how are you?"
LONG = 300
"""Frames of a long utterance."""


def request(text: str = TEXT, **options: Any) -> tts_pb2.SynthesizeRequest:
    options = {"voice": common_pb2.Voice(language_code="en"), **options}
    return tts_pb2.SynthesizeRequest(text=text, options=tts_pb2.SynthesisOptions(**options))


def steps_of(engine: Any) -> int:
    """How many it took in the last minute."""
    steps: int = round(engine.status().steps_per_second * 60)
    return steps


def is_idle(engine: Any) -> bool:
    status = engine.status()
    return bool(status.slots_in_use == status.queue_depth == 0)


async def test_sixteen_streams_share_four_slots(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any, dictation: Callable[..., Any]
) -> None:
    engine = parler(frames=20, waiting=12)
    kannada = common_pb2.Voice(language_code="kn")
    async with serving(engine) as client:
        alone = speech(await client.say(TEXT, seed=0))
        engine.hurry.clear()
        calls = [
            *(asyncio.create_task(client.say(TEXT, seed=seed)) for seed in range(8)),
            *(asyncio.create_task(client.dictate(*dictation(TEXT, voice=kannada, seed=seed))) for seed in range(8, 16)),
        ]
        await until(lambda: engine.status().slots_in_use == 4 and engine.status().queue_depth >= 8)
        engine.hurry.set()
        async with asyncio.timeout(30):
            said = [speech(responses) for responses in await asyncio.gather(*calls)]
        assert is_idle(engine)
    assert [each.summary.tokens for each in said] == [20] * 16
    assert len({each.audio for each in said}) == 16
    assert np.abs(said[0].samples - alone.samples).max() <= 1 / 32_768


async def test_a_full_house_says_when_to_come_back(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any, dictation: Callable[..., Any]
) -> None:
    engine = parler(frames=200, slots=1, waiting=1)
    async with serving(engine) as client:
        await client.say("One.")  # so that it knows how long a step takes
        engine.hurry.clear()
        taken = [asyncio.create_task(client.say(TEXT)) for _ in range(2)]
        await until(lambda: engine.status().slots_in_use == engine.status().queue_depth == 1)
        for call in (client.say("One."), client.dictate(*dictation("One."))):
            error = await client.refusal(call)
            assert isinstance(error, CapacityExceeded)
            assert error.quota == Quota("tts/parler", 2)
            assert error.retry_after_s is not None
            assert 0.1 <= error.retry_after_s < 60
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await client.say("One.")
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        retry, quotas = error_details_pb2.RetryInfo(), error_details_pb2.QuotaFailure()
        status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]  # an AioRpcError has all of a Call's that counts
        for detail in status.details:
            assert detail.Unpack(retry) or detail.Unpack(quotas) or detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)
        assert retry.retry_delay.ToNanoseconds() > 0
        assert quotas.violations[0].subject == "tts/parler"
        engine.hurry.set()
        first, _ = await asyncio.wait(taken, return_when=asyncio.FIRST_COMPLETED)
        assert len(first) == 1
        assert speech(await client.say("One.")).summary.tokens > 0
        for task in taken:
            speech(await task)


async def test_who_reads_nothing_holds_no_slot(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler(frames=250, slots=1, waiting=1)
    async with serving(engine) as client:
        # 250 kB, more than gRPC's buffers hold: the call stays open until its client reads.
        engine.hurry.clear()
        unread = client.stub.Synthesize(request(seed=1))
        await until(lambda: engine.status().slots_in_use == 1)
        engine.hurry.set()
        await until(lambda: is_idle(engine))
        assert not unread.done()
        assert speech(await client.say("Two.")).summary.tokens > 0
        assert speech(await client.rest(unread)).summary.tokens == 250


async def test_who_reads_nothing_is_not_made_audio_without_end(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any
) -> None:
    engine = parler(frames=20, slots=1, waiting=1)
    chunks = common_pb2.StreamingParameters(first_chunk_tokens=1, chunk_tokens=25)
    async with serving(engine) as client:
        unread = client.stub.Synthesize(request("One two. " * 30, chunks=chunks))
        # Whoever lets others run and waits for no part of the engine's waits for the client.
        async with asyncio.timeout(30):
            while not engine.utterances or engine.awaited or not is_idle(engine):
                await asyncio.sleep(0.001)
        assert len(engine.utterances) < 25
        assert speech(await client.say("Three.")).summary.tokens == 20
        assert speech(await client.rest(unread)).summary.tokens == 30 * 20
        assert len(engine.utterances) == 31


async def test_a_cancelled_call_frees_its_slot_and_its_place(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler(frames=LONG, slots=2, waiting=1)
    async with serving(engine) as client:
        engine.hurry.clear()
        calls = [client.stub.Synthesize(request(seed=seed)) for seed in range(2)]
        await until(lambda: engine.status().slots_in_use == 2)
        calls.append(client.stub.Synthesize(request(seed=2)))
        await until(lambda: engine.status().queue_depth == 1)
        calls[2].cancel()  # waits
        await until(lambda: engine.status().queue_depth == 0)
        while not (await calls[0].read()).HasField("audio"):
            pass
        calls[0].cancel()  # speaks
        await until(lambda: engine.status().slots_in_use == 1)
        engine.hurry.set()
        neighbour = speech(await client.rest(calls[1]))
        await until(lambda: is_idle(engine))
        assert steps_of(engine) < 1.5 * LONG
        again = speech(await client.say(TEXT, voice=common_pb2.Voice(language_code="en"), seed=1))
    # Who leaves changes nothing for those who stay.
    assert neighbour.summary.tokens == again.summary.tokens
    assert np.abs(neighbour.samples - again.samples).max() <= 1 / 32_768


async def test_a_client_that_vanishes_frees_its_slots(parler: Callable[..., Any], speech: Any, until: Any) -> None:
    engine = parler(frames=LONG, slots=2, waiting=2)
    config = Config(synthesis_cache_mb=0, engines={"*": "parler"})
    async with serve_at(assemble({"parler": engine}, config)) as served:
        engine.hurry.clear()
        async with create_channel(served.target) as channel:
            stub = tts_pb2_grpc.TextToSpeechStub(channel)
            calls: list[Any] = []
            for in_use, waiting in ((1, 0), (2, 0), (2, 1), (2, 2)):
                calls.append(stub.Synthesize(request(seed=len(calls))))
                await until(
                    lambda w=(in_use, waiting): (engine.status().slots_in_use, engine.status().queue_depth) == w
                )
            while not (await calls[0].read()).HasField("audio"):
                pass
        await until(lambda: is_idle(engine))
        assert steps_of(engine) < LONG  # none was spoken to its end
        engine.hurry.set()
        stub = tts_pb2_grpc.TextToSpeechStub(served.channel)
        # All four places are free again.
        responses = await asyncio.gather(*(_all(stub.Synthesize(request("1"))) for _ in range(4)))
        assert all(speech(each).summary.tokens > 0 for each in responses)


async def _all(call: Any) -> list[Any]:
    return [response async for response in call]


async def test_who_is_waited_for_goes_first(
    parler: Callable[..., Any], serving: Callable[..., Any], until: Any
) -> None:
    engine = parler(slots=1)
    order: list[str] = []
    async with serving(engine) as client:

        async def say(name: str, priority: Any) -> None:
            async for response in client.stub.Synthesize(request(f"{name}.", priority=priority)):
                if response.HasField("audio") and name not in order:
                    order.append(name)

        engine.hurry.clear()
        running = asyncio.create_task(say("running", common_pb2.PRIORITY_BATCH))
        await until(lambda: engine.status().slots_in_use == 1)
        waiting = [running]
        for name, priority in (
            ("batch", common_pb2.PRIORITY_BATCH),
            ("unsaid", common_pb2.PRIORITY_UNSPECIFIED),
            ("first", common_pb2.PRIORITY_FIRST_CLAUSE),
        ):
            waiting.append(asyncio.create_task(say(name, priority)))
            await until(lambda: engine.status().queue_depth == len(waiting) - 1)
        engine.hurry.set()
        await asyncio.gather(*waiting)
    assert order == ["running", "first", "unsaid", "batch"]


async def test_those_who_come_and_go_leave_nothing_behind(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler(frames=20, slots=4, waiting=12)
    async with serving(engine) as client:
        before = speech(await client.say(TEXT, seed=1))

        async def visit(number: int) -> None:
            call = client.stub.Synthesize(request(seed=number))
            for _ in range(number % 4):
                await call.read()
            call.cancel()

        for begin in range(0, 64, 16):
            await asyncio.gather(*map(visit, range(begin, begin + 16)))
        await until(lambda: is_idle(engine))
        # All places are free again: as many as there are find one.
        async with asyncio.timeout(30):
            full = await asyncio.gather(*(client.say(TEXT, seed=1) for _ in range(16)))
        assert all(np.abs(speech(each).samples - before.samples).max() <= 1 / 32_768 for each in full)
