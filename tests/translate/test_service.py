"""The service as users start it: with the embedded model, and with models that are not there."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maatu_runtime.errors import ConfigurationError, ModelNotInstalled
from maatu_runtime.testing import serve_at
from maatu_translate.config import Config
from maatu_translate.service import build


async def test_the_service_with_its_model(models_dir: Path, client_type: Callable[..., Any]) -> None:
    async with serve_at(build(Config(models_dir=models_dir))) as served:
        client = client_type(served.channel)
        answer = await client.translate("Si tienes tiempo mañana, ", "es-ES", "en-US")
        assert answer.text.endswith(", ")
        assert answer.text.startswith("If ")
        assert "tomorrow" in answer.text
        assert answer.summary.model == "gemma-3-270m"
        assert answer.summary.compute_time.ToNanoseconds() > 0
        assert (answer.summary.cached, answer.warnings) == (False, [])
        two = await client.translate("The shop opens at nine. We have a table for four people.\n", "en", "es")
        assert len(two.segments) == 2
        assert "nueve" in two.segments[0].text
        assert "mesa" in two.segments[1].text
        assert two.text.endswith(".\n")
        price = await client.translate("It costs €1,250.50 at https://shop.example/a?b=1.", "en", "es")
        assert "€1,250.50" in price.text
        assert "https://shop.example/a?b=1" in price.text


@pytest.mark.parametrize(
    ("settings", "error", "says"),
    [
        ({"models": ["gemma-9"]}, ModelNotInstalled, "gemma-9.*maatu models pull"),
        ({"models": ["whisper-tiny.en"]}, ConfigurationError, "MAATU_TRANSLATE_MODELS.*whisper.*translates nothing"),
        (
            {"languages": ["en", "kn"]},
            ConfigurationError,
            "MAATU_TRANSLATE_LANGUAGES.*gemma-3-270m translates between kn and the others",
        ),
        ({"compute_type": "float3"}, ConfigurationError, r"float3.*cpu.*float32"),
        ({"device": "cuda"}, ConfigurationError, "MAATU_TRANSLATE_DEVICE"),
    ],
)
async def test_what_cannot_start_says_what_to_change(
    models_dir: Path, settings: dict[str, Any], error: type[Exception], says: str
) -> None:
    service = build(Config(models_dir=models_dir, **settings))
    with pytest.raises(error, match=says):
        await service.warm_up()
    await service.close()


async def test_a_file_that_was_changed_is_named(models_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "gemma-3-270m"
    copy.mkdir()
    for path in sorted((models_dir / "gemma-3-270m").iterdir(), key=lambda path: path.name == "manifest.json"):
        os.link(path, copy / path.name)
    tokenizer = copy / "tokenizer.json"
    content = bytearray(tokenizer.read_bytes())
    content[len(content) // 2] ^= 1
    tokenizer.unlink()
    tokenizer.write_bytes(content)
    service = build(Config(models_dir=tmp_path))
    with pytest.raises(
        ModelNotInstalled, match=r"tokenizer\.json is not the file that was installed.*maatu models pull"
    ):
        await service.warm_up()
    await service.close()


def test_a_malformed_language_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_TRANSLATE_LANGUAGES", '["en", "english!"]')
    with pytest.raises(ConfigurationError, match=r"MAATU_TRANSLATE_LANGUAGES.*english!"):
        Config.from_environment()
