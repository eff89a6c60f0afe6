"""The programs as a user runs them, in processes of their own: what they print, their exit status, what they leave."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, needs_grid, real_clip, small_config, speech, write_video

from avsi.data.datadir import Utterance, write_datadir
from avsi.files import digest
from avsi.folders import folder_beside
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import PRETRAINED, pretrained_names, save_model

ROOT = Path(__file__).parents[1]


def start(*arguments, **options) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def listen_to_ctrl_c() -> None:
    """A shell that runs the tests in the background has its children ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def avsi(*arguments) -> tuple[int, str, str]:
    process = start("-m", "avsi.cli", *arguments)
    output, errors = process.communicate()
    return process.returncode, output, errors


@pytest.fixture
def avsi_here(monkeypatch, capfd):
    """The same in this process, which need not import torch again: arguments -> (exit status, output, errors)."""
    import warnings

    from avsi import cli

    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*arguments) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["avsi", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_, warnings.catch_warnings():
            cli.main()
        output, errors = capfd.readouterr()
        return exit_.value.code, output, errors

    return run


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Path:
    """A folder with small models, good files and bad ones."""
    folder = tmp_path_factory.mktemp("room")
    torch.manual_seed(0)
    save_model(folder / "av", BLSTMInpainter(small_config()))
    save_model(folder / "a", BLSTMInpainter(small_config(model={"video": False})))
    save_model(folder / "cut", BLSTMInpainter(small_config(model={"video": False})))
    weights = folder / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:500])
    soundfile.write(folder / "good.wav", speech(0), RATE)
    soundfile.write(folder / "silent zero.wav", np.zeros(0), RATE)
    samples = speech(0).copy()
    samples[40000] = np.nan
    soundfile.write(folder / "nan.wav", samples, RATE, subtype="FLOAT")
    soundfile.write(folder / "long.wav", np.tile(speech(0), 13), RATE)
    (folder / "empty.wav").write_bytes(b"")
    (folder / "text.mp4").write_text("no film " * 500)
    write_video(folder / "silent.mpg", None)
    video = write_video(folder / "film.mpg", speech(0, rate=44100))
    (folder / "truncated.mpg").write_bytes(video.read_bytes()[:700])
    (folder / "gaps.txt").write_text("0.5\t0.6\tone\n1.0\t1.1\ttwo\n")
    return folder


def inpaint(
    room: Path, clip: str, *options: str, out: str = "out.wav", model: str = "a", run=avsi
) -> tuple[int, str, str]:
    return run("inpaint", room / clip, "-o", room / out, "--model", room / model, "--audio-only", room / "a", *options)


@pytest.mark.parametrize(
    ("clip", "options", "message"),
    [
        ("none.wav", ["--gap", "0.8:1.6"], "none.wav: no such file"),
        ("empty.wav", ["--gap", "0.8:1.6"], "the file is empty (0 bytes)"),
        ("text.mp4", ["--gap", "0.8:1.6"], "not a sound or video file"),
        ("truncated.mpg", ["--gap", "0.8:1.6"], "truncated.mpg: "),
        ("silent zero.wav", ["--gap", "0.8:1.6"], "holds no sound samples"),
        ("silent.mpg", ["--gap", "0.8:1.6"], "has no sound track"),
        ("nan.wav", ["--gap", "0.8:1.6"], "the sound holds samples that are not a number, the first at 2.500 s"),
        ("good.wav", ["--gap", "2.5:3.5"], "gap 2.5:3.5: outside the recording, which lasts 2.978 s"),
        ("good.wav", ["--gap", "1.6:0.8"], "ends before it starts"),
        ("good.wav", ["--gap", "0.8:1.6", "--gap", "1.5:2"], "overlaps"),
        ("good.wav", ["--gap", "0:2.978"], "cover the whole recording"),
        ("good.wav", ["--gap", "0.8:0.80001"], "shorter than one sample"),
        ("good.wav", ["--gap", "half"], "expected START:END in seconds"),
        ("good.wav", ["--gap", "0:1e308"], "outside the recording"),
        ("good.wav", ["--gap", "0.002:2.976"], "the gaps leave nothing around them"),
        ("good.wav", ["--gaps-file", "latin1.txt"], "latin1.txt: no such file"),
        ("long.wav", ["--gap", "1:35"], "a gap of 34.0 s: at most 30 s can be restored"),
        ("good.wav", [], "name the gaps with --gap"),
        ("good.wav", ["--detect", "--gap", "0.8:1.6"], "--gap or --gaps-file"),
        ("good.wav", ["--detect", "--exact"], "no damage is found"),
        ("good.wav", ["--gap", "0.8:1.6", "--gaps-file", "none.txt"], "none.txt: no such file"),
        ("good.wav", ["--gap", "0.8:1.6", "--video", "none.mpg"], "none.mpg: no such file"),
    ],
)
def test_bad_input_is_one_line_status_1_and_no_file(room, avsi_here, clip, options, message):
    before = sorted(room.iterdir())
    status, output, errors = inpaint(room, clip, *options, run=avsi_here)
    assert (status, output) == (1, "")
    assert errors.count("\n") == 1 and errors.startswith("error: ")
    assert message in errors
    assert sorted(room.iterdir()) == before


def test_what_is_cheap_is_checked_before_a_model_is_loaded(room):
    """Nothing heavy is imported before a wrong file, gap or model is told."""
    inpaint_ = ["inpaint", "-o", room / "out.wav"]
    demo = ["demo", "-o", room / "page", "--gap", "2.5:3.5", "--clip"]
    wrong = [
        ([*inpaint_, room / "none.wav", "--gap", "0.8:1.6"], "none.wav: no such file"),
        ([*inpaint_, room, "--gap", "0.8:1.6"], "is a folder; expected a sound or video file"),
        ([*inpaint_, room / "good.wav", "--gap", "2.5:3.5"], "outside the recording"),
        ([*inpaint_, room / "long.wav", "--gap", "1:35"], "at most 30 s"),
        ([*inpaint_, room / "good.wav", "--gap", "1:2", "--video", room / "none.mpg"], "none.mpg: no such file"),
        (
            [*inpaint_, room / "good.wav", "--gap", "1:2", "--video", room / "good.wav"],
            "good.wav: has no picture track",
        ),
        ([*inpaint_, room / "good.wav", "--gap", "1:2", "--model", "none"], "neither a folder with a trained model"),
        ([*demo, room / "none.mpg"], "none.mpg: no such file"),
        ([*demo, room / "good.wav"], "good.wav: has no picture track"),
        ([*demo, room / "film.mpg"], "gap 2.5:3.5: outside the recording"),
    ]
    code = (
        "import sys\nfrom avsi.cli import main\n"
        f"for arguments in {[[str(each) for each in arguments] for arguments, _ in wrong]!r}:\n"
        "    sys.argv = ['avsi', *arguments]\n"
        "    try:\n        main()\n    except SystemExit as exit_:\n        assert exit_.code == 1\n"
        "print([m for m in ('torch', 'mediapipe', 'lightning', 'matplotlib') if m in sys.modules])\n"
    )
    output, errors = start("-c", code).communicate()
    assert output == "[]\n"
    lines = errors.splitlines()
    assert len(lines) == len(wrong)
    for line, (_, message) in zip(lines, wrong, strict=True):
        assert line.startswith("error: ") and message in line


@pytest.mark.parametrize(
    ("model", "message"),
    [("cut", "damaged or incomplete"), ("nothing", "neither a folder with a trained model nor a pretrained one")],
)
def test_a_bad_model_is_one_line(room, avsi_here, model, message):
    status, _, errors = inpaint(room, "good.wav", "--gap", "0.8:1.6", model=model, run=avsi_here)
    assert status == 1 and errors.count("\n") == 1 and message in errors


@pytest.mark.slow
def test_a_restored_file_is_said_and_there(room):
    status, output, errors = inpaint(
        room, "good.wav", "--gaps-file", str(room / "gaps.txt"), "--gap", "2:2.1", out="three.wav"
    )
    assert (status, errors) == (0, "")
    assert output.startswith("restored 0.500-0.600 s, 1.000-1.100 s, 2.000-2.100 s -> ")
    before, after = (soundfile.read(room / name, dtype="int16")[0] for name in ("good.wav", "three.wav"))
    changed = np.flatnonzero(before != after) / RATE
    assert changed.min() >= 0.5 and changed.max() < 2.1
    assert ((changed < 0.6) | (changed >= 1.0)).all()


@pytest.mark.slow
def test_no_face_in_the_gap_is_noted_and_the_audio_only_model_takes_over(room):
    status, output, errors = inpaint(room, "film.mpg", "--gap", "0.8:1.6", model="av", out="noted.mp4")
    assert status == 0 and output.startswith("restored")
    assert errors.startswith("note: gap 0.80-1.60 s: no face is seen") and errors.count("\n") == 1


@pytest.mark.slow
def test_a_video_without_a_face_has_no_landmarks(room):
    status, _, errors = avsi("landmarks", room / "film.mpg", "-o", room / "overlay.mp4")
    assert status == 1 and errors.count("\n") == 1
    assert "no face was found in any of its 75 frames" in errors
    assert not (room / "overlay.mp4").exists()


def test_an_unknown_ending_and_a_wrong_setting(room, avsi_here):
    avsi = avsi_here
    status, _, errors = avsi("landmarks", room / "film.mpg", "-o", room / "overlay.gif")
    assert status == 1 and "expected .mp4, .npz" in errors
    before = (room / "film.mpg").read_bytes()
    (room / "same.mp4").write_bytes(before)
    status, _, errors = avsi("landmarks", room / "same.mp4", "-o", room / "same.mp4")
    assert status == 1 and "is the input itself" in errors and (room / "same.mp4").read_bytes() == before
    status, _, errors = avsi("train", "--out", room / "run", "--set", "training.sed=1")
    assert status == 1 and errors.count("\n") == 1 and "sed" in errors
    status, _, errors = avsi("train", "--out", room / "run", "--set", "data.stats=nowhere.npz")
    assert status == 1 and "nowhere.npz: no such statistics file" in errors
    assert not (room / "run").exists()


def test_a_gaps_file_in_another_encoding(room, avsi_here):
    (room / "latin1.txt").write_bytes("0.5 0.6 gepr\xfcft\n".encode("latin-1"))
    status, _, errors = inpaint(room, "good.wav", "--gaps-file", str(room / "latin1.txt"), run=avsi_here)
    assert status == 1 and "latin1.txt: not a text file in UTF-8" in errors and errors.count("\n") == 1


def test_names_that_look_like_markup_are_printed_as_they_are(capsys):
    from avsi.program import print_table

    print_table("[final]/x[/b]", ["what", "n"], [["[red]clip, a long name[/b]", 1]])
    output = capsys.readouterr().out
    assert "[final]/x[/b]" in output and "[red]clip, a long name[/b]" in output


def test_the_title_of_a_narrow_table_is_one_line(capsys):
    from avsi.program import print_table

    print_table("/a/long/path/of/a/file", ["what", "n"], [["clips", 1]])
    assert capsys.readouterr().out.splitlines()[0].rstrip() == "/a/long/path/of/a/file"


@pytest.mark.slow
def test_debug_shows_the_traceback(room):
    status, _, errors = inpaint(room, "none.wav", "--gap", "0.8:1.6", "--debug")
    assert status == 1 and "Traceback" in errors


@pytest.mark.parametrize("clip", ["good.wav", "film.mpg"])
@pytest.mark.slow
def test_a_full_disk_is_one_line_and_leaves_nothing(room, clip):
    """A limit on the size of files stands in for the disk."""
    import resource

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))

    before = sorted(room.iterdir())
    process = start(
        *("-m", "avsi.cli", "inpaint", room / clip, "-o", room / "full.wav", "--model", room / "a"),
        *("--gap", "0.8:1.6"),
        preexec_fn=limit,
    )
    _, errors = process.communicate()
    assert process.returncode == 1
    assert errors.count("\n") == 1 and "cannot be written" in errors and ".partial-" not in errors
    assert "is the disk full?" in errors
    assert sorted(room.iterdir()) == before


@pytest.mark.slow
def test_ctrl_c_in_training_keeps_the_finished_epochs(corpus, tmp_path):
    config = corpus_config(corpus)
    settings = [f"data.{name}={getattr(config.data, name)}" for name in ("train", "valid", "stats", "valid_gaps")]
    settings += ["training.max_epochs=500", "training.patience=500", "training.batch_size=4", "model.hidden=24"]
    run = start(
        "-m",
        "avsi.cli",
        "train",
        "--out",
        tmp_path / "run",
        *(x for s in settings for x in ("--set", s)),
        preexec_fn=listen_to_ctrl_c,
    )
    while not (tmp_path / "run" / "last.ckpt").exists():
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    time.sleep(0.3)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=200)
    assert run.returncode == 130
    assert errors.strip().splitlines()[-1] == "error: stopped; what was done so far is kept"
    assert torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)["epoch"] >= 0
    assert not list((tmp_path / "run").glob(".*"))


@needs_grid
@pytest.mark.slow
def test_ctrl_c_in_preparation_keeps_what_was_found(tmp_path):
    from avsi.data.matrices import find_matrices
    from avsi.video.tracks import Tracks

    folder = tmp_path / "set"
    clip = real_clip("s1/bbir9a")
    write_datadir(folder, [Utterance(f"s01_{n:03d}", "s01", "x.wav", 3.0, ("bin",), str(clip)) for n in range(200)])
    run = start("-m", "data_prep.landmarks", folder, "--jobs", 1, preexec_fn=listen_to_ctrl_c)
    while not (folder / "landmarks.ark").exists() or (folder / "landmarks.ark").stat().st_size < 2 * 41000:
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    _, errors = run.communicate(timeout=200)
    assert run.returncode == 130
    assert [line for line in errors.splitlines() if line.startswith("error: stopped")]  # MediaPipe's log lies around it
    with (folder / "landmarks.ark").open("r+b") as file:
        assert 2 <= len(find_matrices(file, [f"s01_{n:03d}" for n in range(200)], Tracks.from_matrix)) < 200


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.slow
def test_ctrl_c_while_a_corpus_is_drawn_leaves_nothing(tmp_path, jobs):
    out = tmp_path / "new" / "corpus"
    options = ["--out", out, "--speakers", 34, "--jobs", jobs]
    run = start("-m", "data_prep.mini_grid", *options, start_new_session=True, preexec_fn=listen_to_ctrl_c)
    while not list(tmp_path.glob("new/.corpus.partial-*/s1/*.mpg")):
        assert run.poll() is None, run.communicate()
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    _, errors = run.communicate(timeout=200)
    assert (run.returncode, errors.strip()) == (130, "error: stopped; nothing is kept")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_goes_with_the_next(tmp_path):
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f".corpus.partial-{gone.pid}"
    running = tmp_path / f".corpus.partial-{os.getppid()}"
    for folder in (left, running):
        (folder / "s1").mkdir(parents=True)
    with folder_beside(tmp_path / "corpus") as folder:
        (folder / "s1").mkdir()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["corpus", running.name])
    with pytest.raises(OSError, match="Directory not empty"), folder_beside(tmp_path / "corpus"):
        pass  # what stands there by now is not replaced
    assert (tmp_path / "corpus" / "s1").is_dir() and len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_a_model_is_exported_in_half_precision(room):
    status, output, _ = avsi("export", room / "a", "-o", room / "half", "--trained-on", "noise")
    assert status == 0 and output.startswith(f"{room / 'a'} -> {room / 'half'} (")
    sizes = [(room / name / "model.safetensors").stat().st_size for name in ("half", "a")]
    assert sizes[0] < 0.6 * sizes[1]
    assert output.endswith(f"; its card is {room / 'half' / 'README.md'}\n")
    about = json.loads((room / "half" / "config.json").read_text())["about"]
    assert about == {"trained_on": "noise", "exported_from": digest(room / "a" / "model.safetensors")}
    status, card, _ = avsi("info", room / "half")
    assert status == 0 and card == (room / "half" / "README.md").read_text() and "| Trained on | noise |" in card


def test_info_lists_each_model_with_its_size_and_shows_its_card(avsi_here):
    status, output, _ = avsi_here("info")
    listed = {line.split()[0]: line for line in output.partition("pretrained models")[2].splitlines()[2:]}
    assert status == 0 and {*pretrained_names()} < {*listed}
    assert re.search(r"^av \(default\) +inpainter +sound and face +\d\.\d ", listed["av"])
    assert re.search(r"^s1_a +inpainter +sound +8\.\d +GRID s1 \(880 clips\)$", listed["s1_a"])
    assert output.endswith(f"avsi info NAME, or {PRETRAINED / 'NAME' / 'README.md'}\n")
    status, output, _ = avsi_here("info", "s1_av")
    assert status == 0 and output == (PRETRAINED / "s1_av" / "README.md").read_text(encoding="utf-8")
    status, output, errors = avsi_here("info", "none")
    assert (status, output) == (1, "") and "none: neither a folder with a trained model nor a pretrained one" in errors


def test_a_card_is_drawn_on_a_terminal(monkeypatch, capsys):
    from avsi.program import print_markdown

    monkeypatch.setenv("FORCE_COLOR", "1")
    print_markdown("# Name\n\n<!-- facts -->\n\n| What | n |\n| --- | --- |\n| gaps | **3** |\n")
    drawn = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert "Name" in drawn and "gaps" in drawn and not re.search(r"#|<!--|\*\*|\| ---", drawn)


def test_help_imports_nothing_heavy():
    code = (
        "import sys; sys.argv = ['avsi', '--help']\n"
        "from avsi.cli import app\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'mediapipe', 'lightning', 'cv2', 'scipy', 'av') if m in sys.modules])\n"
    )
    process = start("-c", code)
    output, _ = process.communicate()
    assert output.strip().splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        *(("run", o) for o in (["--grids", "x"], ["--stage"], ["extra"], ["--stage", "x"], ["--gap-ms", "200 long"])),
        *(("run_general", o) for o in (["--grid", "x"], ["--fold"], ["extra"], ["--copies", "x"], ["--stage", "9"])),
    ],
)
def test_the_recipe_refuses_unknown_options(recipe, options):
    script = ROOT / "recipes/grid" / f"{recipe}.sh"
    result = subprocess.run(["bash", str(script), *options], capture_output=True, text=True)
    assert result.returncode == 1 and result.stderr.startswith("error: ") and result.stdout == ""


@needs_grid
@pytest.mark.slow
def test_landmarks_over_a_real_clip(tmp_path):
    status, output, _ = avsi("landmarks", real_clip("s1/bbir9a"), "-o", tmp_path / "overlay.mp4")
    assert status == 0 and output.startswith("a face in 75 of 75 frames")
    status, _, _ = avsi("landmarks", real_clip("s1/bbir9a"), "-o", tmp_path / "points.npz")
    with np.load(tmp_path / "points.npz") as arrays:
        assert arrays["points"].shape == (75, 68, 2) and arrays["time_s"].shape == (75,)


def test_a_program_that_is_stopped_says_what_is_kept_and_ends_as_shells_expect(monkeypatch, capsys):
    import warnings

    import typer

    from avsi.program import run_program

    app = typer.Typer()

    @app.command()
    def main() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["program"])
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    with pytest.raises(SystemExit) as exit_, warnings.catch_warnings():
        run_program(app, kept="all is kept")
    assert exit_.value.code == 130
    assert capsys.readouterr().err == "error: stopped; all is kept\n"
