"""Trims the vocabulary of a model to the languages it is used for.

The output layer of a small model is most of its work, and it grows with the vocabulary. Gemma 3 270M has 262k entries for 140
languages; the 64k that text of two languages needs take 60 % of the time a token. NLLB-200 has 256k for 200 languages.

What is kept is closed under merging: with a token, every token that byte pair encoding passes through to build it. So text whose
tokens are all kept is cut exactly as before, and other text falls apart into smaller tokens, in the end into single characters
or bytes.

What text needs is told by word lists. For a language without one it is all that the vocabulary has in the language's script, the
tokens learnt first counting most: byte pair encoding learns the frequent ones first.

A tokenizer is the dictionary that a tokenizer.json holds, with a BPE model. Rows are row numbers of the untrimmed embedding: the
row that stands at place i is that of the new token i.
"""

import gzip
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from maatu_runtime.errors import Unsupported

MULTIPLE = 64
"""The number of rows is a multiple of this, which suits matrix multiplication on every device."""

_FORMS = ((" {}", str, 0.8), (" {}", str.capitalize, 0.15), ("{}", str.capitalize, 0.03), ("{}", str, 0.01))
"""How a word occurs in text, and how often about: inside a sentence, as a name, at the start, after an opening mark."""

_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_UNUSED = re.compile(r"<unused\d+>")
_SPACE = "▁"
"""SentencePiece's sign for a space."""
_LONGEST_PUNCTUATION = 4
_FIRST_SYLLABARY = 0x1200
"""From here on, letters without case belong to ideographs and syllabaries, which have thousands of characters."""
_FIRST_SYMBOL = 0x2100
"""From here on, signs are symbols, arrows and drawings rather than punctuation."""
_WRITTEN_WITH: Mapping[str, Sequence[str]] = {
    "Hans": ["Han"],
    "Hant": ["Han"],
    "Jpan": ["Han", "Hiragana", "Katakana"],
    "Kore": ["Hangul", "Han"],
}
"""Scripts of Unicode in codes of ISO 15924 that stand for a use of others."""


@dataclass(frozen=True)
class Vocabulary:
    """What a vocabulary is trimmed to."""

    size: int
    """Entries to keep at most."""
    word_lists: Mapping[str, Path]
    """Word list of wordfreq for each language that has one, by its tag."""


def read_words(path: Path) -> Iterator[tuple[str, float]]:
    """The words of a list of the package wordfreq, the most frequent first, each with its frequency (0 to 1).

    Such a list is gzipped msgpack: a header, then for each hundredth of a decade the words of that frequency.

    Raises:
        Unsupported: the file is laid out in another way.
    """
    import msgpack

    with gzip.open(path) as file:
        header, *bins = msgpack.load(file, raw=False)
    if header != {"format": "cB", "version": 1}:
        raise Unsupported(f"{path} is no word list of wordfreq: its header is {header}")
    for centibels, words in enumerate(bins):
        for word in words:
            yield word, 10 ** (-centibels / 100)


def count_tokens(tokenizer: Mapping[str, Any], words: Iterable[tuple[str, float]]) -> dict[str, float]:
    """How often text with these words (each with its frequency) uses each token, up to a common factor."""
    import tokenizers

    encoder = tokenizers.Tokenizer.from_str(json.dumps(tokenizer))
    listed = list(words)
    counts: dict[int, float] = defaultdict(float)
    for pattern, case, share in _FORMS:
        texts = [pattern.format(case(word)) for word, _ in listed]
        encodings = encoder.encode_batch_fast(texts, add_special_tokens=False)
        for (_, frequency), encoding in zip(listed, encodings, strict=True):
            # The fast way of encoding fills in the ids only.
            for number in encoding.ids:
                counts[number] += frequency * share
    names = {number: token for token, number in encoder.get_vocab().items()}
    return {names[number]: count for number, count in counts.items()}


def count_script(tokenizer: Mapping[str, Any], script: str) -> dict[str, float]:
    """How often text in a script uses each token, for a language without a word list: the k-th token of the script that the
    vocabulary learnt counts 1/k (Zipf's law), up to a common factor that makes the sum 1.

    Args:
        tokenizer: With its whole vocabulary.
        script: Code of ISO 15924, "Knda".

    Raises:
        Unsupported: there is no such script.
    """
    written = _letters_of(script)
    vocabulary: Mapping[str, int] = tokenizer["model"]["vocab"]
    tokens = [token for token in vocabulary if (text := token.strip(_SPACE)) and written.fullmatch(text)]
    tokens.sort(key=vocabulary.__getitem__)
    total = sum(1 / rank for rank in range(1, len(tokens) + 1))
    return {token: 1 / rank / total for rank, token in enumerate(tokens, start=1)}


def choose_rows(
    tokenizer: Mapping[str, Any], counts: Mapping[str, float], size: int, scripts: Collection[str] = ()
) -> list[int]:
    """Chooses the tokens to keep.

    These stay in any case: added tokens such as <bos> (but for the unused ones), bytes, single characters (ideographs and
    syllables only of `scripts`), runs of white space and short punctuation. Then the most counted, each with what it is merged
    from.

    Args:
        tokenizer: With its whole vocabulary.
        counts: How often each token is used.
        size: Number of tokens to keep at most.
        scripts: Of the languages, as codes of ISO 15924.

    Returns:
        Rows in ascending order, at most `size` of them, then the row of the unknown token as often as fills up a `MULTIPLE`.

    Raises:
        Unsupported: the tokenizer is no BPE, there is no such script, or `size` has no room for the tokens that stay in any case.
    """
    model = tokenizer["model"]
    if model["type"] != "BPE":
        raise Unsupported(f"a tokenizer of the type {model['type']} cannot be trimmed; BPE can")
    vocabulary = _ids(tokenizer)
    written = [_letters_of(script) for script in scripts]
    ranks = {(left, right): rank for rank, (left, right) in enumerate(model["merges"])}
    added = {token["content"] for token in tokenizer["added_tokens"]}
    kept = {token for token in added & vocabulary.keys() if not _UNUSED.fullmatch(token)}
    for token in vocabulary.keys() - added:
        if _is_basic(token) or (len(token) == 1 and any(letters.fullmatch(token) for letters in written)):
            kept |= {token, *(_merge_path(token, ranks) or ())}
    if len(kept) > size:
        raise Unsupported(f"{size} entries are too few: {len(kept)} tokens stay in any case")
    for token in sorted(counts, key=lambda token: (-counts[token], vocabulary[token])):
        # A token that no merges lead to is never produced; None says so.
        path = None if token in kept else _merge_path(token, ranks)
        if path is not None and len(kept) + len(new := {token, *path} - kept) <= size:
            kept |= new
    rows = sorted(vocabulary[token] for token in kept)
    filler = vocabulary[model["unk_token"]] if model["unk_token"] in vocabulary else rows[0]
    return rows + [filler] * (-len(rows) % MULTIPLE)


def trim_tokenizer(tokenizer: Mapping[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    """The tokenizer over the chosen rows. Rows that only fill up get tokens that no text is cut into."""
    new_ids = _new_ids(rows)
    model = tokenizer["model"]
    vocabulary = {token: new_ids[row] for token, row in _ids(tokenizer).items() if row in new_ids}
    merges = [[a, b] for a, b in model["merges"] if a in vocabulary and b in vocabulary and a + b in vocabulary]
    spare = {f"<spare{place}>": place for place in range(len(new_ids), len(rows))}
    trimmed = {
        **tokenizer,
        "added_tokens": [
            {**token, "id": new_ids[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in new_ids
        ],
        "model": {**model, "vocab": {**vocabulary, **spare}, "merges": merges},
    }
    if post_processor := tokenizer.get("post_processor"):
        trimmed["post_processor"] = {**post_processor}
        if special_tokens := post_processor.get("special_tokens"):
            trimmed["post_processor"]["special_tokens"] = {
                name: {**token, "ids": [new_ids[row] for row in token["ids"]]} for name, token in special_tokens.items()
            }
    return trimmed


def trim_settings(settings: Mapping[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    """A model's or its generation's configuration with the new numbers of tokens, and the new size where it has one."""
    new_ids = _new_ids(rows)

    def renumbered(value: int | list[int]) -> int | list[int]:
        return [new_ids[row] for row in value] if isinstance(value, list) else new_ids[value]

    trimmed = {
        key: renumbered(value) if key.endswith("_token_id") and value is not None else value
        for key, value in settings.items()
    }
    return trimmed | ({"vocab_size": len(rows)} if "vocab_size" in settings else {})


def trim_weights(weights: Mapping[str, Any], rows: Sequence[int]) -> dict[str, Any]:
    """The weights by name, with the chosen rows of the embedding and of the output layer, both [vocabulary, hidden]."""
    return {
        name: tensor[list(rows)] if name.endswith(("embed_tokens.weight", "lm_head.weight")) else tensor
        for name, tensor in weights.items()
    }


def trim_file(
    path: Path, vocabulary: Vocabulary, scripts: Collection[str] = (), unlisted: Collection[str] = ()
) -> list[int]:
    """Trims a tokenizer.json in its place.

    Args:
        path: The file.
        vocabulary: What it is trimmed to.
        scripts: Of the languages, as codes of ISO 15924.
        unlisted: Those of them that are the script of a language without a word list.

    Returns:
        The rows of the embedding that stay, as `choose_rows` does.

    Raises:
        Unsupported: as `choose_rows` and `read_words` do.
    """
    tokenizer = json.loads(path.read_bytes())
    words = (word for word_list in vocabulary.word_lists.values() for word in read_words(word_list))
    counts = count_tokens(tokenizer, words)
    for script in unlisted:
        for token, count in count_script(tokenizer, script).items():
            counts[token] = counts.get(token, 0) + count
    rows = choose_rows(tokenizer, counts, vocabulary.size, scripts)
    path.write_text(json.dumps(trim_tokenizer(tokenizer, rows), ensure_ascii=False), encoding="utf-8")
    return rows


def _ids(tokenizer: Mapping[str, Any]) -> dict[str, int]:
    """All tokens with their ids. A tokenizer may have added tokens that its BPE model does not know."""
    return {**tokenizer["model"]["vocab"], **{token["content"]: token["id"] for token in tokenizer["added_tokens"]}}


def _new_ids(rows: Sequence[int]) -> dict[int, int]:
    """New number of each token that is kept, by its row. A row that fills up comes second, so the first place counts."""
    new_ids: dict[int, int] = {}
    for row in rows:
        new_ids.setdefault(row, len(new_ids))
    return new_ids


def _letters_of(script: str) -> Any:
    """A pattern for text that is written in a script."""
    import regex

    try:
        return regex.compile(
            "".join(["[", *(rf"\p{{sc={name}}}" for name in _WRITTEN_WITH.get(script, [script])), "]+"])
        )
    except regex.error:
        raise Unsupported(f"there is no script {script!r}") from None


def _is_basic(token: str) -> bool:
    """Whether a token is kept without being counted."""
    if _BYTE.fullmatch(token):
        return True
    if len(token) == 1:
        return ord(token) < _FIRST_SYLLABARY or unicodedata.category(token) != "Lo"
    if token.strip(_SPACE).strip() == "":
        return True
    return len(token) <= _LONGEST_PUNCTUATION and all(
        character == _SPACE or (ord(character) < _FIRST_SYMBOL and not character.isalnum()) for character in token
    )


def _merge_path(token: str, ranks: Mapping[tuple[str, str], int]) -> list[str] | None:
    """The tokens that BPE builds on the way to a token, itself included; None when it does not get there."""
    parts, built = list(token), []
    while len(parts) > 1:
        rank, place = min((ranks.get(pair, len(ranks)), place) for place, pair in enumerate(pairwise(parts)))
        if rank == len(ranks):
            return None
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
        built.append(parts[place])
    return built
