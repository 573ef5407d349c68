"""Voice-to-voice of whole turns.

    make bench-turn              or: python bench/turn.py --turns 10

1. Real models, the embedded profile, five real processes: questions spoken in real time, in English (identity translation) and
   in Spanish (both translations). Counted from the last sample of speech to the first audio byte, less the endpointing.
2. The same questions to the same processes, the hops one after another (bench/sequential.py), counted from the endpoint.
3. The gateway's own cost: fakes of fixed delay behind real gRPC; what remains of voice-to-voice is gateway and gRPC.
"""

import argparse
import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import Figure, figure, publish
from rich.console import Console
from sequential import SequentialChain

from maatu.v1 import agent_pb2, common_pb2, gateway_pb2, tts_pb2
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client import VoiceClient
from maatu_client.profiles import ServiceName, load_profile
from maatu_client.reply import Reply
from maatu_client.supervisor import LocalStack
from maatu_gateway.fake import make_config, make_utterance, serve_graph
from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder
from maatu_runtime.audio.samples import Samples
from maatu_runtime.channel import create_channel
from maatu_runtime.testing import FakeServices

ROOT = Path(__file__).resolve().parent.parent
RATE_HZ = 16_000
QUESTIONS = {
    "en-US": ["What is the capital of France?", "Can you tell me about the ocean?", "How do I make a cup of tea?"],
    "es-ES": ["¿Cuál es la capital de Francia?", "¿Qué es la música?", "¿Cuál es la importancia de la familia?"],
}
PROMPT = "You are a friendly voice assistant. Always answer with four short sentences."
MAX_TOKENS = 100

console = Console()


@dataclass
class Measured:
    """Milliseconds of each turn in one language."""

    ours: list[float]
    """Voice-to-voice less endpointing."""
    ours_long: list[float]
    """The same, of the turns whose reply had at least three sentences."""
    sequential_long: list[float]
    """The hops one after another, of the same questions with replies of at least three sentences."""
    segments: dict[str, list[float]]
    """Each hop's stretch of voice-to-voice."""


def sentences(text: str) -> int:
    """Sentences in a reply."""
    return len(re.findall(r"[.!?](?:\s|$)", text))


async def speak(stack: LocalStack, text: str, language: str) -> Samples:
    """The question as the tts service says it, mono float32 at RATE_HZ."""
    audio_format = AudioFormat(Encoding.LINEAR16, RATE_HZ)
    options = tts_pb2.SynthesisOptions(
        voice=common_pb2.Voice(language_code=language),
        format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
    )
    decoder = StreamDecoder(audio_format, RATE_HZ)
    async with create_channel(stack.address("tts")) as channel:
        request = tts_pb2.SynthesizeRequest(text=text, options=options)
        pieces = [
            decoder.push(answer.audio.audio)
            async for answer in TextToSpeechStub(channel).Synthesize(request)
            if answer.HasField("audio")
        ]
    return np.concatenate(pieces)


async def ask(client: VoiceClient, samples: Samples, language: str) -> gateway_pb2.TurnReport:
    """Speaks a question to the gateway in real time and returns the report of the turn."""
    reply = Reply()
    async with client.converse(
        language, interim_results=False, system_prompt=PROMPT, max_tokens=MAX_TOKENS, temperature=0.0
    ) as conversation:
        conversation.speak(samples, RATE_HZ)
        async for event in conversation:
            reply.add(event)
    assert len(reply.reports) == 1, (reply.transcripts, reply.failures)
    return reply.reports[0]


async def measure(stack: LocalStack, language: str, turns: int) -> Measured:
    """Turns in one language: ours, then the same question hop by hop, in turn."""
    measured = Measured([], [], [], {})
    options = agent_pb2.AgentOptions(system_prompt=PROMPT, max_tokens=MAX_TOKENS, temperature=0.0)
    chain = SequentialChain(stack)
    recordings = [await speak(stack, question, language) for question in QUESTIONS[language]]
    async with VoiceClient(stack.address("gateway")) as client:
        await ask(client, recordings[0], language)  # what the first turn alone pays for is not measured
        turn = 0
        while len(measured.ours) < turns or (len(measured.ours_long) < turns and turn < 3 * turns):
            samples = recordings[turn % len(recordings)]
            turn += 1
            report = await ask(client, samples, language)
            total_ms = report.voice_to_voice.ToNanoseconds() / 1e6
            for segment in report.segments:
                name = common_pb2.Hop.Name(segment.hop).removeprefix("HOP_").lower()
                measured.segments.setdefault(name, []).append(segment.duration.ToNanoseconds() / 1e6)
            ours_ms = total_ms - measured.segments["endpointing"][-1]
            measured.ours.append(ours_ms)
            pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
            sequential = await chain.turn(pcm, RATE_HZ, language, options)
            count = sentences(report.agent_text)
            if count >= 3 and sentences(sequential.reply) >= 3:
                measured.ours_long.append(ours_ms)
                measured.sequential_long.append(sequential.first_audio_s * 1000)
            console.print(
                f"{language} turn {turn}: {ours_ms:.0f} ms, one after another {sequential.first_audio_s * 1000:.0f} ms;"
                f" “{report.transcript}” → {count} sentences, {len(report.agent_text)} characters"
            )
    await chain.close()
    return measured


async def gateway_overhead(language: str, turns: int) -> list[float]:
    """Milliseconds that gateway and gRPC add to the fakes' own delays on the critical path."""
    stt_s, translate_s, first_token_s, token_s, tts_s = 0.050, 0.030, 0.040, 0.010, 0.060
    fakes = FakeServices(answer="One two three, four five six. " + "And seven more words to come now. " * 3)
    overheads = []
    async with serve_graph(fakes) as graph:
        fakes.stt.script.delay_s = stt_s
        fakes.translate.script.delay_s = translate_s
        fakes.agent.script.delay_s, fakes.agent.script.step_s = first_token_s, token_s
        fakes.tts.script.delay_s = tts_s
        # The first clause is certain when the word after its comma comes: three steps after the first word.
        hops_s = stt_s + first_token_s + 3 * token_s + tts_s + (0 if language.startswith("en") else 2 * translate_s)
        for _ in range(turns):
            events = await graph.converse(make_config(language_code=language), *make_utterance())
            report = events[-1].report
            endpointing_ns = report.segments[0].duration.ToNanoseconds()
            overheads.append((report.voice_to_voice.ToNanoseconds() - endpointing_ns) / 1e6 - hops_s * 1000)
    return overheads


async def run(turns: int) -> list[Figure]:
    """All figures."""
    figures = []
    for language, name in (("en-US", "English"), ("es-ES", "Spanish through both translations")):
        overheads = await gateway_overhead(language, 3 * turns)
        figures.append(figure(f"gateway and gRPC, {name} (fakes)", overheads, "ms", at_most=15))
    models_dir = ROOT / "build" / "models"
    logs = ROOT / "build" / "logs" / "bench"
    # The same questions are asked again and again: with their caches both would cost nothing from the second time on.
    overrides: dict[ServiceName, dict[str, str]] = {
        "translate": {"MAATU_TRANSLATE_CACHE_ENTRIES": "0"},
        "tts": {"MAATU_TTS_SYNTHESIS_CACHE_MB": "0"},
    }
    async with LocalStack(load_profile("embedded"), models_dir, log_dir=logs, overrides=overrides) as stack:
        for language, name, bound in (("en-US", "English", 700), ("es-ES", "Spanish through both translations", 1500)):
            measured = await measure(stack, language, turns)
            figures.append(figure(f"{name}: voice-to-voice less endpointing", measured.ours, "ms", at_most=bound))
            figures += [figure(f"{name}: … of it {hop}", values, "ms") for hop, values in measured.segments.items()]
            if measured.ours_long:
                figures.append(
                    figure(
                        f"{name}: first audio of a reply of three sentences, against one hop after another",
                        measured.ours_long,
                        "ms",
                        baseline=measured.sequential_long,
                    )
                )
                ratios = [
                    theirs / ours for ours, theirs in zip(measured.ours_long, measured.sequential_long, strict=True)
                ]
                figures.append(figure(f"{name}: times sooner than one hop after another", ratios, "x", at_least=3))
    return figures


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=10, help="turns per language (default 10)")
    publish("turn", asyncio.run(run(parser.parse_args().turns)))


if __name__ == "__main__":
    main()
