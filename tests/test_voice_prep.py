"""A data directory in other voices."""

import dataclasses
from collections import Counter

import numpy as np
import pytest
import soundfile
from conftest import RATE, make_datadir
from typer.testing import CliRunner

from avsi.data.datadir import Utterance, read_datadir, write_datadir
from avsi.errors import AvsiError, DataError
from data_prep import voices
from data_prep.grid.splits import WHOLE, load_split

IDS = ["s01_a", "s01_b", "s02_c"]


@pytest.fixture
def source(tmp_path):
    return make_datadir(tmp_path / "set", IDS)


@pytest.fixture
def spoken(monkeypatch):
    """Which utterances the vocoder is run on; what it says is quick noise."""
    calls = []

    class Analysis:
        def __init__(self, samples):
            self.n_samples, self.median_pitch_hz = len(samples), 120.0

    def analyse(samples, rate):
        calls.append(round(1e6 * float(np.abs(samples).sum())))
        return Analysis(samples)

    monkeypatch.setattr(voices, "analyse", analyse)
    monkeypatch.setattr(voices, "change_voice", lambda analysis, voice: np.full(analysis.n_samples, 0.1 * voice.pitch))
    return calls


def run(*arguments):
    return CliRunner().invoke(voices.app, [*map(str, arguments), "--jobs", "1"])


def made(out) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.rglob("*.wav"))}


@pytest.mark.slow
def test_each_utterance_has_copies_that_share_all_but_the_voice(source, tmp_path):
    write_datadir(source, read_datadir(source), "a corpus", "a split")
    (source / "gaps_random").write_text("s01_a 0.5 1.0\n")
    out = tmp_path / "out"
    result = run(source, out, "--copies", 2)
    assert result.exit_code == 0 and "3 utterances as they are and 6 in other voices; 0 without" in result.output
    utterances = {utterance.id: utterance for utterance in read_datadir(out)}
    assert list(utterances) == sorted(f"{id_}{copy}" for id_ in IDS for copy in ("", "-v1", "-v2"))
    for id_ in IDS:
        own = utterances[id_]
        samples, _ = soundfile.read(own.wav)
        sounds = [samples]
        for number in (1, 2):
            copy = utterances[f"{id_}-v{number}"]
            assert (copy.speaker, copy.words, copy.landmarks) == (own.speaker, own.words, own.landmarks)
            sound, rate = soundfile.read(copy.wav)
            assert rate == RATE and sound.shape == samples.shape and np.abs(sound).max() > 0.01
            sounds.append(sound)
        assert abs(np.corrcoef(sounds)[np.triu_indices(3, 1)]).max() < 0.8
    drawn = dict(line.split(" ", 1) for line in (out / "voices").read_text().splitlines())
    assert len(drawn) == len(set(drawn.values())) == 6
    assert all(0.5 < float(text.split()[0]) < 2.5 for text in drawn.values())
    assert (out / "corpus").read_text() == "a corpus\n" and (out / "split").read_text() == "a split\n"
    assert not (out / "gaps_random").exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--copies-of-few", 2, "--few-below", 2), {"s01": 2 * 2, "s02": 1 * 3}),
        (("--copies-of-few", 2, "--few-below", 1), {"s01": 2 * 2, "s02": 1 * 2}),
        (("--copies-of-few", 2), {"s01": 2 * 3, "s02": 1 * 3}),
        (("--few-below", 2), {"s01": 2 * 2, "s02": 1 * 2}),
    ],
)
def test_speakers_of_few_recordings_can_have_more_copies(source, tmp_path, spoken, options, expected):
    assert run(source, tmp_path / "out", "--copies", 1, *options).exit_code == 0
    assert Counter(utterance.speaker for utterance in read_datadir(tmp_path / "out")) == expected


def test_a_speaker_who_is_divided_as_a_whole_is_not_one_of_few_in_training(source, tmp_path, monkeypatch):
    """Of the smallest whole speaker's clips, too, enough are left; s04 of the recipe, with 50, is one of few."""
    ids = {f"s01_clip{n:03d}" for n in range(WHOLE)}
    set_of = load_split("whole-speakers", ids)
    few = {f"s04_clip{n:03d}" for n in range(50)}
    trained_on = [id_ for id_ in ids if set_of(id_) == "train"] + sorted(few)
    assert len(trained_on) < WHOLE + len(few)
    asked = []
    monkeypatch.setattr(voices, "_speak_all", lambda _, __, copies_of, *rest: asked.append(copies_of) or ({}, {}))
    write_datadir(source, [Utterance(id_, id_[:3], "none.wav", 1.0, ("bin",)) for id_ in trained_on])
    assert run(source, tmp_path / "out", "--copies", 1, "--copies-of-few", 3).exit_code == 0
    assert {id_: len(copies) for id_, copies in asked[0].items()} == {id_: 3 if id_ in few else 1 for id_ in trained_on}


def test_what_is_there_is_not_made_again_and_more_copies_are_added(source, tmp_path, spoken):
    out = tmp_path / "out"
    assert run(source, out, "--copies", 2).exit_code == 0
    assert len(spoken) == 3
    first, table = made(out), (out / "voices").read_text()
    assert run(source, out, "--copies", 2).exit_code == 0
    assert len(spoken) == 3 and made(out) == first and (out / "voices").read_text() == table
    (out / "wav" / "s01" / "s01_b-v2.wav").unlink()
    assert run(source, out, "--copies", 2).exit_code == 0
    assert len(spoken) == 4 and made(out) == first and (out / "voices").read_text() == table
    assert run(source, out, "--copies", 3).exit_code == 0
    assert len(spoken) == 7 and len(made(out)) == 9 and made(out).items() >= first.items()
    assert run(source, out, "--copies", 1).exit_code == 0
    assert len(spoken) == 7 and len(read_datadir(out)) == 6 and len((out / "voices").read_text().splitlines()) == 3


def test_a_recording_that_was_replaced_is_spoken_anew(source, tmp_path, spoken):
    out = tmp_path / "out"
    run(source, out, "--copies", 1)
    wav = next(utterance.wav for utterance in read_datadir(source) if utterance.id == "s01_a")
    copy = out / "wav" / "s01" / "s01_a-v1.wav"
    import os

    os.utime(wav, (copy.stat().st_mtime + 10,) * 2)
    assert run(source, out, "--copies", 1).exit_code == 0
    assert len(spoken) == 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_a_stopped_run_keeps_what_is_there_and_goes_on(source, tmp_path, spoken, monkeypatch, error):
    whole = tmp_path / "whole"
    assert run(source, whole, "--copies", 2).exit_code == 0
    out = tmp_path / "out"
    speak = voices._speak

    def stopping(utterance, *arguments):
        if utterance.id == "s02_c":
            raise error
        return speak(utterance, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(voices, "_speak", stopping)
        assert run(source, out, "--copies", 2).exit_code != 0
    assert len(made(out)) == 4 and len((out / "voices").read_text().splitlines()) == 4
    assert not (out / "wav.scp").exists()
    # Killed while it was noting the last one: its values are cut off.
    (out / "voices").write_text((out / "voices").read_text()[:-3])
    spoken.clear()
    assert run(source, out, "--copies", 2).exit_code == 0
    assert len(spoken) == 2
    assert made(out) == made(whole) and (out / "voices").read_text() == (whole / "voices").read_text()


@pytest.mark.parametrize("options", [("--seed", 1), ("--set", "voices.pitch_max_hz=300")])
def test_other_voices_are_not_mixed_into_a_folder(source, tmp_path, spoken, options):
    out = tmp_path / "out"
    run(source, out)
    before = made(out)
    error = run(source, out, *options).exception
    assert isinstance(error, DataError) and "voices_of: the voices there are those of" in str(error)
    assert "choose another folder or delete it" in str(error) and "\n" not in str(error)
    assert made(out) == before
    other = make_datadir(tmp_path / "other", IDS)
    assert "the voices there are those of" in str(run(other, out).exception)


def test_a_folder_that_will_not_do_is_refused(source, tmp_path, spoken):
    other = make_datadir(tmp_path / "other", IDS)
    (tmp_path / "file").write_text("")
    for out, message in (
        (source, "is the directory that the voices are made from"),
        (other, "holds a data directory without voices_of"),
        (tmp_path / "file", "file: is a file; expected a folder"),
        (tmp_path / "file" / "out", "file: is a file; expected a folder"),
    ):
        error = run(source, out).exception
        assert isinstance(error, DataError) and message in str(error)
    assert spoken == []


def test_voices_of_voices_are_refused(source, tmp_path, spoken):
    run(source, tmp_path / "out", "--copies", 1)
    error = run(tmp_path / "out", tmp_path / "again", "--copies", 1).exception
    assert isinstance(error, DataError) and "has an utterance s01_a-v1 already" in str(error)
    assert not (tmp_path / "again").exists()


@pytest.mark.slow
def test_recordings_without_a_pitch_are_listed_and_too_many_fail(source, tmp_path):
    utterances = read_datadir(source)
    soundfile.write(utterances[0].wav, np.zeros(RATE), RATE)
    lost = Utterance("s03_d", "s03", str(tmp_path / "none.wav"), 1.0, ("bin",))
    write_datadir(source, [*utterances, lost])
    out = tmp_path / "out"
    error = run(source, out, "--copies", 1).exception
    assert isinstance(
        error, AvsiError
    ) and "2 of 4 utterances got no other voice, more than --max-left-out 0.05" in str(error)
    failed = (out / "voices_failed").read_text().splitlines()
    assert not (out / "wav.scp").exists()
    assert failed[0] == "s01_a no pitch is found in it, so it cannot be given another voice"
    assert failed[1].startswith("s03_d ") and failed[1].endswith("none.wav: no such file")
    assert run(source, out, "--copies", 1, "--max-left-out", 0.5).exit_code == 0
    assert [u.id for u in read_datadir(out)] == ["s01_a", "s01_b", "s01_b-v1", "s02_c", "s02_c-v1", "s03_d"]


def test_each_copy_has_a_voice_of_its_own(source, tmp_path, spoken):
    assert run(source, tmp_path / "out", "--copies", 2).exit_code == 0
    drawn = dict(line.split(" ", 1) for line in (tmp_path / "out" / "voices").read_text().splitlines())
    assert list(drawn) == [f"{id_}-v{number}" for id_ in IDS for number in (1, 2)]
    assert len(set(drawn.values())) == 6


def test_copies_keep_their_face_at_its_time(source, tmp_path, spoken):
    own = [dataclasses.replace(u, video="long.mp4", video_start_s=4.5) for u in read_datadir(source)]
    write_datadir(source, own)
    assert run(source, tmp_path / "out", "--copies", 1).exit_code == 0
    copies = read_datadir(tmp_path / "out")
    assert len(copies) == 6 and {(u.video, u.video_start_s) for u in copies} == {("long.mp4", 4.5)}
