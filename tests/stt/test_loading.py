"""Finding and loading models: names, devices, compute types. Broken files are in test_model_directory."""

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
