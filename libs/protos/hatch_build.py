"""Generates maatu.v1.*_pb2 from protos/ whenever the wheel or an editable install is built."""

import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent
PROTOS = HERE.parent.parent / "protos"
OUT = HERE / "src"


def generate() -> list[Path]:
    """Compiles every .proto of the contract into libs/protos/src. Returns the modules written."""
    from grpc_tools import protoc

    sources = sorted((PROTOS / "maatu" / "v1").glob("*.proto"))
    package = OUT / "maatu" / "v1"
    package.mkdir(parents=True, exist_ok=True)
    googleapis = Path(str(files("google.rpc") / "status.proto")).parents[2]
    status = protoc.main(
        [
            "protoc",
            f"-I{PROTOS}",
            f"-I{googleapis}",
            f"-I{files('grpc_tools') / '_proto'}",
            f"--python_out={OUT}",
            f"--grpc_python_out={OUT}",
            f"--mypy_out=quiet:{OUT}",
            f"--mypy_grpc_out=quiet:{OUT}",
            *map(str, sources),
        ]
    )
    if status != 0:
        raise RuntimeError(f"protoc failed with status {status}")
    (package / "__init__.py").write_text('"""Package maatu.v1: generated from protos/maatu/v1. Do not edit."""\n')
    (package / "py.typed").touch()
    return sorted(package.glob("*.py"))


class GenerateProtos(BuildHookInterface[Any]):
    """Runs before hatchling collects files. An sdist already carries the modules."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if PROTOS.is_dir():
            sys.path.insert(0, str(HERE))
            generate()


if __name__ == "__main__":
    print(f"generated {len(generate())} modules in {OUT / 'maatu' / 'v1'}")
