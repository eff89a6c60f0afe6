"""Make the picture at the top of the README from what `avsi demo` wrote of a clip of GRID's speaker s1.

avsi demo --clip lbbe3a.mpg --gap 1.0:1.4 --out out/demo
python tests/demo_picture.py out/demo 1.0:1.4 docs/demo.jpg
"""

import io
import sys
from pathlib import Path

import soundfile
from PIL import Image, ImageDraw, ImageFont

from avsi.data.gaps import Gap
from avsi.pages.plots import BACKGROUND, INK, PLOT_LEFT, spectrogram

TITLES = {"damaged": "damaged", "audio-visual": "restored from sound and face", "original": "original"}
SHOWN_S = 0.3, 2.2  # where the sentence is
TITLE_HEIGHT = 56


def main(demo: Path, gap: Gap, out: Path) -> None:
    """Write the spectrograms of the versions in the folder of a demo, side by side, as a JPEG."""
    pictures = [_panel(demo / f"{version}.wav", gap) for version in TITLES]
    width, height = pictures[0].size
    whole = Image.new("RGB", (width * len(pictures), height + TITLE_HEIGHT), BACKGROUND)
    draw, font = ImageDraw.Draw(whole), ImageFont.load_default(40)
    for place, (picture, title) in enumerate(zip(pictures, TITLES.values(), strict=True)):
        whole.paste(picture, (place * width, TITLE_HEIGHT))
        draw.text((width * (place + PLOT_LEFT), 8), title, INK, font)
    whole.resize((whole.width // 2, whole.height // 2)).save(out, quality=85)


def _panel(sound: Path, gap: Gap) -> Image.Image:
    samples, rate = soundfile.read(sound)
    start, stop = (round(time_s * rate) for time_s in SHOWN_S)
    return Image.open(io.BytesIO(spectrogram(samples[start:stop], rate, [gap], SHOWN_S[0], quality=100)))


if __name__ == "__main__":
    start_s, end_s = sys.argv[2].split(":")
    main(Path(sys.argv[1]), Gap(float(start_s), float(end_s)), Path(sys.argv[3]))
