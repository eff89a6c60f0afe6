from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import RATE, corpus_config, make_datadir, run_app, speech

from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.data.features import load_features
from avsi.data.gap_files import write_gap_file
from avsi.data.gaps import Gap
from avsi.data.stats import RunningMoments, Stats
from avsi.errors import DataError
from avsi.media.sound_writing import write_wav
from avsi.training.dataset import InpaintingData, collate
from data_prep import stats as program


def test_features_lie_on_one_grid(corpus):
    data = InpaintingData(corpus / "train", corpus_config(corpus))
    id_, features, lost = data[0]
    assert id_ == "s01_clip0"
    assert features.log_spectrum.shape == (249, 257)
    assert features.visual.shape == (249, 136)
    assert lost.shape == (249,) and 0 < lost.sum() < 249


def test_an_utterance_that_comes_again_in_an_epoch_is_varied_anew(corpus):
    config = corpus_config(corpus, augment={"tempo": 0.1, "face_gain": 0.2})
    data = InpaintingData(corpus / "train", config, augmented=True)
    plain, first, again = data[0], data[0, 0], data[0, 1]
    assert plain[0] == first[0] == again[0]
    assert torch.equal(plain[2], first[2]) and not torch.equal(first[2], again[2])
    for one, two, three in zip(plain[1][:2], first[1][:2], again[1][:2], strict=True):
        assert torch.equal(one, two) and not torch.equal(two, three)
    assert torch.equal(again[1].log_spectrum, data[0, 1][1].log_spectrum)


def test_gaps_are_new_each_epoch_and_the_same_in_any_order(corpus):
    one, two = (InpaintingData(corpus / "train", corpus_config(corpus)) for _ in range(2))
    forward = [one[index][2] for index in range(len(one))]
    backward = [two[index][2] for index in reversed(range(len(two)))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(forward, backward, strict=True))
    one.epoch = 1
    assert not all(torch.equal(one[index][2], mask) for index, mask in enumerate(forward))
    one.epoch = 0
    assert all(torch.equal(one[index][2], mask) for index, mask in enumerate(forward))
    other_seed = InpaintingData(corpus / "train", corpus_config(corpus, training={"seed": 1}))
    assert not all(torch.equal(other_seed[index][2], mask) for index, mask in enumerate(forward))


def test_a_share_of_the_gaps_takes_most_of_an_utterance_from_one_end(corpus):
    data = InpaintingData(corpus / "train", corpus_config(corpus, gaps={"from_end": 0.5}))
    masks = []
    for data.epoch in range(10):
        masks += [data[index][2].numpy() for index in range(len(data))]
    most = [mask for mask in masks if mask.mean() >= 0.5 and (mask[0] or mask[-1]) and abs(np.diff(mask)).sum() <= 1]
    assert 0.35 < len(most) / len(masks) < 0.65


def test_gaps_of_a_file_are_those_of_the_file(corpus):
    data = InpaintingData(corpus / "test", corpus_config(corpus), corpus / "test" / "gaps_600ms")
    for epoch in (0, 5):
        data.epoch = epoch
        assert all(50 <= int(data[index][2].sum()) <= 52 for index in range(len(data)))


def test_a_gap_file_of_another_set_is_refused(corpus, tmp_path):
    write_gap_file(tmp_path / "gaps", {"s04_clip0": [Gap(0.5, 1.0)], "s09_x": [Gap(0.5, 1.0)]})
    with pytest.raises(DataError, match=r"4 utterance\(s\) are either .* such as s04_clip1 in the data directory"):
        InpaintingData(corpus / "test", corpus_config(corpus), tmp_path / "gaps")


def test_a_gap_outside_its_utterance_is_named(corpus, tmp_path):
    write_gap_file(tmp_path / "gaps", {f"s04_clip{n}": [Gap(0.5, 9.0)] for n in range(4)})
    with pytest.raises(DataError, match=r"s04_clip0: gap 0\.5:9: outside the recording"):
        InpaintingData(corpus / "test", corpus_config(corpus), tmp_path / "gaps")[0]


def test_batches_pad_at_the_end(corpus):
    data = InpaintingData(corpus / "train", corpus_config(corpus))
    id_, features, lost = data[0]
    short = ("short", type(features)(features.log_spectrum[:100], features.visual[:100]), lost[:100])
    batch = collate([(id_, features, lost), short])
    assert batch.ids == ["s01_clip0", "short"]
    assert batch.lengths.tolist() == [249, 100]
    assert torch.equal(batch.log_spectrum[1, :100], features.log_spectrum[:100])
    assert not batch.log_spectrum[1, 100:].any() and not batch.lost[1, 100:].any()


def test_an_audio_only_model_needs_no_landmarks_a_seeing_one_does(tmp_path, corpus):
    folder = make_datadir(tmp_path / "blind", ["s01_a"], with_faces=False)
    audio_only = corpus_config(corpus, model={"video": False})
    assert InpaintingData(folder, audio_only)[0][1].visual.shape == (249, 0)
    with pytest.raises(DataError, match=r"1 of 1 clips have no landmarks, such as s01_a"):
        InpaintingData(folder, corpus_config(corpus), augmented=True)


def test_an_utterance_that_was_never_filmed_is_one_whose_face_is_hidden(tmp_path, corpus):
    heard = make_datadir(tmp_path / "heard", ["s01_a"], with_faces=False)
    unfilmed = [replace(utterance, video=None) for utterance in read_datadir(heard)]
    write_datadir(tmp_path / "both", [*unfilmed, *read_datadir(corpus / "test")])
    data = InpaintingData(tmp_path / "both", corpus_config(corpus))
    assert [item[1].visual.isnan().all().item() for item in data] == [True, False, False, False, False]
    assert data[0][1].visual.shape == (249, 136)
    write_datadir(tmp_path / "none", unfilmed)
    assert InpaintingData(tmp_path / "none", corpus_config(corpus))[0][1].visual.isnan().all()  # to judge by
    with pytest.raises(DataError, match="1 of 1 clips have no landmarks"):
        InpaintingData(tmp_path / "none", corpus_config(corpus), augmented=True)


def test_training_gaps_lie_where_there_is_speech_if_the_config_says_so(tmp_path, corpus):
    samples = np.concatenate([1e-4 * np.random.default_rng(0).standard_normal(RATE), speech(0)[: 2 * RATE]])
    write_wav(tmp_path / "late.wav", samples.astype(np.float32), RATE)
    write_datadir(tmp_path / "late", [Utterance("s01_late", "s01", str(tmp_path / "late.wav"), len(samples) / RATE)])
    single = {"min_count": 1, "max_count": 1, "total_mean_ms": 300.0, "total_std_ms": 0.0, "region_ms": 3000.0}

    def in_pause(in_speech: float) -> int:
        gaps = {**single, "in_speech": in_speech}
        data = InpaintingData(tmp_path / "late", corpus_config(corpus, model={"video": False}, gaps=gaps))
        counts = 0
        for data.epoch in range(20):
            counts += int(data[0][2][:75].any())  # the first 0.9 s are noise
        return counts

    assert in_pause(0.8) == 0 < 3 < in_pause(0.0)


def test_statistics_normalise_the_set_they_were_measured_on(corpus):
    config = corpus_config(corpus)
    stats = Stats.load(config.data.stats)
    data = InpaintingData(corpus / "train", config)
    spectra = np.concatenate([load_features(u, config).log_spectrum.numpy() for u in data.utterances])
    normalised = (spectra - stats.audio_mean) / stats.audio_std
    assert normalised.mean(axis=0) == pytest.approx(np.zeros(257), abs=1e-3)
    assert normalised.std(axis=0) == pytest.approx(np.ones(257), abs=1e-3)
    assert stats.visual_mean.shape == (136,)


def test_running_moments_are_those_of_the_whole():
    rows = np.random.default_rng(0).normal(3, 2, (1000, 4))
    rows[:, 3] = 5.0
    moments = RunningMoments()
    for piece in np.array_split(rows, 7):
        moments.add(piece)
    mean, std = moments.result()
    assert mean == pytest.approx(rows.mean(axis=0), rel=1e-5)
    assert std == pytest.approx([*rows[:, :3].std(axis=0), 1.0], rel=1e-5)


def test_a_broken_statistics_file_is_named(tmp_path):
    with pytest.raises(DataError, match="no such statistics file"):
        Stats.load(tmp_path / "stats.npz")
    (tmp_path / "stats.npz").write_bytes(b"PK broken")
    with pytest.raises(DataError, match="not a statistics file"):
        Stats.load(tmp_path / "stats.npz")


def test_each_utterance_has_gaps_of_its_own(corpus):
    data = InpaintingData(corpus / "train", corpus_config(corpus))
    assert len({tuple(data[index][2].tolist()) for index in range(len(data))}) == len(data) == 12


def test_features_are_those_that_the_config_asks_for(corpus):
    config = corpus_config(corpus, visual={"points": "articulation", "positions": True})
    assert InpaintingData(corpus / "train", config)[0][1].visual.shape == (249, 26)


def test_running_moments_do_not_lose_a_small_deviation_far_from_zero():
    rows = (1000 + 0.01 * np.random.default_rng(0).standard_normal((50_000, 2))).astype(np.float32)
    moments = RunningMoments()
    for piece in np.array_split(rows, 100):
        moments.add(piece)
    assert moments.result()[1] == pytest.approx(rows.astype(float).std(axis=0), rel=1e-2)


def test_sound_is_normalised_alike_by_the_same_means_and_deviations():
    one = Stats(*(np.full(3, value, np.float32) for value in (0, 1, 0, 1)))
    assert one.same_audio(Stats(one.audio_mean, one.audio_std, one.visual_mean + 1, one.visual_std + 1))
    assert not one.same_audio(Stats(one.audio_mean + 1, one.audio_std, one.visual_mean, one.visual_std))
    assert not one.same_audio(Stats(one.audio_mean, one.audio_std + 1, one.visual_mean, one.visual_std))


def test_statistics_are_of_the_features_that_are_asked_for(corpus, tmp_path):
    out = tmp_path / "stats.npz"
    run_app(program.app, corpus / "valid", "--out", out, "--set", "visual.points=articulation")
    stats = Stats.load(out)
    assert stats.visual_mean.shape == (13,) and stats.audio_mean.shape == (257,)
    assert stats.ids.tolist() == [f"s03_clip{n}" for n in range(3)]
