"""What is put back into a translation that lost it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_translate.engine.base import Direction
from maatu_translate.entities import find, locate
from maatu_translate.mending import How, restore

INTO_ENGLISH, INTO_SPANISH = Direction("es", "en"), Direction("en", "es")


def mended(source: str, output: str, phrases: list[str], direction: Direction) -> tuple[str, list[str], list[How]]:
    entities = find(source, phrases)
    text, mends = restore(source, output, entities, direction)
    assert None not in locate(text, entities)
    return text, [mend.entity.text for mend in mends], [mend.how for mend in mends]


@pytest.mark.parametrize(
    ("source", "output", "phrases", "text", "restored"),
    [
        ("Soy Ana.", "I am Ana.", ["Ana"], "I am Ana.", []),
        ("Soy Ana.", "I am Anne.", ["Zoe", ""], "I am Anne.", []),
        ("Soy Ana.", "I am Anna.", ["Ana"], "I am Ana.", ["Ana"]),
        ("¿Ana?", "¿Anna?", ["Ana"], "¿Ana?", ["Ana"]),
        ("¿Es Ana?", "...Anna is it?", ["Ana"], "...Ana is it?", ["Ana"]),
        ("Vivo en San José.", "I live in Saint Jose.", ["San José"], "I live in San José.", ["San José"]),
        ("Es AB-12!", "It is!", ["AB-12"], "It is AB-12!", ["AB-12"]),
        ("AB-12", "", ["AB-12"], " AB-12", ["AB-12"]),
        ("Ana y Eva.", "Anna and Eve.", ["Ana", "Eva"], "Ana and Eva.", ["Ana", "Eva"]),
        ("Es XY y b.", "It is b.", ["b.", "XY"], "It is b. XY", ["XY"]),
        ("Hola", "Hello", [" "], "Hello", []),
        # The second resembles the first more than its own translation; the first stays none the less.
        ("Anna y Hanna", "Ana and Jana", ["Anna", "Hanna"], "Anna and Hanna", ["Anna", "Hanna"]),
        ("Hola ಬೆಂಗಳೂರು.", "Hello Bengaluru.", ["ಬೆಂಗಳೂರು"], "Hello Bengaluru ಬೆಂಗಳೂರು.", ["ಬೆಂಗಳೂರು"]),
        ("Lo vi con Sven.", "I viven him.", ["Sven"], "I viven him Sven.", ["Sven"]),
        ("Compré en Ikea.", "I bought in ikea.", ["Ikea"], "I bought in Ikea.", ["Ikea"]),
        ("Ana y Ana.", "Ana and she.", ["Ana"], "Ana and she Ana.", ["Ana"]),
        ("Beatriz, ven.", "Mary, come.", ["Beatriz"], "Beatriz, come.", ["Beatriz"]),
        ("Ingrid nació en 1987.", "In 1987 was born.", ["Ingrid"], "Ingrid, in 1987 was born.", ["Ingrid"]),
        ("De Zagreb a Split.", "From Zapatilla to Split.", ["Zagreb", "Split"], "From Zagreb to Split.", ["Zagreb"]),
        (
            "Mira a.example.org, Ana.",
            "Look at b.example.org, Ana.",
            ["Ana"],
            "Look at a.example.org, Ana.",
            ["a.example.org"],
        ),
    ],
)
def test_phrases_are_restored(source: str, output: str, phrases: list[str], text: str, restored: list[str]) -> None:
    assert mended(source, output, phrases, INTO_ENGLISH)[:2] == (text, restored)


@pytest.mark.parametrize(
    ("source", "output", "text"),
    [
        ("Gané 1.500 euros.", "I won 1,500 euros.", "I won 1.500 euros."),
        ("Vale 1.000,50.", "It is 1,000.50.", "It is 1.000,50."),
        ("Sale a las 3:30.", "It leaves at 3.30.", "It leaves at 3:30."),
        ("Sale a las 17:45.", "It leaves at 5:45 p.m.", "It leaves at 17:45."),
        ("Sale a las 3:30.", "It leaves at half past three.", "It leaves at 3:30."),
        ("Sale a las 2:45.", "It leaves at quarter to three.", "It leaves at 2:45."),
        ("Son 25 €.", "It is 25 euros.", "It is 25 €."),
        ("Son €25 o $3.", "It is 25 € or 3 dollars.", "It is €25 or $3."),
        ("El 60 % votó.", "The 60 percent voted.", "The 60 % voted."),
        ("Hay 25 sillas.", "There are twenty-five chairs.", "There are 25 chairs."),
        ("Hay 25 sillas.", "There are twenty five chairs.", "There are 25 chairs."),
        ("En 1987.", "In nineteen eighty-seven.", "In 1987."),
        ("El 3.º piso.", "The third floor.", "The 3rd floor."),
        ("Hay ೫ y ೧೨.", "There are 5 and 12.", "There are ೫ and ೧೨."),
        ("Hace -5 grados.", "It is minus 5 degrees.", "It is -5 degrees."),
        ("De 12-15 años.", "From 12–15 years.", "From 12-15 years."),
        ("El 2026-02-14.", "On February 14, 2026.", "On 2026-02-14."),
        ("El 12/05/2026.", "On 05/12/2026.", "On 12/05/2026."),
        ("El vuelo AV-482.", "The flight A-482.", "The flight AV-482."),
        ("Tengo 3 y 30.", "I have 30 and three.", "I have 30 and 3."),
        ("Cuesta 1 299,99 €.", "It costs €1,299.99.", "It costs 1 299,99 €."),
        ("Firmaron 12 345 personas.", "12,345 people signed.", "12 345 people signed."),
        ("Añade 1 taza.", "Add 1½ cups.", "Add 1 cups."),
        ("De 9-5.", "From 9 a.m. to 5 p.m.", "From 9-5 p.m."),
        ("Son 10-15 personas.", "There are 10 to 15 people.", "There are 10-15 people."),
        ("El 60-70%.", "The 60 to 70 percent.", "The 60-70%."),
        ("Vale $10-15.", "It costs from $10 to $15.", "It costs from $10-15."),
        ("Ganaron 2:1, y 5.", "They won 2 to 1, and 5.", "They won 2:1, and 5."),
    ],
)
def test_a_value_written_differently_is_rewritten(source: str, output: str, text: str) -> None:
    outcome, _, how = mended(source, output, [], INTO_ENGLISH)
    assert outcome == text
    assert set(how) == {How.REWRITTEN}


@pytest.mark.parametrize(
    ("source", "output", "text"),
    [
        ("I have 21 cats.", "Tengo veintiún gatos.", "Tengo 21 gatos."),
        ("I have 1 table.", "Tengo una mesa.", "Tengo 1 mesa."),
        ("I have 500 tables.", "Tengo quinientas mesas.", "Tengo 500 mesas."),
        ("On the 3rd floor.", "En la tercera planta.", "En la 3.ª planta."),
        ("On the 1st floor.", "En el primer piso.", "En el 1.º piso."),
        ("At 8 p.m.", "A las 20:00.", "A las 8 p.m."),
        ("At 3:30.", "A las tres y media.", "A las 3:30."),
        ("I paid £18.", "Pagué 18 libras.", "Pagué £18."),
        ("Open 9-5.", "Abierto de 9 a 5.", "Abierto de 9-5."),
        ("Between 2020-2024.", "Entre 2020 y 2024.", "Entre 2020-2024."),
    ],
)
def test_values_in_spanish(source: str, output: str, text: str) -> None:
    assert mended(source, output, [], INTO_SPANISH)[0] == text


@pytest.mark.parametrize(
    ("source", "output", "target", "text"),
    [
        ("It costs $2,000,000.", "Cuesta 2 millones de dólares.", "es", "Cuesta $2,000,000."),
        ("It cost $2,000,000,000.", "Costó 2 mil millones de dólares.", "es", "Costó $2,000,000,000."),
        ("We sold 20,000 books.", "Vendimos 20 mil libros.", "es", "Vendimos 20,000 libros."),
        ("Cuesta 3.500.000 €.", "It costs 3.5 million euros.", "en", "It costs 3.500.000 €."),
        ("It costs ₹1,25,000.", "ಬೆಲೆ 1.25 ಲಕ್ಷ ರೂಪಾಯಿ.", "kn", "ಬೆಲೆ ₹1,25,000."),
        ("It costs ₹2,00,00,000.", "दाम 2 करोड़ रुपये है।", "hi", "दाम ₹2,00,00,000 है।"),
        # Where the source has such a word too, it stays.
        ("It costs 3 million.", "Cuesta 2 millones.", "es", "Cuesta 3 millones."),
        ("It costs 3.", "Cuesta 2 milanesas.", "es", "Cuesta 3 milanesas."),
    ],
)
def test_an_amount_is_not_multiplied(source: str, output: str, target: str, text: str) -> None:
    assert mended(source, output, [], Direction("en" if target != "en" else "es", target))[0] == text


@pytest.mark.parametrize(
    ("source", "output", "text"),
    [
        ("Vinieron 2 mil personas.", "2,000 people came.", "2,000 people came."),
        ("Son 1,5 millones de euros.", "It is 1,500,000 euros.", "It is 1,500,000 euros."),
        ("Son 2 mil millones.", "It is 2,000,000,000.", "It is 2,000,000,000."),
        ("Cuesta $3 mil.", "It costs $3,000.", "It costs $3,000."),
        ("Compró 2 mil y 2 más.", "He bought 2,000 and 2 more.", "He bought 2,000 and 2 more."),
        ("Son 2 mil personas y 5 perros.", "It is 2,000 people and dogs.", "It is 2,000 people and dogs, 5."),
        ("Son 2 mil o 2.000.", "It is 2 thousand or 2,000.", "It is 2 thousand or 2.000."),
        ("Son 2 mil y 2 mil.", "It is 2,000 and 2,000.", "It is 2,000 and 2,000."),
        # Not what it says: it is mended.
        ("Son 2 mil.", "It is 2 million.", "It is 2 thousand."),
        ("Son 5 mil.", "It is 2 million.", "It is 5 thousand."),
        ("Vinieron 2 mil personas.", "2 people came.", "2 thousand people came."),
        (
            "Vinieron 2 mil personas.",
            "2 million people came, 2 of them late.",
            "2 thousand people came, 2 of them late.",
        ),
        ("Son 2 mil.", "It is 2k.", "It is 2k."),
        ("Son 2 mil millones.", "It is 2 billion.", "It is 2 billion."),
        ("Son 2 billones.", "It is 2 billion.", "It is 2 trillion."),
        ("Son 3 mil.", "It is 2 thousand.", "It is 3 thousand."),
        ("Son 3 milanesas.", "It is 3,000.", "It is 3."),
    ],
)
def test_an_amount_may_be_in_digits_alone(source: str, output: str, text: str) -> None:
    assert restore(source, output, find(source), INTO_ENGLISH)[0] == text


@pytest.mark.parametrize(
    ("source", "output", "text"),
    [
        ("It has 2 thousand people.", "Tiene 2 millones de personas.", "Tiene 2 mil personas."),
        ("It has 2 million people.", "Tiene 2 mil personas.", "Tiene 2 millones de personas."),
        ("It has 2 million in all.", "Tiene 2 mil en total.", "Tiene 2 millones en total."),
        ("It has 2 million.", "Tiene 2 mil.", "Tiene 2 millones."),
        ("It has 1 million people.", "Tiene 1 mil personas.", "Tiene 1 millón de personas."),
        ("It has 2 billion people.", "Tiene 2 billones de personas.", "Tiene 2 mil millones de personas."),
        ("It has 2 billion people.", "Tiene 2 mil millones de personas.", "Tiene 2 mil millones de personas."),
        ("It has 2 billion people.", "Tiene 2.000 millones de personas.", "Tiene 2.000 millones de personas."),
        ("It has 5 lakh people.", "Tiene 500.000 personas.", "Tiene 500.000 personas."),
        # Spanish has no word for it.
        ("It has 5 lakh people.", "Tiene 5 millones de personas.", "Tiene 5 millones de personas."),
        ("It has 3 million people and 2 dogs.", "Tiene 3 perros y 2 mil.", "Tiene 3 millones de perros y 2 mil."),
    ],
)
def test_the_word_behind_an_amount_is_put_right(source: str, output: str, text: str) -> None:
    assert restore(source, output, find(source), INTO_SPANISH)[0] == text


def test_a_wrong_word_behind_an_amount_is_a_mend() -> None:
    assert mended("Son 2 mil.", "It is 2 million.", [], INTO_ENGLISH) == ("It is 2 thousand.", ["2"], [How.REWORDED])


@pytest.mark.parametrize(
    ("source", "output", "target"),
    [
        ("ಇದರ ಬೆಲೆ 2 ಲಕ್ಷ ರೂಪಾಯಿ.", "It costs 200,000 rupees.", "en"),
        ("इसमें 1.5 करोड़ लोग हैं।", "It has 15,000,000 people.", "en"),
        ("ಅಲ್ಲಿ ೩ ಸಾವಿರ ಜನರಿದ್ದರು.", "There were 3,000 people.", "en"),
        ("It has 2 million people.", "ಅಲ್ಲಿ 20,00,000 ಜನರಿದ್ದಾರೆ.", "kn"),
        ("It has 2 million people.", "ಅಲ್ಲಿ 20 ಲಕ್ಷಕ್ಕೂ ಹೆಚ್ಚು ಜನರಿದ್ದಾರೆ.", "kn"),
        ("ಅಲ್ಲಿ 2 ಲಕ್ಷಕ್ಕೂ ಹೆಚ್ಚು ಜನರಿದ್ದಾರೆ.", "It has more than 200,000 people.", "en"),
        ("इसमें 1,25,000 करोड़ है।", "It has 1,250,000 million.", "en"),
        # Signs of an illness are no lakhs.
        ("ಅದಕ್ಕೆ 2 ಲಕ್ಷಣಗಳಿವೆ.", "It has 2 symptoms.", "en"),
    ],
)
def test_an_amount_may_be_in_digits_alone_in_other_languages(source: str, output: str, target: str) -> None:
    assert restore(source, output, find(source), Direction("kn" if target == "en" else "en", target)) == (output, [])


@pytest.mark.parametrize(
    ("source", "output", "target", "text"),
    [
        ("Es a las 8:15 a. m.", "It is at 8:15 in the afternoon", "en", "It is at 8:15 a.m."),
        ("Es a las 8:15 a. m. hoy.", "It is at 8:15 in the afternoon today.", "en", "It is at 8:15 a.m. today."),
        ("Es a las 8:15 a. m.", "It is at 8:15 in the afternoon.", "en", "It is at 8:15 a.m."),
        ("Es a las 10:30 a. m.", "It is at 10:30.", "en", "It is at 10:30 a.m."),
        ("Es a las 10:30 a. m.", "It is at 10:30, today.", "en", "It is at 10:30 a.m., today."),
        ("Es a las 8 p.m.", "It is at 8 in the morning.", "en", "It is at 8 p.m."),
        ("It is at 9 a.m.", "Es a las 9 de la tarde.", "es", "Es a las 9 a. m."),
        ("Vienen 8 a las 8 a. m.", "8 come at 8 in the afternoon.", "en", "8 come at 8 a.m."),
        # What is right stays.
        ("Es a las 8:15 a. m.", "It is at 8:15 in the morning.", "en", "It is at 8:15 in the morning."),
        ("Es a las 8:15 a. m.", "It is at 8:15 AM.", "en", "It is at 8:15 AM."),
        ("Mañana a las 8 a. m.", "Tomorrow morning at 8.", "en", "Tomorrow morning at 8."),
        ("Es a las 2 a. m.", "It is at 2 at night.", "en", "It is at 2 at night."),
        ("It is at 10 p.m.", "Es a las 10 de la noche.", "es", "Es a las 10 de la noche."),
        ("It is at 10 a.m.", "Es a las 10 de la noche.", "es", "Es a las 10 a. m."),
        ("It is at 12 a.m.", "Es a las 12 de la noche.", "es", "Es a las 12 de la noche."),
        ("Es a las 8:15.", "It is at 8:15 in the afternoon.", "en", "It is at 8:15 in the afternoon."),
        ("It is at 8 a.m.", "ಬೆಳಿಗ್ಗೆ 8 ಗಂಟೆಗೆ.", "kn", "ಬೆಳಿಗ್ಗೆ 8 ಗಂಟೆಗೆ."),
        ("De 9 a. m. a 5 p. m.", "From 9 in the morning to 5 in the morning.", "en", "From 9 in the morning to 5 p.m."),
    ],
)
def test_times_stay_in_their_half_of_the_day(source: str, output: str, target: str, text: str) -> None:
    assert mended(source, output, [], Direction("es" if target == "en" else "en", target))[0] == text


def test_numbers_that_stand_apart_are_no_span() -> None:
    far = "It is 9 for those who come early, and then 5."
    assert mended("De 9-5.", far, [], INTO_ENGLISH)[0] == far.replace("9", "9-5")
    assert mended("De 9-5 o 7.", "From 9 or 7 to 5.", [], INTO_ENGLISH)[0] == "From 9-5 or 7 to 5."


@pytest.mark.parametrize(
    ("source", "output", "text", "how"),
    [
        # Another number stands where it belongs, between those that came through.
        ("5 de 64 por 9 euros.", "5 of 46 for 9 euros.", "5 of 64 for 9 euros.", How.REPLACED),
        ("Cuesta $210.", "It costs $120.", "It costs $210.", How.REPLACED),
        (
            "Tengo tres hijos y 12 nietos.",
            "I have 3 children and grandchildren.",
            "I have 3 children and grandchildren, 12.",
            How.ADDED,
        ),
        ("Sale el 14 a las 9:15.", "It leaves on 14 at 10:15.", "It leaves on 14 at 9:15.", How.REPLACED),
        ("Sale a las 6:20 de la vía 4.", "It leaves at 6:20 a.m.", "It leaves at 6:20 a.m., 4.", How.ADDED),
        ("Sale a las 9:15.", "It leaves at night.", "It leaves at night at 9:15.", How.ADDED),
        ("De la vía 4.", "It leaves at 6 p.m.", "It leaves at 4 p.m.", How.REPLACED),
    ],
)
def test_numbers_that_are_lost(source: str, output: str, text: str, how: How) -> None:
    outcome = mended(source, output, [], INTO_ENGLISH)
    assert (outcome[0], outcome[2]) == (text, [how])


def test_languages_without_number_words_are_mended_too() -> None:
    assert mended("We have 5.", "ನಮ್ಮ ಬಳಿ 7.", [], Direction("en", "kn"))[0] == "ನಮ್ಮ ಬಳಿ 5."
    assert mended("We have 5.", "ᱢᱚᱬᱮ", [], Direction("en", "sat"))[0] == "ᱢᱚᱬᱮ 5"


PARTS = [
    "Ana",
    "San José",
    "3",
    "13",
    "3:30",
    "7 p.m.",
    "€25",
    "25 €",
    "1,000.50",
    "50%",
    "3rd",
    "AB-12",
    "a@b.org",
    "-5",
    "12-15",
]
OUTPUTS = st.lists(
    st.sampled_from(
        [*PARTS, "Anna", "three", "30", "1.000,50", "25 euros", "p.m.", ".", "?", ",", "Hola", "ನಮಸ್ಕಾರ", "مرحبا", "👍"]
    ),
    max_size=12,
).flatmap(lambda parts: st.sampled_from([" ", "", ", "]).map(lambda joint: joint.join(parts)))


@given(st.lists(st.sampled_from(PARTS), max_size=8), OUTPUTS)
def test_every_entity_is_there_as_often_as_in_the_source(parts: list[str], output: str) -> None:
    source = " and ".join(parts)
    entities = find(source, ["Ana", "San José"])
    text, mends = restore(source, output, entities, INTO_SPANISH)
    assert None not in locate(text, entities)
    # Mended is what was missing, at least; and once mended nothing is.
    assert len(mends) >= locate(output, entities).count(None)
    assert restore(source, text, entities, INTO_SPANISH) == (text, [])


@given(
    st.text("1a. €:,-%A@", max_size=30),
    st.text("1a. €:,-%A@", max_size=30),
    st.lists(st.text("1a. A", max_size=4), max_size=3),
)
def test_nothing_is_lost_of_odd_texts(source: str, output: str, phrases: list[str]) -> None:
    entities = find(source, phrases)
    assert None not in locate(restore(source, output, entities, INTO_ENGLISH)[0], entities)


LONG = {
    "names": (" ".join(f"Name{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(100)), "Nom Nam Ane " * 1_600),
    "numbers": (" ".join(str(n) for n in range(4_000)), " ".join(str(n) for n in range(4_000, 8_000))),
    "spans": (" ".join(f"{n}-{n + 1}" for n in range(2_000)), " ".join(f"{n} a {n + 1}" for n in range(2_000))),
    "same numbers": ("3 " * 10_000, "13 " * 6_000),
    "nothing": (" ".join(str(n) for n in range(4_000)), ""),
    "codes": (" ".join(f"AB-{n}" for n in range(2_500)), " ".join(f"CD-{n}" for n in range(2_500))),
    "right to left": ("مرحبا 15 " * 2_000, "שלום 51 " * 2_000),
    "emoji": ("👍 5 " * 4_000, "👍👍👍👍" * 4_000),
    "times": ("3:30 " * 4_000, "half past three " * 1_000),
    "one word": ("5", "x" * 20_000),
}


@pytest.mark.parametrize("name", LONG)
def test_long_and_odd_texts_are_mended(name: str) -> None:
    source, output = LONG[name]
    entities = find(source, source.split()[:100] if name == "names" else ())
    text, _ = restore(source, output, entities, INTO_ENGLISH)
    assert None not in locate(text, entities)
