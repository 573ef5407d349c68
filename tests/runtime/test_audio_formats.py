"""Audio formats: which are allowed, and their form in protobuf."""

import pytest

from maatu.v1 import common_pb2
from maatu_runtime.audio import AudioFormat, Encoding, format_from_proto, format_to_proto, playing_time_ns
from maatu_runtime.errors import InvalidAudio


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("sample_rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_a_format_survives_protobuf(encoding: Encoding, sample_rate_hz: int) -> None:
    audio_format = AudioFormat(encoding, sample_rate_hz)
    assert format_from_proto(format_to_proto(audio_format), "format") == audio_format


@pytest.mark.parametrize("sample_rate_hz", [-1, 0, 7_999, 48_001, 96_000])
@pytest.mark.parametrize("encoding", [Encoding.LINEAR16, Encoding.MULAW])
def test_rates_out_of_range_are_refused(encoding: Encoding, sample_rate_hz: int) -> None:
    with pytest.raises(InvalidAudio, match="8000 to 48000") as caught:
        AudioFormat(encoding, sample_rate_hz)
    assert caught.value.reason == "UNSUPPORTED_SAMPLE_RATE"


@pytest.mark.parametrize("sample_rate_hz", [0, 11_025, 22_050, 32_000, 44_100])
def test_opus_takes_only_its_own_rates(sample_rate_hz: int) -> None:
    with pytest.raises(InvalidAudio, match="8000, 12000, 16000, 24000, 48000"):
        AudioFormat(Encoding.OPUS, sample_rate_hz)


@pytest.mark.parametrize("encoding", [0, 17])
def test_an_unknown_encoding_names_the_field_and_those_supported(encoding: int) -> None:
    message = common_pb2.AudioFormat(sample_rate_hz=16_000)
    message.encoding = encoding  # type: ignore[assignment]  # an open enum takes numbers of later versions
    with pytest.raises(InvalidAudio, match="LINEAR16, MULAW, OPUS") as caught:
        format_from_proto(message, "config.format")
    assert (caught.value.reason, caught.value.field) == ("UNSUPPORTED_ENCODING", "config.format.encoding")


def test_a_wrong_rate_in_a_request_names_the_field() -> None:
    message = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_OPUS, sample_rate_hz=44_100)
    with pytest.raises(InvalidAudio) as caught:
        format_from_proto(message, "config.format")
    assert (caught.value.reason, caught.value.field) == ("UNSUPPORTED_SAMPLE_RATE", "config.format.sample_rate_hz")


@pytest.mark.parametrize(
    ("message", "audio_format", "milliseconds"),
    [
        (bytes(640), AudioFormat(Encoding.LINEAR16, 16_000), 20),
        (bytes(160), AudioFormat(Encoding.MULAW, 8_000), 20),
        (bytes([1 << 3 | 0]), AudioFormat(Encoding.OPUS, 16_000), 20),
        (bytes([31 << 3 | 1]), AudioFormat(Encoding.OPUS, 16_000), 40),
        (bytes([12 << 3 | 3, 6]), AudioFormat(Encoding.OPUS, 16_000), 60),
        (b"", AudioFormat(Encoding.OPUS, 16_000), 0),
    ],
)
def test_a_message_tells_how_long_it_plays(message: bytes, audio_format: AudioFormat, milliseconds: int) -> None:
    assert playing_time_ns(message, audio_format) == milliseconds * 1_000_000
