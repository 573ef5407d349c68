"""Helpers for tests and benchmarks: real servers on loopback, and checks that nothing is left behind."""

from maatu_runtime.testing.servers import leftover_tasks, serve

__all__ = ["leftover_tasks", "serve"]
