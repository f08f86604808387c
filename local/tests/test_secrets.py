"""The secrets of a local system: one for each purpose, kept from start to start."""

import json
from pathlib import Path

from local.secrets import load_or_make


def test_a_second_start_finds_the_secrets_of_the_first(tmp_path: Path) -> None:
    made = load_or_make(tmp_path / "secrets.json")
    assert load_or_make(tmp_path / "secrets.json") == made


def test_each_key_serves_one_purpose(tmp_path: Path) -> None:
    made = load_or_make(tmp_path / "secrets.json")
    assert len({made.encryption_key, made.key_encryption_key, made.ticket_signing_key}) == 3


def test_a_folder_from_when_one_key_served_two_purposes_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    load_or_make(path)
    kept = json.loads(path.read_text())
    del kept["key_encryption_key"], kept["ticket_signing_key"]
    path.write_text(json.dumps({**kept, "signing_key": "the old one"}))
    found = load_or_make(path)
    assert (found.key_encryption_key, found.ticket_signing_key) == ("the old one", "the old one")
