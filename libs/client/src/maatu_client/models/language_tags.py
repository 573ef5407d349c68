"""From the language codes of checkpoints ("spa", "cmn_Hans", "pt_br") to BCP-47 tags ("es", "zh-Hans", "pt-BR")."""

import re
from collections.abc import Collection, Iterable

from maatu_runtime.errors import Unsupported

_CODE = re.compile(r"([a-z]{2,3})(?:[_-]([A-Z][a-z]{3}))?(?:[_-]([A-Za-z]{2}|[0-9]{3}))?")
_NO_LANGUAGE = {"und", "mis", "xx", "zxx"}
_SAME_LANGUAGE = """
    aar:aa abk:ab afr:af aka:ak amh:am ara:ar arg:an asm:as ava:av ave:ae aym:ay aze:az bak:ba bam:bm bel:be ben:bn bis:bi
    bod:bo bos:bs bre:br bul:bg cat:ca ces:cs cha:ch che:ce chu:cu chv:cv cor:kw cos:co cre:cr cym:cy dan:da deu:de div:dv
    dzo:dz ell:el eng:en epo:eo est:et eus:eu ewe:ee fao:fo fas:fa fij:fj fin:fi fra:fr fry:fy ful:ff gla:gd gle:ga glg:gl
    glv:gv grn:gn guj:gu hat:ht hau:ha heb:he her:hz hin:hi hmo:ho hrv:hr hun:hu hye:hy ibo:ig ido:io iii:ii iku:iu ile:ie
    ina:ia ind:id ipk:ik isl:is ita:it jav:jv jpn:ja kal:kl kan:kn kas:ks kat:ka kau:kr kaz:kk khm:km kik:ki kin:rw kir:ky
    kom:kv kon:kg kor:ko kua:kj kur:ku lao:lo lat:la lav:lv lim:li lin:ln lit:lt ltz:lb lub:lu lug:lg mah:mh mal:ml mar:mr
    mkd:mk mlg:mg mlt:mt mon:mn mri:mi msa:ms mya:my nau:na nav:nv nbl:nr nde:nd ndo:ng nep:ne nld:nl nno:nn nob:nb nor:no
    nya:ny oci:oc oji:oj ori:or orm:om oss:os pan:pa pli:pi pol:pl por:pt pus:ps que:qu roh:rm ron:ro run:rn rus:ru sag:sg
    san:sa sin:si slk:sk slv:sl sme:se smo:sm sna:sn snd:sd som:so sot:st spa:es sqi:sq srd:sc srp:sr ssw:ss sun:su swa:sw
    swe:sv tah:ty tam:ta tat:tt tel:te tgk:tg tgl:tl tha:th tir:ti ton:to tsn:tn tso:ts tuk:tk tur:tr twi:tw uig:ug ukr:uk
    urd:ur uzb:uz ven:ve vie:vi vol:vo wln:wa wol:wo xho:xh yid:yi yor:yo zha:za zho:zh zul:zu
    alb:sq arm:hy baq:eu bur:my chi:zh cze:cs dut:nl fre:fr geo:ka ger:de gre:el ice:is mac:mk mao:mi may:ms per:fa rum:ro
    slo:sk tib:bo wel:cy
    arb:ar azj:az cmn:zh ekk:et khk:mn kmr:ku lvs:lv npi:ne ory:or pes:fa plt:mg swh:sw uzn:uz ydd:yi zsm:ms
    iw:he in:id ji:yi jw:jv
"""
"""ISO 639-3 to ISO 639-1; then the bibliographic codes of ISO 639-2, the main language of a macrolanguage where models name that
one, and codes that ISO 639-1 has withdrawn."""
_OF_FLORES = {
    "als": "sq", "ayr": "ay", "dik": "din", "fuv": "ff", "gaz": "om", "knc": "kr", "pbt": "ps", "quy": "qu",
}  # fmt: skip
"""Members that FLORES-200, and so NLLB-200, has for their macrolanguages. Its codes have scripts; without one, als is Alemannic in
some Marian models."""
_OTHER_NAMES = {**_OF_FLORES, "fil": "tl", "no": "nb"}
"""What a language that a model does not have may be to it."""
_FAMILIES = """
    aav afa alg alv apa aqa aql art ath auf aus awd azc bad bai bat ber bih bnt btk cai cau cba ccn ccs cdc cdd cel cmc cpe cpf
    cpp crp csu cus day dmn dra egx esx euq fiu fox gem gme gmq gmw grk hmx hok hyx iir ijo inc ine ira iro itc jpx kar kdo khi
    kro map mkh mno mul mun myn nah nai ngf nic nub omq omv oto paa phi plf poz pqe pqw pra qwe roa sai sal sdv sem sgn sio sit
    sla smi son sqj ssa syd tai tbq trk tup tut tuw urj wak wen xgn xnd ypk zhx zle zls zlw znd
"""
"""ISO 639-5: families and groups of languages; and "mul", several languages."""
_TWO_LETTER_CODES = dict(pair.split(":") for pair in _SAME_LANGUAGE.split())
_GROUPS = frozenset(_FAMILIES.split())


def is_group(code: str) -> bool:
    """Whether a code stands for several languages: "itc", "mul", and names such as "ROMANCE"."""
    return code.lower() in _GROUPS or _parts(code) is None


def tags(codes: Iterable[str]) -> dict[str, str]:
    """BCP-47 tags of a model's languages.

    A tag has a script or region only where the model tells several of one language apart: "kan_Knda" alone is "kn", and
    "srp_Cyrl" beside "srp_Latn" is "sr-Cyrl". Codes that name no language are left out; of several that mean the same the first
    counts.

    Args:
        codes: As the model writes them.

    Returns:
        The code for each tag.
    """
    parts = {code: found for code in codes if (found := _parts(code))}
    # One code for each tag first, so that "pt_br" beside "pt_BR" are not taken for two kinds of Portuguese.
    distinct: dict[tuple[str, str, str], str] = {}
    for code, found in parts.items():
        distinct.setdefault(found, code)
    kinds: dict[str, int] = {}
    for language, *_ in distinct:
        kinds[language] = kinds.get(language, 0) + 1
    return {_joined(found if kinds[found[0]] > 1 else found[:1]): code for found, code in distinct.items()}


def named(codes: Iterable[str], served: Collection[str] | None = None) -> list[str]:
    """Tags of languages that a person named.

    Args:
        codes: As typed, in letters of any size: "es", "spa", "zh-Hant".
        served: The tags to choose from, where there is a choice: "es-MX" is then "es" if that is what is served, and "no" is "nb".

    Raises:
        Unsupported: one is no language code, or is not served.
    """
    chosen = []
    for code in codes:
        if (parts := _parts(_in_usual_case(code))) is None or code.lower() in _GROUPS:
            raise Unsupported(f'"{code}" is no code of a language: give one like "kn" or "zh-Hant"')
        tag = _joined(parts)
        if served is not None and tag not in served:
            tag = parts[0] if parts[0] in served else _OTHER_NAMES.get(parts[0], "")
            if tag not in served:
                raise Unsupported(f'the model does not have "{code}"; it has {", ".join(sorted(served))}')
        if tag not in chosen:
            chosen.append(tag)
    return chosen


def _joined(parts: Iterable[str]) -> str:
    return "-".join(part for part in parts if part)


def _in_usual_case(code: str) -> str:
    """A code as checkpoints write it: the language in small letters, the script with a capital."""
    language, *others = re.split("[_-]", code)
    return "-".join([language.lower(), *(part.capitalize() if len(part) == 4 else part for part in others)])


def _parts(code: str) -> tuple[str, str, str] | None:
    """Language, script and region of a code; None where it names no language."""
    match = _CODE.fullmatch(code)
    if match is None or match[1] in _NO_LANGUAGE:
        return None
    language, script, region = match.groups(default="")
    known = _OF_FLORES if script and language in _OF_FLORES else _TWO_LETTER_CODES
    return known.get(language, language), script, region.upper()
