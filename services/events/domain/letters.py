"""What strangers write into mails to others: it stays recognizable as theirs, and is only words."""

import unicodedata

LONGEST_NAME = 100


def told_by(name: str, email: str) -> str:
    """Who writes, on one line."""
    shown = " ".join(_plain(name).split())[:LONGEST_NAME]
    return f"{shown} ({email})" if shown else email


def quoted(words: str) -> str:
    """A message as mails quote: each of its lines is marked, so that none of them passes for ours."""
    lines = _plain(words.replace("\r\n", "\n").replace("\r", "\n")).strip().split("\n")
    return "\n".join(f"> {line}".rstrip() for line in lines)


def _plain(words: str) -> str:
    """Without control characters, and without separators that a mail program shows as line breaks."""
    return "".join(
        char if char in "\n\t" or unicodedata.category(char) != "Cc" else " "
        for char in words.replace("\u2028", "\n").replace("\u2029", "\n")
    )
