"""Language codes of models, BCP-47 tags, and the scripts languages are written in."""

import unicodedata

import pytest
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from maatu_runtime.language import Language
from maatu_translate.engine.languages import flores_tags, match, script_of

NLLB = flores_tags(FAIRSEQ_LANGUAGE_CODES)


def test_every_code_of_nllb_has_a_tag_of_its_own() -> None:
    assert len(FAIRSEQ_LANGUAGE_CODES) == len(NLLB) == 202
    assert sorted(NLLB.values()) == sorted(FAIRSEQ_LANGUAGE_CODES)
    assert all(str(Language.parse(tag)) == tag for tag in NLLB)


@pytest.mark.parametrize(
    ("tag", "code"),
    [("kn", "kan_Knda"), ("en", "eng_Latn"), ("es", "spa_Latn"), ("ar", "arb_Arab"), ("fa", "pes_Arab"), ("ms", "zsm_Latn"),
     ("zh-Hans", "zho_Hans"), ("zh-Hant", "zho_Hant"), ("ks-Deva", "kas_Deva"), ("sat", "sat_Beng"), ("yue", "yue_Hant")],
)  # fmt: skip
def test_tags_are_what_people_call_the_languages(tag: str, code: str) -> None:
    assert NLLB[tag] == code


def test_a_script_is_in_the_tag_only_where_the_model_has_several() -> None:
    assert flores_tags(["snd_Arab", "kan_Knda"]) == {"sd": "snd_Arab", "kn": "kan_Knda"}
    assert flores_tags(["snd_Arab", "snd_Deva"]) == {"sd-Arab": "snd_Arab", "sd-Deva": "snd_Deva"}


def test_a_language_that_a_fine_tune_added_goes_by_its_code() -> None:
    tags = flores_tags(["tyv_Cyrl", "eng_Latn"])
    assert tags == {"tyv-Cyrl": "tyv_Cyrl", "en": "eng_Latn"}
    assert match(Language.parse("tyv-RU"), tags) == "tyv-Cyrl"
    assert script_of("tyv-Cyrl") == "CYRILLIC"


@pytest.mark.parametrize(
    ("asked", "tag"),
    [
        ("kn", "kn"), ("kn-IN", "kn"), ("kn-Knda-IN", "kn"), ("kan", "kn"), ("en-US", "en"), ("es-419", "es"),
        ("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"), ("zh-HK", "zh-Hant"), ("zh-Hans-TW", "zh-Hans"),
        ("cmn", "zh-Hans"), ("yue-HK", "yue"), ("sr-RS", "sr"), ("pa-PK", "pa"), ("pa-IN", "pa"), ("ks", "ks-Arab"),
        ("ks-Deva", "ks-Deva"), ("fa-AF", "prs"), ("fa-IR", "fa"), ("az-IR", "azb"), ("ku-IQ", "ckb"),
        ("iw", "he"), ("in-ID", "id"), ("no", "nb"), ("nb-NO", "nb"), ("nn", "nn"), ("fil-PH", "tl"), ("tl", "tl"), ("mo", "ro"),
    ],
)  # fmt: skip
def test_languages_find_their_tags(asked: str, tag: str) -> None:
    assert match(Language.parse(asked), NLLB) == tag


@pytest.mark.parametrize("asked", ["kn-Latn", "sr-Latn", "pa-Arab", "hi-Latn", "uz-Cyrl", "tlh", "xx"])
def test_a_language_or_script_that_a_model_lacks_has_no_tag(asked: str) -> None:
    assert match(Language.parse(asked), NLLB) is None


@pytest.mark.parametrize(
    ("asked", "tags", "tag"),
    [
        ("nb-NO", {"no"}, "no"), ("he", {"iw"}, "iw"), ("tl", {"fil"}, "fil"), ("id", {"in"}, "in"),
        ("zh-Hant", {"zh"}, "zh"), ("zh-TW", {"zh"}, "zh"), ("fa-AF", {"fa"}, "fa"), ("nn", {"no"}, None), ("en", set(), None),
        ("pt-PT", {"pt-BR", "pt-PT"}, "pt-PT"), ("pt-AO", {"pt-BR", "pt"}, "pt"), ("fr-CA", {"fr", "fr-CA"}, "fr-CA"),
    ],
)  # fmt: skip
def test_models_with_codes_of_their_own_are_found_too(asked: str, tags: set[str], tag: str | None) -> None:
    assert match(Language.parse(asked), tags) == tag


@pytest.mark.parametrize(
    ("tag", "text"),
    [
        ("kn", "ಮಾತು"), ("hi", "बात"), ("ks-Deva", "कथ"), ("en", "word"), ("ru", "речь"), ("ur", "بات"), ("sat", "ᱟᱲᱟᱝ"),
        ("mni-Mtei", "ꯋꯥ"), ("ta", "சொல்"), ("or", "କଥା"), ("zh-Hant", "話"), ("ko", "말"), ("el", "λόγος"),
        ("iw", "מילה"), ("am", "ቃል"), ("dv", "ބަސް"),
    ],
)  # fmt: skip
def test_scripts_are_named_as_unicode_names_their_letters(tag: str, text: str) -> None:
    assert {unicodedata.name(letter).split()[0] for letter in text if letter.isalpha()} == {script_of(tag)}


def test_every_tag_of_nllb_has_a_script_that_unicode_names() -> None:
    first_words = {unicodedata.name(chr(point), "").split(" ")[0] for point in range(0x80, 0xB000)} | {
        "LATIN",
        "HANGUL",
    }
    assert {script_of(tag) for tag in NLLB} <= first_words
