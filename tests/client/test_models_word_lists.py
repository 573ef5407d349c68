"""Which word list each language has, and that the package has them all."""

import zipfile
from pathlib import Path

import pytest

from maatu_client.models.trim import read_words
from maatu_client.models.wheels import WheelCache
from maatu_client.models.word_lists import ENTRIES_PER_LANGUAGE, WORDFREQ, trim_to, unpack, word_list
from maatu_runtime.models import sha256_of

LISTED = """
    ar bg bn bs ca cs da de el en es fa fi fil fr he hi hr hu id is it ja ko lt lv mk ms nb nl pl pt ro ru sk sl sv ta tr uk ur vi
    zh
"""


@pytest.fixture(scope="module")
def wheels(models_dir: Path) -> WheelCache:
    """The packages that `make models` got."""
    return WheelCache(models_dir.parent / "wheels")


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        ("en", "large_en"),
        ("hi", "small_hi"),
        ("es-MX", "large_es"),
        ("tl", "small_fil"),
        ("hr", "small_sh"),
        ("no", "large_nb"),
        ("zh", "large_zh"),
        ("zh-Hans", "large_zh"),
    ],
)
def test_a_language_has_the_largest_list_there_is(tag: str, name: str) -> None:
    member = word_list(tag)
    assert member is not None
    assert member.path == f"wordfreq/data/{name}.msgpack.gz"


@pytest.mark.parametrize("tag", ["kn", "te", "sr", "sr-Cyrl", "zh-Hant", "hi-Latn", "yue"])
def test_a_language_or_a_script_without_a_list_has_none(tag: str) -> None:
    assert word_list(tag) is None


def test_the_package_has_every_list_that_is_named(wheels: WheelCache) -> None:
    path = wheels.directory / WORDFREQ.filename
    assert sha256_of(path) == WORDFREQ.sha256
    members = {member.path for tag in LISTED.split() if (member := word_list(tag))}
    assert members <= set(zipfile.ZipFile(path).namelist())
    assert len(members) == len(LISTED.split()) - 1  # Bosnian and Croatian share one


def test_lists_are_unpacked_for_the_languages_that_have_one(wheels: WheelCache, tmp_path: Path) -> None:
    trim = trim_to(["kn", "hi", "en"])
    assert trim.size == 3 * ENTRIES_PER_LANGUAGE
    assert str(trim) == (
        "vocabulary trimmed to 98304 entries for hi, en by the word lists of wordfreq==3.1.1 (code Apache-2.0, data CC-BY-SA-4.0)"
        " and for kn by script"
    )
    vocabulary = unpack(trim, wheels, tmp_path)
    assert list(vocabulary.word_lists) == ["hi", "en"]
    assert next(read_words(vocabulary.word_lists["en"]))[0] == "the"
    assert "में" in [word for word, _ in read_words(vocabulary.word_lists["hi"])][:20]


def test_languages_without_lists_need_no_package() -> None:
    trim = trim_to(["kn", "te"], 9_000)
    assert trim.wheels == []
    assert str(trim) == "vocabulary trimmed to 9000 entries for kn, te by script"
