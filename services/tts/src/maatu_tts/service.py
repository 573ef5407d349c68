"""Builds the service out of its configuration."""

from collections.abc import Callable

from maatu.v1 import tts_pb2_grpc
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import ModelStore
from maatu_runtime.server import Service
from maatu_tts.chunks import ChunkSettings
from maatu_tts.config import Config
from maatu_tts.engine.base import Engine
from maatu_tts.engine.espeak import EspeakEngine
from maatu_tts.engine.fake import FakeEngine, FakeScript
from maatu_tts.engine.parler.voices import load_voices
from maatu_tts.engine.piper import PiperEngine
from maatu_tts.servicer import TextToSpeechServicer
from maatu_tts.shared_recordings import SharedRecordings
from maatu_tts.synthesis_cache import SynthesisCache
from maatu_tts.voices import VoiceDirectory


def build(config: Config) -> Service:
    """The service of a process. Models load when it warms up."""
    return assemble({name: _ENGINES[name](config) for name in dict.fromkeys(config.engines.values())}, config)


def assemble(engines: dict[str, Engine], config: Config, cache: SynthesisCache | None = None) -> Service:
    """The service with given engines.

    Args:
        engines: By name; the routes of the configuration lead to them.
        config: Everything else.
        cache: What was spoken before; none: the one that the configuration says.

    Raises:
        ConfigurationError: A route leads to an engine that is not given.
    """
    cache = cache or _synthesis_cache(config)
    servicer = TextToSpeechServicer(
        engines,
        VoiceDirectory(engines, dict(config.engines)),
        chunks=ChunkSettings(chunk_ms=config.chunk_ms),
        idle_timeout_s=config.idle_timeout_s,
        cache=cache,
    )

    async def warm_up() -> None:
        await cache.warm_up()
        for engine in engines.values():
            await engine.warm_up()

    async def close() -> None:
        for engine in engines.values():
            await engine.close()
        await cache.close()

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


def _parler(config: Config) -> Engine:
    voices = load_voices(config.parler_voices, config.parler_model)
    try:
        # PyTorch takes seconds to import and gigabytes on disk: only this engine needs it.
        from maatu_tts.engine.parler.engine import ParlerEngine
        from maatu_tts.engine.parler.linear import Precision
        from maatu_tts.engine.parler.settings import ParlerSettings
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f'the engine "parler" needs the package {error.name}: pip install "maatu-tts[parler]"'
        ) from error
    store = ModelStore(config.models_dir)
    settings = ParlerSettings(
        device=config.parler_device,
        precision=Precision(config.parler_precision),
        slots=config.parler_slots,
        memory_gib=config.parler_memory_gib,
        waiting=config.parler_waiting,
        longest_s=config.parler_longest_s,
        cached_voices=config.parler_cached_voices,
        threads=config.parler_threads,
        graphs=config.parler_graphs,
        compile=config.parler_compile,
        temperature=config.parler_temperature,
        top_k=config.parler_top_k,
        top_p=config.parler_top_p,
    )
    return ParlerEngine(lambda: store.path(config.parler_model), voices, settings)


def _synthesis_cache(config: Config) -> SynthesisCache:
    url = config.synthesis_cache_redis_url
    return SynthesisCache(
        config.synthesis_cache_mb * 1_000_000,
        longest_s=config.synthesis_cache_longest_s,
        sampled=config.synthesis_cache_sampled,
        shared=SharedRecordings(url.get_secret_value(), ttl_s=config.synthesis_cache_ttl_s) if url else None,
    )


def _fake(config: Config) -> Engine:
    return FakeEngine(
        FakeScript(first_chunk_delay_s=config.fake_first_chunk_ms / 1_000, chunk_delay_s=config.fake_chunk_ms / 1_000)
    )


_ENGINES: dict[str, Callable[[Config], Engine]] = {"piper": _piper, "espeak": _espeak, "parler": _parler, "fake": _fake}
