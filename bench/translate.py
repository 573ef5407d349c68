"""Figures of translation: build/bench/translate.json.

    python bench/translate.py                      all sections, about ten minutes on two cores
    python bench/translate.py quality latency      some; figures of the others stay in the file as they were
    python bench/translate.py latency --limit 5    less of each, for a quick look; nothing is written

quality    chrF and BLEU of the embedded model es↔en on the public test sets; kn↔en where a model serves it   translate_quality.py
latency    an eight-word clause, one thread; over gRPC: identity, cached, uncached                 translate_latency.py
context    chrF of a clause with and without the clause before                                     translate_context.py
kept       names, numbers, times and prices that come through                                      translate_kept.py
nllb       the architecture of NLLB-200 600M: int8 against transformers in float32                 translate_nllb.py
load       32 clients at once against the same requests one at a time                              translate_load.py
"""

from collections.abc import Mapping

import translate_context
import translate_kept
import translate_latency
import translate_load
import translate_nllb
import translate_quality
from sections import Section, run

SECTIONS: Mapping[str, Section] = {
    "quality": translate_quality.figures,
    "latency": translate_latency.figures,
    "context": translate_context.figures,
    "kept": translate_kept.figures,
    "nllb": translate_nllb.figures,
    "load": translate_load.figures,
}

if __name__ == "__main__":
    run("translate", __doc__, SECTIONS)
