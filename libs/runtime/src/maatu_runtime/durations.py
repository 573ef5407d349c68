"""Durations on the wire."""

from google.protobuf.duration_pb2 import Duration


def from_ns(nanoseconds: int) -> Duration:
    """Nanoseconds as a Duration."""
    duration = Duration()
    duration.FromNanoseconds(nanoseconds)
    return duration


def from_seconds(seconds: float) -> Duration:
    """Seconds as a Duration, to the nanosecond."""
    return from_ns(round(seconds * 1e9))
