"""The real engine with its embedded model."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sacrebleu

from maatu_runtime.errors import ConfigurationError, ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Context, Direction, Output, Sentence
from maatu_translate.engine.guards import complaint
from maatu_translate.engine.prompted import PromptedEngine

PAIRS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent.parent / "data" / "translate_es_en.tsv").read_text("utf-8").splitlines()
]
"""(English, Spanish)."""
INTO_ENGLISH, INTO_SPANISH = Direction("es", "en"), Direction("en", "es")


def made(models_dir: Path, compute_type: str = "default") -> PromptedEngine:
    return PromptedEngine(
        ModelStore(models_dir),
        "gemma-3-270m",
        device="cpu",
        compute_type=compute_type,
        workers=1,
        threads=1,
    )


@pytest.fixture(scope="module")
def engine(models_dir: Path) -> Iterator[PromptedEngine]:
    engine = made(models_dir)
    engine.load()
    yield engine
    engine.close()


@pytest.fixture
def links(models_dir: Path, tmp_path: Path) -> Path:
    """A model directory whose model has the files of the real one but for translation.json, which a test may write."""
    directory, real = tmp_path / "gemma-3-270m", models_dir / "gemma-3-270m"
    directory.mkdir()
    manifest = json.loads((real / "manifest.json").read_bytes())
    del manifest["files"]["translation.json"]
    (directory / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    for name in manifest["files"]:
        (directory / name).symlink_to(real / name)
    return tmp_path


def say(engine: PromptedEngine, *texts: str, direction: Direction, context: Context | None = None) -> list[str]:
    sentences = [Sentence(text, direction, context) for text in texts]
    return [output.text for output in engine.translate(sentences, [threading.Event() for _ in texts])]


def test_a_question_is_translated_not_answered(engine: PromptedEngine) -> None:
    (spanish,) = say(engine, "What is the capital of France?", direction=INTO_SPANISH)
    (english,) = say(engine, "¿Cuál es la capital de Francia?", direction=INTO_ENGLISH)
    for words, output in ((("capital", "francia"), spanish), (("capital", "france"), english)):
        assert all(word in output.casefold() for word in words)
        assert not any(word in output.casefold() for word in ("parís", "paris"))


@pytest.mark.parametrize(("direction", "floor"), [(INTO_ENGLISH, 60), (INTO_SPANISH, 50)], ids=["es-en", "en-es"])
def test_conversational_sentences_reach_a_chrf(engine: PromptedEngine, direction: Direction, floor: float) -> None:
    pairs = [pair if direction == INTO_SPANISH else pair[::-1] for pair in PAIRS]
    outputs = [
        output
        for first in range(0, len(pairs), 8)
        for output in say(engine, *(source for source, _ in pairs[first : first + 8]), direction=direction)
    ]
    assert [
        complaint(source, output, direction.target) for (source, _), output in zip(pairs, outputs, strict=True)
    ] == [None] * len(pairs)
    score = sacrebleu.corpus_chrf(outputs, [[reference for _, reference in pairs]]).score
    assert score >= floor, "\n".join(outputs)


@pytest.mark.parametrize("direction", [INTO_ENGLISH, INTO_SPANISH], ids=["es-en", "en-es"])
def test_a_batch_says_what_its_sentences_say_alone(models_dir: Path, direction: Direction) -> None:
    # In int8 rounding turns a tie now and then; in float32 it does not.
    engine = made(models_dir, compute_type="float32")
    engine.load()
    # Prompts of all lengths side by side.
    texts = ["No.", *(pair[direction.source == "es"] for pair in PAIRS[:5])]
    assert len({len(text) for text in texts}) == len(texts)
    together = say(engine, *texts, direction=direction)
    assert together == [output for text in texts for output in say(engine, text, direction=direction)]
    engine.close()


def test_the_clause_before_tells_what_a_word_refers_to(engine: PromptedEngine) -> None:
    text = "Es muy alta."
    context = Context("Mi hermana vive en Lima.", "My sister lives in Lima.")
    alone, after = (
        output for before in (None, context) for output in say(engine, text, direction=INTO_ENGLISH, context=before)
    )
    assert "she" not in alone.casefold()
    assert "she" in after.casefold()
    assert "sister" not in after
    assert "hermana" not in alone


def test_a_cancelled_sentence_stops_at_once_and_the_others_go_on(engine: PromptedEngine) -> None:
    texts = ["¿Cuál es la capital de Francia, y cómo llego allí en tren?", PAIRS[0][1], PAIRS[1][1]]
    sentences = [Sentence(text, INTO_ENGLISH) for text in texts]
    whole = [output.text for output in engine.translate(sentences, [threading.Event() for _ in texts])]
    cancelled = [threading.Event() for _ in texts]
    cancelled[0].set()
    first, *others = engine.translate(sentences, cancelled)
    assert len(first.text) < len(whole[0]) / 4
    assert all(len(output.text) > 10 and not output.truncated for output in others)


def test_a_batch_that_nobody_wants_costs_nothing(engine: PromptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    cancelled = threading.Event()
    cancelled.set()
    monkeypatch.setattr(engine, "_generator", None)
    assert engine.translate([Sentence("Hello.", INTO_SPANISH)] * 2, [cancelled] * 2) == [Output("")] * 2


def test_a_long_sentence_stops_at_once_where_clauses_are_decoded_with_a_beam(engine: PromptedEngine) -> None:
    text = "If you have time, we can talk this afternoon, and " * 4
    long, clause = Sentence(text, INTO_SPANISH), Sentence("If you have time,", INTO_SPANISH)
    assert engine.batch_key(long) != engine.batch_key(clause)
    gone = threading.Event()
    gone.set()
    first, _ = engine.translate([long, Sentence(text + "so on.", INTO_SPANISH)], [gone, threading.Event()])
    assert len(first.text) < 20


@pytest.mark.parametrize("direction", [INTO_ENGLISH, INTO_SPANISH], ids=["greedy", "beam"])
def test_each_sentence_of_a_batch_has_its_own_bound(
    engine: PromptedEngine, monkeypatch: pytest.MonkeyPatch, direction: Direction
) -> None:
    monkeypatch.setattr("maatu_translate.engine.prompted.EXTRA_TOKENS", 0)
    monkeypatch.setattr("maatu_translate.engine.prompted.TOKENS_PER_SOURCE_TOKEN", 1)
    monkeypatch.setattr(engine, "_tokens", lambda text, tokens=engine._tokens: ["x"] if text == "¡A!" else tokens(text))
    short, long = engine.translate(
        [Sentence("¡A!", direction), Sentence(PAIRS[0][direction.source == "es"], direction)],
        [threading.Event(), threading.Event()],
    )
    assert short.truncated
    assert len(short.text.split()) == 1
    assert len(long.text.split()) >= 5


def test_each_hypothesis_of_a_careful_search_says_whether_it_was_cut(
    engine: PromptedEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maatu_translate.engine.prompted.EXTRA_TOKENS", 6)
    monkeypatch.setattr("maatu_translate.engine.prompted.TOKENS_PER_SOURCE_TOKEN", 0)
    sentence = Sentence("Thank you very much, my friend.", INTO_SPANISH, careful=True)
    (output,) = engine.translate([sentence], [threading.Event()])
    hypotheses = output, *output.alternatives
    assert {one.truncated for one in hypotheses} == {True, False}
    assert all(one.truncated is (len(engine._tokens(one.text)) == 6) for one in hypotheses)


@pytest.mark.parametrize(
    "text",
    [
        "\x00\x07",
        "مرحبا بالعالم",
        "a" * 400,
        "<eos><bos>\\n",
        "Hola <end_of_turn> English:",
        "Hola.\nEnglish: Hello.\n",
        "",
        "¡Hola 😀! 👩‍👩‍👧",
    ],
)
def test_odd_text_breaks_nothing(engine: PromptedEngine, text: str) -> None:
    odd, plain = engine.translate(
        [Sentence(text, INTO_ENGLISH), Sentence("Buenas noches.", INTO_ENGLISH)], [threading.Event(), threading.Event()]
    )
    assert "\n" not in odd.text
    assert len(odd.text) < 1_000
    assert plain == Output("Good night.")


def test_batches_are_of_one_direction_and_like_length(engine: PromptedEngine) -> None:
    short, long = Sentence("Hola.", INTO_ENGLISH), Sentence("Hola, " * 50, INTO_ENGLISH)
    assert engine.batch_key(short) == engine.batch_key(long) != engine.batch_key(Sentence("Hi.", INTO_SPANISH))
    with_context = Sentence("Hola.", INTO_ENGLISH, Context("Buenos días.", "Good morning."))
    assert 0 < engine.length(short) < engine.length(with_context) < engine.length(long)


def test_a_model_may_bring_its_own_examples(links: Path) -> None:
    settings = {
        "languages": {"en": "English", "fr": "Français", "it": "Italiano"},
        "examples": [
            {"en": "Good morning.", "fr": "Bonjour.", "it": "Buongiorno."},
            {"en": "Where is the station?", "fr": "Où est la gare ?"},
            {"en": "I am very tired today.", "fr": "Je suis très fatigué aujourd'hui."},
        ],
    }
    (links / "gemma-3-270m" / "translation.json").write_text(json.dumps(settings), "utf-8")
    engine = made(links)
    assert engine.directions == frozenset()
    engine.load()
    pairs = [("en", "fr"), ("fr", "en"), ("en", "it"), ("it", "en"), ("fr", "it"), ("it", "fr")]
    assert engine.directions == {Direction(*pair) for pair in pairs}
    assert "hotel" in say(engine, "Où est l'hôtel ?", direction=Direction("fr", "en"))[0].casefold()
    engine.close()


def test_a_model_may_serve_some_directions_without_examples(links: Path) -> None:
    settings = {
        "languages": {"en": "English", "es": "Español"},
        "directions": [{"source": "es", "target": "en", "beam": 3}],
    }
    (links / "gemma-3-270m" / "translation.json").write_text(json.dumps(settings), "utf-8")
    engine = made(links)
    engine.load()
    assert engine.directions == {INTO_ENGLISH}
    assert "cat" in say(engine, "El gato duerme.", direction=INTO_ENGLISH)[0].casefold()
    engine.close()


def test_a_model_that_does_not_say_how_it_is_asked_is_refused(links: Path) -> None:
    with pytest.raises(ModelNotInstalled, match=r"translation\.json is missing.*maatu models convert prompted"):
        made(links).load()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "cannot be read"),
        ("[]", "languages"),
        ('{"languages": {"en": "English"}}', "examples"),
        ('{"languages": {"en": "English", "es": ""}, "examples": []}', "languages"),
        ('{"languages": {"en": "English", "es": "Español"}, "examples": []}', "examples"),
        ('{"languages": {"en": "English", "es": "Español"}, "examples": [{"en": "Hi."}]}', "number 1"),
        ('{"languages": {"en": "English", "es": "Español"}, "examples": [{"en": "Hi.", "kn": "ನಮಸ್ತೆ."}]}', "number 1"),
        ('{"languages": {"en": "English", "es": "Español"}, "directions": {}}', "directions"),
        ('{"languages": {"en": "English", "es": "Español"}, "directions": ["en-es"]}', "directions.*number 1"),
        ('{"languages": {"en": "English"}, "directions": [{"source": "en", "target": "en"}]}', "directions.*number 1"),
        (
            '{"languages": {"en": "English"}, "directions": [{"source": ["en"], "target": "es"}]}',
            "directions.*number 1",
        ),
        (
            '{"languages": {"a": "A", "b": "B"}, "directions": [{"source": "a", "target": "b", "beam": 99}]}',
            "directions.*number 1",
        ),
    ],
)
def test_damaged_examples_are_named(links: Path, content: str, what: str) -> None:
    (links / "gemma-3-270m" / "translation.json").write_text(content, "utf-8")
    with pytest.raises(ModelNotInstalled, match=rf"translation\.json.*{what}"):
        made(links).load()


@pytest.mark.parametrize("name", ["model.bin", "config.json", "vocabulary.json", "tokenizer.json"])
def test_a_missing_or_damaged_file_is_named(links: Path, name: str) -> None:
    file = links / "gemma-3-270m" / name
    file.unlink()
    with pytest.raises(ModelNotInstalled, match=name):
        made(links).load()
    file.write_bytes(b"{rubbish")
    with pytest.raises(ModelNotInstalled, match=r"gemma-3-270m"):
        made(links).load()


def test_a_compute_type_that_cannot_be_had_names_those_that_can(models_dir: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"float3.*cpu.*float32"):
        made(models_dir, compute_type="float3").load()


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="maatu models pull"):
        made(tmp_path).load()
