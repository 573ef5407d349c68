"""`maatu demo`: the whole chain on this machine, with spoken questions and spoken answers."""

import time
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import grpc
import numpy as np
import typer
from rich.console import Console
from rich.rule import Rule

from maatu.v1 import common_pb2, tts_pb2
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client.cli.events import EventPrinter
from maatu_client.cli.output import say
from maatu_client.cli.player import find_player, play
from maatu_client.cli.running import run_until_signal
from maatu_client.cli.up import ModelsDir, ready_profile, show_progress
from maatu_client.client import VoiceClient
from maatu_client.options import INPUT_FORMAT
from maatu_client.profiles import DEFAULT_PROFILE
from maatu_client.reply import Reply
from maatu_client.supervisor import LocalStack
from maatu_runtime.audio import StreamDecoder, format_to_proto, write_wav
from maatu_runtime.audio.samples import Samples
from maatu_runtime.channel import create_channel
from maatu_runtime.status import from_rpc_error

SECOND_TURN_UNTIL_S = 22.0
"""The second question is asked if the first is answered by then: the whole demo is to take less than 40 s."""


@dataclass(frozen=True)
class Question:
    """A question that the demo asks."""

    text: str
    language: str
    suffix: str
    """Goes into the names of the WAV files."""


QUESTIONS = (
    Question("Can you tell me about the ocean?", "en-US", ""),
    Question("¿Cuál es la capital de Francia?", "es-ES", "-es"),
)


def demo(
    models_dir: ModelsDir = Path("build/models"),
    out_dir: Annotated[Path, typer.Option(file_okay=False, help="Where the WAV files go.")] = Path("build/demo"),
    log_dir: Annotated[Path, typer.Option(file_okay=False, help="Where <service>.log files go.")] = Path("build/logs"),
) -> None:
    """Starts all five services, speaks a question to them in real time, and plays the spoken answer."""
    console = Console()
    profile = ready_profile(DEFAULT_PROFILE, models_dir)
    out_dir.mkdir(parents=True, exist_ok=True)
    begun = time.monotonic()
    stack = LocalStack(
        profile, models_dir, log_dir=log_dir, on_progress=lambda progress: show_progress(console, progress)
    )

    async def work() -> bool:
        async with stack:
            for number, question in enumerate(QUESTIONS):
                if number and time.monotonic() - begun > SECOND_TURN_UNTIL_S:
                    say(console, "(this machine is slow today: the Spanish turn is left out)")
                    break
                if not await _turn(stack, question, out_dir, console):
                    return False
        return True

    answered = run_until_signal(work())
    if answered is None:
        raise typer.Exit(130)
    if not answered:
        raise typer.Exit(1)
    say(console, f"the demo took {time.monotonic() - begun:.0f} s")


async def _turn(stack: LocalStack, question: Question, out_dir: Path, console: Console) -> bool:
    """Asks one question; returns whether it was answered."""
    console.print()
    console.print(Rule(f"{question.language}: {question.text}", align="left"))
    samples = await synthesize(stack.address("tts"), question.text, question.language)
    spoken = out_dir / f"question{question.suffix}.wav"
    write_wav(spoken, samples, INPUT_FORMAT.sample_rate_hz)
    reply, show = Reply(), EventPrinter(console)
    async with VoiceClient(stack.address("gateway")) as client:
        events = client.speak(samples, question.language)
        async with aclosing(events):
            async for event in events:
                reply.add(event)
                show(event)
    if reply.failures or not reply.samples.size:
        say(console, "there was no answer" if not reply.failures else "the turn failed", style="red")
        return False
    answer = out_dir / f"reply{question.suffix}.wav"
    seconds = reply.write_wav(answer)
    say(console, f"question in {spoken}, answer in {answer} ({seconds:.1f} s)")
    player = find_player()
    if player is not None:
        await play(player, spoken) and await play(player, answer)
    return True


async def synthesize(target: str, text: str, language: str) -> Samples:
    """Has the tts service speak a text: mono float32 samples at the rate of `INPUT_FORMAT`."""
    options = tts_pb2.SynthesisOptions(
        voice=common_pb2.Voice(language_code=language), format=format_to_proto(INPUT_FORMAT)
    )
    decoder = StreamDecoder(INPUT_FORMAT, INPUT_FORMAT.sample_rate_hz)
    async with create_channel(target) as channel:
        call = TextToSpeechStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text=text, options=options))
        try:
            pieces = [decoder.push(message.audio.audio) async for message in call if message.HasField("audio")]
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error, hop="tts") from None
    return np.concatenate([np.zeros(0, np.float32), *pieces])
