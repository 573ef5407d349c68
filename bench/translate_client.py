"""The translate service as a process of its own, and clients of it."""

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from maatu.v1 import translate_pb2
from maatu.v1.translate_pb2_grpc import TranslationStub
from maatu_client.ports import choose_ports
from maatu_client.service_process import ServiceProcess, ServiceSpec
from maatu_runtime.channel import create_channel

ROOT = Path(__file__).resolve().parent.parent
MODELS_DIR = ROOT / "build" / "models"
_HOST = "127.0.0.1"
_START_TIMEOUT_S = 120.0
_STOP_GRACE_S = 8.0
_CALL_TIMEOUT_S = 120.0
UNTRANSLATED = translate_pb2.TranslationWarning.TYPE_SOURCE_TEXT_KEPT


@asynccontextmanager
async def service(
    *models: str, models_dir: Path = MODELS_DIR, name: str = "translate", **settings: object
) -> AsyncIterator[str]:
    """`python -m maatu_translate`, healthy when it is entered; gives its address.

    Args:
        models: Names of its models; none: the service's default, the embedded one.
        models_dir: Where they are.
        name: Of its log.
        settings: Of the service, where other than its defaults: cache_entries=0.
    """
    port = choose_ports({"translate": _HOST}, {})["translate"]
    metrics_port = choose_ports({"translate": _HOST}, {}, taken=[port])["translate"]
    environment = {
        **os.environ,
        "MAATU_TRANSLATE_HOST": _HOST,
        "MAATU_TRANSLATE_PORT": str(port),
        "MAATU_TRANSLATE_METRICS_PORT": str(metrics_port),
        "MAATU_MODELS_DIR": str(models_dir),
        **({"MAATU_TRANSLATE_MODELS": json.dumps(models)} if models else {}),
        **{f"MAATU_TRANSLATE_{setting.upper()}": str(value) for setting, value in settings.items()},
    }
    spec = ServiceSpec("translate", "maatu_translate", _HOST, port, environment)
    process = ServiceProcess(spec, ROOT / "build" / "logs" / "bench" / f"{name}.log")
    await process.start()
    try:
        await process.wait_healthy(_START_TIMEOUT_S)
        yield spec.address
    finally:
        await process.stop(_STOP_GRACE_S)


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    text: str
    model: str
    took_ms: float
    """From the call to the last message, as the client sees it."""
    compute_ms: float
    """Of it the engine's."""
    cached: bool
    complaints: tuple[str, ...]
    """Why text was left untranslated."""


class Client:
    """Someone with a connection of their own. Use as an async context manager.

    Args:
        address: HOST:PORT of the service.
    """

    def __init__(self, address: str) -> None:
        self._channel = create_channel(address)
        self._stub = TranslationStub(self._channel)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def translate(self, text: str, source: str, target: str, context: str = "") -> Answer:
        """Translates a text and waits for all of it.

        Args:
            text: What to translate.
            source: Tag of its language.
            target: Tag of the language wanted.
            context: The clause before, in the source language.
        """
        request = translate_pb2.TranslateRequest(
            text=text, source_language_code=source, target_language_code=target, context=context
        )
        began = time.perf_counter()
        *segments, last = [message async for message in self._stub.Translate(request, timeout=_CALL_TIMEOUT_S)]
        took_ms = (time.perf_counter() - began) * 1_000
        return Answer(
            "".join(message.segment.text for message in segments),
            last.summary.model,
            took_ms,
            last.summary.compute_time.ToNanoseconds() / 1e6,
            last.summary.cached,
            tuple(warning.message for warning in last.summary.warnings if warning.type == UNTRANSLATED),
        )

    async def pairs(self) -> dict[tuple[str, str], str]:
        """The name of the model by direction served, as tags."""
        answer = await self._stub.ListLanguages(translate_pb2.ListLanguagesRequest(), timeout=_CALL_TIMEOUT_S)
        return {(pair.source_language_code, pair.target_language_code): pair.model for pair in answer.pairs}
