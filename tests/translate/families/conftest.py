"""Tiny models of the families' true architectures: text, trained tokenizers, random weights, an installed model."""

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import ctranslate2
import pytest
import sentencepiece
import torch
from transformers import M2M100Config, M2M100ForConditionalGeneration, M2M100Tokenizer

from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.families.base import Family
from maatu_translate.engine.seq2seq import Seq2SeqEngine

CORPUS = (
    "Good morning, how are you today?",
    "I would like to book a table for four people at seven.",
    "The train to Mysore leaves from platform two.",
    "What does it cost, and where can I pay?",
    "Please call me back tomorrow after lunch.",
    "She said that her brother lives in Bengaluru.",
    "We are waiting for the bus in the rain.",
    "It was raining when we left the house.",
    "Buenos días, ¿cómo está usted hoy?",
    "Quisiera reservar una mesa para cuatro personas a las siete.",
    "El tren a Mysore sale del andén número dos.",
    "¿Cuánto cuesta y dónde puedo pagar?",
    "Por favor, llámeme mañana después de comer.",
    "Ella dijo que su hermano vive en Bengaluru.",
    "Estamos esperando el autobús bajo la lluvia.",
    "ಶುಭೋದಯ, ನೀವು ಇಂದು ಹೇಗಿದ್ದೀರಿ?",
    "ನನಗೆ ಏಳು ಗಂಟೆಗೆ ನಾಲ್ಕು ಜನರಿಗೆ ಒಂದು ಮೇಜು ಬೇಕು.",
    "ಮೈಸೂರಿಗೆ ಹೋಗುವ ರೈಲು ಎರಡನೇ ವೇದಿಕೆಯಿಂದ ಹೊರಡುತ್ತದೆ.",
    "ಇದರ ಬೆಲೆ ಎಷ್ಟು, ಎಲ್ಲಿ ಹಣ ಕೊಡಬೇಕು?",
    "ದಯವಿಟ್ಟು ನಾಳೆ ಊಟದ ನಂತರ ನನಗೆ ಕರೆ ಮಾಡಿ.",
    "ನಾವು ಮಳೆಯಲ್ಲಿ ಬಸ್ಸಿಗಾಗಿ ಕಾಯುತ್ತಿದ್ದೇವೆ.",
    "सुप्रभात, आज आप कैसे हैं?",
    "मैसूर की ट्रेन प्लेटफ़ॉर्म दो से जाती है।",
    "कृपया कल दोपहर के खाने के बाद मुझे फ़ोन कीजिए।",
    "Доброе утро, как у вас дела?",
    "Поезд в Майсур отправляется со второго пути.",
)
"""A few sentences of conversation in English, Spanish, Kannada, Hindi and Russian, written for these tests."""


@pytest.fixture(scope="session")
def corpus() -> tuple[str, ...]:
    """Sentences of conversation in five languages and four scripts."""
    return CORPUS


class TrainSentencePiece(Protocol):
    """Trains a tokenizer."""

    def __call__(
        self, directory: Path, name: str = "sentencepiece.bpe.model", *, text: Sequence[str] = CORPUS, **options: Any
    ) -> Path: ...


@pytest.fixture(scope="session")
def train_sentencepiece() -> TrainSentencePiece:
    """Trains a SentencePiece model on the corpus into a directory, with any of the trainer's options; returns its file.

    The default is a BPE of 400 pieces with the first three ids as SentencePiece gives them: <unk>, <s>, </s>.
    """

    def train(
        directory: Path, name: str = "sentencepiece.bpe.model", *, text: Sequence[str] = CORPUS, **options: Any
    ) -> Path:
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / name
        with open(path, "wb") as file:
            settings: dict[str, Any] = {
                "model_type": "bpe",
                "vocab_size": 400,
                "character_coverage": 1.0,
                "num_threads": 1,
            }
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(text), model_writer=file, minloglevel=2, **(settings | options)
            )
        return path

    return train


@pytest.fixture(scope="session")
def random_weights() -> Callable[..., Any]:
    """Fills a model of transformers with normal random numbers: `(model, seed=0, std=0.8, end=2)`; returns it, for evaluation.

    With the usual small numbers a model repeats one token for ever. Large ones in the layers (`std`), embeddings an eighth of
    that, and a louder row for the token of the end (`end`, an id, or None) make outputs that vary and half of which end: with
    d_model 32 and two layers 12 of 20 end within 40 tokens, with 8 different ones each. Norms and biases keep their values.
    """

    def fill(model: Any, seed: int = 0, std: float = 0.8, end: int | None = 2) -> Any:
        torch.set_num_threads(1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.dim() > 1 and parameter.requires_grad:
                    embeds = any(part in name for part in ("embed", "shared", "lm_head"))
                    parameter.normal_(0.0, std / 8 if embeds else std, generator=generator)
            if end is not None:
                model.get_output_embeddings().weight[end] *= 3
        return model.eval()

    return fill


@pytest.fixture(scope="session")
def save_m2m100(random_weights: Callable[..., Any]) -> Callable[..., Any]:
    """Saves a narrow model of the architecture of M2M-100 and NLLB-200: `(directory, vocab_size, seed=0)`; returns the model."""

    def save(directory: Path, vocab_size: int, seed: int = 0) -> Any:
        config = M2M100Config(
            vocab_size=vocab_size,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=512,
        )
        model = random_weights(M2M100ForConditionalGeneration(config), seed)
        model.save_pretrained(directory)
        return model

    return save


@pytest.fixture(scope="session")
def m2m100_checkpoint(
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: TrainSentencePiece,
    save_m2m100: Callable[..., Any],
) -> Path:
    """A narrow M2M-100 as it is on the hub: 400 tokens, 100 languages, and the eight tokens that the published models have more.
    Not to be changed."""
    directory = tmp_path_factory.mktemp("m2m100") / "checkpoint"
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(train_sentencepiece(directory)))
    tokens = ["<s>", "<pad>", "</s>", "<unk>", *(pieces.id_to_piece(number) for number in range(3, len(pieces)))]
    (directory / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(tokens)}))
    tokenizer = M2M100Tokenizer(str(directory / "vocab.json"), str(directory / "sentencepiece.bpe.model"))
    tokenizer.save_pretrained(directory)
    save_m2m100(directory, len(tokens) + 100 + 8)
    return directory


@pytest.fixture(scope="session")
def install() -> Callable[..., ModelStore]:
    """Converts a checkpoint and installs it: `(root, family, convert, source, quantization="float32", name="tiny")` with the
    `convert` of a module of maatu_client.models; returns the store it is in."""

    def install(
        root: Path,
        family: str,
        convert: Callable[[Path, Path, str], None],
        source: Path,
        quantization: str = "float32",
        name: str = "tiny",
    ) -> ModelStore:
        store = ModelStore(root)
        with (
            store.lock(name),
            store.install(
                name,
                family=family,
                format=f"ctranslate2-{quantization}",
                licence="none",
                source="random numbers",
                created_by={},
            ) as directory,
        ):
            convert(source, directory, quantization)
        return store

    return install


@pytest.fixture(scope="session")
def tokens_written() -> Callable[..., list[list[str]]]:
    """What an engine's model writes for sentences, as tokens before they are text: `(store, family, sentences, **options)`.

    The options are those of Seq2SeqEngine. All sentences go in one batch; `alone=True` gives each a batch of its own.
    """

    def write(
        store: ModelStore,
        family: Callable[[Path], Family],
        sentences: Sequence[Sentence],
        *,
        alone: bool = False,
        **options: Any,
    ) -> list[list[str]]:
        def keeps_tokens(directory: Path) -> Family:
            made = family(directory)

            def decode(tokens: Sequence[str], direction: Direction, notes: Any) -> str:
                return "\n".join(tokens)

            made.decode = decode  # type: ignore[method-assign]
            return made

        settings: dict[str, Any] = {"device": "cpu", "compute_type": "default", "workers": 1, "threads": 1}
        engine = Seq2SeqEngine(store, "tiny", keeps_tokens, **(settings | options))
        engine.load()
        batches = [[sentence] for sentence in sentences] if alone else [sentences]
        outputs = [
            output for batch in batches for output in engine.translate(batch, [threading.Event() for _ in batch])
        ]
        return [output.text.split("\n") if output.text else [] for output in outputs]

    return write


@pytest.fixture(scope="session")
def agreement() -> Callable[[Sequence[Sequence[str]], ModelStore, Family, Sequence[Sentence]], float]:
    """How often a rounded model chooses the token that the exact one chose, after the same tokens: a share of all tokens.

    `(exact, rounded, family, sentences)` with what the exact model wrote. Compared one token at a time, since one token that
    differs changes all that follow.
    """

    def share(
        exact: Sequence[Sequence[str]], rounded: ModelStore, family: Family, sentences: Sequence[Sentence]
    ) -> float:
        translator = ctranslate2.Translator(str(rounded.path("tiny")), intra_threads=1)
        same = 0
        for tokens, sentence in zip(exact, sentences, strict=True):
            encoded = family.encode(sentence.text, sentence.direction)
            prefixes = [[*encoded.prefix, *tokens[:place]] for place in range(len(tokens))]
            results = translator.translate_batch(
                [encoded.source] * len(prefixes),
                target_prefix=prefixes,
                beam_size=1,
                disable_unk=True,
                max_decoding_length=len(encoded.prefix) + len(tokens),
                return_end_token=True,
            )
            chosen = [result.hypotheses[0][len(prefix)] for result, prefix in zip(results, prefixes, strict=True)]
            same += sum(token == other for token, other in zip(tokens, chosen, strict=True))
        return same / sum(map(len, exact))

    return share
