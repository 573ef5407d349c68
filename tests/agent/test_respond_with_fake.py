"""The service over gRPC, with the fake model and a real Redis."""

import asyncio

import pytest
from prometheus_client import Counter, Gauge
from redis.asyncio import Redis

from maatu.v1 import agent_pb2, common_pb2
from maatu_agent import metrics
from maatu_agent.backends.base import Message, Role
from maatu_agent.backends.fake import FakeLanguageModel, FakeScript
from maatu_agent.config import Config
from maatu_agent.prompt import SYSTEM_PROMPT
from maatu_agent.redis_process import RedisProcess
from maatu_agent.service import assemble
from maatu_agent.testing import AgentClient, Call, make_request
from maatu_runtime.errors import AlreadyExists, CapacityExceeded, HopUnavailable, ModelFailed, NotFound
from maatu_runtime.testing import serve


async def _until_running(script: FakeScript, count: int) -> None:
    async with asyncio.timeout(5):
        while script.running != count:
            await asyncio.sleep(0)


async def test_an_answer_comes_in_deltas_and_ends_with_done_with_fake(client: AgentClient, script: FakeScript) -> None:
    script.answer = "Paris, of course."
    script.first_token_delay_s = 0.02
    done = await client.ask("What is the capital of France?")
    assert done.text == "Paris, of course."
    assert done.finish_reason == agent_pb2.FINISH_REASON_STOP
    assert (done.completion_tokens, done.model, done.history_turns, done.cached) == (3, "fake", 0, False)
    assert done.prompt_tokens > 30
    assert done.time_to_first_token.ToMilliseconds() >= 20
    assert await client.turns() == [("What is the capital of France?", "Paris, of course.", False)]


async def test_deltas_come_while_the_answer_is_being_made_with_fake(client: AgentClient, script: FakeScript) -> None:
    script.hold_after = 2
    call = client.respond(make_request("Go on."))
    assert [(await client.next_response(call)).delta.text for _ in range(2)] == ["The", " first"]
    assert await client.turns() == [("Go on.", "", True)]
    script.release.set()
    assert [response.WhichOneof("event") async for response in call][-1] == "done"


async def test_the_prompt_holds_instructions_examples_and_earlier_turns_with_fake(
    client: AgentClient, script: FakeScript
) -> None:
    script.answer = "Hello, Ada."
    await client.ask("I am Ada.", "t1")
    done = await client.ask("Who am I?", "t2")
    assert done.history_turns == 1
    prompt = script.prompts[-1]
    assert prompt.preamble[0] == Message(Role.SYSTEM, SYSTEM_PROMPT)
    assert [(message.role.value, message.text) for message in prompt.conversation] == [
        ("user", "I am Ada."),
        ("assistant", "Hello, Ada."),
        ("user", "Who am I?"),
    ]


async def test_options_reach_the_model_with_fake(client: AgentClient, script: FakeScript) -> None:
    done = await client.ask("Hi", system_prompt="Be curt.", max_tokens=2, temperature=0.5, seed=7, model="x")
    assert (done.text, done.finish_reason) == ("The first", agent_pb2.FINISH_REASON_LENGTH)
    assert script.prompts[0].preamble == (Message(Role.SYSTEM, "Be curt."),)
    options = script.options[0]
    assert (options.max_tokens, options.temperature, options.seed, options.model) == (2, 0.5, 7, "x")


async def test_a_cancelled_turn_stays_open_and_out_of_the_prompt_until_amended_with_fake(
    client: AgentClient, script: FakeScript
) -> None:
    script.hold_after = 3
    abandoned = _value(metrics.ABANDONED)
    call = client.respond(make_request("Tell me a story.", "t1"))
    for _ in range(3):
        await client.next_response(call)
    call.cancel()
    await _until_running(script, 0)
    assert _value(metrics.ABANDONED) == abandoned + 1
    script.hold_after = None
    assert (await client.ask("Stop.", "t2")).history_turns == 0

    await client.amend("The first", "t1")
    assert (await client.turns())[0] == ("Tell me a story.", "The first", False)
    assert (await client.ask("Go on.", "t3")).history_turns == 2
    assert script.prompts[-1].conversation[:2] == (
        Message(Role.USER, "Tell me a story."),
        Message(Role.ASSISTANT, "The first"),
    )


async def test_a_turn_of_which_nothing_was_heard_is_only_what_the_person_said_with_fake(
    client: AgentClient, script: FakeScript
) -> None:
    await client.ask("What is", "t1")
    await client.amend("", "t1")
    await client.ask("the capital of France?", "t2")
    assert script.prompts[-1].conversation == (Message(Role.USER, "What is\nthe capital of France?"),)


async def test_an_answered_turn_is_not_answered_again_with_fake(client: AgentClient, script: FakeScript) -> None:
    await client.ask("Hi")
    error = await client.refusal(client.ask("Hi again"))
    assert isinstance(error, AlreadyExists)
    assert len(script.prompts) == 1


async def test_a_failed_turn_may_be_tried_again_with_fake(client: AgentClient, script: FakeScript) -> None:
    script.error, script.error_after = ModelFailed("out of memory"), 2
    error = await client.refusal(client.ask("Hi"))
    assert isinstance(error, ModelFailed)
    assert script.running == 0
    script.error = None
    await client.ask("Hi")
    assert len(await client.turns()) == 1


async def test_a_full_house_is_refused_and_a_waiter_served_with_fake(client: AgentClient, script: FakeScript) -> None:
    script.hold_after = 1
    first = asyncio.create_task(client.ask("one", session="a"))
    await _until_running(script, 1)
    waiter = client.respond(make_request("two", session="b"))
    reading = asyncio.create_task(client.next_response(waiter))
    async with asyncio.timeout(5):
        while _value(metrics.WAITING) != 1:
            await asyncio.sleep(0.001)
    error = await client.refusal(client.ask("three", session="c"))
    assert isinstance(error, CapacityExceeded)
    assert error.quota is not None
    assert error.quota.subject == "agent/generations"
    assert isinstance(await client.refusal(client.session("c")), NotFound)  # refused at the door: nothing was written
    script.release.set()
    await first
    assert (await reading).delta.text == "The"
    async for _ in waiter:
        pass


def _value(metric: Counter | Gauge) -> float:
    [family] = metric.collect()
    return family.samples[0].value


async def test_more_urgent_requests_go_first_with_fake(client: AgentClient, script: FakeScript) -> None:
    for priority in (common_pb2.PRIORITY_BATCH, common_pb2.PRIORITY_FIRST_CLAUSE, common_pb2.PRIORITY_UNSPECIFIED):
        message = make_request("Hi", turn=f"t{priority}")
        message.priority = priority
        assert [response async for response in client.respond(message)][-1].HasField("done")


async def test_a_deleted_session_is_forgotten_with_fake(client: AgentClient) -> None:
    await client.ask("Hi")
    await client.delete()
    assert isinstance(await client.refusal(client.session("s1")), NotFound)
    await client.ask("Hi")  # the turn's id is free again


async def test_the_session_says_when_it_will_be_forgotten_with_fake(client: AgentClient) -> None:
    await client.ask("Hi")
    assert 170 < (await client.session("s1")).expires_in.ToSeconds() <= 180


@pytest.fixture
def held() -> FakeScript:
    return FakeScript(hold_after=1)


async def test_redis_down_refuses_new_turns_but_not_an_answer_under_way_with_fake(
    held: FakeScript, redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAATU_REDIS_URL", redis.url)
    async with serve(assemble(FakeLanguageModel(held), Config(backend="fake"))) as channel:
        client = AgentClient(channel)
        lost = _value(metrics.HISTORY_LOST)
        call = client.respond(make_request("Hi"))
        await client.next_response(call)
        await redis.stop()
        held.release.set()
        assert [response async for response in call][-1].done.text == held.answer
        assert _value(metrics.HISTORY_LOST) == lost + 1
        started = asyncio.get_running_loop().time()
        error = await client.refusal(client.ask("Hi", "t2"))
        assert isinstance(error, HopUnavailable)
        assert error.metadata == {"hop": "redis"}
        assert asyncio.get_running_loop().time() - started < 1


async def test_a_given_redis_is_used_and_left_running_with_fake(
    script: FakeScript, redis: RedisProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAATU_REDIS_URL", redis.url)
    async with serve(assemble(FakeLanguageModel(script), Config(backend="fake"))) as channel:
        await AgentClient(channel).ask("Hi")
    raw = Redis.from_url(redis.url)
    assert await raw.keys() == [b"maatu:agent:session:s1"]
    await raw.aclose()


async def test_a_client_that_vanishes_frees_its_place_with_fake(client: AgentClient, script: FakeScript) -> None:
    script.hold_after = 1
    calls: list[Call] = []
    for number in range(3):  # there is one place
        calls.append(client.respond(make_request("Hi", session=f"gone{number}")))
        await client.next_response(calls[-1])
        calls[-1].cancel()
        await _until_running(script, 0)
    script.hold_after = None
    await client.ask("Hi")
