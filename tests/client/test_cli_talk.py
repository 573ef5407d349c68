"""`maatu talk` as a user runs it: a process of its own, against a fake gateway on a real gRPC server."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
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


async def start(
    *arguments: str, stdout: int = asyncio.subprocess.PIPE, environment: Mapping[str, str] | None = None
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "maatu_client", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "COLUMNS": "120",
            "NO_COLOR": "1",
            **(environment or {}),
        },
    )


async def maatu(*arguments: str, environment: Mapping[str, str] | None = None) -> Finished:
    """Runs the command to its end. No command ever shows a traceback."""
    process = await start(*arguments, environment=environment)
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


@pytest.mark.parametrize(
    ("name", "why"), [("", "Is a directory"), ("x" * 300, "File name too long")], ids=["directory", "overlong"]
)
async def test_a_place_for_the_answer_that_cannot_be_written_is_refused_before_the_call_with_fake_gateway(
    name: str, why: str, tmp_path: Path
) -> None:
    gateway = FakeGateway()
    async with serve_fake_gateway(gateway) as target:
        arguments = ("--server", target, "--out", str(tmp_path / name))
        result = await maatu("talk", "--text", "Why?", *arguments, environment={"COLUMNS": "1000"})
    assert result.status == 2
    assert why in result.err
    assert gateway.configs == []


async def test_looking_whether_the_answer_can_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    kept = tmp_path / "kept.wav"
    kept.write_bytes(b"an earlier answer")
    link = tmp_path / "link.wav"
    link.symlink_to("nothing-yet.wav")
    for out in (kept, tmp_path / "new.wav", link):
        result = await maatu("talk", "--text", "Why?", "--server", "127.0.0.1:1", "--out", str(out))
        assert result.status == 1
    assert sorted(os.listdir(tmp_path)) == ["kept.wav", "link.wav"]
    assert kept.read_bytes() == b"an earlier answer"


async def test_an_answer_that_the_terminal_cannot_show_is_shown_in_escapes_with_fake_gateway() -> None:
    ask = ("talk", "--text", "¿Qué?", "--language", "es-ES")
    async with serve_fake_gateway(FakeGateway(answer="Así es: ಮಾತು 🌙")) as target:
        shown = await maatu(*ask, "--server", target, environment={"PYTHONIOENCODING": "ascii"})
        as_json = await maatu(*ask, "--server", target, "--json", environment={"PYTHONIOENCODING": "ascii"})
        readable = await maatu(*ask, "--server", target, "--json", environment={"PYTHONIOENCODING": "utf-8"})
    assert (shown.status, as_json.status, readable.status) == (0, 0, 0)
    assert r"answer: As\xed es: \u0cae" in shown.out
    assert json.loads(as_json.out.splitlines()[-1])["report"]["agent_text"] == "Así es: ಮಾತು 🌙"
    assert "Así es: ಮಾತು 🌙" in readable.out


async def test_who_reads_no_further_ends_the_command_quietly_with_fake_gateway() -> None:
    read, write = os.pipe()
    os.close(read)
    async with serve_fake_gateway(FakeGateway()) as target:
        process = await start("talk", "--text", "Why?", "--server", target, "--json", stdout=write)
        os.close(write)
        _, err = await process.communicate()
    assert process.returncode == 1
    assert err == b""


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
