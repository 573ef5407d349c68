"""Language codes of checkpoints as BCP-47 tags."""

import pytest
from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from maatu_client.models.language_tags import is_group, named, tags
from maatu_runtime.errors import Unsupported
from maatu_translate.engine.languages import flores_tags


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["spa", "kan", "eng", "tcy"], ["es", "kn", "en", "tcy"]),
        (["ger", "deu", "de"], ["de"]),
        (["als_Latn", "knc_Arab", "knc_Latn", "quy_Latn"], ["sq", "kr-Arab", "kr-Latn", "qu"]),
        (["als", "sq", "quy", "que"], ["als", "sq", "quy", "qu"]),
        (["es", "es_419"], ["es", "es-419"]),
        (["cmn_Hant"], ["zh"]),
        (["cmn_Hans", "cmn_Hant"], ["zh-Hans", "zh-Hant"]),
        (["zh", "zh_Hant"], ["zh", "zh-Hant"]),
        (["srp_Cyrl", "srp_Latn", "kan_Knda"], ["sr-Cyrl", "sr-Latn", "kn"]),
        (["fr", "fr_BE", "pt_br", "pt_BR", "pt_PT"], ["fr", "fr-BE", "pt-BR", "pt-PT"]),
        (["ms", "ms_Arab_BN", "nan_Latn_TW"], ["ms", "ms-Arab-BN", "nan"]),
        (["translate", "Knda", "CA", "2", "", "zxx", "und", "en_xx_simple", "zxx_xx_dtynoise"], []),
    ],
)
def test_a_tag_says_no_more_than_tells_the_models_languages_apart(codes: list[str], expected: list[str]) -> None:
    assert list(tags(codes)) == expected


def test_the_first_of_several_codes_for_a_language_counts() -> None:
    assert tags(["pt_br", "pt_BR", "cmn", "zho"]) == {"pt": "pt_br", "zh": "cmn"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [("itc", True), ("mul", True), ("ROMANCE", True), ("ZH", True), ("", True), ("en", False), ("kan", False)],
)
def test_a_group_is_told_from_a_language(code: str, expected: bool) -> None:
    assert is_group(code) is expected


def test_languages_are_named_by_any_code() -> None:
    assert named(["spa", "es", "zh-Hant", "pt_br"]) == ["es", "zh-Hant", "pt-BR"]
    assert named(["es-MX", "kan", "zh-Hant"], ["es", "kn", "zh"]) == ["es", "kn", "zh"]
    assert named(["zh-Hant"], ["zh", "zh-Hant"]) == ["zh-Hant"]


def test_languages_are_named_in_letters_of_any_size() -> None:
    assert named(["EN", "ZH-HANT", "Pt_br", "es-419", "KAN"]) == ["en", "zh-Hant", "pt-BR", "es-419", "kn"]
    assert named(["EN", "es-419"], ["en", "es"]) == ["en", "es"]


def test_a_language_that_is_not_served_may_be_served_by_another_name() -> None:
    assert named(["no", "fil-PH", "als", "knc-Arab"], ["nb", "tl", "sq", "kr-Arab"]) == ["nb", "tl", "sq", "kr-Arab"]
    assert named(["no", "fil", "als"], ["no", "nb", "fil", "tl", "als", "sq"]) == ["no", "fil", "als"]


def test_what_the_service_serves_of_an_nllb_can_be_named() -> None:
    assert len(FAIRSEQ_LANGUAGE_CODES) == 202
    served = tags(FAIRSEQ_LANGUAGE_CODES)
    for tag, code in flores_tags(FAIRSEQ_LANGUAGE_CODES).items():
        (typed,) = named([tag])
        assert served[named([typed], served)[0]] == code


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("Kannada", "no code of a language"),
        ("itc", "no code of a language"),
        ("ITC", "no code of a language"),
        ("de", 'does not have "de"; it has es, kn'),
    ],
)
def test_what_is_no_language_or_not_served_is_refused(code: str, said: str) -> None:
    with pytest.raises(Unsupported, match=said):
        named([code], ["kn", "es"])
