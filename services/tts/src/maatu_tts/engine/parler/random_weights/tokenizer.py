"""Small tokenizers that work for any text."""

from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from maatu_tts.engine.parler.random_weights.files import write_json


def write_tokenizer(directory: Path, vocabulary: int, kind: Literal["t5", "llama"]) -> None:
    """A byte-level tokenizer, which knows every script, with `t5`'s end token or `llama`'s start token."""
    specials = ["<pad>", "</s>", "<unk>"] if kind == "t5" else ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=min(vocabulary, 768),
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_TEXT, trainer)
    edge = "</s>" if kind == "t5" else "<s>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>" if kind == "t5" else "<s> $A", special_tokens=[(edge, tokenizer.token_to_id(edge))]
    )
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config: dict[str, Any] = {"clean_up_tokenization_spaces": False, "eos_token": "</s>", "unk_token": "<unk>"}
    config |= {"pad_token": "<pad>"} if kind == "t5" else {"bos_token": "<s>", "pad_token": "</s>"}
    write_json(directory / "tokenizer_config.json", {**config, "tokenizer_class": "PreTrainedTokenizerFast"})


_TEXT = (
    "A woman with a clear voice speaks slowly in a quiet room, and the recording is of very high quality.",
    "A man speaks fast with an expressive, animated tone; the microphone is close and there is little noise.",
    "The speaker delivers the words at a moderate pace with a slightly low pitch and no background noise.",
    "Good morning, how are you today? I would like to know when the next train to the city leaves.",
    "Thank you for calling. Please tell me what I can do for you, and I will be glad to help.",
)
