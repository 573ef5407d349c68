"""`maatu models pull PROFILE`: all that a profile needs in one go, from the hub, without it, and from a directory."""

from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from typer.testing import CliRunner

from maatu_client.models import catalog, convert
from maatu_client.models.catalog import EMBEDDED, HUB
from maatu_client.models.cli import models_app
from maatu_client.models.entries import EmbeddedModel
from maatu_client.models.fake_hub import FakeHub
from maatu_client.models.families import CHECKPOINTS
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_client.profiles import load_profile, profile_names
from maatu_runtime.errors import Unavailable
from maatu_runtime.models import ModelStore

runner = CliRunner(env={"COLUMNS": "220"})
MODELS = [HUB[name] for name in ("whisper-small", "whisper-large-v3-turbo")]
HUB_FILES = {model.repository: dict.fromkeys(model.files, b"x") for model in MODELS}
COMMITS = [str(model.revision) for model in MODELS]


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def _no_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a machine that reaches no hub."""
    with FakeHub({}) as closed:
        pass
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", closed.endpoint)
    with monkeypatch.context() as patch:
        patch.setattr(WheelCache, "missing", refuse_packages)
        yield


def refuse_packages(self: WheelCache, wheels: object) -> list[object]:
    raise Unavailable("pip could not download it")


def bring(directory: Path, *names: str) -> Path:
    for name in names:
        (directory / name).mkdir(parents=True)
        for file in HUB[name].files:
            (directory / name / file).write_bytes(b"x")
    return directory


@pytest.mark.parametrize("profile", profile_names())
def test_a_profile_stands_for_all_that_it_needs(profile: str) -> None:
    names = [model.name for model in catalog.resolve([profile])]
    assert set(names) == set(EMBEDDED) if profile == "embedded" else names == [*load_profile(profile).requires.models]


def test_every_model_that_is_converted_has_a_converter_of_its_family() -> None:
    for model in HUB.values():
        if model.converter is not None:
            assert model.converter == model.family
            assert model.converter in CHECKPOINTS


def test_several_models_of_a_fake_hub_are_made_ready_in_one_go(tmp_path: Path) -> None:
    steps: list[tuple[str, str]] = []
    store = ModelStore(tmp_path / "models")
    with FakeHub(HUB_FILES, commits=COMMITS) as hub:
        puller = Puller(
            store, WheelCache(tmp_path), lambda name, step: steps.append((name, step)), hub_endpoint=hub.endpoint
        )
        puller.pull(MODELS)
    assert [name for name, step in steps if step == "ready"] == [model.name for model in MODELS]
    assert [manifest.source.partition("@")[2] for manifest in store.installed()] == sorted(COMMITS)


def test_one_model_that_a_fake_hub_lacks_does_not_keep_the_others_from_being_made_ready(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    first, second = MODELS
    with FakeHub({second.repository: HUB_FILES[second.repository]}, commits=COMMITS) as hub:
        puller = Puller(store, WheelCache(tmp_path), hub_endpoint=hub.endpoint)
        with pytest.raises(Exception, match=f"the hub has no {first.repository}"):
            puller.pull(MODELS)
    assert [manifest.name for manifest in store.installed()] == [second.name]


@pytest.mark.usefixtures("_no_hub")
def test_without_a_hub_one_message_says_for_every_model_which_files_go_where(tmp_path: Path) -> None:
    result = runner.invoke(models_app, ["pull", "kannada-gpu", "--models-dir", str(tmp_path / "models")])
    assert result.exit_code == 1
    message = result.stderr
    hub_models = [model for model in catalog.resolve(["kannada-gpu"]) if not isinstance(model, EmbeddedModel)]
    assert f"{len(load_profile('kannada-gpu').requires.models)} models are not ready" in message
    for model in hub_models:
        for folder, part in model.parts.items():
            place = f"DIR/{model.name}" if folder == "." else f"DIR/{model.name}/{folder}"
            revision = f" (revision {part.revision})" if part.revision else ""
            assert f"{', '.join(part.files)} of the hub model {part.repository}{revision} into {place}\n" in message
    assert "smart-turn-v3: pip could not download it" in message
    assert "then run `maatu models pull kannada-gpu --from DIR`" in message


@pytest.mark.usefixtures("_no_hub")
def test_a_profiles_hub_models_are_read_from_a_directory_of_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [model.name for model in MODELS]
    monkeypatch.setattr(catalog, "sets", lambda: {"mine": names})
    arguments = ["pull", "mine", "--models-dir", str(tmp_path / "models"), "--from", str(tmp_path / "brought")]
    bring(tmp_path / "brought", names[0])
    result = runner.invoke(models_app, arguments)
    assert result.exit_code == 1
    assert f"missing in {tmp_path / 'brought' / names[1]}" in result.stderr
    bring(tmp_path / "brought", names[1])
    result = runner.invoke(models_app, arguments)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == f"{names[0]}: ready"
    assert [manifest.name for manifest in ModelStore(tmp_path / "models").installed()] == sorted(names)


def test_every_converter_is_one_that_convert_offers() -> None:
    assert set(convert.FAMILIES) == {"gguf-decoder", *CHECKPOINTS}
