"""Text that ends the process in eSpeak NG unless it is cut. Each engine reads it in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from maatu_tts.engine.espeak_text import survivable

DEADLY = [
    "U.S.A." * 40,
    "a." * 104,
    "ಅ." * 34,
    "ಅ.a." * 60,
    "ಅ .b " * 60,
    "a\u00a0." * 400,
    "a.b. " * 400,
    "a..\u00ad" * 700,
    "\U00020000." * 60,
    "a'.,b" * 300,
    "(-नमस्कार",
    "नमस्कार, “-नमस्कार”",
    "\u00a0-नमस्कार",
    "(---नमस्कार",
    "٥-नमस्कार",
    "Ꭰ-नमस्कार",
    "\u0870-नमस्कार",
    "я…-नमस्कार",
    "'-hej",
]
PIPER = """
import sys
from pathlib import Path
from maatu_tts.engine.piper_voice import Voice

voice = Voice(Path(sys.argv[1]), 1)
for text in sys.stdin.read().splitlines():
    assert voice._sentences(text, 1.0)
"""
ESPEAK = """
import sys
from maatu_tts.engine import espeak_library

for text in sys.stdin.read().splitlines():
    for identifier in ("gmw/en-US", "dra/kn", "inc/hi", "gmq/da"):
        espeak_library.load().synthesize(identifier, text, 450, lambda _: True)
"""


@pytest.mark.parametrize("program", [PIPER, ESPEAK], ids=["piper", "espeak"])
def test_no_text_ends_the_process(models_dir: Path, program: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program, str(models_dir / "piper-en_US-joe-medium")],
        input="\n".join(DEADLY),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("The U.S.A. and the U.K. are 3.5 km apart. No. 5.", "The U.S.A. and the U.K. are 3.5 km apart. No. 5."),
        ("Yes. " * 60, "Yes. " * 60),
        ("3.5 " * 60, "3.5 " * 60),
        (
            "well-known, धीरे-धीरे, ಸಾ-ಸಾ, 5-a, -5, (-5), -$5, a - b",
            "well-known, धीरे-धीरे, ಸಾ-ಸಾ, 5-a, -5, (-5), -$5, a - b",
        ),
        ("a.b.c.d.e.f.g.h.i.j.", "a.b.c.d.e.f.g.h, i.j."),
        ("(-a) “--b", "( a) “ b"),
    ],
)
def test_what_people_write_stays_nearly_as_it_is(text: str, given: str) -> None:
    assert survivable(text) == given
