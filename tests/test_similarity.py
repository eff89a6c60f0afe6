"""The similarity of restored voices to the speakers', the errors of a speaker encoder, and what the report says."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import run_app
from voices import make_speakers, save_encoder

from avsi.audio.stft import log_magnitude, spectrum
from avsi.config import StftConfig
from avsi.data.datadir import Utterance, read_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.errors import AvsiWarning, DataError
from avsi.media.sound_reading import read_mono
from avsi.models.store import load_model
from avsi.restoring.voices import VoiceEncoder, voice_of_frames
from avsi.timebase import frames_within
from data_prep import stats
from evaluation import report, restore, score, similarity, speakers
from evaluation.folder.evaluation import Evaluation
from evaluation.speakers import cut
from evaluation.statistics.summarize import summarize

STFT = StftConfig()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory) -> Path:
    return save_encoder(tmp_path_factory.mktemp("similarity") / "encoder")


@pytest.fixture(scope="module")
def compared(encoder, tmp_path_factory) -> Path:
    """An evaluation of two speakers with three utterances each, and of one with a single one; its voices compared."""
    folder = tmp_path_factory.mktemp("compared")
    datadir = make_speakers(folder / "test", range(3), 3)
    kept = [u for u in read_datadir(datadir) if u.speaker != "p2" or u.id == "p2_0"]
    make_speakers_of(datadir, kept)
    run_app(stats.app, datadir)
    write_gap_file(datadir / "gaps_700ms", {u.id: [Gap(0.3, 1.0)] for u in kept})
    systems = [option for name in ("unprocessed", "interpolation", "oracle") for option in ("--system", name)]
    options = ["--stats", datadir / "stats.npz", "--jobs", 1, "--out", folder / "made"]
    run_app(restore.app, datadir, "--gaps", datadir / "gaps_700ms", *systems, *options)
    run_app(similarity.app, folder / "made", "--encoder", encoder)
    return folder / "made"


def make_speakers_of(datadir: Path, utterances: list[Utterance]) -> None:
    from avsi.data.datadir import write_datadir

    write_datadir(datadir, utterances)


def rows_of(folder: Path, system: str) -> dict[str, dict]:
    lines = (folder / system / "700ms" / "voices.jsonl").read_text().splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def test_frames_within_a_stretch_touch_nothing_else():
    first, last = frames_within(0, 16000, STFT)
    samples = torch.ones(48000)
    samples[16000:32000] = 0
    whole = log_magnitude(spectrum(samples, STFT), STFT)
    first, last = frames_within(16000, 32000, STFT)
    assert float(whole[first:last].max()) == pytest.approx(np.log(1e-6), abs=1e-3)
    assert float(whole[first - 1].max()) > -5 and float(whole[last].max()) > -5
    first, last = frames_within(100, 300, STFT)
    assert last <= first


def test_a_perfect_system_has_the_voice_of_the_original_and_a_silent_one_none(compared, encoder):
    oracle, silent = rows_of(compared, "oracle"), rows_of(compared, "unprocessed")
    assert list(oracle) == ["p0", "p1", "p2"]
    for speaker in ("p0", "p1"):
        assert oracle[speaker]["own"] == pytest.approx(oracle[speaker]["original"], abs=0.01)
        assert silent[speaker]["own"] is None and silent[speaker]["original"] == oracle[speaker]["original"]
        assert silent[speaker]["failed"]["own"] == "no speech: it is silent"
    assert oracle["p2"]["own"] is None
    assert oracle["p2"]["failed"]["own"].endswith("s of speech, expected 0.8 s or more")
    known = VoiceEncoder.from_pretrained(encoder)
    clean = {
        u.id: log_magnitude(spectrum(torch.from_numpy(read_mono(u.wav, 16000)), STFT), STFT)
        for u in read_datadir(compared / "clean")
    }
    inside = slice(*frames_within(4800, 16000, STFT))
    around = torch.cat([torch.cat([clean[f"p0_{n}"][:24], clean[f"p0_{n}"][85:]]) for n in range(3)])
    heard = voice_of_frames(torch.cat([clean[f"p0_{n}"][inside] for n in range(3)]), known)
    assert oracle["p0"]["original"] == pytest.approx(heard.alike(voice_of_frames(around, known)), abs=0.01)
    assert oracle["p0"]["speech_s"] == pytest.approx(heard.speech_s, abs=0.05)


def test_means_are_over_speakers_and_missing_ones_are_counted(compared):
    voices = summarize_voices(compared)
    rows = rows_of(compared, "oracle")
    own = voices["oracle", "700ms"].own
    assert own.mean == pytest.approx((rows["p0"]["own"] + rows["p1"]["own"]) / 2)
    assert (own.scored, own.missing) == (2, 1) and own.low <= own.mean <= own.high
    assert voices["unprocessed", "700ms"].own.scored == 0


def summarize_voices(folder: Path) -> dict:
    from evaluation.statistics.voices import compare_voices

    return compare_voices(Evaluation.read(folder))


def test_results_of_the_same_encoder_stay_and_those_of_another_are_told(compared, encoder, tmp_path):
    copy = shutil.copytree(compared, tmp_path / "copy")
    path = copy / "oracle" / "700ms" / "voices.jsonl"
    path.write_text(re.sub(r'"speech_s": (\d)', r'"speech_s": 9\1', path.read_text()))
    before = path.read_text()
    run_app(similarity.app, copy, "--encoder", encoder)
    assert path.read_text() == before
    other = save_encoder(tmp_path / "other", seed=1)
    run_app(similarity.app, copy, "--encoder", other)
    assert path.read_text() != before
    path.write_text(before)
    with pytest.warns(AvsiWarning, match="oracle, 700ms: its voices were compared by another speaker encoder"):
        assert ("oracle", "700ms") not in summarize_voices(copy)


def test_the_report_shows_whose_voice_it_is(compared, tmp_path):
    copy = shutil.copytree(compared, tmp_path / "copy")
    run_app(score.app, copy, "--metrics", "lsd", "--jobs", 1)
    run_app(report.app, copy, "--examples", 0)
    page = (copy / "report" / "results.md").read_text()
    section = page[page.index("### Whose voice it is") : page.index("### By speaker")]
    assert "Means over 3 speakers" in section and "| unprocessed | - (3 not scored) |" in section
    own = summarize(Evaluation.read(copy)).voices["oracle", "700ms"].own
    assert f"| oracle | {own.mean:.3f} [" in section
    assert r"\label{tab:voices-700ms}" in (copy / "report" / "tables.tex").read_text()


def test_pieces_are_of_one_length_and_know_their_utterances(encoder):
    known = VoiceEncoder.from_pretrained(encoder)
    utterances = [Utterance(f"{name}_{n}", name, "", 1.0) for name in "ab" for n in range(3)]
    speech = [torch.full((length, 257), float(number)) for number, length in enumerate((100, 50, 70, 40, 20, 10))]
    pieces = cut(utterances, speech, 0.9, known)  # 75 frames
    assert [(piece.speaker, set(piece.utterances)) for piece in pieces] == [(0, {0}), (0, {0, 1})]


def test_the_program_of_equal_errors(compared, encoder, tmp_path):
    datadir = shutil.copytree(compared / "clean", tmp_path / "set")
    encoder = shutil.copytree(encoder, tmp_path / "encoder")
    (encoder / "train_ids").write_text("p1_7\n")
    options = ["--seconds", 0.8, "--seconds", 0.5, "--encoder", encoder, "--keep-threshold"]
    with pytest.warns(AvsiWarning, match="was trained on 1 of these speakers, such as p1"):
        told = run_app(speakers.app, datadir, *options)
    first, second = json.loads((datadir / "speaker_errors.json").read_text())["results"]
    assert (first["seconds"], first["speakers"], second["seconds"]) == (0.8, 3, 0.5)
    assert 0 <= first["low"] <= first["rate"] <= first["high"] <= 1
    assert first["pieces"] < second["pieces"] and first["same"] + first["different"] > 0
    assert f"{100 * first['rate']:.2f} [" in told
    assert load_model(encoder).config.model.threshold == pytest.approx(first["threshold"], abs=1e-4)
    with pytest.raises(DataError, match="no two speakers with two pieces of 60 s of speech"):
        run_app(speakers.app, datadir, "--seconds", 60, "--encoder", encoder)


def test_pairs_of_one_speaker_are_of_different_utterances_where_there_are_such(encoder):
    known = VoiceEncoder.from_pretrained(encoder)
    utterances = [Utterance(f"{name}_{n}", name, "", 1.0) for name, count in (("a", 3), ("b", 1)) for n in range(count)]
    rng = np.random.default_rng(0)
    speech = [torch.from_numpy(rng.normal(-3, 2, (n, 257)).astype(np.float32)) for n in (75, 75, 75, 230)]
    result = speakers._measure(Path("set"), utterances, speech, 0.45, known)  # 38 frames: 5 pieces and 6
    assert (result.speakers, result.pieces, result.different, result.same_recording) == (2, 11, 30, 1)
    # The pieces of "a" are of its utterances 0, 0 and 1, 1, 1 and 2, and 2: five pairs share none.
    assert result.same == 15 + 5
