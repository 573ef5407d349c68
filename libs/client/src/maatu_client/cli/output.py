"""How the command writes to a terminal."""

from rich.console import Console
from rich.text import Text


def say(console: Console, text: str | Text, style: str = "") -> None:
    """Prints a line as it is: brackets are no markup, numbers are not coloured, and only the terminal wraps it."""
    console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)
