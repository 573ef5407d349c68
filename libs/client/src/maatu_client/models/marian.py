"""Marian, the models of OPUS-MT: Hugging Face → CTranslate2. Run in a process of its own, for its memory.

translation.json says which languages the model reads and writes, as BCP-47 tags:

    {"sources": ["en"], "targets": {"es": ">>spa<<", "ca": ">>cat<<"}}

A target's value is the token that asks for it at the start of the source; null where the model writes one language only.
"""

import json
import re
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import yaml

from maatu_client.models import checkpoint
from maatu_client.models.language_tags import is_group, named, tags
from maatu_runtime.errors import Unsupported

TRANSLATION = "translation.json"
_TOKENIZER = ("source.spm", "target.spm", "vocab.json")
_TARGET_TOKEN = re.compile(r">>(.+)<<")
_NEVER = -30_000.0
"""Added to the logit of the padding, which transformers forbids; the real ones are within some hundred. Within float16."""


def check(source: Path, source_languages: Sequence[str] = (), target_languages: Sequence[str] = ()) -> None:
    """Checks that a directory holds a Marian model in the Hugging Face layout, before anything heavy is loaded.

    Args:
        source: The directory.
        source_languages: Codes of the languages it reads; none: as its files say.
        target_languages: Codes of the languages it is to write; none: all that its files name.

    Raises:
        Unsupported: says what is missing or of another kind, or which languages have to be named.
    """
    checkpoint.check(source, ("marian",), "marian")
    names = [*_TOKENIZER, *(["target_vocab.json"] if _tokenizer_config(source).get("separate_vocabs") else [])]
    checkpoint.check_files(source, names, "a Marian model comes with its SentencePiece models and its vocabulary")
    for name in ("source.spm", "target.spm"):
        _check_pieces(source / name)
    _languages(source, _vocabulary(source, "vocab.json"), source_languages, target_languages)


def convert(
    source: Path,
    destination: Path,
    quantization: str,
    source_languages: Sequence[str] = (),
    target_languages: Sequence[str] = (),
) -> None:
    """Converts a Marian directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json and the vocabulary for ctranslate2, source.spm, target.spm
            and translation.json.
        quantization: A CTranslate2 type, for example "int8".
        source_languages: As for `check`.
        target_languages: As for `check`.

    Raises:
        Unsupported: tensors are missing, the vocabulary is not that of the model, or its languages are not known.
    """
    import torch
    from ctranslate2.converters.converter import Converter
    from ctranslate2.converters.transformers import MarianMTLoader
    from transformers import MarianMTModel

    vocabulary = _vocabulary(source, "vocab.json")
    separate = bool(_tokenizer_config(source).get("separate_vocabs"))
    target_vocabulary = _vocabulary(source, "target_vocab.json") if separate else vocabulary
    languages = _languages(source, vocabulary, source_languages, target_languages)

    class Loader(MarianMTLoader):  # type: ignore[misc]
        """That of CTranslate2 knows one vocabulary only, whose last token is the padding, and starts from zeros. This one keeps
        the padding as the token to start from, as transformers does, and forbids it in the output; so a checkpoint may have
        two vocabularies, and tokens that were added after the padding."""

        def __call__(self, model: Any, _: Any) -> Any:
            spec = self.get_model_spec(model)
            spec.decoder.start_from_zero_embedding = False
            bias = model.final_logits_bias.detach().float().flatten().clone()
            bias[model.config.pad_token_id] += _NEVER
            spec.decoder.projection.bias = bias.to(model.lm_head.weight.dtype)
            spec.config.eos_token, spec.config.unk_token = "</s>", "<unk>"
            spec.config.decoder_start_token = _ordered(target_vocabulary)[model.config.decoder_start_token_id]
            spec.register_source_vocabulary(_ordered(vocabulary))
            spec.register_target_vocabulary(_ordered(target_vocabulary))
            return spec

        def _remove_pad_weights(self, spec: Any) -> None:
            pass

    class MarianConverter(Converter):  # type: ignore[misc]
        def _load(self) -> Any:
            with torch.no_grad():
                model = checkpoint.all_tensors(MarianMTModel, str(source))
                _check_size(source / "vocab.json", vocabulary, model.config.vocab_size)
                _check_size(
                    source / ("target_vocab.json" if separate else "vocab.json"),
                    target_vocabulary,
                    model.lm_head.out_features,
                )
                return Loader()(model, None)

    work = destination / ".work"
    MarianConverter().convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()
    for name in ("source.spm", "target.spm"):
        shutil.copyfile(source / name, destination / name)
    (destination / TRANSLATION).write_text(json.dumps(languages, indent=2) + "\n", encoding="utf-8")


def _check_pieces(path: Path) -> None:
    import sentencepiece

    try:
        sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None


def _tokenizer_config(source: Path) -> dict[str, Any]:
    path = source / "tokenizer_config.json"
    return _json_object(path) if path.is_file() else {}


def _vocabulary(source: Path, name: str) -> dict[str, int]:
    """Numbers of the tokens, those added to the tokenizer included."""
    vocabulary: dict[str, int] = _json_object(source / name)
    added = source / "added_tokens.json"
    return vocabulary | (_json_object(added) if added.is_file() else {})


def _json_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Unsupported(f"{path} cannot be read: {error}") from None
    if not isinstance(content, dict):
        raise Unsupported(f"{path} holds no JSON object")
    return content


def _ordered(vocabulary: dict[str, int]) -> list[str]:
    return sorted(vocabulary, key=vocabulary.__getitem__)


def _check_size(path: Path, vocabulary: dict[str, int], size: int) -> None:
    """That there is one token for each row of the embedding, and the marks are among them."""
    if sorted(vocabulary.values()) != list(range(size)):
        raise Unsupported(
            f"{path} has {len(vocabulary)} tokens and the model {size}: it is not the vocabulary of this model"
        )
    for token in ("</s>", "<unk>", "<pad>"):
        if token not in vocabulary:
            raise Unsupported(f"{path} has no {token}: it is not the vocabulary of a Marian model")


def _languages(
    source: Path, vocabulary: dict[str, int], source_languages: Sequence[str], target_languages: Sequence[str]
) -> dict[str, Any]:
    """What goes into translation.json.

    Models that read or write a group of languages name only the group ("itc"); the members of a target group are the tokens
    >>code<< of the vocabulary, those of a source group are in the model card.

    Raises:
        Unsupported: names the option that would say what the files do not.
    """
    config = _tokenizer_config(source)
    tokens = tags(match[1] for token in _ordered(vocabulary) if (match := _TARGET_TOKEN.fullmatch(token)))
    targets: dict[str, str | None]
    if tokens:
        targets = {tag: f">>{tokens[tag]}<<" for tag in named(target_languages, tokens) or tokens}
    else:
        code = str(config.get("target_lang") or "")
        single = named(target_languages) or ([] if is_group(code) else list(tags([code])))
        if len(single) != 1:
            raise Unsupported(
                f"{source} does not say which language it writes: its target_lang is {code or 'missing'}, and its vocabulary has "
                "no >>…<<. Name the one it writes: --target-languages"
            )
        targets = {single[0]: None}
    return {"sources": named(source_languages) or _sources(source, config, targets), "targets": targets}


def _sources(source: Path, config: dict[str, Any], targets: Collection[str]) -> list[str]:
    code = str(config.get("source_lang") or "")
    if not is_group(code):
        return list(tags([code]))
    # A card lists the languages of both sides. One that is written is not read as well, unless both sides are one group.
    both = config.get("target_lang") == code
    of_card = tags(code for code in _card_languages(source) if not is_group(code))
    found = sorted(tag for tag in of_card if both or tag not in targets)
    if not found:
        raise Unsupported(
            f"{source} does not say which languages it reads: its source_lang is {code or 'missing'}, and its README.md does not "
            "list them. Name them: --source-languages"
        )
    return found


def _card_languages(source: Path) -> list[str]:
    """The codes under `language` in the front matter of the model card."""
    try:
        _, front, _ = (source / "README.md").read_text(encoding="utf-8").split("---", 2)
        # Plain strings: to YAML 1.1 the code of Norwegian, no, is a truth value.
        listed = yaml.load(front, Loader=yaml.BaseLoader).get("language") or []
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return []
    return [listed] if isinstance(listed, str) else [str(code) for code in listed]
