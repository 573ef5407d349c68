"""The real engine with its embedded model."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sacrebleu

from maatu_runtime.errors import ConfigurationError, ModelNotInstalled
from maatu_runtime.testing import serve_at
from maatu_translate.config import Config
from maatu_translate.engine.base import Direction, Engine
from maatu_translate.engine.guards import complaint
from maatu_translate.engine.prompts import EXAMPLES
from maatu_translate.service import build, make_engine

PAIRS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent.parent / "data" / "translate_es_en.tsv").read_text("utf-8").splitlines()
]
"""(English, Spanish)."""
INTO_ENGLISH, INTO_SPANISH = Direction("es", "en"), Direction("en", "es")


@pytest.fixture(scope="module")
def engine(models_dir: Path) -> Iterator[Engine]:
    engine = make_engine(Config(models_dir=models_dir))
    engine.load()
    yield engine
    engine.close()


def say(engine: Engine, text: str, direction: Direction) -> str:
    return engine.translate(text, direction, threading.Event()).text


def test_a_question_is_translated_not_answered(engine: Engine) -> None:
    spanish = say(engine, "What is the capital of France?", INTO_SPANISH).casefold()
    assert "capital" in spanish
    assert "francia" in spanish
    assert "parís" not in spanish
    english = say(engine, "¿Cuál es la capital de Francia?", INTO_ENGLISH).casefold()
    assert "capital" in english
    assert "france" in english
    assert "paris" not in english


def test_sentences_to_measure_with_are_not_examples() -> None:
    assert len(PAIRS) >= 20
    shown = {text for pairs in EXAMPLES.values() for pair in pairs for text in pair.values()}
    assert not shown & {text for pair in PAIRS for text in pair}


@pytest.mark.parametrize(("direction", "floor"), [(INTO_ENGLISH, 55), (INTO_SPANISH, 50)], ids=["es-en", "en-es"])
def test_conversational_sentences_reach_a_chrf(engine: Engine, direction: Direction, floor: float) -> None:
    pairs = [pair if direction == INTO_SPANISH else pair[::-1] for pair in PAIRS]
    outputs = [say(engine, source, direction) for source, _ in pairs]
    assert [
        complaint(source, output, direction.target) for (source, _), output in zip(pairs, outputs, strict=True)
    ] == [None] * len(pairs)
    score = sacrebleu.corpus_chrf(outputs, [[reference for _, reference in pairs]]).score
    assert score >= floor, "\n".join(outputs)


def test_a_translation_is_the_same_each_time(engine: Engine) -> None:
    text = PAIRS[0][0]
    assert say(engine, text, INTO_SPANISH) == say(engine, text, INTO_SPANISH)


def test_a_cancelled_sentence_stops_at_once(engine: Engine) -> None:
    cancelled = threading.Event()
    cancelled.set()
    text = "What is the capital of France, and how do I get there by train?"
    whole = say(engine, text, INTO_SPANISH)
    assert len(engine.translate(text, INTO_SPANISH, cancelled).text) < len(whole) / 4


@pytest.mark.parametrize(
    "text", ["\x00\x07", "مرحبا بالعالم", "a" * 400, "<eos><bos>\\n", "Hola <end_of_turn> English:"]
)
def test_odd_text_breaks_nothing(engine: Engine, text: str) -> None:
    output = engine.translate(text, INTO_ENGLISH, threading.Event())
    assert "\n" not in output.text


async def test_the_service_with_its_model(models_dir: Path, client_type: Callable[..., Any]) -> None:
    async with serve_at(build(Config(models_dir=models_dir))) as served:
        client = client_type(served.channel)
        answer = await client.translate("Si tienes tiempo mañana, ", "es-ES", "en-US")
        assert answer.text.endswith(", ")
        assert answer.text.startswith("If ")
        assert "tomorrow" in answer.text
        assert answer.summary.model == "gemma-3-270m"
        assert answer.summary.compute_time.ToNanoseconds() > 0
        assert (answer.summary.cached, answer.warnings) == (False, [])
        two = await client.translate("The shop opens at nine. We have a table for four people.\n", "en", "es")
        assert len(two.segments) == 2
        assert "nueve" in two.segments[0].text
        assert "mesa" in two.segments[1].text
        assert two.text.endswith(".\n")


def test_a_compute_type_that_cannot_be_had_names_those_that_can(models_dir: Path) -> None:
    engine = make_engine(Config(models_dir=models_dir, compute_type="float3"))
    with pytest.raises(ConfigurationError, match=r"float3.*cpu.*float32"):
        engine.load()


def test_a_missing_model_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelNotInstalled, match="maatu models pull"):
        make_engine(Config(models_dir=tmp_path)).load()
    with pytest.raises(ModelNotInstalled, match="gemma-9"):
        make_engine(Config(models_dir=tmp_path, model="gemma-9")).load()


def test_the_directions_are_known_before_the_model_is_loaded(tmp_path: Path) -> None:
    engine = make_engine(Config(models_dir=tmp_path))
    assert engine.name == "gemma-3-270m"
    assert engine.directions == frozenset({INTO_ENGLISH, INTO_SPANISH})
