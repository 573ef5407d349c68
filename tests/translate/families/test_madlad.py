"""MADLAD-400 of the true architecture with random weights: converted, run by the engine, compared with transformers."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor
from transformers import T5Config, T5ForConditionalGeneration, T5Tokenizer

from maatu_client.models import madlad
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Context, Direction, Sentence
from maatu_translate.engine.families.madlad import Madlad
from maatu_translate.engine.seq2seq import EXTRA_TOKENS, TOKENS_PER_SOURCE_TOKEN, Seq2SeqEngine

LANGUAGES = {
    "en": "<2en>", "es": "<2es>", "kn": "<2kn>", "kn-Latn": "<2kn_Latn>", "zh": "<2zh>", "zh-Hant": "<2zh_Hant>",
    "fr": "<2fr>", "fr-CA": "<2fr_CA>", "ms": "<2ms>", "ms-Arab-BN": "<2ms_Arab_BN>", "nan": "<2nan_Latn_TW>",
}  # fmt: skip
NO_LANGUAGES = (
    "<2translate>",
    "<2transliterate>",
    "<2Knda>",
    "<2CA>",
    "<2zxx_xx_dtynoise>",
    "<2en_xx_simple>",
    "<2mass>",
    "<2>",
)
"""Tokens of the published models for scripts, regions and tasks."""
DIRECTIONS = [Direction("en", "kn"), Direction("kn", "es"), Direction("es", "zh-Hant"), Direction("hi", "fr-CA")]
ODDITIES = (
    "Priya met Anjali O’Brien in Mysuru.",
    "See you at 10:30 😀🎉!",
    "ನಾನು Bengaluru ಗೆ tomorrow ಹೋಗುತ್ತೇನೆ",
    "ﬁne ½ x² „Zitat“ «cita»",
    "unseen 漢字 ok",
    "a\u00a0b  c",
    "ಕ್‍ಷ",
    "line\tone",
)
IDS_OF_MADLAD = {"unk_id": 0, "bos_id": 1, "eos_id": 2, "pad_id": -1}
IDS_OF_T5 = {"pad_id": 0, "eos_id": 1, "unk_id": 2, "bos_id": -1}


@dataclass(frozen=True)
class Tiny:
    """One model twice."""

    checkpoint: Path
    """As on the hub."""
    reference: Any
    names: Sequence[str]
    """All tokens, in the order of their ids."""
    store: ModelStore
    sentences: Sequence[Sentence]

    def expected(self, sentence: Sentence) -> list[str]:
        """The tokens that transformers writes, without the end."""
        source = Madlad(self.store.path("tiny")).encode(sentence.text, sentence.direction).source
        longest = TOKENS_PER_SOURCE_TOKEN * len(source) + EXTRA_TOKENS
        ids = self.reference.generate(
            torch.tensor([[self.names.index(token) for token in source]]),
            num_beams=1,
            do_sample=False,
            min_new_tokens=1,
            max_new_tokens=longest + 1,
            suppress_tokens=[self.names.index("<unk>")],
        )[0].tolist()
        return [self.names[number] for number in ids[1 : longest + 1] if self.names[number] != "</s>"]


def save_checkpoint(
    directory: Path, train_sentencepiece: Callable[..., Path], random_weights: Callable[..., Any], ids: dict[str, int]
) -> Any:
    """Saves a narrow model with a SentencePiece model, in which the language tokens are user-defined symbols."""
    path = train_sentencepiece(
        directory,
        "spiece.model",
        model_type="unigram",
        vocab_size=330,
        hard_vocab_limit=False,
        user_defined_symbols=[*LANGUAGES.values(), *NO_LANGUAGES],
        **ids,
    )
    torch.manual_seed(0)
    config: Any = T5Config
    model: Any = T5ForConditionalGeneration(
        config(
            vocab_size=SentencePieceProcessor(model_file=str(path)).get_piece_size() + 3,
            d_model=32,
            d_kv=8,
            d_ff=64,
            num_layers=2,
            num_heads=4,
            relative_attention_num_buckets=8,
            relative_attention_max_distance=16,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=False,
            decoder_start_token_id=0,
            pad_token_id=1 if ids is IDS_OF_MADLAD else 0,
            eos_token_id=ids["eos_id"],
        )
    )
    # MADLAD's output layer is not its embedding, which transformers 5 takes it to be in a new model.
    model.lm_head.weight = torch.nn.Parameter(torch.empty_like(model.shared.weight))
    random_weights(model, std=0.2, end=ids["eos_id"])  # its attention is not scaled: more is chaos
    model.save_pretrained(directory)
    as_published(directory)
    return model


def as_published(directory: Path) -> None:
    """What transformers 5 writes, in the form that the published checkpoints have: one embedding under the decoder's name."""
    config = json.loads((directory / "config.json").read_text())
    config.pop("scale_decoder_outputs", None)
    (directory / "config.json").write_text(json.dumps(config | {"tie_word_embeddings": False}))
    tensors = load_file(directory / "model.safetensors")
    tensors["decoder.embed_tokens.weight"] = tensors.pop("shared.weight")
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})


@pytest.fixture(scope="module", params=["as published", "fine-tune with tokenizer.json"])
def tiny(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: Callable[..., Path],
    random_weights: Callable[..., Any],
    install: Callable[..., ModelStore],
    corpus: Sequence[str],
) -> Tiny:
    root = tmp_path_factory.mktemp("madlad")
    checkpoint = root / "checkpoint"
    published = request.param == "as published"
    reference = save_checkpoint(
        checkpoint, train_sentencepiece, random_weights, IDS_OF_MADLAD if published else IDS_OF_T5
    )
    pieces = SentencePieceProcessor(model_file=str(checkpoint / "spiece.model"))
    names = [pieces.id_to_piece(number) for number in range(pieces.get_piece_size())]
    names += [f"<unused_{len(names) + number}>" for number in range(3)]
    languages = list(DIRECTIONS[:3])
    if not published:
        # A fine-tune for one language more: a token that only tokenizer.json has.
        tokenizer: Any = T5Tokenizer.from_pretrained(checkpoint, extra_ids=0)
        tokenizer.add_tokens(["<2tcy>"])
        tokenizer.backend_tokenizer.save(str(checkpoint / "tokenizer.json"))
        names[len(names) - 3] = "<2tcy>"
        languages.append(Direction("kn", "tcy"))
    store = install(root / "models", "madlad", madlad.convert, checkpoint)
    sentences = [Sentence(text, languages[number % len(languages)]) for number, text in enumerate(corpus[::2])]
    return Tiny(checkpoint, reference, names, store, sentences)


def test_every_sentence_gets_the_tokens_of_transformers_alone_and_in_a_batch(
    tiny: Tiny, tokens_written: Callable[..., list[list[str]]]
) -> None:
    expected = [tiny.expected(sentence) for sentence in tiny.sentences]
    assert sum(len(set(tokens)) for tokens in expected) > 6 * len(expected), "the model repeats itself"
    assert tokens_written(tiny.store, Madlad, tiny.sentences) == expected
    assert tokens_written(tiny.store, Madlad, tiny.sentences, alone=True) == expected


def test_scores_are_those_of_transformers(tiny: Tiny) -> None:
    """What goes into the output layer is not scaled, which the best token alone would not show."""
    source = Madlad(tiny.store.path("tiny")).encode(tiny.sentences[0].text, tiny.sentences[0].direction).source
    translator = ctranslate2.Translator(str(tiny.store.path("tiny")), intra_threads=1)
    (result,) = translator.translate_batch(
        [source], beam_size=1, max_decoding_length=1, return_logits_vocab=True, return_scores=True
    )
    ids = torch.tensor([[tiny.names.index(token) for token in source]])
    with torch.no_grad():
        logits = tiny.reference(input_ids=ids, decoder_input_ids=torch.tensor([[0]])).logits[0, 0]
    end = tiny.names.index("</s>")  # CTranslate2 allows no empty output
    actual = np.delete(np.array(result.logits[0][0]).ravel(), end)
    np.testing.assert_allclose(actual, np.delete(logits.numpy(), end), atol=1e-3)


def test_the_source_is_read_as_sentencepiece_and_transformers_read_it(tiny: Tiny) -> None:
    """Transformers 5 puts no "▁" before the language, and knows only the ids of T5: in those of MADLAD-400 it takes what is
    unknown for the end of the text. With spiece.model alone the tokens are SentencePiece's, as in the models' training."""
    family = Madlad(tiny.store.path("tiny"))
    pieces = SentencePieceProcessor(model_file=str(tiny.checkpoint / "spiece.model"))
    tokenizer: Any = T5Tokenizer.from_pretrained(tiny.checkpoint, extra_ids=0)
    unknown = 0
    for sentence in [*tiny.sentences, *(Sentence(text, DIRECTIONS[1]) for text in ODDITIES)]:
        asked = f"<2{sentence.direction.target.replace('-', '_')}>"
        source = family.encode(sentence.text, sentence.direction).source
        read = tokenizer.convert_ids_to_tokens(tokenizer(f"{asked} {sentence.text}")["input_ids"])
        if tiny.names[0] == "<unk>":
            expected = [pieces.id_to_piece(number) for number in pieces.encode(f"{asked} {sentence.text}")]
            assert source == [*expected, "</s>"]
            assert "<unk>" in source or source == ["▁", *read]
        else:
            assert source == read
        unknown += source.count("<unk>")
    assert unknown > 3


def test_text_comes_back_from_its_own_tokens(tiny: Tiny, corpus: Sequence[str]) -> None:
    family = Madlad(tiny.store.path("tiny"))
    for text in corpus:
        tokens = family.encode_target(text, DIRECTIONS[0])
        marks = ["<2en>", "<unk>", "<extra_id_0>", "</s>"]
        assert family.decode([*tokens, *marks], DIRECTIONS[0], None) == text


@pytest.mark.parametrize("text", ["<2fr> Good morning", "Good <2kn_Latn>morning", "</s> Good morning", "<extra_id_0>"])
def test_a_mark_in_somebodys_text_is_text(tiny: Tiny, text: str) -> None:
    source = Madlad(tiny.store.path("tiny")).encode(text, DIRECTIONS[0]).source
    marks = [token for token in source if token.startswith(("<2", "</s", "<extra"))]
    assert marks == ["<2kn>", "</s>"]
    assert source[-1] == "</s>"


def test_the_int8_model_agrees_with_the_exact_one(
    tiny: Tiny,
    tmp_path: Path,
    install: Callable[..., Any],
    tokens_written: Callable[..., Any],
    agreement: Callable[..., float],
) -> None:
    """Measured: 0.88 and 0.87 of the tokens. Random weights leave the choice of a token to small differences."""
    rounded = install(tmp_path, "madlad", madlad.convert, tiny.checkpoint, "int8")
    exact = tokens_written(tiny.store, Madlad, tiny.sentences)
    share = agreement(exact, rounded, Madlad(tiny.store.path("tiny")), tiny.sentences)
    assert share >= 0.7, share


def test_the_engine_translates_with_and_without_context(tiny: Tiny) -> None:
    engine = Seq2SeqEngine(tiny.store, "tiny", Madlad, device="cpu", compute_type="default", workers=1, threads=1)
    engine.load()
    sentences = [
        *tiny.sentences[:4],
        Sentence(tiny.sentences[4].text, tiny.sentences[4].direction, Context("Good morning.", "Buenos días.")),
    ]
    outputs = engine.translate(sentences, [threading.Event() for _ in sentences])
    family = Madlad(tiny.store.path("tiny"))
    for sentence, output in zip(sentences[:4], outputs, strict=False):
        assert output.text == family.decode(tiny.expected(sentence), sentence.direction, None)
    assert outputs[4].text
    engine.close()


def test_it_has_the_languages_among_the_tokens_and_nothing_else(tiny: Tiny) -> None:
    targets = json.loads((tiny.store.path("tiny") / "translation.json").read_text())["targets"]
    assert {tag: token for tag, token in targets.items() if tag != "tcy"} == LANGUAGES
    directions = Madlad(tiny.store.path("tiny")).directions
    assert len(directions) == len(targets) * (len(targets) - 1)
    assert Direction("zh", "zh-Hant") in directions


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: Callable[..., Path],
    random_weights: Callable[..., Any],
) -> Path:
    """A checkpoint with spiece.model alone."""
    directory = tmp_path_factory.mktemp("published") / "checkpoint"
    save_checkpoint(directory, train_sentencepiece, random_weights, IDS_OF_MADLAD)
    return directory


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, converted."""
    directory = tmp_path_factory.mktemp("converted")
    madlad.convert(published, directory, "int8")
    return directory


@pytest.fixture
def checkpoint(published: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be changed."""
    return Path(shutil.copytree(published, tmp_path / "checkpoint"))


def edited(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def with_tokenizer_json(checkpoint: Path, **options: Any) -> None:
    """Adds the file as transformers writes it, in which the hundred sentinels have ids after those of the model."""
    tokenizer: Any = T5Tokenizer.from_pretrained(checkpoint, **options)
    tokenizer.backend_tokenizer.save(str(checkpoint / "tokenizer.json"))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_checkpoint_of_half_precision_is_converted(checkpoint: Path, tmp_path: Path, dtype: torch.dtype) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    save_file({n: t.to(dtype) for n, t in tensors.items()}, checkpoint / "model.safetensors", {"format": "pt"})
    edited(checkpoint / "config.json", dtype=str(dtype).removeprefix("torch."))
    destination = tmp_path / "converted"
    destination.mkdir()
    madlad.convert(checkpoint, destination, "float32")
    source = Madlad(destination).encode("Good morning", DIRECTIONS[0]).source
    translator = ctranslate2.Translator(str(destination), intra_threads=1)
    (result,) = translator.translate_batch([source], beam_size=1, max_decoding_length=8)
    assert result.hypotheses[0]


@pytest.mark.parametrize("keeps_pieces", [True, False], ids=["both", "tokenizer.json alone"])
def test_the_tokenizer_may_be_in_either_file(checkpoint: Path, tmp_path: Path, keeps_pieces: bool) -> None:
    with_tokenizer_json(checkpoint)
    if not keeps_pieces:
        (checkpoint / "spiece.model").unlink()
    destination = tmp_path / "converted"
    destination.mkdir()
    madlad.check(checkpoint)
    madlad.convert(checkpoint, destination, "int8")
    names = {path.name for path in destination.iterdir()}
    assert ("spiece.model" in names, "tokenizer.json" in names) == (keeps_pieces, not keeps_pieces)
    family = Madlad(destination)
    tokens = family.encode_target("Good morning", DIRECTIONS[0])
    assert family.decode(tokens, DIRECTIONS[0], None) == "Good morning"


def test_the_first_t5_scales_what_goes_into_the_output(checkpoint: Path, tmp_path: Path) -> None:
    """Which its configuration says by the tied embedding."""
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, checkpoint / "model.safetensors", {"format": "pt"})
    edited(checkpoint / "config.json", tie_word_embeddings=True)
    destination = tmp_path / "converted"
    destination.mkdir()
    madlad.convert(checkpoint, destination, "float32")
    reference: Any = T5ForConditionalGeneration.from_pretrained(checkpoint)
    pieces = SentencePieceProcessor(model_file=str(checkpoint / "spiece.model"))
    source = Madlad(destination).encode("Good morning", DIRECTIONS[0]).source
    ids = torch.tensor([[pieces.piece_to_id(token) for token in source]])
    with torch.no_grad():
        logits = reference(input_ids=ids, decoder_input_ids=torch.tensor([[0]])).logits[0, 0].numpy()
    translator = ctranslate2.Translator(str(destination), intra_threads=1)
    (result,) = translator.translate_batch(
        [source], beam_size=1, max_decoding_length=1, return_logits_vocab=True, return_scores=True
    )
    actual = np.array(result.logits[0][0]).ravel()
    np.testing.assert_allclose(np.delete(actual, 2), np.delete(logits, 2), atol=1e-3)


def test_a_checkpoint_without_its_output_layer_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, checkpoint / "model.safetensors", {"format": "pt"})
    with pytest.raises(Unsupported, match=r"lacks lm_head\.weight"):
        madlad.convert(checkpoint, tmp_path, "int8")


def test_a_checkpoint_without_a_tensor_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["decoder.block.1.layer.2.DenseReluDense.wo.weight"]
    save_file(tensors, checkpoint / "model.safetensors", {"format": "pt"})
    with pytest.raises(Unsupported, match=r"lacks 1 of the model's tensors, decoder\.block\.1\.layer\.2"):
        madlad.convert(checkpoint, tmp_path, "int8")


def test_a_plain_t5_is_refused(checkpoint: Path, train_sentencepiece: Callable[..., Path]) -> None:
    train_sentencepiece(checkpoint, "spiece.model", vocab_size=300, model_type="unigram", hard_vocab_limit=False)
    with pytest.raises(Unsupported, match=r"a T5 whose spiece\.model has no tokens for languages, such as <2es>"):
        madlad.check(checkpoint)


def test_a_model_of_another_kind_is_refused(checkpoint: Path) -> None:
    edited(checkpoint / "config.json", model_type="mt5")
    with pytest.raises(Unsupported, match="a model of the type mt5, not madlad"):
        madlad.check(checkpoint)


@pytest.mark.parametrize(("name", "said"), [("spiece.model", "no tokenizer"), ("model.safetensors", "no weights")])
def test_a_checkpoint_without_a_file_is_refused(checkpoint: Path, name: str, said: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(Unsupported, match=f"{said}: expected .*{name}"):
        madlad.check(checkpoint)


@pytest.mark.parametrize("name", ["spiece.model", "tokenizer.json"])
def test_a_damaged_tokenizer_of_a_checkpoint_is_named(checkpoint: Path, name: str) -> None:
    (checkpoint / name).write_bytes(b"not a tokenizer")
    with pytest.raises(Unsupported, match=f"{name} cannot be read"):
        madlad.check(checkpoint)


@pytest.mark.parametrize("change", [{"vocab_size": 100}, {"eos_token_id": 1}])
def test_the_tokenizer_of_another_model_is_refused(checkpoint: Path, tmp_path: Path, change: dict[str, int]) -> None:
    edited(checkpoint / "config.json", **change)
    with pytest.raises(Unsupported, match=r"spiece\.model is not the tokenizer of the model"):
        madlad.convert(checkpoint, tmp_path, "int8")


@pytest.mark.parametrize("name", ["spiece.model", "translation.json"])
@pytest.mark.parametrize("damage", ["missing", "damaged", "empty"])
def test_a_file_that_is_missing_or_damaged_is_named(converted: Path, tmp_path: Path, name: str, damage: str) -> None:
    directory = Path(shutil.copytree(converted, tmp_path / "model"))
    if damage == "missing":
        (directory / name).unlink()
    else:
        (directory / name).write_bytes(b"{]" if damage == "damaged" else b"")
    with pytest.raises(ModelNotInstalled, match=f"^{name} of the model in"):
        Madlad(directory)


def test_a_damaged_tokenizer_json_is_named(converted: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(converted, tmp_path / "model"))
    (directory / "tokenizer.json").write_text("{")
    with pytest.raises(ModelNotInstalled, match=r"^tokenizer\.json of the model in"):
        Madlad(directory)


def test_a_language_that_the_tokenizer_lacks_is_named(converted: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(converted, tmp_path / "model"))
    edited(directory / "translation.json", targets={"es": "<2es>", "tlh": "<2tlh>"})
    with pytest.raises(ModelNotInstalled, match=r"spiece\.model .* lacks <2tlh>"):
        Madlad(directory)
