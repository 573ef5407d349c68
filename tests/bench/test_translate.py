"""The pure parts of bench/translate.py: reading the sets, scoring, who asks for what, the merged figures."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from figures import Figure

ROOT = Path(__file__).resolve().parent.parent.parent
BENCHES = ("figures", "sections")


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    yield
    for name in [name for name in sys.modules if name in BENCHES or name.partition("_")[0] == "translate"]:
        del sys.modules[name]


def test_each_direction_has_sources_of_its_own_and_kannada_shares_a_set() -> None:
    from translate_sets import Pair, test_set

    into_spanish, into_english = test_set("en", "es"), test_set("es", "en")
    assert Pair("Where does it hurt?", "¿Dónde le duele?") in into_spanish
    assert Pair("Al arroz le falta sal.", "The rice needs salt.") in into_english
    assert {(a, b) for a, b in test_set("kn", "en")} == {(b, a) for a, b in test_set("en", "kn")}


@pytest.mark.parametrize("direction", [("en", "es"), ("es", "en")])
def test_latency_is_measured_on_enough_clauses_of_eight_words(direction: tuple[str, str]) -> None:
    from translate_sets import eight_words

    clauses = eight_words(*direction)
    assert len(clauses) >= 10
    assert {len(clause.split()) for clause in clauses} == {8}


def test_context_pairs_go_both_ways() -> None:
    from translate_sets import in_context

    assert {(row.source, row.target) for row in in_context()} == {("en", "es"), ("es", "en")}


def test_scores_count_what_the_guards_refused() -> None:
    from translate_client import Answer
    from translate_quality import scores
    from translate_sets import Pair

    pairs = [Pair("Hola, ¿qué tal?", "Hi, how are you?"), Pair("Tengo hambre.", "I am hungry.")]
    whole = Answer("Hi, how are you?", "m", 1, 1, False, ())
    kept = Answer("Tengo hambre.", "m", 1, 1, False, ("the model gave nothing",))
    chrf, _, refused = scores("es → en", [whole, kept], pairs, 70)
    assert 40 < chrf.value < 80
    assert (chrf.target, chrf.runs, refused.value, refused.met) == (">= 70", 2, 50, False)
    perfect = scores("es → en", [Answer(pair.reference, "m", 1, 1, False, ()) for pair in pairs], pairs, 70)
    assert [row.value for row in perfect] == pytest.approx([100, 100, 0])
    assert (perfect[0].met, perfect[2].met) == (True, True)


def test_clients_ask_for_different_texts_and_together_for_all() -> None:
    from translate_load import shares

    asked = shares("abcdef", clients=3, requests=2)
    assert asked == [["a", "d"], ["b", "e"], ["c", "f"]]
    assert shares("ab", clients=3, requests=1) == [["a"], ["b"], ["a"]]


def test_sources_of_fixed_length_are_all_different() -> None:
    from translate_nllb_side import SOURCE_TOKENS, words

    sentences = [tuple(words(number)) for number in range(8)]
    assert {len(sentence) for sentence in sentences} == {SOURCE_TOKENS}
    assert len(set(sentences)) == 8


def test_figures_of_sections_not_run_are_kept(tmp_path: Path) -> None:
    from figures import figure
    from sections import kept, named

    path = tmp_path / "translate.json"
    assert kept(path, ["load", "nllb"], ["load"]) == []
    names = [row.name for section in ("load", "nllb", "gone") for row in named(section, [figure("a: b", [1], "ms")])]
    path.write_text(json.dumps({"figures": [{"name": name, "value": 1, "unit": "ms"} for name in names]}))
    assert [row.name for row in kept(path, ["load", "nllb"], ["load"])] == ["nllb: a: b"]


def test_figures_are_not_written_for_a_quick_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sections
    from figures import figure

    limits = []

    def measure(limit: int | None) -> "list[Figure]":
        limits.append(limit)
        return [figure("a", [1.0], "ms")]

    published: list[list[str]] = []
    monkeypatch.setattr(sections, "BUILD", tmp_path)
    monkeypatch.setattr(sections, "publish", lambda _, rows: published.append([row.name for row in rows]))
    monkeypatch.setattr(sys, "argv", ["translate.py", "one", "--limit", "2"])
    sections.run("translate", None, {"one": measure, "two": measure})
    assert (limits, published) == ([2], [])
    monkeypatch.setattr(sys, "argv", ["translate.py"])
    sections.run("translate", None, {"one": measure, "two": measure})
    assert limits == [2, None, None]
    assert published == [["one: a"], ["one: a", "two: a"]]
    monkeypatch.setattr(sys, "argv", ["translate.py", "three"])
    with pytest.raises(SystemExit):
        sections.run("translate", None, {"one": measure})
    assert "no section three" in capsys.readouterr().err
