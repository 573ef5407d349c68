"""Every error that a caller of Maatu may meet.

    MaatuError
    ├── InvalidRequest          INVALID_ARGUMENT     the caller must change the request
    │   ├── InvalidAudio                             … the audio, or its declared format
    │   ├── InvalidText                              … the text: empty, too long
    │   ├── InvalidSequence                          … the order of a stream's messages
    │   └── UnsupportedLanguage                      … the language; the message lists those served
    ├── NotFound                NOT_FOUND            the thing named does not exist here
    ├── AlreadyExists           ALREADY_EXISTS       the name is taken at present
    ├── Unsupported             FAILED_PRECONDITION  the engine in use cannot do it
    │   └── ModelNotInstalled                        … for want of a model; the message says how to get it
    ├── CapacityExceeded        RESOURCE_EXHAUSTED   all places are taken; come back after `retry_after_s`
    ├── Unavailable             UNAVAILABLE          try again, here or elsewhere
    │   ├── HopUnavailable                           … a service behind this one does not answer
    │   └── ModelFailed                              … the model broke on this request
    ├── DeadlineExceeded        DEADLINE_EXCEEDED    time ran out
    └── Unauthenticated         UNAUTHENTICATED      no or a wrong credential

An expected error tells the caller what to change. Everything else is a defect: it reaches the caller as INTERNAL with a trace
id and the log with its traceback. Engines raise these types too; they know nothing of gRPC. How they travel is in
`maatu_runtime.status`.
"""

from collections.abc import Mapping
from dataclasses import dataclass


class MaatuError(Exception):
    """Base of all expected errors.

    Args:
        message: What is wrong and what the caller can do about it.
        reason: A name out of maatu.v1.ErrorReason without its prefix; each class has a default.
        field: Path of the request field concerned, for example "config.format.sample_rate_hz".
        retry_after_s: After how many seconds the same request may work; None where waiting does not help.
        metadata: Further facts for programs, for example {"hop": "tts"}.
    """

    reason: str = "INTERNAL"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        field: str | None = None,
        retry_after_s: float | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or self.reason
        self.field = field
        self.retry_after_s = retry_after_s
        self.metadata = dict(metadata or {})


class InvalidRequest(MaatuError):
    """A field holds a value that is not allowed."""

    reason = "INVALID_FIELD"


class InvalidAudio(InvalidRequest):
    """Audio that does not decode, is too long or empty, or whose declared format is not supported."""

    reason = "MALFORMED_AUDIO"


class InvalidText(InvalidRequest):
    """Text that is empty or too long."""

    reason = "EMPTY_TEXT"


class InvalidSequence(InvalidRequest):
    """Messages of a stream came in an order that is not allowed."""

    reason = "UNEXPECTED_MESSAGE"


class UnsupportedLanguage(InvalidRequest):
    """The language tag is malformed, or nothing here serves it."""

    reason = "UNSUPPORTED_LANGUAGE"


class NotFound(MaatuError):
    """The session, turn or voice named does not exist here."""

    reason = "SESSION_NOT_FOUND"


class AlreadyExists(MaatuError):
    """The name is taken at present."""

    reason = "SESSION_IN_USE"


class Unsupported(MaatuError):
    """The engine in use cannot do what was asked."""

    reason = "UNSUPPORTED_BY_ENGINE"


class ModelNotInstalled(Unsupported):
    """A model that the configuration names is not in the model directory."""

    reason = "MODEL_NOT_INSTALLED"


class CapacityExceeded(MaatuError):
    """All places are taken, or the caller's own bounded queue is full."""

    reason = "CAPACITY_EXCEEDED"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_after_s: float = 1.0,
        quota: "Quota | None" = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, retry_after_s=retry_after_s, metadata=metadata)
        self.quota = quota


@dataclass(frozen=True)
class Quota:
    """Which limit was reached, for QuotaFailure."""

    subject: str
    """What is limited, for example "tts/Synthesize"."""
    limit: int
    """How many there may be at once."""


class Unavailable(MaatuError):
    """The request may work when it is tried again, here or on another server."""

    reason = "DRAINING"

    def __init__(
        self,
        message: str,
        *,
        reason: str | None = None,
        retry_after_s: float = 0.5,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, reason=reason, retry_after_s=retry_after_s, metadata=metadata)


def is_shutting_down(error: Exception) -> bool:
    """Whether a server refused a call since it drains: another one will take it."""
    return isinstance(error, Unavailable) and error.reason == Unavailable.reason


class HopUnavailable(Unavailable):
    """A service behind this one does not answer."""

    reason = "HOP_UNAVAILABLE"

    def __init__(self, hop: str, detail: str = "", *, message: str | None = None) -> None:
        message = message or f"the {hop} service does not answer{': ' + detail if detail else ''}"
        super().__init__(message, metadata={"hop": hop})


class ModelFailed(Unavailable):
    """The model broke on this request; others are not concerned."""

    reason = "MODEL_FAILED"


class DeadlineExceeded(MaatuError):
    """The turn, one hop of it or an idle stream ran out of its time."""

    reason = "DEADLINE_EXCEEDED"


class Unauthenticated(MaatuError):
    """No or a wrong credential."""

    reason = "UNAUTHENTICATED"


class ConfigurationError(Exception):
    """The settings a process was started with make no sense. Ends the process with exit status 2; never travels."""


class RemoteDefect(Exception):
    """A service behind this one answered with a status that no expected error maps to: a defect over there.

    Raised by `maatu_runtime.status.from_rpc_error`; this service's own caller sees INTERNAL.
    """

    def __init__(self, hop: str, code: str, detail: str) -> None:
        super().__init__(f"{hop} answered {code}: {detail}")
        self.hop = hop
        self.code = code
