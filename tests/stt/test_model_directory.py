"""Whole Whisper directories and ones that are broken in every way that is told apart: real files."""

import json
import shutil
from pathlib import Path

import pytest

from maatu_runtime.errors import ConfigurationError
from maatu_stt.engine.model_directory import check_directory
from maatu_stt.engine.weights_file import read_weights_file


@pytest.fixture
def directory(tmp_path: Path, models_dir: Path) -> Path:
    """A copy of whisper-tiny.en whose files may be changed; the weights are linked."""
    copy = tmp_path / "model"
    shutil.copytree(models_dir / "whisper-tiny.en", copy, ignore=shutil.ignore_patterns("model.bin", "manifest.json"))
    (copy / "model.bin").symlink_to((models_dir / "whisper-tiny.en" / "model.bin").resolve())
    return copy


def refusal(directory: Path, name: str = "mine") -> str:
    """The message with which a model is refused; it is one line."""
    with pytest.raises(ConfigurationError) as raised:
        check_directory(name, directory)
    message = str(raised.value)
    assert "\n" not in message
    return message


def replaced(path: Path, content: bytes | str) -> None:
    """Writes a file in the place of a link."""
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("file", ["config.json", "model.bin", "tokenizer.json", "vocabulary.txt"])
def test_a_missing_file_is_named_with_the_command_that_gets_it(directory: Path, file: str) -> None:
    (directory / file).unlink()
    message = refusal(directory, name="org/mine")
    assert file in message
    assert f"{directory} has no " in message
    assert "Get it again: `maatu models pull org/mine`" in message


def test_a_missing_file_in_a_directory_of_ones_own_is_to_be_put_there(directory: Path) -> None:
    (directory / "config.json").unlink()
    message = refusal(directory, name=str(directory))
    assert "has no config.json. Put the files of a whole faster-whisper model there" in message


@pytest.mark.parametrize("weights", ["model.safetensors", "model-00001-of-00002.safetensors", "pytorch_model.bin"])
def test_a_checkpoint_that_is_not_converted_says_how_to_convert_it(directory: Path, weights: str) -> None:
    (directory / "model.bin").unlink()
    (directory / weights).touch()
    message = refusal(directory)
    assert f"is a Hugging Face checkpoint ({weights}) that is not converted" in message
    assert f"`maatu models convert whisper --from {directory} --name NAME`" in message


def test_a_model_of_another_family_is_refused(models_dir: Path) -> None:
    message = refusal(models_dir / "smollm2-135m-instruct", name="smollm2-135m-instruct")
    assert "smollm2-135m-instruct is no Whisper model" in message
    assert "is a TransformerDecoderSpec" in message
    assert "MAATU_STT_MODELS" in message


@pytest.mark.parametrize("kept", [1_000, 30_000_000, -100, -1])
def test_a_truncated_model_is_refused_before_it_is_loaded(directory: Path, kept: int) -> None:
    replaced(directory / "model.bin", (directory / "model.bin").read_bytes()[:kept])
    assert "model.bin is damaged, or only the beginning of a file" in refusal(directory)


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        (b"", "is not a CTranslate2 model"),
        (b"PK\x03\x04 a PyTorch file in the place of the converted one", "is not a CTranslate2 model"),
        (b"\x06\0\0\0\x0c\0WhisperSpec\0\x03\0\0\0\xff\xff\xff\xff" + b"\xff" * 64, "is damaged"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", "is a pointer of Git LFS"),
    ],
)
def test_rubbish_in_the_place_of_the_weights_is_refused(directory: Path, content: bytes, defect: str) -> None:
    replaced(directory / "model.bin", content)
    assert f"model.bin {defect}" in refusal(directory)


@pytest.mark.parametrize("content", ["rubbish", "", "[]", "\x00", '{"half": '])
@pytest.mark.parametrize("file", ["config.json", "preprocessor_config.json", "tokenizer.json"])
def test_rubbish_in_the_place_of_another_file_is_refused_with_its_name(
    directory: Path, file: str, content: str
) -> None:
    replaced(directory / file, content)
    message = refusal(directory)
    assert f"{directory / file} is no " in message
    assert "Get it again: `maatu models pull mine`" in message


def test_a_vocabulary_or_tokenizer_of_another_model_is_refused(directory: Path, models_dir: Path) -> None:
    shutil.copy(models_dir / "whisper-base" / "tokenizer.json", directory)
    assert "tokenizer.json is not the tokenizer of this model" in refusal(directory)
    shutil.copy(models_dir / "smollm2-135m-instruct" / "tokenizer.json", directory)
    assert "tokenizer.json is not the tokenizer of this model" in refusal(directory)


@pytest.mark.parametrize("content", ["a\nb\n", ""])
def test_a_vocabulary_that_is_too_short_is_refused(directory: Path, content: str) -> None:
    replaced(directory / "vocabulary.txt", content)
    assert "vocabulary.txt has <|endoftext|> elsewhere" in refusal(directory)


def test_a_vocabulary_in_json_is_read_too(directory: Path) -> None:
    tokens = (directory / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    (directory / "vocabulary.txt").unlink()
    (directory / "vocabulary.json").write_text(json.dumps(tokens))
    assert check_directory("mine", directory) == "float16"
    (directory / "vocabulary.json").write_text('{"a": 1}')
    assert "vocabulary.json is no JSON list" in refusal(directory)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alignment_heads", None),
        ("alignment_heads", []),
        ("alignment_heads", [[4, 0]]),  # ends CTranslate2 with a segmentation fault, as do the next and the last
        ("alignment_heads", [[-1, 0]]),
        ("alignment_heads", [[1]]),
        ("suppress_ids", "all"),
        ("suppress_ids", [51_864]),
    ],
)
def test_a_config_that_would_end_the_process_or_lose_word_times_is_refused(
    directory: Path, field: str, value: object
) -> None:
    path = directory / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | {field: value}))
    assert f"config.json has no usable {field}. Convert its checkpoint" in refusal(directory)
    del config[field]
    path.write_text(json.dumps(config))
    assert f"config.json has no usable {field}." in refusal(directory)


def test_a_multilingual_model_must_name_its_languages(tmp_path: Path, models_dir: Path) -> None:
    shutil.copytree(models_dir / "whisper-base", tmp_path / "base", copy_function=lambda a, b: Path(b).symlink_to(a))
    path = tmp_path / "base" / "config.json"
    replaced(path, json.dumps(json.loads(path.read_text()) | {"lang_ids": []}))
    assert "config.json has no usable lang_ids" in refusal(tmp_path / "base")


def test_the_type_that_weights_are_stored_in_is_read(models_dir: Path) -> None:
    assert read_weights_file(models_dir / "whisper-base" / "model.bin").compute_type == "float16"
    assert read_weights_file(models_dir / "gemma-3-270m" / "model.bin").compute_type == "int8_float32"
