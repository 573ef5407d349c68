"""Small tokenizers of the two kinds that published checkpoints have.

All that makes ids of a text is in tokenizer.json: the normalizer, the pieces and the token at the edge. A loader that builds the
tokenizer anew from the class's name, without reading these, gets other ids.
"""

import string
from pathlib import Path
from typing import Any, Literal

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from maatu_tts.engine.parler.random_weights.files import write_json

Kind = Literal["t5", "llama"]

_CHARACTERS = ["▁", *string.ascii_letters, *string.digits, *string.punctuation]
_SENTENCES = (
    "a woman with a clear voice speaks slowly in a quiet room and the recording is of very high quality",
    "a man speaks fast with an expressive tone and the microphone is close and there is no background noise",
    "good morning how are you today when will the next train to the city leave please tell me what you can do",
)
_MERGES = (
    "▁ t",
    "h e",
    "▁ a",
    "i n",
    "▁t he",
    "r e",
    "o n",
    "▁ s",
    "e r",
    "o u",
    "n d",
    "in g",
    "e a",
    "▁ w",
    "a t",
    "o r",
)


def write_tokenizer(directory: Path, vocabulary: int, kind: Kind) -> None:
    """Writes tokenizer.json and tokenizer_config.json.

    Args:
        directory: Is made if it is not there.
        vocabulary: Ids there may be; 384 are enough for either kind.
        kind: "t5": pieces with likelihoods, text in compatibility form (NFKC), an end token; other scripts are unknown.
            "llama": merged pairs, a start token; what no piece covers is spelled in bytes.
    """
    tokenizer, config = _t5() if kind == "t5" else _llama()
    if tokenizer.get_vocab_size() > vocabulary:
        raise ValueError(f"the {kind} tokenizer has {tokenizer.get_vocab_size()} ids, more than {vocabulary}")
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config |= {"clean_up_tokenization_spaces": False, "eos_token": "</s>", "unk_token": "<unk>"}
    write_json(directory / "tokenizer_config.json", config)


def _t5() -> tuple[Tokenizer, dict[str, Any]]:
    specials = ["<pad>", "</s>", "<unk>"]
    # A word is likelier than its letters together.
    words = sorted({(f"▁{word}", -4.0) for sentence in _SENTENCES for word in sentence.split()})
    pieces = [*((token, 0.0) for token in specials), *words, *((character, -9.0) for character in _CHARACTERS)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.add_special_tokens(specials)
    config = {"additional_special_tokens": [], "extra_ids": 0, "pad_token": "<pad>", "tokenizer_class": "T5Tokenizer"}
    return tokenizer, config


def _llama() -> tuple[Tokenizer, dict[str, Any]]:
    specials = ["<unk>", "<s>", "</s>"]
    merges = [(left, right) for left, _, right in (merge.partition(" ") for merge in _MERGES)]
    spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    pieces = [*specials, *spelled, *_CHARACTERS, *(left + right for left, right in merges)]
    ids = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", 1)])
    tokenizer.add_special_tokens(specials)
    config = {"add_bos_token": True, "add_eos_token": False, "bos_token": "<s>", "legacy": False}
    return tokenizer, {**config, "pad_token": "</s>", "tokenizer_class": "LlamaTokenizer"}
