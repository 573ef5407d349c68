"""What people and networks do to the real system: each gets a typed answer, nobody else notices, nothing is left behind."""

import asyncio
from typing import Any

import numpy as np
import pytest

from maatu_runtime import errors
from maatu_runtime.status import from_status

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE_HZ = 16_000
FRAME = RATE_HZ // 50


async def flood(conversation: Any, samples: np.ndarray, *, end: bool = True) -> None:
    """Sends samples as fast as the gateway takes them."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    for at in range(0, len(pcm), 5 * FRAME * 2):
        await conversation.send_audio(pcm[at : at + 5 * FRAME * 2])
    if end:
        await conversation.end()


async def test_silence_only_ends_quietly(real: Any) -> None:
    async with real.client() as client, client.converse("en-US") as conversation:
        await flood(conversation, np.zeros(3 * RATE_HZ, np.float32))
        async with asyncio.timeout(5):
            events = [event async for event in conversation]
    assert [event.WhichOneof("event") for event in events] == ["ready"]
    await real.until_idle()


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"\x01", "MALFORMED_AUDIO"), (b"\x01\x02\x03", "MALFORMED_AUDIO"), (bytes(300 * 1024), "MALFORMED_AUDIO")],
    ids=["half a sample", "odd", "too large"],
)
async def test_audio_that_does_not_decode_is_refused_within_a_second(real: Any, data: bytes, reason: str) -> None:
    async with real.client() as client, client.converse("en-US") as conversation:
        assert (await anext(conversation)).HasField("ready")
        await conversation.send_audio(data)
        with pytest.raises(errors.InvalidAudio) as caught:
            async with asyncio.timeout(1):
                await anext(conversation)
    assert caught.value.reason == reason
    await real.until_idle()


@pytest.mark.parametrize("language", ["xx", "not a language", ""])
async def test_a_language_nobody_speaks_is_refused_within_a_second(real: Any, language: str) -> None:
    async with real.client() as client, client.converse(language) as conversation:
        with pytest.raises(errors.UnsupportedLanguage):
            async with asyncio.timeout(1):
                await anext(conversation)


async def test_a_text_of_20000_characters_is_refused_and_the_next_answered(real: Any) -> None:
    async with real.client() as client, client.converse("en-US") as conversation:
        await conversation.send_text("a" * 20_000)
        await conversation.send_text("Hello.")
        await conversation.end()
        events = [event async for event in conversation]
    status = next(event.status for event in events if event.HasField("status"))
    error = from_status(status.status, hop="gateway")
    assert isinstance(error, errors.InvalidText)
    assert error.reason == "TEXT_TOO_LONG"
    assert events[-1].report.transcript == "Hello."


async def test_a_session_nobody_knows_is_refused_within_a_second(real: Any) -> None:
    async with real.client() as client, client.converse("en-US", session_id="forgotten") as conversation:
        with pytest.raises(errors.NotFound) as caught:
            async with asyncio.timeout(1):
                await anext(conversation)
    assert caught.value.reason == "SESSION_NOT_FOUND"


async def test_two_minutes_without_a_pause_are_cut_into_utterances_and_answered(real: Any) -> None:
    sentence = await real.say("and so my fellow americans ask not what your country can do for you", "en-US")
    voiced = sentence[np.abs(sentence) > 0.003]  # without the pauses that would end the utterance
    speech = np.tile(voiced, 1 + 120 * RATE_HZ // len(voiced))[: 120 * RATE_HZ]
    async with real.client() as client, client.converse("en-US", max_tokens=8) as conversation:
        sender = asyncio.create_task(flood(conversation, speech))
        async with asyncio.timeout(90):
            events = [event async for event in conversation]
        await sender
    finals = [event.transcript for event in events if event.HasField("transcript") and event.transcript.is_final]
    assert len(finals) >= 2
    ends = [event.WhichOneof("event") for event in events if event.WhichOneof("event") in ("report", "status")]
    assert len(ends) == len([final for final in finals if final.text.strip()])
    await real.until_idle()


async def test_a_client_that_vanishes_mid_sentence_leaves_nothing_and_others_do_not_notice(real: Any) -> None:
    question = await real.say("What is the capital of France?", "en-US")
    other = asyncio.create_task(real.converse(question, "en-US"))
    async with real.client() as client, client.converse("en-US") as conversation:
        await flood(conversation, question[: len(question) // 2], end=False)
        assert (await anext(conversation)).HasField("ready")
    async with real.client() as client, client.converse("en-US") as conversation:
        await conversation.send_text("Tell me a long story about the sea.")
        while not (await anext(conversation)).HasField("audio"):
            pass
    _, reply = await other
    assert "paris" in reply.reports[0].agent_text.lower()
    await real.until_idle()


@pytest.mark.parametrize("hop", ["tts", "agent", "stt", "translate"])
async def test_a_killed_service_is_named_within_a_second_and_serves_again_once_back(real: Any, hop: str) -> None:
    question = await real.say("¿Cuál es la capital de Francia?", "es-ES")

    async def attempt() -> Exception | None:
        """One Spanish turn; what stopped it."""
        async with real.client() as client, client.converse("es-ES") as conversation:
            await flood(conversation, np.concatenate([question, np.zeros(RATE_HZ, np.float32)]))
            async for event in conversation:
                if event.HasField("status"):
                    return from_status(event.status.status, hop="gateway")
        return None

    async with real.client() as client, client.converse("en-US") as bystander:
        assert (await anext(bystander)).HasField("ready")
        await real.stack.kill(hop)
        try:
            began = asyncio.get_running_loop().time()
            try:
                error = await attempt()
            except errors.MaatuError as refused:
                error = refused
            took_s = asyncio.get_running_loop().time() - began
        finally:
            await real.stack.start(hop)
        assert isinstance(error, errors.HopUnavailable), error
        assert error.metadata == {"hop": hop}
        # The hops before it had work to do first; the failure itself is told at once.
        assert took_s < 10
        await bystander.end()
        assert [event async for event in bystander] == []
    async with asyncio.timeout(30):
        while True:
            try:
                if await attempt() is None:
                    break
            except errors.Unavailable:
                await asyncio.sleep(0.2)
    await real.until_idle()
