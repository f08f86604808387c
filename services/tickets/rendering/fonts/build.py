"""Makes the font files beside this script from the packages that README.md names. Needs `pip install fonttools`.

python build.py NOTO_FOLDER DROID_FOLDER EMOJI_TTF KOREAN_TTF
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ALL = "*"
HAN = "U+2E80-30FF,U+3100-312F,U+31C0-9FFF,U+F900-FAFF,U+FE30-FE4F,U+FF00-FFEF"
HANGUL = "U+AC00-D7A3,U+3131-318E"
SYMBOLS = "U+2100-2BFF"
TWO_WEIGHTS = ("NotoSans", "NotoSansArabic", "NotoSansDevanagari")
ONE_WEIGHT = (
    "Armenian", "Bengali", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew", "Kannada", "Khmer", "Lao",
    "Malayalam", "Myanmar", "Sinhala", "Tamil", "Telugu", "Thai",
)  # fmt: skip


def subset(source: Path, name: str, unicodes: str = ALL, features: str = "*") -> None:
    """Drops hints, which nobody needs here, and what lies outside `unicodes`; outlines stay as they are."""
    chosen = [f"--unicodes={unicodes}", f"--layout-features={features}", f"--output-file={HERE / name}"]
    command = ["pyftsubset", str(source), *chosen, "--no-hinting", "--notdef-outline"]
    subprocess.run(command, check=True)  # noqa: S603 (the names are ours)


def main(noto: Path, droid: Path, emoji: Path, korean: Path) -> None:
    for family in TWO_WEIGHTS:
        for weight in ("Regular", "SemiBold"):
            subset(noto / f"{family}-{weight}.ttf", f"{family}-{weight}.ttf")
    for script in ONE_WEIGHT:
        subset(noto / f"NotoSans{script}-Medium.ttf", f"NotoSans{script}-Medium.ttf")
    subset(noto / "NotoSansOriya-Regular.ttf", "NotoSansOriya-Regular.ttf")
    subset(noto / "NotoSansSymbols2-Regular.ttf", "NotoSansSymbols2-Regular.ttf", SYMBOLS)
    subset(emoji, "NotoEmoji-Medium.ttf")
    subset(korean, "NotoSansKR-Medium.ttf", HANGUL, features="")
    subset(droid / "DroidSansFallbackFull.ttf", "DroidSansFallback-Regular.ttf", HAN, features="")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
