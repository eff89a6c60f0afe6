"""The duration model, on phones whose lengths follow rules, and what it is worth where known words are lost."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_spoken_datadir, small_config

from avsi.config import AlignerConfig, DurationsConfig, GapConfig
from avsi.config_files import load_config
from avsi.data.datadir import read_datadir, write_datadir
from avsi.data.phones import Lexicon
from avsi.data.said import phones_at
from avsi.errors import AvsiWarning, ConfigError, DataError
from avsi.models.aligner import PhoneAligner
from avsi.models.durations import DurationModel
from avsi.models.store import load_model, save_model
from avsi.training.dataset import Batch, TimedData
from avsi.training.durations import duration_loss
from avsi.words.aligner import align_frames

PHONES = ("A", "B", "C")
FRAME_S = 0.012


def spoken(labels: str, slowness: float) -> list[tuple[str, int]]:
    """Each phone with its length in frames: A lasts 4, B 8, and C 4 after A and 12 after B; a pause, "-", 5."""
    lengths = {"A": 4, "B": 8, "-": 5}
    pairs = zip(labels, "-" + labels, strict=False)
    return [(now, round(slowness * (lengths.get(now) or (12 if before == "B" else 4)))) for now, before in pairs]


def batch_of(rows: list[list[tuple[str, int]]], lost: list[list[bool]]) -> Batch:
    """A batch of utterances, in which whole phones are lost."""
    said, gone = [], []
    for row, is_lost in zip(rows, lost, strict=True):
        stops = np.cumsum([length for _, length in row])
        phones = [
            (FRAME_S * (stop - length), FRAME_S * length, label)
            for (label, length), stop in zip(row, stops, strict=True)
            if label != "-"
        ]
        said.append(phones_at(phones, int(stops[-1]), small_config(DurationsConfig).stft, PHONES))
        gone.append(torch.tensor([each for each, (_, length) in zip(is_lost, row, strict=True) for _ in range(length)]))
    pad = torch.nn.utils.rnn.pad_sequence
    nothing = torch.zeros(len(rows), 0)
    lengths = torch.tensor([len(each) for each in gone])
    return Batch(
        [], nothing, nothing, pad(gone, batch_first=True), lengths, nothing, nothing, said=pad(said, batch_first=True)
    )


@pytest.fixture(scope="module")
def model() -> DurationModel:
    """Trained for seconds on speakers of any slowness between 0.7 and 2."""
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    model = DurationModel(small_config(DurationsConfig, model={"layers": 1}), None, PHONES)
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        rows = [spoken("".join(rng.choice([*"ABC"], 8)) + "-A", rng.uniform(0.7, 2)) for _ in range(16)]
        loss, _ = duration_loss(model, batch_of(rows, [[4 < n < 7 for n in range(10)] for _ in rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return model.eval()


@pytest.mark.parametrize("slowness", [1.0, 1.5])
def test_lengths_follow_from_the_phones_beside_and_from_those_that_are_known(model, slowness):
    row = spoken("ABACABAC", slowness)
    labels = [1 + PHONES.index(label) for label, _ in row]
    known = [math.nan if 2 < n < 6 else float(length) for n, (_, length) in enumerate(row)]
    mean, spread = model.predict(labels, known)
    assert np.exp(mean[3:6]) == pytest.approx([length for _, length in row[3:6]], rel=0.25)  # C after A, A, B
    assert (spread[3:6] < 0.4).all()
    labels[2] = 2  # C after B
    assert np.exp(model.predict(labels, known)[0][3]) == pytest.approx(12 * slowness, rel=0.25)


def test_where_nothing_is_known_the_model_is_less_sure(model):
    row = spoken("ABACABAC", 1.5)
    labels, nothing = [1 + PHONES.index(label) for label, _ in row], [math.nan] * len(row)
    some = [math.nan if 2 < n < 6 else float(length) for n, (_, length) in enumerate(row)]
    assert model.predict(labels, nothing)[1][4] > model.predict(labels, some)[1][4]


def test_only_lost_phones_count_and_lost_pauses_are_not_there(model):
    row = spoken("AB-AB", 1.0)
    value, count = duration_loss(model, batch_of([row], [[False, True, True, True, False]]))
    assert count == 2
    mean, spread = model.predict([1, 2, 1, 2], [4, math.nan, math.nan, 8])
    errors = (np.log([8, 4]) - mean[1:3]) / spread[1:3]
    assert float(value.detach()) == pytest.approx(
        np.mean(errors**2 / 2 + np.log(spread[1:3]) + math.log(2 * math.pi) / 2), abs=1e-4
    )
    assert duration_loss(model, batch_of([row], [[False] * 5]))[1] == 0


def test_padding_changes_nothing(model):
    rows = [spoken("AB-ABC", 1.0), spoken("CA", 1.0)]
    lost = [[False, True, False, True, False, False], [True, False]]
    together, count = duration_loss(model, batch_of(rows, lost))
    apart = [duration_loss(model, batch_of([row], [gone])) for row, gone in zip(rows, lost, strict=True)]
    assert float(together.detach()) * count == pytest.approx(
        sum(float(value.detach()) * number for value, number in apart), abs=1e-4
    )


def test_it_is_stored(model, tmp_path):
    save_model(tmp_path / "model", model)
    again = load_model(tmp_path / "model", "durations")
    known = [4.0, math.nan, 8.0]
    assert again.predict([1, 3, 2], known)[0] == pytest.approx(model.predict([1, 3, 2], known)[0], abs=1e-6)


def test_in_a_gap_without_a_face_words_last_as_long_as_it_says(model):
    """The aligner knows nothing: by its own lengths, all phones last alike."""
    aligner = PhoneAligner(small_config(AlignerConfig, model={"layers": 1, "hidden": 4}), None, PHONES)
    torch.nn.init.zeros_(aligner.to_phones.weight)
    torch.nn.init.constant_(aligner.to_phones.bias, 0)
    with torch.no_grad():
        aligner.to_phones.bias[0] = -20  # but that there is no pause
    n_frames = 24
    visual = torch.full((n_frames, len(aligner.visual_mean)), math.nan)
    lost = torch.ones(n_frames, dtype=torch.bool)
    words = [[["A"]], [["B"]], [["C"]]]  # 4, 8 and 12 frames

    def lengths() -> list[int]:
        aligned = align_frames(aligner.eval(), torch.zeros(n_frames, 257), visual, lost, words)
        return [each.stop - each.start for each in aligned.segments if each.word >= 0]

    assert lengths() == [8, 8, 8]
    aligner.durations = model
    assert lengths() == pytest.approx([4, 8, 12], abs=2)


@pytest.mark.parametrize("setting", ["text_hidden=0.3", "text_usual=0.5", "text_jitter_ms=30"])
def test_made_up_lengths_are_refused(setting):
    with pytest.raises(ConfigError, match="a duration model takes"):
        load_config([], ["model.kind=durations", f"augment.{setting}"])


def test_only_utterances_whose_phones_have_times_are_learned_from(tmp_path):
    make_spoken_datadir(tmp_path / "all", 3, 0)
    utterances = read_datadir(tmp_path / "all")
    (tmp_path / "lexicon.txt").write_text("do D O\nka K A\nna N A\n")
    config = small_config(DurationsConfig, gaps=vars(GapConfig()))
    inventory = Lexicon.read(tmp_path / "lexicon.txt")
    with pytest.raises(DataError, match=r"no utterance has phones with times; python -m data_prep.align finds them"):
        TimedData(tmp_path / "all", config, None, inventory)
    timed = replace(utterances[0], phones=((0.1, 0.1, "D"), (0.2, 0.1, "O")))
    write_datadir(tmp_path / "some", [timed, *utterances[1:]])
    with pytest.warns(AvsiWarning, match="2 of 3 utterances have no phones with times, and are left out"):
        data = TimedData(tmp_path / "some", config, None, inventory)
    assert [utterance.id for utterance in data.utterances] == [timed.id]
