"""The stream to a gateway. Where the gateway drains, another stream follows, and the conversation goes on over it."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain, repeat

import grpc

from maatu.v1 import gateway_pb2
from maatu_client.unanswered import Unanswered
from maatu_runtime.audio import AudioFormat
from maatu_runtime.errors import (
    CapacityExceeded,
    DeadlineExceeded,
    HopUnavailable,
    InvalidSequence,
    MaatuError,
    NotFound,
    RemoteDefect,
    Unavailable,
    is_shutting_down,
)
from maatu_runtime.status import from_status, why_it_failed

# Not structlog, as in the services: unconfigured, it writes to standard output, which belongs to the program this is part of.
log = logging.getLogger(__name__)
Call = grpc.aio.StreamStreamCall[gateway_pb2.ConverseRequest, gateway_pb2.ConverseResponse]

RESUME_WITHIN_S = 10.0
"""How long another gateway is looked for: a channel tries a lost server again within 2 s, a name is resolved anew within 1 s."""
_AGAIN_AFTER_S = (0.1, 0.2, 0.4, 0.8)
"""Pauses between tries; later ones are as long as the last."""


class ResumingStream:
    """A Converse stream, or as many, one after another, as a conversation takes.

    A gateway that drains says so by a status without a turn. Then a new stream is opened with the same config and session
    id, what got no `turn` event is said again on it, and the conversation goes on. One task may receive while others send.

    Args:
        open_call: Begins a call.
        config: Of the conversation.
        input_format: Of the audio that is sent.
        resume_within_s: How long another gateway is looked for. None: the goodbye is passed on, and the stream ends.
    """

    def __init__(
        self,
        open_call: Callable[[], Call],
        config: gateway_pb2.ConversationConfig,
        input_format: AudioFormat,
        resume_within_s: float | None,
    ) -> None:
        self._open_call = open_call
        self._config = config
        self._resume_within_s = resume_within_s
        self._unanswered = Unanswered(input_format)
        self._named_session_id = ""
        self._sending = asyncio.Lock()
        self._to_say: deque[gateway_pb2.ConverseRequest] = deque()
        self._saying_again: asyncio.Task[None] | None = None
        self._failure: MaatuError | RemoteDefect | None = None
        self._call = open_call()

    async def open(self) -> None:
        """Sends the config."""
        await self.send(gateway_pb2.ConverseRequest(config=self._config))

    async def close(self) -> None:
        """Ends the call."""
        self._call.cancel()
        if self._saying_again is not None:
            self._saying_again.cancel()
            await asyncio.wait([self._saying_again])

    async def send(self, request: gateway_pb2.ConverseRequest) -> None:
        """Sends a message; where a new stream is being told what the one before left unanswered, after that."""
        async with self._sending:
            if self._failure is not None:
                raise self._failure
            self._unanswered.sent(request)
            if self._saying_again is not None and not self._saying_again.done():
                self._to_say.append(request)
                return
            try:
                await self._write(request)
            except Unavailable as error:
                # Whoever receives meets the same end, and sees to it that the message is sent again.
                if not self._is_goodbye(error):
                    raise

    async def receive(self) -> gateway_pb2.ConversationEvent | None:
        """The next event; None where the gateway has answered everything."""
        while True:
            if self._failure is not None:
                raise self._failure
            try:
                event = await self._read()
                if event is not None and event.HasField("status") and not event.status.turn_id:
                    error = from_status(event.status.status, hop="gateway")
                    if isinstance(error, Unavailable) and self._is_goodbye(error):
                        raise error
            except Unavailable as error:
                if not self._is_goodbye(error):
                    raise
                event = await self._move(error)
            if event is None or self._unanswered.take(event):
                self._follow(event)
                return event

    def _is_goodbye(self, error: Unavailable) -> bool:
        return self._resume_within_s is not None and is_shutting_down(error)

    def _follow(self, event: gateway_pb2.ConversationEvent | None) -> None:
        """Learns the session's id and whether the agent has heard of it: the door lets in no session that it has not."""
        if event is None:
            return
        if event.HasField("ready"):
            self._named_session_id = event.ready.session_id
        elif event.HasField("agent_text"):
            self._config.session_id = self._named_session_id

    async def _move(self, goodbye: Unavailable) -> gateway_pb2.ConversationEvent:
        """Goes on over another stream; returns its `ready`."""
        # Nobody else writes now: grpc.aio raises CancelledError in a write whose call is cancelled.
        async with self._sending:
            if self._saying_again is not None:
                await asyncio.wait([self._saying_again])
            self._call.cancel()
            try:
                ready = await self._open_again(goodbye)
            except (MaatuError, RemoteDefect) as error:
                self._failure = error
                raise
            # In the background, for nobody else to wait for: a gateway whose answers are not read stops to listen.
            self._to_say = deque(self._unanswered.again())
            self._saying_again = asyncio.create_task(self._say_again())
            return ready

    async def _open_again(self, failure: MaatuError) -> gateway_pb2.ConversationEvent:
        try:
            async with asyncio.timeout(self._resume_within_s):
                for pause_s in _pauses_s():
                    try:
                        return await self._try_to_open()
                    except (Unavailable, DeadlineExceeded, CapacityExceeded) as error:
                        failure = error
                    except NotFound as error:
                        if not self._may_begin_anew(error):
                            raise
                        self._begin_anew()
                        continue
                    await asyncio.sleep(pause_s)
        except TimeoutError:
            pass
        raise failure

    def _may_begin_anew(self, error: NotFound) -> bool:
        """Whether only the history is gone: a session that this conversation had, and not one that the caller misnamed."""
        session_id = self._config.session_id
        return error.reason == NotFound.reason and session_id != "" and session_id == self._named_session_id

    def _begin_anew(self) -> None:
        # Without a replacement the stream goes on too when the history's lifetime is over: with an empty one.
        log.warning(
            "the history of session %s was forgotten: the conversation goes on in a new session, without it",
            self._config.session_id,
        )
        self._config.session_id = ""

    async def _try_to_open(self) -> gateway_pb2.ConversationEvent:
        self._call = self._open_call()
        try:
            await self._write(gateway_pb2.ConverseRequest(config=self._config))
            ready = await self._read()
            if ready is None:
                raise HopUnavailable("gateway", "it ended the stream")
        except BaseException:
            self._call.cancel()
            raise
        return ready

    async def _say_again(self) -> None:
        # Whoever receives meets the reason too.
        with suppress(MaatuError, RemoteDefect):
            while self._to_say:
                await self._write(self._to_say.popleft())

    async def _read(self) -> gateway_pb2.ConversationEvent | None:
        try:
            response = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise await why_it_failed(self._call, error, hop="gateway") from None
        return response.event if isinstance(response, gateway_pb2.ConverseResponse) else None  # EOF

    async def _write(self, request: gateway_pb2.ConverseRequest) -> None:
        """Writes a message; where the call has ended, raises why it did."""
        if not request.HasField("config"):
            # Headers mean that the gateway accepted the config; what is sent to a refused call loses the refusal's details.
            await self._call.initial_metadata()
        try:
            await self._call.write(request)
            if request.HasField("end_of_input"):
                await self._call.done_writing()
        except grpc.aio.AioRpcError as error:
            raise await why_it_failed(self._call, error, hop="gateway") from None
        except asyncio.InvalidStateError:
            # grpc.aio says only that the call is over; its status says why.
            raise await self._why_it_ended() from None

    async def _why_it_ended(self) -> Exception:
        call = self._call
        code = await call.code()
        if code is grpc.StatusCode.OK:
            return InvalidSequence("the conversation is over")
        headers, trailers = await call.initial_metadata(), await call.trailing_metadata()
        error = grpc.aio.AioRpcError(code, headers, trailers, await call.details())
        return await why_it_failed(call, error, hop="gateway")


def _pauses_s() -> Iterator[float]:
    return chain(_AGAIN_AFTER_S, repeat(_AGAIN_AFTER_S[-1]))
