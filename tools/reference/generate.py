"""Speaks with the reference implementation, one utterance at a time, and writes down what it generated.

Run by the reference's own Python (install.py makes it). Reads jobs from standard input, one JSON object a line, and answers each
with a line of JSON. Decoding is greedy.

A job: {"checkpoint": directory, "precision": "float32" or "float64", "output": file.npz, "cases": [{"description": text,
"prompt": text, "max_length": columns}, …]}. max_length counts columns of the delayed codes, the start column included, as
`generate` does.

The answer: {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}, the tensors that the reference lacked or could not
place. The output holds for case N:
N.raw          int64 [codebooks, columns]: codes as the heads gave them, still delayed; column 0 is the start token
N.codes        int64 [codebooks, frames]: delay reverted and frames with special ids removed: what the codec decodes
N.waveform     [samples] at the codec's rate
N.margin       []: how far the best token's score was above the second best's, at the closest choice of all
N.prompt, N.description   int64 [tokens]: what the tokenizers made of the texts
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from parler_tts import ParlerTTSForConditionalGeneration  # type: ignore[import-not-found]
from transformers import AutoTokenizer


def load(directory: Path, precision: str) -> tuple[Any, dict[str, list[str]]]:
    """Returns the model and the names of missing, unexpected and mis-shaped tensors."""
    model, loading = ParlerTTSForConditionalGeneration.from_pretrained(
        directory, torch_dtype=getattr(torch, precision), output_loading_info=True
    )
    report = {name: sorted(map(str, loading[name])) for name in ("missing_keys", "unexpected_keys", "mismatched_keys")}
    return model.eval(), report


def tokenizers(directory: Path) -> tuple[Any, Any]:
    """Returns the prompt's and the description's tokenizer; most checkpoints have one for both."""
    prompt = AutoTokenizer.from_pretrained(directory)
    separate = directory / "description_tokenizer"
    return prompt, AutoTokenizer.from_pretrained(separate) if separate.is_dir() else prompt


class Catcher:
    """Catches codes and scores inside of `generate`, which returns nothing but the waveform."""

    def __init__(self, model: Any) -> None:
        self._sample, self._decode, self._processors = (
            model._sample,
            model.audio_encoder.decode,
            model._get_logits_processor,
        )
        model._sample, model.audio_encoder.decode = self.sample, self.decode
        model._get_logits_processor = self.processors
        self.clear()

    def clear(self) -> None:
        """Forgets the last utterance."""
        self.raw = np.zeros((0, 0), np.int64)
        self.codes: np.ndarray | None = None
        self.margin = float("inf")

    def sample(self, *args: Any, **options: Any) -> Any:
        """Notes the delayed codes."""
        output = self._sample(*args, **options)
        self.raw = output.numpy()
        return output

    def decode(self, *args: Any, **options: Any) -> Any:
        """Notes the codes that the codec is given."""
        codes = options["audio_codes"]
        self.codes = codes.reshape(codes.shape[-2:]).numpy()
        return self._decode(*args, **options)

    def processors(self, *args: Any, **options: Any) -> Any:
        """Has the margin noted after all that changes the scores."""
        processors = self._processors(*args, **options)
        processors.append(self.note_margin)
        return processors

    def note_margin(self, _: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """A logits processor that changes nothing."""
        best = scores.topk(2, dim=-1).values
        self.margin = min(self.margin, float((best[:, 0] - best[:, 1]).min()))
        return scores


def speak(
    model: Any, catcher: Catcher, prompt: torch.Tensor, description: torch.Tensor, max_length: int
) -> dict[str, np.ndarray]:
    """Generates one utterance alone."""
    catcher.clear()
    waveform = model.generate(
        input_ids=description,
        attention_mask=torch.ones_like(description),
        prompt_input_ids=prompt,
        prompt_attention_mask=torch.ones_like(prompt),
        do_sample=False,
        max_length=max_length,
    )
    codes = catcher.codes
    if codes is None:
        # No frame is without a special id: the codec was not called, and the waveform is one zero in its stead.
        codes, waveform = np.zeros((len(catcher.raw), 0), np.int64), waveform[..., :0]
    return {
        "raw": catcher.raw,
        "codes": codes,
        "waveform": waveform.reshape(-1).numpy(),
        "margin": np.array(catcher.margin),
        "prompt": prompt[0].numpy(),
        "description": description[0].numpy(),
    }


def work(job: dict[str, Any]) -> dict[str, list[str]]:
    """Does a job."""
    directory = Path(job["checkpoint"])
    model, report = load(directory, job["precision"])
    catcher = Catcher(model)
    prompt_tokenizer, description_tokenizer = tokenizers(directory)
    arrays: dict[str, np.ndarray] = {}
    for index, case in enumerate(job["cases"]):
        prompt = prompt_tokenizer(case["prompt"], return_tensors="pt").input_ids
        description = description_tokenizer(case["description"], return_tensors="pt").input_ids
        result = speak(model, catcher, prompt, description, case["max_length"])
        arrays |= {f"{index}.{name}": array for name, array in result.items()}
    np.savez(job["output"], **arrays)  # type: ignore[arg-type]
    return report


def main() -> None:
    """Does jobs until there are no more."""
    # What libraries print must not come between the answers.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
        for line in sys.stdin:
            answers.write(json.dumps(work(json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
