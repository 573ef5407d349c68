"""Marian of the true architecture, narrow and hardly trained: converted, run by the engine, compared with transformers."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentencepiece import SentencePieceProcessor
from transformers import MarianConfig, MarianMTModel, MarianTokenizer

from maatu_client.models import marian
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Context, Direction, Sentence
from maatu_translate.engine.families.marian import Marian
from maatu_translate.engine.seq2seq import EXTRA_TOKENS, TOKENS_PER_SOURCE_TOKEN, Seq2SeqEngine

LANGUAGES = {"es": ">>spa<<", "kn": ">>kan<<", "pt-BR": ">>pt_br<<", "pt-PT": ">>pt_PT<<", "zh": ">>cmn_Hant<<"}
ODDITIES = (
    "Priya met Anjali O’Brien in Mysuru.",
    "See you at 10:30 😀🎉!",
    "ನಾನು Bengaluru ಗೆ tomorrow ಹೋಗುತ್ತೇನೆ",
    "ﬁne ½ x² „Zitat“ «cita»",
    "unseen 漢字 ok",
    "a\u00a0b  c",
    "ಕ್‍ಷ",
    "Ж",
)


@dataclass(frozen=True)
class Tiny:
    """One model twice."""

    checkpoint: Path
    """As on the hub."""
    reference: Any
    tokenizer: Any
    store: ModelStore
    sentences: Sequence[Sentence]

    def asked(self, sentence: Sentence) -> str:
        """The text as transformers wants it, with the target language in front where the model writes several."""
        targets = json.loads((self.store.path("tiny") / "translation.json").read_text())["targets"]
        token = targets[sentence.direction.target]
        return f"{token} {sentence.text}" if token else sentence.text

    def expected(self, sentence: Sentence) -> list[str]:
        """The tokens that transformers writes, without the end."""
        batch = self.tokenizer(self.asked(sentence), return_tensors="pt")
        longest = TOKENS_PER_SOURCE_TOKEN * batch["input_ids"].shape[1] + EXTRA_TOKENS
        ids = self.reference.generate(
            **batch,
            num_beams=1,
            do_sample=False,
            max_new_tokens=longest + 1,
            forced_eos_token_id=None,
            bad_words_ids=[[self.tokenizer.pad_token_id]],
            suppress_tokens=[1],
        )[0].tolist()
        return [self.tokenizer.decoder[number] for number in ids[1 : longest + 1] if number != 0]


def save_checkpoint(
    directory: Path,
    train_sentencepiece: Callable[..., Path],
    corpus: Sequence[str],
    *,
    languages: Sequence[str] = (),
    separate: bool = False,
    steps: int = 50,
) -> Any:
    """Saves a narrow model as OPUS-MT publishes them: two SentencePiece models, and a vocabulary with the padding last."""
    for name, size in (("source.spm", 300), ("target.spm", 280)):
        train_sentencepiece(directory, name, model_type="unigram", vocab_size=size, hard_vocab_limit=False)
    pieces = {}
    for name in ("source.spm", "target.spm"):
        processor = SentencePieceProcessor(model_file=str(directory / name))
        pieces[name] = [processor.id_to_piece(number) for number in range(3, processor.get_piece_size())]
    # A few pieces of the tokenizers are not in the vocabulary, as in the published models.
    first = pieces["source.spm"][:-5]
    second = pieces["target.spm"][:-5]
    names = [*first, *languages] if separate else [*dict.fromkeys([*first, *second]), *languages]
    # A checkpoint with two vocabularies has the padding at one place in both.
    second += [f"▁filler{number}" for number in range(len(names) - len(second))]
    for name, tokens in (("vocab.json", names), ("target_vocab.json", second)):
        ids = {token: number for number, token in enumerate(["</s>", "<unk>", *tokens, "<pad>"])}
        if name == "vocab.json" or separate:
            (directory / name).write_text(json.dumps(ids), encoding="utf-8")
    padding = len(names) + 2
    torch.manual_seed(1)
    model: Any = MarianMTModel(
        MarianConfig(
            vocab_size=padding + 1,
            decoder_vocab_size=padding + 1,
            share_encoder_decoder_embeddings=not separate,
            d_model=32,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=4,
            decoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_ffn_dim=64,
            max_position_embeddings=512,
            activation_function="swish",
            scale_embedding=True,
            dropout=0.0,
            init_std=0.1,
            pad_token_id=padding,
            decoder_start_token_id=padding,
        )
    )
    with torch.no_grad():
        model.final_logits_bias.normal_(0.0, 0.5, generator=torch.Generator().manual_seed(2))
    settings = {"source_lang": "en", "target_lang": "mul" if languages else "es", "separate_vocabs": separate}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    model.save_pretrained(directory)
    tokenizer = MarianTokenizer.from_pretrained(directory)
    marks = languages or [""]
    learn(
        model,
        [tokenizer(f"{marks[i % len(marks)]} {text}".strip())["input_ids"] for i, text in enumerate(corpus)],
        [tokenizer(text_target=text)["input_ids"][-14:] for text in corpus],
        steps,
    )
    model.save_pretrained(directory)
    return model


def learn(model: Any, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]], steps: int) -> None:
    """Teaches a model its sentences by heart, in two seconds. With random weights this architecture repeats one token for ever."""
    torch.set_num_threads(1)
    padding = model.config.pad_token_id
    ids, labels = (
        torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=value)
        for rows, value in ((sources, padding), (targets, -100))
    )
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=0.01)
    for _ in range(steps):
        model(input_ids=ids, attention_mask=(ids != padding).long(), labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


@pytest.fixture(scope="module", params=["one language", "five languages", "two vocabularies"])
def tiny(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: Callable[..., Path],
    install: Callable[..., ModelStore],
    corpus: Sequence[str],
) -> Tiny:
    root = tmp_path_factory.mktemp("marian")
    checkpoint = root / "checkpoint"
    several = request.param == "five languages"
    reference = save_checkpoint(
        checkpoint,
        train_sentencepiece,
        corpus,
        languages=list(LANGUAGES.values()) if several else [],
        separate=request.param == "two vocabularies",
    )
    targets = list(LANGUAGES) if several else ["es"]
    sentences = [Sentence(text, Direction("en", targets[number % len(targets)])) for number, text in enumerate(corpus)]
    store = install(root / "models", "marian", marian.convert, checkpoint)
    return Tiny(checkpoint, reference, MarianTokenizer.from_pretrained(checkpoint), store, sentences)


def test_every_sentence_gets_the_tokens_of_transformers_alone_and_in_a_batch(
    tiny: Tiny, tokens_written: Callable[..., list[list[str]]]
) -> None:
    expected = [tiny.expected(sentence) for sentence in tiny.sentences]
    assert sum(len(set(tokens)) for tokens in expected) > 6 * len(expected), "the model repeats itself"
    assert tokens_written(tiny.store, Marian, tiny.sentences) == expected
    assert tokens_written(tiny.store, Marian, tiny.sentences, alone=True) == expected


def test_the_source_is_read_as_transformers_reads_it(tiny: Tiny) -> None:
    family = Marian(tiny.store.path("tiny"))
    direction = tiny.sentences[0].direction
    unknown = 0
    for sentence in [*tiny.sentences, *(Sentence(text, direction) for text in ODDITIES)]:
        encoded = family.encode(sentence.text, sentence.direction)
        ids = tiny.tokenizer(tiny.asked(sentence))["input_ids"]
        assert [tiny.tokenizer.encoder.get(token) for token in encoded.source] == ids
        assert encoded.prefix == []
        unknown += encoded.source.count("<unk>")
    assert unknown > 5


def test_what_the_model_writes_becomes_text_as_in_transformers(tiny: Tiny) -> None:
    family = Marian(tiny.store.path("tiny"))
    ids = {token: number for number, token in tiny.tokenizer.decoder.items()}
    for sentence in tiny.sentences:
        tokens = tiny.expected(sentence)
        text = tiny.tokenizer.decode([ids[token] for token in tokens], skip_special_tokens=True)
        assert family.decode([*tokens, "<unk>", "</s>", "<pad>"], sentence.direction, None) == text.strip()


def test_text_of_the_target_is_cut_as_transformers_cuts_it_and_comes_back(tiny: Tiny, corpus: Sequence[str]) -> None:
    family = Marian(tiny.store.path("tiny"))
    direction = tiny.sentences[0].direction
    for text in corpus:
        tokens = family.encode_target(text, direction)
        ids = tiny.tokenizer(text_target=text)["input_ids"]
        assert [*tokens, "</s>"] == [tiny.tokenizer.decoder[number] for number in ids]
        assert "<unk>" in tokens or family.decode(tokens, direction, None) == text


@pytest.mark.parametrize("text", [">>pob<< Good morning", "</s> Good morning", "<pad> <unk>", ">>spa<<"])
def test_a_mark_in_somebodys_text_is_text(tiny: Tiny, text: str) -> None:
    source = Marian(tiny.store.path("tiny")).encode(text, tiny.sentences[0].direction).source
    asked = 1 if source[0].startswith(">>") else 0
    assert not {"</s>", "<pad>", ">>pob<<", ">>spa<<"} & {*source[asked:-1]}
    assert source[-1] == "</s>"


def test_the_int8_model_agrees_with_the_exact_one(
    tiny: Tiny,
    tmp_path: Path,
    install: Callable[..., Any],
    tokens_written: Callable[..., Any],
    agreement: Callable[..., float],
) -> None:
    """Measured: all of the tokens of these three; the model has learnt to be sure of them."""
    rounded = install(tmp_path, "marian", marian.convert, tiny.checkpoint, "int8")
    exact = tokens_written(tiny.store, Marian, tiny.sentences)
    share = agreement(exact, rounded, Marian(tiny.store.path("tiny")), tiny.sentences)
    assert share >= 0.9, share


def test_the_engine_translates_with_and_without_context(tiny: Tiny) -> None:
    engine = Seq2SeqEngine(tiny.store, "tiny", Marian, device="cpu", compute_type="default", workers=1, threads=1)
    engine.load()
    assert {sentence.direction for sentence in tiny.sentences} == engine.directions
    sentences = [
        *tiny.sentences[:4],
        Sentence(tiny.sentences[4].text, tiny.sentences[4].direction, Context("Good morning.", "Buenos días.")),
    ]
    outputs = engine.translate(sentences, [threading.Event() for _ in sentences])
    family = Marian(tiny.store.path("tiny"))
    for sentence, output in zip(sentences[:4], outputs, strict=False):
        assert output.text == family.decode(tiny.expected(sentence), sentence.direction, None)
    assert outputs[4].text
    engine.close()


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    train_sentencepiece: Callable[..., Path],
    corpus: Sequence[str],
) -> Path:
    """A checkpoint for one language."""
    directory = tmp_path_factory.mktemp("published") / "checkpoint"
    save_checkpoint(directory, train_sentencepiece, corpus, steps=0)
    return directory


@pytest.fixture
def checkpoint(published: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed."""
    return Path(shutil.copytree(published, tmp_path / "checkpoint"))


def edited(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def described(checkpoint: Path, **options: Sequence[str]) -> dict[str, Any]:
    """The translation.json of a checkpoint."""
    destination = checkpoint.parent / "converted"
    shutil.rmtree(destination, ignore_errors=True)
    destination.mkdir()
    marian.check(checkpoint, **options)
    marian.convert(checkpoint, destination, "int8", **options)
    made: dict[str, Any] = json.loads((destination / "translation.json").read_text())
    return made


def test_codes_of_three_letters_are_read(checkpoint: Path) -> None:
    edited(checkpoint / "tokenizer_config.json", source_lang="eng", target_lang="kan")
    assert described(checkpoint) == {"sources": ["en"], "targets": {"kn": None}}


@pytest.mark.parametrize("listed", ["\n- en\n- es\n- no\n- gl\n- roa", " [en, es, no, gl, multilingual]"])
def test_the_languages_of_a_group_are_those_of_the_model_card(checkpoint: Path, listed: str) -> None:
    edited(checkpoint / "tokenizer_config.json", source_lang="ROMANCE", target_lang="en")
    (checkpoint / "README.md").write_text(f"---\nlanguage:{listed}\ntags: [translation]\n---\nA model --- of Oslo.\n")
    assert described(checkpoint) == {"sources": ["es", "gl", "no"], "targets": {"en": None}}


@pytest.mark.parametrize("card", [None, "no front matter", "---\nlicense: cc-by-4.0\n---\n", "---\n[\n---\n"])
def test_a_group_without_members_is_refused_until_they_are_named(checkpoint: Path, card: str | None) -> None:
    edited(checkpoint / "tokenizer_config.json", source_lang="itc", target_lang="en")
    if card is not None:
        (checkpoint / "README.md").write_text(card)
    with pytest.raises(Unsupported, match=r"which languages it reads: its source_lang is itc.*--source-languages"):
        marian.check(checkpoint)
    named = described(checkpoint, source_languages=["spa", "pt-BR"])
    assert named == {"sources": ["es", "pt-BR"], "targets": {"en": None}}


def test_a_target_that_is_not_told_is_refused_until_it_is_named(checkpoint: Path) -> None:
    (checkpoint / "tokenizer_config.json").unlink()
    with pytest.raises(Unsupported, match=r"its target_lang is missing.*--target-languages"):
        marian.check(checkpoint, source_languages=["en"])
    with pytest.raises(Unsupported, match="which language it writes"):
        marian.check(checkpoint, source_languages=["en"], target_languages=["es", "kn"])
    with pytest.raises(Unsupported, match='"English" is no code of a language'):
        marian.check(checkpoint, source_languages=["English"], target_languages=["es"])
    named = described(checkpoint, source_languages=["en"], target_languages=["es"])
    assert named == {"sources": ["en"], "targets": {"es": None}}


def test_fewer_targets_than_the_model_has_can_be_named(
    tmp_path: Path, train_sentencepiece: Callable[..., Path], corpus: Sequence[str]
) -> None:
    directory = tmp_path / "several"
    save_checkpoint(directory, train_sentencepiece, corpus, languages=list(LANGUAGES.values()), steps=0)
    assert described(directory) == {"sources": ["en"], "targets": LANGUAGES}
    named = described(directory, target_languages=["es-MX", "pt-BR", "zh-Hant"])
    assert named["targets"] == {tag: LANGUAGES[tag] for tag in ("es", "pt-BR", "zh")}
    with pytest.raises(Unsupported, match='does not have "de"; it has es, kn, pt-BR, pt-PT, zh'):
        marian.check(directory, target_languages=["de"])


def test_tokens_that_a_fine_tune_added_and_a_padding_that_it_trained_are_kept(checkpoint: Path, tmp_path: Path) -> None:
    """New tokens come after the padding."""
    model: Any = MarianMTModel.from_pretrained(checkpoint)
    size = model.config.vocab_size
    model.resize_token_embeddings(size + 2)
    with torch.no_grad():
        model.model.shared.weight[size - 1] = 0.3
    model.save_pretrained(checkpoint)
    (checkpoint / "added_tokens.json").write_text(json.dumps({">>kan<<": size, "▁Mysuru": size + 1}))
    assert described(checkpoint)["targets"] == {"kn": ">>kan<<"}
    translator = ctranslate2.Translator(str(tmp_path / "converted"), compute_type="float32", intra_threads=1)
    ids = json.loads((checkpoint / "vocab.json").read_text()) | {">>kan<<": size}
    names = {number: token for token, number in ids.items()}
    source = Marian(tmp_path / "converted").encode("The train to Mysore", Direction("en", "kn")).source
    assert source[0] == ">>kan<<"
    written = model.generate(
        torch.tensor([[ids[token] for token in source]]),
        num_beams=1,
        do_sample=False,
        max_new_tokens=3,
        forced_eos_token_id=None,
        bad_words_ids=[[size - 1]],
    )
    result = translator.translate_batch([source], beam_size=1, max_decoding_length=3, return_end_token=True)
    assert result[0].hypotheses[0] == [names.get(number, "▁Mysuru") for number in written[0, 1:].tolist()]


@pytest.mark.parametrize("name", ["source.spm", "target.spm", "vocab.json", "model.safetensors"])
def test_a_checkpoint_without_a_file_is_refused(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(Unsupported, match=name):
        marian.check(checkpoint)


def test_two_vocabularies_need_two_files(checkpoint: Path) -> None:
    edited(checkpoint / "tokenizer_config.json", separate_vocabs=True)
    with pytest.raises(Unsupported, match="target_vocab"):
        marian.check(checkpoint)


@pytest.mark.parametrize("name", ["vocab.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_file_of_a_checkpoint_is_named(checkpoint: Path, name: str, content: str) -> None:
    (checkpoint / name).write_text(content)
    with pytest.raises(Unsupported, match=f"{name} (cannot be read|holds no JSON object)"):
        marian.check(checkpoint)


def test_a_damaged_tokenizer_of_a_checkpoint_is_named(checkpoint: Path) -> None:
    (checkpoint / "target.spm").write_bytes(b"not a model")
    with pytest.raises(Unsupported, match=r"target\.spm cannot be read"):
        marian.check(checkpoint)


def test_a_model_of_another_kind_is_refused(checkpoint: Path) -> None:
    edited(checkpoint / "config.json", model_type="m2m_100")
    with pytest.raises(Unsupported, match="a model of the type m2m_100, not marian"):
        marian.check(checkpoint)


def test_the_vocabulary_of_another_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    path = checkpoint / "vocab.json"
    ids = json.loads(path.read_text())
    path.write_text(json.dumps({token: number for token, number in ids.items() if number < len(ids) - 10}))
    with pytest.raises(Unsupported, match=r"vocab\.json has \d+ tokens and the model \d+"):
        marian.convert(checkpoint, tmp_path, "int8")


def test_a_checkpoint_without_a_tensor_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["model.decoder.layers.1.fc1.weight"]
    save_file(tensors, checkpoint / "model.safetensors", {"format": "pt"})
    with pytest.raises(Unsupported, match=r"lacks 1 of the model's tensors, .*layers\.1\.fc1\.weight"):
        marian.convert(checkpoint, tmp_path, "int8")


@pytest.mark.parametrize("name", ["source.spm", "target.spm", "translation.json", "shared_vocabulary.json"])
@pytest.mark.parametrize("damage", ["missing", "damaged", "empty"])
def test_a_file_that_is_missing_or_damaged_is_named(converted: Path, tmp_path: Path, name: str, damage: str) -> None:
    directory = Path(shutil.copytree(converted, tmp_path / "model"))
    if damage == "missing":
        (directory / name).unlink()
    else:
        (directory / name).write_bytes(b"{]" if damage == "damaged" else b"")
    # Without a common vocabulary there have to be two.
    expected = "source_vocabulary.json" if (name, damage) == ("shared_vocabulary.json", "missing") else name
    with pytest.raises(ModelNotInstalled, match=f"^{expected} of the model in"):
        Marian(directory)


def test_a_language_that_the_vocabulary_lacks_is_named(converted: Path, tmp_path: Path) -> None:
    directory = Path(shutil.copytree(converted, tmp_path / "model"))
    edited(directory / "translation.json", targets={"es": ">>spa<<"})
    with pytest.raises(ModelNotInstalled, match=r"shared_vocabulary\.json .* lacks >>spa<<"):
        Marian(directory)


@pytest.fixture(scope="module")
def converted(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The checkpoint for one language, converted."""
    directory = tmp_path_factory.mktemp("converted")
    marian.convert(published, directory, "int8")
    return directory
