"""The pure parts of bench/stt.py: noise of a level, cutting pauses, scoring, what counts as taken back, the merged figures."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RATE_HZ = 16_000


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    yield
    for name in [name for name in sys.modules if name in ("figures", "sections", "stt") or name.startswith("stt_")]:
        del sys.modules[name]


@pytest.fixture
def conditions() -> ModuleType:
    import stt_conditions

    return stt_conditions


def tone(seconds: float, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(np.arange(round(seconds * RATE_HZ)) * 2 * np.pi * 440 / RATE_HZ)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def test_trimming_leaves_the_speech_at_one_level(conditions: ModuleType) -> None:
    for amplitude in (0.01, 0.9):
        speech = conditions.trimmed(np.concatenate([silence(0.5), tone(1.0, amplitude), silence(0.7)]))
        assert len(speech) / RATE_HZ == pytest.approx(1.0, abs=0.05)
        assert conditions.voiced_rms(speech) == pytest.approx(conditions.LEVEL, rel=0.01)


@pytest.mark.parametrize(("name", "decibels"), [("NOISE_10", 10), ("NOISE_5", 5)])
def test_noise_has_its_ratio_to_the_voiced_part(conditions: ModuleType, name: str, decibels: int) -> None:
    # Half of it is a pause, which does not count.
    speech = conditions.trimmed(np.concatenate([tone(0.5), silence(1.0), tone(0.5)]))
    clean = conditions.in_condition(speech, conditions.Condition.CLEAN, "a")
    noisy = conditions.in_condition(speech, conditions.Condition[name], "a")
    assert len(noisy) == len(clean) == len(speech) + conditions.LEAD + conditions.TAIL
    noise_rms = np.sqrt(np.square(noisy - clean, dtype=np.float64).mean())
    ratio_db = 20 * np.log10(conditions.voiced_rms(speech) / noise_rms)
    assert ratio_db == pytest.approx(decibels, abs=0.05)
    assert np.abs(noisy[: conditions.LEAD]).max() > 0


def test_conditions_are_the_same_in_every_run_and_differ_between_utterances(conditions: ModuleType) -> None:
    speech = conditions.trimmed(tone(1.0))
    for condition in conditions.Condition:
        first = conditions.in_condition(speech, condition, "a")
        assert np.array_equal(first, conditions.in_condition(speech, condition, "a"))
    noisy = conditions.Condition.NOISE_5
    assert not np.array_equal(conditions.in_condition(speech, noisy, "a"), conditions.in_condition(speech, noisy, "b"))


def test_the_noise_falls_as_speech_does(conditions: ModuleType) -> None:
    power = np.square(np.abs(np.fft.rfft(conditions.speech_noise(RATE_HZ * 20, np.random.default_rng(1)))))
    band = {low: power[low * 20 : low * 40].mean() for low in (1_000, 2_000)}
    assert 10 * np.log10(band[1_000] / band[2_000]) == pytest.approx(9, abs=0.5)
    assert power[: 90 * 20].sum() < 1e-6 * power.sum()


def test_the_telephone_takes_away_what_is_above_4_khz(conditions: ModuleType) -> None:
    high = np.sin(np.arange(RATE_HZ) * 2 * np.pi * 6_000 / RATE_HZ).astype(np.float32) * 0.3
    heard = conditions.telephone(tone(1.0, 0.3) + high)
    spectrum = np.abs(np.fft.rfft(heard[:RATE_HZ]))
    assert len(heard) == pytest.approx(RATE_HZ, abs=32)
    assert spectrum[4_200:].max() < spectrum[440] / 50


def test_without_pauses_nothing_quiet_is_longer_than_asked(conditions: ModuleType) -> None:
    cut = conditions.tight(np.concatenate([tone(0.5), silence(0.6), tone(0.5), silence(0.04), tone(0.5)]))
    assert len(cut) / RATE_HZ == pytest.approx(1.5 + 0.08 + 0.04, abs=0.021)
    quiet = [len(run) for run in "".join("v" if v else "." for v in conditions.voiced_frames(cut)).split("v")]
    assert max(quiet) <= 4


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("I paid twelve dollars.", "i paid $12", 0),
        ("Set an alarm for seven thirty.", "Set an alarm for 7:30", 0),
        ("I don't think so.", "I do not think so", 0),
        ("He was not an ill-disposed young man,", "He was not an ill disposed young man", 0),
        ("Ten of clubs.", "10 of close", 1),
        ("Yes please.", "", 2),
        ("Yes please.", "Oh yes, please, please", 2),
    ],
)
def test_errors_are_counted_on_one_spelling(said: str, heard: str, wrong: int) -> None:
    from stt_score import errors

    assert errors(said, heard).wrong == wrong


@pytest.mark.parametrize(
    ("heard", "missing"),
    [
        ("Close the door. Turn off the lights. Good night.", 0),
        ("Close the door. Turn off the lights.", 2),
        ("Close the door.", 6),
        ("", 9),
        # What was misheard was heard.
        ("Close the door. Turn off the nights.", 2),
        ("Turn off the lights. Good night.", 0),
        ("Close the door. Turn off the lights. Good night. Good night.", 0),
    ],
)
def test_words_missing_at_the_end_are_counted(heard: str, missing: int) -> None:
    from stt_score import missing_at_the_end

    assert missing_at_the_end("Close the door. Turn off the lights. Good night.", heard) == missing


def test_errors_add_up_by_words_not_by_utterances() -> None:
    from stt_score import Errors, total

    assert total([Errors(2, 2), Errors(8, 0)]).rate == pytest.approx(20)
    assert total([]).rate == 0


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([(0, "ask not", "ask"), (0, "ask not what", "ask not"), (0, "ask not what", None)], 0),
        # Punctuation may join the last word; another word may not.
        ([(0, "go for it", "go for"), (0, "go for, it", None)], 0),
        ([(0, "go for it", "go for"), (0, "go forty", None)], 1),
        ([(0, "one two three", "one two three"), (0, "one too three", None)], 2),
        # Fewer words are committed than before.
        ([(0, "one two", "one two"), (0, "one two three", "one")], 1),
        # Stable text that is not the beginning of its own text.
        ([(0, "one too", "one two")], 1),
        # Each utterance has promises of its own.
        ([(0, "one", "one"), (1, "two", "two"), (0, "one", None), (1, "two", None)], 0),
        # A final is a promise too.
        ([(0, "one two", None), (0, "one", None)], 1),
    ],
)
def test_words_taken_back_are_counted(rows: list[tuple[int, str, str | None]], count: int) -> None:
    from stt_score import Shown, retracted_words

    shown = [Shown(index, text, text if stable is None else stable, stable is None) for index, text, stable in rows]
    assert retracted_words(shown) == count


def test_several_sentences_are_joined_with_a_pause_between_them() -> None:
    import stt_connected
    from stt_corpus import Utterance

    said = [Utterance(f"piper-{index}", "piper", f"Sentence {index}.", tone(1.0)) for index in range(7)]
    joined = stt_connected.connected(said)
    assert [one.text for one in joined] == [
        "Sentence 0. Sentence 1. Sentence 2.",
        "Sentence 3. Sentence 4. Sentence 5.",
    ]
    assert [one.seconds for one in joined] == pytest.approx([3 + 2 * stt_connected.PAUSE_S] * 2)
    assert len({one.name for one in joined}) == 2


def test_the_margin_table_is_markdown() -> None:
    from stt_margin import Row, markdown

    rows = [Row(model, margin, 1.234, 3, 10, 99.6, 150.0) for model in ("a", "b") for margin in ("5 s", "padded")]
    lines = markdown(rows).splitlines()
    assert len(lines) == 4
    assert lines[2] == "| 5 s | 1.23 % | 3 | 100 ms | 1.23 % | 3 | 100 ms |"
    assert {line.count("|") for line in lines} == {8}


def test_figures_of_sections_not_run_are_kept(tmp_path: Path) -> None:
    import stt
    from sections import kept

    assert kept(tmp_path / "stt.json", list(stt.SECTIONS), ["live"]) == []
    rows = [{"name": name, "value": 1, "unit": "ms"} for name in ("live: a", "audio: b: c", "gone: d")]
    (tmp_path / "stt.json").write_text(json.dumps({"figures": rows}))
    assert [row.name for row in kept(tmp_path / "stt.json", list(stt.SECTIONS), ["live"])] == ["audio: b: c"]


def test_the_sentences_are_many_and_all_different() -> None:
    sentences = (ROOT / "bench" / "data" / "stt" / "sentences.txt").read_text().splitlines()
    assert len(sentences) == len(set(sentences)) >= 100
    assert all(len(sentence) == len(sentence.strip()) > 0 for sentence in sentences)
