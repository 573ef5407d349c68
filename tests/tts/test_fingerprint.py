"""What tells models apart."""

import os
from pathlib import Path

import pytest

from maatu_tts.engine.fingerprint import fingerprint

_BYTES = 20_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"weights" * (_BYTES // 7))
    return path


def test_the_same_files_fetched_again_have_the_same(file: Path, tmp_path: Path) -> None:
    before = fingerprint([file], "int8", 0.7, None)
    again = tmp_path / "again" / file.name
    again.parent.mkdir()
    again.write_bytes(file.read_bytes())
    os.utime(again, (1, 1))
    assert fingerprint([again], "int8", 0.7, None) == before


def test_contents_length_name_and_settings_count(file: Path) -> None:
    seen = {fingerprint([file]), fingerprint([file], "int8"), fingerprint([file], "int8", 0.7), fingerprint([])}
    seen.add(fingerprint([file.rename(file.with_name("other"))]))
    other = file.with_name("other")
    weights = other.read_bytes()
    for contents in (weights[:-1], weights.replace(b"w", b"v"), b"", b"small", b"smaLl"):
        other.write_bytes(contents)
        seen.add(fingerprint([other]))
    assert len(seen) == 10
