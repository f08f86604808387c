"""What one service needs at run time, as pip reads it: `python requirements.py orders`. For building images."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
print("\n".join([*project["dependencies"], *project["optional-dependencies"].get(sys.argv[1], [])]))  # noqa: T201
