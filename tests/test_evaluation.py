import dataclasses
import json
import runpy
import shutil
import sys

import kaldiio
import numpy as np
import pytest
import soundfile
import torch
from conftest import BASELINES, RATE, corpus_config, restored, run_app, speech
from typer.testing import CliRunner

from avsi import folders
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.gap_files import read_gap_file
from avsi.data.gaps import gap_spans, lost_samples
from avsi.data.stats import Stats
from avsi.errors import AvsiError, AvsiWarning, ConfigError, DataError
from avsi.files import digest
from avsi.metrics import log_spectral_distance, pesq_nb, raw_from_lqo, stoi
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from avsi.video.tracks import Tracks
from evaluation import compare, report, restore, score
from evaluation.folder import set_parts, signals
from evaluation.folder.evaluation import Evaluation
from evaluation.folder.layout import PHONES, WORDS
from evaluation.folder.rows import merged_rows, read_rows, write_rows
from evaluation.reporting.cells import mean_text
from evaluation.statistics.summarize import summarize
from evaluation.systems import fingerprints, worker

IDS = [f"s04_clip{n}" for n in range(4)]


def scores(evaluation, system="interpolation", *options) -> dict[str, dict]:
    run_app(score.app, evaluation, "--jobs", 1, *options)
    return Evaluation.read(evaluation).set(system, "600ms").rows("scores.jsonl")


def without_scores(evaluation):
    for path in evaluation.glob("*/*/scores.jsonl"):
        path.unlink()
    return evaluation


@pytest.mark.slow
def test_every_system_keeps_what_is_reliable_and_fills_the_gaps(corpus, made):
    gaps = read_gap_file(corpus / "test" / "gaps_600ms")
    assert Evaluation.read(made).systems == [*BASELINES, "model"]
    for one in Evaluation.read(made).sets:
        assert list(one.wavs) == list(one.spectra) == IDS and one.gaps == gaps
        for number, id_ in enumerate(IDS):
            clean, samples = speech(number), soundfile.read(one.wavs[id_])[0]
            inside = lost_samples(gap_spans(gaps[id_], len(clean), RATE), len(clean))
            assert samples[~inside] == pytest.approx(clean[~inside], abs=1e-4)
            assert samples[inside].any() == (one.system != "unprocessed")


def test_an_evaluation_says_how_it_was_made(made, corpus):
    about = json.loads((made / "evaluation.json").read_text())
    assert about["datadir"] == str(corpus / "test") and about["conditions"] == {"600ms": "drawn with seed 0"}
    assert about["corpus"] == "unnamed corpus" and about["split"] == ""
    assert about["systems"]["oracle"] == {"system": "oracle"}
    assert about["systems"]["model"]["senses"] == [True, True, False] and about["systems"]["model"]["seed"] == 0
    assert {"date", "command", "commit", "machine"} == set(about["runs"][0])
    [condition] = Evaluation.read(made).conditions
    assert (condition.name, condition.gap_ms) == ("600ms", 600)


@pytest.mark.slow
def test_a_development_set_is_called_one_wherever_figures_stand(corpus, evaluation, tmp_path):
    """Also where it is known only later, and where it is no longer told."""
    printed = run_app(score.app, evaluation, "--jobs", 1)
    run_app(report.app, evaluation, "--examples", 1, "--jobs", 1)
    page, text = ((evaluation / "report" / name).read_text() for name in ("index.html", "results.md"))
    assert not any("evelopment set" in told for told in (printed, page, text))
    shutil.copytree(corpus / "test", tmp_path / "test")
    about = json.loads((evaluation / "evaluation.json").read_text()) | {"datadir": str(tmp_path / "test")}
    (evaluation / "evaluation.json").write_text(json.dumps(about))
    (tmp_path / "test" / "development").write_text("the loss was chosen on it\n")
    gaps = ["--gaps", tmp_path / "test" / "gaps_600ms", "--stats", corpus / "train" / "stats.npz", "--jobs", 1]
    for _ in range(2):
        run_app(restore.app, tmp_path / "test", *gaps, "--system", "oracle", "--out", evaluation)
        assert "Development set, no test set: the loss was chosen on it." in run_app(score.app, evaluation, "--jobs", 1)
        (tmp_path / "test" / "development").unlink(missing_ok=True)
    run_app(report.app, evaluation, "--examples", 1, "--jobs", 1)
    page, text = ((evaluation / "report" / name).read_text() for name in ("index.html", "results.md"))
    for told in (page, text, run_app(compare.app, evaluation, "unprocessed", "oracle")):
        assert "Development set, no test set: the loss was chosen on it." in told


def test_scores_are_those_of_the_metrics(corpus, made):
    row = Evaluation.read(made).set("interpolation", "600ms").rows("scores.jsonl")["s04_clip1"]
    samples = soundfile.read(made / "interpolation" / "600ms" / "wav" / "s04_clip1.wav", dtype="float32")[0]
    clean = soundfile.read(read_datadir(corpus / "test")[1].wav, dtype="float32")[0]
    assert row["stoi"] == pytest.approx(stoi(clean, samples, RATE), abs=1e-9)
    assert row["pesq"] == pytest.approx(pesq_nb(clean, samples, RATE), abs=1e-6)
    assert row["pesq_raw"] == pytest.approx(raw_from_lqo(row["pesq"]), abs=1e-9)


def test_metrics_are_added_to_those_that_are_there(corpus, evaluation):
    before = scores(evaluation)["s04_clip1"]
    row = scores(evaluation, "interpolation", "--metrics", "stoi_gap, lsd,mcd,l1")["s04_clip1"]
    names = ["id", "speaker", "l1", "lsd", "mcd", "stoi", "stoi_gap", "pesq", "pesq_raw", "failed"]
    assert list(row) == names
    assert {name: row[name] for name in before if name != "failed"} == {
        k: v for k, v in before.items() if k != "failed"
    }
    clean = soundfile.read(read_datadir(corpus / "test")[1].wav, dtype="float32")[0]
    samples = soundfile.read(evaluation / "interpolation" / "600ms" / "wav" / "s04_clip1.wav", dtype="float32")[0]
    [(start, stop)] = gap_spans(read_gap_file(corpus / "test" / "gaps_600ms")["s04_clip1"], len(clean), RATE)
    near = slice(max(start - 3200, 0), stop + 3200)
    assert row["stoi_gap"] == stoi(clean[near], samples[near], RATE)
    spectra = [signals.log_spectrum(x) for x in (samples, clean)]
    lost = signals.lost_frames_of(clean, [(start, stop)])
    assert row["lsd"] == pytest.approx(log_spectral_distance(*(x[lost].numpy() for x in spectra)))
    assert row["lsd"] > 1
    with pytest.raises(ConfigError, match="no metric 'loudness': expected all, default, or some of l1, lsd"):
        scores(evaluation, "interpolation", "--metrics", "l1,loudness")


@pytest.mark.slow
def test_scoring_goes_on_where_it_was_stopped(evaluation, monkeypatch):
    """Stopped after six utterances: what was scored is kept, and is not scored again."""
    whole = {str(one): one.rows("scores.jsonl") for one in Evaluation.read(evaluation).sets}
    without_scores(evaluation)
    compute, done = score.score_utterance, []

    def stopping(utterance, made, *arguments):
        if len(done) == 6:
            raise KeyboardInterrupt
        done.append(made.wav)
        return compute(utterance, made, *arguments)

    monkeypatch.setattr(score, "score_utterance", stopping)
    result = CliRunner().invoke(score.app, [str(evaluation), "--jobs", "1"])
    assert result.exit_code == 130
    sets = Evaluation.read(evaluation).sets
    assert [len(one.rows("scores.jsonl")) for one in sets] == [4, 2, 0, 0, 0]
    assert summarize(Evaluation.read(evaluation)).estimates["interpolation", "600ms", "stoi"].missing == 2
    done.clear()
    done.extend([None] * 5)  # so that it is not stopped again
    monkeypatch.setattr(score, "score_utterance", lambda *arguments: (done.append(1), compute(*arguments))[1])
    run_app(score.app, evaluation, "--jobs", 1)
    assert len(done) == 5 + 14
    assert {str(one): one.rows("scores.jsonl") for one in sets} == whole
    run_app(score.app, evaluation, "--jobs", 1)
    assert len(done) == 5 + 14
    run_app(score.app, evaluation, "--jobs", 1, "--again", "--metrics", "l1")
    assert len(done) == 5 + 14 + 20
    assert {str(one): one.rows("scores.jsonl") for one in sets} == whole


@pytest.mark.parametrize(
    ("share", "kept"), [(float("inf"), ["c", "bc", "abc"]), (1e-12, ["c", "bc", "bc"])], ids=["quick", "slow"]
)
def test_scores_are_saved_as_they_come_unless_that_takes_long(tmp_path, monkeypatch, share, kept):
    """What a killed run leaves: all rows in order, or those before a save that would take too large a share."""
    monkeypatch.setattr(score, "SAVE_EVERY_S", 0)
    monkeypatch.setattr(score, "SAVE_SHARE", share)
    path, found = tmp_path / "scores.jsonl", []
    row = {"speaker": "s", "stoi": 0.5, "failed": {}}
    write_rows(path, [row | {"id": "c"}])

    def there():
        return "".join(each["id"] for each in read_rows(path))

    def new():
        for id_ in "bad":
            found.append(there())
            yield row | {"id": id_, "pesq": 2.0}

    score._add_rows(path, list("abcd"), new())
    assert found == kept and there() == "abcd"


@pytest.mark.slow
def test_several_processes_score_alike_when_the_program_is_started_by_name(evaluation, monkeypatch):
    """What a program defines itself is sent to its processes by value: with all that it refers to."""
    one = scores(evaluation)
    without_scores(evaluation)
    monkeypatch.setattr(sys, "argv", ["score", str(evaluation), "--jobs", "2"])
    monkeypatch.delitem(sys.modules, "evaluation.score")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("evaluation.score", run_name="__main__")
    rows = Evaluation.read(evaluation).set("interpolation", "600ms").rows("scores.jsonl")
    assert list(rows) == list(one)
    for id_, row in rows.items():
        assert row["failed"] == {} and list(row) == list(one[id_])
        for name in ("l1", "stoi", "pesq", "pesq_raw"):  # another process may round otherwise
            assert row[name] == pytest.approx(one[id_][name], rel=1e-5)


def test_weights_are_read_once_in_a_process_and_again_where_they_changed(model, tmp_path, monkeypatch):
    mine, read = shutil.copytree(model, tmp_path / "mine"), []
    monkeypatch.setattr(fingerprints, "digest", lambda path: (read.append(path), digest(path))[1])
    before = [fingerprints.fingerprint(str(mine), condition, "cpu") for condition in ("600ms", "random", "600ms")]
    assert len(read) == 1 and before[0] == before[1] == {"weights": digest(mine / "model.safetensors"), "files": ""}
    with (mine / "model.safetensors").open("ab") as file:
        file.write(b" ")
    assert fingerprints.fingerprint(str(mine), "600ms", "cpu") != before[0] and len(read) == 2
    # What a GPU restores is restored anew on the CPU.
    assert fingerprints.fingerprint(str(mine), "600ms", "cuda:0")["device"] == "cuda:0"


def test_the_oracle_is_ahead_of_every_baseline(evaluation):
    run_app(score.app, evaluation, "--jobs", 1, "--metrics", "lsd")
    found = summarize(Evaluation.read(evaluation)).estimates
    means = {
        name: {metric: found[name, "600ms", metric].mean for metric in ("l1", "lsd", "stoi")} for name in BASELINES
    }
    oracle = means.pop("oracle")
    assert oracle["l1"] == pytest.approx(0, abs=1e-3)  # of deviations
    for other in means.values():
        assert oracle["stoi"] > other["stoi"] + 0.05 and oracle["lsd"] < other["lsd"] / 2
    assert means["autoregression"]["stoi"] > means["unprocessed"]["stoi"]


def test_the_mean_of_a_recording_is_of_what_is_reliable_in_it(corpus, tmp_path):
    restored(corpus, tmp_path, "mean")
    found = Evaluation.read(tmp_path).set("mean", "600ms")
    for utterance in read_datadir(corpus / "test"):
        clean = soundfile.read(utterance.wav, dtype="float32")[0]
        spans = gap_spans(found.gaps[utterance.id], len(clean), RATE)
        lost = signals.lost_frames_of(clean, spans)
        mean = signals.log_spectrum(clean)[~lost].mean(dim=0).numpy()
        predicted = kaldiio.load_mat(found.spectra[utterance.id])
        assert predicted == pytest.approx(np.tile(mean, (lost.sum(), 1)), abs=1e-3)
        inside = lost_samples(spans, len(clean))
        assert soundfile.read(found.wavs[utterance.id])[0][inside].any()


def test_l1_of_the_unprocessed_signal_is_that_of_the_training_mean(corpus, made):
    from avsi.training.dataset import InpaintingData

    data = InpaintingData(corpus / "test", corpus_config(corpus), corpus / "test" / "gaps_600ms")
    stats = Stats.load(corpus / "train" / "stats.npz")
    rows = Evaluation.read(made).set("unprocessed", "600ms").rows("scores.jsonl")
    for index, id_ in enumerate(IDS):
        _, features, lost = data[index]
        normalised = (features.log_spectrum.numpy()[lost.numpy()] - stats.audio_mean) / stats.audio_std
        assert rows[id_]["l1"] == pytest.approx(np.abs(normalised).mean(), rel=1e-4)


@pytest.mark.slow
def test_a_file_missing_from_a_set_cannot_shift_scores(evaluation):
    """Scores and names fall out of step in the released code when a file is missing."""
    whole = scores(evaluation)
    folder = without_scores(evaluation) / "interpolation" / "600ms"
    lines = (folder / "wav.scp").read_text().splitlines()
    gone = lines[2].split()[1].replace("clip2", "gone")
    (folder / "wav.scp").write_text("\n".join([lines[0], f"s04_clip2 {gone}", lines[3]]) + "\n")
    rows = scores(evaluation, "interpolation", "--max-left-out", 0.5)
    assert list(rows) == IDS
    for id_ in ("s04_clip0", "s04_clip3"):
        assert rows[id_] == whole[id_]
    assert rows["s04_clip1"]["stoi"] is None and rows["s04_clip1"]["failed"]["stoi"] == "not restored"
    assert "gone.wav: no such file" in rows["s04_clip2"]["failed"]["pesq"]
    assert rows["s04_clip2"]["l1"] == whole["s04_clip2"]["l1"]
    found = summarize(Evaluation.read(evaluation)).estimates
    assert (found["interpolation", "600ms", "stoi"].scored, found["interpolation", "600ms", "stoi"].missing) == (2, 2)
    assert (found["interpolation", "600ms", "l1"].scored, found["interpolation", "600ms", "l1"].missing) == (3, 1)
    mean = np.mean([rows[id_]["stoi"] for id_ in ("s04_clip0", "s04_clip3")])
    assert mean_text(found["interpolation", "600ms", "stoi"]) == f"{mean:.3f} (2 not scored)"
    shutil.copy(lines[2].split()[1], gone)  # what failed is tried again
    assert scores(evaluation, "interpolation", "--max-left-out", 0.5)["s04_clip2"] == whole["s04_clip2"]


@pytest.mark.slow
def test_scoring_fails_where_too_many_have_no_value_and_writes_what_there_is(evaluation):
    whole = scores(evaluation)
    folder = without_scores(evaluation) / "interpolation" / "600ms"
    wavs = folder / "wav.scp"
    wavs.write_text(wavs.read_text().replace("s04_clip2.wav", "gone.wav"))
    why = r"interpolation, 600ms: 1 of 4 utterances have no stoi, more than --max-left-out 0\.05, .*gone\.wav: no such"
    with pytest.raises(DataError, match=why) as error:
        run_app(score.app, evaluation, "--jobs", 1, "--metrics", "l1,stoi,pesq")
    assert "\n" not in str(error.value) and "2 of 15 pairs of set and metric lack as much" in str(error.value)
    rows = Evaluation.read(evaluation).set("interpolation", "600ms").rows("scores.jsonl")
    assert [rows[id_]["stoi"] for id_ in IDS] == [whole[id_]["stoi"] if id_ != IDS[2] else None for id_ in IDS]
    run_app(score.app, evaluation, "--jobs", 1, "--metrics", "l1")  # which needs no sound, has all values
    run_app(score.app, evaluation, "--jobs", 1, "--metrics", "stoi,pesq", "--max-left-out", 0.25)


def test_files_that_another_program_restored_are_scored_too(corpus, evaluation, tmp_path):
    mine, utterances = tmp_path / "mine" / "600ms", read_datadir(corpus / "test")
    mine.mkdir(parents=True)
    clean = [soundfile.read(utterance.wav, dtype="float32")[0] for utterance in utterances]
    soundfile.write(mine / f"{IDS[0]}.wav", clean[0], RATE, subtype="FLOAT")
    soundfile.write(mine / f"{IDS[1]}.wav", clean[1][:-100], RATE)
    soundfile.write(mine / f"{IDS[2]}.wav", clean[2], 44100)
    with (
        pytest.warns(AvsiWarning, match=r"theirs, 600ms: 3 not restored, such as s04_clip1: .*one length"),
        pytest.raises(DataError, match=r"theirs, 600ms: 3 of 4 utterances could not be restored"),
    ):
        restored(corpus, evaluation, f"theirs={tmp_path / 'mine'}")
    rows = scores(evaluation, "theirs", "--max-left-out", 0.75)
    assert rows[IDS[0]]["stoi"] == pytest.approx(1) and rows[IDS[0]]["l1"] == pytest.approx(0, abs=1e-3)
    reasons = [rows[id_]["failed"]["stoi"] for id_ in IDS[1:]]
    for reason, expected in zip(
        reasons, ("expected two of one length", "44100 Hz, expected 16000", "no such file"), strict=True
    ):
        assert expected in reason and "s04_clip" in reason
    for id_, samples in zip(IDS, clean, strict=True):
        soundfile.write(mine / f"{id_}.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(ConfigError, match=r"theirs is .*mine there, and not interpolation|keep their names"):
        restored(corpus, evaluation, "theirs=interpolation")
    with pytest.raises(ConfigError, match=r"theirs is .*mine there, and not av; NAME"):
        restored(corpus, evaluation, "theirs=av")
    assert "theirs, 600ms: has changed" in restored(corpus, evaluation, f"theirs={tmp_path / 'mine'}")
    assert all(row["stoi"] == pytest.approx(1) for row in scores(evaluation, "theirs").values())


@pytest.mark.slow
def test_of_another_program_only_what_lies_in_the_gaps_is_taken(corpus, evaluation, tmp_path):
    """Softer, as what was restored whole may be: outside the gaps every system has the clean sound."""
    folder = tmp_path / "soft" / "600ms"
    folder.mkdir(parents=True)
    for id_, wav in Evaluation.read(evaluation).set("interpolation", "600ms").wavs.items():
        soundfile.write(folder / f"{id_}.wav", 0.5 * soundfile.read(wav)[0], RATE, subtype="FLOAT")
    restored(corpus, evaluation, tmp_path / "soft")
    for id_, gaps in read_gap_file(corpus / "test" / "gaps_600ms").items():
        clean, one, soft = (
            soundfile.read(path)[0]
            for path in (
                read_datadir(corpus / "test")[IDS.index(id_)].wav,
                Evaluation.read(evaluation).set("interpolation", "600ms").wavs[id_],
                evaluation / "soft" / "600ms" / "wav" / f"{id_}.wav",
            )
        )
        inside = lost_samples(gap_spans(gaps, len(clean), RATE), len(clean))
        assert soft[~inside] == pytest.approx(clean[~inside], abs=1e-4)
        [(start, stop)] = gap_spans(gaps, len(clean), RATE)
        middle = slice(start + 400, stop - 400)  # away from the cross-fades
        assert soft[middle] == pytest.approx(0.5 * one[middle], abs=1e-4)


def test_silence_as_reference_has_no_score_and_a_reason(corpus, tmp_path):
    utterances = read_datadir(corpus / "test")
    soundfile.write(tmp_path / "silence.wav", np.zeros(round(utterances[0].duration_s * RATE)), RATE)
    write_datadir(
        tmp_path / "test", [dataclasses.replace(utterances[0], wav=str(tmp_path / "silence.wav")), *utterances[1:]]
    )
    stats = ["--stats", corpus / "train" / "stats.npz", "--jobs", 1]
    gaps = ["--gaps", corpus / "test" / "gaps_600ms", "--system", "interpolation"]
    run_app(restore.app, tmp_path / "test", *gaps, "--out", tmp_path / "out", *stats)
    rows = scores(tmp_path / "out", "interpolation", "--max-left-out", 0.25)
    for metric in ("stoi", "pesq", "pesq_raw"):
        assert rows[IDS[0]][metric] is None and rows[IDS[0]]["failed"][metric] == "the reference is silent"
        assert rows[IDS[1]][metric] is not None


def test_restoring_needs_gaps_for_the_same_utterances(corpus, tmp_path):
    write_datadir(tmp_path / "fewer", read_datadir(corpus / "test")[:3])
    gaps = ["--gaps", corpus / "test" / "gaps_600ms", "--out", tmp_path / "o"]
    with pytest.raises(DataError, match=r"1 utterance\(s\) are either .* such as s04_clip3 in the gap file"):
        run_app(restore.app, tmp_path / "fewer", *gaps, "--system", "interpolation")
    with pytest.raises(AvsiError, match="neither a folder with a trained model"):
        run_app(restore.app, corpus / "test", *gaps, "--system", "nothing")
    with pytest.raises(ConfigError, match="two systems, or two kinds of gaps, of one name"):
        run_app(restore.app, corpus / "test", *gaps, "--system", "oracle", "--system", "oracle")
    for system in ("report=interpolation", "gaps_600ms=interpolation", "evaluation.json=oracle", "a b=oracle"):
        with pytest.raises(ConfigError, match="its name must be of letters"):
            run_app(restore.app, corpus / "test", *gaps, "--system", system)
    for system in ("bound=oracle", "oracle=exp/av"):
        with pytest.raises(ConfigError, match="keep their names"):
            run_app(restore.app, corpus / "test", *gaps, "--system", system)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="neither a trained model nor wav files"):
        run_app(restore.app, corpus / "test", *gaps, "--system", tmp_path / "empty")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ("2.0 3.2", "gap 2:3.2: outside the recording, which lasts 2.978 s"),
        ("2.0 1.0", "gap 2:1: ends before it starts"),
        ("1.0 2.0\ns04_clip1 1.5 2.5", "gap 1.5:2.5: overlaps the gap before it"),
    ],
)
def test_gaps_that_do_not_fit_are_refused_before_anything_is_written(corpus, tmp_path, times, message):
    gaps = tmp_path / "gaps_odd"
    gaps.write_text("".join(f"{id_} {times if id_ == 's04_clip1' else '0.5 0.8'}\n" for id_ in IDS))
    with pytest.raises(DataError, match=f"^{gaps}: s04_clip1: {message}"):
        restored(corpus, tmp_path / "o", "interpolation", gaps=gaps)
    assert not (tmp_path / "o").exists()


def test_recordings_shorter_than_they_are_said_to_be_fail_one_by_one(corpus, tmp_path):
    shutil.copytree(corpus / "test", tmp_path / "test")
    shutil.copytree(corpus / "train", tmp_path / "train")
    (tmp_path / "test" / "utt2dur").write_text("".join(f"{id_} 6.0\n" for id_ in IDS))
    gaps = tmp_path / "gaps_late"
    gaps.write_text("".join(f"{id_} 2.0 {2.2 + number:.1f}\n" for number, id_ in enumerate(IDS)))
    with pytest.raises(DataError, match="3 of 4 utterances could not be restored"):
        restored(tmp_path, tmp_path / "o", "interpolation", gaps=gaps)
    assert "s04_clip1 gap 2:3.2: outside the recording" in (tmp_path / "o/interpolation/late/failed").read_text()
    run_app(score.app, tmp_path / "o", "--jobs", 1, "--max-left-out", 0.75)
    found = summarize(Evaluation.read(tmp_path / "o")).estimates["interpolation", "late", "l1"]
    assert (found.scored, found.missing) == (1, 3)


def test_scores_on_training_utterances_are_told(corpus, model, tmp_path):
    (model / "train_ids").write_text("s04_clip2\ns09_clip1\n")
    with pytest.warns(AvsiWarning, match=r"was trained on 1 of these 4 utterances, such as s04_clip2"):
        restored(corpus, tmp_path / "out", model)
    (model / "train_ids").unlink()


@pytest.mark.slow
def test_what_is_there_stays_and_what_is_missing_is_made(corpus, evaluation):
    """A set that was not finished is restored again; others, and their scores, stay."""
    oracle, interpolation = (evaluation / name / "600ms" for name in ("oracle", "interpolation"))
    (oracle / "system.json").unlink()
    with pytest.warns(AvsiWarning, match="oracle/600ms: not restored, or not to its end"):
        assert "oracle" not in {one.system for one in Evaluation.read(evaluation).sets}
    written = (interpolation / "wav.scp").stat().st_mtime_ns
    restored(corpus, evaluation, "interpolation", "oracle")
    assert (oracle / "system.json").exists() and (interpolation / "wav.scp").stat().st_mtime_ns == written
    restored(corpus, evaluation, "interpolation", gaps="gaps_random")
    found = Evaluation.read(evaluation)
    assert [condition.name for condition in found.conditions] == ["random", "600ms"]
    assert found.conditions[0].gap_ms is None
    with pytest.warns(AvsiWarning, match=r"unprocessed/random: not restored"):
        assert [str(one) for one in found.sets][:2] == ["unprocessed, 600ms", "interpolation, random"]


def files_of(folder) -> dict[str, bytes]:
    """The content of each file, but for where the folder is."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(folder)): path.read_bytes().replace(str(folder.parents[1]).encode(), b"") for path in paths
    }


def test_restoring_goes_on_with_the_parts_that_are_missing(corpus, tmp_path, monkeypatch):
    """Stopped in the third part of the second system: what is there is not made again, and the files are the same."""
    restored(corpus, tmp_path / "whole", "unprocessed", "interpolation")
    restore_part, done = restore.restore_part, []

    def stopping(number, *arguments):
        done.append(number)
        if len(done) == 7:
            raise KeyboardInterrupt
        return restore_part(number, *arguments)

    monkeypatch.setattr(restore, "restore_part", stopping)
    names = ["--system", "unprocessed", "--system", "interpolation"]
    options = ["--gaps", corpus / "test" / "gaps_600ms", "--stats", corpus / "train" / "stats.npz", "--jobs", 1]
    arguments = [str(each) for each in (corpus / "test", *options, *names, "--out", tmp_path / "out")]
    assert CliRunner().invoke(restore.app, arguments).exit_code == 130
    assert done == [0, 1, 2, 3, 0, 1, 2]
    [complete] = Evaluation.read(tmp_path / "out").sets
    assert complete.system == "unprocessed" and len(complete.spectra) == 4
    run_app(restore.app, *arguments)
    assert done == [0, 1, 2, 3, 0, 1, 2, 2, 3]
    for name in ("unprocessed", "interpolation"):
        stopped, whole = (files_of(tmp_path / out / name / "600ms") for out in ("out", "whole"))
        assert stopped == whole and len(stopped) == 4 + 2 * 4
        assert [file for file in stopped if file.endswith(".json")] == ["system.json"]


def test_what_failed_before_a_run_was_stopped_is_tried_again_alone(corpus, tmp_path, monkeypatch):
    """A recording that was away for a moment."""
    monkeypatch.setattr(set_parts, "PARTS_OF_SMALL_SETS", 2)  # of two utterances each
    shutil.copytree(corpus / "test", tmp_path / "test")
    shutil.copytree(corpus / "train", tmp_path / "train")
    utterances = read_datadir(tmp_path / "test")
    away = tmp_path / "away.wav"
    write_datadir(tmp_path / "test", [dataclasses.replace(utterances[0], wav=str(away)), *utterances[1:]])
    read_mono, read, stopping = worker.read_mono, [], [utterances[2].wav]

    def reading(path, rate):
        if path in stopping:
            raise RuntimeError("stopped")
        read.append(path)
        return read_mono(path, rate)

    monkeypatch.setattr(worker, "read_mono", reading)
    with pytest.raises(RuntimeError, match="stopped"):
        restored(tmp_path, tmp_path / "out", "interpolation")
    assert read == [str(away), utterances[1].wav]
    shutil.copy(utterances[0].wav, away)
    stopping.clear()
    restored(tmp_path, tmp_path / "out", "interpolation")
    assert read[2:] == [str(away), utterances[2].wav, utterances[3].wav]
    found = Evaluation.read(tmp_path / "out").set("interpolation", "600ms")
    assert list(found.wavs) == list(found.spectra) == IDS and found.failed == {}
    restored(corpus, tmp_path / "whole", "interpolation")
    whole = Evaluation.read(tmp_path / "whole").set("interpolation", "600ms")
    for id_ in IDS:
        assert kaldiio.load_mat(found.spectra[id_]) == pytest.approx(kaldiio.load_mat(whole.spectra[id_]))


def test_a_run_that_is_killed_while_it_removes_a_set_leaves_no_scores_of_it(corpus, evaluation, monkeypatch):
    folder, rmtree = evaluation / "interpolation" / "600ms", shutil.rmtree
    (folder / "system.json").write_text('{"weights": "of earlier"}')

    def killed(path, *arguments, **options):
        if (path / "scores.jsonl").exists():
            (path / "system.json").unlink()
            raise RuntimeError("killed")
        rmtree(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        patch.setattr(folders, "this_process", lambda: "999999999")  # which has ended by the next run
        with pytest.raises(RuntimeError, match="killed"):
            restored(corpus, evaluation, "interpolation")
    assert not folder.exists()
    restored(corpus, evaluation, "interpolation")
    assert len(Evaluation.read(evaluation).set("interpolation", "600ms").wavs) == 4
    assert not [path for path in evaluation.rglob("*") if ".partial-" in path.name]
    assert not (folder / "scores.jsonl").exists()


def test_a_model_that_changes_while_it_restores_is_told(corpus, model, tmp_path, monkeypatch):
    mine, out = shutil.copytree(model, tmp_path / "mine"), tmp_path / "out"
    restore_part, done = restore.restore_part, []

    def trained_on(number, *arguments):
        done.append(number)
        if done == [0, 1]:
            torch.manual_seed(1)
            config = corpus_config(corpus)
            save_model(mine, BLSTMInpainter(config, Stats.load(config.data.stats)))
        return restore_part(number, *arguments)

    monkeypatch.setattr(restore, "restore_part", trained_on)
    with pytest.raises(DataError, match="mine: changed while it was restored; run this again when that is over"):
        restored(corpus, out, mine)
    assert done == [0, 1] and (out / "mine/600ms/spectra/000000.json").exists()
    restored(corpus, out, mine)  # all of it by what it is now
    assert done == [0, 1, 0, 1, 2, 3] and len(Evaluation.read(out).set("mine", "600ms").wavs) == 4


@pytest.mark.slow
def test_a_model_that_was_trained_on_is_restored_anew(corpus, model, tmp_path):
    """And what it made of other gaps is no longer shown as its own."""
    mine, out = shutil.copytree(model, tmp_path / "mine"), tmp_path / "evaluation"
    for gaps in ("gaps_600ms", "gaps_random"):
        restored(corpus, out, mine, gaps=gaps)
    before = soundfile.read(out / "mine/600ms/wav/s04_clip0.wav")[0]
    (out / "mine/600ms/scores.jsonl").touch()
    torch.manual_seed(1)
    config = corpus_config(corpus)
    save_model(mine, BLSTMInpainter(config, Stats.load(config.data.stats)))
    assert "mine, 600ms: has changed" in restored(corpus, out, f"{mine}/")
    assert not (out / "mine/600ms/scores.jsonl").exists()
    assert np.abs(soundfile.read(out / "mine/600ms/wav/s04_clip0.wav")[0] - before).max() > 1e-3
    with pytest.warns(AvsiWarning, match="mine/random: was made before mine was trained on"):
        assert [str(one) for one in Evaluation.read(out).sets] == ["mine, 600ms"]


def test_other_gaps_and_other_sets_do_not_mix(corpus, evaluation, tmp_path):
    (tmp_path / "gaps_600ms").write_text("".join(f"{id_} 0.1 0.7\n" for id_ in IDS))
    with pytest.raises(ConfigError, match="has other gaps of 600ms"):
        restored(corpus, evaluation, "oracle", gaps=tmp_path / "gaps_600ms")
    stats = Stats.load(corpus / "train" / "stats.npz")
    dataclasses.replace(stats, visual_mean=stats.visual_mean + 1).save(tmp_path / "stats.npz")
    restored(corpus, evaluation, "oracle", options=["--stats", tmp_path / "stats.npz"])  # what is seen is no unit
    dataclasses.replace(stats, audio_mean=stats.audio_mean + 1).save(tmp_path / "stats.npz")
    with pytest.raises(ConfigError, match="was made with other statistics"):
        restored(corpus, evaluation, "oracle", options=["--stats", tmp_path / "stats.npz"])
    shutil.copytree(corpus / "test", tmp_path / "test")
    (tmp_path / "test" / "corpus").write_text("mini-GRID\n")
    gaps = ["--gaps", corpus / "test" / "gaps_600ms", "--stats", corpus / "train" / "stats.npz"]
    with pytest.raises(ConfigError, match=r"an evaluation of unnamed corpus, .*test, as it was then"):
        run_app(restore.app, tmp_path / "test", *gaps, "--system", "oracle", "--out", evaluation)
    with pytest.raises(ConfigError, match="test: is a data directory; --out names a folder of its own"):
        restored(corpus, corpus / "test", "oracle")
    with pytest.raises(DataError, match="not an evaluation"):
        run_app(score.app, tmp_path)


@pytest.mark.slow
def test_an_utterance_without_a_face_is_left_out_with_its_reason(corpus, model, tmp_path):
    utterances = read_datadir(corpus / "test")
    tracks = utterances[1].load_landmarks()
    blind = Tracks(tracks.time_s, np.full_like(tracks.points, np.nan))
    kaldiio.save_ark(str(tmp_path / "blind.ark"), {"s04_clip1": blind.to_matrix()})
    utterances[1] = dataclasses.replace(utterances[1], landmarks=f"{tmp_path / 'blind.ark'}:10")
    write_datadir(tmp_path / "test", utterances)
    gaps = ["--gaps", corpus / "test" / "gaps_600ms", "--stats", corpus / "train" / "stats.npz"]
    arguments = [tmp_path / "test", *gaps, "--system", model, "--jobs", 1, "--out", tmp_path / "out"]
    with pytest.raises(DataError, match="1 of 4 utterances could not be restored"):
        run_app(restore.app, *arguments)
    run_app(restore.app, *arguments, "--max-left-out", 0.5)
    assert (tmp_path / "out/model/600ms/failed").read_text().startswith("s04_clip1 no face is seen")
    rows = scores(tmp_path / "out", "model", "--max-left-out", 0.25)
    assert "no face is seen" in rows["s04_clip1"]["failed"]["l1"]
    assert all(rows[id_]["l1"] is not None for id_ in IDS if id_ != "s04_clip1")


@pytest.mark.slow
def test_a_set_prepared_anew_after_restoring_does_not_change_scores(corpus, evaluation, monkeypatch, tmp_path):
    whole = scores(evaluation)
    about = json.loads((evaluation / "evaluation.json").read_text())
    (evaluation / "evaluation.json").write_text(json.dumps({**about, "datadir": "gone"}))
    monkeypatch.chdir(tmp_path)
    assert scores(without_scores(evaluation)) == whole


def test_gaps_of_ones_own_can_be_restored_again(corpus, tmp_path):
    """Not sorted, with remarks, and finer than is written."""
    lines = [f"{id_} 1.50000049 1.6\n{id_} 0.5 0.6\n" for id_ in IDS]
    (tmp_path / "gaps_field").write_text("# hand-made\n" + "".join(lines))
    for _ in range(2):
        restored(corpus, tmp_path / "o", "interpolation", gaps=tmp_path / "gaps_field")
    assert json.loads((tmp_path / "o/evaluation.json").read_text())["conditions"] == {"field": "hand-made"}


@pytest.mark.slow
def test_what_one_program_adds_another_does_not_lose(corpus, evaluation):
    before = Evaluation.read(evaluation)
    restored(corpus, evaluation, "interpolation", gaps="gaps_random")
    before.add_run()
    assert list(Evaluation.read(evaluation).about["conditions"]) == ["600ms", "random"]


def test_keys_of_earlier_versions_are_read_by_their_names_of_today(evaluation):
    about = json.loads((evaluation / "evaluation.json").read_text())
    about["systems"]["model"] |= {"speakers_met": ["s04"], "utterances_met": []}
    (evaluation / "evaluation.json").write_text(json.dumps(about))
    system = Evaluation.read(evaluation).about["systems"]["model"]
    assert (system["seen_speakers"], system["seen_utterances"]) == (["s04"], []) and "speakers_met" not in system
    row = {"id": "s04_clip0", "failed": {}}
    (evaluation / "clean/phones.jsonl").write_text(json.dumps({**row, "per": 0.5, "phones": 2, "judge": "one"}))
    words = {**row, "keywords": 1.0, "heard": "bin", "keywords_judge": "another"}
    (evaluation / "clean/keywords.jsonl").write_text(json.dumps(words))
    found = merged_rows(evaluation / "clean", PHONES, WORDS)["s04_clip0"]
    assert (found["recognizer"], found["keywords_recognizer"], found["recognized"]) == ("one", "another", "bin")
