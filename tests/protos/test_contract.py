"""The contract: lint, comments, and nothing broken since the baseline; by the real buf."""

import importlib.util
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from maatu.v1 import common_pb2
from maatu_runtime import errors

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def protocheck() -> ModuleType:
    spec = importlib.util.spec_from_file_location("protocheck", ROOT / "tools" / "protocheck.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """A copy of the contract that a test may spoil."""
    shutil.copytree(ROOT / "protos", tmp_path / "protos")
    return tmp_path / "protos"


def spoil(contract: Path, file: str, old: str, new: str) -> None:
    path = contract / "maatu" / "v1" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_contract_is_sound(protocheck: ModuleType, tmp_path: Path) -> None:
    assert protocheck.check(ROOT / "protos", tmp_path / "buf") == []


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("tts.proto", "bytes audio = 1;", "bytes audio = 9;", "deleted"),
        ("stt.proto", "string text = 2;", "int32 text = 2;", "changed type"),
        ("gateway.proto", "rpc Ask(", "rpc Inquire(", "deleted"),
        ("common.proto", "HOP_TTS = 6", "HOP_SPEAK = 6", "changed name"),
        ("agent.proto", "  // The session.\n", "", "non-empty comment"),
        ("translate.proto", "string text = 1;", "string Text = 1;", "lower_snake_case"),
    ],
)
def test_a_spoiled_contract_is_noticed(
    protocheck: ModuleType, contract: Path, tmp_path: Path, file: str, old: str, new: str, complaint: str
) -> None:
    spoil(contract, file, old, new)
    complaints = protocheck.check(contract, tmp_path / "buf")
    assert any(complaint in line for line in complaints), complaints


def reasons_raised() -> Iterator[str]:
    """Every reason that the code gives an error."""
    for package in ("libs", "services"):
        for path in (ROOT / package).rglob("src/maatu_*/**/*.py"):
            yield from re.findall(r'reason(?:: str)? ?= ?"([A-Z_]+)"', path.read_text())


def test_every_reason_in_the_code_is_in_the_contract() -> None:
    named = set(reasons_raised())
    assert {"INVALID_FIELD", "DRAINING"} <= named
    assert named <= {name.removeprefix("ERROR_REASON_") for name in common_pb2.ErrorReason.keys()}  # noqa: SIM118


def test_every_error_class_has_a_reason_of_its_own_in_the_contract() -> None:
    def heirs(cls: type[errors.MaatuError]) -> Iterator[type[errors.MaatuError]]:
        yield cls
        for heir in cls.__subclasses__():
            yield from heirs(heir)

    for cls in heirs(errors.MaatuError):
        common_pb2.ErrorReason.Value(f"ERROR_REASON_{cls.reason}")
