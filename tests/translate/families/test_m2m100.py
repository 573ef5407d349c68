"""M2M-100 of the true architecture with random weights: converted, run by the engine, compared with transformers."""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import M2M100ForConditionalGeneration, M2M100Tokenizer

from maatu_client.models import m2m100, nllb
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.families.m2m100 import M2M100
from maatu_translate.engine.seq2seq import EXTRA_TOKENS, TOKENS_PER_SOURCE_TOKEN

DIRECTIONS = [Direction("en", "kn"), Direction("kn", "en"), Direction("es", "hi"), Direction("nb", "nso")]
CODES = {"nb": "no", "nso": "ns"}
LANGUAGES = 100
UNKNOWN = 3


@dataclass(frozen=True)
class Tiny:
    """One model twice."""

    checkpoint: Path
    reference: Any
    tokenizer: Any
    store: ModelStore
    sentences: Sequence[Sentence]

    def expected(self, sentence: Sentence) -> list[str]:
        """The tokens that transformers writes after the language, without the end."""
        source, target = (CODES.get(tag, tag) for tag in sentence.direction)
        self.tokenizer.src_lang = source
        batch = self.tokenizer(sentence.text, return_tensors="pt")
        longest = TOKENS_PER_SOURCE_TOKEN * batch["input_ids"].shape[1] + EXTRA_TOKENS
        ids = self.reference.generate(
            **batch,
            forced_bos_token_id=self.tokenizer.get_lang_id(target),
            num_beams=1,
            do_sample=False,
            max_new_tokens=longest + 1,
            suppress_tokens=[UNKNOWN],
        )[0].tolist()
        languages = sorted(self.tokenizer.lang_token_to_id, key=self.tokenizer.lang_token_to_id.__getitem__)
        names = [*self.tokenizer.encoder, *languages, *(f"madeupword{number}" for number in range(8))]
        return [names[number] for number in ids[2:] if names[number] != "</s>"]


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory,
    m2m100_checkpoint: Path,
    install: Callable[..., ModelStore],
    corpus: Sequence[str],
) -> Tiny:
    reference = M2M100ForConditionalGeneration.from_pretrained(m2m100_checkpoint)
    tokenizer = M2M100Tokenizer.from_pretrained(m2m100_checkpoint)
    store = install(tmp_path_factory.mktemp("models"), "m2m100", m2m100.convert, m2m100_checkpoint)
    sentences = [Sentence(text, DIRECTIONS[number % 4]) for number, text in enumerate(corpus)]
    return Tiny(m2m100_checkpoint, reference, tokenizer, store, sentences)


def test_every_sentence_gets_the_tokens_of_transformers_alone_and_in_a_batch(
    tiny: Tiny, tokens_written: Callable[..., list[list[str]]]
) -> None:
    expected = [tiny.expected(sentence) for sentence in tiny.sentences]
    assert sum(len(set(tokens)) for tokens in expected) > 6 * len(expected), "the model repeats itself"
    assert tokens_written(tiny.store, M2M100, tiny.sentences) == expected
    assert tokens_written(tiny.store, M2M100, tiny.sentences, alone=True) == expected


def test_the_source_is_read_as_transformers_reads_it(tiny: Tiny) -> None:
    family = M2M100(tiny.store.path("tiny"))
    vocabulary = json.loads((tiny.checkpoint / "vocab.json").read_text())
    oddities = [Sentence(text, DIRECTIONS[0]) for text in ("ﬁne ½ x²", "unseen 漢字 ok", "a\u00a0b", "क्‍ष", "😀")]
    for sentence in [*tiny.sentences, *oddities]:
        tiny.tokenizer.src_lang = CODES.get(sentence.direction.source, sentence.direction.source)
        encoded = family.encode(sentence.text, sentence.direction)
        ids = [tiny.tokenizer.lang_token_to_id.get(t, vocabulary.get(t, UNKNOWN)) for t in encoded.source]
        assert ids == tiny.tokenizer(sentence.text)["input_ids"]


def test_the_int8_model_agrees_with_the_exact_one(
    tiny: Tiny,
    tmp_path: Path,
    install: Callable[..., Any],
    tokens_written: Callable[..., Any],
    agreement: Callable[..., float],
) -> None:
    """Measured: 0.69 of the tokens. Random weights leave the choice of a token to small differences."""
    rounded = install(tmp_path, "m2m100", m2m100.convert, tiny.checkpoint, "int8")
    exact = tokens_written(tiny.store, M2M100, tiny.sentences)
    assert agreement(exact, rounded, M2M100(tiny.store.path("tiny")), tiny.sentences) >= 0.6


def test_it_has_every_language_of_m2m100_under_its_tag(tiny: Tiny) -> None:
    directions = M2M100(tiny.store.path("tiny")).directions
    assert len(directions) == LANGUAGES * (LANGUAGES - 1)
    assert {Direction("kn", "en"), Direction("nb", "nso"), Direction("zh", "tl")} <= directions
    assert Direction("kn", "kn") not in directions


def test_what_looks_like_a_mark_in_a_text_is_text(tiny: Tiny) -> None:
    source = M2M100(tiny.store.path("tiny")).encode("</s> __en__ <pad>", DIRECTIONS[0]).source
    assert source[0] == "__en__"
    assert source[-1] == "</s>"
    assert not {"</s>", "__en__", "<pad>"} & set(source[1:-1])


@pytest.mark.parametrize("name", ["sentencepiece.bpe.model", "translation.json"])
def test_a_damaged_file_is_named(tiny: Tiny, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "model"
    shutil.copytree(tiny.store.path("tiny"), directory)
    (directory / name).write_bytes(b"\xff" * 50)
    with pytest.raises(ModelNotInstalled, match=f"^{name} "):
        M2M100(directory)
    (directory / name).unlink()
    with pytest.raises(ModelNotInstalled, match=f"^{name} "):
        M2M100(directory)


def test_a_description_without_languages_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    shutil.copytree(tiny.store.path("tiny"), directory)
    (directory / "translation.json").write_text('{"languages": "en"}')
    with pytest.raises(ModelNotInstalled, match=r"translation\.json .*\"languages\" is no list"):
        M2M100(directory)


@pytest.fixture
def broken(tiny: Tiny, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be broken."""
    return Path(shutil.copytree(tiny.checkpoint, tmp_path / "checkpoint"))


def test_a_checkpoint_that_lacks_tensors_is_refused(broken: Path, tmp_path: Path) -> None:
    path = broken / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.decoder.layers.1.fc1.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    (tmp_path / "out").mkdir()
    with pytest.raises(Unsupported, match=r"lacks 1 of the model's tensors, model\.decoder\.layers\.1\.fc1\.weight"):
        m2m100.convert(broken, tmp_path / "out", "float32")


def test_a_tokenizer_of_another_model_is_refused(broken: Path, tmp_path: Path) -> None:
    vocabulary = json.loads((broken / "vocab.json").read_text())
    (broken / "vocab.json").write_text(json.dumps(vocabulary | {f"more{n}": len(vocabulary) + n for n in range(9)}))
    with pytest.raises(Unsupported, match=r"has 509 tokens: it has 510 tokens"):
        m2m100.convert(broken, tmp_path, "float32")
    (broken / "vocab.json").write_text(json.dumps({token: n + 1 for token, n in vocabulary.items()}))
    with pytest.raises(Unsupported, match=r"it has <s> at 1"):
        m2m100.convert(broken, tmp_path, "float32")


@pytest.mark.parametrize(
    ("name", "message"),
    [("vocab.json", "maatu models convert nllb"), ("sentencepiece.bpe.model", r"no sentencepiece\.bpe\.model"),
     ("model.safetensors", "no weights"), ("config.json", r"config\.json cannot be read")],
)  # fmt: skip
def test_a_missing_file_is_named_before_anything_is_loaded(broken: Path, name: str, message: str) -> None:
    (broken / name).unlink()
    with pytest.raises(Unsupported, match=message):
        m2m100.check(broken)


@pytest.mark.parametrize(
    ("settings", "message"),
    [('{"tokenizer_class": "SMALL100Tokenizer"}', "SMALL100Tokenizer, which marks languages otherwise"),
     ('{"language_codes": "ours"}', "languages of its own: 'ours'"), ("{", r"tokenizer_config\.json cannot be read")],
)  # fmt: skip
def test_a_tokenizer_of_another_kind_is_refused(broken: Path, settings: str, message: str) -> None:
    (broken / "tokenizer_config.json").write_text(settings)
    with pytest.raises(Unsupported, match=message):
        m2m100.check(broken)


def test_another_architecture_is_refused(broken: Path) -> None:
    (broken / "config.json").write_text('{"model_type": "marian"}')
    with pytest.raises(Unsupported, match="of the type marian, not m2m100"):
        m2m100.check(broken)


def test_the_converter_of_nllb_names_the_right_family(tiny: Tiny) -> None:
    with pytest.raises(Unsupported, match="maatu models convert m2m100"):
        nllb.check(tiny.checkpoint)
