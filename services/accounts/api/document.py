"""This service's specification, read once and shared by its resources."""

from pathlib import Path

from chassis import spec

SPEC = spec.load(Path(__file__).parent.parent / "openapi.yaml")
