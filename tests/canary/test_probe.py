"""The probe set: word error rates, with the real stt service behind real port-forwards."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from maatu_canary.errors import WrongUse
from maatu_canary.probe import TRANSCRIBE, distance, read_utterances, words
from maatu_client.ports import choose_ports
from maatu_client.service_process import ServiceProcess, ServiceSpec
from maatu_runtime.audio import read_audio
from maatu_runtime.audio.files import write_wav
from tests.canary.conftest import ROOT, Cluster

NEW = "registry/maatu-stt:0.2.0"
SAID = "And so, my fellow Americans: ask not what your country can do for you; ask what you can do for your country."


@pytest.fixture
def probe_set(tmp_path: Path) -> Path:
    """One recording with its words."""
    directory = tmp_path / "probe"
    directory.mkdir()
    write_wav(directory / "jfk.wav", read_audio(ROOT / "tests" / "data" / "jfk.flac", 16_000), 16_000)
    (directory / "jfk.txt").write_text(SAID, encoding="utf-8")
    return directory


@pytest.fixture
async def stt_port(models_dir: Path, tmp_path: Path) -> AsyncIterator[int]:
    """Port of a real stt service."""
    host = "127.0.0.1"
    port = choose_ports({"stt": host}, {})["stt"]
    environment = {
        **os.environ,
        "MAATU_STT_HOST": host,
        "MAATU_STT_PORT": str(port),
        "MAATU_STT_METRICS_PORT": "0",
        "MAATU_MODELS_DIR": str(models_dir),
    }
    process = ServiceProcess(ServiceSpec("stt", "maatu_stt", host, port, environment), tmp_path / "stt.log")
    await process.start()
    try:
        await process.wait_healthy(60.0)
        yield port
    finally:
        await process.stop(8.0)


async def test_recordings_are_transcribed_through_port_forwards(
    cluster: Cluster, probe_set: Path, stt_port: int
) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.server.forwards = {"stable": stt_port, "canary": stt_port}
    status, text = cluster.run("watch", "stt", "--probe", str(probe_set), "--for", "0")
    assert "word error rate: canary 0.0%, stable 0.0% of 1 recordings" in text
    assert status == 4  # the probe set is well, and nothing else is known


def test_the_command_that_transcribes_names_what_fails(tmp_path: Path) -> None:
    broken = tmp_path / "a.wav"
    broken.write_bytes(b"no sound")
    command = [sys.executable, str(TRANSCRIBE), "--server", "127.0.0.1:1", str(broken)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "a.wav" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("second", "outcome"),
    [
        ("ask not what your country", 3),
        (SAID.upper(), 4),
        (None, 3),
    ],
)
def test_a_canary_that_hears_worse_is_aborted_with_a_fake_transcriber(
    cluster: Cluster, probe_set: Path, tmp_path: Path, second: str | None, outcome: int
) -> None:
    cluster.ok("start", "stt", NEW)
    script = tmp_path / "transcribe"  # the first call is for the stable side
    fails = "exit 1" if second is None else f"echo '{second}'"
    script.write_text(f"#!/bin/sh\nif mkdir {tmp_path}/asked 2>/dev/null; then echo '{SAID}'; else {fails}; fi\n")
    script.chmod(0o755)
    status, text = cluster.run(
        "watch", "stt", "--probe", str(probe_set), "--transcribe", f"{script} {{server}}", "--for", "0"
    )
    assert status == outcome, text
    assert ("talk-maatu-stt-canary" in cluster.names("deployments")) == (outcome == 4)


def test_a_stable_side_that_cannot_transcribe_aborts_nothing_with_a_fake_transcriber(
    cluster: Cluster, probe_set: Path
) -> None:
    cluster.ok("start", "stt", NEW)
    status, text = cluster.run("watch", "stt", "--probe", str(probe_set), "--transcribe", "false")
    assert status == 1
    assert "the stable stt does not transcribe the probe set" in text
    assert "talk-maatu-stt-canary" in cluster.names("deployments")


def test_words_of_any_script_are_compared_without_punctuation() -> None:
    assert words("Don’t — it's FINE, isn't it?") == ["dont", "its", "fine", "isnt", "it"]
    assert words("ನಮಸ್ಕಾರ, ನೀವು ಹೇಗಿದ್ದೀರಿ?") == ["ನಮಸ್ಕಾರ", "ನೀವು", "ಹೇಗಿದ್ದೀರಿ"]


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("a b c", "a b c", 0),
        ("a b c", "a c", 1),
        ("a b", "a x b", 1),
        ("a b", "b a", 2),
        ("a", "", 1),
        ("a b c d", "x", 4),
    ],
)
def test_the_distance_counts_wrong_words(said: str, heard: str, wrong: int) -> None:
    assert distance(said.split(), heard.split()) == wrong


@pytest.mark.parametrize("text", [None, "…!"])
def test_a_probe_set_without_words_is_refused(tmp_path: Path, text: str | None) -> None:
    (tmp_path / "a.wav").touch()
    if text is not None:
        (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    with pytest.raises(WrongUse, match=r"a\.(txt|wav)"):
        read_utterances(tmp_path)


def test_an_empty_probe_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"no \.wav files"):
        read_utterances(tmp_path)
