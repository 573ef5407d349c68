"""How far a download from the hub has come, told to a callback instead of drawn by the hub's own progress bars."""

import threading
from collections.abc import Callable
from typing import Any

from huggingface_hub.utils.tqdm import tqdm

_STEPS = 20
"""A download is told of about this often."""


def progress_bars(progress: Callable[[int, int], None]) -> type[tqdm]:
    """The class that the hub makes its bars of: it draws nothing and tells the bytes of all files together.

    Args:
        progress: Told the bytes that are there and the bytes there will be, a number of times, from any thread.
    """

    class SilentBar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            # Besides the bytes on disk the hub counts files, and bytes on the wire, which deduplication makes fewer.
            self._tells = options.get("unit") == "B" and not str(options.get("name")).endswith(".transfer")
            self._counting = threading.Lock()
            self._told = 0
            super().__init__(*arguments, **{**options, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            # A disabled bar does not count by itself.
            with self._counting:
                self.n += n or 0
                due = self._tells and self.n < self.total and self.n - self._told >= self.total / _STEPS
                if due:
                    self._told = self.n
            if due:
                progress(int(self.n), int(self.total))

    return SilentBar
