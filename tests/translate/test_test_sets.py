"""The public test sets of tests/data: big enough, clean, and unlike anything that a model is trained or tuned on."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TRAINING = ROOT / "tools" / "translation_adapter"
DATA, BENCH = ROOT / "tests" / "data", ROOT / "bench" / "data" / "translate"
SETS = {
    DATA / "translate_test_en_es.tsv": (("en", "es"), 100),
    DATA / "translate_test_es_en.tsv": (("es", "en"), 100),
    DATA / "translate_test_kn_en.tsv": (("kn", "en"), 50),
    BENCH / "context.tsv": (("source", "target", "previous", "previous_translation", "clause", "translation"), 20),
}
TAGS = {"en", "es"}
ZWNJ = "\u200c"
SCRIPTS = {"en": "LATIN", "es": "LATIN", "kn": "KANNADA"}


def rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]


def bare(text: str) -> str:
    """A sentence without case and punctuation. The vowel signs of Kannada are marks, and stay."""
    kept = (letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in text.casefold())
    return " ".join("".join(kept).split())


def sentences(path: Path) -> list[str]:
    return [bare(text) for row in rows(path)[1:] for text in row if text not in TAGS]


@pytest.mark.parametrize("path", SETS, ids=lambda path: path.stem)
def test_a_set_is_whole_and_clean(path: Path) -> None:
    columns, least = SETS[path]
    text = path.read_text(encoding="utf-8")
    assert unicodedata.is_normalized("NFC", text)
    assert {letter for letter in text if unicodedata.category(letter)[0] == "C"} <= {"\n", "\t", ZWNJ}
    head, *pairs = rows(path)
    assert tuple(head) == columns
    assert len(pairs) >= least
    for pair in pairs:
        assert len(pair) == len(columns)
        assert all(part == " ".join(part.split()) != "" for part in pair)


def test_no_sentence_is_there_twice() -> None:
    every = [sentence for path in SETS for sentence in sentences(path)]
    assert not {sentence for sentence in every if every.count(sentence) > 1}


def test_both_sides_end_alike() -> None:
    for path in list(SETS)[:3]:
        for source, target in rows(path)[1:]:
            assert source[-1] == target[-1], (source, target)


def test_sentences_are_written_in_the_letters_of_their_language() -> None:
    for path in list(SETS)[:3]:
        head, *pairs = rows(path)
        for tag, column in zip(head, zip(*pairs, strict=True), strict=True):
            names = {unicodedata.name(letter).split()[0] for text in column for letter in text if letter.isalpha()}
            assert names <= {SCRIPTS[tag], "FEMININE", "MASCULINE"}


def test_there_are_questions_clauses_and_sentences_short_and_long() -> None:
    for path, least in zip(list(SETS)[:3], (20, 20, 12), strict=True):
        sources = [row[0] for row in rows(path)[1:]]
        assert sum(source.endswith("?") for source in sources) >= least
        assert any(source.endswith(",") for source in sources)
        lengths = [len(source.split()) for source in sources]
        assert min(lengths) <= 4
        assert max(lengths) >= 10


def test_nothing_is_tuned_on() -> None:
    tuned_on = [DATA / "translate_es_en.tsv", *sorted(BENCH.glob("dev_*.tsv"))]
    assert len(tuned_on) > 1
    seen = {bare(text) for path in tuned_on for row in rows(path) for text in row}
    assert not seen & {sentence for path in SETS for sentence in sentences(path)}


def test_nothing_like_it_is_trained_on() -> None:
    overlap = [sys.executable, str(TRAINING / "overlap.py")]
    result = subprocess.run(overlap, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (0, "0 pairs overlap\n")


def test_a_variant_of_a_measured_sentence_is_found(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.tsv"
    english = rows(DATA / "translate_test_en_es.tsv")[1][0]
    pairs.write_text(f"{english.upper()}\tOtra cosa.\nNothing of the kind is measured.\tNada.\n", encoding="utf-8")
    overlap = [sys.executable, str(TRAINING / "overlap.py"), "--pairs", str(tmp_path)]
    result = subprocess.run(overlap, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "Otra cosa" in result.stdout
    assert result.stdout.endswith("1 pairs overlap\n")
    subprocess.run([*overlap, "--drop"], check=True, capture_output=True)
    assert pairs.read_text(encoding="utf-8") == "Nothing of the kind is measured.\tNada.\n"


def test_training_pairs_are_whole_clean_and_there_once() -> None:
    files = sorted((TRAINING / "pairs").glob("*.tsv"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    assert unicodedata.is_normalized("NFC", text)
    pairs = [row for path in files for row in rows(path)]
    assert len(pairs) > 5000
    assert all(len(pair) == 2 and all(part == " ".join(part.split()) != "" for part in pair) for pair in pairs)
    english = [bare(pair[0]) for pair in pairs]
    assert len({*english}) == len(english)
