"""What the tests of Parler-TTS behind the real service share: engines on tiny random checkpoints, and ears."""

import itertools
import random
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import Samples, StreamDecoder, format_from_proto
from maatu_tts.engine.base import EngineAudio, Utterance
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.engine import ParlerEngine
from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint
from maatu_tts.engine.parler.runner import Runner
from maatu_tts.engine.parler.settings import ParlerSettings
from maatu_tts.engine.parler.voices import load_voices

_HOP = 512
"""Samples of a codec frame."""


class SpiedParler(ParlerEngine):
    """A ParlerEngine that keeps what it was asked to speak, and takes its time when it is told to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.utterances: list[Utterance] = []
        """In order."""
        self.awaited = 0
        """Utterances of which somebody waits for the next part at this moment."""
        self.hurry = threading.Event()
        """While it is cleared, a step takes 20 ms: streams last long enough for something to happen meanwhile."""
        self.hurry.set()

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        self.utterances.append(utterance)
        self.awaited += 1
        try:
            async with aclosing(super().synthesize(utterance)) as audio:
                async for part in audio:
                    self.awaited -= 1
                    try:
                        yield part
                    finally:
                        self.awaited += 1
        finally:
            self.awaited -= 1

    def _runner(self, batch: Batch) -> Runner:
        runner, hurry = super()._runner(batch), self.hurry

        class Paced(Runner):
            def warm_up(self) -> None:
                runner.warm_up()

            def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
                runner.run(rows, context, cross_context, greedy=greedy)
                hurry.wait(0.02)

        return Paced()


class Speech:
    """What came of a call: started, clauses, audio that follows without a gap, and a summary that adds it up."""

    def __init__(self, responses: Sequence[Any]) -> None:
        self.started: tts_pb2.SynthesisStarted = responses[0].started
        self.clauses = [each.clause for each in responses if each.WhichOneof("event") == "clause"]
        self.chunks = [each.audio for each in responses if each.WhichOneof("event") == "audio"]
        self.summary: tts_pb2.SynthesisSummary = responses[-1].summary
        assert responses[0].HasField("started")
        assert responses[-1].HasField("summary")
        assert len(responses) == len(self.chunks) + len(self.clauses) + 2
        assert [chunk.sequence for chunk in self.chunks] == list(range(len(self.chunks)))
        position_ns = 0
        for chunk in self.chunks:
            assert chunk.offset.ToNanoseconds() == position_ns
            position_ns += chunk.duration.ToNanoseconds()
        assert self.summary.audio_duration.ToNanoseconds() == position_ns
        self.seconds = position_ns / 1e9

    @property
    def audio(self) -> bytes:
        """All of it, encoded."""
        return b"".join(chunk.audio for chunk in self.chunks)

    @property
    def lengths(self) -> list[int]:
        """Samples of each chunk, where they are LINEAR16."""
        return [len(chunk.audio) // 2 for chunk in self.chunks]

    @property
    def frames(self) -> list[int]:
        """Codec frames of each chunk, where it is LINEAR16 at the codec's rate.

        The last 5 ms of a chunk wait for the next one, and are a chunk of no frames of their own at the end of a clause.
        """
        ends = [-(-end // _HOP) for end in itertools.accumulate(self.lengths)]
        return [end - begin for begin, end in itertools.pairwise([0, *ends]) if end > begin]

    @property
    def samples(self) -> Samples:
        """All of it, decoded."""
        rate_hz = self.started.format.sample_rate_hz
        decoder = StreamDecoder(format_from_proto(self.started.format, ""), rate_hz)
        return np.concatenate([*(decoder.push(chunk.audio) for chunk in self.chunks), decoder.flush()])


@pytest.fixture
def speech() -> type[Speech]:
    """Reads the messages of a call: `speech(await client.say("one")).seconds`."""
    return Speech


@pytest.fixture
def dictation() -> Callable[..., list[tts_pb2.StreamingSynthesizeRequest]]:
    """The messages of a client that dictates: `dictation("One, ", "two.", seed=1)`, in English where no voice is given."""

    def make(*texts: str, **options: Any) -> list[tts_pb2.StreamingSynthesizeRequest]:
        options = {"voice": common_pb2.Voice(language_code="en"), **options}
        return [
            tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisOptions(**options)),
            *(tts_pb2.StreamingSynthesizeRequest(text=text) for text in texts),
            tts_pb2.StreamingSynthesizeRequest(end_of_input=common_pb2.EndOfInput()),
        ]

    return make


@pytest.fixture(scope="session")
def ending_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the Indic layout, with streams that end by themselves after some 80 frames."""
    directory = tmp_path_factory.mktemp("ending") / "parler-indic"
    return write_checkpoint(directory, TINY, separate_description_tokenizer=True, mean_frames=80)


@pytest.fixture(scope="session")
def endless_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the English layout, with streams that last as long as an utterance may."""
    return write_checkpoint(tmp_path_factory.mktemp("endless") / "parler-mini", TINY, fused_heads=True)


@pytest.fixture(scope="session")
def parler(endless_checkpoint: Path) -> Callable[..., SpiedParler]:
    """Makes an engine: `parler(slots=2)`; the arguments are those of ParlerSettings.

    It has four slots and the Kannada, Hindi and English voices of the Indic model, and each utterance lasts exactly 80 frames.
    """

    def make(
        checkpoint: Path = endless_checkpoint,
        languages: str = "kn hi en",
        frames: int = 80,
        **settings: Any,
    ) -> SpiedParler:
        voices = [voice for voice in load_voices(None, "parler-indic") if voice.languages[0].code in languages.split()]
        settings = {"slots": 4, "longest_s": frames * _HOP / 44_100, **settings}
        return SpiedParler(lambda: checkpoint, voices, ParlerSettings(**settings), seeds=random.Random(1))

    return make
