"""What to install for one image, as pip reads it: `python requirements.py chassis` or one of the extras, `orders` say."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = {"chassis": project["dependencies"], **project["optional-dependencies"]}
print("\n".join(extras[sys.argv[1]]))  # noqa: T201
