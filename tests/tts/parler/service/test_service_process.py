"""The tts service as a process of its own, with Parler-TTS on a tiny random checkpoint: how it starts, serves and ends."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from maatu.v1 import common_pb2, tts_pb2, tts_pb2_grpc
from maatu_client.ports import choose_ports
from maatu_client.service_process import ServiceProcess, ServiceSpec
from maatu_runtime.channel import create_channel
from maatu_runtime.models import ModelStore
from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint

MODEL = "parler-indic"
VOICES = """
[[voices]]
name = "kn-calm"
languages = ["kn-IN"]
description = "Anu speaks slowly and calmly."
"""


def install(models_dir: Path, change: Callable[[Path], None] = lambda _: None) -> Path:
    """Installs a tiny checkpoint as a model, changed before; returns the model directory."""
    kind = {"family": "parler", "format": "safetensors", "licence": "none", "source": "random weights"}
    with ModelStore(models_dir).install(MODEL, **kind, created_by={}) as directory:
        write_checkpoint(directory, TINY, separate_description_tokenizer=True, mean_frames=80)
        change(directory)
    return models_dir


def break_tensors(directory: Path) -> None:
    path = directory / "model.safetensors"
    tensors = load_file(path)
    del tensors["decoder.model.decoder.layers.1.fc1.weight"]
    tensors["embed_prompts.weight"] = tensors["embed_prompts.weight"][:, :32].contiguous()
    save_file(tensors, path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with the checkpoint."""
    return install(tmp_path_factory.mktemp("whole"))


def environment(models_dir: Path, **settings: str) -> dict[str, str]:
    """Of a tts service that speaks with Parler-TTS alone."""
    given = {key: value for key, value in os.environ.items() if not key.startswith(("MAATU_", "OTEL_"))}
    ours = {
        "MAATU_MODELS_DIR": str(models_dir),
        "MAATU_TTS_ENGINES": '{"*": "parler"}',
        "MAATU_TTS_PARLER_MODEL": MODEL,
        "MAATU_TTS_PARLER_SLOTS": "4",
        "MAATU_TTS_PORT": "0",
        "MAATU_TTS_METRICS_PORT": "0",
        "CUDA_VISIBLE_DEVICES": "",
        # Threads that wait for one another by spinning are slow where others need the processor.
        "OMP_NUM_THREADS": "1",
    }
    return {**given, **ours, **{f"MAATU_TTS_PARLER_{name.upper()}": value for name, value in settings.items()}}


STARTS: dict[str, tuple[int, list[str]]] = {
    "check": (0, ["tts: imports and configuration are sound"]),
    "no checkpoint": (2, [f"the model {MODEL} is not ready", f"Run `maatu models pull {MODEL}`"]),
    "broken tensors": (
        2,
        [
            "does not fit its config.json",
            "decoder.model.decoder.layers.1.fc1.weight is missing",
            "embed_prompts.weight is [384, 32], not [384, 64]",
        ],
    ),
    "no gpu": (2, ["the device cuda is not there", "MAATU_TTS_PARLER_DEVICE=cpu"]),
    "no such device": (2, ["PARLER_DEVICE"]),
    "no such precision": (2, ["PARLER_PRECISION", "float32", "bfloat16", "int8", "fp8"]),
    "no memory": (2, ["hold no slot", "MAATU_TTS_PARLER_MEMORY_GIB"]),
    "broken voices": (2, ["voices.toml", "voices.0.languages"]),
}
"""Exit status of each start, and what it says."""


_FORK = """
import json, os, pathlib, runpy, sys
import maatu_tts.engine.parler.engine

children = {}
for name, (variables, arguments) in json.load(sys.stdin).items():
    if (pid := os.fork()) == 0:
        os.environ.clear()
        os.environ.update(variables)
        for number in (1, 2):
            os.dup2(os.open(f"{name}.{number}", os.O_WRONLY | os.O_CREAT), number)
        sys.argv[1:] = arguments
        try:
            runpy.run_module("maatu_tts", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code)  # without taking PyTorch down, which takes a second
    children[pid] = name
for _ in range(len(children)):
    pid, status = os.wait()
    pathlib.Path(f"{children[pid]}.status").write_text(str(os.waitstatus_to_exitcode(status)))
"""
"""Runs the service once for each start. All fork from one process that has imported PyTorch, which takes each 5 s otherwise."""


@pytest.fixture(scope="module")
def starts(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with what each start wrote to its outputs, and its exit status."""
    voices = tmp_path_factory.mktemp("voices") / "voices.toml"
    voices.write_text(VOICES.replace("kn-IN", "nonsense language"), encoding="utf-8")
    starts = {
        "check": (environment(whole), ["--check"]),
        "no checkpoint": (environment(tmp_path_factory.mktemp("empty")), []),
        "broken tensors": (environment(install(tmp_path_factory.mktemp("broken"), break_tensors)), []),
        "no gpu": (environment(whole, device="cuda"), []),
        "no such device": (environment(whole, device="tpu"), []),
        "no such precision": (environment(whole, precision="int3"), []),
        "broken voices": (environment(whole, voices=str(voices)), ["--check"]),
        "no memory": (environment(whole, slots="0", memory_gib="0.000001"), []),
    }
    directory = tmp_path_factory.mktemp("starts")
    subprocess.run(
        [sys.executable, "-c", _FORK],
        input=json.dumps(starts),
        text=True,
        cwd=directory,
        env=environment(whole),
        timeout=100,
        check=True,
    )
    return directory


@pytest.mark.parametrize("name", STARTS)
def test_a_start_says_in_one_line_what_is_wrong(starts: Path, name: str) -> None:
    status, told = STARTS[name]
    out, errors = ((starts / f"{name}.{number}").read_text(encoding="utf-8") for number in (1, 2))
    assert (starts / f"{name}.status").read_text() == str(status), errors
    said = errors[errors.index("maatu-tts: ") :] if status else out
    assert all(part in said for part in told), said
    assert "Traceback" not in out + errors


async def test_a_process_serves_and_ends(whole: Path, tmp_path: Path, speech: Any) -> None:
    voices = tmp_path / "voices.toml"
    voices.write_text(VOICES, encoding="utf-8")
    port = choose_ports({"tts": "127.0.0.1"}, {})["tts"]
    variables = environment(whole, voices=str(voices), longest_s="4") | {"MAATU_TTS_PORT": str(port)}
    process = ServiceProcess(ServiceSpec("tts", "maatu_tts", "127.0.0.1", port, variables), tmp_path / "tts.log")
    await process.start()
    try:
        await process.wait_healthy(60)
        async with create_channel(process.spec.address) as channel:
            stub = tts_pb2_grpc.TextToSpeechStub(channel)
            listed = (await stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="kn"))).voices
            assert [voice.name for voice in listed if voice.is_default] == ["kn-calm"]
            assert "parler-kn-suresh" in [voice.name for voice in listed]

            [before] = (await stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).engines
            assert (before.engine, before.model, before.device, before.slots) == ("parler", MODEL, "cpu", 4)
            assert before.warmup_time.ToNanoseconds() > 0

            options = tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="kn-IN"))
            request = tts_pb2.SynthesizeRequest(text="ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", options=options)
            first, again = [speech([each async for each in stub.Synthesize(request)]) for _ in range(2)]
            assert first.started.voice_name == "kn-calm"
            assert first.summary.tokens * 512 == len(first.samples)
            assert np.sqrt(np.mean(first.samples**2)) > 0.05
            assert (first.summary.cached, again.summary.cached) == (False, True)
            [after] = (await stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).engines
            caches = {cache.name: cache.hits for cache in after.caches}
            assert caches == {"synthesis": 1, "voice": 1}
            assert after.steps_per_second > 0

            # What runs is spoken to its end.
            request.options.seed = 3
            call: Any = stub.Synthesize(request)
            assert (await call.read()).HasField("started")
            process.stopping = True
            process.send_signal(signal.SIGTERM)
            rest: list[Any] = []
            while (response := await call.read()) is not grpc.aio.EOF:
                rest.append(response)
            assert rest[-1].summary.tokens > 0
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    finally:
        await process.stop(0)
    log = process.log_path.read_text(encoding="utf-8")
    assert "stopped" in log
    assert "Traceback" not in log
