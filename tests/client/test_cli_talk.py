"""`maatu talk` as a user runs it: a process of its own, against a fake gateway on a real gRPC server."""

import asyncio
import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from maatu_client.fake import ANSWER_CHUNKS, CHUNK_MS, SEGMENTS_MS, FakeGateway, serve_fake_gateway
from maatu_runtime.audio import read_audio, write_wav
from maatu_runtime.errors import ModelFailed, UnsupportedLanguage


@dataclass
class Finished:
    """How a command ended."""

    status: int
    out: str
    err: str


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "maatu_client", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path), COLUMNS="120", NO_COLOR="1"),
    )


async def maatu(*arguments: str) -> Finished:
    """Runs the command to its end. No command ever shows a traceback."""
    process = await start(*arguments)
    out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err + out
    return Finished(process.returncode, out.decode(), err.decode())


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """300 ms of sound."""
    path = tmp_path / "question.wav"
    write_wav(path, np.sin(np.arange(4800) * 0.2).astype(np.float32), 16_000)
    return path


async def test_a_recording_is_answered_with_events_waterfall_and_wav_with_fake_gateway(
    recording: Path, tmp_path: Path
) -> None:
    gateway = FakeGateway(answer="A rock.")
    out = tmp_path / "reply.wav"
    async with serve_fake_gateway(gateway) as target:
        result = await maatu("talk", str(recording), "--server", target, "--language", "es-ES", "--out", str(out))
    assert result.status == 0, result.err
    assert gateway.configs[0].language_code == "es-ES"
    assert "you: What is the moon?" in result.out
    assert "answer: A rock." in result.out
    assert "endpointing" in result.out
    assert f"{sum(SEGMENTS_MS.values()):.1f}" in result.out
    assert len(read_audio(out, 22_050)) == pytest.approx(22_050 * ANSWER_CHUNKS * CHUNK_MS / 1000, abs=10)
    assert result.err == ""


async def test_json_prints_one_event_a_line_and_nothing_else_with_fake_gateway(recording: Path, tmp_path: Path) -> None:
    out = tmp_path / "reply.wav"
    async with serve_fake_gateway(FakeGateway()) as target:
        result = await maatu("talk", str(recording), "--server", target, "--json", "--out", str(out))
    events = [json.loads(line) for line in result.out.splitlines()]
    kinds = [next(key for key in event if key != "at") for event in events]
    assert kinds == [
        "ready",
        "speech",
        "speech",
        "transcript",
        "turn",
        "agent_text",
        *["audio"] * ANSWER_CHUNKS,
        "report",
    ]
    audio = events[-2]["audio"]
    assert (audio["sequence"], audio["clause_index"], audio["audio_bytes"]) == (ANSWER_CHUNKS - 1, 0, 4410)
    assert events[-1]["report"]["segments"][0]["hop"] == "HOP_ENDPOINTING"
    assert result.err == ""
    assert out.is_file()


async def test_a_typed_text_is_asked_with_fake_gateway() -> None:
    gateway = FakeGateway()
    async with serve_fake_gateway(gateway) as target:
        result = await maatu("talk", "--text", "Why?", "--server", target, "--session", "s1", "--voice", "joe")
    assert result.status == 0
    assert "you: Why?" in result.out
    assert (gateway.configs[0].session_id, gateway.configs[0].voice.name) == ("s1", "joe")
    assert gateway.frames == []


async def test_silence_ends_quietly_with_fake_gateway(tmp_path: Path) -> None:
    write_wav(tmp_path / "silence.wav", np.zeros(1600, np.float32), 16_000)
    async with serve_fake_gateway(FakeGateway()) as target:
        result = await maatu("talk", str(tmp_path / "silence.wav"), "--server", target)
    assert result.status == 0
    assert "nothing was said" in result.out


async def test_a_failed_turn_is_told_and_exits_with_1_with_fake_gateway() -> None:
    gateway = FakeGateway(turn_failure=ModelFailed("the voice broke"))
    async with serve_fake_gateway(gateway) as target:
        result = await maatu("talk", "--text", "Why?", "--server", target)
    assert result.status == 1
    assert "failed: the voice broke" in result.out


async def test_a_refused_call_exits_with_2_and_the_servers_message_with_fake_gateway() -> None:
    gateway = FakeGateway(call_failure=UnsupportedLanguage("xx is not served; en and es are", field="language_code"))
    async with serve_fake_gateway(gateway) as target:
        result = await maatu("talk", "--text", "Why?", "--server", target, "--language", "xx")
    assert result.status == 2
    assert result.err == "maatu: xx is not served; en and es are\n"
    assert result.out == ""


async def test_a_gateway_that_is_down_is_named_with_what_to_do(recording: Path) -> None:
    for arguments in (["--text", "Why?"], [str(recording)]):
        result = await maatu("talk", *arguments, "--server", "127.0.0.1:1")
        assert result.status == 1
        assert "the gateway at 127.0.0.1:1 does not answer" in result.err
        assert "maatu up" in result.err
        assert result.err.count("\n") == 1


async def test_a_file_that_is_no_audio_is_refused(tmp_path: Path) -> None:
    wrong = tmp_path / "notes.wav"
    wrong.write_text("no audio here")
    result = await maatu("talk", str(wrong))
    assert result.status == 2
    assert "notes.wav holds no audio" in result.err


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_an_interrupted_talk_leaves_quietly_and_keeps_what_it_heard_with_fake_gateway(
    signum: signal.Signals, recording: Path, tmp_path: Path
) -> None:
    # Two utterances: the first is answered while the second is still being sent.
    sound = read_audio(recording, 16_000)
    long = tmp_path / "long.wav"
    write_wav(long, np.concatenate([sound, np.zeros(16_000, np.float32), np.tile(sound, 100)]), 16_000)
    gateway = FakeGateway()
    async with serve_fake_gateway(gateway) as target:
        process = await start("talk", str(long), "--server", target, "--json", "--out", str(tmp_path / "reply.wav"))
        assert process.stdout is not None
        while '"report"' not in (line := (await process.stdout.readline()).decode()):
            assert line
        process.send_signal(signum)
        _, err = await process.communicate()
    assert process.returncode == 130
    assert err == b""
    assert (tmp_path / "reply.wav").is_file()
    assert gateway.ended == 1
