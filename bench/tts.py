"""The speech figures: Parler-TTS beside the reference implementation, Piper and eSpeak NG.

make bench-tts                    all of it, about a quarter of an hour on two cores
python bench/tts.py --only small  Piper and eSpeak NG
"""

import argparse

import tts_parler
import tts_small
from figures import BUILD, Figure, publish

MODELS = BUILD.parent / "models"


def main() -> None:
    """Measures and publishes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["parler", "small"], help="a part of it")
    parser.add_argument("--runs", type=int, default=5, help="first chunks measured for each precision")
    options = parser.parse_args()
    figures: list[Figure] = []
    if options.only != "parler":
        figures += [*tts_small.measure_piper(MODELS), *tts_small.measure_espeak()]
    if options.only != "small":
        figures += tts_parler.measure_parler(BUILD, runs=options.runs)
    publish("tts", figures)


if __name__ == "__main__":
    main()
