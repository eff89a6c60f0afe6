import pytest
import soundfile
from conftest import RATE, needs_grid, real_clip, speech, write_video

from avsi.data.gaps import Gap
from avsi.demo import run_demo
from avsi.errors import MediaError
from avsi.models.store import PRETRAINED


@needs_grid
def test_the_shipped_models_restore_a_real_sentence_they_were_not_trained_on(tmp_path):
    assert "s01_sgivzn" not in (PRETRAINED / "av" / "train_ids").read_text().split()
    scores = {name: (stoi, pesq) for name, stoi, pesq in run_demo(real_clip("s1/sgivzn"), [Gap(0.8, 1.6)], tmp_path)}
    assert scores["audio-visual"][0] > scores["audio-only"][0] > scores["interpolated"][0] > scores["damaged"][0] + 0.1
    assert scores["audio-visual"][0] == pytest.approx(0.84, abs=0.02)
    assert scores["audio-visual"][1] > scores["audio-only"][1]
    for name in (*scores, "original"):
        assert soundfile.info(tmp_path / f"{name}.wav").samplerate == RATE
    assert (tmp_path / "spectrograms.png").read_bytes().startswith(b"\x89PNG")


def test_a_clip_without_a_face_makes_no_demo(tmp_path):
    clip = write_video(tmp_path / "bars.mpg", speech(0, rate=44100))
    with pytest.raises(
        MediaError, match=r"bars\.mpg: the demo compares with a model that sees the face, but gap 0\.80"
    ):
        run_demo(clip, [Gap(0.8, 1.2)], tmp_path / "out")
    assert not (tmp_path / "out").exists()
