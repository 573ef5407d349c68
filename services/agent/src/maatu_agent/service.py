"""Builds the service out of its configuration."""

from time import perf_counter

import structlog

from maatu.v1 import agent_pb2_grpc
from maatu_agent import metrics
from maatu_agent.agent import Agent
from maatu_agent.backends.base import LanguageModel
from maatu_agent.backends.ctranslate2_llm import Ctranslate2Llm, Ctranslate2Settings
from maatu_agent.backends.fake import FakeLanguageModel, FakeScript
from maatu_agent.backends.openai_compatible import OpenAiCompatible, OpenAiSettings
from maatu_agent.config import Config
from maatu_agent.history import History
from maatu_agent.prompt import PromptWriter, preamble
from maatu_agent.redis_process import RedisProcess
from maatu_agent.servicer import AgentServicer
from maatu_runtime.errors import ConfigurationError, HopUnavailable
from maatu_runtime.models import ModelStore
from maatu_runtime.places import Places
from maatu_runtime.server import Service

log = structlog.get_logger()


def build(config: Config) -> Service:
    """The service of a process. Redis starts and the model loads when it warms up.

    Raises:
        ConfigurationError: The settings of the backend are incomplete.
    """
    return assemble(make_model(config), config)


def assemble(model: LanguageModel, config: Config) -> Service:
    """The service with a given model.

    Args:
        model: What the agent thinks with.
        config: Everything else.
    """
    places = Places(_places(config), waiting=config.max_waiting_generations, subject="agent/generations")
    metrics.WAITING.set_function(lambda: places.waiting)
    prompts = PromptWriter(preamble(config.system_prompt, config.examples), history_tokens=config.history_tokens)
    own_redis = None
    if config.redis_url is not None:
        url = config.redis_url.get_secret_value()
    else:
        own_redis = RedisProcess()
        url = own_redis.url
    history = History(
        url,
        max_turns=config.max_turns,
        ttl_s=config.history_ttl_s,
        timeout_s=config.redis_timeout_s,
    )
    servicer = AgentServicer(
        Agent(model, history, places, prompts, clock=perf_counter),
        history,
        max_tokens=config.max_tokens,
        temperature=config.temperature,
    )

    async def warm_up() -> None:
        # The model first: where it is missing, no Redis is left behind.
        await model.load(prompts.default)
        if own_redis is not None:
            await own_redis.start()
        try:
            await history.ping()
        except HopUnavailable as error:  # it may come up after the agent; until then requests say so
            log.warning("redis_unavailable", detail=error.message)

    async def close() -> None:
        await model.close()
        await history.close()
        if own_redis is not None:
            await own_redis.stop()

    return Service(
        name="agent",
        grpc_services=["maatu.v1.Agent"],
        register=lambda server: agent_pb2_grpc.add_AgentServicer_to_server(servicer, server),
        warm_up=warm_up,
        close=close,
        capacity=lambda: (places.in_use, places.count),
    )


def make_model(config: Config) -> LanguageModel:
    """The backend that the configuration names."""
    match config.backend:
        case "ctranslate2":
            settings = Ctranslate2Settings(
                model=config.model,
                workers=_places(config),
                device=config.device,
                compute_type=config.compute_type,
                context_tokens=config.context_tokens,
                repetition_penalty=config.repetition_penalty,
            )
            return Ctranslate2Llm(ModelStore(config.models_dir), settings)
        case "openai":
            if config.openai_base_url is None or config.openai_model is None:
                raise ConfigurationError(
                    "backend openai needs MAATU_AGENT_OPENAI_BASE_URL and MAATU_AGENT_OPENAI_MODEL"
                )
            key = config.openai_api_key
            return OpenAiCompatible(
                OpenAiSettings(
                    base_url=config.openai_base_url,
                    model=config.openai_model,
                    api_key=key.get_secret_value() if key is not None else "none",
                    connect_timeout_s=config.openai_connect_timeout_s,
                    token_timeout_s=config.openai_token_timeout_s,
                )
            )
        case "fake":
            return FakeLanguageModel(
                FakeScript(
                    answer=config.fake_answer,
                    first_token_delay_s=config.fake_first_token_ms / 1000,
                    token_delay_s=config.fake_token_ms / 1000,
                )
            )


def _places(config: Config) -> int:
    if config.max_concurrent_generations is not None:
        return config.max_concurrent_generations
    return 64 if config.backend == "openai" else 2
