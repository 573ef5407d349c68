"""Decoder-only language models that translate by example, such as Gemma, Llama or Qwen: Hugging Face → CTranslate2. Run in a
process of its own, for its memory.

Beside CTranslate2's files a converted model has tokenizer.json and translation.json:
    languages: what each language is called in the prompt, by tag: its own name.
    examples: sentences that mean the same, by tag, in the order in which the prompt shows them.
"""

import json
import re
from pathlib import Path
from shutil import copyfile
from typing import Any

from maatu_client.models import checkpoint
from maatu_client.models.families import CHECKPOINTS
from maatu_runtime.errors import Unsupported

_NAMES = {
    "ar": "العربية",
    "as": "অসমীয়া",
    "bn": "বাংলা",
    "ca": "Català",
    "cs": "Čeština",
    "de": "Deutsch",
    "el": "Ελληνικά",
    "en": "English",
    "es": "Español",
    "fa": "فارسی",
    "fi": "Suomi",
    "fr": "Français",
    "gu": "ગુજરાતી",
    "he": "עברית",
    "hi": "हिन्दी",
    "hu": "Magyar",
    "id": "Bahasa Indonesia",
    "it": "Italiano",
    "ja": "日本語",
    "kn": "ಕನ್ನಡ",
    "ko": "한국어",
    "ml": "മലയാളം",
    "mr": "मराठी",
    "ne": "नेपाली",
    "nl": "Nederlands",
    "or": "ଓଡ଼ିଆ",
    "pa": "ਪੰਜਾਬੀ",
    "pl": "Polski",
    "pt": "Português",
    "ro": "Română",
    "ru": "Русский",
    "sv": "Svenska",
    "sw": "Kiswahili",
    "ta": "தமிழ்",
    "te": "తెలుగు",
    "th": "ไทย",
    "tr": "Türkçe",
    "uk": "Українська",
    "ur": "اردو",
    "vi": "Tiếng Việt",
    "zh": "中文",
}
"""How languages call themselves (Unicode CLDR); another is named in the header of the examples: "tcy=ತುಳು"."""
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_GENERATES = ("ForCausalLM", "ForConditionalGeneration")


def check(source: Path, examples: Path) -> None:
    """Checks that a directory holds a decoder in the Hugging Face layout, before anything heavy is loaded.

    Args:
        source: The directory.
        examples: Table of translations: tab-separated, a column for each language; the first line has their tags.

    Raises:
        Unsupported: says what is missing or of another kind.
    """
    config = checkpoint.check(source, CHECKPOINTS["prompted"].model_types, "prompted")
    architectures = config.get("architectures") or [_GENERATES[0]]
    if not any(str(name).endswith(_GENERATES) for name in architectures):
        raise Unsupported(f"{source} holds a {architectures[0]}, which does not write text")
    checkpoint.check_files(source, ("tokenizer.json",), "the model reads and writes with it")
    read_examples(examples)


def convert(source: Path, destination: Path, quantization: str, examples: Path) -> None:
    """Converts a decoder's directory.

    Args:
        source: Directory in the Hugging Face layout.
        destination: Existing directory. Gets model.bin, config.json and vocabulary.json for ctranslate2, tokenizer.json for
            tokenizers, and translation.json.
        quantization: A CTranslate2 type, for example "int8".
        examples: As for `check`.

    Raises:
        Unsupported: tensors are missing, or the examples cannot be used.
    """
    from ctranslate2.converters import TransformersConverter

    translation = read_examples(examples)

    class Converter(TransformersConverter):  # type: ignore[misc]
        def load_model(self, model_class: Any, model_name_or_path: str, **options: Any) -> Any:
            return checkpoint.all_tensors(model_class, model_name_or_path, **options)

    work = destination / ".work"
    Converter(str(source)).convert(str(work), quantization=quantization)
    for path in work.iterdir():
        path.rename(destination / path.name)
    work.rmdir()
    copyfile(source / "tokenizer.json", destination / "tokenizer.json")
    text = json.dumps(translation, ensure_ascii=False, indent=2)
    (destination / "translation.json").write_text(text + "\n", encoding="utf-8")


def read_examples(path: Path) -> dict[str, Any]:
    """What translation.json is to hold, out of a table of translations.

    A sentence may lack a language: its field is empty.

    Raises:
        Unsupported: names the line and what is wrong with it.
    """
    try:
        header, *lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise Unsupported(f"{path} holds no examples: {error}") from None
    names: dict[str, str] = {}
    for field in header.split("\t"):
        tag, _, name = field.strip().partition("=")
        if not _TAG.fullmatch(tag) or tag in names:
            raise Unsupported(f'{path}: the first line names the languages by their tags, as "en\\tkn"; not {field!r}')
        names[tag] = name or _NAMES.get(tag) or _NAMES.get(tag.partition("-")[0], "")
        if not names[tag]:
            raise Unsupported(f'{path}: what do the speakers of "{tag}" call it? Write "{tag}=NAME" in the first line')
    if len(names) < 2 or len({*names.values()}) < len(names):
        raise Unsupported(f"{path} must have at least two languages, each with a name of its own: it has {names}")
    examples = []
    for number, line in enumerate(lines, start=2):
        fields = [field.strip() for field in line.split("\t")]
        example = {tag: text for tag, text in zip(names, fields, strict=False) if text}
        if len(fields) != len(names) or len(example) < 2:
            raise Unsupported(f"{path}, line {number}: {len(names)} fields are needed, of which two or more are filled")
        examples.append(example)
    if lacking := [tag for tag in names if not any(tag in example for example in examples)]:
        raise Unsupported(f"{path} has no example with {', '.join(lacking)}")
    return {"languages": names, "examples": examples}
