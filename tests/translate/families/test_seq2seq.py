"""The engine of sequence-to-sequence models: bounds, cancellation, context, and what is refused. On a tiny M2M-100."""

import itertools
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch
from transformers import M2M100ForConditionalGeneration, M2M100Tokenizer

from maatu_client.models import m2m100
from maatu_runtime.errors import ConfigurationError, ModelFailed, ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_translate.engine import seq2seq
from maatu_translate.engine.base import Context, Direction, Output, Sentence
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.m2m100 import M2M100
from maatu_translate.engine.seq2seq import EXTRA_TOKENS, LONGEST, TOKENS_PER_SOURCE_TOKEN, Seq2SeqEngine

EN_KN, KN_EN = Direction("en", "kn"), Direction("kn", "en")
Engines = Callable[..., Seq2SeqEngine]


class Later(threading.Event):
    """Becomes set when it is asked for the n-th time."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self._questions = questions

    def is_set(self) -> bool:
        self._questions -= 1
        return self._questions < 0


@pytest.fixture(scope="module")
def store(
    tmp_path_factory: pytest.TempPathFactory, install: Callable[..., ModelStore], m2m100_checkpoint: Path
) -> ModelStore:
    return install(tmp_path_factory.mktemp("models"), "m2m100", m2m100.convert, m2m100_checkpoint)


@pytest.fixture(scope="module")
def engines(store: ModelStore) -> Engines:
    """Makes engines; not loaded."""

    def make(family: Any = M2M100, store: ModelStore = store, model: str = "tiny", **options: Any) -> Seq2SeqEngine:
        settings: dict[str, Any] = {"device": "cpu", "compute_type": "default", "workers": 1, "threads": 1}
        return Seq2SeqEngine(store, model, family, **(settings | options))

    return make


@pytest.fixture(scope="module")
def engine(engines: Engines) -> Seq2SeqEngine:
    made = engines()
    made.load()
    return made


@pytest.fixture(scope="module")
def sentences(corpus: Sequence[str]) -> list[Sentence]:
    return [Sentence(text, EN_KN if number % 2 else KN_EN) for number, text in enumerate(corpus)]


def translate(engine: Seq2SeqEngine, sentences: Sequence[Sentence]) -> list[Output]:
    return engine.translate(sentences, [threading.Event() for _ in sentences])


def bound(store: ModelStore, sentence: Sentence) -> int:
    source = M2M100(store.path("tiny")).encode(sentence.text, sentence.direction).source
    return TOKENS_PER_SOURCE_TOKEN * len(source) + EXTRA_TOKENS


def test_each_sentence_is_bounded_by_its_own_source_whatever_is_in_the_batch(
    store: ModelStore, engine: Seq2SeqEngine, sentences: list[Sentence], tokens_written: Callable[..., list[list[str]]]
) -> None:
    outputs = translate(engine, sentences)
    lengths = [len(tokens) for tokens in tokens_written(store, M2M100, sentences)]
    bounds = [bound(store, sentence) for sentence in sentences]
    assert {output.truncated for output in outputs} == {True, False}
    for output, length, longest in zip(outputs, lengths, bounds, strict=True):
        assert length == longest if output.truncated else length < longest


def test_a_beam_is_bounded_and_judged_in_the_same_way(
    store: ModelStore,
    engines: Engines,
    sentences: list[Sentence],
    tokens_written: Callable[..., list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A beam prefers what ends soon, hence the narrow bound."""
    whole = tokens_written(store, M2M100, sentences, beam_size=3)
    assert whole != tokens_written(store, M2M100, sentences), "the beam finds what greedy decoding finds"
    monkeypatch.setattr(seq2seq, "TOKENS_PER_SOURCE_TOKEN", 0)
    monkeypatch.setattr(seq2seq, "EXTRA_TOKENS", 4)
    beam = engines(beam_size=3)
    beam.load()
    outputs = translate(beam, sentences)
    written = tokens_written(store, M2M100, sentences, beam_size=3)
    assert {output.truncated for output in outputs} == {True, False}
    for output, tokens in zip(outputs, written, strict=True):
        assert len(tokens) == 4 if output.truncated else len(tokens) <= 4


def test_each_hypothesis_of_a_careful_search_says_whether_it_was_cut(
    engines: Engines, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    def keeps_tokens(directory: Path) -> M2M100:
        made = M2M100(directory)
        monkeypatch.setattr(made, "decode", lambda tokens, direction, notes: "\n".join(tokens))
        return made

    monkeypatch.setattr(seq2seq, "TOKENS_PER_SOURCE_TOKEN", 0)
    monkeypatch.setattr(seq2seq, "EXTRA_TOKENS", 4)
    engine = engines(keeps_tokens)
    engine.load()
    found = [
        (output, *output.alternatives)
        for output in translate(engine, [replace(sentence, careful=True) for sentence in sentences])
    ]
    assert {True, False} in [{one.truncated for one in hypotheses} for hypotheses in found]
    for one in itertools.chain(*found):
        length = len(one.text.split("\n"))
        assert length == 4 if one.truncated else length <= 4


def test_a_source_that_is_too_long_is_reported_as_truncated(engine: Seq2SeqEngine, sentences: list[Sentence]) -> None:
    """What is left of it is translated; nothing half-translated is returned as whole."""
    long = Sentence("Good morning, how are you? " * 60, EN_KN)
    outputs = translate(engine, [sentences[0], long])
    assert outputs[0] == translate(engine, sentences[:1])[0]
    assert outputs[1].truncated


def test_the_end_of_a_source_that_is_too_long_is_kept(
    engines: Engines, store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[list[str]] = []
    original = ctranslate2.Translator.translate_batch

    def spy(self: Any, source: list[list[str]], *arguments: Any, **options: Any) -> Any:
        given.extend(source)
        return original(self, source, *arguments, **options)

    monkeypatch.setattr(ctranslate2.Translator, "translate_batch", spy)
    engine = engines()
    engine.load()
    translate(engine, [Sentence("morning " * 400, EN_KN)])
    assert len(given[-1]) == LONGEST
    assert (given[-1][0], given[-1][-1]) == ("__en__", "</s>")


def test_the_unknown_token_is_never_written(
    store: ModelStore, sentences: list[Sentence], tokens_written: Callable[..., list[list[str]]]
) -> None:
    strange = [Sentence(f"漢字 {sentence.text} 😀", sentence.direction) for sentence in sentences]
    assert not any("<unk>" in tokens for tokens in tokens_written(store, M2M100, strange))


def test_a_cancelled_sentence_leaves_the_others_as_they_are(engine: Seq2SeqEngine, sentences: list[Sentence]) -> None:
    wanted = translate(engine, sentences)
    events: list[threading.Event] = [threading.Event() for _ in sentences]
    events[0].set()
    longest = max(range(1, len(sentences)), key=lambda index: len(wanted[index].text))
    events[longest] = Later(5)
    outputs = engine.translate(sentences, events)
    assert outputs[0] == Output("")
    assert 0 < len(outputs[longest].text) < len(wanted[longest].text)
    assert wanted[longest].text.startswith(outputs[longest].text)
    others = [index for index in range(1, len(sentences)) if index != longest]
    assert [outputs[index] for index in others] == [wanted[index] for index in others]


def test_a_batch_that_nobody_wants_costs_nothing(
    engine: Seq2SeqEngine, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctranslate2.Translator, "translate_batch", None)
    event = threading.Event()
    event.set()
    assert engine.translate(sentences[:2], [event, event]) == [Output(""), Output("")]


def test_with_a_context_only_what_follows_its_translation_is_written(
    m2m100_checkpoint: Path,
    store: ModelStore,
    corpus: Sequence[str],
    tokens_written: Callable[..., list[list[str]]],
) -> None:
    """Compared with transformers, whose decoder begins with the translation of the clause before."""
    reference: Any = M2M100ForConditionalGeneration.from_pretrained(m2m100_checkpoint)
    tokenizer = M2M100Tokenizer.from_pretrained(m2m100_checkpoint, src_lang="en")
    sentences, expected = [], []
    for text, before, translation in zip(corpus[:6], corpus[1:7], corpus[15:21], strict=True):
        sentences.append(Sentence(text, EN_KN, Context(before, translation)))
        start = [2, tokenizer.get_lang_id("kn"), *tokenizer.convert_tokens_to_ids(tokenizer.tokenize(translation))]
        ids = reference.generate(
            torch.tensor([tokenizer(f"{before} {text}")["input_ids"]]),
            decoder_input_ids=torch.tensor([start]),
            num_beams=1,
            do_sample=False,
            max_new_tokens=12,
            suppress_tokens=[3],
        )[0].tolist()[len(start) :]
        expected.append([token for token in tokenizer.convert_ids_to_tokens(ids) if token != "</s>"])
    written = tokens_written(store, M2M100, sentences)
    assert [tokens[:12] for tokens in written] == expected
    assert sum(map(len, expected)) > 30
    assert tokens_written(store, M2M100, sentences, alone=True) == written


def test_a_context_that_is_too_long_is_left_out(engine: Seq2SeqEngine, sentences: list[Sentence]) -> None:
    for context in (Context("morning " * 300, "ಮಳೆ"), Context("morning", "ಮಳೆ " * 300)):
        sentence = Sentence(sentences[1].text, EN_KN, context)
        assert translate(engine, [sentence]) == translate(engine, [sentences[1]])


class SilentInContext(M2M100):
    """Says nothing where a sentence came with another one."""

    def encode(self, text: str, direction: Direction) -> Encoded:
        encoded = super().encode(text, direction)
        return Encoded(encoded.source, encoded.prefix, notes=text)

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        return "" if notes.startswith("Before.") else f"{notes}!"


def test_a_sentence_that_its_context_silences_is_translated_without_it(engines: Engines) -> None:
    engine = engines(SilentInContext)
    engine.load()
    context = Context("Before.", "ಮಳೆ")
    outputs = translate(engine, [Sentence("One.", EN_KN, context), Sentence("Two.", EN_KN), Sentence("Three.", KN_EN)])
    assert [output.text for output in outputs] == ["One.!", "Two.!", "Three.!"]


def test_all_sentences_fit_into_one_batch_and_longer_ones_are_longer(engine: Seq2SeqEngine) -> None:
    short, long = Sentence("Rain.", EN_KN), Sentence("The train leaves from platform two.", KN_EN)
    assert engine.batch_key(short) == engine.batch_key(long)
    assert 0 < engine.length(short) < engine.length(long)
    assert engine.length(short) < engine.length(Sentence("Rain.", EN_KN, Context("It was raining.", "ಮಳೆ")))


def test_an_empty_text_does_no_harm(engine: Seq2SeqEngine, sentences: list[Sentence]) -> None:
    outputs = translate(engine, [Sentence("", EN_KN), sentences[0]])
    assert outputs[1] == translate(engine, sentences[:1])[0]


def test_a_failing_model_is_a_typed_error_with_fake_failure(
    engine: Seq2SeqEngine, sentences: list[Sentence], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr(ctranslate2.Translator, "translate_batch", fail)
    with pytest.raises(ModelFailed, match="the model tiny failed"):
        translate(engine, sentences[:1])


def test_a_model_that_is_not_there_is_named(engines: Engines) -> None:
    with pytest.raises(ModelNotInstalled, match="the model absent is not ready"):
        engines(model="absent").load()


@pytest.mark.parametrize("name", ["model.bin", "config.json", "shared_vocabulary.json"])
@pytest.mark.parametrize("content", [None, b"", b"\x00", b"\xff"], ids=["missing", "empty", "zeros", "ones"])
def test_a_missing_or_damaged_file_is_named(
    engines: Engines, store: ModelStore, tmp_path: Path, name: str, content: bytes | None
) -> None:
    shutil.copytree(store.root, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "tiny" / name
    size = path.stat().st_size
    path.unlink()
    if content is not None:
        path.write_bytes(content * size)
    with pytest.raises(ModelNotInstalled, match=name.replace("shared_", "").removesuffix(".json")):
        engines(store=ModelStore(tmp_path)).load()


@pytest.mark.parametrize("compute_type", ["int3", "float128"])
def test_a_compute_type_that_cannot_be_had_is_refused_with_those_that_can(engines: Engines, compute_type: str) -> None:
    with pytest.raises(ConfigurationError, match=rf'compute type "{compute_type}" cannot be had on cpu: .*int8'):
        engines(compute_type=compute_type).load()


def test_a_device_that_is_not_there_is_refused(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    with pytest.raises(ConfigurationError, match="no CUDA device is here"):
        engines(device="cuda").load()
