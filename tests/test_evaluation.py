import json
import runpy
import shutil
import sys

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE, corpus_config, speech
from typer.testing import CliRunner

from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.gaps import gap_spans, lost_samples, read_gap_file
from avsi.data.stats import Stats
from avsi.errors import AvsiError, AvsiWarning, ConfigError, DataError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import save_model
from evaluation import compare, report, restore, score
from evaluation import systems as systems_module
from evaluation.restored import RestoredSet

IDS = [f"s04_clip{n}" for n in range(4)]


def run(app, *arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def restored(corpus, out, system):
    stats = corpus / "train" / "stats.npz"
    gaps = corpus / "test" / "gaps_600ms"
    run(restore.app, corpus / "test", "--gaps", gaps, "--system", system, "--out", out, "--stats", stats, "--jobs", 1)
    return out


def scores(corpus, folder, *options) -> dict[str, dict]:
    run(score.app, folder, "--stats", corpus / "train" / "stats.npz", "--jobs", 1, *options)
    rows = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    return {row["id"]: row for row in rows}


@pytest.fixture(scope="module")
def systems(corpus, tmp_path_factory):
    """Folders restored by the baselines and by an (untrained) model."""
    root = tmp_path_factory.mktemp("exp")
    torch.manual_seed(0)
    config = corpus_config(corpus)
    save_model(root / "model", BLSTMInpainter(config, Stats.load(config.data.stats)))
    names = {name: name for name in restore.SYSTEMS} | {"model": str(root / "model")}
    return {name: restored(corpus, root / name / "gaps_600ms", system) for name, system in names.items()}


def test_every_system_keeps_what_is_reliable_and_fills_the_gaps(corpus, systems):
    gaps = read_gap_file(corpus / "test" / "gaps_600ms")
    for name, folder in systems.items():
        one = RestoredSet.read(folder)
        assert list(one.wavs) == list(one.spectra) == IDS
        for number, id_ in enumerate(IDS):
            clean, samples = speech(number), soundfile.read(one.wavs[id_])[0]
            inside = lost_samples(gap_spans(gaps[id_], len(clean), RATE), len(clean))
            assert samples[~inside] == pytest.approx(clean[~inside], abs=1e-4)
            assert samples[inside].any() == (name != "unprocessed")


def test_scores_are_those_of_the_metrics(corpus, systems):
    from avsi.metrics import pesq_nb, stoi

    rows = scores(corpus, systems["interpolation"])
    clean = speech(1)
    samples = soundfile.read(RestoredSet.read(systems["interpolation"]).wavs["s04_clip1"], dtype="float32")[0]
    clean = soundfile.read(read_datadir(corpus / "test")[1].wav, dtype="float32")[0]
    assert rows["s04_clip1"]["stoi"] == pytest.approx(stoi(clean, samples, RATE), abs=1e-9)
    assert rows["s04_clip1"]["pesq"] == pytest.approx(pesq_nb(clean, samples, RATE), abs=1e-6)


def test_other_metrics_are_scored_where_they_are_named(corpus, systems, tmp_path):
    from avsi.metrics import log_spectral_distance, stoi

    folder = tmp_path / "interpolation" / "gaps_600ms"
    shutil.copytree(systems["interpolation"], folder)
    rows = scores(corpus, folder, "--metrics", "stoi_gap, lsd,mcd,l1")
    assert list(rows["s04_clip1"]) == ["id", "speaker", "l1", "lsd", "mcd", "stoi_gap", "failed"]
    clean = soundfile.read(read_datadir(corpus / "test")[1].wav, dtype="float32")[0]
    samples = soundfile.read(RestoredSet.read(folder).wavs["s04_clip1"], dtype="float32")[0]
    [(start, stop)] = gap_spans(read_gap_file(corpus / "test" / "gaps_600ms")["s04_clip1"], len(clean), RATE)
    near = slice(max(start - 3200, 0), stop + 3200)
    if rows["s04_clip1"]["stoi_gap"] is not None:
        assert rows["s04_clip1"]["stoi_gap"] == stoi(clean[near], samples[near], RATE)
    spectra = [systems_module._log_spectrum(x) for x in (samples, clean)]
    lost = systems_module._lost_frames(clean, [(start, stop)])
    assert rows["s04_clip1"]["lsd"] == pytest.approx(log_spectral_distance(*(x[lost].numpy() for x in spectra)))
    assert rows["s04_clip1"]["lsd"] > 1

    output = run(report.app, folder)
    assert "| LSD, dB (lower is better) | 600ms |" in output and "PESQ" not in output
    scores(corpus, systems["unprocessed"], "--metrics", "lsd,pesq")
    compared = run(compare.app, systems["unprocessed"], folder, "--require", "lsd")
    assert "lsd" in compared and "lower" in compared and "stoi" not in compared
    with pytest.raises(DataError, match="--require pesq: expected one of lsd, which were scored in both"):
        run(compare.app, systems["unprocessed"], folder, "--require", "pesq")
    with pytest.raises(ConfigError, match="no metric 'loudness': expected all, or some of l1, lsd"):
        scores(corpus, folder, "--metrics", "l1,loudness")


def test_several_processes_score_alike_when_the_program_is_started_by_name(corpus, systems, tmp_path, monkeypatch):
    """What a program defines itself is sent to its processes by value: with all that it refers to."""
    one = scores(corpus, systems["interpolation"])
    stats = str(corpus / "train" / "stats.npz")
    arguments = ["score", str(systems["interpolation"]), "--stats", stats, "--jobs", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.delitem(sys.modules, "evaluation.score")
    with pytest.raises(SystemExit, match="0"):
        runpy.run_module("evaluation.score", run_name="__main__")
    rows = [json.loads(line) for line in (systems["interpolation"] / "scores.jsonl").read_text().splitlines()]
    assert {row["id"]: row for row in rows} == one


def test_the_oracle_is_ahead_of_every_baseline(corpus, systems):
    means = {}
    for name in ("unprocessed", "interpolation", "autoregression", "oracle"):
        rows = scores(corpus, systems[name], "--metrics", "l1,lsd,stoi").values()
        means[name] = {metric: np.mean([row[metric] for row in rows]) for metric in ("l1", "lsd", "stoi")}
    oracle = means.pop("oracle")
    assert oracle["l1"] == pytest.approx(0, abs=1e-5)
    for other in means.values():
        assert oracle["stoi"] > other["stoi"] + 0.05 and oracle["lsd"] < other["lsd"] / 2
    assert means["autoregression"]["stoi"] > means["unprocessed"]["stoi"]


def test_l1_of_the_unprocessed_signal_is_that_of_the_training_mean(corpus, systems):
    from avsi.data.dataset import InpaintingData

    data = InpaintingData(corpus / "test", corpus_config(corpus), corpus / "test" / "gaps_600ms")
    stats = Stats.load(corpus / "train" / "stats.npz")
    rows = scores(corpus, systems["unprocessed"])
    for index, id_ in enumerate(IDS):
        _, features, lost = data[index]
        normalised = (features.log_spectrum.numpy()[lost.numpy()] - stats.audio_mean) / stats.audio_std
        assert rows[id_]["l1"] == pytest.approx(np.abs(normalised).mean(), rel=1e-4)


def test_a_file_missing_from_a_set_cannot_shift_scores(corpus, systems, tmp_path):
    """Scores and names fall out of step in the released code when a file is missing."""
    whole = scores(corpus, systems["interpolation"])
    folder = tmp_path / "partial"
    shutil.copytree(systems["interpolation"], folder)
    lines = (folder / "wav.scp").read_text().splitlines(keepends=True)
    (folder / "wav.scp").write_text("".join(line for line in lines if not line.startswith("s04_clip1")))
    copied = tmp_path / "gone.wav"
    (folder / "wav.scp").write_text((folder / "wav.scp").read_text().replace(lines[2].split()[1], str(copied)))
    rows = scores(corpus, folder)
    assert list(rows) == IDS
    for id_ in ("s04_clip0", "s04_clip3"):
        assert rows[id_] == whole[id_]
    assert rows["s04_clip1"]["stoi"] is None and rows["s04_clip1"]["failed"]["stoi"] == "not restored"
    assert "gone.wav: no such file" in rows["s04_clip2"]["failed"]["pesq"]
    assert rows["s04_clip2"]["l1"] == whole["s04_clip2"]["l1"]
    table = {line[0]: line[1:] for line in score.summary(list(rows.values()))}
    assert table["stoi"][1:] == [2, 2] and table["l1"][1:] == [3, 1]
    mean = np.mean([rows[id_]["stoi"] for id_ in ("s04_clip0", "s04_clip3")])
    assert table["stoi"][0] == f"{mean:.3f}"


def test_a_restored_file_of_another_length_is_a_failure_not_a_score(corpus, systems, tmp_path):
    folder = tmp_path / "short"
    shutil.copytree(systems["interpolation"], folder)
    short = tmp_path / "short.wav"
    soundfile.write(short, speech(0)[:-100], RATE)
    lines = (folder / "wav.scp").read_text().splitlines()
    (folder / "wav.scp").write_text("\n".join([f"s04_clip0 {short}", *lines[1:]]) + "\n")
    rows = scores(corpus, folder)
    assert rows["s04_clip0"]["stoi"] is None and "one length" in rows["s04_clip0"]["failed"]["stoi"]
    assert rows["s04_clip1"]["stoi"] is not None


def test_restoring_needs_gaps_for_the_same_utterances(corpus, tmp_path):
    utterances = read_datadir(corpus / "test")
    write_datadir(tmp_path / "fewer", utterances[:3])
    with pytest.raises(DataError, match=r"1 utterance\(s\) are either .* such as s04_clip3 in the gap file"):
        run(
            restore.app,
            tmp_path / "fewer",
            "--gaps",
            corpus / "test" / "gaps_600ms",
            "--system",
            "interpolation",
            "--out",
            tmp_path / "o",
        )
    with pytest.raises(AvsiError, match="neither a folder with a trained model"):
        run(
            restore.app,
            corpus / "test",
            "--gaps",
            corpus / "test" / "gaps_600ms",
            "--system",
            "nothing",
            "--out",
            tmp_path / "o",
        )
    assert not (tmp_path / "o").exists()


def test_scores_on_training_utterances_are_told(corpus, systems, tmp_path):
    model = systems["model"].parents[1] / "model"
    (model / "train_ids").write_text("s04_clip2\ns09_clip1\n")
    with pytest.warns(AvsiWarning, match=r"was trained on 1 of these 4 utterances, such as s04_clip2"):
        restored(corpus, tmp_path / "out", str(model))
    (model / "train_ids").unlink()


def test_a_folder_that_was_not_finished_is_not_scored(systems, tmp_path):
    shutil.copytree(systems["model"], tmp_path / "unfinished")
    (tmp_path / "unfinished" / "about.json").unlink()
    with pytest.raises(DataError, match="or not to its end"):
        RestoredSet.read(tmp_path / "unfinished")


def test_the_report_puts_systems_beside_each_other(corpus, systems):
    means = {}
    for name, folder in systems.items():
        rows = scores(corpus, folder).values()
        means[name] = np.mean([row["stoi"] for row in rows])
    output = run(report.app, *systems.values())
    table = output[output.index("| STOI") :].splitlines()
    assert table[0] == "| STOI (higher is better) | 600ms |"
    for line, name in zip(table[2:], systems, strict=False):
        assert line == f"| {name} | {means[name]:.3f} |"
    with pytest.raises(DataError, match=r"run evaluation\.score"):
        (systems["model"] / "scores.jsonl").unlink()
        run(report.app, *systems.values())


def test_what_could_not_be_scored_stands_beside_the_mean():
    rows = [{"l1": 1.0}, {"l1": 2.0}, {"l1": None}]
    assert report._mean(rows, "l1") == "1.500 (1 not scored)"
    assert report._mean([{"l1": None}], "l1") == "- (1 not scored)"


def test_an_utterance_without_a_face_is_left_out_with_its_reason(corpus, tmp_path):
    import dataclasses

    import kaldiio

    from avsi.video.landmarks import Tracks

    torch.manual_seed(0)
    config = corpus_config(corpus)
    save_model(tmp_path / "model", BLSTMInpainter(config, Stats.load(config.data.stats)))
    utterances = read_datadir(corpus / "test")
    tracks = utterances[1].load_landmarks()
    blind = Tracks(tracks.time_s, np.full_like(tracks.points, np.nan))
    kaldiio.save_ark(str(tmp_path / "blind.ark"), {"s04_clip1": blind.to_matrix()})
    utterances[1] = dataclasses.replace(utterances[1], landmarks=f"{tmp_path / 'blind.ark'}:10")
    write_datadir(tmp_path / "test", utterances)
    arguments = [
        tmp_path / "test",
        "--gaps",
        corpus / "test" / "gaps_600ms",
        "--system",
        tmp_path / "model",
        "--jobs",
        1,
    ]
    out = tmp_path / "out"
    with pytest.raises(DataError, match="1 of 4 utterances could not be restored"):
        run(restore.app, *arguments, "--out", out)
    run(restore.app, *arguments, "--out", out, "--max-left-out", 0.5)
    assert (out / "failed").read_text().startswith("s04_clip1 no face is seen")
    rows = scores(corpus, out)
    assert "no face is seen" in rows["s04_clip1"]["failed"]["l1"]
    assert all(rows[id_]["l1"] is not None for id_ in IDS if id_ != "s04_clip1")


def test_gaps_redrawn_after_restoring_do_not_change_scores(corpus, systems, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(systems["interpolation"], folder)
    about = json.loads((folder / "about.json").read_text())
    (tmp_path / "gaps_600ms").write_text("s04_clip0 0.1 0.2\n")
    (folder / "about.json").write_text(json.dumps({**about, "gaps": str(tmp_path / "gaps_600ms")}))
    assert scores(corpus, folder) == scores(corpus, systems["interpolation"])
    with pytest.raises(DataError, match="a second folder of system interpolation and gaps gaps_600ms"):
        run(report.app, systems["interpolation"], systems["interpolation"])


def test_a_comparison_is_paired_and_has_an_interval(corpus, systems):
    for folder in systems.values():
        scores(corpus, folder)
    one, two = systems["unprocessed"], systems["interpolation"]
    output = run(compare.app, one, two, "--require", "stoi")
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    first, second = (RestoredSet.read(folder).scores() for folder in (one, two))
    differences = np.array([b["stoi"] - a["stoi"] for a, b in zip(first, second, strict=True)])
    assert float(rows["stoi"][2]) == pytest.approx(differences.mean(), abs=6e-4)
    assert float(rows["stoi"][3]) <= differences.mean() <= float(rows["stoi"][4])
    assert rows["stoi"][5:] == ["4", "0", "higher"]
    with pytest.raises(DataError, match="in stoi not better"):
        run(compare.app, two, one, "--require", "stoi")
    l1 = {folder: np.mean([row["l1"] for row in RestoredSet.read(folder).scores()]) for folder in (one, two)}
    better, worse = sorted(l1, key=l1.get)
    run(compare.app, worse, better, "--require", "l1")  # of L1, less is better
    with pytest.raises(DataError, match="in l1 not better"):
        run(compare.app, better, worse, "--require", "l1")
    with pytest.raises(DataError, match="--require loudness: expected one of l1, stoi, pesq"):
        run(compare.app, one, two, "--require", "loudness")


def test_what_has_no_value_is_counted_and_fails_only_where_it_is_required(corpus, systems, tmp_path):
    one, two = systems["unprocessed"], tmp_path / "model" / "gaps_600ms"
    scores(corpus, one)
    shutil.copytree(one, two)
    rows = [{**row, "pesq": None} for row in RestoredSet.read(one).scores()]
    rows = [{**row, "stoi": row["stoi"] + 0.1 if number else None} for number, row in enumerate(rows)]
    (two / "scores.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    output = run(compare.app, one, two, "--require", "stoi")
    shown = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.strip()}
    assert shown["pesq"] == [*"-----", "0", "4", "higher"]
    assert shown["stoi"][2:] == ["0.100", "0.100", "0.100", "3", "1", "higher"]
    with pytest.raises(DataError, match="in pesq not better"):
        run(compare.app, one, two, "--require", "pesq")
    assert np.isnan(compare.interval(np.array([-1.0]))).all()


def test_the_interval_of_a_mean_is_that_of_the_normal_law_for_many_values():
    differences = np.random.default_rng(1).normal(0.3, 2.0, 400)
    half = 1.96 * differences.std() / 20
    assert compare.interval(differences) == pytest.approx(
        (differences.mean() - half, differences.mean() + half), abs=0.02
    )


def test_other_corpora_and_other_gaps_do_not_compare(corpus, systems, tmp_path):
    one, two = systems["unprocessed"], tmp_path / "model" / "gaps_600ms"
    scores(corpus, one)
    shutil.copytree(one, two)
    about = json.loads((two / "about.json").read_text())
    assert about["corpus"] == "unnamed corpus"
    (two / "about.json").write_text(json.dumps({**about, "corpus": "mini-GRID"}))
    for app in (compare.app, report.app):
        with pytest.raises(DataError, match=r"corpus|corpora"):
            run(app, one, two)
    shutil.copy(one / "about.json", two / "about.json")
    (two / "gaps").write_text("".join(f"{id_} 0.1 0.7\n" for id_ in IDS))
    with pytest.raises(DataError, match="not made from the same corpus and gaps"):
        run(compare.app, one, two)
