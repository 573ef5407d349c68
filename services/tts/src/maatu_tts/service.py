"""Builds the service out of its configuration."""

from collections.abc import Callable

from maatu.v1 import tts_pb2_grpc
from maatu_runtime.models import ModelStore
from maatu_runtime.server import Service
from maatu_tts.chunks import ChunkSettings
from maatu_tts.config import Config
from maatu_tts.engine.base import Engine
from maatu_tts.engine.espeak import EspeakEngine
from maatu_tts.engine.fake import FakeEngine, FakeScript
from maatu_tts.engine.piper import PiperEngine
from maatu_tts.servicer import TextToSpeechServicer
from maatu_tts.voices import VoiceDirectory


def build(config: Config) -> Service:
    """The service of a process. Models load when it warms up."""
    return assemble({name: _ENGINES[name](config) for name in dict.fromkeys(config.engines.values())}, config)


def assemble(engines: dict[str, Engine], config: Config) -> Service:
    """The service with given engines.

    Args:
        engines: By name; the routes of the configuration lead to them.
        config: Everything else.

    Raises:
        ConfigurationError: A route leads to an engine that is not given.
    """
    servicer = TextToSpeechServicer(
        engines,
        VoiceDirectory(engines, dict(config.engines)),
        chunks=ChunkSettings(chunk_ms=config.chunk_ms),
        idle_timeout_s=config.idle_timeout_s,
    )

    async def warm_up() -> None:
        for engine in engines.values():
            await engine.warm_up()

    async def close() -> None:
        for engine in engines.values():
            await engine.close()

    def capacity() -> tuple[int, int]:
        statuses = [engine.status() for engine in engines.values()]
        return sum(status.slots_in_use for status in statuses), sum(status.slots for status in statuses)

    return Service(
        name="tts",
        grpc_services=["maatu.v1.TextToSpeech"],
        register=lambda server: tts_pb2_grpc.add_TextToSpeechServicer_to_server(servicer, server),
        warm_up=warm_up,
        close=close,
        capacity=capacity,
    )


def _piper(config: Config) -> Engine:
    store = ModelStore(config.models_dir)
    return PiperEngine(
        lambda: [store.path(name) for name in config.piper_models],
        workers=config.piper_workers,
        threads=config.piper_threads,
        streams=config.piper_streams,
    )


def _espeak(config: Config) -> Engine:
    return EspeakEngine(streams=config.espeak_streams)


def _fake(config: Config) -> Engine:
    return FakeEngine(
        FakeScript(first_chunk_delay_s=config.fake_first_chunk_ms / 1_000, chunk_delay_s=config.fake_chunk_ms / 1_000)
    )


_ENGINES: dict[str, Callable[[Config], Engine]] = {"piper": _piper, "espeak": _espeak, "fake": _fake}
