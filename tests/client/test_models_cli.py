"""`maatu models` as typed, and the embedded models as the engines load them."""

import struct
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maatu_client.models import catalog
from maatu_client.models.cli import models_app
from maatu_runtime.models import ModelStore

runner = CliRunner(env={"COLUMNS": "220"})


def test_list_shows_what_is_ready_damaged_and_missing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path)
    for name in ("whisper-base", "mine"):
        with store.install(name, family="whisper", format="f", licence="MIT", source="s", created_by={}) as staging:
            (staging / "model.bin").write_bytes(b"x" * (2 << 20))
    (tmp_path / "gemma-3-270m").mkdir()
    result = runner.invoke(models_app, ["list", "--models-dir", str(tmp_path)])
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert set(lines) == {*catalog.MODELS, "mine"}
    assert lines["whisper-base"].split()[-2:] == ["2", "ready"]
    assert "your own" in lines["mine"]
    assert "damaged" in lines["gemma-3-270m"]
    assert "Gemma Terms of Use" in lines["gemma-3-270m"]
    assert "not installed" in lines["whisper-tiny.en"]
    assert "not installed (Systran/faster-whisper-small)" in lines["whisper-small"]


def test_pull_of_models_that_are_there_says_ready(models_dir: Path) -> None:
    result = runner.invoke(models_app, ["pull", "embedded", "--models-dir", str(models_dir)])
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [f"{name}: ready" for name in catalog.EMBEDDED]


def test_pull_of_an_unknown_name_ends_with_status_1_and_the_known_names(tmp_path: Path) -> None:
    result = runner.invoke(models_app, ["pull", "whisper-huge", "--models-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "there is no model or set 'whisper-huge'" in result.stderr
    assert "whisper-base" in result.stderr


def test_pull_from_a_directory_goes_with_one_hub_model(tmp_path: Path) -> None:
    result = runner.invoke(models_app, ["pull", "embedded", "--from", str(tmp_path), "--models-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "exactly one hub model" in result.stderr


def test_pull_of_a_hub_model_from_a_directory_installs_it(tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    for name in catalog.HUB["whisper-small"].files:
        (tmp_path / "brought" / name).write_bytes(b"x")
    arguments = ["pull", "whisper-small", "--from", str(tmp_path / "brought"), "--models-dir", str(tmp_path / "models")]
    result = runner.invoke(models_app, arguments)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "whisper-small: ready")
    ModelStore(tmp_path / "models").verify("whisper-small")


def test_convert_refuses_a_model_that_does_not_fit_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 0))
    arguments = ["convert", "gguf-decoder", "--from", str(tmp_path / "x.gguf"), "--name", "mine"]
    result = runner.invoke(models_app, [*arguments, "--models-dir", str(tmp_path / "models")])
    assert result.exit_code == 1
    assert "architecture unknown" in result.stderr
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize("name", ["whisper-base", "mine"])
def test_convert_does_not_take_a_name_that_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    source = tmp_path / "source"
    source.mkdir()
    (source / "config.json").write_text('{"model_type": "whisper"}')
    (source / "model.safetensors").touch()
    (source / "tokenizer.json").touch()
    arguments = ["convert", "whisper", "--from", str(source), "--name", name, "--models-dir", str(tmp_path / "models")]
    result = runner.invoke(models_app, arguments)
    assert result.exit_code == 1
    assert f"the name {name} is taken" in result.stderr


@pytest.mark.parametrize("name", ["whisper-tiny.en", "whisper-base"])
def test_the_embedded_whispers_load_in_faster_whisper(models_dir: Path, name: str) -> None:
    from faster_whisper import WhisperModel

    model = WhisperModel(str(ModelStore(models_dir).path(name)), compute_type="int8", cpu_threads=1)
    assert model.model.is_multilingual == (name == "whisper-base")


@pytest.mark.parametrize(
    ("name", "prompt", "expected"),
    [
        (
            "smollm2-135m-instruct",
            "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
            "Paris",
        ),
        (
            "gemma-3-270m",
            (
                "<bos>English: I would like a coffee, please.\nSpanish: Me gustaría un café, por favor.\n"
                "English: How are you?\nSpanish: ¿Cómo estás?\nEnglish: Where is the train station?\nSpanish:"
            ),
            "¿Dónde está",
        ),
    ],
)
def test_the_embedded_language_models_speak_with_ctranslate2_and_tokenizers_alone(
    models_dir: Path, name: str, prompt: str, expected: str
) -> None:
    import ctranslate2
    import tokenizers

    path = ModelStore(models_dir).path(name)
    tokenizer = tokenizers.Tokenizer.from_file(str(path / "tokenizer.json"))
    generator = ctranslate2.Generator(str(path), compute_type="int8", intra_threads=1)
    tokens = tokenizer.encode(prompt, add_special_tokens=False).tokens
    result = generator.generate_batch([tokens], max_length=12, sampling_topk=1, include_prompt_in_result=False)
    assert expected in tokenizer.decode(result[0].sequences_ids[0])
