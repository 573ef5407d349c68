"""Builds the service out of its configuration."""

from time import perf_counter

from maatu.v1 import translate_pb2_grpc
from maatu_runtime.models import ModelStore
from maatu_runtime.server import Service
from maatu_translate.config import Config
from maatu_translate.engine.base import Engine
from maatu_translate.engine.fake import FakeEngine
from maatu_translate.engine.prompted import PromptedEngine
from maatu_translate.servicer import TranslationServicer
from maatu_translate.translator import Translator


def build(config: Config) -> Service:
    """The service of a process; the model loads when it warms up."""
    return assemble(make_engine(config), config)


def assemble(engine: Engine, config: Config) -> Service:
    """The service with a given engine."""
    translator = Translator(
        engine,
        workers=config.workers,
        max_waiting=config.max_waiting,
        cache_entries=config.cache_entries,
        clock=perf_counter,
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


def make_engine(config: Config) -> Engine:
    """The engine that the configuration names."""
    if config.engine == "fake":
        return FakeEngine(delay_s=config.fake_delay_ms / 1000)
    return PromptedEngine(
        ModelStore(config.models_dir),
        config.model,
        device=config.device,
        compute_type=config.compute_type,
        workers=config.workers,
        threads=config.threads_per_worker,
    )
