"""Parler-TTS as an engine of the tts service: many streams on one model, each cut into chunks as it is decoded."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
import torch

from maatu_runtime.errors import CapacityExceeded, ConfigurationError, InvalidText, ModelFailed, Quota, Unavailable
from maatu_tts.chunks import ChunkSettings
from maatu_tts.engine.base import (
    CacheStatus,
    Capabilities,
    CompileState,
    Engine,
    EngineAudio,
    EngineStatus,
    EngineVoice,
    Utterance,
)
from maatu_tts.engine.fingerprint import fingerprint
from maatu_tts.engine.parler import runner
from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.descriptions import VoiceCache
from maatu_tts.engine.parler.loader import ParlerModel, Voice, load_model
from maatu_tts.engine.parler.memory import cache_size
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.settings import ParlerSettings
from maatu_tts.engine.parler.start import start
from maatu_tts.engine.parler.stream import Piece, Request
from maatu_tts.engine.parler.thread import SchedulerThread
from maatu_tts.engine.parler.voices import NamedVoice

log = structlog.get_logger()

_SECONDS_PER_CHARACTER = 0.2
_SECONDS_BESIDES = 2.0
"""Three times what slow speech takes. A model that has lost its way does not end by itself."""
_WARM_UP_FRAMES = 30
_SHORTEST_RETRY_S = 0.1


class ParlerEngine(Engine):
    """Speaks with a Parler-TTS checkpoint.

    Args:
        directory: Finds the checkpoint when the engine warms up.
        voices: Its voices, the preferred one of a language first.
        settings: How it runs.
        seeds: Draws the seeds of utterances that name none.
        clock: Seconds, monotonic.
    """

    name = "parler"
    capabilities = Capabilities(
        tokens=True,
        seed=True,
        temperature=True,
        descriptions=True,
        speaking_rate=False,
        levelled=False,
    )

    def __init__(
        self,
        directory: Callable[[], Path],
        voices: Sequence[NamedVoice],
        settings: ParlerSettings | None = None,
        *,
        seeds: random.Random | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._directory = directory
        self._named = {voice.name: voice for voice in voices}
        self._settings = settings or ParlerSettings()
        self._seeds = seeds or random.Random()
        self._clock = clock
        self._admitted = 0
        self._warmup_s = 0.0
        self._fingerprint = ""
        self._voices: list[EngineVoice] = []
        self._model: ParlerModel | None = None
        self._scheduler: Scheduler | None = None
        self._thread: SchedulerThread | None = None
        self._descriptions: VoiceCache | None = None

    @property
    def voices(self) -> Sequence[EngineVoice]:
        """The named voices, once the model is loaded."""
        return self._voices

    async def warm_up(self) -> None:
        """Loads the checkpoint, encodes the named voices, captures and compiles, and speaks once.

        Raises:
            ModelNotInstalled: The checkpoint is missing or does not fit its configuration.
            ConfigurationError: The device is not there, or its memory does not hold a single slot.
        """
        began = self._clock()
        await asyncio.to_thread(self._load)
        self._warmup_s = self._clock() - began
        log.info("parler ready", slots=self.status().slots, seconds=round(self._warmup_s, 1))

    def _load(self) -> None:
        settings = self._settings
        if settings.device.startswith("cuda") and not torch.cuda.is_available():
            raise ConfigurationError(
                f"the device {settings.device} is not there: this PyTorch sees no GPU. Set MAATU_TTS_PARLER_DEVICE=cpu, or "
                "install a CUDA build of torch and a driver that fits it"
            )
        if settings.threads:
            torch.set_num_threads(settings.threads)
        directory = self._directory()
        log.info("parler loading", model=directory.name, device=settings.device, precision=settings.precision.value)
        model = load_model(directory, settings.device, settings.precision)
        config = model.config
        descriptions = VoiceCache(model.describe, settings.cached_voices)
        named = [descriptions.voice(voice.description) for voice in self._named.values()]
        size = cache_size(
            model,
            slots=settings.slots,
            budget_gib=settings.memory_gib,
            positions=min(
                config.decoder.positions,
                settings.prompt_tokens + self._longest_frames(model) + config.decoder.codebooks + 1,
            ),
            cross_positions=max([settings.description_tokens, *(voice.length for voice in named)])
            + (settings.prompt_tokens if config.prompt_cross_attention else 0),
        )
        sampler = SamplerSettings(
            top_k=config.sampling.top_k if settings.top_k is None else settings.top_k,
            top_p=config.sampling.top_p if settings.top_p is None else settings.top_p,
        )
        log.info("parler warming up", slots=size.rows, voices=len(named))
        scheduler = start(model, size, sampler, self._runner)
        self._fingerprint = fingerprint(
            (file for pattern in ("*.json", "*.safetensors") for file in directory.rglob(pattern)),
            settings.precision.value,
            self._temperature(model),
            sampler.top_k,
            sampler.top_p,
        )
        self._model, self._scheduler, self._descriptions = model, scheduler, descriptions
        self._speak_once(scheduler, model, named[0])
        self._thread = SchedulerThread(scheduler)
        self._voices = [
            EngineVoice(voice.name, voice.languages, config.codec.sample_rate_hz, voice.description)
            for voice in self._named.values()
        ]

    def _runner(self, batch: Batch) -> runner.Runner:
        settings = self._settings
        eager = runner.CompiledRunner(batch) if settings.compile else runner.EagerRunner(batch)
        return runner.GraphRunner(batch, eager) if settings.graphs and settings.device.startswith("cuda") else eager

    def _speak_once(self, scheduler: Scheduler, model: ParlerModel, voice: Voice) -> None:
        """The codec, too, makes its choices at its first run."""
        sampling = Sampling(_WARM_UP_FRAMES, min_columns=_WARM_UP_FRAMES)
        scheduler.add(Request(model.prompt_ids("This is how I sound."), voice, sampling), lambda _: None)
        while scheduler.busy:
            scheduler.step()

    async def close(self) -> None:
        """Ends the thread and forgets the model."""
        if self._thread is not None:
            await asyncio.to_thread(self._thread.close)
        self._thread = self._scheduler = self._model = self._descriptions = None
        self._voices = []

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place for one stream: a slot, or a place among those who wait for one."""
        scheduler = self._running()[1]
        limit = scheduler.limit + self._settings.waiting
        if self._admitted >= limit:
            raise CapacityExceeded(
                f"the engine parler speaks {limit} texts at once and all places are taken",
                quota=Quota("tts/parler", limit),
                retry_after_s=max(_SHORTEST_RETRY_S, scheduler.seconds_until_free()),
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Speaks one utterance. Its slot is free again once it is decoded, whether anybody listens or not."""
        model, _, thread, descriptions = self._running()
        named = self._named[utterance.voice.name]
        ids = model.prompt_ids(utterance.text)
        if len(ids) > self._settings.prompt_tokens:
            raise InvalidText(
                f"a clause of {len(ids)} tokens; at most {self._settings.prompt_tokens} are spoken at a stretch: send it in parts",
                reason="TEXT_TOO_LONG",
                field="text",
            )
        voice = await self._voice(model, descriptions, utterance.description or named.description)
        request = Request(
            prompt_ids=ids,
            voice=voice,
            sampling=self._sampling(utterance, model),
            plan=_plan(utterance.chunks) if utterance.streaming else ChunkPlan.whole(),
            priority=utterance.priority,
            alone=not utterance.batching,
        )
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[Piece | Exception | None] = asyncio.Queue()
        # What is decoded waits here for a slow listener; the longest utterance bounds it.

        def listen(piece: Piece | Exception | None) -> None:
            loop.call_soon_threadsafe(pieces.put_nowait, piece)

        ticket = thread.add(request, listen)
        try:
            while isinstance(piece := await pieces.get(), Piece):
                yield EngineAudio(piece.samples, piece.compute_s, piece.frames)
        finally:
            # Of no effect on a stream that has ended.
            thread.cancel(ticket)
        if isinstance(piece, torch.OutOfMemoryError):
            raise ModelFailed("the device ran out of memory for this text; ask again in a moment") from piece
        if piece is not None:
            # The thread's log has all of it.
            raise ModelFailed(f"the model broke on this text: {piece}") from piece

    def fingerprint(self, voice: EngineVoice) -> str:
        """Of the checkpoint, its precision, and how it is sampled where a request does not say."""
        return self._fingerprint

    def status(self) -> EngineStatus:
        """How it runs now."""
        scheduler, descriptions = self._scheduler, self._descriptions
        if self._model is None or scheduler is None or descriptions is None:
            return EngineStatus("", self._settings.device, self._settings.precision.value, 0.0, 0, 0, 0)
        on_gpu = self._model.device.type == "cuda"
        return EngineStatus(
            model=self._model.name,
            device=str(self._model.device),
            compute_type=self._settings.precision.value,
            warmup_s=self._warmup_s,
            slots=scheduler.limit,
            slots_in_use=scheduler.rows_in_use,
            queue_depth=scheduler.waiting,
            compile_state=CompileState(scheduler.runner.state.value),
            compile_detail=scheduler.runner.detail,
            graphs_captured=scheduler.runner.graphs,
            steps_per_second=scheduler.steps_per_second,
            caches=(
                CacheStatus("voice", len(descriptions), descriptions.capacity, descriptions.hits, descriptions.misses),
            ),
            device_memory_bytes=torch.cuda.memory_allocated(self._model.device) if on_gpu else 0,
        )

    def _running(self) -> tuple[ParlerModel, Scheduler, SchedulerThread, VoiceCache]:
        if self._model is None or self._scheduler is None or self._thread is None or self._descriptions is None:
            raise Unavailable("the voices are still being loaded", reason="MODEL_FAILED")
        return self._model, self._scheduler, self._thread, self._descriptions

    async def _voice(self, model: ParlerModel, descriptions: VoiceCache, description: str) -> Voice:
        if (voice := descriptions.known(description)) is not None:
            return voice
        length = len(model.description_ids(description))
        if length > self._settings.description_tokens:
            raise InvalidText(
                f"a description of {length} tokens; at most {self._settings.description_tokens} are followed",
                reason="TEXT_TOO_LONG",
                field="voice.description",
            )
        return await asyncio.to_thread(descriptions.voice, description)

    def _sampling(self, utterance: Utterance, model: ParlerModel) -> Sampling:
        own = model.config.sampling
        seconds = _SECONDS_BESIDES + _SECONDS_PER_CHARACTER * len(utterance.text)
        frames = round(seconds * model.config.codec.frame_rate)
        seed = self._seeds.getrandbits(63) if utterance.seed is None else utterance.seed
        return Sampling(
            max_frames=min(frames, self._longest_frames(model)),
            min_columns=own.min_new_tokens,
            temperature=self._temperature(model) if utterance.temperature is None else utterance.temperature,
            # Requests carry 64 bits without sign, tensors 64 bits with one.
            seed=seed - (1 << 64) if seed >= 1 << 63 else seed,
        )

    def _temperature(self, model: ParlerModel) -> float:
        """Where a request does not say."""
        own = model.config.sampling.temperature
        return own if self._settings.temperature is None else self._settings.temperature

    def _longest_frames(self, model: ParlerModel) -> int:
        config = model.config
        frames = round(self._settings.longest_s * config.codec.frame_rate)
        columns = min(config.sampling.max_length, config.decoder.positions - self._settings.prompt_tokens - 1)
        return min(frames, columns - config.decoder.codebooks)


def _plan(chunks: ChunkSettings) -> ChunkPlan:
    return ChunkPlan(chunks.first_chunk_tokens, chunks.chunk_tokens, chunks.adaptive)
