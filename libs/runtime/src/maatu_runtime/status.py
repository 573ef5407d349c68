"""How errors travel: one table from the exception tree to gRPC status codes, and google.rpc details both ways."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import grpc
from google.protobuf import any_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2
from grpc_status import rpc_status

from maatu_runtime import errors
from maatu_runtime.errors import MaatuError

DOMAIN = "maatu"
_STATUS_WAITS, _STATUS_WAIT_S = 50, 0.01
_endings: WeakKeyDictionary[grpc.aio.Call, grpc.aio.AioRpcError] = WeakKeyDictionary()
"""The status that each call of `keep_status` ended with first."""
C = TypeVar("C", bound=grpc.aio.Call)

CODES: dict[type[MaatuError], grpc.StatusCode] = {
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AlreadyExists: grpc.StatusCode.ALREADY_EXISTS,
    errors.Unsupported: grpc.StatusCode.FAILED_PRECONDITION,
    errors.CapacityExceeded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
}
"""The status of each branch of the tree; a class takes that of its nearest ancestor here."""

_CLASSES: dict[int, type[MaatuError]] = {code.value[0]: cls for cls, code in CODES.items()}

_REASONS: dict[str, type[MaatuError]] = {
    "MALFORMED_AUDIO": errors.InvalidAudio,
    "EMPTY_AUDIO": errors.InvalidAudio,
    "AUDIO_TOO_LONG": errors.InvalidAudio,
    "UNSUPPORTED_ENCODING": errors.InvalidAudio,
    "UNSUPPORTED_SAMPLE_RATE": errors.InvalidAudio,
    "EMPTY_TEXT": errors.InvalidText,
    "TEXT_TOO_LONG": errors.InvalidText,
    "AUDIO_BEFORE_CONFIG": errors.InvalidSequence,
    "DUPLICATE_CONFIG": errors.InvalidSequence,
    "UNEXPECTED_MESSAGE": errors.InvalidSequence,
    "UNSUPPORTED_LANGUAGE": errors.UnsupportedLanguage,
    "MODEL_NOT_INSTALLED": errors.ModelNotInstalled,
    "MODEL_FAILED": errors.ModelFailed,
}
"""Which class a reason makes of an answer from another service, where it is narrower than the code's."""


def code_of(error: MaatuError) -> grpc.StatusCode:
    """The gRPC status code of an expected error."""
    for cls in type(error).__mro__:
        if cls in CODES:
            return CODES[cls]
    return grpc.StatusCode.INTERNAL


def to_status(error: MaatuError) -> status_pb2.Status:
    """Writes an expected error as google.rpc.Status with ErrorInfo and whatever other details it has."""
    status = status_pb2.Status(code=code_of(error).value[0], message=error.message)
    _attach(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if error.field is not None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=error.message)
        _attach(status, error_details_pb2.BadRequest(field_violations=[violation]))
    if error.retry_after_s is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        _attach(status, retry)
    if isinstance(error, errors.CapacityExceeded) and error.quota is not None:
        quota = error_details_pb2.QuotaFailure.Violation(
            subject=error.quota.subject, description=f"at most {error.quota.limit} at once"
        )
        _attach(status, error_details_pb2.QuotaFailure(violations=[quota]))
    return status


def defect_status(trace_id: str) -> status_pb2.Status:
    """What a caller learns of a defect: that there is one, and the trace id under which the log has it."""
    status = status_pb2.Status(
        code=code_pb2.INTERNAL, message=f"a defect of Maatu; the log has it under trace {trace_id}"
    )
    info = error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN, metadata={"trace_id": trace_id})
    _attach(status, info)
    return status


def from_status(status: status_pb2.Status, *, hop: str) -> Exception:
    """Reads a google.rpc.Status back into the exception it was written from.

    Args:
        status: As `to_status` writes it, or any other service.
        hop: The service that answered, for the message of errors that are its own.

    Returns:
        A MaatuError, or RemoteDefect where the status stands for no expected error.
    """
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    quotas = error_details_pb2.QuotaFailure()
    found = {type(detail) for detail in (info, bad_request, retry, quotas) if _detach(status, detail)}
    cls = _REASONS.get(info.reason) or _CLASSES.get(status.code)
    if cls is None:
        return errors.RemoteDefect(hop, code_pb2.Code.Name(status.code), status.message)
    metadata = dict(info.metadata)
    wait_s = retry.retry_delay.ToNanoseconds() / 1e9 if error_details_pb2.RetryInfo in found else None
    if type(info) not in found:
        # The answer came from gRPC itself or a proxy, not from a servicer: nobody was reached, or time ran out.
        if status.code == code_pb2.UNAVAILABLE:
            return errors.HopUnavailable(hop, status.message)
        return cls(f"{hop}: {status.message}", metadata={"hop": hop})
    if issubclass(cls, errors.CapacityExceeded):
        quota = None
        if quotas.violations:
            first = quotas.violations[0]
            limit = "".join(filter(str.isdigit, first.description))
            quota = errors.Quota(first.subject, int(limit or 0))
        return cls(status.message, reason=info.reason, retry_after_s=wait_s or 1.0, quota=quota, metadata=metadata)
    if info.reason == errors.HopUnavailable.reason:
        return errors.HopUnavailable(metadata.get("hop", hop), message=status.message)
    if issubclass(cls, errors.Unavailable):
        return cls(status.message, reason=info.reason, retry_after_s=wait_s or 0.5, metadata=metadata)
    field = bad_request.field_violations[0].field if bad_request.field_violations else None
    return cls(status.message, reason=info.reason, field=field, retry_after_s=wait_s, metadata=metadata)


def from_rpc_error(error: grpc.aio.AioRpcError, *, hop: str) -> Exception:
    """Reads what a failed call raised back into the exception the other side raised. See `from_status`."""
    try:
        status = rpc_status.from_call(error)  # type: ignore[arg-type]
    except ValueError:  # details that do not match the code: not written by us
        status = None
    if _is_provisional(error):
        return errors.HopUnavailable(hop, "it ended the call while a message was being sent")
    if status is None:
        status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    return from_status(status, hop=hop)


def keep_status(call: C) -> C:
    """Has a call whose caller streams too remember what it ends with, for `why_it_failed`; returns the call."""
    call.add_done_callback(_remember)
    return call


async def why_it_failed(call: grpc.aio.Call, error: grpc.aio.AioRpcError, *, hop: str) -> Exception:
    """Like `from_rpc_error`, for calls whose caller streams too. They are to be made with `keep_status`.

    A message that is on its way when the other side ends the call makes grpc.aio set a status of its own, INTERNAL. Where the
    real one was there before, it is overwritten, and was kept; where it arrives a moment later, this waits for it.
    """
    for _ in range(_STATUS_WAITS):
        if not _is_provisional(error):
            break
        if (kept := _endings.get(call)) is not None and not _is_provisional(kept):
            error = kept
            break
        await asyncio.sleep(_STATUS_WAIT_S)
        error = grpc.aio.AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )
    return from_rpc_error(error, hop=hop)


def _remember(call: grpc.aio.Call) -> None:
    code, trailers, details = (_at_once(part) for part in (call.code(), call.trailing_metadata(), call.details()))
    _endings[call] = grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, details)


def _at_once(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that has nothing to wait for, as what asks a call that is over: a task would come too late."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    coroutine.close()
    raise AssertionError("it had to wait")


def _is_provisional(error: grpc.aio.AioRpcError) -> bool:
    """Whether grpc.aio made the status up because a write met the end of the call (grpc/aio/_call.py)."""
    return error.code() is grpc.StatusCode.INTERNAL and (error.details() or "").startswith("Internal error from Core")


def _attach(status: status_pb2.Status, detail: object) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)  # type: ignore[arg-type]
    status.details.append(packed)


def _detach(status: status_pb2.Status, into: object) -> bool:
    return any(packed.Unpack(into) for packed in status.details)
