"""Helpers for tests and benchmarks: real servers on loopback, scripted fakes, checks that nothing is left behind."""

from maatu_runtime.testing.fakes import FakeScript, FakeServices
from maatu_runtime.testing.servers import Served, leftover_tasks, serve, serve_at

__all__ = ["FakeScript", "FakeServices", "Served", "leftover_tasks", "serve", "serve_at"]
