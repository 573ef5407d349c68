"""`maatu models convert` as typed, on tiny checkpoints with random weights through the real converters."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from typer.testing import CliRunner, Result

from maatu_client.models import checkpoint_repository, prompted
from maatu_client.models.cli import models_app
from maatu_client.models.fake_hub import COMMIT, FakeHub
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore

CARD = "---\nlicense: cc-by-nc-4.0\n---\n# A model\n"
TOKENS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    *"▁abcdefghijklmnopqrstuvwxyz.",
    "eng_Latn",
    "hin_Deva",
    "kan_Knda",
    "<mask>",
]
EXAMPLES = "en\tkn\nGood morning.\tಶುಭೋದಯ.\nIf it rains,\tಮಳೆ ಬಂದರೆ,\n"

runner = CliRunner(env={"COLUMNS": "220"})


def save_tokenizer(directory: Path, tokens: list[str]) -> None:
    import tokenizers

    model = tokenizers.models.BPE({token: place for place, token in enumerate(tokens)}, [], unk_token="<unk>")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.add_special_tokens([token for token in tokens if len(token) > 1])
    tokenizer.save(str(directory / "tokenizer.json"))


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An NLLB-200 of 36 tokens, with a model card."""
    import torch
    from transformers import M2M100Config, M2M100ForConditionalGeneration

    torch.manual_seed(1)
    config = M2M100Config(
        vocab_size=len(TOKENS),
        d_model=16,
        max_position_embeddings=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
    )
    directory = tmp_path_factory.mktemp("nllb") / "tiny-nllb"
    model: Any = M2M100ForConditionalGeneration(config)
    model.save_pretrained(directory)
    save_tokenizer(directory, TOKENS)
    (directory / "README.md").write_text(CARD)
    return directory


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of as many tokens."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(1)
    directory = tmp_path_factory.mktemp("decoder") / "tiny-llama"
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(TOKENS),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=1,
            num_attention_heads=2,
            num_key_value_heads=2,
        )
    )
    model.save_pretrained(directory)
    save_tokenizer(directory, TOKENS)
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
    }
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    return directory


def convert(root: Path, family: str, source: Path | str, *options: str) -> Result:
    arguments = ["convert", family, "--from", str(source), *options, "--models-dir", str(root / "models")]
    return runner.invoke(models_app, arguments)


def kind(directory: Path, model_type: str) -> Path:
    """A directory that says of itself what it is and holds no more."""
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps({"model_type": model_type}))
    (directory / "model.safetensors").write_bytes(b"x")
    return directory


def test_a_directory_is_converted_with_the_steps_told_and_the_licence_of_its_card(tmp_path: Path, nllb: Path) -> None:
    import ctranslate2

    result = convert(tmp_path, "nllb", nllb, "--quantization", "int8")
    assert result.exit_code == 0, result.stderr
    steps = [line.removeprefix("tiny-nllb: ") for line in result.stdout.splitlines()]
    assert steps[0] == "converting to ctranslate2-int8"
    assert steps[1].startswith("installing, converted in ")
    assert steps[2:] == ["ready"]
    store = ModelStore(tmp_path / "models")
    manifest = store.verify("tiny-nllb")
    assert (manifest.family, manifest.format) == ("nllb", "ctranslate2-int8")
    assert (manifest.licence, manifest.source) == ("cc-by-nc-4.0", "nllb tiny-nllb")
    assert {"ctranslate2", "torch", "transformers"} <= set(manifest.created_by)
    assert json.loads((store.path("tiny-nllb") / "translation.json").read_text())["languages"] == TOKENS[-4:-1]
    translator = ctranslate2.Translator(str(store.path("tiny-nllb")), compute_type="int8", intra_threads=1)
    (result_,) = translator.translate_batch(
        [["eng_Latn", "a", "b", "</s>"]], target_prefix=[["kan_Knda"]], max_decoding_length=4
    )
    assert result_.hypotheses[0][0] == "kan_Knda"


def test_an_nllb_is_trimmed_to_the_languages_that_are_named(tmp_path: Path, nllb: Path, models_dir: Path) -> None:
    wheels = str(models_dir.parent / "wheels")
    result = convert(tmp_path, "nllb", nllb, "--languages", "hin,kn-IN", "--name", "pair", "--wheels-dir", wheels)
    assert result.exit_code == 0, result.stderr
    store = ModelStore(tmp_path / "models")
    assert store.verify("pair").source == (
        "nllb tiny-nllb; vocabulary trimmed to 65536 entries for hi by the word lists of wordfreq==3.1.1 (code Apache-2.0, data "
        "CC-BY-SA-4.0) and for kn-IN by script"
    )
    directory = store.path("pair")
    assert json.loads((directory / "translation.json").read_text())["languages"] == ["hin_Deva", "kan_Knda"]
    tokens = json.loads((directory / "shared_vocabulary.json").read_text())
    assert [token for token in tokens if not token.startswith("<spare")] == TOKENS, "all of so few stay"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--languages", "kn"], "with kn alone there is nothing to translate: name two languages or more"),
        (["--languages", "kn,kn-IN"], "with kan_Knda alone there is nothing to translate: name two languages or more"),
        (["--languages", "kn,tlh"], 'the model does not have "tlh"; it has en, hi, kn'),
    ],
)
def test_languages_that_a_model_cannot_be_trimmed_to_are_refused(
    tmp_path: Path, nllb: Path, models_dir: Path, options: list[str], message: str
) -> None:
    result = convert(tmp_path, "nllb", nllb, *options, "--wheels-dir", str(models_dir.parent / "wheels"))
    assert result.exit_code == 1
    assert message in result.stderr
    assert not (tmp_path / "models" / "tiny-nllb").exists()


@pytest.mark.parametrize(
    "options", [["--entries", "9000"], ["--languages", ","], ["--languages", " ", "--entries", "1"]]
)
def test_entries_and_commas_without_a_language_are_refused(tmp_path: Path, nllb: Path, options: list[str]) -> None:
    result = convert(tmp_path, "nllb", nllb, *options)
    assert result.exit_code == 2
    assert "name the languages: --languages kn,en" in result.stderr


def test_a_checkpoint_of_a_fake_hub_is_converted_by_its_id(
    tmp_path: Path, nllb: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    files = {path.name: path.read_bytes() for path in nllb.iterdir()}
    unwanted = {"pytorch_model.bin": b"the same once more", "onnx/config.json": b"{}", "picture.png": b"x"}
    with FakeHub({"org/nllb": {**files, **unwanted}}) as hub:
        template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
        endpoint = huggingface_hub.constants.ENDPOINT
        monkeypatch.setattr(
            huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template.replace(endpoint, hub.endpoint)
        )
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
        result = convert(tmp_path, "nllb", "org/nllb", "--quantization", "float32")
        assert result.exit_code == 0, result.stderr
        fetched = {line.rpartition(COMMIT)[2] for line in hub.requested if line.startswith("GET /org/nllb/resolve")}
        assert {name.removeprefix("/").partition(" ")[0] for name in fetched} == set(files)
    manifest = ModelStore(tmp_path / "models").verify("org--nllb")
    assert (manifest.source, manifest.licence) == (f"org/nllb@{COMMIT}", "cc-by-nc-4.0")


def test_weights_of_another_family_are_not_fetched_from_a_fake_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    files = {"config.json": b'{"model_type": "marian"}', "model.safetensors": b"weights"}
    with FakeHub({"org/opus": files}) as hub:
        with pytest.raises(Unsupported, match="type marian, not nllb: `maatu models convert marian` converts it"):
            checkpoint_repository.fetch_checkpoint("org/opus", "nllb", endpoint=hub.endpoint)
        assert not any("model.safetensors" in line for line in hub.requested)


def test_without_a_hub_the_message_names_the_command_that_converts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    with FakeHub({}) as closed:
        pass
    with pytest.raises(ModelNotInstalled) as raised:
        checkpoint_repository.fetch_checkpoint("org/opus", "marian", endpoint=closed.endpoint)
    assert "run `maatu models convert marian --from org/opus`" in raised.value.message
    assert "into a directory DIR; then run `maatu models convert marian --from DIR`" in raised.value.message


@pytest.mark.parametrize(
    ("family", "model_type", "named"),
    [
        ("nllb", "marian", "`maatu models convert marian` converts it"),
        ("marian", "m2m_100", "`maatu models convert nllb` or `maatu models convert m2m100` converts it"),
        ("marian", "t5", "`maatu models convert madlad` converts it"),
        ("m2m100", "whisper", "`maatu models convert whisper` converts it"),
        ("madlad", "qwen2", "`maatu models convert prompted` converts it"),
        ("madlad", "IndicTrans", "`maatu models convert indictrans2` converts it"),
        ("nllb", "bert", "of the type bert, not nllb"),
    ],
)
def test_a_checkpoint_of_another_family_is_named_with_its_own(
    tmp_path: Path, family: str, model_type: str, named: str
) -> None:
    result = convert(tmp_path, family, kind(tmp_path / "source", model_type))
    assert result.exit_code == 1
    assert named in result.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("nllb", ["--source-languages", "es"], "--source-languages goes with the family marian, not nllb"),
        ("m2m100", ["--languages", "kn,en"], "--languages goes with the family nllb, not m2m100"),
        ("nllb", ["--languages", "kn,Kannada"], '"Kannada" is no code of a language'),
        ("marian", ["--tokenizer", "."], "--tokenizer goes with the family whisper, not marian"),
        ("prompted", [], "the family prompted needs --examples"),
        ("nllb", ["--quantization", "int3"], "'int3' is no quantization"),
        ("opus", [], "there is no converter for the family 'opus'"),
    ],
)
def test_options_that_do_not_go_with_a_family_are_refused(
    tmp_path: Path, family: str, options: list[str], message: str
) -> None:
    result = convert(tmp_path, family, kind(tmp_path / "source", "bert"), *options)
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_decoder_is_converted_with_the_examples_it_is_shown(tmp_path: Path, decoder: Path) -> None:
    import ctranslate2

    (tmp_path / "examples.tsv").write_text(EXAMPLES, encoding="utf-8")
    result = convert(tmp_path, "prompted", decoder, "--examples", str(tmp_path / "examples.tsv"))
    assert result.exit_code == 0, result.stderr
    store = ModelStore(tmp_path / "models")
    assert store.verify("tiny-llama").family == "llama"
    assert json.loads((store.path("tiny-llama") / "translation.json").read_text(encoding="utf-8")) == {
        "languages": {"en": "English", "kn": "ಕನ್ನಡ"},
        "examples": [{"en": "Good morning.", "kn": "ಶುಭೋದಯ."}, {"en": "If it rains,", "kn": "ಮಳೆ ಬಂದರೆ,"}],
    }
    generator = ctranslate2.Generator(str(store.path("tiny-llama")), compute_type="int8", intra_threads=1)
    (output,) = generator.generate_batch([["<s>", "a"]], max_length=2, include_prompt_in_result=False)
    assert len(output.sequences[0]) <= 2
    assert (store.path("tiny-llama") / "tokenizer.json").read_bytes() == (decoder / "tokenizer.json").read_bytes()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "holds no examples"),
        ("en\nGood morning.\n", "at least two languages"),
        ("English\tKannada\na\tb\n", "the first line names the languages by their tags"),
        ("en\ten\na\tb\n", "the first line names the languages by their tags"),
        ("en\ttcy\na\tb\n", 'Write "tcy=NAME"'),
        ("en\ttcy=English\na\tb\n", "each with a name of its own"),
        ("en\tkn\na\tb\tc\n", "line 2: 2 fields are needed"),
        ("en\tkn\na\t\n", "line 2: 2 fields are needed, of which two"),
        ("en\tkn\n", "has no example with en, kn"),
        ("en\tkn\tes\na\tb\t\n", "has no example with es"),
    ],
)
def test_a_table_of_examples_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, table: str, message: str
) -> None:
    (tmp_path / "examples.tsv").write_text(table, encoding="utf-8")
    with pytest.raises(Unsupported, match=message):
        prompted.read_examples(tmp_path / "examples.tsv")


def test_a_language_can_be_named_in_the_table(tmp_path: Path) -> None:
    (tmp_path / "examples.tsv").write_text("pt-BR\ttcy=ತುಳು\na\tb\n", encoding="utf-8")
    assert prompted.read_examples(tmp_path / "examples.tsv")["languages"] == {"pt-BR": "Português", "tcy": "ತುಳು"}


@pytest.fixture
def heeds_ctrl_c() -> Iterator[None]:
    """Where the tests run in the background, Ctrl-C is ignored, and every process they start inherits that."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
def test_ctrl_c_while_converting_leaves_nothing_behind(tmp_path: Path, nllb: Path) -> None:
    command = [sys.executable, "-u", "-m", "maatu_client", "models", "convert", "nllb", "--from", str(nllb)]
    command += ["--models-dir", str(tmp_path / "models")]
    # In a session of its own, whose processes all get the signal, as those of a terminal do.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"tiny-nllb: converting to ctranslate2-int8\n"
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert [entry.name for entry in (tmp_path / "models").iterdir()] == [".lock-tiny-nllb"]
    # The conversion is killed; on a busy machine that takes a moment longer than the command.
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
