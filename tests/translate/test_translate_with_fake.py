"""Translate over gRPC, with the fake engine: segments, cache, warnings, order, limits, failures."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, translate_pb2
from maatu_runtime.errors import CapacityExceeded, InvalidRequest, ModelFailed, Quota, RemoteDefect
from maatu_translate.engine.base import Direction, Output
from maatu_translate.engine.fake import FakeEngine

Serving = Callable[..., Any]


class Gate:
    """Holds a fake engine at work until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def wait(self, cancelled: threading.Event, delay_s: float) -> bool:
        assert self._open.wait(20), "nobody opened the gate"
        return False

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def held(gate: Gate) -> FakeEngine:
    """An engine whose sentences all wait for the gate."""
    return FakeEngine(delay_s=1, wait=gate.wait)


def waiting() -> float:
    return REGISTRY.get_sample_value("maatu_translate_waiting") or 0.0


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"maatu_translate_{name}", labels) or 0.0


async def test_segments_join_to_the_whole_with_fake(client: Any, fake: FakeEngine) -> None:
    text = "\n Hola.  ¿Qué tal?\n\n¡Bien! Son 3.50 euros.\t"
    answer = await client.translate(text)
    assert answer.source_text == text
    assert answer.text == "\n [en] Hola.  [en] ¿Qué tal?\n\n[en] ¡Bien! [en] Son 3.50 euros.\t"
    assert fake.seen == ["Hola.", "¿Qué tal?", "¡Bien!", "Son 3.50 euros."]
    assert len(answer.segments) == 4
    assert (answer.summary.model, answer.summary.cached, answer.warnings) == ("fake", False, [])


async def test_a_segment_comes_before_the_next_is_translated_with_fake(serving: Serving) -> None:
    turns = threading.Semaphore(1)

    def wait(cancelled: threading.Event, delay_s: float) -> bool:
        assert turns.acquire(timeout=20)
        return False

    async with serving(FakeEngine(delay_s=1, wait=wait)) as client:
        call = client.call("Uno. Dos.")
        assert (await call.read()).segment.text == "[en] Uno. "
        turns.release()
        assert (await call.read()).segment.text == "[en] Dos."
        assert (await call.read()).HasField("summary")


@pytest.mark.parametrize(("source", "target"), [("es", "es"), ("es-MX", "es-ES"), ("ta", "ta-IN"), ("EN", "en")])
async def test_the_same_language_is_given_back_with_fake(
    client: Any, fake: FakeEngine, source: str, target: str
) -> None:
    text = " Hola.  Adiós.\n"
    answer = await client.translate(text, source, target, model="identity")
    assert [(segment.text, segment.source_text) for segment in answer.segments] == [(text, text)]
    assert (answer.summary.model, answer.summary.cached, answer.warnings) == ("identity", False, [])
    assert answer.summary.compute_time.ToNanoseconds() == 0
    assert fake.seen == []


async def test_scripts_of_a_language_that_a_model_tells_apart_are_translated_with_fake(serving: Serving) -> None:
    directions = [("zh-Hans", "zh-Hant"), ("nb", "en"), ("sr-Cyrl", "en"), ("sr-Latn", "en")]
    engine = FakeEngine({"这是书。": Output("這是書。")}, directions=directions)
    async with serving(engine) as client:
        for source, target in [("zh-Hans", "zh-Hant"), ("zh-CN", "zh-TW"), ("zh", "zh-HK")]:
            assert (await client.translate("这是书。", source, target)).text == "這是書。"
        # Nobody serves these; or both go by one tag.
        for source, target in [("zh-TW", "zh-CN"), ("sr-Cyrl", "sr-Latn"), ("zh-CN", "zh-SG"), ("no", "nb")]:
            for model in ("", "fake", "identity"):
                answer = await client.translate("123 abc", source, target, model=model)
                assert (answer.text, answer.summary.model) == ("123 abc", "identity")
        assert isinstance(await client.refusal("这是书。", "zh", "zh", model="nobody"), InvalidRequest)
    assert engine.seen == ["这是书。"]


async def test_the_summary_tells_the_time_the_model_worked_with_fake(serving: Serving) -> None:
    engine = FakeEngine(delay_s=0.02)
    observed = count("sentence_seconds_count", source="es", target="en")
    characters = count("characters_total", source="es", target="en")
    async with serving(engine) as client:
        answer = await client.translate("Uno. Dos.")
    compute_s = answer.summary.compute_time.ToNanoseconds() / 1e9
    assert 0.04 <= engine.worked_s <= compute_s < engine.worked_s + 1
    assert count("sentence_seconds_count", source="es", target="en") == observed + 2
    assert count("characters_total", source="es", target="en") == characters + len("Uno.Dos.")


async def test_a_sentence_is_translated_once_with_fake(client: Any, fake: FakeEngine) -> None:
    hits, misses = count("cache_total", outcome="hit"), count("cache_total", outcome="miss")
    first = await client.translate("Hola. Adiós.")
    second = await client.translate(" Adiós.\nHola.", "es-MX", "en-GB")
    assert (first.summary.cached, second.summary.cached) == (False, True)
    assert second.text == " [en] Adiós.\n[en] Hola."
    assert second.summary.compute_time.ToNanoseconds() == 0
    third = await client.translate("Hola. Gracias.")
    assert not third.summary.cached
    assert fake.seen == ["Hola.", "Adiós.", "Gracias."]
    assert (count("cache_total", outcome="hit"), count("cache_total", outcome="miss")) == (hits + 3, misses + 3)


async def test_the_cache_knows_the_direction_with_fake(client: Any) -> None:
    assert (await client.translate("No.", "en", "es")).text == "[es] No."
    answer = await client.translate("No.", "es", "en")
    assert (answer.text, answer.summary.cached) == ("[en] No.", False)


async def test_the_cache_forgets_the_least_used_with_fake(serving: Serving) -> None:
    engine = FakeEngine()
    async with serving(engine, cache_entries=2) as client:
        for text in ("Uno.", "Dos.", "Uno.", "Tres.", "Uno.", "Dos."):
            await client.translate(text)
    assert engine.seen == ["Uno.", "Dos.", "Tres.", "Dos."]


async def test_no_cache_with_fake(serving: Serving) -> None:
    engine = FakeEngine()
    async with serving(engine, cache_entries=0) as client:
        for _ in range(2):
            assert not (await client.translate("Hola.")).summary.cached
    assert engine.seen == ["Hola.", "Hola."]


@pytest.mark.parametrize(
    ("direction", "output", "why"),
    [
        (Direction("es", "en"), "", "nothing"),
        (Direction("es", "en"), "...", "nothing"),
        (Direction("en", "kn"), "he is at home now", "not written in Kannada"),
        (Direction("es", "en"), "word " * 60, "many times longer"),
        (Direction("es", "en"), "ÉL ESTÁ AHORA en casa.", "the source itself"),
    ],
)
async def test_unusable_output_is_replaced_by_the_source_with_fake(
    serving: Serving, direction: Direction, output: str, why: str
) -> None:
    warned = count("warnings_total", type="source_text_kept")
    engine = FakeEngine({"Él está ahora en casa.": Output(output, truncated=True)})
    async with serving(engine) as client:
        for cached in (False, True):  # what the cache gives is judged too
            answer = await client.translate("¡Sí! Él está ahora en casa. ", *direction)
            assert answer.segments[1].text == "Él está ahora en casa. "
            assert ("SOURCE_TEXT_KEPT", 1) in answer.warnings
            assert ("TRUNCATED", 1) not in answer.warnings
            assert why in answer.summary.warnings[-1].message
            assert answer.summary.cached is cached
    assert count("warnings_total", type="source_text_kept") >= warned + 2


async def test_a_cut_translation_is_delivered_with_a_warning_with_fake(serving: Serving) -> None:
    async with serving(FakeEngine({"Adiós.": Output("Good", truncated=True)})) as client:
        answer = await client.translate("Hola. Adiós.")
    assert (answer.text, answer.warnings) == ("[en] Hola. Good", [("TRUNCATED", 1)])


async def test_kept_phrases_come_through_with_fake(serving: Serving) -> None:
    engine = FakeEngine(
        {
            "Me llamo Yolanda Pérez.": Output("My name is Yolande Peres."),
            "La clave es flor azul.": Output("The key is."),
        }
    )
    async with serving(engine) as client:
        answer = await client.translate(
            "Hola Ada. Me llamo Yolanda Pérez. La clave es flor azul.",
            keep_phrases=["Ada", "Yolanda Pérez", "flor azul", "", "Zoe"],
        )
        assert answer.text == "[en] Hola Ada. My name is Yolanda Pérez. The key is flor azul."
        assert answer.warnings == [("PHRASE_RESTORED", 1), ("PHRASE_RESTORED", 2)]
        assert '"Yolanda Pérez"' in answer.summary.warnings[0].message
        # The cache holds what the model said, not what was made of it for one caller.
        assert (await client.translate("La clave es flor azul.")).text == "The key is."


async def test_a_clause_keeps_its_ending_with_fake(serving: Serving) -> None:
    async with serving(FakeEngine({"Si llueve,": Output("If it rains.")})) as client:
        assert (await client.translate("Si llueve, ")).text == "If it rains, "


async def test_emoji_and_repeated_marks_are_no_work_for_the_model_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Hola": Output("Hello"), "Adiós!": Output("Goodbye!")})
    text = "Hola " + "😀" * 4_900 + " Adiós!" + "!" * 50
    async with serving(engine) as client:
        answer = await client.translate(text)
    assert (answer.text, answer.source_text) == (text.replace("Hola", "Hello").replace("Adiós", "Goodbye"), text)
    assert answer.warnings == []
    assert sorted(engine.seen) == ["Adiós!", "Hola"]


async def test_more_urgent_sentences_go_first_with_fake(
    serving: Serving, held: FakeEngine, gate: Gate, until: Any
) -> None:
    async with serving(held) as client, asyncio.TaskGroup() as tasks:
        tasks.create_task(client.translate("Ocupado."))
        await until(lambda: held.seen == ["Ocupado."])
        for number, (text, priority) in enumerate(
            [
                ("Lote.", common_pb2.PRIORITY_BATCH),
                ("Otro lote.", common_pb2.PRIORITY_BATCH),
                ("Normal.", common_pb2.PRIORITY_UNSPECIFIED),
                ("Primero.", common_pb2.PRIORITY_FIRST_CLAUSE),
            ],
            start=1,
        ):
            tasks.create_task(client.translate(text, priority=priority))
            await until(lambda number=number: waiting() == number)
        gate.open()
    assert held.seen == ["Ocupado.", "Primero.", "Normal.", "Lote.", "Otro lote."]


async def test_workers_translate_at_once_with_fake(serving: Serving, held: FakeEngine, gate: Gate, until: Any) -> None:
    async with serving(held, workers=2) as client, asyncio.TaskGroup() as tasks:
        for text in ("Uno.", "Dos."):
            tasks.create_task(client.translate(text))
        await until(lambda: len(held.seen) == 2)
        gate.open()


async def test_a_full_queue_is_refused_with_fake(serving: Serving, held: FakeEngine, gate: Gate, until: Any) -> None:
    async with serving(held, max_waiting=1) as client, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(client.translate("Uno."))
        await until(lambda: held.seen == ["Uno."])
        second = tasks.create_task(client.translate("Dos."))
        await until(lambda: waiting() == 1)
        error = await client.refusal("Tres.")
        assert isinstance(error, CapacityExceeded)
        assert error.quota == Quota("translate/sentences", 2)
        assert error.retry_after_s == 1.0
        assert (await client.translate("Igual.", "es", "es")).summary.model == "identity"  # needs no place
        gate.open()
        assert [(await first).text, (await second).text] == ["[en] Uno.", "[en] Dos."]
        assert (await client.translate("Tres.")).text == "[en] Tres."


async def test_a_cancelled_call_stops_the_engine_and_frees_its_place_with_fake(serving: Serving, until: Any) -> None:
    engine = FakeEngine(delay_s=60)
    async with serving(engine) as client:
        call = client.call("Hola. Adiós.")
        await until(lambda: engine.seen == ["Hola."])
        call.cancel()
        assert await call.code() is grpc.StatusCode.CANCELLED
        await until(lambda: engine.cancelled == ["Hola."])
        assert 0 < engine.worked_s < 10
        engine.delay_s = 0
        answer = await client.translate("Hola.")  # there is one place
        assert not answer.summary.cached  # what a stopped engine said is not remembered
    assert engine.seen == ["Hola.", "Hola."]


async def test_a_waiting_call_that_is_cancelled_leaves_the_queue_with_fake(
    serving: Serving, held: FakeEngine, gate: Gate, until: Any
) -> None:
    async with serving(held) as client:
        first = asyncio.create_task(client.translate("Uno."))
        await until(lambda: held.seen == ["Uno."])
        second = client.call("Dos.")
        await until(lambda: waiting() == 1)
        second.cancel()
        await until(lambda: waiting() == 0)
        gate.open()
        await first
        await client.translate("Tres.")
    assert held.seen == ["Uno.", "Tres."]


async def test_a_failed_model_is_named_and_may_be_tried_again_with_fake(client: Any, fake: FakeEngine) -> None:
    fake.error = ModelFailed("out of memory")
    error = await client.refusal("Hola.")
    assert isinstance(error, ModelFailed)
    assert (error.message, error.retry_after_s) == ("out of memory", 0.5)
    fake.error = None
    assert (await client.translate("Hola.")).text == "[en] Hola."


async def test_a_failure_after_the_first_segment_ends_the_answer_with_fake(serving: Serving) -> None:
    turns = threading.Semaphore(0)

    def wait(cancelled: threading.Event, delay_s: float) -> bool:
        assert turns.acquire(timeout=20)
        return False

    engine = FakeEngine(delay_s=1, wait=wait)
    async with serving(engine) as client:
        call = client.call("Uno. Dos.")
        turns.release()
        assert (await call.read()).segment.text == "[en] Uno. "
        engine.error = ModelFailed("broke")
        turns.release()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call.read()
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_a_defect_of_the_engine_is_internal_with_fake(client: Any, fake: FakeEngine) -> None:
    fake.error = ZeroDivisionError("secret")
    error = await client.refusal("Hola.")
    assert isinstance(error, RemoteDefect)
    assert error.code == "INTERNAL"
    assert "secret" not in str(error)
    fake.error = None
    assert (await client.translate("Hola.")).text == "[en] Hola."


async def test_numbers_in_the_digits_of_the_target_with_fake(serving: Serving) -> None:
    text = "It is 5:30, room AB-12."
    async with serving(FakeEngine({text: Output("ಈಗ 5:30, ಕೊಠಡಿ AB-12.")})) as client:
        same = await client.translate(text, "en", "kn", numerals=translate_pb2.NUMERALS_SOURCE)
        own = await client.translate(text, "en", "kn", numerals=translate_pb2.NUMERALS_TARGET)
    assert (same.text, own.text) == ("ಈಗ 5:30, ಕೊಠಡಿ AB-12.", "ಈಗ ೫:೩೦, ಕೊಠಡಿ AB-12.")


async def test_numbers_come_through_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Son 3.50 euros.": Output("It is three euros."), "A las 9:15.": Output("At 9:15.")})
    async with serving(engine) as client:
        answer = await client.translate("Son 3.50 euros. A las 9:15.")
    assert "3.50" in answer.text
    assert answer.warnings == [("PHRASE_RESTORED", 0)]


async def test_the_clause_before_is_shown_where_it_is_known_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Ella llegó.": Output("She came.")})
    async with serving(engine, use_context=True) as client:
        await client.translate("Luego se fue.", context="Nadie lo sabe.")
        await client.translate("Ella llegó. 😀")
        await client.translate("Luego se fue.", context="Ella llegó. 😀")
    assert [sentence.context for batch in engine.batches for sentence in batch] == [
        None,
        None,
        ("Ella llegó.", "She came."),
    ]
    async with serving(engine) as client:
        await client.translate("Ella llegó.")
        await client.translate("Luego se fue.", context="Ella llegó.")
    assert engine.batches[-1][0].context is None


async def test_the_sentences_of_a_text_share_batches_with_fake(serving: Serving) -> None:
    engine = FakeEngine()
    text = " ".join(f"Frase sobre {letter * 4}." for letter in "abcdefghijklmnopqrst")
    async with serving(engine) as client:
        answer = await client.translate(text)
    assert answer.source_text == text
    assert len(answer.segments) == 20
    assert max(len(batch) for batch in engine.batches) == 7  # the first goes at once, and eight are under way


async def test_what_lost_something_is_tried_again_with_more_care_with_fake(serving: Serving) -> None:
    class Careless(FakeEngine):
        def translate(self, sentences: Any, cancelled: Any) -> list[Output]:
            outputs = super().translate(sentences, cancelled)
            careful = {
                "Son 3.50.": Output("It is 3.50."),
                "No, gracias, señora Ruiz.": Output("No, thank you, Ms Ruiz."),
            }
            return [careful[s.text] if s.careful else o for s, o in zip(sentences, outputs, strict=True)]

    engine = Careless(
        {
            "Son 3.50.": Output("It is."),
            "No, gracias, señora Ruiz.": Output("no no no no no no no no no no no no no no"),
        }
    )
    async with serving(engine) as client:
        answer = await client.translate("Son 3.50. No, gracias, señora Ruiz. Hola.")
        assert answer.text == "It is 3.50. No, thank you, Ms Ruiz. [en] Hola."
        assert answer.warnings == []
        assert [sentence.text for batch in engine.batches for sentence in batch if sentence.careful] == [
            "Son 3.50.",
            "No, gracias, señora Ruiz.",
        ]
        again = await client.translate("Son 3.50.")
        assert (again.text, again.summary.cached) == ("It is 3.50.", True)


async def test_the_number_of_an_item_is_not_shown_to_the_model_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Boil water.": Output("ನೀರು ಕುದಿಸಿ."), "Add tea.": Output("ಚಹಾ ಹಾಕಿ.")})
    async with serving(engine) as client:
        answer = await client.translate("1. Boil water. 2. Add tea.", "en", "kn")
        native = await client.translate("1. Boil water.", "en", "kn", numerals=translate_pb2.NUMERALS_TARGET)
    assert (answer.text, answer.warnings) == ("1. ನೀರು ಕುದಿಸಿ. 2. ಚಹಾ ಹಾಕಿ.", [])
    assert native.text == "೧. ನೀರು ಕುದಿಸಿ."


async def test_a_large_number_in_words_that_is_lost_is_tried_again_in_digits_with_fake(serving: Serving) -> None:
    engine = FakeEngine(
        {
            "Cuesta tres mil euros.": Output("It costs three million euros."),
            "Cuesta 3000 euros.": Output("It costs 3 euros."),
            "Son cinco mil.": Output("It is five thousand."),
        }
    )
    async with serving(engine) as client:
        answer = await client.translate("Cuesta tres mil euros. Son cinco mil.")
    assert answer.text == "It costs 3000 euros. It is five thousand."
    assert answer.source_text == "Cuesta tres mil euros. Son cinco mil."
    asked = [(sentence.text, sentence.careful) for batch in engine.batches for sentence in batch]
    assert sorted(asked) == [
        ("Cuesta 3000 euros.", False),
        ("Cuesta tres mil euros.", False),
        ("Son cinco mil.", False),
    ]


async def test_a_phrase_of_number_words_is_kept_as_it_is_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Leí Dos Mil Uno.": Output("I read Two Million.")})
    async with serving(engine) as client:
        answer = await client.translate("Leí Dos Mil Uno.", keep_phrases=["Dos Mil Uno"])
    assert "Dos Mil Uno" in answer.text


async def test_what_was_cut_is_tried_again_and_each_alternative_judged_by_itself_with_fake(serving: Serving) -> None:
    """The alternatives of a careful search are cut or whole, each by itself."""

    careful = {
        "Adiós.": Output("Goo", truncated=True, alternatives=(Output("Goodbye."),)),
        "Son 3.": Output("They are.", alternatives=(Output("There are 3 of", truncated=True),)),
    }

    class Cut(FakeEngine):
        def translate(self, sentences: Any, cancelled: Any) -> list[Output]:
            super().translate(sentences, cancelled)
            return [careful[s.text] if s.careful else Output("Good", truncated=True) for s in sentences]

    async with serving(Cut()) as client:
        whole, cut = await client.translate("Adiós."), await client.translate("Son 3.")
    assert (whole.text, whole.warnings) == ("Goodbye.", [])
    # Both lost one thing: the number, or the end.
    assert (cut.text, cut.warnings) == ("They are 3.", [("PHRASE_RESTORED", 0)])


async def test_an_alternative_that_was_cut_is_delivered_with_a_warning_with_fake(serving: Serving) -> None:
    cut = Output("They are 3, 4, 5", truncated=True)
    engine = FakeEngine({"Son 3 y 4 y 5.": Output("They are.", alternatives=(cut,))})
    async with serving(engine) as client:
        answer = await client.translate("Son 3 y 4 y 5.")
    assert (answer.text, answer.warnings) == ("They are 3, 4, 5", [("TRUNCATED", 0)])


async def test_the_better_of_two_tries_is_delivered_with_fake(serving: Serving) -> None:
    engine = FakeEngine({"Son 3.50 y 4.20.": Output("It is 4.20.")})
    async with serving(engine) as client:
        answer = await client.translate("Son 3.50 y 4.20.")
    assert "3.50" in answer.text
    assert answer.warnings == [("PHRASE_RESTORED", 0)]
    assert [sentence.careful for batch in engine.batches for sentence in batch] == [False, True]
    async with serving(engine, second_attempt=False) as client:
        assert (await client.translate("Son 3.50 y 4.20.")).warnings == [("PHRASE_RESTORED", 0)]
    assert not engine.batches[-1][0].careful
    assert len(engine.batches) == 3
