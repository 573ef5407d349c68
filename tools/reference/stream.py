"""Streams one utterance with the reference's ParlerTTSStreamer and times its chunks.

    python stream.py CHECKPOINT --description … --prompt … [--frames 861] [--play-steps 43] [--threads 2]

Run by the reference's own Python (install.py makes it). Prints JSON:
load_s          reading the checkpoint, before the clock starts
chunks          [{"at_s": …, "samples": …}], in order; at_s counts from the call of `generate`
first_chunk_s   when the first chunk could be played
last_chunk_s    when the last chunk could be played: the listener has everything
returned_s      when `generate` returned: it decodes the whole utterance once more after the last chunk
audio_s, steps, play_steps, threads, sample_rate_hz
"""

import argparse
import json
import threading
import time
from pathlib import Path
from typing import Any

import torch
from parler_tts import ParlerTTSForConditionalGeneration, ParlerTTSStreamer  # type: ignore[import-not-found]
from transformers import AutoTokenizer


def encode(directory: Path, text: str) -> torch.Tensor:
    """The ids of a text, [1, tokens]."""
    ids: torch.Tensor = AutoTokenizer.from_pretrained(directory)(text, return_tensors="pt").input_ids
    return ids


def measure(
    model: Any, prompt: torch.Tensor, description: torch.Tensor, frames: int, play_steps: int
) -> dict[str, Any]:
    """Generates exactly `frames` frames, greedily, and notes when each chunk came."""
    streamer = ParlerTTSStreamer(model, play_steps=play_steps, timeout=600)
    columns = frames + model.decoder.num_codebooks
    returned = 0.0

    def generate() -> None:
        nonlocal returned
        model.generate(
            input_ids=description,
            attention_mask=torch.ones_like(description),
            prompt_input_ids=prompt,
            prompt_attention_mask=torch.ones_like(prompt),
            do_sample=False,
            max_length=columns,
            streamer=streamer,
        )
        returned = time.perf_counter()

    thread = threading.Thread(target=generate)
    began = time.perf_counter()
    thread.start()
    chunks = [{"at_s": time.perf_counter() - began, "samples": len(chunk)} for chunk in streamer]
    thread.join()
    rate = model.config.sampling_rate
    return {
        "first_chunk_s": chunks[0]["at_s"],
        "last_chunk_s": chunks[-1]["at_s"],
        "returned_s": returned - began,
        "audio_s": sum(chunk["samples"] for chunk in chunks) / rate,
        "steps": columns - 1,
        "play_steps": play_steps,
        "threads": torch.get_num_threads(),
        "sample_rate_hz": rate,
        "chunks": chunks,
    }


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--description", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--frames", type=int, default=861, help="86.13 are a second")
    parser.add_argument("--play-steps", type=int, default=43, help="columns between chunks")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["float32", "bfloat16", "float16"], default="float32")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    began = time.perf_counter()
    model = ParlerTTSForConditionalGeneration.from_pretrained(
        options.checkpoint, torch_dtype=getattr(torch, options.precision)
    )
    model = model.to(options.device).eval()
    load_s = time.perf_counter() - began
    separate = options.checkpoint / "description_tokenizer"
    prompt = encode(options.checkpoint, options.prompt).to(options.device)
    description = encode(separate if separate.is_dir() else options.checkpoint, options.description).to(options.device)
    result = measure(model, prompt, description, options.frames, options.play_steps)
    print(json.dumps({"load_s": load_s, **result}))


if __name__ == "__main__":
    main()
