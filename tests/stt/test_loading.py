"""Finding and loading models: real files, whole and broken in every way that is told apart."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from structlog.testing import capture_logs

from maatu_runtime.errors import ConfigurationError, ModelNotInstalled
from maatu_runtime.models import ModelStore, hub_id, installed_name
from maatu_stt.engine import loading
from maatu_stt.engine.loading import COMPUTE_TYPES, Placement, load_whisper, resolve_model
from maatu_stt.engine.weights_file import read_weights_file

CPU = Placement()
CUDA = Placement(device="cuda")
NO_LIBRARY = "Library libcublas.so.12 is not found or cannot be loaded"
NO_DRIVER = "CUDA driver version is insufficient for CUDA runtime version"


@pytest.fixture
def directory(tmp_path: Path, models_dir: Path) -> Path:
    """A copy of whisper-tiny.en whose files may be changed; the weights are linked."""
    copy = tmp_path / "model"
    shutil.copytree(models_dir / "whisper-tiny.en", copy, ignore=shutil.ignore_patterns("model.bin", "manifest.json"))
    (copy / "model.bin").symlink_to((models_dir / "whisper-tiny.en" / "model.bin").resolve())
    return copy


def refusal(directory: Path, placement: Placement = CPU, name: str = "mine") -> str:
    """The message with which a model does not load; it is one line."""
    with pytest.raises(ConfigurationError) as raised:
        load_whisper(name, directory, placement)
    message = str(raised.value)
    assert "\n" not in message
    return message


def replaced(path: Path, content: bytes | str) -> None:
    """Writes a file in the place of a link."""
    path.unlink(missing_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """CTranslate2 says that there is one GPU."""
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 1)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", lambda *_: {"float16", "int8", "float32"})


def fake_whisper(monkeypatch: pytest.MonkeyPatch, *, at_load: str = "", at_encode: str = "") -> list[dict[str, Any]]:
    """Puts a model in the place of faster-whisper's that fails as told; gives the options that it is made with."""
    made: list[dict[str, Any]] = []

    class Model:
        n_mels = 80
        device = "cuda"
        compute_type = "int8_float16"

        def encode(self, features: object, to_cpu: bool) -> None:
            if at_encode:
                raise RuntimeError(at_encode)

    class Whisper:
        def __init__(self, directory: str, **options: Any) -> None:
            made.append(options)
            if at_load:
                raise RuntimeError(at_load)
            self.model = Model()
            self.feature_extractor = FeatureExtractor()

    monkeypatch.setattr(loading, "WhisperModel", Whisper)
    return made


def test_a_model_loads_as_configured_and_says_so(directory: Path) -> None:
    with capture_logs() as logs:
        model = load_whisper("mine", directory, Placement(threads=1, workers=2))
    assert model.model.device == "cpu"
    assert model.model.compute_type == "int8_float32"
    assert model.model.num_workers == 2
    assert logs == [
        {"event": "model loaded", "log_level": "info", "model": "mine", "device": "cpu", "compute_type": "int8_float32"}
    ]


def test_a_stored_type_that_the_cpu_lacks_is_warned_of_with_both_names(directory: Path) -> None:
    with capture_logs() as logs:
        model = load_whisper("mine", directory, Placement(compute_type="default"))
    assert model.model.compute_type == "float32"
    (line,) = logs
    assert line["log_level"] == "warning"
    assert (line["wanted"], line["compute_type"]) == ("float16", "float32")
    assert "MAATU_STT_COMPUTE_TYPE=auto" in line["event"]


def test_auto_takes_the_fastest_type_and_the_cpu_where_there_is_no_gpu(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    with capture_logs() as logs:
        model = load_whisper("mine", directory, Placement(device="auto", compute_type="auto"))
    assert (model.model.device, model.model.compute_type) == ("cpu", "int8_float32")
    assert [line["log_level"] for line in logs] == ["info"]


def test_a_compute_type_that_the_cpu_lacks_is_refused_with_those_it_has(directory: Path) -> None:
    message = refusal(directory, Placement(compute_type="int8_float16"))
    supported = ", ".join(sorted(ctranslate2.get_supported_compute_types("cpu")))
    assert message == (
        f"cpu does not compute in int8_float16. Set MAATU_STT_COMPUTE_TYPE to one of {supported}, or to auto, which takes the "
        "fastest of them"
    )


def test_a_compute_type_that_does_not_exist_is_refused_with_those_that_do(directory: Path) -> None:
    message = refusal(directory, Placement(compute_type="int4"))
    assert "'int4' is no compute type" in message
    assert "MAATU_STT_COMPUTE_TYPE to one of float32, int8" in message


def test_every_compute_type_named_is_one_of_ctranslate2(directory: Path) -> None:
    lacking = set(COMPUTE_TYPES) - {"default", "auto"} - ctranslate2.get_supported_compute_types("cpu")
    assert lacking
    for compute_type in lacking:
        with pytest.raises(ValueError, match=f"Requested {compute_type} compute type"):
            ctranslate2.models.Whisper(str(directory), compute_type=compute_type)


def test_cuda_without_a_gpu_names_the_setting(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(*_: object) -> set[str]:
        raise RuntimeError(f"CUDA failed with error {NO_DRIVER}")

    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: 0)
    monkeypatch.setattr(ctranslate2, "get_supported_compute_types", no_driver)
    message = refusal(directory, CUDA)
    assert message.startswith("MAATU_STT_DEVICE=cuda, but no GPU can be used here (CUDA failed with error CUDA driver")
    assert "or set MAATU_STT_DEVICE=cpu, or auto" in message


@pytest.mark.usefixtures("a_gpu")
def test_a_gpu_that_is_not_there_is_refused_with_fake_cuda(directory: Path) -> None:
    message = refusal(directory, Placement(device="cuda", device_index=3))
    assert "MAATU_STT_DEVICE=cuda, but GPU 3 is asked for, of 1." in message


@pytest.mark.usefixtures("a_gpu")
def test_auto_takes_the_gpu_with_fake_cuda(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = fake_whisper(monkeypatch)
    load_whisper("mine", directory, Placement(device="auto", threads=3, workers=2))
    assert made == [
        {
            "device": "cuda",
            "device_index": 0,
            "compute_type": "int8",
            "cpu_threads": 3,
            "num_workers": 2,
            "local_files_only": True,
        }
    ]


@pytest.mark.usefixtures("a_gpu")
@pytest.mark.parametrize(
    ("at_load", "at_encode", "remedy"),
    [
        ("", NO_LIBRARY, "the package nvidia-cublas-cu12 has them), or set MAATU_STT_DEVICE=cpu"),
        (f"CUDA failed with error {NO_DRIVER}", "", "or set MAATU_STT_DEVICE=cpu"),
        ("CUDA failed with error out of memory", "", "Set MAATU_STT_COMPUTE_TYPE=int8, choose a smaller model"),
        ("", "CUDA failed with error no kernel image is available for execution on the device", "MAATU_STT_DEVICE=cpu"),
    ],
)
def test_what_fails_on_a_gpu_names_the_setting_with_fake_cuda(
    directory: Path, monkeypatch: pytest.MonkeyPatch, at_load: str, at_encode: str, remedy: str
) -> None:
    fake_whisper(monkeypatch, at_load=at_load, at_encode=at_encode)
    message = refusal(directory, CUDA)
    assert f"the model mine does not run on cuda with MAATU_STT_COMPUTE_TYPE=int8: {at_load or at_encode}. " in message
    assert remedy in message


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
    load_whisper("mine", directory, CPU)
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


def test_mel_bands_are_those_of_the_model_whatever_the_files_say(directory: Path) -> None:
    (directory / "preprocessor_config.json").write_text('{"feature_size": 128, "n_fft": 400}')
    with capture_logs() as logs:
        model = load_whisper("mine", directory, CPU)
    assert (logs[0]["used"], logs[0]["said"]) == (80, 128)
    features = model.feature_extractor(np.zeros(16_000, np.float32))
    assert features.shape[0] == 80
    model.encode(features)


def test_a_failure_that_is_not_foreseen_is_told_in_ctranslate2s_words(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_whisper(monkeypatch, at_load="Unsupported model revision")
    message = refusal(directory)
    assert "does not run on cpu with MAATU_STT_COMPUTE_TYPE=int8: Unsupported model revision. Get it again" in message


def test_the_type_that_weights_are_stored_in_is_read(models_dir: Path) -> None:
    assert read_weights_file(models_dir / "whisper-base" / "model.bin").compute_type == "float16"
    assert read_weights_file(models_dir / "gemma-3-270m" / "model.bin").compute_type == "int8_float32"


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(tmp_path / "models")
    for name in ("whisper-base", "Systran--faster-whisper-small"):
        with store.install(name, family="whisper", format="f", licence="MIT", source="s", created_by={}) as staging:
            (staging / "model.bin").write_bytes(b"x")
    return store


def test_a_name_is_a_model_that_is_installed(store: ModelStore) -> None:
    assert resolve_model("whisper-base", store) == store.root / "whisper-base"


def test_a_hub_id_is_the_model_that_was_pulled_by_it(store: ModelStore) -> None:
    assert resolve_model("Systran/faster-whisper-small", store) == store.root / "Systran--faster-whisper-small"
    assert hub_id(installed_name("Systran/faster-whisper-small")) == "Systran/faster-whisper-small"


@pytest.mark.parametrize("spell", [str, lambda path: f"./{path.name}", lambda path: f"~/{path.name}"])
def test_a_path_is_a_directory(
    tmp_path: Path, store: ModelStore, monkeypatch: pytest.MonkeyPatch, spell: Callable[[Path], str]
) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_model(spell(tmp_path / "mine"), store).samefile(tmp_path / "mine")


@pytest.mark.parametrize(
    ("name", "command"),
    [("whisper-small", "`maatu models pull whisper-small`"), ("org/whisper-kn", "`maatu models pull org/whisper-kn`")],
)
def test_a_model_that_is_not_installed_is_refused_with_the_command_that_gets_it(
    store: ModelStore, name: str, command: str
) -> None:
    with pytest.raises(ModelNotInstalled) as raised:
        resolve_model(name, store)
    assert command in raised.value.message


@pytest.mark.parametrize("name", ["", "a/b/c", "org/", "-x", "a b"])
def test_a_name_that_none_can_have_is_refused(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelNotInstalled, match="is not the name of a model"):
        resolve_model(name, store)


def test_a_path_that_is_not_there_is_refused(tmp_path: Path, store: ModelStore) -> None:
    with pytest.raises(ModelNotInstalled, match=r"MAATU_STT_MODELS names .*absent, and there is no such directory"):
        resolve_model(str(tmp_path / "absent"), store)
