"""Audio files."""

import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from maatu_runtime.audio import read_audio, write_wav
from maatu_runtime.errors import InvalidAudio


def tone(sample_rate_hz: int, seconds: float) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(int(sample_rate_hz * seconds)) / sample_rate_hz)).astype(
        np.float32
    )


@pytest.mark.parametrize("read_hz", [8_000, 16_000, 22_050, 48_000])
def test_what_was_written_is_read_at_any_rate(tmp_path: Path, read_hz: int) -> None:
    write_wav(tmp_path / "tone.wav", tone(16_000, 0.5), 16_000)
    samples = read_audio(tmp_path / "tone.wav", read_hz)
    assert samples.dtype == np.float32
    assert len(samples) == read_hz // 2
    inside = slice(read_hz // 100, -read_hz // 100)
    np.testing.assert_allclose(samples[inside], tone(read_hz, 0.5)[inside], atol=1e-3)


def test_written_files_are_mono_and_saturate(tmp_path: Path) -> None:
    write_wav(tmp_path / "loud.wav", np.array([1.5, -1.5], np.float32), 24_000)
    with wave.open(str(tmp_path / "loud.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 24_000)
        assert np.frombuffer(file.readframes(2), "<i2").tolist() == [32767, -32768]


@pytest.mark.parametrize("suffix", ["flac", "mp3", "ogg"])
def test_compressed_stereo_is_mixed_down(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"tone.{suffix}"
    codec = {"flac": "flac", "mp3": "libmp3lame", "ogg": "libopus"}[suffix]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=48_000, layout="stereo")
        values = (np.repeat(tone(48_000, 1.0), 2)[np.newaxis, :] * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(values, format="s16", layout="stereo")
        frame.sample_rate = 48_000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    samples = read_audio(path, 16_000)
    assert abs(len(samples) - 16_000) < 1_600
    spectrum = np.abs(np.fft.rfft(samples[4_000:12_000] * np.hanning(8_000)))
    assert abs(int(np.argmax(spectrum)) * 2 - 440) <= 2
    assert 0.4 < np.abs(samples[4_000:12_000]).max() < 0.6


def test_a_file_without_audio_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("not audio")
    with pytest.raises(InvalidAudio, match=r"text\.wav"):
        read_audio(tmp_path / "text.wav", 16_000)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_audio(tmp_path / "none.wav", 16_000)


def test_a_file_that_cannot_be_written_is_one_error_and_nothing_besides(tmp_path: Path) -> None:
    # A destructor that fails fails the test run too.
    with pytest.raises(IsADirectoryError):
        write_wav(tmp_path, np.zeros(10, np.float32), 16_000)
