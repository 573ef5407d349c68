"""Finds and loads Whisper models for CTranslate2, and names the setting to change when one cannot run as configured.

CTranslate2 by itself opens the libraries of CUDA only at the first decode, and turns a model stored in a type that the device
lacks into a larger one with no more than a line on stderr.
"""

from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import structlog
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor

from maatu_runtime.errors import ConfigurationError, ModelNotInstalled
from maatu_runtime.models import ModelStore, installed_name
from maatu_stt.engine.model_directory import check_directory, how_to_get, is_path

log = structlog.get_logger()

COMPUTE_TYPES = (
    *("default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16"),
    *("int16", "float16", "bfloat16", "float32"),
)
"""What CTranslate2 knows; "default" computes in the type that the model is stored in, "auto" in the device's fastest."""


@dataclass(frozen=True)
class Placement:
    """Where and how a model computes."""

    device: str = "cpu"
    """"cpu", "cuda", or "auto": a GPU if there is one."""
    compute_type: str = "int8"
    """One of `COMPUTE_TYPES`."""
    threads: int = 1
    """Threads of one decode on a CPU."""
    workers: int = 1
    """Decodes at once."""
    device_index: int = 0
    """Which of several GPUs."""


def resolve_model(name: str, store: ModelStore) -> Path:
    """The directory that a name in MAATU_STT_MODELS stands for.

    Args:
        name: Of an installed model, "org/name" of a hub model that `maatu models pull` installed, or the path of a directory:
            absolute, or beginning with "./", "../" or "~".
        store: The installed models.

    Raises:
        ModelNotInstalled: there is no such model; says which command gets it.
    """
    if not is_path(name):
        return store.path(installed_name(name))
    directory = Path(name).expanduser()
    if not directory.is_dir():
        raise ModelNotInstalled(
            f"MAATU_STT_MODELS names {name}, and there is no such directory. Put a faster-whisper model there, or name one of "
            "`maatu models list`",
            metadata={"model": name},
        )
    return directory


def load_whisper(name: str, directory: Path, placement: Placement) -> WhisperModel:
    """Loads a model; nothing is ever downloaded.

    Args:
        name: As the configuration calls it.
        directory: In faster-whisper's layout.
        placement: Where and how it computes.

    Raises:
        ConfigurationError: the device, the compute type or a file does not fit; says what to do.
    """
    stored_type = check_directory(name, directory)
    device = _device(placement)
    _check_compute_type(device, placement)
    try:
        model = WhisperModel(
            str(directory),
            device=device,
            device_index=placement.device_index,
            compute_type=placement.compute_type,
            cpu_threads=placement.threads,
            num_workers=placement.workers,
            local_files_only=True,
        )
    except (RuntimeError, ValueError) as error:
        raise _does_not_run(name, device, placement, error) from error
    _fit_features(name, model)
    if device == "cuda":
        _probe(name, model, placement)
    _log_compute_type(name, model, placement.compute_type, stored_type)
    return model


def _device(placement: Placement) -> str:
    """ "cpu" or "cuda"."""
    count = ctranslate2.get_cuda_device_count()
    if placement.device == "auto":
        return "cuda" if count else "cpu"
    if placement.device == "cuda" and placement.device_index >= count:
        found = f"GPU {placement.device_index} is asked for, of {count}" if count else "no GPU can be used here"
        raise ConfigurationError(
            f"MAATU_STT_DEVICE=cuda, but {found}{_cuda_defect()}. Give the process a GPU with a driver for CUDA 12 (in a "
            "container: the NVIDIA runtime), or set MAATU_STT_DEVICE=cpu, or auto, which takes a GPU where there is one"
        )
    return placement.device


def _cuda_defect() -> str:
    """What CTranslate2 says of CUDA here, in brackets; empty when all is well."""
    try:
        ctranslate2.get_supported_compute_types("cuda")
    except (RuntimeError, ValueError) as error:
        return f" ({error})"
    return ""


def _check_compute_type(device: str, placement: Placement) -> None:
    wanted = placement.compute_type
    supported = sorted(ctranslate2.get_supported_compute_types(device, placement.device_index))
    if wanted in ("default", "auto") or wanted in supported:
        return
    wrong = f"{device} does not compute in {wanted}" if wanted in COMPUTE_TYPES else f"{wanted!r} is no compute type"
    raise ConfigurationError(
        f"{wrong}. Set MAATU_STT_COMPUTE_TYPE to one of {', '.join(supported)}, or to auto, which takes the fastest of them"
    )


def _fit_features(name: str, model: WhisperModel) -> None:
    """Computes as many mel bands as the model takes; files made before large-v3, or without care, say nothing or 80."""
    bands = model.model.n_mels
    stated = model.feature_extractor.mel_filters.shape[0]
    if stated != bands:
        log.info(
            "mel bands of the model are not those of its preprocessor_config.json", model=name, used=bands, said=stated
        )
        model.feature_extractor = FeatureExtractor(**{**model.feat_kwargs, "feature_size": bands})


def _probe(name: str, model: WhisperModel, placement: Placement) -> None:
    """Encodes a moment of silence: CTranslate2 opens cuBLAS, and finds kernels for the GPU, when it first computes."""
    silence = np.zeros((1, model.model.n_mels, 2), np.float32)
    try:
        model.model.encode(ctranslate2.StorageView.from_array(silence), to_cpu=True)
    except RuntimeError as error:
        raise _does_not_run(name, "cuda", placement, error) from error


def _log_compute_type(name: str, model: WhisperModel, wanted: str, stored: str) -> None:
    """Says what the model computes in, and warns where that is not what was asked for."""
    used = model.model.compute_type
    expected = {"default": stored, "auto": used}.get(wanted, wanted)
    facts = {"model": name, "device": model.model.device, "compute_type": used}
    if used == expected or used.startswith(f"{expected}_"):  # int8 stands for int8_float32 and its like
        log.info("model loaded", **facts)
    else:
        log.warning(
            "the device lacks the compute type of the model; set MAATU_STT_COMPUTE_TYPE=auto for the fastest that it has",
            wanted=expected,
            **facts,
        )


def _does_not_run(name: str, device: str, placement: Placement, error: Exception) -> ConfigurationError:
    """The error for what CTranslate2 says when it loads or first computes."""
    said = str(error)
    if "libcu" in said or "cannot be loaded" in said:
        remedy = (
            "Put the libraries of CUDA 12 on LD_LIBRARY_PATH (the package nvidia-cublas-cu12 has them), or set "
            "MAATU_STT_DEVICE=cpu"
        )
    elif "out of memory" in said:
        remedy = (
            "Set MAATU_STT_COMPUTE_TYPE=int8, choose a smaller model in MAATU_STT_MODELS, or free memory of the GPU"
        )
    elif device == "cuda" and "CUDA" in said:
        remedy = "Check the driver and the GPU with nvidia-smi, or set MAATU_STT_DEVICE=cpu"
    else:
        remedy = how_to_get(name)
    return ConfigurationError(
        f"the model {name} does not run on {device} with MAATU_STT_COMPUTE_TYPE={placement.compute_type}: {said}. {remedy}"
    )
