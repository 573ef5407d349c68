"""Builds the service out of its configuration."""

from collections.abc import Callable, Sequence

from maatu.v1 import translate_pb2_grpc
from maatu_runtime.models import ModelStore
from maatu_runtime.server import Service
from maatu_translate.batcher import Batcher, BatchSettings
from maatu_translate.cache import SharedTranslations, TranslationCache
from maatu_translate.config import Config
from maatu_translate.engine.base import Engine
from maatu_translate.engine.fake import FakeEngine
from maatu_translate.engine.loading import EngineSettings, make_engine
from maatu_translate.models import Model, Models
from maatu_translate.servicer import TranslationServicer
from maatu_translate.translator import Translator


def build(config: Config) -> Service:
    """The service of a process; its models load when it warms up."""
    if config.engine == "fake":
        return assemble(FakeEngine(delay_s=config.fake_delay_ms / 1000), config=config)
    settings = EngineSettings(
        device=config.device,
        compute_type=config.compute_type,
        workers=config.workers,
        threads=config.threads_per_worker,
        beam_size=config.beam_size,
    )
    store = ModelStore(config.models_dir)
    names = dict.fromkeys(config.models)
    return _assemble(lambda: [make_engine(store, name, settings) for name in names], config)


def assemble(*engines: Engine, config: Config) -> Service:
    """The service with given engines."""
    return _assemble(lambda: [(engine, engine.name) for engine in engines], config)


def _assemble(make_engines: Callable[[], Sequence[tuple[Engine, str]]], config: Config) -> Service:
    batches = BatchSettings(
        workers=config.workers,
        max_batch=config.max_batch,
        max_batch_tokens=config.max_batch_tokens,
        wait_s=config.batch_wait_ms / 1000,
        max_waiting=config.max_waiting,
    )
    models = Models(
        lambda: [Model(Batcher(engine, batches), version) for engine, version in make_engines()], config.languages
    )
    translator = Translator(
        models, _cache(config), second_attempt=config.second_attempt, use_context=config.use_context
    )
    servicer = TranslationServicer(translator, max_text_chars=config.max_text_chars)
    return Service(
        name="translate",
        grpc_services=["maatu.v1.Translation"],
        register=lambda server: translate_pb2_grpc.add_TranslationServicer_to_server(servicer, server),
        warm_up=translator.load,
        close=translator.close,
        capacity=translator.capacity,
    )


def _cache(config: Config) -> TranslationCache:
    url = config.cache_redis_url
    shared = SharedTranslations(url.get_secret_value(), ttl_s=config.cache_ttl_s) if url else None
    return TranslationCache(config.cache_entries, shared)
