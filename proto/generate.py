"""Turns every .proto file below this folder into Python: `python -m proto.generate`, from the repository root.

The output is committed and the same on every machine, so that nobody needs a compiler to run a service and a review
sees what changed. A file that does not compile leaves everything as it was.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WELL_KNOWN = Path(protoc.__file__).parent / "_proto"
PLUGINS = Path(sys.executable).parent  # mypy-protobuf's scripts, also where the environment is not activated
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def main() -> None:
    """Generates all files anew and removes what no .proto file stands behind any more."""
    new = generated()
    for stale in {path for pattern in GENERATED for path in HERE.rglob(pattern)} - {HERE / name for name in new}:
        stale.unlink()
    for name, content in new.items():
        (HERE / name).parent.joinpath("__init__.py").touch()
        if not (HERE / name).exists() or (HERE / name).read_bytes() != content:
            draft = HERE / f"{name}.draft"
            draft.write_bytes(content)
            draft.rename(HERE / name)  # at once, so that a process that starts now finds it whole


def generated() -> dict[Path, bytes]:
    """What the .proto files mean in Python: path below this folder to content. Nothing is written here."""
    files = sorted(str(path.relative_to(ROOT)) for path in [*HERE.glob("*.proto"), *HERE.glob("*/*.proto")])
    with TemporaryDirectory() as folder:
        target = Path(folder)
        _compile(files, f"--python_out={target}", f"--mypy_out=quiet:{target}", f"--descriptor_set_out={target}/set")
        described = FileDescriptorSet.FromString((target / "set").read_bytes())
        if serving := [file.name for file in described.file if file.service]:
            _compile(serving, f"--grpc_python_out={target}", f"--mypy_grpc_out=quiet:{target}")
        made = target / HERE.name
        return {path.relative_to(made): path.read_bytes() for pattern in GENERATED for path in made.rglob(pattern)}


def _compile(files: list[str], *outputs: str) -> None:
    plugins = [f"--plugin={name}={PLUGINS / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    if protoc.main(["protoc", f"--proto_path={ROOT}", f"--proto_path={WELL_KNOWN}", *plugins, *outputs, *files]) != 0:
        sys.exit("protoc refused, see above")


if __name__ == "__main__":
    main()
