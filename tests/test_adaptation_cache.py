"""Results of adaptation that are kept: when one is taken, and what each depends on."""

from dataclasses import replace

import pytest
from adaptation import GAPS, QUICK, recording, same, small_inpainter, tracks_of, weights
from conftest import RATE

from avsi.errors import AvsiWarning
from avsi.restoring import adapting
from avsi.restoring.inpainting import Inpainter
from avsi.training import adaptation
from avsi.training.adaptation import Judged, Outcome
from avsi.video import face_detector


@pytest.mark.usefixtures("kept")
def test_a_second_run_takes_the_first_ones_result_and_replaces_a_damaged_one(monkeypatch, cache):
    settings = replace(QUICK, steps=20, learning_rate=1e-2)
    first = small_inpainter().adapt(recording(), RATE, GAPS, settings=settings)
    trained = []
    monkeypatch.setattr(adapting, "adapt_model", lambda *args: trained.append(1) or adaptation.adapt_model(*args))
    second = small_inpainter().adapt(recording(), RATE, GAPS, settings=settings)
    assert not trained
    assert same(weights(first), weights(second))
    assert second.adaptation == first.adaptation
    [folder] = (cache / "adapted").iterdir()
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    third = small_inpainter().adapt(recording(), RATE, GAPS, settings=settings)
    assert trained == [1]
    assert same(weights(first), weights(third))
    other = recording()
    other[1000] += 0.01
    for samples, gaps, changed in (
        (other, GAPS, settings),
        (recording(), GAPS[:1], settings),
        (recording(), GAPS, replace(settings, seed=1)),
    ):
        small_inpainter().adapt(samples, RATE, gaps, settings=changed)
    assert trained == [1] * 4
    assert len(list((cache / "adapted").iterdir())) == 4


@pytest.mark.usefixtures("cache")
def test_what_finds_the_face_in_a_video_counts_and_plays_no_part_without_one(monkeypatch, tmp_path):
    def follow_face(inpainter, video, stretches, *_):
        seen = video is not None and inpainter.model.config.model.video
        return [tracks_of(6.0) if seen else None] * len(stretches)

    def adapt_model(start, *_):
        trained.append(start)
        return start, Outcome(Judged(1.0, 0.8), Judged(0.9, 0.8), 2.0)

    film, settings, trained, counts = tmp_path / "talk.mp4", replace(QUICK, min_speech_s=1.0), [], []
    film.write_bytes(b"a film")
    monkeypatch.setattr(Inpainter, "follow_face", follow_face)
    monkeypatch.setattr(adapting, "adapt_model", adapt_model)
    seeing, blind = (small_inpainter(model={"video": video, "normalise": "utterance"}) for video in (True, False))
    for detector in (face_detector._MeshDetector, face_detector._TaskDetector):
        monkeypatch.setattr(face_detector, "_MeshDetector", detector)  # as if this API were the one installed
        for inpainter, video in ((seeing, film), (seeing, tracks_of(6.0)), (seeing, None), (blind, film)):
            inpainter.adapt(recording(length_s=6.0), RATE, [], video=video, settings=settings)
        counts.append(len(trained))
    assert counts == [4, 5]


@pytest.mark.usefixtures("kept")
def test_the_cache_keeps_the_models_used_last(monkeypatch, cache):
    monkeypatch.setattr("avsi.restoring.adapted.MOST_CACHED", 2)
    for seed in range(3):
        small_inpainter().adapt(recording(), RATE, GAPS, settings=replace(QUICK, steps=1, seed=seed))
    assert len(list((cache / "adapted").iterdir())) == 2


@pytest.mark.usefixtures("kept")
def test_where_the_cache_cannot_be_written_a_note_says_so(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVSI_CACHE", str(tmp_path / "file"))
    with pytest.warns(AvsiWarning, match="cannot be kept there for a next time .* AVSI_CACHE"):
        adapted = small_inpainter().adapt(
            recording(), RATE, GAPS, settings=replace(QUICK, steps=20, learning_rate=1e-2)
        )
    assert adapted.adaptation.kept


def test_ctrl_c_leaves_nothing(cache):
    def stopped(items, total, what):
        for number, item in enumerate(items):
            if number == 2:
                raise KeyboardInterrupt
            yield item

    with pytest.raises(KeyboardInterrupt):
        small_inpainter().adapt(recording(), RATE, GAPS, settings=QUICK, progress=stopped)
    assert not cache.exists()
