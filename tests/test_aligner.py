"""The aligner, trained for seconds on chords that stand for phones, mostly without being told when they are said."""

import itertools
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import RATE, TOY_LEXICON, make_spoken_datadir, run_app, small_config

from avsi.config import AlignerConfig, Config
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon
from avsi.data.said import words_at
from avsi.data.stats import Stats
from avsi.errors import AvsiWarning, DataError
from avsi.media.sound_reading import read_mono
from avsi.models.aligner import PhoneAligner
from avsi.models.segment_search import Segment
from avsi.models.store import load_model, save_model
from avsi.restoring.aligning import LEAST_FIT, align_excerpt
from avsi.training.aligning import align, follow, spread_evenly, word_of_labels
from avsi.training.dataset import AligningData, Batch, collate
from avsi.training.run import train
from avsi.training.tasks import Aligning
from avsi.words.aligner import Aligned, fit_of_words
from data_prep import align as align_prep
from data_prep import gaps, stats
from evaluation import align as align_evaluation
from evaluation import wrong_words

FRAME_S = 0.012


def toy_config(root: Path, **training) -> Config:
    config = small_config(
        AlignerConfig,
        model={"layers": 1, "hidden": 32, "video": False, "normalise": "corpus"},
        training={"learning_rate": 0.02, **training},
        gaps={"total_mean_ms": 150.0, "total_std_ms": 50.0, "max_count": 1, "region_ms": 600.0},
    )
    config.data.train, config.data.valid = str(root / "train"), str(root / "valid")
    config.data.valid_gaps = str(root / "valid" / "gaps_100ms")
    config.data.stats, config.data.lexicon = str(root / "train" / "stats.npz"), str(root / "lexicon.txt")
    return config


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """Sets of which the test set and a quarter of the others know when their words are said."""
    root = tmp_path_factory.mktemp("toy")
    for seed, (name, count) in enumerate({"train": 24, "valid": 3, "test": 10}.items()):
        make_spoken_datadir(root / name, count, seed)
        if name != "test":
            utterances = read_datadir(root / name)
            untold = [u if number % 4 == 0 else replace(u, alignment=()) for number, u in enumerate(utterances)]
            write_datadir(root / name, untold)
    (root / "lexicon.txt").write_text(TOY_LEXICON)
    run_app(stats.app, root / "train")
    run_app(gaps.app, root / "valid", 100)
    return root


@pytest.fixture(scope="module")
def aligner(toy) -> PhoneAligner:
    train(toy_config(toy, max_epochs=8, patience=8, epoch_utterances=120), toy / "aligner", progress=False)
    return load_model(toy / "aligner", "aligner")


@pytest.mark.slow
def test_it_finds_words_in_utterances_it_was_not_trained_on(toy, aligner):
    lexicon = Lexicon.read(toy / "lexicon.txt")
    errors_s = []
    for utterance in read_datadir(toy / "test"):
        words = [[each] for each in lexicon.in_words(utterance)]
        found = align_excerpt(aligner, read_mono(utterance.wav, RATE), RATE, words).aligned
        for number, (start_s, length_s, _) in enumerate(utterance.alignment):
            own = [each for each in found.segments if each.word == number]
            errors_s += [own[0].start * FRAME_S - start_s, own[-1].stop * FRAME_S - start_s - length_s]
    assert np.abs(errors_s).mean() < 0.03
    assert np.abs(errors_s).max() < 0.12


@pytest.mark.slow
def test_in_a_gap_what_is_known_of_lengths_tells_the_times(toy, aligner):
    lexicon = Lexicon.read(toy / "lexicon.txt")
    errors_s = []
    for utterance in read_datadir(toy / "test"):
        start_s, length_s, _ = utterance.alignment[1]
        gap = (round((start_s - 0.03) * RATE), round((start_s + length_s + 0.03) * RATE))
        samples = read_mono(utterance.wav, RATE)
        samples[slice(*gap)] = 7.0  # what lies inside is not looked at
        words = [[each] for each in lexicon.in_words(utterance)]
        excerpt = align_excerpt(aligner, samples, RATE, words, [gap])
        assert excerpt.lost.sum() == pytest.approx((length_s + 0.06) / FRAME_S, abs=3)
        own = [each for each in excerpt.aligned.segments if each.word == 1]
        errors_s += [own[0].start * FRAME_S - start_s, own[-1].stop * FRAME_S - start_s - length_s]
    assert np.abs(errors_s).mean() < 0.06


@pytest.fixture
def untimed(toy, tmp_path) -> Path:
    """The test set without times."""
    set_ = tmp_path / "untimed"
    write_datadir(set_, [replace(u, alignment=()) for u in read_datadir(toy / "test")], "toy")
    return set_


def prepare(toy, datadir, *options) -> str:
    return run_app(
        align_prep.app, datadir, "--lexicon", toy / "lexicon.txt", "--model", toy / "aligner", "--jobs", 1, *options
    )


@pytest.mark.slow
def test_data_directories_get_the_times_of_words_and_phones(toy, aligner, untimed):
    known = {utterance.id: utterance.alignment for utterance in read_datadir(toy / "test")}
    assert "10" in prepare(toy, untimed)
    lexicon, errors_s = Lexicon.read(toy / "lexicon.txt"), []
    for utterance in read_datadir(untimed):
        assert [word for *_, word in utterance.alignment] == list(utterance.words)
        assert [phone for *_, phone in utterance.phones] == lexicon.transcribe(utterance)
        errors_s += [one[0] - two[0] for one, two in zip(utterance.alignment, known[utterance.id], strict=True)]
    assert np.abs(errors_s).mean() < 0.03
    assert not (untimed / align_prep.JOURNAL).exists()


@pytest.mark.slow
def test_known_times_of_words_stay_and_bound_their_phones(toy, aligner, untimed):
    shutil.rmtree(untimed)
    shutil.copytree(toy / "test", untimed)
    before = (untimed / "align").read_text()
    prepare(toy, untimed)
    assert (untimed / "align").read_text() == before
    for utterance in read_datadir(untimed):
        phones = iter(utterance.phones)
        for start_s, length_s, word in utterance.alignment:
            own = list(itertools.islice(phones, 2))
            assert own[0][0] == pytest.approx(start_s, abs=0.0121)
            assert own[1][0] + own[1][1] == pytest.approx(start_s + length_s, abs=0.0121)
            assert [phone for *_, phone in own] == list(Lexicon.read(toy / "lexicon.txt").pronunciations[word])


@pytest.mark.slow
def test_a_stopped_run_goes_on_where_it_was(toy, aligner, untimed, monkeypatch):
    aligned = []
    real = align_prep.align_frames

    def three_times(*arguments):
        if len(aligned) == 3:
            raise KeyboardInterrupt
        aligned.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(align_prep, "align_frames", three_times)
    with pytest.raises(KeyboardInterrupt):
        align_prep.align(untimed, toy / "lexicon.txt", str(toy / "aligner"), anew=False, jobs=1, max_left_out=0.05)
    with (untimed / align_prep.JOURNAL).open("a") as journal:
        journal.write('{"id": "s01_00')  # it was killed while it wrote
    assert not any(utterance.phones for utterance in read_datadir(untimed))
    again = []
    monkeypatch.setattr(align_prep, "align_frames", lambda *arguments: again.append(1) or real(*arguments))
    prepare(toy, untimed)
    assert len(again) == 10 - 3
    assert all(utterance.phones for utterance in read_datadir(untimed))


@pytest.mark.slow
def test_what_cannot_be_aligned_is_told_and_too_much_of_it_refused(toy, aligner, untimed):
    utterances = read_datadir(untimed)
    write_datadir(untimed, [replace(utterances[0], words=("do",) * 100), *utterances[1:]])
    with pytest.raises(DataError, match=r"1 of 10 utterances cannot be aligned, more than --max-left-out 0.05"):
        prepare(toy, untimed)
    assert not any(utterance.phones for utterance in read_datadir(untimed))
    assert "200 phones, do not fit" in (untimed / align_prep.FAILED).read_text()
    prepare(toy, untimed, "--max-left-out", 0.2)
    assert [bool(utterance.phones) for utterance in read_datadir(untimed)] == [False] + 9 * [True]


@pytest.mark.slow
def test_what_cannot_be_aligned_keeps_the_times_it_has(toy, aligner, untimed):
    shutil.rmtree(untimed)
    shutil.copytree(toy / "test", untimed)
    utterances = read_datadir(untimed)
    squeezed = tuple((start_s, 0.012, word) for start_s, _, word in utterances[0].alignment)
    write_datadir(untimed, [replace(utterances[0], words=("do",) * 100, alignment=squeezed), *utterances[1:]])
    prepare(toy, untimed, "--max-left-out", 0.2)
    first = read_datadir(untimed)[0]
    assert len(first.alignment) == len(squeezed)
    assert first.phones == ()


@pytest.mark.slow
def test_the_errors_of_boundaries_are_measured(toy, aligner, tmp_path):
    run_app(gaps.app, toy / "test", 150)
    options = ["--lexicon", toy / "lexicon.txt", "--model", toy / "aligner", "--jobs", 1, "--out", tmp_path / "exp"]
    told = run_app(align_evaluation.app, toy / "test", "--gaps", toy / "test" / "gaps_150ms", *options)
    summary = json.loads((tmp_path / "exp" / "summary.json").read_text())["errors"]
    rows = [json.loads(line) for line in (tmp_path / "exp" / "boundaries.jsonl").read_text().splitlines()]
    count = 2 * sum(len(utterance.words) for utterance in read_datadir(toy / "test"))
    assert summary["no gaps"]["boundaries"] == count
    assert sum(len(row[kind]) for row in rows for kind in row if kind not in ("id", "no gaps")) == count
    mean = np.mean(np.abs(np.concatenate([row["no gaps"] for row in rows])))
    assert summary["no gaps"]["mean_ms"][0] == pytest.approx(mean, abs=0.001)
    assert mean < 30
    assert "inside, without a face" in told
    assert "with the face" not in told


@pytest.mark.slow
def test_programs_that_align_run_in_several_processes(toy, aligner, untimed, tmp_path):
    """As programs: then their module is another one in the other processes."""
    run_app(gaps.app, toy / "test", 150)
    shared = ["--lexicon", toy / "lexicon.txt", "--model", toy / "aligner", "--jobs", 2]
    of_gaps = ["--gaps", toy / "test" / "gaps_150ms", "--out", tmp_path / "errors"]
    runs = (("data_prep.align", untimed, []), ("evaluation.align", toy / "test", of_gaps))
    told = [[program, *map(str, [datadir, *shared, *options])] for program, datadir, options in runs]
    # One after the other in one process, as `python -m` runs each: PyTorch is imported once in it and in its workers.
    script = (
        "import json, runpy, sys\n"
        "for sys.argv in json.loads(sys.argv[1]):\n"
        "    try:\n"
        "        runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)\n"
        "    except SystemExit as exit_:\n"
        "        assert not exit_.code, exit_.code\n"
    )
    command = [sys.executable, "-c", script, json.dumps(told)]
    subprocess.run(command, cwd=Path(__file__).parents[1], check=True, capture_output=True)
    assert all(utterance.phones for utterance in read_datadir(untimed))
    assert (tmp_path / "errors" / "boundaries.jsonl").is_file()


@pytest.mark.slow
def test_wrong_words_are_told_from_right_ones(toy, aligner, corpus, tmp_path):
    """By what is heard: the toy has no faces, so the gap is one sample long, and landmarks are another corpus's."""
    landmarks = read_datadir(corpus / "test")[0].landmarks
    write_datadir(tmp_path / "test", [replace(u, landmarks=landmarks) for u in read_datadir(toy / "test")], "toy")
    utterances = read_datadir(tmp_path / "test")
    starts_s = {utterance.id: utterance.alignment[0][0] + 0.05 for utterance in utterances}
    write_gap_file(tmp_path / "gaps", {id_: [Gap(start_s, start_s + 0.0002)] for id_, start_s in starts_s.items()})
    options = ["--lexicon", toy / "lexicon.txt", "--model", toy / "aligner", "--jobs", 1, "--out", tmp_path / "exp"]
    told = run_app(wrong_words.app, tmp_path / "test", "--gaps", tmp_path / "gaps", *options)
    rows = [json.loads(line) for line in (tmp_path / "exp" / "fits.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    assert all(row["wrong"] != row["word"] for row in rows)
    assert [row["word"] for row in rows] == [utterance.words[0] for utterance in utterances]
    assert np.mean([row["fit"] > row["wrong_fit"] for row in rows]) >= 0.9
    limits = json.loads((tmp_path / "exp" / "summary.json").read_text())["limits"]
    assert limits["avsi align"]["right_words_told"][0] == np.mean([row["fit"] < LEAST_FIT for row in rows])
    assert "10 wrong words" in told


def test_the_fit_of_a_word_counts_only_what_is_heard_or_seen():
    segments = [Segment(0, 1, 0, 4), Segment(0, 2, 4, 5), Segment(-1, 0, 5, 6), Segment(1, 1, 6, 8)]
    aligned = Aligned(segments, [1.0] * 4, [-1.0, -6.0, 0.0, -3.0], 1.0)
    evidence = torch.ones(8, dtype=torch.bool)
    assert fit_of_words(aligned, evidence) == {0: pytest.approx((4 * -1 - 6) / 5), 1: -3.0}
    evidence[4], evidence[7] = False, False
    assert fit_of_words(aligned, evidence) == {0: -1.0}


def batch_of(toy) -> tuple[AligningData, Batch]:
    config = toy_config(toy)
    data = AligningData(toy / "test", config, None, Lexicon.read(toy / "lexicon.txt"))
    return data, collate([data[index] for index in range(4)])


def test_only_random_weights_begin_with_phones_that_are_spread_evenly(toy, tmp_path):
    config = toy_config(toy)
    torch.manual_seed(0)
    start = PhoneAligner(config, Stats.load(config.data.stats), ("A", "D", "K", "N", "O"))
    save_model(tmp_path / "start", start)
    _, batch = batch_of(toy)
    for init, places in (("", spread_evenly(start, batch)), (str(tmp_path / "start"), align(start, batch))):
        config.training.init = init
        task = Aligning(config, Stats.load(config.data.stats))
        task.begin_epoch(0, start)
        said = batch.labels.gather(1, places.clamp_min(0))
        log_probs = start(batch.log_spectrum, batch.visual, batch.lost, batch.lengths)
        expected = -log_probs.gather(2, said[..., None])[..., 0][places >= 0].mean()
        assert float(task.losses(start.eval(), batch)[0].value.detach()) == pytest.approx(float(expected), rel=1e-5)


def test_known_times_of_words_bound_where_their_phones_are_looked_for(toy):
    data, batch = batch_of(toy)
    torch.manual_seed(0)
    model = PhoneAligner(data.config, Stats.load(data.config.data.stats), ("A", "D", "K", "N", "O"))
    word_of = word_of_labels(batch.labels)
    for places in (align(model, batch), spread_evenly(model, batch)):
        for row, length in enumerate(batch.lengths):
            assert torch.equal(word_of[row, places[row, :length]], batch.word_at[row, :length])
            assert (places[row, length:] == -1).all()


def test_phones_are_spread_evenly_over_speech_where_no_times_are_known(toy):
    data, batch = batch_of(toy)
    model = PhoneAligner(data.config, Stats.load(data.config.data.stats), ("A", "D", "K", "N", "O"))
    loud = torch.where(batch.word_at > 0, 0.0, -6.0)[..., None].expand_as(batch.log_spectrum)
    places = spread_evenly(model, batch._replace(log_spectrum=loud, word_at=torch.full_like(batch.word_at, -1)))
    for row, length in enumerate(batch.lengths):
        labels = batch.labels[row, places[row, :length]]
        spoken = places[row, :length][labels > 0]
        count = spoken.unique(return_counts=True)[1]
        assert len(count) == (batch.labels[row, : batch.label_lengths[row]] > 0).sum()
        assert spoken.tolist() == sorted(spoken.tolist())
        assert count.max() - count.min() <= 1
        assert torch.equal(labels > 0, batch.word_at[row, :length] > 0)


def test_lengths_and_shares_follow_what_was_aligned(toy):
    data, batch = batch_of(toy)
    model = PhoneAligner(data.config, None, ("A", "D", "K", "N", "O"))
    for _ in range(1500):
        follow(model, batch, spread_evenly(model, batch))
    label = int(batch.labels[0, 1])
    lengths = [
        int((places == place).sum())
        for places, labels in zip(spread_evenly(model, batch), batch.labels, strict=True)
        for place in (labels == label).nonzero()[:, 0]
    ]
    assert float(model.length_mean[label]) == pytest.approx(np.log(lengths).mean(), abs=0.01)
    assert float(model.prior.sum()) == pytest.approx(1)
    assert float(model.prior[0]) == pytest.approx(
        float((batch.word_at == 0).sum() - (~batch_inside(batch)).sum()) / int(batch.lengths.sum()), abs=0.01
    )


def batch_inside(batch: Batch) -> torch.Tensor:
    return torch.arange(batch.lost.shape[1]) < batch.lengths[:, None]


def test_words_are_numbered_in_the_middle_of_frames(toy):
    utterance = read_datadir(toy / "test")[0]
    start_s, length_s, _ = utterance.alignment[0]
    at = words_at(utterance, 40, Config().stft)
    assert at[int(start_s / FRAME_S) + 2] == 1
    assert (at == 1).sum() == pytest.approx(length_s / FRAME_S, abs=1)
    assert (words_at(replace(utterance, alignment=()), 40, Config().stft) == -1).all()


def test_an_utterance_of_more_phones_than_frames_is_refused(toy):
    config = toy_config(toy)
    data = AligningData(toy / "valid", config, None, Lexicon.read(toy / "lexicon.txt"))
    data.utterances[0] = replace(data.utterances[0], words=("do",) * 200)
    data._labels[0] = tuple([0, 1, 2] * 200)
    with pytest.raises(DataError, match="400 phones do not fit into its"):
        data[0]


def test_utterances_without_words_are_left_out_and_told_of(toy, tmp_path):
    utterances = read_datadir(toy / "test")
    lexicon = Lexicon.read(toy / "lexicon.txt")
    write_datadir(tmp_path / "some", [replace(utterances[0], words=(), alignment=()), *utterances[1:]])
    with pytest.warns(AvsiWarning, match="1 of 10 utterances have no words, and are left out"):
        data = AligningData(tmp_path / "some", toy_config(toy), None, lexicon)
    assert [utterance.id for utterance in data.utterances] == [utterance.id for utterance in utterances[1:]]
    write_datadir(tmp_path / "none", [replace(utterance, words=(), alignment=()) for utterance in utterances])
    with pytest.raises(DataError, match="no utterance has words in its text"):
        AligningData(tmp_path / "none", toy_config(toy), None, lexicon)


def test_it_is_stored_with_what_it_knows_of_lengths(toy, tmp_path):
    model = PhoneAligner(toy_config(toy), None, ("A", "D", "K", "N", "O"))
    model.length_mean[2], model.prior[1] = 1.5, 0.25
    save_model(tmp_path / "model", model, half=True)
    again = load_model(tmp_path / "model", "aligner")
    assert float(again.length_mean[2]) == 1.5
    assert float(again.prior[1]) == 0.25
    assert again.phones == ("A", "D", "K", "N", "O")


def test_lengths_have_a_log_normal_distribution(toy):
    model = PhoneAligner(toy_config(toy), None, ("A",))
    model.length_mean[1] = np.log(7)  # of at most 83 frames
    length = torch.arange(1, 84).log().numpy()
    for slowness in (1.0, 2.0):
        probability = np.exp(model.search_scores(torch.zeros(1, 2), slowness)[1][:, 1])
        assert len(probability) == len(length)
        assert probability.sum() == pytest.approx(1, abs=0.01)
        assert (probability * length).sum() == pytest.approx(np.log(7 * slowness), abs=0.02)
