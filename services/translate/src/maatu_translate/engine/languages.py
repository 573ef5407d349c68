"""Languages of translation models: their codes and the BCP-47 tags they go by here.

Tags are what the Unicode CLDR makes of a language: the shortest ISO 639 code, that of the macrolanguage where it stands for this
member (arb is "ar", zsm is "ms"). A tag has a script only where a model tells scripts of one language apart ("zh-Hans").
"""

from collections.abc import Collection, Iterable, Mapping

from maatu_runtime.language import Language

_FLORES: Mapping[str, str] = {
    "Arab": "ace acm acq aeb ajp apc arb:ar ars ary arz azb bjn ckb kas:ks knc:kr pbt:ps pes:fa prs snd:sd uig:ug urd:ur",
    "Armn": "hye:hy",
    "Beng": "asm:as ben:bn mni sat",
    "Cyrl": "bak:ba bel:be bul:bg kaz:kk khk:mn kir:ky mkd:mk rus:ru srp:sr tat:tt tgk:tg ukr:uk",
    "Deva": "awa bho brx doi gom:kok hin:hi hne kas:ks mag mai mar:mr npi:ne san:sa snd:sd",
    "Ethi": "amh:am tir:ti",
    "Geor": "kat:ka",
    "Grek": "ell:el",
    "Gujr": "guj:gu",
    "Guru": "pan:pa",
    "Hang": "kor:ko",
    "Hans": "zho:zh",
    "Hant": "yue zho:zh",
    "Hebr": "heb:he ydd:yi",
    "Jpan": "jpn:ja",
    "Khmr": "khm:km",
    "Knda": "kan:kn",
    "Laoo": "lao:lo",
    "Latn": (
        "ace afr:af aka:ak als:sq ast ayr:ay azj:az bam:bm ban bem bjn bos:bs bug cat:ca ceb ces:cs cjk crh cym:cy "
        "dan:da deu:de dik:din dyu eng:en epo:eo est:et eus:eu ewe:ee fao:fo fij:fj fin:fi fon fra:fr fur fuv:ff "
        "gaz:om gla:gd gle:ga glg:gl grn:gn hat:ht hau:ha hrv:hr hun:hu ibo:ig ilo ind:id isl:is ita:it jav:jv kab "
        "kac kam kbp kea kik:ki kin:rw kmb kmr:ku knc:kr kon:kg lij lim:li lin:ln lit:lt lmo ltg ltz:lb lua lug:lg "
        "luo lus lvs:lv min mlt:mt mos mri:mi nld:nl nno:nn nob:nb nso nus nya:ny oci:oc pag pap plt:mg pol:pl por:pt "
        "quy:qu ron:ro run:rn sag:sg scn slk:sk slv:sl smo:sm sna:sn som:so sot:st spa:es srd:sc ssw:ss sun:su swe:sv "
        "swh:sw szl taq tgl:tl tpi tsn:tn tso:ts tuk:tk tum tur:tr twi:tw umb uzn:uz vec vie:vi war wol:wo xho:xh "
        "yor:yo zsm:ms zul:zu"
    ),
    "Mlym": "mal:ml",
    "Mtei": "mni",
    "Mymr": "mya:my shn",
    "Olck": "sat",
    "Orya": "ory:or",
    "Sinh": "sin:si",
    "Taml": "tam:ta",
    "Telu": "tel:te",
    "Tfng": "taq tzm",
    "Thai": "tha:th",
    "Tibt": "bod:bo dzo:dz",
}
"""The languages of FLORES-200 that NLLB-200 and IndicTrans2 have, by script: the ISO 639-3 code in FLORES, and the tag if another.
NLLB Team, 2022, "No Language Left Behind", table 1; Gala et al., 2023, "IndicTrans2", table 1. Santali stands under two scripts
because NLLB-200 calls it sat_Beng, though it writes Ol Chiki."""

_OTHER_SCRIPTS: Mapping[str, str] = {
    "Cyrl": "ab ady alt av bua ce chm cv inh kbd krc kum kv lbe lez mdf mhr mrj myv nog os sah tyv udm",
    "Deva": "anp bgc gbm new",
    "Mong": "mnc",
    "Syrc": "syr",
    "Thaa": "dv",
}
"""Languages outside FLORES-200 that are not written in Latin letters."""

_USUAL_SCRIPTS: Mapping[str, str] = {
    "ace": "Latn", "bjn": "Latn", "kr": "Latn", "ks": "Arab", "mni": "Beng", "sat": "Olck", "sd": "Arab", "taq": "Latn",
    "zh": "Hans",
}  # fmt: skip
"""What a language is written in that has several scripts, where nothing is said (CLDR, likely subtags)."""

_SCRIPTS_OF_REGIONS: Mapping[tuple[str, str], str] = {
    ("az", "IQ"): "Arab", ("az", "IR"): "Arab", ("kk", "CN"): "Arab", ("ks", "IN"): "Arab", ("ku", "IQ"): "Arab",
    ("ku", "IR"): "Arab", ("ky", "CN"): "Arab", ("mn", "CN"): "Mong", ("pa", "IN"): "Guru", ("pa", "PK"): "Arab",
    ("sd", "IN"): "Deva", ("sd", "PK"): "Arab", ("sr", "BA"): "Cyrl", ("sr", "ME"): "Latn", ("sr", "RS"): "Cyrl",
    ("uz", "AF"): "Arab", ("zh", "CN"): "Hans", ("zh", "HK"): "Hant", ("zh", "MO"): "Hant", ("zh", "SG"): "Hans",
    ("zh", "TW"): "Hant",
}  # fmt: skip
"""What a language is written in somewhere (CLDR, likely subtags)."""

_VARIETIES: Mapping[tuple[str, str], str] = {
    ("az", "Arab"): "azb",
    ("az", "IR"): "azb",
    ("fa", "AF"): "prs",
    ("ku", "Arab"): "ckb",
    ("ku", "IQ"): "ckb",
}
"""Codes of their own for what others call a language in a region or script."""

_ALIASES: Mapping[str, str] = {
    "cmn": "zh", "fil": "tl", "in": "id", "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "no": "nb", "ns": "nso", "sh": "sr",
    "fas": "fa", "zho": "zh", "msa": "ms", "swa": "sw", "ara": "ar", "nor": "nb", "lav": "lv", "mon": "mn", "nep": "ne",
    "ori": "or", "sqi": "sq", "uzb": "uz", "aze": "az", "kur": "ku", "pus": "ps", "yid": "yi", "mlg": "mg", "orm": "om",
    "que": "qu", "ful": "ff", "aym": "ay", "kau": "kr",
}  # fmt: skip
"""Withdrawn codes, second codes, and three-letter codes of macrolanguages (ISO 639, CLDR's aliases)."""

_LETTERS: Mapping[str, str] = {
    "Arab": "ARABIC", "Armn": "ARMENIAN", "Beng": "BENGALI", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN", "Grek": "GREEK", "Gujr": "GUJARATI", "Guru": "GURMUKHI", "Hang": "HANGUL", "Hans": "CJK",
    "Hant": "CJK", "Hebr": "HEBREW", "Jpan": "CJK", "Khmr": "KHMER", "Knda": "KANNADA", "Kore": "HANGUL", "Laoo": "LAO",
    "Latn": "LATIN", "Mlym": "MALAYALAM", "Mong": "MONGOLIAN", "Mtei": "MEETEI", "Mymr": "MYANMAR", "Olck": "OL",
    "Orya": "ORIYA", "Sinh": "SINHALA", "Syrc": "SYRIAC", "Taml": "TAMIL", "Telu": "TELUGU", "Tfng": "TIFINAGH",
    "Thaa": "THAANA", "Thai": "THAI", "Tibt": "TIBETAN",
}  # fmt: skip
"""First word of the Unicode names of a script's letters."""


def _entries() -> Iterable[tuple[str, str, str]]:
    """ISO 639-3 code, tag and script of each language of FLORES-200."""
    for script, entries in _FLORES.items():
        for entry in entries.split():
            code, _, tag = entry.partition(":")
            yield code, tag or code, script


_TAGS: Mapping[str, str] = {code: tag for code, tag, _ in _entries()}
_SCRIPTS: Mapping[str, str] = {
    **{tag: script for _, tag, script in _entries()},
    **{tag: script for script, tags in _OTHER_SCRIPTS.items() for tag in tags.split()},
    **_USUAL_SCRIPTS,
}


def flores_tags(codes: Collection[str]) -> dict[str, str]:
    """The tags of a model's languages, each with the model's code: {"kn": "kan_Knda", "zh-Hant": "zho_Hant"}.

    Args:
        codes: In the manner of FLORES-200, ISO 639-3 and script. A language outside FLORES-200, as fine-tunes add, goes by its
            code and script: "tyv_Cyrl" is "tyv-Cyrl".
    """
    split = [(code, *code.split("_", 1)) for code in codes]
    languages = [language for _, language, _ in split]
    return {
        _TAGS[language]
        if language in _TAGS and languages.count(language) == 1
        else f"{_TAGS.get(language, language)}-{script}": code
        for code, language, script in split
    }


def match(language: Language, tags: Collection[str]) -> str | None:
    """Which of a model's tags is a language that somebody asks for; None if none is.

    A script that is asked for must be the tag's. One that only the region suggests (zh-TW, pa-PK) is preferred, as is the language
    of that very region (pt-BR) where the model tells regions apart; where it has neither, the language as the model writes it is
    the answer.
    """
    code = _canonical(language.code)
    candidates = {(_canonical(tag.split("-")[0]), tag.partition("-")[2]): tag for tag in tags}
    for detail in (language.script, language.region):
        if variety := candidates.get((_VARIETIES.get((code, detail), ""), "")):
            return variety
    if language.script:
        if (code, language.script) in candidates:
            return candidates[code, language.script]
        plain = candidates.get((code, ""))
        return plain if plain and script_of(plain) == _letters(language.script) else None
    regional, usual = _SCRIPTS_OF_REGIONS.get((code, language.region)), _SCRIPTS.get(code)
    for variant in (language.region, regional, "", usual):
        if variant is not None and (code, variant) in candidates:
            return candidates[code, variant]
    return min((tag for (other, _), tag in candidates.items() if other == code), default=None)


def script_of(tag: str) -> str:
    """The script of a tag, as Unicode names its letters, in one word: "KANNADA", "LATIN", "CJK" for Chinese and Japanese, "OL" for
    Ol Chiki."""
    language = Language.parse(tag)
    return _letters(language.script or _SCRIPTS.get(_canonical(language.code), "Latn"))


def _letters(script: str) -> str:
    return _LETTERS.get(script, script.upper())


def _canonical(code: str) -> str:
    code = _ALIASES.get(code, code)
    return _TAGS.get(code, code)
