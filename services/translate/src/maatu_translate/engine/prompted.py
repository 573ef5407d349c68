"""A decoder-only model that is shown translations and continues with one more, on CTranslate2."""

import threading
from typing import Any

import ctranslate2
import tokenizers

from maatu_runtime.errors import ConfigurationError, ModelFailed
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Direction, Output
from maatu_translate.engine.prompts import question, served_directions, static_prompt

TOKENS_PER_SOURCE_TOKEN = 2
"""A translation has at most so many times the tokens of its source, and EXTRA_TOKENS more."""
EXTRA_TOKENS = 12


class PromptedEngine:
    """Translates with a base model such as Gemma 3 270M.

    The examples of a direction are read once; their state is kept by the generator and copied for each sentence, so that
    a sentence costs its own tokens only. Decoding is greedy and ends with the line.

    Args:
        store: Where the model is.
        model: Its name.
        device: "cpu" or "cuda".
        compute_type: As CTranslate2 calls it; "default" keeps that of the conversion.
        workers: Sentences at once.
        threads: Threads for each.
    """

    def __init__(
        self, store: ModelStore, model: str, *, device: str, compute_type: str, workers: int, threads: int
    ) -> None:
        self._store = store
        self._model = model
        self._device = device
        self._compute_type = compute_type
        self._workers = workers
        self._threads = threads
        self._generator: Any = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def directions(self) -> frozenset[Direction]:
        """Every direction there are examples for."""
        return served_directions()

    def load(self) -> None:
        """See Engine.load."""
        directory = self._store.path(self._model)
        # A generator whose constructor fails may bring the process down at its exit, so the type is checked before.
        supported = ctranslate2.get_supported_compute_types(self._device) if self._device_is_there() else set()
        if self._compute_type not in {*supported, "default", "auto"}:
            raise ConfigurationError(
                f'compute type "{self._compute_type}" cannot be had on {self._device}: use one of {sorted(supported)}'
            )
        self._tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
        vocabulary = self._tokenizer.get_vocab()
        self._line_ends = [i for token, i in vocabulary.items() if token.startswith(("\n", "<0x0A>"))]
        self._start = [token for token in ("<bos>", "<s>") if token in vocabulary][:1]
        self._ends = [vocabulary[token] for token in ("<eos>", "</s>", "<end_of_turn>") if token in vocabulary]
        self._generator = ctranslate2.Generator(
            str(directory),
            device=self._device,
            compute_type=self._compute_type,
            inter_threads=self._workers,
            intra_threads=self._threads,
        )
        self._prompts = {
            direction: self._start + self._tokens(static_prompt(direction)) for direction in self.directions
        }
        for direction in sorted(self.directions):
            self.translate("Hello.", direction, threading.Event())

    def translate(self, sentence: str, direction: Direction, cancelled: threading.Event) -> Output:
        """See Engine.translate."""
        longest = TOKENS_PER_SOURCE_TOKEN * len(self._tokens(sentence)) + EXTRA_TOKENS
        try:
            (result,) = self._generator.generate_batch(
                [self._tokens(question(sentence, direction))],
                static_prompt=self._prompts[direction],
                cache_static_prompt=True,
                include_prompt_in_result=False,
                sampling_topk=1,
                max_length=longest,
                end_token=[*self._line_ends, *self._ends],
                callback=lambda _: cancelled.is_set(),
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFailed(f"the model {self._model} failed on this sentence") from error
        ids = result.sequences_ids[0]
        return Output(self._tokenizer.decode(ids).strip(), truncated=len(ids) >= longest)

    def close(self) -> None:
        """Releases the model."""
        self._generator = None

    def _tokens(self, text: str) -> list[str]:
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens

    def _device_is_there(self) -> bool:
        if self._device == "cuda" and ctranslate2.get_cuda_device_count() == 0:
            raise ConfigurationError("no CUDA device is here: set MAATU_TRANSLATE_DEVICE=cpu")
        return True
