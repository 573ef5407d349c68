"""Recordings that all tts processes share, in Redis."""

import time
from collections.abc import Callable

from maatu_runtime.shared_cache import SharedCache
from maatu_tts import metrics


class SharedRecordings(SharedCache):
    """Recordings in Redis, by key.

    Args:
        url: Of Redis.
        ttl_s: A recording is forgotten after so long, used or not.
        timeout_s: Longest duration of a look-up; a listener waits for it.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, url: str, *, ttl_s: float, timeout_s: float = 0.05, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(
            url,
            prefix="maatu:tts:recording:1:",
            name="synthesis_cache",
            ttl_s=ttl_s,
            timeout_s=timeout_s,
            on_error=metrics.SHARED_CACHE_ERRORS.inc,
            clock=clock,
        )
