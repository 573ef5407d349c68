"""What surrounds every call, outermost first: telemetry → errors → limiter.

Each layer is an asynchronous context manager around one call. They are applied by a single interceptor, which runs every
handler as one coroutine in one task; a generator handler is closed explicitly, so that what it holds is released at once
when the client leaves, not when the garbage collector comes by.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import grpc
import structlog
from grpc_status import rpc_status
from opentelemetry.trace import Span, StatusCode, Tracer

from maatu_runtime import metrics
from maatu_runtime.errors import CapacityExceeded, DeadlineExceeded, MaatuError, Quota, Unavailable, is_shutting_down
from maatu_runtime.status import code_of, defect_status, to_status
from maatu_runtime.telemetry import server_span, trace_id_of

log = structlog.get_logger()
_NO_RETRY = ("grpc-retry-pushback-ms", "-1")
"""Trailing metadata that ends a client's retries (gRFC A6)."""


@dataclass
class Call:
    """One call on its way through the layers."""

    service: str
    """Name of the service: "tts"."""
    method: str
    """Full method: "/maatu.v1.TextToSpeech/Synthesize"."""
    context: Any
    """grpc.aio.ServicerContext of the call."""
    arrived: float
    """perf_counter() at its arrival, seconds."""
    span: Span | None = None
    """The call's server span, once telemetry has begun it."""
    code: grpc.StatusCode = grpc.StatusCode.OK
    """How it ended."""
    on_first_response: list[Callable[[], None]] = field(default_factory=list)
    """Called when the first response is about to be sent."""

    @property
    def trace_id(self) -> str:
        """W3C trace id, 32 hexadecimal digits."""
        return trace_id_of(self.span) if self.span is not None else ""


Layer = Callable[[Call], AbstractAsyncContextManager[None]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Runs every call of the Maatu services inside the given layers. Health and reflection pass untouched.

    Args:
        service: Name of the service: "tts".
        layers: Outermost first.
        write_timeout_s: How long a response may wait for its reader.
    """

    def __init__(self, service: str, layers: Sequence[Layer], *, write_timeout_s: float) -> None:
        self._service = service
        self._layers = layers
        self._write_timeout_s = write_timeout_s

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """Wraps the handler of a call. Called by gRPC."""
        handler = await continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or not method.startswith("/maatu."):
            return handler
        serializers = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.response_streaming:
            behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
            wrapped = self._streaming(behaviour, method)
            if handler.request_streaming:
                return grpc.stream_stream_rpc_method_handler(wrapped, **serializers)
            return grpc.unary_stream_rpc_method_handler(wrapped, **serializers)
        return grpc.unary_unary_rpc_method_handler(self._unary(handler.unary_unary, method), **serializers)

    def _streaming(self, behaviour: Callable[[Any, Any], AsyncIterator[Any]], method: str) -> Any:
        async def handle(request: Any, context: Any) -> None:
            async with self._around(method, context) as call, aclosing(behaviour(request, context)) as responses:  # type: ignore[type-var]
                async for response in responses:
                    _first_response(call)
                    await self._write(context, response)

        return handle

    async def _write(self, context: Any, response: Any) -> None:
        """Sends a response. Whoever does not read holds its place for so long and no longer."""
        try:
            async with asyncio.timeout(self._write_timeout_s):
                await context.write(response)
        except TimeoutError:
            raise DeadlineExceeded(f"nobody read the answer for {self._write_timeout_s:g} s") from None

    def _unary(self, behaviour: Callable[[Any, Any], Awaitable[Any]], method: str) -> Any:
        async def handle(request: Any, context: Any) -> Any:
            async with self._around(method, context) as call:
                response = await behaviour(request, context)
                _first_response(call)
                return response

        return handle

    @asynccontextmanager
    async def _around(self, method: str, context: Any) -> AsyncIterator[Call]:
        call = Call(self._service, method, context, perf_counter())
        async with AsyncExitStack() as stack:
            for layer in self._layers:
                await stack.enter_async_context(layer(call))
            yield call


def _first_response(call: Call) -> None:
    while call.on_first_response:
        call.on_first_response.pop()()


def telemetry_layer(tracer: Tracer) -> Layer:
    """Opens the call's span, binds its trace id to the log, and records the metrics of all calls."""

    @asynccontextmanager
    async def layer(call: Call) -> AsyncIterator[None]:
        labels = (call.service, call.method.rpartition("/")[2])
        first = metrics.RPC_FIRST_RESPONSE.labels(*labels)
        call.on_first_response.append(lambda: first.observe(perf_counter() - call.arrived))
        with (
            server_span(tracer, call.method, call.context.invocation_metadata() or ()) as call.span,
            structlog.contextvars.bound_contextvars(trace_id=call.trace_id, method=labels[1]),
            metrics.RPCS_IN_PROGRESS.labels(*labels).track_inprogress(),
        ):
            try:
                yield
            except asyncio.CancelledError:
                call.code = grpc.StatusCode.CANCELLED
                raise
            finally:
                call.span.set_attribute("rpc.grpc.status_code", call.code.value[0])
                if call.code is not grpc.StatusCode.OK:
                    call.span.set_status(StatusCode.ERROR, call.code.name)
                metrics.RPC_DURATION.labels(*labels, call.code.name).observe(perf_counter() - call.arrived)

    return layer


def errors_layer() -> Layer:
    """Answers expected errors with their status and everything else with INTERNAL; nothing is swallowed."""

    @asynccontextmanager
    async def layer(call: Call) -> AsyncIterator[None]:
        try:
            yield
        except MaatuError as error:
            call.code = code_of(error)
            metrics.ERRORS.labels(call.service, error.reason).inc()
            log.info("call_refused", reason=error.reason, code=call.code.name, detail=error.message)
            await call.context.abort_with_status(_final(error))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Nobody cancelled this call: the handler itself let a CancelledError escape, and grpc.aio would leave the
            # client waiting for its deadline (grpc/grpc#29248).
            await _answer_defect(call)
        except Exception:
            await _answer_defect(call)

    return layer


def _final(error: MaatuError) -> Any:
    """The status of an error, with the word that gRPC's own retries are to leave it alone. A server that drains is none of
    those: another one takes the call."""
    status: Any = rpc_status.to_status(to_status(error))
    if is_shutting_down(error):
        return status
    return status._replace(trailing_metadata=(*status.trailing_metadata, _NO_RETRY))


async def _answer_defect(call: Call) -> None:
    call.code = grpc.StatusCode.INTERNAL
    metrics.ERRORS.labels(call.service, "INTERNAL").inc()
    log.exception("defect")
    await call.context.abort_with_status(rpc_status.to_status(defect_status(call.trace_id)))


def limiter_layer(limit: int, *, is_draining: Callable[[], bool] = lambda: False) -> Layer:
    """Refuses a call at the door when `limit` calls of its method are being served, or the server is draining.

    grpc's own maximum_concurrent_rpcs counts health checks too and refuses without details.
    """
    in_progress: Counter[str] = Counter()

    @asynccontextmanager
    async def layer(call: Call) -> AsyncIterator[None]:
        if is_draining():
            raise Unavailable(f"this {call.service} server is shutting down: connect again")
        if in_progress[call.method] >= limit:
            quota = Quota(f"{call.service}/{call.method.rpartition('/')[2]}", limit)
            raise CapacityExceeded(f"all {limit} places of {call.method.lstrip('/')} are taken", quota=quota)
        in_progress[call.method] += 1
        try:
            yield
        finally:
            in_progress[call.method] -= 1

    return layer
