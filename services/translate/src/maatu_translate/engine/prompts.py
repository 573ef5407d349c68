"""The examples that a prompted model is shown: a base model continues a list of translations with one more.

The pairs are everyday sentences of the kinds a conversation has: questions, requests, numbers, names, half sentences that end
at a comma, because clauses of an answer are cut there.
"""

from maatu_translate.engine.base import Direction

NAMES = {"en": "English", "es": "Español"}
"""How each language calls itself: the labels of the list."""

EXAMPLES: dict[frozenset[str], tuple[dict[str, str], ...]] = {
    frozenset({"en", "es"}): (
        {"en": "Good morning, how can I help you today?", "es": "Buenos días, ¿en qué puedo ayudarle hoy?"},
        {
            "en": "I would like to know what time the train to Madrid leaves.",
            "es": "Me gustaría saber a qué hora sale el tren a Madrid.",
        },
        {"en": "If it rains tomorrow,", "es": "Si llueve mañana,"},
        {"en": "She told me that she has never been to Mexico.", "es": "Me dijo que nunca ha estado en México."},
        {"en": "It costs 25 euros, but you can pay later.", "es": "Cuesta 25 euros, pero puedes pagar más tarde."},
        {
            "en": "The heart is an organ that pumps blood through the body.",
            "es": "El corazón es un órgano que bombea la sangre por el cuerpo.",
        },
        {"en": "What is the largest city in Argentina?", "es": "¿Cuál es la ciudad más grande de Argentina?"},
        {
            "en": "Don't forget to close the window before you go to bed.",
            "es": "No te olvides de cerrar la ventana antes de acostarte.",
        },
    ),
}


def static_prompt(direction: Direction) -> str:
    """What stands before every sentence in a direction; its state is computed once and kept."""
    lines = (
        f"{NAMES[language]}: {pair[language]}" for pair in EXAMPLES[frozenset(direction)] for language in direction
    )
    return "".join(f"{line}\n" for line in lines)


def question(sentence: str, direction: Direction) -> str:
    """What follows it: the sentence, and the label of the translation that is wanted."""
    return f"{NAMES[direction.source]}: {sentence}\n{NAMES[direction.target]}:"


def served_directions() -> frozenset[Direction]:
    """Every direction there are examples for."""
    return frozenset(
        Direction(source, target) for pair in EXAMPLES for source in pair for target in pair if source != target
    )
