"""What is found in a text that survives its translation."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.entities import Kind, find, locate, without


def found(text: str, *phrases: str) -> list[tuple[str, str]]:
    return [(entity.kind.value, entity.text) for entity in find(text, phrases)]


@pytest.mark.parametrize(
    ("text", "entities"),
    [
        ("1,000.50 or 1.000,50", [("number", "1,000.50"), ("number", "1.000,50")]),
        ("3/4, ½, 1½ and 12-15", [("number", "3/4"), ("number", "½"), ("number", "1½"), ("number", "12-15")]),
        ("1914–1918.", [("number", "1914–1918")]),
        ("it is -5, not 10-5 or +3", [("number", "-5"), ("number", "10-5"), ("number", "+3")]),
        ("the 3rd, 2.ª, 1er and 21st", [("number", "3"), ("number", "2"), ("number", "1"), ("number", "21")]),
        (
            "1,00,000 ೧,೦೦,೦೦೦ १२ ١٢٣",
            [("number", "1,00,000"), ("number", "೧,೦೦,೦೦೦"), ("number", "१२"), ("number", "١٢٣")],
        ),
        ("1 299,99 and 12 345 people", [("number", "1 299,99"), ("number", "12 345")]),
        ("1 000 000 €, 1 000-2 000", [("currency", "1 000 000 €"), ("number", "1 000-2 000")]),
        (
            "3 400 5678, 12 3456, 3 20",
            [("phone", "3 400 5678"), *(("number", one) for one in ("12", "3456", "3", "20"))],
        ),
        ("1 000,50.25 and 12 345,346,347", [("number", "1 000,50.25"), ("number", "12 345,346,347")]),
        ("2:1, 16:9, 1:1000 and 5:3-10", [("number", one) for one in ("2:1", "16:9", "1:1000", "5:3-10")]),
        ("192.168.1.1:8080 at 10:30:45.123", [("number", "192.168.1.1:8080"), ("number", "10:30:45.123")]),
        ("10:30-11:30, 10:30-11", [("time", "10:30"), ("time", "11:30"), ("time", "10:30"), ("number", "11")]),
        ("20°-25°", [("number", "20"), ("number", "25")]),
        ("5kg, 10KM, 1990s, 90s", [("number", "5"), ("number", "10"), ("number", "1990"), ("number", "90")]),
        ("3:30, 15.30 h, 15h30, 7 p.m., 7pm", [("time", one) for one in ("3:30", "15.30", "15h30", "7", "7")]),
        ("12:30:45 at 3.30 p.m.", [("time", "12:30:45"), ("time", "3.30")]),
        ("೫:೩೦ಕ್ಕೆ", [("time", "೫:೩೦")]),
        ("€25, 25 €, 25€, $3.50", [("currency", one) for one in ("€25", "25 €", "25€", "$3.50")]),
        ("₹1,00,000, Rs. 500, Rs 5, INR 20", [("currency", one) for one in ("₹1,00,000", "Rs. 500", "Rs 5", "INR 20")]),
        ("US$5 and 20 USD", [("currency", "US$5"), ("currency", "20 USD")]),
        ("Rs.1,25,000, Rs500", [("currency", "Rs.1,25,000"), ("currency", "Rs500")]),
        ("USD1,000, EUR1.299,99", [("currency", "USD1,000"), ("currency", "EUR1.299,99")]),
        ("20%-30%, 10€-20€", [("percent", "20%"), ("percent", "30%"), ("currency", "10€"), ("currency", "20€")]),
        ("50%, 3,5 %, -2%, 60-70%", [("percent", one) for one in ("50%", "3,5 %", "-2%", "60-70%")]),
        ("on 12/05/2026, 2026-02-14 and 1.2.26", [("date", one) for one in ("12/05/2026", "2026-02-14", "1.2.26")]),
        ("+34 612 345 678, 555-0143", [("phone", "+34 612 345 678"), ("phone", "555-0143")]),
        ("(020) 7946 0018", [("phone", "(020) 7946 0018")]),
        ("in 2019 300 people", [("number", "2019"), ("number", "300")]),
        (
            "AB-12, B2B, mp3, 5G, 4K, COVID-19",
            [("code", one) for one in ("AB-12", "B2B", "mp3", "5G", "4K", "COVID-19")],
        ),
        ("KA-05-MN-1234 OTOÑO25 v2.0", [("code", "KA-05-MN-1234"), ("code", "OTOÑO25"), ("code", "v2.0")]),
        ("H.264, B12,5 python3.11", [("code", "H.264"), ("code", "B12,5"), ("code", "python3.11")]),
        ("Vale.3 tickets", [("number", "3")]),
        ("Sub-20", [("number", "20")]),
        ("(https://a.example/b_(c)?d=1).", [("url", "https://a.example/b_(c)?d=1")]),
        ("www.a.com/b, a.com. and me.In", [("url", "www.a.com/b"), ("url", "a.com")]),
        ("ana.b+c@mail.example.org.", [("email", "ana.b+c@mail.example.org")]),
        ("@ana_b and #Año1, #ಕನ್ನಡ but #1", [("handle", "@ana_b"), ("tag", "#Año1"), ("tag", "#ಕನ್ನಡ"), ("number", "1")]),
        ("no entities here!", []),
        ("", []),
    ],
)
def test_entities_of(text: str, entities: list[tuple[str, str]]) -> None:
    assert found(text) == entities


def test_expressions_that_are_more_than_their_tokens() -> None:
    assert [entity.written for entity in find("At 7 p.m. on the 3rd, the 2.ª, at 3:30.")] == [
        "7 p.m.",
        "3rd",
        "2.ª",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "phrases", "kept"),
    [
        ("Ana y Anabel.", ["Ana"], ["Ana"]),
        ("San José y José.", ["José", "San José"], ["San José", "José"]),
        ("Ana Eva Luz", ["Ana Eva", "Eva Luz"], ["Ana Eva"]),
        ("Ana, Ana!", ["Ana", " Ana ", "", " "], ["Ana", "Ana"]),
        ("Studio 54 at 54", ["Studio 54"], ["Studio 54", "54"]),
        ("C++ is it", ["C++"], ["C++"]),
        ("Ana's", ["Ana"], ["Ana"]),
        ("jose\u0301", ["jose"], []),
        # Endings join Kannada names; a vowel sign makes another syllable.
        ("ಮೈಸೂರುಗಳು ಮೈಸೂರಾ", ["ಮೈಸೂರು"], ["ಮೈಸೂರು"]),
        ("ಇದುAnnaಗೆ", ["Anna"], ["Anna"]),
        ("我在北京住", ["北京"], ["北京"]),
        ("والرياض", ["الرياض"], ["الرياض"]),
        ("x", ["\uffff"], []),
    ],
)
def test_phrases_are_found_as_whole_words(text: str, phrases: list[str], kept: list[str]) -> None:
    entities = find(text, phrases)
    assert [entity.text for entity in entities] == kept
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)


@pytest.mark.parametrize(
    ("token", "text", "is_there"),
    [
        ("3", "13", False),
        ("3", "3:30", False),
        ("3", "3.5", False),
        ("3", "la 3.", True),
        ("3", "3ra", True),
        ("3", "B3", False),
        ("3", "3-5", True),
        ("3", "3:5", False),
        ("3", "3½", False),
        ("½", "3½", False),
        ("3", "三3千", True),
        ("25", "$25", True),
        ("€25", "25 €", False),
        ("50%", "150%", False),
        ("AB-12", "AB-123", False),
        ("AB-12", "XAB-12", False),
        ("AB-12", "AB-12ಗೆ", True),
        ("AB-12", "AB-12,5", False),
        ("AB-12", "೫AB-12", False),
        ("a@b.org", "ma@b.org", False),
        ("https://a.org", "https://a.org/b", False),
        ("https://a.org", "https://a.org.", True),
    ],
)
def test_a_token_is_there_only_as_a_whole(token: str, text: str, is_there: bool) -> None:
    (entity,) = find(token)
    assert (locate(text, [entity]) != [None]) is is_there


def test_tokens_are_counted() -> None:
    entities = find("3 and 3 and 3-4")
    assert locate("3-4, 3", entities) == [5, None, 0]


def test_a_text_without_its_entities() -> None:
    entities = [entity for entity in find("Ana: a@b.org, 3 and 3.", ["Ana"]) if entity.text != "a@b.org"]
    assert without("Ana: a@b.org, 3 and 3.", entities) == " : a@b.org,   and  ."
    assert without("3, 3 and 3", entities) == " ,   and 3"


TEXTS = st.text("13.,:/-%€$ apm@#.comAB½೫ನ್é\u0301👍\n", max_size=60)


@given(TEXTS, st.lists(st.text("13aA. ", max_size=4), max_size=4))
def test_entities_are_parts_of_the_text_and_in_it(text: str, phrases: list[str]) -> None:
    entities = find(text, phrases)
    assert all(text[entity.start : entity.end] == entity.text for entity in entities)
    assert all(one.end <= following.start for one, following in itertools.pairwise(entities))
    assert None not in locate(text, entities)
    assert find(text, phrases[::-1]) == entities


@given(st.text())
def test_any_text_can_be_searched(text: str) -> None:
    assert all(entity.text for entity in find(text))


@pytest.mark.parametrize(
    "one",
    [
        "1",
        "1.",
        "1,1 ",
        "a1-",
        "a@",
        "www.",
        "$",
        "€1",
        "a.b.",
        "-1",
        "Rs.",
        "1:1:",
        "100 ",
        "1:1",
        "(12) ",
        "x",
        "http://",
        ")",
        "೫",
        "👍1",
        "م1 ",
        "½",
    ],
)
def test_long_texts_of_one_thing(one: str) -> None:
    text = one * (20_000 // len(one))
    entities = find(text, [f"name {number}" for number in range(99)] + [one])
    assert None not in locate(text, entities)
    assert {entity.kind for entity in entities} <= set(Kind)
