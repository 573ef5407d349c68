"""Builds the service out of its configuration."""

from collections.abc import Callable

from maatu.v1 import stt_pb2_grpc
from maatu_runtime.models import ModelStore
from maatu_runtime.server import Service
from maatu_stt.config import Config
from maatu_stt.engine.base import SAMPLE_RATE_HZ, Recognizer
from maatu_stt.engine.fake import FakeRecognizer, FakeScript
from maatu_stt.engine.loading import Placement, resolve_model
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.scheduler import SchedulerSettings
from maatu_stt.engine.settings import VAD_THRESHOLDS, EndpointSettings, SegmenterSettings, StreamSettings
from maatu_stt.engine.turns import SmartTurnDetector, TurnDetector
from maatu_stt.engine.vad import SileroModel, VoiceActivityDetector
from maatu_stt.engine.whisper import WhisperSettings
from maatu_stt.servicer import SpeechToTextServicer


def build(config: Config) -> Service:
    """The service of a process. Models load when it warms up."""
    return assemble(_recognizer(config), SileroModel().stream, config, _turns(config))


def assemble(
    recognizer: Recognizer,
    make_detector: Callable[[], VoiceActivityDetector],
    config: Config,
    turns: TurnDetector | None = None,
) -> Service:
    """The service with a given recogniser.

    Args:
        recognizer: Shared by all streams.
        make_detector: Makes the voice activity detector of a stream.
        config: Everything else.
        turns: Judges pauses by their sound, for all streams.
    """
    servicer = SpeechToTextServicer(
        recognizer, make_detector, defaults=stream_settings(config), idle_timeout_s=config.idle_timeout_s, turns=turns
    )

    async def warm_up() -> None:
        await recognizer.warm_up()
        if turns is not None:
            await turns.warm_up()

    async def close() -> None:
        await recognizer.close()
        if turns is not None:
            await turns.close()

    return Service(
        name="stt",
        grpc_services=["maatu.v1.SpeechToText"],
        register=lambda server: stt_pb2_grpc.add_SpeechToTextServicer_to_server(servicer, server),
        warm_up=warm_up,
        close=close,
        capacity=recognizer.capacity,
    )


def stream_settings(config: Config) -> StreamSettings:
    """How streams are treated that do not say."""
    onset, offset = VAD_THRESHOLDS[config.vad_aggressiveness]
    return StreamSettings(
        segmenter=SegmenterSettings(
            onset_probability=onset,
            offset_probability=offset,
            min_speech=_samples(config.min_speech_ms),
            pause_silence=_samples(config.pause_silence_ms),
            endpoint_silence=_samples(config.endpoint_silence_ms),
            max_utterance=round(config.max_utterance_s * SAMPLE_RATE_HZ),
        ),
        endpoint=EndpointSettings(
            is_adaptive=config.adaptive_endpoint,
            shortest=_samples(config.min_endpoint_silence_ms),
            longest=_samples(config.max_endpoint_silence_ms),
        ),
        padding=_samples(config.vad_padding_ms),
        first_partial=_samples(config.first_partial_ms),
        detects_each_utterance=config.language_detection == "per_utterance",
        partial_interval=_samples(config.partial_interval_ms),
    )


def _recognizer(config: Config) -> Recognizer:
    if config.engine == "fake":
        return FakeRecognizer(FakeScript(decode_s=config.fake_decode_ms / 1_000))
    settings = WhisperSettings(
        placement=Placement(config.device, config.compute_type, threads=config.cpu_threads, workers=config.workers),
        beam_size=config.beam_size,
        margin=_samples(config.encode_margin_ms),
    )
    scheduling = SchedulerSettings(config.workers, config.max_batch, config.batch_wait_ms / 1_000)
    store = ModelStore(config.models_dir)
    return WhisperRecognizer(config.models, lambda name: resolve_model(name, store), settings, scheduling)


def _turns(config: Config) -> TurnDetector | None:
    if config.engine == "fake" or not config.adaptive_endpoint or config.turn_model == "none":
        return None
    return SmartTurnDetector(config.turn_model, ModelStore(config.models_dir).path)


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE_HZ // 1_000
