"""The OpenAI-compatible backend against a real HTTP server that speaks the protocol."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import pytest

from maatu_agent import metrics
from maatu_agent.backends import openai_compatible
from maatu_agent.backends.base import Done, FinishReason, GenerationOptions, Message, Prompt, Role, Token
from maatu_agent.backends.openai_compatible import OpenAiCompatible, OpenAiSettings
from maatu_agent.config import Config
from maatu_agent.service import assemble
from maatu_agent.testing import AgentClient
from maatu_runtime.errors import (
    CapacityExceeded,
    HopUnavailable,
    InvalidText,
    MaatuError,
    ModelFailed,
    Unsupported,
)
from maatu_runtime.testing import serve

_PROMPT = Prompt((Message(Role.SYSTEM, "Be brief."),), (Message(Role.USER, "Hi ಮಾತು"),))
_OPTIONS = GenerationOptions(max_tokens=7, temperature=0.5, seed=3)


@dataclass
class Connection:
    """One request that came, and the way to answer it."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    writer: asyncio.StreamWriter
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once the client has closed the connection."""

    async def head(self, status: str = "200 OK", **headers: str) -> None:
        """Writes the status and headers of a stream that ends with the connection."""
        lines = [f"HTTP/1.1 {status}", "Content-Type: text/event-stream", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.writer.drain()

    async def event(self, data: object) -> None:
        """Writes one server-sent event: bytes and text as they are, everything else as JSON."""
        if not isinstance(data, bytes):
            data = (data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)).encode()
        self.writer.write(b"data: %b\n\n" % data)
        await self.writer.drain()

    async def text(self, text: str, finish: str | None = None) -> None:
        """Writes a chunk of the answer."""
        choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
        await self.event({"id": "1", "object": "chat.completion.chunk", "choices": [choice]})

    async def refuse(self, status: str, message: str, **headers: str) -> None:
        """Answers with an error as such servers do."""
        await self.head(status, **headers)
        self.writer.write(json.dumps({"error": {"message": message}}).encode())


Behaviour = Callable[[Connection], Coroutine[Any, Any, None]]


@asynccontextmanager
async def _serving(
    behaviour: Behaviour, *, token_timeout_s: float = 5.0
) -> AsyncIterator[tuple[OpenAiCompatible, list[Connection]]]:
    """A model behind a server that answers each request by `behaviour`."""
    connections: list[Connection] = []
    tasks: list[asyncio.Task[None]] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers["content-length"])))
        connection = Connection(head[0].split()[1], headers, body, writer)
        connections.append(connection)
        answering = asyncio.create_task(behaviour(connection))
        watching = asyncio.create_task(reader.read(1))
        await asyncio.wait([answering, watching], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            connection.gone.set()
        answering.cancel()
        watching.cancel()
        await asyncio.gather(answering, watching, return_exceptions=True)
        writer.close()
        with suppress(ConnectionError):  # the client may have broken it off
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(handle(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = OpenAiSettings(
            base_url=f"http://127.0.0.1:{port}/v1", model="llama", api_key="key", token_timeout_s=token_timeout_s
        )
        model = OpenAiCompatible(settings)
        await model.load(())
        yield model, connections
        await model.close()
        await asyncio.gather(*tasks)


async def _collect(model: OpenAiCompatible, options: GenerationOptions = _OPTIONS) -> tuple[list[str], Done]:
    *tokens, done = [event async for event in model.stream(_PROMPT, options)]
    assert isinstance(done, Done)
    return [token.text for token in tokens if isinstance(token, Token)], done


async def _say_hello(connection: Connection) -> None:
    await connection.head()
    await connection.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
    for word in ("Hello", ", ಮಾತು", "!"):
        await connection.text(word)
    await connection.text("", finish="stop")
    await connection.event({"choices": [], "usage": {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}})
    await connection.event("[DONE]")


async def test_an_answer_is_streamed() -> None:
    async with _serving(_say_hello) as (model, connections):
        tokens, done = await _collect(model)
    assert tokens == ["Hello", ", ಮಾತು", "!"]
    assert done == Done(FinishReason.STOP, 11, 3, "llama")
    [request] = connections
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer key"
    assert request.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi ಮಾತು"},
    ]
    wanted = {"model": "llama", "max_tokens": 7, "temperature": 0.5, "seed": 3, "stream": True}
    assert request.body | wanted == request.body


async def test_the_model_of_the_request_is_asked_for_and_no_seed_sent_where_none_is_given() -> None:
    async with _serving(_say_hello) as (model, connections):
        _, done = await _collect(model, GenerationOptions(max_tokens=1, model="qwen"))
    assert done.model == connections[0].body["model"] == "qwen"
    assert "seed" not in connections[0].body


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("length", FinishReason.LENGTH), ("content_filter", FinishReason.SAFETY), ("new_kind", FinishReason.STOP)],
)
async def test_why_an_answer_ended(reason: str, expected: FinishReason) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("x", finish=reason)
        await connection.event("[DONE]")

    async with _serving(behaviour) as (model, _):
        assert (await _collect(model))[1].finish_reason is expected


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        ("429 Too Many Requests", "busy", CapacityExceeded),
        ("404 Not Found", "no such model", Unsupported),
        ("400 Bad Request", "the maximum context length is 10", InvalidText),
        ("400 Bad Request", "no logprobs here", Unsupported),
        ("401 Unauthorized", "bad key", HopUnavailable),
        ("500 Internal Server Error", "CUDA out of memory", ModelFailed),
        ("503 Service Unavailable", "loading", HopUnavailable),
    ],
)
async def test_refusals_are_typed(status: str, message: str, kind: type[MaatuError]) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.refuse(status, message, Retry_After="7")

    async with _serving(behaviour) as (model, connections):
        with pytest.raises(kind) as caught:
            await _collect(model)
    assert type(caught.value) is kind
    assert len(connections) == 1  # not tried again here
    if kind is CapacityExceeded:
        assert caught.value.retry_after_s == 7
    if kind is HopUnavailable:
        assert caught.value.metadata == {"hop": "llm"}


@pytest.mark.parametrize(("header", "seconds"), [("inf", 3600), ("1e30", 3600), ("-5", 0), ("nan", 0), ("soon", 1)])
async def test_a_wait_that_makes_no_sense_is_none_of_ours(header: str, seconds: float) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.refuse("429 Too Many Requests", "busy", Retry_After=header)

    async with _serving(behaviour) as (model, _):
        with pytest.raises(CapacityExceeded) as caught:
            await _collect(model)
    assert caught.value.retry_after_s == seconds


async def test_an_error_within_the_stream_is_typed() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")
        await connection.event({"error": {"message": "engine died", "code": 500}})

    async with _serving(behaviour) as (model, _):
        with pytest.raises(ModelFailed, match="engine died"):
            await _collect(model)


@pytest.mark.parametrize(
    "garbage",
    [
        "this is {no json",
        b"\xff\xfe",
        "[" * 100_000,
        "null",
        "7",
        [1, 2],
        {"choices": 5},
        {"choices": {"0": {}}},
        {"choices": [None]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": {"content": 5}}]},
        {"choices": [{"index": 0, "delta": {"content": ["Hel"]}}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": ["stop"]}]},
    ],
    ids=lambda garbage: str(garbage)[:30],
)
async def test_what_is_not_the_chat_api_is_typed(garbage: object) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")
        await connection.event(garbage)
        await connection.gone.wait()

    async with _serving(behaviour) as (model, connections):
        with pytest.raises(ModelFailed, match=r"llama streams what is not the chat API: .") as caught:
            await _collect(model)
        await asyncio.wait_for(connections[0].gone.wait(), 5)
    assert len(caught.value.message) < 200  # it travels in a header, however much the server sent


async def test_a_defect_of_ours_is_not_taken_for_the_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(message: Message) -> None:
        raise TypeError("a defect")

    monkeypatch.setattr(openai_compatible, "_param", broken)
    async with _serving(_say_hello) as (model, _):
        with pytest.raises(TypeError, match="a defect"):
            await _collect(model)


@pytest.mark.parametrize(
    ("last", "tokens"),
    [
        ({"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": 3}}, (0, 3)),
        ({"choices": [], "usage": {"prompt_tokens": 11}}, (11, 0)),
        ({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2**31}}, (0, 0)),
        ({"choices": [], "usage": {"prompt_tokens": "many", "completion_tokens": 1.5}}, (0, 0)),
        ({"choices": [], "usage": 5}, (0, 0)),
        ({"choices": None, "usage": {"prompt_tokens": 11, "completion_tokens": 3}}, (11, 3)),
        ({"usage": {"prompt_tokens": 11, "completion_tokens": 3}}, (11, 3)),
    ],
)
async def test_an_answer_is_not_lost_for_want_of_its_figures_or_of_choices(
    last: object, tokens: tuple[int, int]
) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.event({"choices": None})
        await connection.text("Hello", finish="stop")
        await connection.event(last)
        await connection.event("[DONE]")

    async with _serving(behaviour) as (model, _):
        assert await _collect(model) == (["Hello"], Done(FinishReason.STOP, *tokens, "llama"))


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([r"Hi \ud83d", "!"], ["Hi ", "\ufffd!"]),
        ([r"Hi \ud83d"], ["Hi ", "\ufffd"]),
        ([r"\ude00 Hi"], ["\ufffd Hi"]),
        ([r"Hi \ud83d", r"\ude00!"], ["Hi ", "😀!"]),
        ([r"Hi \ud83d\ude00!"], ["Hi 😀!"]),
    ],
)
async def test_half_a_character_is_replaced_or_put_together(pieces: list[str], expected: list[str]) -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        for piece in pieces:
            await connection.event(f'{{"choices": [{{"index": 0, "delta": {{"content": "{piece}"}}}}]}}')
        await connection.text("", finish="stop")
        await connection.event("[DONE]")

    async with _serving(behaviour) as (model, _):
        assert (await _collect(model))[0] == expected


async def test_half_a_character_in_an_error_is_replaced() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.event(r'{"error": {"message": "died \ud83d!"}}')

    async with _serving(behaviour) as (model, _):
        with pytest.raises(ModelFailed, match="died \ufffd!"):
            await _collect(model)


async def test_names_of_models_that_clients_make_up_are_one_label() -> None:
    made_up = {f"made-up-{number}" for number in range(5)}
    async with (
        _serving(_say_hello) as (model, connections),
        serve(assemble(model, Config(backend="fake"))) as channel,
    ):
        client = AgentClient(channel)
        assert (await client.ask("Hi")).model == "llama"
        for name in made_up:
            assert (await client.ask("Hi", name, model=name)).model == name
    assert {connection.body["model"] for connection in connections} == {"llama", *made_up}
    for metric in (metrics.FIRST_TOKEN, metrics.TOKENS_PER_SECOND, metrics.TOKENS, metrics.ANSWERS):
        [family] = metric.collect()
        labels = {sample.labels["model"] for sample in family.samples}
        assert labels >= {"llama", "other"}
        assert not labels & made_up


async def test_a_server_that_is_not_there_is_told_at_once() -> None:
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    model = OpenAiCompatible(OpenAiSettings(base_url=f"http://127.0.0.1:{port}/v1", model="llama"))
    started = perf_counter()
    with pytest.raises(HopUnavailable) as caught:
        await _collect(model)
    assert perf_counter() - started < 1
    assert caught.value.metadata == {"hop": "llm"}
    await model.close()


async def test_a_silent_server_is_told_after_the_timeout() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.gone.wait()

    async with _serving(behaviour, token_timeout_s=0.2) as (model, _):
        with pytest.raises(HopUnavailable, match=r"no token within 0\.2 s"):
            await _collect(model)


async def test_a_stream_that_falls_silent_is_told_after_the_timeout() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")
        await connection.gone.wait()

    async with _serving(behaviour, token_timeout_s=0.2) as (model, _):
        with pytest.raises(HopUnavailable, match=r"no token within 0\.2 s"):
            await _collect(model)


async def test_a_stream_that_breaks_off_is_told() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")

    async with _serving(behaviour) as (model, _):
        with pytest.raises(HopUnavailable, match="broke off"):
            await _collect(model)


async def test_a_consumer_that_leaves_closes_the_connection() -> None:
    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")
        await connection.gone.wait()

    async with _serving(behaviour) as (model, connections):
        async with aclosing(model.stream(_PROMPT, _OPTIONS)) as events:
            assert await anext(events) == Token("Hel")
        await asyncio.wait_for(connections[0].gone.wait(), 5)


async def test_a_cancelled_reader_closes_the_connection() -> None:
    begun = asyncio.Event()

    async def behaviour(connection: Connection) -> None:
        await connection.head()
        await connection.text("Hel")
        await connection.gone.wait()

    async with _serving(behaviour) as (model, connections):

        async def read() -> None:
            async with aclosing(model.stream(_PROMPT, _OPTIONS)) as events:
                async for _ in events:
                    begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(connections[0].gone.wait(), 5)
