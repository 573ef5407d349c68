"""Whether the transcript at a pause reads complete: sentences of every language with rules, and what holds of all of them."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maatu_stt.engine.completeness import Completeness, completeness
from maatu_stt.engine.completeness.languages import RULES

COMPLETE, UNCERTAIN, CONTINUES = Completeness.COMPLETE, Completeness.UNCERTAIN, Completeness.CONTINUES
ENGLISH = [
    # Whole questions and statements.
    ("What is the capital of France?", COMPLETE),
    ("What is the capital of France", COMPLETE),
    ("Can you tell me about the ocean?", COMPLETE),
    ("Where is the station?", COMPLETE),
    ("How do I get to the airport from here?", COMPLETE),
    ("Do you have a room for tonight?", COMPLETE),
    ("I lost my credit card this morning.", COMPLETE),
    ("We are going to my grandmother's house.", COMPLETE),
    ("Turn off the lights in the kitchen.", COMPLETE),
    ("If it rains, we will stay at home.", COMPLETE),
    ("What do you want?", COMPLETE),
    # Answers and closing formulas.
    ("Yes.", COMPLETE),
    ("no", COMPLETE),
    ("Okay!", COMPLETE),
    ("Thank you.", COMPLETE),
    ("Hello", COMPLETE),
    ("Stop!", COMPLETE),
    ("Thank you so much.", COMPLETE),
    ("That was lovely, thank you very much.", COMPLETE),
    ("I don't know.", COMPLETE),
    ("Yes, I do.", COMPLETE),
    ("Two coffees, please.", COMPLETE),
    ("That would be great, thanks.", COMPLETE),
    ("I went home. Thank you.", COMPLETE),
    # Cut, and yet with a full stop.
    ("Can you tell me about the.", CONTINUES),
    ("I would like to.", CONTINUES),
    ("I want to go to the market and", CONTINUES),
    ("I stayed at home because.", CONTINUES),
    ("My.", CONTINUES),
    ("What is the weather in?", UNCERTAIN),
    ("I was thinking, um", CONTINUES),
    ("Could you please", UNCERTAIN),
    ("Do you?", CONTINUES),
    ("I don't know if I", CONTINUES),
    ("My neighbour's", CONTINUES),
    # Punctuation that goes on.
    ("Well,", CONTINUES),
    ("I was going to say—", CONTINUES),
    ("So I went there...", CONTINUES),
    ("I need three things:", CONTINUES),
    ("Wait…", CONTINUES),
    # Dictation.
    ("My number is five five five two", CONTINUES),
    ("555-2.", CONTINUES),
    ("Account number 12", CONTINUES),
    ("It's 0 4 4", CONTINUES),
    ("J O H", CONTINUES),
    ("J-O-H.", CONTINUES),
    ("My email is john@", CONTINUES),
    ("My phone number is 555 123 4567", UNCERTAIN),
    ("nine eight seven six five four three two one zero", UNCERTAIN),
    ("The pin is 1 2 3 4", UNCERTAIN),
    # Numbers that are no dictation.
    ("It is 5.", UNCERTAIN),
    ("I'll be there at eight.", UNCERTAIN),
    ("I am twenty five.", UNCERTAIN),
    ("On May 5 2024.", UNCERTAIN),
    # Nothing to tell by.
    ("", UNCERTAIN),
    ("...", UNCERTAIN),
    ("I want.", UNCERTAIN),
    ("The next.", UNCERTAIN),
    ("If you have time.", UNCERTAIN),
    ("What will the weather.", UNCERTAIN),
    ("The ocean.", UNCERTAIN),
]
SPANISH = [
    ("¿Dónde está la estación?", COMPLETE),
    ("¿Me puedes explicar cómo funciona esta máquina?", COMPLETE),
    ("Quiero reservar una mesa para cuatro personas.", COMPLETE),
    ("Sí.", COMPLETE),
    ("No, gracias.", COMPLETE),
    ("Un café con leche, por favor.", COMPLETE),
    ("Buenos días", COMPLETE),
    ("Quiero ir a.", CONTINUES),
    ("No puedo porque", CONTINUES),
    ("Me gustaría una", CONTINUES),
    ("¿Cuánto cuesta el?", CONTINUES),
    ("Pues, eh", CONTINUES),
    ("Mi número es seis cinco cinco", CONTINUES),
    ("Mi teléfono es 655 12", CONTINUES),
    ("Tengo tres hermanos y", CONTINUES),
    ("Son las ocho.", UNCERTAIN),
    ("Quiero.", UNCERTAIN),
    ("", UNCERTAIN),
]
KANNADA = [
    ("ನನಗೆ ಒಂದು ಕಾಫಿ ಬೇಕು", COMPLETE),
    ("ನಿಮ್ಮ ಹೆಸರು ಏನು", COMPLETE),
    ("ನಾನು ನಾಳೆ ಬೆಂಗಳೂರಿಗೆ ಹೋಗುತ್ತೇನೆ", COMPLETE),
    ("ನಾನು ನಾಳೆ ಬರ್ತೀನಿ", COMPLETE),
    ("ಬಸ್ ನಿಲ್ದಾಣ ಎಲ್ಲಿದೆ?", COMPLETE),
    ("ಅವರು ಮನೆಯಲ್ಲಿ ಇದ್ದಾರೆ.", COMPLETE),
    ("ನನಗೆ ಗೊತ್ತಿಲ್ಲ", COMPLETE),
    ("ದಯವಿಟ್ಟು ಇಲ್ಲಿ ಕುಳಿತುಕೊಳ್ಳಿ", COMPLETE),
    ("ಲೈಟ್ ಆಫ್ ಮಾಡಿ", COMPLETE),
    ("ನೀರು ಕೊಡಿ, ದಯವಿಟ್ಟು", COMPLETE),
    ("ನಾನು ಇಂದು ಕೆಲಸಕ್ಕೆ ಹೋಗುವುದಿಲ್ಲ", COMPLETE),
    ("ಹೌದು", COMPLETE),
    ("ಧನ್ಯವಾದಗಳು", COMPLETE),
    ("ನಾಳೆ ಸಿಗೋಣ", COMPLETE),
    ("ನಾನು ಮನೆಗೆ ಹೋಗಿ", CONTINUES),
    ("ನಾನು ಬೆಳಿಗ್ಗೆ ಎದ್ದು", CONTINUES),
    ("ಮಳೆ ಬಂದರೆ", CONTINUES),
    ("ನಾನು ಚಿಕ್ಕವನಾಗಿದ್ದಾಗ", CONTINUES),
    ("ಕಾಫಿ ಮತ್ತು", CONTINUES),
    ("ನನಗೆ ಬೇಕು ಆದರೆ", CONTINUES),
    ("ಬರಲ್ಲ ಯಾಕಂದ್ರೆ", CONTINUES),
    ("ಅದು, ಅಂದ್ರೆ", CONTINUES),
    ("ನಾನು ಪುಸ್ತಕವನ್ನು", CONTINUES),
    ("ದಯವಿಟ್ಟು", CONTINUES),
    ("ನನ್ನ ನಂಬರ್ ಒಂಬತ್ತು ಎಂಟು ನಾಲ್ಕು", CONTINUES),
    ("ಎರಡು", UNCERTAIN),
    ("ನನಗೆ ಒಂದು", CONTINUES),
    ("ಬೆಂಗಳೂರಿಗೆ", UNCERTAIN),
    ("ಯಾವಾಗ", UNCERTAIN),
    ("", UNCERTAIN),
]
HINDI = [
    ("मुझे पानी चाहिए", COMPLETE),
    ("आपका नाम क्या है", COMPLETE),
    ("मैं कल दिल्ली जाऊंगा।", COMPLETE),
    ("मैं ठीक हूँ", COMPLETE),
    ("दरवाज़ा बंद करो", COMPLETE),
    ("कृपया मुझे रास्ता बताइए", COMPLETE),
    ("हाँ", COMPLETE),
    ("धन्यवाद", COMPLETE),
    ("ठीक है", COMPLETE),
    ("मैं घर जाकर", CONTINUES),
    ("मुझे चाय और", CONTINUES),
    ("मैं नहीं आऊंगा क्योंकि", CONTINUES),
    ("उसने कहा कि", CONTINUES),
    ("मेरा", CONTINUES),
    ("मैं कल दिल्ली जा रहा", CONTINUES),
    ("वो, मतलब", CONTINUES),
    ("मेरा नंबर नौ आठ सात", CONTINUES),
    ("वह नहीं आ रहा", UNCERTAIN),
    ("दिल्ली में", UNCERTAIN),
    ("", UNCERTAIN),
]
OTHERS = {
    "ta": [
        ("எனக்கு ஒரு காபி வேண்டும்", COMPLETE),
        ("நான் நாளை வருகிறேன்", COMPLETE),
        ("ஆமாம்", COMPLETE),
        ("நான் வீட்டுக்கு போய்", CONTINUES),
        ("காபி மற்றும்", CONTINUES),
        ("மழை வந்தால்", CONTINUES),
        ("சென்னையில்", UNCERTAIN),
    ],
    "te": [
        ("నాకు ఒక కాఫీ కావాలి", COMPLETE),
        ("మీరు ఎక్కడ ఉన్నారు", COMPLETE),
        ("ధన్యవాదాలు", COMPLETE),
        ("నేను ఇంటికి వెళ్ళి", CONTINUES),
        ("నాకు ఇష్టం కానీ", CONTINUES),
        ("వర్షం వస్తే", CONTINUES),
        ("హైదరాబాద్", UNCERTAIN),
    ],
    "ml": [
        ("എനിക്ക് ഒരു കാപ്പി വേണം", COMPLETE),
        ("നിങ്ങളുടെ പേര് എന്താണ്", COMPLETE),
        ("നന്ദി", COMPLETE),
        ("മഴ വന്നാൽ", CONTINUES),
        ("ഞാൻ വീട്ടിൽ പോയിട്ട്", CONTINUES),
        ("ചായ അല്ലെങ്കിൽ", CONTINUES),
        ("കൊച്ചിയിൽ", UNCERTAIN),
    ],
    "mr": [
        ("मला पाणी पाहिजे", COMPLETE),
        ("तुम्ही उद्या येणार का", COMPLETE),
        ("हो", COMPLETE),
        ("मी घरी जाऊन", CONTINUES),
        ("मला चहा आणि", CONTINUES),
        ("मी येणार नाही कारण", CONTINUES),
        ("पुण्यात", UNCERTAIN),
    ],
    "bn": [
        ("আমি এক কাপ চা চাই", COMPLETE),
        ("আপনি কেমন আছেন?", COMPLETE),
        ("ধন্যবাদ", COMPLETE),
        ("আমি বাড়ি গিয়ে", CONTINUES),
        ("আমি চা এবং", CONTINUES),
        ("যদি", CONTINUES),
        ("কলকাতায়", UNCERTAIN),
    ],
    "gu": [
        ("મારે પાણી જોઈએ છે", COMPLETE),
        ("હું કાલે આવીશ", COMPLETE),
        ("આભાર", COMPLETE),
        ("હું ઘરે જઈને", CONTINUES),
        ("મને ચા અને", CONTINUES),
        ("કારણ કે", CONTINUES),
        ("અમદાવાદમાં", UNCERTAIN),
    ],
    "pa": [
        ("ਮੈਨੂੰ ਪਾਣੀ ਚਾਹੀਦਾ ਹੈ", COMPLETE),
        ("ਤੁਹਾਡਾ ਨਾਂ ਕੀ ਹੈ?", COMPLETE),
        ("ਧੰਨਵਾਦ", COMPLETE),
        ("ਮੈਂ ਘਰ ਜਾ ਕੇ", CONTINUES),
        ("ਮੈਨੂੰ ਚਾਹ ਅਤੇ", CONTINUES),
        ("ਮੈਂ ਕੱਲ੍ਹ ਜਾ ਰਿਹਾ", CONTINUES),
        ("ਅੰਮ੍ਰਿਤਸਰ", UNCERTAIN),
    ],
    "fr": [
        ("Je voudrais réserver une table pour ce soir.", COMPLETE),
        ("Où est la gare la plus proche ?", COMPLETE),
        ("Oui, merci.", COMPLETE),
        ("Je voudrais un.", CONTINUES),
        ("Je ne sais pas si", CONTINUES),
        ("C'est la maison de l'", CONTINUES),
        ("Je veux.", UNCERTAIN),
    ],
    "de": [
        ("Ich möchte einen Tisch für heute Abend reservieren.", COMPLETE),
        ("Ich habe heute zu viel gegessen", COMPLETE),
        ("Wo ist der nächste Bahnhof?", COMPLETE),
        ("Nein, danke.", COMPLETE),
        ("Ich möchte einen.", CONTINUES),
        ("Ich komme nicht, weil", CONTINUES),
        ("Ich möchte einen Tisch für vier Personen.", UNCERTAIN),
        ("Ich brauche.", UNCERTAIN),
    ],
    "pt": [
        ("Eu quero reservar uma mesa para hoje à noite.", COMPLETE),
        ("Onde fica a estação de metrô?", COMPLETE),
        ("Obrigado.", COMPLETE),
        ("Eu quero ir para.", CONTINUES),
        ("Não posso porque", CONTINUES),
        ("A minha", CONTINUES),
        ("Eu quero.", UNCERTAIN),
    ],
    "it": [
        ("Vorrei prenotare un tavolo per stasera.", COMPLETE),
        ("Dov'è la stazione dei treni?", COMPLETE),
        ("Sì, grazie.", COMPLETE),
        ("Vorrei un.", CONTINUES),
        ("Non posso venire ma", CONTINUES),
        ("La mia", CONTINUES),
        ("Voglio.", UNCERTAIN),
    ],
    "ja": [
        ("駅はどこですか？", COMPLETE),
        ("明日東京に行きます。", COMPLETE),
        ("はい", COMPLETE),
        ("私は", CONTINUES),
        ("明日東京に行って", CONTINUES),
        ("えっと", CONTINUES),
        ("東京", UNCERTAIN),
    ],
    "zh": [
        ("你是中国人吗？", COMPLETE),
        ("谢谢", COMPLETE),
        ("我今天不去，因为", CONTINUES),
        ("我的", CONTINUES),
        ("北京", UNCERTAIN),
    ],
    "ko": [
        ("역이 어디에 있습니까?", COMPLETE),
        ("내일 서울에 가요", COMPLETE),
        ("감사합니다", COMPLETE),
        ("저는", CONTINUES),
        ("비가 오지만", CONTINUES),
        ("서울", UNCERTAIN),
    ],
    # No rules: what shows in any script.
    "sw": [
        ("Ninataka kahawa, ", CONTINUES),
        ("Nambari yangu ni 071 55", CONTINUES),
        ("Asante sana.", UNCERTAIN),
    ],
}
TABLE = [
    (language, text, expected)
    for language, rows in {"en-US": ENGLISH, "es-ES": SPANISH, "kn-IN": KANNADA, "hi-IN": HINDI, **OTHERS}.items()
    for text, expected in rows
]
LANGUAGES = sorted(RULES)
# Before the last word: so short that no clause is whole by it, and so long that one may be.
CARRIERS = {
    "en": ("", "I think it is very good for all of us and"),
    "es": ("", "creo que es muy bueno para todos nosotros"),
    "fr": ("", "je pense que c'est une bonne idée"),
    "de": ("", "ich glaube das ist eine gute Idee"),
    "pt": ("", "acho que é uma boa ideia para nós"),
    "it": ("", "credo che sia una buona idea per noi"),
}


@pytest.mark.parametrize(("language", "text", "expected"), TABLE)
def test_how_a_transcript_reads(language: str, text: str, expected: Completeness) -> None:
    assert completeness(text, language) is expected


@pytest.mark.parametrize(("language", "text", "expected"), [row for row in TABLE if row[2] is CONTINUES])
def test_neither_case_nor_a_full_stop_makes_what_goes_on_complete(
    language: str, text: str, expected: Completeness
) -> None:
    for same in (text + ".", text + "?", text + "!", text + " ।", text.upper(), text.title(), text.lower() + "."):
        assert completeness(same, language) is not COMPLETE


@pytest.mark.parametrize(("language", "text", "expected"), TABLE)
def test_the_unicode_form_does_not_matter(language: str, text: str, expected: Completeness) -> None:
    for form in ("NFC", "NFD"):
        assert completeness(unicodedata.normalize(form, text), language) is expected


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_trailing_word_never_ends_a_complete_utterance(language: str) -> None:
    rules = RULES[language]
    for word in rules.trailing:
        for carrier in CARRIERS.get(language, ("",)):
            for mark in ("", ".", "?", "!"):
                assert completeness(f"{carrier} {word}{mark}", language) is not COMPLETE, word


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_complete_in_any_case_with_any_closing_mark(language: str) -> None:
    for answer in RULES[language].answers:
        for text in (answer, answer.upper(), f"{answer}.", f"{answer}!"):
            assert completeness(text, language) is COMPLETE, text


@pytest.mark.parametrize("mark", [",", ", ", "-", " —", "...", "…", ":", ";", "、", "، "])
def test_a_mark_that_goes_on_decides_in_every_language(mark: str) -> None:
    for language in [*LANGUAGES, "xx"]:
        assert completeness(f"abc{mark}", language) is CONTINUES


def test_the_language_may_be_a_tag_or_a_code() -> None:
    for tag in ("kn", "kn-IN", "KN", "kn_IN"):
        assert completeness("ನನಗೆ ಕಾಫಿ ಬೇಕು", tag) is COMPLETE
    assert completeness("ನನಗೆ ಕಾಫಿ ಬೇಕು", "xx-Latn") is UNCERTAIN


def test_only_the_last_sentence_counts() -> None:
    assert completeness("What is the capital of France? And the", "en") is CONTINUES
    assert completeness("Can you tell me. About the ocean.", "en") is UNCERTAIN
    assert completeness("word " * 10_000 + "and", "en") is CONTINUES


def test_old_and_new_spellings_are_one_word() -> None:
    assert completeness("मैं ठीक हूं", "hi") is completeness("मैं ठीक हूँ", "hi") is COMPLETE
    assert completeness("दरवाजा बंद करो", "hi") is completeness("दरवाज़ा बंद करो", "hi") is COMPLETE
    # A chillu letter, and the consonant with virama and joiner that stood for it before Unicode 5.1.
    assert completeness("ഞാ\u0d7b", "ml") is completeness("ഞാ\u0d28\u0d4d\u200d", "ml") is CONTINUES
    assert completeness("I don’t know", "en") is completeness("I don't know", "en") is COMPLETE


@given(text=st.text(max_size=80), language=st.sampled_from([*LANGUAGES, "xx", ""]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_every_text_is_judged(text: str, language: str) -> None:
    verdict = completeness(text, language)
    assert isinstance(verdict, Completeness)
    assert completeness(text, language) is verdict
    if not any(character.isalnum() for character in text):
        assert verdict is not COMPLETE
