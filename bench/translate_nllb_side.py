"""One side of bench/translate_nllb.py, in a process of its own: loads a model, then runs a batch for each line it reads.

python translate_nllb_side.py ours|theirs DIRECTORY THREADS

Reads the number of sentences of a batch, a line each; writes JSON, a line each: first what loading took, then what each batch did.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import psutil
from translate_random import NLLB_CODES

SOURCE_TOKENS = 12
"""A clause of eight words."""
NEW_TOKENS = 32
"""After the code of the language."""
_FIRST, _APART = 1_000, 7
"""Words of the sources: any number will do, but no two sentences are the same."""
Run: TypeAlias = Callable[[int], int]
"""Translates so many sentences; returns the tokens written."""


def words(sentence: int) -> list[str]:
    """The words of a sentence."""
    return [f"▁{_FIRST + sentence * SOURCE_TOKENS * _APART + place * _APART}" for place in range(SOURCE_TOKENS)]


def ours(directory: Path, threads: int) -> Run:
    """CTranslate2 as Seq2SeqEngine calls it, but for the fixed length."""
    import ctranslate2

    translator = ctranslate2.Translator(str(directory), intra_threads=threads, inter_threads=1)
    source, target = NLLB_CODES

    def run(batch: int) -> int:
        results = translator.translate_batch(
            [[source, *words(number), "</s>"] for number in range(batch)],
            target_prefix=[[target]] * batch,
            beam_size=1,
            min_decoding_length=NEW_TOKENS + 1,
            max_decoding_length=NEW_TOKENS + 1,
        )
        return sum(len(result.hypotheses[0]) - 1 for result in results)

    return run


def theirs(directory: Path, threads: int) -> Run:
    """transformers, float32, greedy."""
    import tokenizers
    import torch
    from transformers import M2M100ForConditionalGeneration

    torch.set_num_threads(threads)
    model: Any = M2M100ForConditionalGeneration.from_pretrained(directory, dtype=torch.float32)
    model.eval()
    tokenizer = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    source, target = (tokenizer.token_to_id(code) for code in NLLB_CODES)

    def run(batch: int) -> int:
        sources = [[source, *map(tokenizer.token_to_id, words(number)), 2] for number in range(batch)]
        with torch.inference_mode():
            written = model.generate(
                torch.tensor(sources),
                attention_mask=torch.ones(batch, SOURCE_TOKENS + 2, dtype=torch.long),
                forced_bos_token_id=target,
                do_sample=False,
                num_beams=1,
                min_new_tokens=NEW_TOKENS + 1,
                max_new_tokens=NEW_TOKENS + 1,
            )
        tokens: int = written.shape[1] - 2  # less the token to start from and the code
        return batch * tokens

    return run


def main(side: str, directory: str, threads: str) -> None:
    """Serves the lines."""
    process = psutil.Process()
    began = time.perf_counter()
    run = {"ours": ours, "theirs": theirs}[side](Path(directory), int(threads))
    loaded = {"seconds": time.perf_counter() - began, "memory_mib": process.memory_info().rss / 2**20}
    print(json.dumps(loaded), flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        tokens = run(int(line))
        seconds = time.perf_counter() - began
        done = {"seconds": seconds, "tokens": tokens, "memory_mib": process.memory_info().rss / 2**20}
        print(json.dumps(done), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
