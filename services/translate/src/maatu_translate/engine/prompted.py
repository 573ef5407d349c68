"""A decoder-only model that is shown translations and continues with one more, on CTranslate2."""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import tokenizers

from maatu_runtime.errors import ModelFailed, ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_translate.engine import prompts
from maatu_translate.engine.base import Direction, Output, Sentence
from maatu_translate.engine.device import check_device

TOKENS_PER_SOURCE_TOKEN = 2
"""A translation has at most so many times the tokens of its source, and EXTRA_TOKENS more."""
EXTRA_TOKENS = 12
LONGEST = 160
"""Tokens of a translation at most, whatever the source: noise that the model repeats without end costs so much and no more."""
LONGEST_IN_BEAM = 24
"""Tokens of a clause, at most, that is decoded with a beam. At the median a beam takes 25 ms a token on one thread."""
CAREFUL_BEAM = 8
"""Hypotheses of a careful search. Of 20 sentences that lost a name or a number, 14 had one among eight that had not."""
_CHARS_PER_TOKEN = 4
"""About; what a batch is made up by need not be exact."""
_STARTS = ("<bos>", "<|begin_of_text|>", "<s>")
_ENDS = ("<eos>", "</s>", "<end_of_turn>", "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>")
_LINE_ENDS = ("\n", "<0x0A>", "Ċ")
"""Tokens that begin with a line end: as SentencePiece writes it, as a byte, and in byte-level BPE."""
_FILES = ("config.json", "model.bin", "vocabulary.json", "tokenizer.json")


class PromptedEngine:
    """Translates with a model such as Gemma 3 270M.

    What stands before every sentence of a direction is read once; its state is kept by the generator and copied for each sentence,
    so that a sentence costs its own tokens only. A translation ends with the line.

    Clauses in a direction that gains from it are decoded with a beam. CTranslate2 cannot stop a beam half-way, so a cancelled
    clause runs to its end, which is near; longer sentences are decoded greedily and stop at once.

    A batch says what its sentences say alone but for rounding: in int8, sums in another order now and then turn a tie between
    two words.

    Args:
        store: Where the model is.
        model: Its name.
        device: "cpu" or "cuda".
        compute_type: As CTranslate2 calls it; "default" keeps that of the conversion.
        workers: Batches at once.
        threads: Threads for each.
        shown: Prompts to use instead of the model's own.
    """

    def __init__(
        self,
        store: ModelStore,
        model: str,
        *,
        device: str,
        compute_type: str,
        workers: int,
        threads: int,
        shown: prompts.Prompts | None = None,
    ) -> None:
        self._store = store
        self._model = model
        self._device = device
        self._compute_type = compute_type
        self._workers = workers
        self._threads = threads
        self._shown = shown
        self._static: dict[Direction, list[str]] = {}
        self._generator: Any = None

    @property
    def name(self) -> str:
        """Name of the model."""
        return self._model

    @property
    def directions(self) -> frozenset[Direction]:
        """Those that the model's prompts serve. Empty until the model is loaded."""
        return frozenset(self._static)

    def load(self) -> None:
        """See Engine.load."""
        directory = self._store.path(self._model)
        check_device(self._device, self._compute_type)
        self._prompts = self._shown or prompts.load(directory)
        self._tokenizer = _tokenizer(directory)
        vocabulary = self._tokenizer.get_vocab()
        line_ends = [number for token, number in vocabulary.items() if token.startswith(_LINE_ENDS)]
        ends = [vocabulary[token] for token in _ENDS if token in vocabulary]
        self._ends = frozenset(line_ends + ends)
        start = [token for token in _STARTS if token in vocabulary][:1]
        try:
            self._generator = ctranslate2.Generator(
                str(directory),
                device=self._device,
                compute_type=self._compute_type,
                inter_threads=self._workers,
                intra_threads=self._threads,
            )
        except RuntimeError as error:
            raise ModelNotInstalled(f"{directory} cannot be loaded: {error}") from error
        self._static = {
            direction: start + self._tokens(self._prompts.static(direction))
            for direction in sorted(self._prompts.beams)
        }
        for direction in self._static:
            self.translate([Sentence("Hello.", direction)], [threading.Event()])

    def batch_key(self, sentence: Sentence) -> Hashable:
        """See Engine.batch_key: a batch has one static prompt and one way of decoding."""
        return sentence.direction, self._beam(sentence)

    def length(self, sentence: Sentence) -> int:
        """See Engine.length."""
        before = len(sentence.context.source_text) + len(sentence.context.translation) if sentence.context else 0
        return (len(sentence.text) + before) // _CHARS_PER_TOKEN + 1

    def translate(self, sentences: Sequence[Sentence], cancelled: Sequence[threading.Event]) -> list[Output]:
        """See Engine.translate."""
        if all(event.is_set() for event in cancelled):
            return [Output("") for _ in sentences]
        bounds = [
            min(TOKENS_PER_SOURCE_TOKEN * len(self._tokens(sentence.text)) + EXTRA_TOKENS, LONGEST)
            for sentence in sentences
        ]
        written = [0] * len(sentences)

        def stop(step: Any) -> bool:
            """Whether a sentence of the batch ends here. In a batch steps count from the shortest prompt on, so its own are
            counted."""
            place: int = step.batch_id
            written[place] += 1
            return cancelled[place].is_set() or written[place] >= bounds[place]

        beam = self._beam(sentences[0])
        # Without a length penalty a beam ends as soon as its best hypothesis does. A callback needs greedy decoding.
        how: dict[str, Any] = {"beam_size": beam, "length_penalty": 0}
        if beam == 1:
            how = {"sampling_topk": 1, "callback": stop}
        elif sentences[0].careful:
            how["num_hypotheses"] = beam
        try:
            results = self._generator.generate_batch(
                [self._tokens(self._prompts.question(sentence)) for sentence in sentences],
                static_prompt=self._static[sentences[0].direction],
                cache_static_prompt=True,
                include_prompt_in_result=False,
                max_length=max(bounds),
                end_token=sorted(self._ends),
                **how,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFailed(f"the model {self._model} failed on this batch") from error
        return [self._output(result.sequences_ids, bound) for result, bound in zip(results, bounds, strict=True)]

    def close(self) -> None:
        """Releases the model."""
        self._generator = None

    def _output(self, hypotheses: Sequence[list[int]], bound: int) -> Output:
        best, *others = [
            Output(self._tokenizer.decode(ids[:bound]).strip(), truncated=len(ids) >= bound) for ids in hypotheses
        ]
        return replace(best, alternatives=tuple(others))

    def _beam(self, sentence: Sentence) -> int:
        """Hypotheses that are followed side by side."""
        beam = CAREFUL_BEAM if sentence.careful else self._prompts.beams[sentence.direction]
        longest = LONGEST_IN_BEAM * (2 if sentence.careful else 1)
        return beam if beam > 1 and len(self._tokens(sentence.text)) <= longest else 1

    def _tokens(self, text: str) -> list[str]:
        tokens: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return tokens


def _tokenizer(directory: Path) -> tokenizers.Tokenizer:
    """Reads the tokenizer, after it has made sure that the other files are there too."""
    for name in _FILES:
        if not (directory / name).is_file():
            raise ModelNotInstalled(f"{directory / name} is missing")
    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    except Exception as error:  # tokenizers raises Exception itself
        raise ModelNotInstalled(f"{directory / 'tokenizer.json'} is damaged: {error}") from error
    # "<eos>" in a text is that text, not the end of it.
    tokenizer.encode_special_tokens = True
    return tokenizer
