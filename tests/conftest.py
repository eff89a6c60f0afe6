"""A small corpus that the tests make themselves: harmonic 'speech', a face whose mouth follows it, and videos of moving
bars.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from avsi.config import Config, InpainterConfig, ModelConfig
from avsi.video.tracks import Tracks

RATE = 16000
ROOT = Path(__file__).resolve().parents[1]
RECIPE = ROOT / "recipes" / "grid"
WRITTEN = ("data", "exp", "smoke")  # by a recipe, into its folder
SHARED = ROOT.parent / "shared"

# Small models are fastest on one thread, and tests beside a busy machine wait for no other.
torch.set_num_threads(1)

needs_grid = pytest.mark.skipif(
    not (SHARED / "grid").is_dir(), reason="real GRID clips are not at hand (../shared/grid)"
)


def real_clip(name: str) -> Path:
    return SHARED / "grid" / f"{name}.mpg"


def speech(seed: int, duration_s: float = 2.978, rate: int = RATE) -> np.ndarray:
    """Syllables of a harmonic voice with pauses and a little noise; float32, shape (n_samples,)."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * rate)) / rate
    pitch = 110 + 20 * rng.random() + 15 * np.sin(2 * np.pi * 0.7 * time_s)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    loudness = mouth_opening(seed, time_s)
    noise = 0.003 * rng.standard_normal(len(time_s))
    return (0.1 * voice * loudness + noise).astype(np.float32)


def mouth_opening(seed: int, time_s: np.ndarray) -> np.ndarray:
    """How far the mouth is open at each time, 0 to 1: what the voice's loudness follows."""
    return np.clip(np.sin(2 * np.pi * (2.3 * time_s + 0.37 * seed)), 0, None) ** 0.7


def face(
    opening: np.ndarray, time_s: np.ndarray, scale: float = 60.0, angle: float = 0.0, shift=(180.0, 140.0)
) -> Tracks:
    """A face of 68 points whose lower lip and chin fall with ``opening``; ``scale`` is the distance of the eyes in
    pixels.
    """
    points = np.zeros((68, 2))
    points[:17] = [(-1 + k / 8, 1.6 * np.sin(np.pi * k / 16)) for k in range(17)]
    points[17:27] = [(-0.9 + 0.2 * k, -0.3) for k in range(10)]
    points[27:36] = [(0, 0.2 * k) for k in range(4)] + [(-0.2 + 0.1 * k, 0.75) for k in range(5)]
    for first, x in ((36, -0.5), (42, 0.5)):
        points[first : first + 6] = [(x + 0.15 * np.cos(k), 0.08 * np.sin(k)) for k in np.arange(6) * np.pi / 3]
    for first, count, width in ((48, 12, 0.35), (60, 8, 0.25)):
        turn = np.pi + np.arange(count) * 2 * np.pi / count
        points[first : first + count] = np.stack([width * np.cos(turn), 1.1 + 0.4 * width * np.sin(turn)], axis=1)
    moving = np.zeros((68, 2))
    moving[[6, 7, 8, 9, 10, *range(55, 60), 65, 66, 67], 1] = 0.3
    tracks = points[None] + opening[:, None, None] * moving[None]
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Tracks(time_s, (tracks @ turn * scale + np.array(shift)).astype(np.float32))


def small_config(kind: type[ModelConfig] = InpainterConfig, **sections: dict) -> Config:
    """The paper's model, small enough for a test: settings by section, such as ``model={"video": False}``."""
    config = Config(model=kind(hidden=24, layers=2))
    config.training.batch_size, config.training.max_epochs = 4, 2
    config.training.accelerator, config.training.precision = "cpu", "32-true"
    for section, values in sections.items():
        for name, value in values.items():
            setattr(getattr(config, section), name, value)
    return config


def make_datadir(folder: Path, ids: list[str], with_faces: bool = True) -> Path:
    """A data directory of synthetic utterances with their landmarks."""
    import kaldiio

    from avsi.data.datadir import Utterance, write_datadir

    folder.mkdir(parents=True)
    utterances = []
    with (folder / "landmarks.ark").open("wb") as ark:
        for number, id_ in enumerate(sorted(ids)):
            samples = speech(number)
            wav = folder / f"{id_}.wav"
            soundfile.write(wav, samples, RATE)
            time_s = np.arange(75) / 25
            place = ark.tell() + len(id_) + 1
            kaldiio.save_ark(ark, {id_: face(mouth_opening(number, time_s), time_s).to_matrix()})
            utterances.append(
                Utterance(
                    id_,
                    id_.split("_")[0],
                    str(wav),
                    len(samples) / RATE,
                    ("bin", "blue"),
                    landmarks=f"{folder / 'landmarks.ark'}:{place}" if with_faces else None,
                )
            )
    write_datadir(folder, utterances)
    return folder


def write_video(
    path: Path,
    sound: np.ndarray | None,
    n_frames: int | None = 75,
    times_s: np.ndarray | None = None,
    rate: int = 44100,
    codecs: tuple[str, str] = ("mpeg1video", "mp2"),
    sound_delay_s: float = 0.0,
    options: dict[str, str] | None = None,
) -> Path:
    """A video of a bar that moves to the right, frame by frame: its column says which frame it is.

    Args:
        sound: shape (n_samples,), float; None for a silent film.
        n_frames: None for a file without a picture.
        times_s: when each frame is shown; every 40 ms by default.
        options: of the picture's encoder.
    """
    from fractions import Fraction

    import av

    times_s = np.arange(n_frames or 0) / 25 if times_s is None else times_s
    with av.open(str(path), "w") as out:
        video = audio = None
        if n_frames:
            video = out.add_stream(codecs[0], rate=25, options=options or {})
            video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"
            video.bit_rate = 2_000_000
            if not codecs[0].startswith("mpeg"):
                video.codec_context.time_base = Fraction(1, 90000)
        if sound is not None:
            audio = out.add_stream(codecs[1], rate=rate, layout="mono")
        for index, time_s in enumerate(times_s):
            image = np.full((144, 176, 3), 40, np.uint8)
            image[:, 2 * index : 2 * index + 6] = 220
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if not codecs[0].startswith("mpeg"):
                frame.pts, frame.time_base = round(time_s * 90000), Fraction(1, 90000)
            out.mux(video.encode(frame))
        if video:
            out.mux(video.encode())
        if audio:
            values = np.clip(np.rint(sound * 32767), -32768, 32767).astype(np.int16)
            fifo = av.AudioFifo()
            frame = av.AudioFrame.from_ndarray(values[None], format="s16", layout="mono")
            frame.rate, frame.pts = rate, None
            fifo.write(frame)
            next_sample = round(sound_delay_s * rate)
            while (part := fifo.read(audio.codec_context.frame_size or 1024, partial=True)) is not None:
                part.pts, part.time_base = next_sample, Fraction(1, rate)
                next_sample += part.samples
                out.mux(audio.encode(part))
            out.mux(audio.encode())
    return path


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Path:
    """train, valid and test data directories with statistics and gap files."""
    from typer.testing import CliRunner

    from data_prep import gaps, stats

    root = tmp_path_factory.mktemp("corpus")
    make_datadir(root / "train", [f"s{speaker:02d}_clip{n}" for speaker in (1, 2) for n in range(6)])
    make_datadir(root / "valid", [f"s03_clip{n}" for n in range(3)])
    make_datadir(root / "test", [f"s04_clip{n}" for n in range(4)])
    run = CliRunner()
    for app, arguments in (
        (stats.app, [root / "train"]),
        (gaps.app, [root / "valid", "random"]),
        (gaps.app, [root / "test", 600, "random"]),
    ):
        result = run.invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
        assert result.exit_code == 0, result.output
    return root


def corpus_config(corpus: Path, **sections: dict) -> Config:
    config = small_config(**sections)
    config.data.train, config.data.valid = str(corpus / "train"), str(corpus / "valid")
    config.data.stats = str(corpus / "train" / "stats.npz")
    config.data.valid_gaps = str(corpus / "valid" / "gaps_random")
    return config


@pytest.fixture(scope="session")
def mini_corpus(tmp_path_factory) -> Path:
    """Mini-GRID: four drawn speakers with a sentence each, which pytest's processes share."""
    from typer.testing import CliRunner

    from data_prep.mini_grid.__main__ import app

    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    out = folder / "mini_grid" / "corpus"
    with (folder / "mini_grid.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            options = ["--out", str(out), "--speakers", "4", "--sentences", "1", "--jobs", "2"]
            assert CliRunner().invoke(app, options, catch_exceptions=False).exit_code == 0
    return out


TOY_LEXICON = "do D O\nka K A\nna N A\nno N O\n"


def make_spoken_datadir(folder: Path, count: int, seed: int) -> Path:
    """A data directory of 'words' whose phones are chords, each its own, with pauses between the words, and with the
    times of the words: what a small recogniser learns in seconds.
    """
    from avsi.data.datadir import Utterance, write_datadir

    words = dict(line.split(" ", 1) for line in TOY_LEXICON.splitlines())
    chords = {"A": (700, 1100), "D": (2500, 3000), "K": (1500, 4000), "N": (300, 2000), "O": (450, 800)}
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    utterances = []
    for number in range(count):
        said = rng.choice(sorted(words), size=rng.integers(2, 5))
        pieces, alignment = [np.zeros(1600)], []
        for word in said:
            start = sum(map(len, pieces))
            for phone in words[word].split():
                time_s = np.arange(rng.integers(1300, 1900)) / RATE
                pieces.append(0.1 * sum(np.sin(2 * np.pi * hz * time_s) for hz in chords[phone]))
            alignment.append((start / RATE, (sum(map(len, pieces)) - start) / RATE, str(word)))
            pieces.append(np.zeros(rng.integers(800, 1600)))
        samples = np.concatenate(pieces)
        samples += 0.001 * rng.standard_normal(len(samples))
        wav = folder / f"s01_{number:03d}.wav"
        soundfile.write(wav, samples, RATE)
        length_s = len(samples) / RATE
        utterances.append(Utterance(wav.stem, "s01", str(wav), length_s, tuple(said), alignment=tuple(alignment)))
    write_datadir(folder, utterances, "toy")
    return folder


BASELINES = ("unprocessed", "interpolation", "autoregression", "oracle")


def run_app(app, *arguments: object) -> str:
    """What a program printed."""
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def restored(corpus: Path, out: Path, *systems: object, gaps: str = "gaps_600ms", options: tuple = ()) -> str:
    """Restore the corpus' test set with several systems."""
    from evaluation import restore

    names = [option for system in systems for option in ("--system", system)]
    stats = ["--stats", corpus / "train" / "stats.npz", "--jobs", 1]
    return run_app(
        restore.app, corpus / "test", "--gaps", corpus / "test" / gaps, *names, "--out", out, *stats, *options
    )


@pytest.fixture(scope="session")
def model(corpus, tmp_path_factory) -> Path:
    """An audio-visual model that was not trained."""
    from avsi.data.stats import Stats
    from avsi.models.inpainter import BLSTMInpainter
    from avsi.models.store import save_model

    torch.manual_seed(0)
    config = corpus_config(corpus)
    folder = tmp_path_factory.mktemp("exp") / "model"
    save_model(folder, BLSTMInpainter(config, Stats.load(config.data.stats)))
    return folder


@pytest.fixture(scope="session")
def made(corpus, model, tmp_path_factory) -> Path:
    """An evaluation of the baselines and the model, scored."""
    from evaluation import score

    out = tmp_path_factory.mktemp("evaluation") / "made"
    restored(corpus, out, *BASELINES, model)
    run_app(score.app, out, "--jobs", 1)
    return out


@pytest.fixture
def evaluation(made, tmp_path) -> Path:
    """A copy of it that a test may change."""
    return shutil.copytree(made, tmp_path / "evaluation")


@pytest.fixture
def recipe(tmp_path) -> Path:
    """A copy of the recipe in which programs do nothing but tell what they are given."""
    copy = tmp_path / "recipes" / "grid"
    shutil.copytree(RECIPE / "conf", copy / "conf")
    for name in ("run.sh", "run_general.sh", "path.sh", "../stages.sh"):
        shutil.copy(RECIPE / name, copy / name)
    shutil.copytree(RECIPE.parent / "speech", copy.parent / "speech", ignore=shutil.ignore_patterns(*WRITTEN))
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("python", "avsi"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@"\n')
        (programs / name).chmod(0o755)
    return copy


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of each test's own, such as of adapted models."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("AVSI_CACHE", str(folder))
    return folder


@pytest.fixture
def kept(monkeypatch):
    """Whatever an adapted model became is kept."""
    from avsi.training.adaptation import Outcome

    monkeypatch.setattr(Outcome, "better", True)


@pytest.fixture
def avsi(monkeypatch, capsys):
    """A run of the command: arguments -> (status, output, errors)."""
    from avsi import cli

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["avsi", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_, warnings.catch_warnings():
            cli.main()
        return int(exit_.value.code or 0), *capsys.readouterr()

    return run
