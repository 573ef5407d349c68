"""Configuration and its way into the streams."""

import pytest
from pydantic import ValidationError

from maatu_stt.config import Config
from maatu_stt.engine.settings import VAD_THRESHOLDS
from maatu_stt.service import build, stream_settings


def test_defaults_are_those_of_the_contract() -> None:
    settings = stream_settings(Config())
    segmenter = settings.segmenter
    assert (segmenter.pause_silence, segmenter.endpoint_silence) == (3_200, 8_000)
    assert (segmenter.min_speech, settings.padding, segmenter.max_utterance) == (4_000, 4_800, 960_000)
    assert (segmenter.onset_probability, segmenter.offset_probability) == (0.5, 0.35)
    assert not settings.interim_results


@pytest.mark.parametrize("aggressiveness", [0, 1, 2, 3])
def test_aggressiveness_sets_the_thresholds(aggressiveness: int) -> None:
    segmenter = stream_settings(Config(vad_aggressiveness=aggressiveness)).segmenter
    assert (segmenter.onset_probability, segmenter.offset_probability) == VAD_THRESHOLDS[aggressiveness]


def test_more_aggressive_means_higher_thresholds() -> None:
    assert list(VAD_THRESHOLDS) == sorted(VAD_THRESHOLDS)


def test_a_pause_longer_than_the_endpoint_is_refused() -> None:
    with pytest.raises(ValidationError, match="MAATU_STT_PAUSE_SILENCE_MS"):
        Config(pause_silence_ms=600)


async def test_the_service_is_built_without_its_models() -> None:
    service = build(Config())
    assert (service.name, service.grpc_services) == ("stt", ["maatu.v1.SpeechToText"])
    assert service.capacity() == (0, 0)
    assert build(Config(engine="fake", fake_decode_ms=5)).capacity() == (0, 1)
