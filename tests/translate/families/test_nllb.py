"""NLLB-200 of the true architecture with random weights: converted, run by the engine, compared with transformers."""

import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor
from transformers import NllbTokenizer
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from maatu_client.models import m2m100, nllb
from maatu_client.models.trim import Vocabulary, count_script
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.families.nllb import Nllb
from maatu_translate.engine.seq2seq import EXTRA_TOKENS, TOKENS_PER_SOURCE_TOKEN

DIRECTIONS = [Direction("en", "kn"), Direction("kn", "en"), Direction("es", "hi"), Direction("ru", "zh-Hant")]
CODES = {
    "en": "eng_Latn", "kn": "kan_Knda", "es": "spa_Latn", "hi": "hin_Deva", "ru": "rus_Cyrl", "zh-Hant": "zho_Hant",
}  # fmt: skip
ENGLISH = 8
"""So many sentences of the corpus, the first ones, are English."""
PIECES = 400
LANGUAGES = 202
UNKNOWN = 3
FIRST_LANGUAGE = PIECES + 1
VOCABULARY = FIRST_LANGUAGE + LANGUAGES + 1 + 2
"""Four marks for SentencePiece's three, the languages, <mask>, and two tokens more that the published models have as well."""


@dataclass(frozen=True)
class Tiny:
    """One model twice."""

    checkpoint: Path
    """As on the hub, with tokenizer.json and sentencepiece.bpe.model."""
    reference: Any
    tokenizer: Any
    store: ModelStore
    sentences: Sequence[Sentence]

    def expected(self, sentence: Sentence, without: Iterable[int] = ()) -> list[str]:
        """The tokens that transformers writes after the language, without the end, and without those that are not to be."""
        self.tokenizer.src_lang = CODES[sentence.direction.source]
        batch = self.tokenizer(sentence.text, return_tensors="pt")
        longest = TOKENS_PER_SOURCE_TOKEN * batch["input_ids"].shape[1] + EXTRA_TOKENS
        ids = self.reference.generate(
            input_ids=batch["input_ids"],
            forced_bos_token_id=self.tokenizer.convert_tokens_to_ids(CODES[sentence.direction.target]),
            num_beams=1,
            do_sample=False,
            max_new_tokens=longest + 1,
            suppress_tokens=[UNKNOWN, *without],
        )[0].tolist()
        known = VOCABULARY - 2
        names = [*self.tokenizer.convert_ids_to_tokens(range(known)), "madeupword0", "madeupword1"]
        return [names[number] for number in ids[2:] if names[number] != "</s>"]


@pytest.fixture(scope="module")
def tiny(
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: Callable[..., Path],
    save_m2m100: Callable[..., Any],
    install: Callable[..., ModelStore],
    corpus: Sequence[str],
) -> Tiny:
    root = tmp_path_factory.mktemp("nllb")
    checkpoint = root / "checkpoint"
    train_sentencepiece(checkpoint, vocab_size=PIECES)
    reference = save_m2m100(checkpoint, VOCABULARY)
    # What transformers makes of the pieces, with the languages where the published models have them: before <mask>.
    made = json.loads(NllbTokenizer.from_pretrained(checkpoint).backend_tokenizer.to_str())
    mask = made["added_tokens"].pop()
    names = [*FAIRSEQ_LANGUAGE_CODES, mask["content"]]
    made["added_tokens"] += [
        {**mask, "content": name, "id": FIRST_LANGUAGE + place} for place, name in enumerate(names)
    ]
    (checkpoint / "tokenizer.json").write_text(json.dumps(made), encoding="utf-8")
    settings = {"tokenizer_class": "NllbTokenizer", "additional_special_tokens": FAIRSEQ_LANGUAGE_CODES}
    (checkpoint / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = NllbTokenizer.from_pretrained(checkpoint)
    store = install(root / "models", "nllb", nllb.convert, checkpoint)
    sentences = [Sentence(text, DIRECTIONS[number % 4]) for number, text in enumerate(corpus)]
    return Tiny(checkpoint, reference, tokenizer, store, sentences)


def test_every_sentence_gets_the_tokens_of_transformers_alone_and_in_a_batch(
    tiny: Tiny, tokens_written: Callable[..., list[list[str]]]
) -> None:
    expected = [tiny.expected(sentence) for sentence in tiny.sentences]
    assert sum(len(set(tokens)) for tokens in expected) > 6 * len(expected), "the model repeats itself"
    assert tokens_written(tiny.store, Nllb, tiny.sentences) == expected
    assert tokens_written(tiny.store, Nllb, tiny.sentences, alone=True) == expected


def test_the_source_is_read_as_transformers_and_sentencepiece_read_it(tiny: Tiny) -> None:
    family = Nllb(tiny.store.path("tiny"))
    pieces = SentencePieceProcessor(model_file=str(tiny.checkpoint / "sentencepiece.bpe.model"))
    oddities = ("ﬁne ½ x²", "unseen 漢字 ok", "a\u00a0b  c", "क्‍ष", "😀", "…")
    for sentence in [*tiny.sentences, *(Sentence(text, DIRECTIONS[0]) for text in oddities)]:
        encoded = family.encode(sentence.text, sentence.direction)
        source, target = (CODES[tag] for tag in sentence.direction)
        tiny.tokenizer.src_lang = source
        assert tiny.tokenizer.convert_ids_to_tokens(tiny.tokenizer(sentence.text)["input_ids"]) == encoded.source
        known = [p if pieces.piece_to_id(p) else "<unk>" for p in pieces.encode(sentence.text, out_type=str)]
        assert encoded.source == [source, *known, "</s>"]
        assert encoded.prefix == [target]


def test_text_comes_back_from_its_own_tokens(tiny: Tiny, corpus: Sequence[str]) -> None:
    family = Nllb(tiny.store.path("tiny"))
    for text in corpus:
        tokens = family.encode_target(text, DIRECTIONS[0])
        assert family.decode(["kan_Knda", *tokens, "madeupword0", "</s>"], DIRECTIONS[0], None) == text


def test_the_int8_model_agrees_with_the_exact_one(
    tiny: Tiny,
    tmp_path: Path,
    install: Callable[..., Any],
    tokens_written: Callable[..., Any],
    agreement: Callable[..., float],
) -> None:
    """Measured: 0.75 of the tokens. Random weights leave the choice of a token to small differences."""
    rounded = install(tmp_path, "nllb", nllb.convert, tiny.checkpoint, "int8")
    exact = tokens_written(tiny.store, Nllb, tiny.sentences)
    assert agreement(exact, rounded, Nllb(tiny.store.path("tiny")), tiny.sentences) >= 0.6


@pytest.fixture(scope="module")
def trimmed(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory, corpus: Sequence[str]) -> Path:
    """The model trimmed to English, by a list of its words in the corpus, and to Kannada, by its script."""
    root = tmp_path_factory.mktemp("trimmed")
    words = sorted({word for text in corpus[:ENGLISH] for word in re.findall(r"\w+", text.lower())})
    (root / "words").write_bytes(gzip.compress(msgpack.packb([{"format": "cB", "version": 1}, words])))
    (root / "model").mkdir()
    vocabulary = Vocabulary(PIECES + LANGUAGES, {"en": root / "words"})
    nllb.convert(tiny.checkpoint, root / "model", "float32", ["en", "kn"], vocabulary)
    return root / "model"


@pytest.fixture(scope="module")
def of_the_pair(corpus: Sequence[str]) -> Sequence[Sentence]:
    """The English and the Kannada sentences, each to be translated into the other language."""
    english = [Sentence(text, Direction("en", "kn")) for text in corpus[:ENGLISH]]
    kannada = [Sentence(text, Direction("kn", "en")) for text in corpus if re.search("[ಅ-ಹ]", text)]
    assert len(kannada) == 6
    return english + kannada


def test_a_trimmed_model_has_the_named_languages_alone_and_cuts_their_text_as_before(
    trimmed: Path, tiny: Tiny, of_the_pair: Sequence[Sentence]
) -> None:
    own, other = Nllb(trimmed), Nllb(tiny.store.path("tiny"))
    assert own.directions == {Direction("en", "kn"), Direction("kn", "en")}
    for sentence in of_the_pair:
        assert own.encode(sentence.text, sentence.direction) == other.encode(sentence.text, sentence.direction)


def test_every_script_of_nllb_is_known_by_its_code(tiny: Tiny) -> None:
    tokenizer = json.loads((tiny.checkpoint / "tokenizer.json").read_bytes())
    tokens = {code: count_script(tokenizer, code.partition("_")[2]) for code in FAIRSEQ_LANGUAGE_CODES}
    assert all(tokens[code] for code in ("kan_Knda", "eng_Latn", "hin_Deva", "rus_Cyrl"))
    assert not any(tokens[code] for code in ("jpn_Jpan", "kor_Hang", "sat_Beng", "zho_Hant"))


def test_text_of_another_language_falls_apart_in_a_trimmed_model_and_comes_back_whole(trimmed: Path) -> None:
    family = Nllb(trimmed)
    text = "Доброе утро, как у вас дела?"
    tokens = family.encode_target(text, Direction("kn", "en"))
    assert max(map(len, tokens)) == 1
    assert family.decode(tokens, Direction("kn", "en"), None) == text


def test_a_trimmed_model_writes_what_transformers_writes_of_the_same_tokens(
    trimmed: Path,
    tiny: Tiny,
    of_the_pair: Sequence[Sentence],
    tmp_path: Path,
    install: Callable[..., ModelStore],
    tokens_written: Callable[..., Any],
) -> None:
    rows = json.loads((trimmed / "shared_vocabulary.json").read_text())
    full = json.loads((tiny.store.path("tiny") / "shared_vocabulary.json").read_text())
    dropped = [place for place, token in enumerate(full) if token not in rows]
    assert len(dropped) > PIECES / 6
    store = install(
        tmp_path, "nllb", lambda _, directory, __: shutil.copytree(trimmed, directory, dirs_exist_ok=True), trimmed
    )
    expected = [tiny.expected(sentence, without=dropped) for sentence in of_the_pair]
    assert sum(len(set(tokens)) for tokens in expected) > 4 * len(expected), "the model repeats itself"
    assert expected != [tiny.expected(sentence) for sentence in of_the_pair], "what was dropped is never written"
    assert tokens_written(store, Nllb, of_the_pair) == expected


def test_it_has_every_language_of_nllb_under_its_tag(tiny: Tiny) -> None:
    directions = Nllb(tiny.store.path("tiny")).directions
    assert len(directions) == LANGUAGES * (LANGUAGES - 1)
    assert {Direction("kn", "en"), Direction("zh-Hans", "zh-Hant"), Direction("ks-Arab", "sat")} <= directions


def test_what_looks_like_a_mark_in_a_text_is_text(tiny: Tiny) -> None:
    source = Nllb(tiny.store.path("tiny")).encode("</s> kan_Knda <mask>", DIRECTIONS[0]).source
    assert source[0] == "eng_Latn"
    assert source[-1] == "</s>"
    assert not {"</s>", "kan_Knda", "<mask>"} & set(source[1:-1])


@pytest.mark.parametrize("added", [None, "added_tokens.json", "special_tokens_map.json"])
def test_a_checkpoint_with_pieces_alone_gets_its_tokenizer_made(tiny: Tiny, tmp_path: Path, added: str | None) -> None:
    """As older versions of transformers saved it, with and without the list of languages."""
    source = shutil.copytree(tiny.checkpoint, tmp_path / "checkpoint")
    (source / "tokenizer.json").unlink()
    (source / "tokenizer_config.json").unlink()
    ids = {name: FIRST_LANGUAGE + place for place, name in enumerate([*FAIRSEQ_LANGUAGE_CODES, "<mask>"])}
    if added == "added_tokens.json":
        (source / added).write_text(json.dumps(ids))
    elif added:
        (source / added).write_text(json.dumps({"additional_special_tokens": FAIRSEQ_LANGUAGE_CODES}))
    made = tmp_path / "made"
    made.mkdir()
    nllb.convert(source, made, "float32")
    names = ("shared_vocabulary.json", "translation.json")
    assert [(made / name).read_text() for name in names] == [
        (tiny.store.path("tiny") / name).read_text() for name in names
    ]
    own, other = Nllb(made), Nllb(tiny.store.path("tiny"))
    for sentence in tiny.sentences:
        assert own.encode(sentence.text, sentence.direction) == other.encode(sentence.text, sentence.direction)


@pytest.mark.parametrize("name", ["tokenizer.json", "translation.json"])
def test_a_damaged_file_is_named(tiny: Tiny, tmp_path: Path, name: str) -> None:
    directory = tmp_path / "model"
    shutil.copytree(tiny.store.path("tiny"), directory)
    (directory / name).write_bytes(b"\xff" * 50)
    with pytest.raises(ModelNotInstalled, match=f"^{name} "):
        Nllb(directory)
    (directory / name).unlink()
    with pytest.raises(ModelNotInstalled, match=f"^{name} "):
        Nllb(directory)


def test_a_tokenizer_without_a_language_of_the_model_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    directory = tmp_path / "model"
    shutil.copytree(tiny.store.path("tiny"), directory)
    (directory / "translation.json").write_text('{"languages": ["eng_Latn", "tyv_Cyrl"]}')
    with pytest.raises(ModelNotInstalled, match=r"tokenizer\.json .* lacks the language tyv_Cyrl"):
        Nllb(directory)


@pytest.fixture
def broken(tiny: Tiny, tmp_path: Path) -> Path:
    """A copy of the checkpoint, to be broken."""
    return Path(shutil.copytree(tiny.checkpoint, tmp_path / "checkpoint"))


def test_a_checkpoint_that_lacks_tensors_is_refused(broken: Path, tmp_path: Path) -> None:
    path = broken / "model.safetensors"
    tensors = load_file(path)
    del tensors["model.encoder.layers.0.self_attn.q_proj.bias"]
    save_file(tensors, path, metadata={"format": "pt"})
    (tmp_path / "out").mkdir()
    with pytest.raises(
        Unsupported, match=r"lacks 1 of the model's tensors, model\.encoder\.layers\.0\.self_attn\.q_proj"
    ):
        nllb.convert(broken, tmp_path / "out", "float32")


def test_a_tokenizer_of_another_model_is_refused(broken: Path, tmp_path: Path) -> None:
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps(config | {"vocab_size": 500}))
    with pytest.raises(Unsupported, match=r"has 500 tokens: it has 604 tokens"):
        nllb.convert(broken, tmp_path, "float32")


def test_a_tokenizer_without_language_codes_is_refused(broken: Path, tmp_path: Path) -> None:
    path = broken / "tokenizer.json"
    made = json.loads(path.read_text())
    made["added_tokens"] = made["added_tokens"][:4]
    made["post_processor"] = None
    path.write_text(json.dumps(made))
    with pytest.raises(Unsupported, match="no language codes such as kan_Knda"):
        nllb.convert(broken, tmp_path, "float32")
    path.write_text("{")
    with pytest.raises(Unsupported, match=r"tokenizer\.json cannot be read"):
        nllb.convert(broken, tmp_path, "float32")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("config.json", '{"model_type": "nllb-moe"}', "mixture of experts"),
        ("config.json", '{"model_type": "mbart"}', "of the type mbart, not nllb"),
        ("tokenizer_config.json", '{"legacy_behaviour": true}', "language after the text"),
        ("model.safetensors", "version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
    ],
)
def test_what_is_no_dense_nllb_is_refused_before_anything_is_loaded(
    broken: Path, name: str, text: str, message: str
) -> None:
    (broken / name).write_text(text)
    with pytest.raises(Unsupported, match=message):
        nllb.check(broken)


def test_a_checkpoint_without_a_tokenizer_is_refused(broken: Path) -> None:
    for name in ("tokenizer.json", "sentencepiece.bpe.model"):
        (broken / name).unlink()
    with pytest.raises(Unsupported, match=r"no tokenizer: expected tokenizer\.json or sentencepiece\.bpe\.model"):
        nllb.check(broken)


def test_the_converter_of_m2m100_names_the_right_family(tiny: Tiny) -> None:
    with pytest.raises(Unsupported, match="maatu models convert nllb"):
        m2m100.check(tiny.checkpoint)
