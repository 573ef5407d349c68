"""Streams of encoded audio: what goes in comes out, in any cut, and what does not decode is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maatu_runtime.audio import MAX_MESSAGE_BYTES, AudioFormat, EncodedAudio, Encoding, StreamDecoder, StreamEncoder
from maatu_runtime.errors import InvalidAudio

OPUS_RATES = [8_000, 12_000, 16_000, 24_000, 48_000]
PCM_RATES = [*OPUS_RATES, 22_050, 44_100]


def speech_like(samples: int, sample_rate_hz: int) -> np.ndarray:
    """A voice-like buzz with syllables, below 2 kHz."""
    time_s = np.arange(samples) / sample_rate_hz
    buzz = sum(np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 12))
    return (0.25 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s))).astype(np.float32)


def encode(samples: np.ndarray, rate: int, audio_format: AudioFormat, cuts: list[int]) -> list[EncodedAudio]:
    encoder = StreamEncoder(rate, audio_format)
    messages = [message for piece in np.split(samples, sorted(cuts)) for message in encoder.push(piece)]
    return messages + encoder.flush()


def decode(messages: list[bytes], audio_format: AudioFormat, rate: int) -> np.ndarray:
    decoder = StreamDecoder(audio_format, rate)
    return np.concatenate([*(decoder.push(message) for message in messages), decoder.flush()])


@settings(max_examples=50)
@given(
    encoding=st.sampled_from([Encoding.LINEAR16, Encoding.MULAW]),
    wire_hz=st.sampled_from(PCM_RATES),
    rate=st.sampled_from(PCM_RATES),
    length=st.integers(1, 2_000),
    data=st.data(),
)
def test_the_cut_into_messages_changes_no_decoded_sample(
    encoding: Encoding, wire_hz: int, rate: int, length: int, data: st.DataObject
) -> None:
    audio_format = AudioFormat(encoding, wire_hz)
    width = 2 if encoding is Encoding.LINEAR16 else 1
    recording = np.random.default_rng(length).bytes(length * width)
    cuts = sorted(data.draw(st.sets(st.integers(1, max(1, length - 1)), max_size=6)) - {length})
    edges = [0, *(cut * width for cut in cuts), len(recording)]
    messages = [recording[start:end] for start, end in itertools.pairwise(edges)]
    whole = decode([recording], audio_format, rate)
    np.testing.assert_array_equal(decode(messages, audio_format, rate), whole)
    assert np.isfinite(whole).all()


@settings(max_examples=30)
@given(
    encoding=st.sampled_from(list(Encoding)),
    wire_hz=st.sampled_from(OPUS_RATES),
    length=st.integers(1, 5_000),
    data=st.data(),
)
def test_the_cut_into_pushes_changes_nothing_and_samples_sum_to_the_length(
    encoding: Encoding, wire_hz: int, length: int, data: st.DataObject
) -> None:
    audio_format = AudioFormat(encoding, wire_hz)
    samples = speech_like(length, 22_050)
    cuts = data.draw(st.lists(st.integers(0, length), max_size=6))
    whole = encode(samples, 22_050, audio_format, [])
    cut = encode(samples, 22_050, audio_format, cuts)
    if encoding is Encoding.OPUS:
        assert cut == whole
    else:
        assert b"".join(message.data for message in cut) == b"".join(message.data for message in whole)
    assert sum(message.samples for message in cut) == round(length * wire_hz / 22_050)
    assert all(message.data for message in cut)


@pytest.mark.parametrize("rate", PCM_RATES)
@pytest.mark.parametrize("wire_hz", PCM_RATES)
@pytest.mark.parametrize(("encoding", "tolerance"), [(Encoding.LINEAR16, 0.003), (Encoding.MULAW, 0.02)])
def test_pcm_round_trip_at_all_rates(encoding: Encoding, tolerance: float, wire_hz: int, rate: int) -> None:
    audio_format = AudioFormat(encoding, wire_hz)
    samples = speech_like(rate // 2, rate)
    decoded = decode([message.data for message in encode(samples, rate, audio_format, [])], audio_format, rate)
    assert abs(len(decoded) - len(samples)) <= max(1, rate / wire_hz)
    inside = slice(rate // 100, len(samples) - rate // 100)
    np.testing.assert_allclose(decoded[inside], samples[inside], atol=tolerance)


@pytest.mark.parametrize("wire_hz", OPUS_RATES)
@pytest.mark.parametrize("frame_ms", [20, 40, 60])
def test_opus_round_trip_keeps_every_moment_in_its_place(wire_hz: int, frame_ms: int) -> None:
    audio_format = AudioFormat(Encoding.OPUS, wire_hz)
    samples = speech_like(16_000, 16_000)
    encoder = StreamEncoder(16_000, audio_format, frame_ms)
    messages = encoder.push(samples) + encoder.flush()
    decoded = decode([message.data for message in messages], audio_format, 16_000)
    assert 0 <= len(decoded) - len(samples) <= 16 * frame_ms
    assert sum(message.samples for message in messages) == wire_hz
    assert messages[0].samples == wire_hz * frame_ms // 1_000 - wire_hz * 13 // 2_000
    middle = samples[4_000:12_000]
    likeness = [np.corrcoef(middle, decoded[4_000 + lag : 12_000 + lag])[0, 1] for lag in range(-40, 41)]
    assert abs(int(np.argmax(likeness)) - 40) <= 8, "half a millisecond at most"
    assert max(likeness) > 0.95


def test_opus_packets_do_not_pile_up_before_they_are_sent() -> None:
    encoder = StreamEncoder(16_000, AudioFormat(Encoding.OPUS, 16_000))
    assert [len(encoder.push(np.zeros(320, np.float32))) for _ in range(10)] == [1] * 10


def test_too_loud_saturates_and_not_a_number_is_silence() -> None:
    encoder = StreamEncoder(16_000, AudioFormat(Encoding.LINEAR16, 16_000))
    [message] = encoder.push(np.array([2.0, -2.0, np.nan, np.inf, -np.inf, 1.0, -1.0], np.float32))
    assert np.frombuffer(message.data, "<i2").tolist() == [32767, -32768, 0, 32767, -32768, 32767, -32768]


def test_not_a_number_does_not_spread_through_the_resampler() -> None:
    samples = speech_like(2_000, 22_050)
    samples[1_000] = np.nan
    audio_format = AudioFormat(Encoding.LINEAR16, 16_000)
    decoded = decode([m.data for m in encode(samples, 22_050, audio_format, [])], audio_format, 16_000)
    assert np.count_nonzero(decoded) > 1_300


@pytest.mark.parametrize("encoding", list(Encoding))
def test_an_empty_message_is_refused(encoding: Encoding) -> None:
    with pytest.raises(InvalidAudio) as caught:
        StreamDecoder(AudioFormat(encoding, 16_000), 16_000).push(b"")
    assert caught.value.reason == "UNEXPECTED_MESSAGE"


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_message_over_the_limit_is_refused(encoding: Encoding) -> None:
    with pytest.raises(InvalidAudio, match=str(MAX_MESSAGE_BYTES)) as caught:
        StreamDecoder(AudioFormat(encoding, 16_000), 16_000).push(bytes(MAX_MESSAGE_BYTES + 2))
    assert caught.value.reason == "MALFORMED_AUDIO"


def test_half_a_sample_is_refused_and_the_stream_goes_on() -> None:
    decoder = StreamDecoder(AudioFormat(Encoding.LINEAR16, 16_000), 16_000)
    with pytest.raises(InvalidAudio, match="3 bytes") as caught:
        decoder.push(b"\x01\x02\x03")
    assert caught.value.reason == "MALFORMED_AUDIO"
    assert decoder.push(b"\x00\x40").tolist() == [0.5]


def test_a_broken_opus_packet_is_refused_and_the_stream_goes_on() -> None:
    audio_format = AudioFormat(Encoding.OPUS, 16_000)
    packets = [message.data for message in encode(speech_like(16_000, 16_000), 16_000, audio_format, [])]
    decoder = StreamDecoder(audio_format, 48_000)
    decoder.push(packets[0])
    with pytest.raises(InvalidAudio, match="Invalid data") as caught:
        decoder.push(b"\xff" * 7)
    assert caught.value.reason == "MALFORMED_AUDIO"
    assert len(decoder.push(packets[1])) == 960


@given(st.binary(min_size=1, max_size=400))
def test_any_bytes_either_decode_or_raise_invalid_audio(data: bytes) -> None:
    decoder = StreamDecoder(AudioFormat(Encoding.OPUS, 16_000), 16_000)
    try:
        samples = decoder.push(data)
    except InvalidAudio:
        return
    assert np.isfinite(samples).all()
    assert len(samples) <= 16 * 120


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_lost_message_is_silence_as_long_as_the_one_before(encoding: Encoding) -> None:
    audio_format = AudioFormat(encoding, 16_000)
    encoder = StreamEncoder(16_000, audio_format, frame_ms=40)
    messages = [m.data for _ in range(5) for m in encoder.push(speech_like(640, 16_000))]
    decoder, whole = StreamDecoder(audio_format, 48_000), StreamDecoder(audio_format, 48_000)
    decoder.push(messages[0])
    decoder.push(messages[1])
    concealed = decoder.conceal()
    assert len(concealed) == 3 * 640
    assert float(np.abs(concealed[300:]).max()) < 1e-3
    lengths = [len(whole.push(message)) for message in messages[:4]]
    assert len(decoder.push(messages[3])) == lengths[3]


def test_a_message_lost_before_all_others_is_20_ms_long() -> None:
    decoder = StreamDecoder(AudioFormat(Encoding.OPUS, 16_000), 48_000)
    assert decoder.conceal().tolist() == [0.0] * 960
