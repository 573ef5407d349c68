"""What deploy/images/build.py tells Docker and buildah, and the small programs that run inside the build. Builds nothing."""

import importlib.util
import itertools
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
IMAGES = ROOT / "deploy" / "images"
PORTS = {
    "gateway": (50050, 9100),
    "stt": (50051, 9101),
    "translate": (50052, 9102),
    "agent": (50053, 9103),
    "tts": (50054, 9104),
}


def script(name: str) -> ModuleType:
    """A program of deploy/images, imported."""
    spec = importlib.util.spec_from_file_location(f"images_{name}", IMAGES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    yield script("build")
    del sys.modules["images_build"]


@pytest.fixture(scope="module")
def requirements() -> Iterator[ModuleType]:
    yield script("requirements")
    del sys.modules["images_requirements"]


def dockerfile(name: str) -> str:
    return (
        ROOT / ("deploy/images/models.Dockerfile" if name == "models" else f"services/{name}/Dockerfile")
    ).read_text()


def test_pip_finds_its_packages_inside_as_outside(build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "mirror" / "simple").mkdir(parents=True)
    (tmp_path / "wheels").mkdir()
    settings = build.pip_settings(
        {
            "index-url": "https://packages.example/simple",
            "extra-index-url": f"file://{tmp_path}/mirror/simple\nhttps://more.example/simple",
            "find-links": f"{tmp_path}/wheels /no/such/directory",
            "cert": "/etc/ssl/authority.pem",
            "require-virtualenv": "true",
        }
    )
    lines = settings.conf.splitlines()
    assert lines[0] == "[global]"
    assert "index-url = https://packages.example/simple" in lines
    assert f"extra-index-url = file://{tmp_path}/mirror/simple https://more.example/simple" in lines
    assert "cert = /run/ca.pem" in lines
    assert settings.ca == Path("/etc/ssl/authority.pem")
    assert settings.directories == (tmp_path / "mirror", tmp_path / "wheels"), (
        "an index with what lies beside its pages"
    )
    assert "require-virtualenv" not in settings.conf


@pytest.mark.parametrize(
    ("registry", "variant", "expected"),
    [
        ("", "cpu", "maatu-tts:0.1.0"),
        ("", "cuda", "maatu-tts:0.1.0-cuda"),
        ("registry.example/team/", "cuda", "registry.example/team/maatu-tts:0.1.0-cuda"),
    ],
)
def test_images_are_named_as_the_chart_names_them(
    build: ModuleType, registry: str, variant: str, expected: str
) -> None:
    assert build.reference(build.IMAGES["tts"], variant, registry, "0.1.0") == expected


def command(build: ModuleType, builder: str, directory: Path, name: str = "stt", variant: str = "cuda") -> list[str]:
    settings = build.PipSettings("[global]\n", Path("/authority.pem"), (Path("/mirror"),))
    built: list[str] = build.build_command(
        builder, build.IMAGES[name], variant, "maatu-stt:1", "debian:1", settings, directory
    )
    return built


def test_pip_settings_reach_a_build_as_secrets_only(build: ModuleType, tmp_path: Path) -> None:
    for builder in ("docker", "buildah"):
        arguments = command(build, builder, tmp_path)
        assert f"id=pip_conf,src={tmp_path}/pip.conf" in arguments
        assert "id=ca,src=/authority.pem" in arguments
        handed = [value for flag, value in itertools.pairwise(arguments) if flag == "--build-arg"]
        assert {value.partition("=")[0] for value in handed} == {
            "BASE_IMAGE", "VERSION", "REVISION", "CREATED", "VARIANT",
        }  # fmt: skip
        assert "BASE_IMAGE=debian:1" in handed
        assert "VARIANT=cuda" in handed


def test_local_directories_are_mounted_where_the_builder_can(
    build: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "/mirror:/mirror:ro" in command(build, "buildah", tmp_path)
    assert not capsys.readouterr().err
    assert "--volume" not in command(build, "docker", tmp_path)
    assert "/mirror" in capsys.readouterr().err


def test_the_driver_vfs_keeps_no_copy_of_each_step(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_DRIVER", "overlay")
    assert "--layers" in command(build, "buildah", tmp_path)
    monkeypatch.setenv("STORAGE_DRIVER", "vfs")
    assert "--layers" not in command(build, "buildah", tmp_path)


def test_the_date_of_a_build_can_be_given(build: ModuleType) -> None:
    assert build._created({"SOURCE_DATE_EPOCH": "0"}) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--variant", "cuda", "stt", "gateway"], ["no cuda variant", "gateway"]),
        (["nobody"], ["nobody", "gateway"]),
        (["--builder", "oven"], ["oven"]),
    ],
)
def test_what_cannot_be_built_is_named(arguments: list[str], words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, IMAGES / "build.py", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_requirements_name_what_is_not_ours(requirements: ModuleType) -> None:
    plain = requirements.requirements(str(ROOT / "services/tts"))
    with_parler = requirements.requirements(f"{ROOT}/services/tts[parler]")
    assert not [line for line in with_parler if line.startswith("maatu")]
    assert any(line.startswith("piper-tts") for line in plain)
    assert not any(line.startswith("torch") for line in plain)
    assert any(line.startswith("torch") for line in with_parler)
    with pytest.raises(ValueError, match="no extra parlour, only parler"):
        requirements.requirements(f"{ROOT}/services/tts[parlour]")


@pytest.mark.parametrize("name", [*PORTS, "models"])
def test_every_image_begins_with_the_same_steps(name: str) -> None:
    """They run once for all images, as long as they are the same to the letter."""

    def first_stage(text: str) -> str:
        return text[text.index("FROM ${BASE_IMAGE} AS tools") : text.index("FROM tools AS dependencies")].split("\n\n")[
            0
        ]

    assert first_stage(dockerfile(name)) == first_stage(dockerfile("gateway"))


@pytest.mark.parametrize("name", [*PORTS, "models"])
def test_a_dockerfile_names_no_registry_and_no_packages_of_its_own_index(name: str) -> None:
    text = dockerfile(name)
    assert "ARG BASE_IMAGE=python:3.11-slim-bookworm" in text
    assert "://" not in text
    assert text.count("--constraint constraints.txt") >= 2
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]


def test_services_with_the_same_library_have_the_same_part_of_cuda() -> None:
    pins = {name: re.findall(r"nvidia-\S+==\S+", dockerfile(name)) for name in PORTS}
    assert len(pins["stt"]) == 1
    assert pins["translate"] == pins["stt"]
    assert not pins["gateway"]


@pytest.mark.parametrize("service", PORTS)
def test_ports_are_those_of_the_chart(service: str) -> None:
    port, metrics_port = PORTS[service]
    text = dockerfile(service)
    assert f"EXPOSE {port} {metrics_port}" in text
    assert f"MAATU_{service.upper()}_PORT={port}" in text
    assert f"MAATU_{service.upper()}_METRICS_PORT={metrics_port}" in text
    assert f"MAATU_{service.upper()}_HOST=0.0.0.0" in text


@pytest.fixture
def libexec(tmp_path: Path) -> Path:
    """As triton_driver.sh leaves it in the CUDA image of tts, with another module."""
    (tmp_path / "triton-cc").write_bytes((IMAGES / "triton_cc.sh").read_bytes())
    (tmp_path / "driver.c").write_text("int a;")
    (tmp_path / "cuda_utils.so").write_bytes(b"compiled")
    return tmp_path


def test_triton_gets_the_module_compiled_ahead(libexec: Path, tmp_path: Path) -> None:
    source = tmp_path / "copy" / "driver.c"
    source.parent.mkdir()
    source.write_text("int a;")
    output = tmp_path / "out.so"
    subprocess.run(["sh", libexec / "triton-cc", source, "-O3", "-shared", "-o", output, "-lcuda", "-I/x"], check=True)
    assert output.read_bytes() == b"compiled"


def test_triton_is_told_that_nothing_else_can_be_compiled(libexec: Path, tmp_path: Path) -> None:
    source = tmp_path / "other.c"
    source.write_text("int b;")
    done = subprocess.run(
        ["sh", libexec / "triton-cc", source, "-o", tmp_path / "out.so"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "no C compiler" in done.stderr
    assert not (tmp_path / "out.so").exists()
