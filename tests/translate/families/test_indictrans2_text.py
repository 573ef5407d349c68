"""What IndicTrans2 reads and what people read: placeholders, digits, scripts, punctuation."""

import json
import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from maatu_translate.engine.families import indictrans2, indictrans2_processor
from maatu_translate.engine.families.indictrans2_placeholders import Wrapped, mark, unwrap, wrap
from maatu_translate.engine.families.indictrans2_processor import Processor


@pytest.fixture(scope="module")
def processor() -> Processor:
    return Processor()


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("Write to asha.rao+bank@mail.example.co.in today.", ("asha.rao+bank@mail.example.co.in",)),
        ("See https://maatu.example.org/pay?id=7, or www.example.com.", ("https://maatu.example.org/pay?id=7", "www.example.com")),
        ("The site is example.org/help.", ("example.org/help",)),
        ("It leaves at 12:30, on 15/08/2024.", ("12:30", "15/08/2024")),
        ("It costs ₹1,250.75 and 18.5%.", ("1,250.75", "18.5%")),
        ("Ask @asha_rao about #ಕನ್ನಡ!", ("@asha_rao", "#ಕನ್ನಡ")),
        ("Call +91 98450 12345 or 080-2345-6789 now.", ("+91 98450 12345", "080-2345-6789")),
        ("The code is 482913, flight 6E-204.", ("482913",)),
        ("It was 12.50 and is 2.50, once 112.50.", ("12.50", "112.50")),
        ("From 12:30 to 13:30, not 12:30.", ("12:30", "13:30")),
        ("Send <ID1> to a@b.org.", ("<ID1>", "a@b.org")),
        ("Two of 25 people, 7:30, 2.5 and 50 percent.", ()),
        ("I was there. Then we left, e.g. by bus.", ()),
        ("", ()),
    ],
)  # fmt: skip
def test_entities_are_found_where_they_stand_in_the_order_of_the_text(text: str, entities: tuple[str, ...]) -> None:
    wrapped = wrap(text)
    assert wrapped.entities == entities
    assert unwrap(wrapped.text, entities) == text
    assert all(f"<ID{number + 1}>" in wrapped.text for number in range(len(entities)))


@pytest.mark.parametrize(
    "written",
    ["<ID1>", "< ID1 >", "< ID 1 >", "[ID1]", "[ id1 ]", "<ID1 ]", "<आईडी1>", "< आई . डी . 1 >", "<आयडी १>", "आईडी 1", "<آئی ڈی 1>",
     "<ꯑꯥꯏꯗꯤ1>", "<ᱟᱭᱰᱤ ᱾ 1>", "<ऐडि1>"],
)  # fmt: skip
def test_a_placeholder_comes_back_however_the_model_spells_it(processor: Processor, written: str) -> None:
    marked = mark(f"यह {written} है ।", ("a@b.org",))
    assert unwrap(processor.complete(marked, "kan_Knda"), ("a@b.org",)) == "ಯಹ a@b.org ಹೈ।"


@pytest.mark.parametrize("pattern", ["a-", "a.", "a@", "1 ", "1,", "<ID ", "[ ", "आई ", "http://."])
def test_a_long_text_made_to_be_slow_is_left_as_it_is(pattern: str) -> None:
    text = pattern * (20_000 // len(pattern))
    wrapped = wrap(text)
    assert unwrap(mark(wrapped.text, wrapped.entities), wrapped.entities) == text


def test_the_tenth_placeholder_is_not_the_first() -> None:
    entities = tuple(f"{number}.000" for number in range(10, 22))
    text = mark("< ID10 > < ID1 > आईडी 12", entities)
    assert unwrap(text, entities) == "19.000 10.000 21.000"


def test_a_placeholder_of_no_entity_is_dropped() -> None:
    assert mark("a <ID3> b [ID0]", ("x",)) == "a  b "
    assert mark("आईडी 7", ("x",)) == "आईडी 7"


@pytest.mark.parametrize(
    ("code", "text", "prepared"),
    [
        ("kan_Knda", "ಕನ್ನಡ ಭಾಷೆ, ಕೃಷ್ಣ", "कन्नड भाषॆ , कृष्ण"),
        ("tam_Taml", "நான் தமிழ் பேசுகிறேன்", "नाऩ् तमिऴ् पेचुकिऱेऩ्"),
        ("ben_Beng", "আমি বাংলা বলি", "आमि बांला बलि"),
        ("guj_Gujr", "હું ગુજરાતી", "हुं गुजराती"),
        ("ory_Orya", "ମୁଁ ଓଡ଼ିଆ", "मुँ ओड़िआ"),
        ("hin_Deva", "मैं हिन्दी।", "मैं हिन्दी ।"),
        ("urd_Arab", "میں اردو", "میں اردو"),
        ("sat_Olck", "ᱟᱞ", "ᱟᱞ"),
        ("mni_Mtei", "ꯑꯩ", "ꯑꯩ"),
        ("eng_Latn", "I don't, (do you)?", "I don 't , ( do you ) ?"),
    ],
)  # fmt: skip
def test_a_script_becomes_devanagari_and_comes_back(processor: Processor, code: str, text: str, prepared: str) -> None:
    assert processor.prepare(text, code) == prepared
    assert processor.complete(prepared, code) == text


@pytest.mark.parametrize(
    ("code", "written", "text"),
    [
        ("hin_Deva", "आप कैसे हैं ? ठीक । अच्छा !", "आप कैसे हैं? ठीक। अच्छा!"),
        ("ben_Beng", "आमि भालो ।", "আমি ভালো।"),
        ("kan_Knda", "हेगिद्दीरि ? ( चॆन्नागि ) ।", "ಹೇಗಿದ್ದೀರಿ? (ಚೆನ್ನಾಗಿ)।"),
        ("urd_Arab", "آپ کیسے ہیں ؟ ٹھیک ۔", "آپ کیسے ہیں؟ ٹھیک۔"),
        ("eng_Latn", 'She said : " yes " , really .', 'She said: "yes", really.'),
    ],
)
def test_punctuation_stands_as_people_write_it(processor: Processor, code: str, written: str, text: str) -> None:
    assert processor.complete(written, code) == text


@pytest.mark.parametrize("zero", "०০੦૦୦௦౦೦൦٠۰꯰᱐")
def test_digits_of_every_script_are_read(zero: str) -> None:
    digits = "".join(chr(ord(zero) + number) for number in range(10))
    assert indictrans2._plain(f"{digits}\u00a0{digits}") == "0123456789 0123456789"


def test_the_toolkit_is_loaded_without_torch_and_transformers() -> None:
    """In a process of its own, that has nothing loaded."""
    code = (
        "import json, sys; from maatu_translate.engine.families.indictrans2 import IndicTrans2;"
        "print(json.dumps(sorted(sys.modules)))"
    )
    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    ).stdout
    loaded = {name.partition(".")[0] for name in json.loads(output)}
    assert {"indicnlp", "sacremoses"} <= loaded
    assert not {"torch", "transformers", "sacrebleu"} & loaded


def test_a_missing_toolkit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indictrans2_processor, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError) as raised:
        indictrans2_processor._processor_class()
    assert raised.value.name == "indictranstoolkit"


def test_a_sentence_comes_through_whole(processor: Processor) -> None:
    """Prepared and completed in one language: what a model that copies would give. Only the toolkit takes out joiners."""
    lines = (Path(__file__).parents[2] / "data" / "translate_test_kn_en.tsv").read_text(encoding="utf-8").splitlines()
    sentences = [line.split("\t")[0] for line in islice(lines, 40) if not line.startswith("#")]
    assert len(sentences) > 30
    for sentence in sentences:
        wrapped: Wrapped = wrap(indictrans2._plain(sentence))
        prepared = processor.prepare(wrapped.text, "kan_Knda")
        completed = unwrap(processor.complete(mark(prepared, wrapped.entities), "kan_Knda"), wrapped.entities)
        assert completed == sentence.replace("\u200c", "").replace("\u200d", "")
