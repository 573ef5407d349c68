"""Numbers in the digits of the target language's script."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from maatu_translate.entities import find
from maatu_translate.numerals import to_native
from maatu_translate.spelled import ascii_digits


@pytest.mark.parametrize(
    ("target", "digits"),
    [
        ("kn", "೦೧೨೩೪೫೬೭೮೯"), ("hi", "०१२३४५६७८९"), ("mr", "०१२३४५६७८९"), ("ne", "०१२३४५६७८९"), ("bn", "০১২৩৪৫৬৭৮৯"),
        ("as", "০১২৩৪৫৬৭৮৯"), ("ta", "௦௧௨௩௪௫௬௭௮௯"), ("te", "౦౧౨౩౪౫౬౭౮౯"), ("ml", "൦൧൨൩൪൫൬൭൮൯"), ("gu", "૦૧૨૩૪૫૬૭૮૯"),
        ("pa", "੦੧੨੩੪੫੬੭੮੯"), ("pa-Arab", "۰۱۲۳۴۵۶۷۸۹"), ("or", "୦୧୨୩୪୫୬୭୮୯"), ("ar", "٠١٢٣٤٥٦٧٨٩"), ("fa", "۰۱۲۳۴۵۶۷۸۹"),
        ("ur", "۰۱۲۳۴۵۶۷۸۹"), ("my", "၀၁၂၃၄၅၆၇၈၉"), ("th", "๐๑๒๓๔๕๖๗๘๙"), ("km", "០១២៣៤៥៦៧៨៩"), ("lo", "໐໑໒໓໔໕໖໗໘໙"),
        ("bo", "༠༡༢༣༤༥༦༧༨༩"), ("en", "0123456789"), ("es", "0123456789"), ("zh-Hans", "0123456789"), ("ru", "0123456789"),
        ("si", "0123456789"), ("zz", "0123456789"),
    ],
)  # fmt: skip
def test_digits_of(target: str, digits: str) -> None:
    assert to_native("0123456789", target) == digits
    assert ascii_digits(digits) == "0123456789"


@pytest.mark.parametrize(
    ("text", "native"),
    [
        ("ಬೆಲೆ ₹1,00,000.50.", "ಬೆಲೆ ₹೧,೦೦,೦೦೦.೫೦."),
        ("3:30ಕ್ಕೆ 50% ೨ ३", "೩:೩೦ಕ್ಕೆ ೫೦% ೨ ೩"),
        ("AB-12 ಮತ್ತು 5", "AB-12 ಮತ್ತು ೫"),
        ("https://a.example/1?b=2 x1@example.org @a1 #b2 3", "https://a.example/1?b=2 x1@example.org @a1 #b2 ೩"),
        ("Studio 54 ಗೆ 54", "Studio 54 ಗೆ ೫೪"),
        ("12/05/2026", "೧೨/೦೫/೨೦೨೬"),
        ("", ""),
    ],
)
def test_numbers_are_written_in_kannada(text: str, native: str) -> None:
    assert to_native(text, "kn", find("Studio 54", ["Studio 54"])) == native


@example("0.0A0", "kn")
@given(st.text("0123456789 .,:/-%ಕ್ನA@#"), st.sampled_from(["kn", "hi", "ar", "fa", "th", "my"]))
def test_digits_there_and_back(text: str, target: str) -> None:
    native = to_native(text, target)
    assert ascii_digits(native) == text
    assert len(native) == len(text)
    assert to_native(native, "en") in (text, ascii_digits(native))


@pytest.mark.parametrize("one", ["1", "1.", "a1", "1@", "@1", "೫", "👍1 "])
def test_long_texts_of_one_thing(one: str) -> None:
    text = one * (20_000 // len(one))
    assert len(to_native(text, "kn")) == len(text)
