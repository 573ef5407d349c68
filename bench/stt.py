"""Figures of speech recognition: build/bench/stt.json.

    python bench/stt.py                      all sections, about three quarters of an hour on two cores
    python bench/stt.py live load            some; figures of the others stay in the file as they were
    python bench/stt.py accuracy --limit 20  less of each, for a quick look; nothing is written

accuracy   word error rate beside WhisperModel.transcribe, words retracted        stt_accuracy.py
connected  the same, of several sentences in one breath; ends that are missing    stt_connected.py
live       how soon a person is answered, by the service as its own process       stt_live.py
load       eight people at once                                                   stt_load.py
long       thirty minutes in one stream, an utterance of four minutes             stt_long.py
endpoint   how long the silence after a turn lasts, how often a pause is taken for it   stt_endpoint.py
sounds     transcripts of what is not speech                                 stt_sounds.py
audio      processor time of voice activity detection and audio handling          stt_audio.py
margin     the table of margins (build/bench/stt_margin.json)                     stt_margin.py
"""

from collections.abc import Mapping

import stt_accuracy
import stt_audio
import stt_connected
import stt_endpoint
import stt_live
import stt_load
import stt_long
import stt_margin
import stt_sounds
from sections import Section, run

# Another section is another line here: its function takes a limit, or None, and returns figures.
SECTIONS: Mapping[str, Section] = {
    "accuracy": stt_accuracy.figures,
    "connected": stt_connected.figures,
    "live": stt_live.figures,
    "load": stt_load.figures,
    "long": stt_long.figures,
    "endpoint": stt_endpoint.figures,
    "sounds": stt_sounds.figures,
    "audio": stt_audio.figures,
    "margin": stt_margin.figures,
}


if __name__ == "__main__":
    run("stt", __doc__, SECTIONS)
