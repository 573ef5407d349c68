"""The history, in a real Redis."""

import asyncio
from time import perf_counter

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from maatu_agent.history import History, TurnState
from maatu_agent.redis_process import RedisProcess
from maatu_runtime.errors import AlreadyExists, HopUnavailable, NotFound


async def _answered(history: History, session: str, turn: str, user: str = "u", agent: str = "a") -> None:
    beginning = await history.begin(session, turn, user)
    assert await history.complete(session, turn, beginning.position, agent)


async def test_a_turn_begins_open_and_is_read_by_later_ones_once_complete(history: History, session: str) -> None:
    first = await history.begin(session, "t1", "ಮಾತು?")
    assert first.earlier == ()
    [turn] = (await history.read(session)).turns
    assert (turn.user_text, turn.agent_text, turn.state) == ("ಮಾತು?", "", TurnState.OPEN)

    assert await history.complete(session, "t1", first.position, 'It is "speech".\n')
    [turn] = (await history.begin(session, "t2", "Thanks")).earlier
    assert (turn.turn_id, turn.user_text, turn.agent_text) == ("t1", "ಮಾತು?", 'It is "speech".\n')
    assert turn.state is TurnState.COMPLETE


async def test_an_open_turn_is_not_read_until_it_is_amended(history: History, session: str) -> None:
    await history.begin(session, "t1", "Tell me everything.")
    assert (await history.begin(session, "t2", "Stop.")).earlier == ()
    await history.amend(session, "t1", "Well, first")
    [turn] = (await history.begin(session, "t3", "Go on.")).earlier
    assert (turn.agent_text, turn.state) == ("Well, first", TurnState.AMENDED)


async def test_amending_replaces_a_whole_answer_and_an_earlier_amendment(history: History, session: str) -> None:
    await _answered(history, session, "t1", agent="all of it")
    for heard in ("all of", ""):
        await history.amend(session, "t1", heard)
        [turn] = (await history.read(session)).turns
        assert (turn.agent_text, turn.state) == (heard, TurnState.AMENDED)


async def test_what_was_heard_is_not_overwritten_by_an_answer_that_ends_later(history: History, session: str) -> None:
    beginning = await history.begin(session, "t1", "u")
    await history.amend(session, "t1", "heard")
    assert not await history.complete(session, "t1", beginning.position, "the whole answer")
    assert (await history.read(session)).turns[0].agent_text == "heard"


async def test_an_open_turn_begins_anew_and_its_first_attempt_writes_nothing(history: History, session: str) -> None:
    first = await history.begin(session, "t1", "before")
    second = await history.begin(session, "t1", "after")
    assert not await history.complete(session, "t1", first.position, "stale")
    assert await history.complete(session, "t1", second.position, "fresh")
    [turn] = (await history.read(session)).turns
    assert (turn.user_text, turn.agent_text) == ("after", "fresh")


async def test_an_answered_turn_does_not_begin_again(history: History, session: str) -> None:
    await _answered(history, session, "t1")
    with pytest.raises(AlreadyExists) as caught:
        await history.begin(session, "t1", "again")
    assert caught.value.field == "turn_id"


async def test_only_the_last_turns_are_remembered_and_dropped_ones_push_nothing_out(
    history: History, session: str
) -> None:
    for number in range(5):
        await _answered(history, session, f"t{number}")
        await history.begin(session, f"dropped{number}", "u")
    turns = (await history.read(session)).turns
    answered = [turn.turn_id for turn in turns if turn.state is not TurnState.OPEN]
    assert answered == ["t2", "t3", "t4"]
    assert len(turns) == 6
    assert [turn.turn_id for turn in (await history.begin(session, "t9", "u")).earlier] == answered


async def test_a_session_is_forgotten_after_its_time_which_each_turn_renews(redis: RedisProcess, session: str) -> None:
    history = History(redis.url, max_turns=3, ttl_s=180)
    raw = Redis.from_url(redis.url)
    [key] = [f"maatu:agent:session:{session}"]
    await _answered(history, session, "t1")
    assert 175 < (await history.read(session)).expires_in_s <= 180
    await raw.pexpire(key, 5_000)
    await history.begin(session, "t2", "u")
    assert (await history.read(session)).expires_in_s > 175
    await raw.pexpire(key, 5_000)
    await history.amend(session, "t2", "heard")
    assert (await history.read(session)).expires_in_s > 175
    await raw.pexpire(key, 0)
    with pytest.raises(NotFound):
        await history.read(session)
    await raw.aclose()
    await history.close()


async def test_sessions_know_nothing_of_each_other(history: History) -> None:
    await _answered(history, "one", "t1", user="mine")
    assert (await history.begin("two", "t1", "yours")).earlier == ()
    await history.delete("one")
    assert [turn.user_text for turn in (await history.read("two")).turns] == ["yours"]


async def test_what_is_unknown_is_not_found(history: History, session: str) -> None:
    for call in (history.amend(session, "t1", ""), history.delete(session), history.read(session)):
        with pytest.raises(NotFound) as caught:
            await call
        assert (caught.value.reason, caught.value.field) == ("SESSION_NOT_FOUND", "session_id")
    await history.begin(session, "t1", "u")
    with pytest.raises(NotFound) as caught:
        await history.amend(session, "t2", "")
    assert (caught.value.reason, caught.value.field) == ("TURN_NOT_FOUND", "turn_id")


async def test_an_answer_does_not_bring_a_forgotten_session_back(history: History, session: str) -> None:
    beginning = await history.begin(session, "t1", "u")
    await history.delete(session)
    assert not await history.complete(session, "t1", beginning.position, "a")
    with pytest.raises(NotFound):
        await history.read(session)


async def test_fifty_turns_at_once_each_keep_their_place(redis: RedisProcess, session: str) -> None:
    history = History(redis.url, max_turns=100, ttl_s=180)
    await asyncio.gather(*(_answered(history, session, f"t{n}", user=str(n), agent=str(n)) for n in range(50)))
    turns = (await history.read(session)).turns
    assert sorted(turn.position for turn in turns) == list(range(1, 51))
    assert all(turn.agent_text == turn.user_text for turn in turns)
    await history.close()


async def test_a_dead_redis_is_told_within_a_second(redis: RedisProcess, session: str) -> None:
    history = History(redis.url, max_turns=3, ttl_s=180)
    await history.begin(session, "t1", "u")
    await redis.stop()
    started = perf_counter()
    with capture_logs() as logs, pytest.raises(HopUnavailable) as caught:
        await history.begin(session, "t2", "u")
    assert perf_counter() - started < 1
    assert caught.value.metadata == {"hop": "redis"}
    assert caught.value.message == "the redis service does not answer"  # where it is, is the operator's business
    [line] = [line for line in logs if line["event"] == "redis_failed"]
    assert line["operation"] == "begin"
    assert redis.url.removeprefix("unix://") in line["detail"]
    await history.close()


async def test_a_silent_redis_is_told_within_a_second(session: str) -> None:
    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the client leaves
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        history = History(f"redis://127.0.0.1:{port}", max_turns=3, ttl_s=180)
        started = perf_counter()
        with pytest.raises(HopUnavailable, match=r"within 0\.8 s"):
            await history.begin(session, "t1", "u")
        assert perf_counter() - started < 1
        await history.close()


async def test_it_goes_on_when_redis_comes_back_without_its_scripts(history: History, redis: RedisProcess) -> None:
    await _answered(history, "before", "t1")
    raw = Redis.from_url(redis.url)
    await raw.script_flush()
    await raw.client_kill_filter(_type="normal", skipme=True)
    await raw.aclose()
    await _answered(history, "after", "t1")
    assert len((await history.read("after")).turns) == 1
