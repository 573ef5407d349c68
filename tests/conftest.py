"""What all tests share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Directory of the embedded models, prepared by `make models`."""
    directory = Path(os.environ.get("MAATU_MODELS_DIR", ROOT / "build" / "models"))
    if not directory.is_dir():
        pytest.fail(f"the embedded models are missing from {directory}: run `make models`")
    return directory
