"""Every error travels to the caller and comes back as what it was."""

import inspect

import grpc
import pytest
from google.rpc import code_pb2, status_pb2

from maatu_runtime import errors
from maatu_runtime.status import code_of, defect_status, from_status, to_status

TABLE = [
    (errors.InvalidRequest("no", field="a.b"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.InvalidAudio("no", field="audio"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.InvalidText("no", reason="TEXT_TOO_LONG"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.InvalidSequence("no", reason="DUPLICATE_CONFIG"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.UnsupportedLanguage("no", field="language_code"), grpc.StatusCode.INVALID_ARGUMENT),
    (errors.NotFound("no", reason="VOICE_NOT_FOUND"), grpc.StatusCode.NOT_FOUND),
    (errors.AlreadyExists("no"), grpc.StatusCode.ALREADY_EXISTS),
    (errors.Unsupported("no"), grpc.StatusCode.FAILED_PRECONDITION),
    (errors.ModelNotInstalled("no"), grpc.StatusCode.FAILED_PRECONDITION),
    (
        errors.CapacityExceeded("no", retry_after_s=2.5, quota=errors.Quota("tts/x", 4)),
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ),
    (errors.Unavailable("no", retry_after_s=0.25), grpc.StatusCode.UNAVAILABLE),
    (errors.HopUnavailable("tts", "gone"), grpc.StatusCode.UNAVAILABLE),
    (errors.ModelFailed("no"), grpc.StatusCode.UNAVAILABLE),
    (errors.DeadlineExceeded("no", reason="IDLE_TIMEOUT"), grpc.StatusCode.DEADLINE_EXCEEDED),
    (errors.Unauthenticated("no"), grpc.StatusCode.UNAUTHENTICATED),
]


@pytest.mark.parametrize(("error", "code"), TABLE, ids=lambda value: type(value).__name__)
def test_each_error_has_its_code_and_comes_back_the_same(error: errors.MaatuError, code: grpc.StatusCode) -> None:
    assert code_of(error) is code
    back = from_status(to_status(error), hop="elsewhere")
    assert type(back) is type(error)
    assert vars(back) == vars(error)


def test_every_class_of_the_tree_is_in_the_table() -> None:
    tree = {
        cls
        for _, cls in inspect.getmembers(errors, inspect.isclass)
        if issubclass(cls, errors.MaatuError) and cls is not errors.MaatuError
    }
    assert tree == {type(error) for error, _ in TABLE}


def test_a_bare_unavailable_names_the_hop() -> None:
    back = from_status(status_pb2.Status(code=code_pb2.UNAVAILABLE, message="refused"), hop="tts")
    assert isinstance(back, errors.HopUnavailable)
    assert back.metadata == {"hop": "tts"}


def test_a_defect_elsewhere_is_no_expected_error() -> None:
    back = from_status(defect_status("a" * 32), hop="agent")
    assert isinstance(back, errors.RemoteDefect)
    assert "INTERNAL" in str(back)
    assert "a" * 32 in str(back)
