"""The text of a StreamingSynthesize call: what the client may send in which order, and the clauses it makes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from maatu.v1 import tts_pb2
from maatu_runtime.clauses import ClauseCutter
from maatu_runtime.errors import DeadlineExceeded, InvalidSequence, InvalidText
from maatu_tts.text import clean, is_speakable

LONGEST_STREAM_CHARS = 20_000
"""Of all text of one stream."""
_CLAUSES_AHEAD = 8
"""Clauses that may wait to be spoken before the client is slowed down."""


async def read_config(requests: AsyncIterator[tts_pb2.StreamingSynthesizeRequest]) -> tts_pb2.SynthesisOptions:
    """Reads the first message of a stream.

    Raises:
        InvalidSequence: AUDIO_BEFORE_CONFIG: it is not a config; UNEXPECTED_MESSAGE: there is none.
    """
    async for request in requests:
        if request.WhichOneof("message") != "config":
            raise InvalidSequence("the first message must be config", reason="AUDIO_BEFORE_CONFIG", field="config")
        return request.config
    raise InvalidSequence("the stream ended before its config", field="config")


class Dictation:
    """Reads the text of a stream while what came before is spoken.

    `read` runs as a task; `clauses` yields what it has read; `check` raises what went wrong after the text had ended.

    Args:
        requests: The messages after the config.
        language: ISO 639 code of the text.
        check_clause: Raises a MaatuError for a clause that the voice cannot speak.
    """

    def __init__(
        self,
        requests: AsyncIterator[tts_pb2.StreamingSynthesizeRequest],
        language: str,
        *,
        check_clause: Callable[[str], None],
    ) -> None:
        self._requests = requests
        self._check_clause = check_clause
        self._cutter = ClauseCutter(language)
        self._clauses: asyncio.Queue[str | None] = asyncio.Queue(_CLAUSES_AHEAD)
        self._failure: Exception | None = None
        self._count_chars = 0
        self._count_clauses = 0

    async def read(self) -> None:
        """Reads until the client half-closes or errs; what went wrong is kept for `clauses` and `check`."""
        try:
            await self._read()
        except Exception as error:
            self._failure = error
            await self._clauses.put(None)

    async def clauses(self) -> AsyncGenerator[str, None]:
        """The clauses, each as soon as it is whole: cleaned, with something in it that can be spoken.

        Raises:
            InvalidSequence: Messages came in a wrong order, or the stream ended without end_of_input.
            InvalidText: EMPTY_TEXT: nothing could be spoken; TEXT_TOO_LONG.
            UnsupportedLanguage: A clause is in a script that the voice does not read.
            DeadlineExceeded: IDLE_TIMEOUT: the client fell silent.
        """
        while (clause := await self._clauses.get()) is not None:
            yield clause
        self.check()

    def check(self) -> None:
        """Raises what went wrong with the client's messages, if anything did."""
        if self._failure is not None:
            raise self._failure

    async def _read(self) -> None:
        async for request in self._requests:
            kind = request.WhichOneof("message")
            if kind == "text":
                await self._take(request.text)
            elif kind == "flush":
                await self._put(self._cutter.flush())
            elif kind == "end_of_input":
                await self._put(self._cutter.flush())
                if not self._count_clauses:
                    raise InvalidText("there is nothing in the text that can be spoken", field="text")
                await self._clauses.put(None)
                return await self._read_no_more()
            elif kind == "config":
                raise InvalidSequence("a second config came", reason="DUPLICATE_CONFIG", field="config")
            else:
                raise InvalidSequence("a message held neither text nor flush nor end_of_input")
        raise InvalidSequence("the stream ended without end_of_input", field="end_of_input")

    async def _take(self, text: str) -> None:
        self._count_chars += len(text)
        if self._count_chars > LONGEST_STREAM_CHARS:
            raise InvalidText(
                f"more than {LONGEST_STREAM_CHARS} characters in one stream: begin another",
                reason="TEXT_TOO_LONG",
                field="text",
            )
        await self._put(self._cutter.push(text))

    async def _put(self, clauses: list[str]) -> None:
        for clause in clauses:
            cleaned = clean(clause)
            if is_speakable(cleaned):
                self._check_clause(cleaned)
                self._count_clauses += 1
                await self._clauses.put(cleaned)

    async def _read_no_more(self) -> None:
        try:
            async for _ in self._requests:
                raise InvalidSequence("a message came after end_of_input")
        except DeadlineExceeded:
            return  # a client that only listens now is doing right
