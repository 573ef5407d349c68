"""Figures of speech recognition: build/bench/stt.json.

    python bench/stt.py                      all sections, about three quarters of an hour on two cores
    python bench/stt.py live load            some; figures of the others stay in the file as they were
    python bench/stt.py accuracy --limit 20  less of each, for a quick look; nothing is written

accuracy   word error rate beside WhisperModel.transcribe, words retracted        stt_accuracy.py
live       how soon a person is answered, by the service as its own process       stt_live.py
load       eight people at once                                                   stt_load.py
long       thirty minutes in one stream, an utterance of four minutes             stt_long.py
endpoint   how long the silence after a turn lasts, how often a pause is taken for it   stt_endpoint.py
sounds     transcripts of what is not speech                                 stt_sounds.py
audio      processor time of voice activity detection and audio handling          stt_audio.py
margin     the table of margins (build/bench/stt_margin.json)                     stt_margin.py
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import stt_accuracy
import stt_audio
import stt_endpoint
import stt_live
import stt_load
import stt_long
import stt_margin
import stt_sounds
from figures import BUILD, Figure, publish

# Another section is another line here: its function takes a limit, or None, and returns figures.
SECTIONS: Mapping[str, Callable[[int | None], list[Figure]]] = {
    "accuracy": stt_accuracy.figures,
    "live": stt_live.figures,
    "load": stt_load.figures,
    "long": stt_long.figures,
    "endpoint": stt_endpoint.figures,
    "sounds": stt_sounds.figures,
    "audio": stt_audio.figures,
    "margin": stt_margin.figures,
}


def named(section: str, figures: list[Figure]) -> list[Figure]:
    """Figures with their section before their names."""
    return [replace(figure, name=f"{section}: {figure.name}") for figure in figures]


def kept(sections: list[str]) -> list[Figure]:
    """Figures of an earlier run that these sections do not measure anew."""
    path = BUILD / "stt.json"
    if not path.exists():
        return []
    rows = [Figure(**row) for row in json.loads(path.read_text())["figures"]]
    return [row for row in rows if row.name.partition(":")[0] in SECTIONS.keys() - sections]


def main() -> None:
    """Measures and publishes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help="which; all where none is named")
    parser.add_argument("--limit", type=int, help="at most so many utterances or seconds in each section")
    options = parser.parse_args()
    if unknown := [section for section in options.sections if section not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    sections = [name for name in SECTIONS if not options.sections or name in options.sections]
    figures: list[Figure] = []
    for section in sections:
        began = time.monotonic()
        print(f"▸ {section}", file=sys.stderr)
        figures += named(section, SECTIONS[section](options.limit))
        print(f"▸ {section}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        if options.limit is None:
            order = list(SECTIONS)
            rows = [*figures, *kept(sections[: sections.index(section) + 1])]
            publish("stt", sorted(rows, key=lambda row: order.index(row.name.partition(":")[0])))
    if options.limit is not None:
        for figure in figures:
            print(figure)


if __name__ == "__main__":
    main()
