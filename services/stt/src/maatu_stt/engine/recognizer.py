"""Whisper for all streams: which model serves which language, and whose turn it is."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from maatu_runtime.errors import InvalidRequest, ModelFailed, UnsupportedLanguage
from maatu_stt import metrics
from maatu_stt.engine.base import DecodeRequest, RecognitionOptions, Transcription, Urgency
from maatu_stt.engine.scheduler import Job, Scheduler, SchedulerSettings
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings

ANY = "*"
"""Stands for every language that is not named."""


@dataclass(frozen=True)
class _Served:
    engine: WhisperEngine
    scheduler: Scheduler[DecodeRequest, Transcription]


class WhisperRecognizer:
    """Implements `Recognizer`.

    Args:
        models: Name of the model for a language's code; "*" is every other language, and detection.
        resolve: Directory of a model by its name; raises ModelNotInstalled.
        settings: How each model runs.
        scheduling: How many decodes of each model run at once.
    """

    def __init__(
        self,
        models: Mapping[str, str],
        resolve: Callable[[str], Path],
        settings: WhisperSettings,
        scheduling: SchedulerSettings,
    ) -> None:
        self._models = dict(models)
        self._resolve = resolve
        self._settings = settings
        self._scheduling = scheduling
        self._served: dict[str, _Served] = {}

    async def warm_up(self) -> None:
        """Loads the models one after the other and decodes once with each."""
        loop = asyncio.get_running_loop()
        for name in dict.fromkeys(self._models.values()):
            directory = self._resolve(name)
            engine = await loop.run_in_executor(None, WhisperEngine, name, directory, self._settings)
            await loop.run_in_executor(None, engine.warm_up)
            self._served[name] = _Served(engine, self._schedule(engine))

    def check(self, options: RecognitionOptions) -> None:
        """Finds the model and asks it for the languages."""
        engine = self._choose(options).engine
        for index, language in enumerate(options.languages):
            if not engine.knows(language):
                known = ", ".join(sorted(engine.languages))
                raise UnsupportedLanguage(
                    f'the model {engine.name} does not know the language "{language}"; it knows: {known}',
                    field=f"config.language_codes[{index}]",
                )

    def start(self, request: DecodeRequest, urgency: Urgency) -> Job[DecodeRequest, Transcription] | None:
        """Queues a decode with the model of its language."""
        served = self._choose(request.options)
        name, kind = served.engine.name, urgency.name.lower()
        job = served.scheduler.start(request, urgency, on_start=metrics.QUEUE_SECONDS.labels(name, kind).observe)
        if job is None:
            metrics.SKIPPED_PARTIALS.labels(name).inc()
        return job

    def capacity(self) -> tuple[int, int]:
        """Decodes under way over all models, and how many there may be."""
        schedulers = [served.scheduler for served in self._served.values()]
        return sum(scheduler.running for scheduler in schedulers), sum(scheduler.workers for scheduler in schedulers)

    async def close(self) -> None:
        """Waits for running decodes and frees the models."""
        for served in self._served.values():
            await served.scheduler.close()
        self._served.clear()

    def _schedule(self, engine: WhisperEngine) -> Scheduler[DecodeRequest, Transcription]:
        def run(requests: Sequence[DecodeRequest], are_partials: bool) -> Sequence[Transcription | ModelFailed]:
            began = perf_counter()
            answers = engine.decode(requests, are_partials=are_partials)
            kind = "partial" if are_partials else "final"
            metrics.DECODE_SECONDS.labels(engine.name, kind).observe(perf_counter() - began)
            metrics.BATCH_SIZE.labels(engine.name, kind).observe(len(requests))
            return answers

        return Scheduler(f"decode-{engine.name}", run, self._scheduling, engine.batch_key)

    def _choose(self, options: RecognitionOptions) -> _Served:
        name = options.model or self._model_of(options)
        if name not in self._models.values():
            known = ", ".join(sorted(set(self._models.values())))
            raise InvalidRequest(f'the model "{name[:80]}" is not served here; served: {known}', field="config.model")
        if name not in self._served:
            raise ModelFailed(f"the model {name} is still loading", retry_after_s=2.0)
        return self._served[name]

    def _model_of(self, options: RecognitionOptions) -> str:
        codes = list(dict.fromkeys(language.code for language in options.languages))
        wanted = codes[0] if len(codes) == 1 else ANY
        name = self._models.get(wanted) or self._models.get(ANY)
        if name is None and len(codes) != 1:
            name = next(iter(self._models.values()))  # nothing here can tell languages apart
        if name is None:
            served = ", ".join(sorted(self._models))
            raise UnsupportedLanguage(
                f'nothing here recognises "{codes[0]}"; served: {served}', field="config.language_codes[0]"
            )
        return name
