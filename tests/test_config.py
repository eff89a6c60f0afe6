import pytest

from avsi.config import Config, load_config
from avsi.errors import ConfigError


def test_defaults_are_the_papers():
    config = load_config()
    assert config == Config()
    assert (config.stft.n_bins, config.stft.hop_samples, config.stft.window_samples) == (257, 192, 384)
    assert (config.model.layers, config.model.hidden) == (3, 250)
    assert (config.training.batch_size, config.training.learning_rate, config.training.patience) == (8, 1e-3, 5)


def test_files_build_on_each_other_and_the_command_line_has_the_last_word(tmp_path):
    (tmp_path / "base.yaml").write_text("training:\n  seed: 1\n  batch_size: 4\nmodel:\n  hidden: 10\n")
    (tmp_path / "one.yaml").write_text("base: base.yaml\ntraining:\n  seed: 2\n")
    config = load_config([tmp_path / "one.yaml"], ["model.hidden=20", "visual.positions=true"])
    assert (config.training.seed, config.training.batch_size, config.model.hidden) == (2, 4, 20)
    assert config.visual.positions is True


def test_settings_may_start_from_those_of_a_model(tmp_path):
    (tmp_path / "over.yaml").write_text("model:\n  hidden: 12\n")
    start = Config()
    start.augment.tempo, start.model.hidden = 0.1, 10
    config = load_config([tmp_path / "over.yaml"], ["augment.noise=0.5"], start)
    assert (config.augment.tempo, config.augment.noise, config.model.hidden) == (0.1, 0.5, 12)
    assert (start.augment.noise, start.model.hidden) == (0.0, 10)


def test_of_several_files_the_last_decides(tmp_path):
    (tmp_path / "base.yaml").write_text("model:\n  layers: 1\n  hidden: 10\n")
    (tmp_path / "one.yaml").write_text("base: base.yaml\nmodel:\n  video: false\n  hidden: 11\n")
    (tmp_path / "over.yaml").write_text("model:\n  hidden: 12\n")
    model = load_config([tmp_path / "one.yaml", tmp_path / "over.yaml"]).model
    assert (model.layers, model.hidden, model.video) == (1, 12, False)
    assert load_config([tmp_path / "over.yaml", tmp_path / "one.yaml"]).model.hidden == 11


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training.sed=1", "--set.*sed"),
        ("training.seed=many", "--set.*many"),
        ("training.loss=l3", "training.loss: 'l3' is not one of l1, mse"),
        ("visual.points=ears", "visual.points"),
        ("training.batch_size=0", "must be at least 1"),
        ("gaps.min_count=9", "gaps.max_count: 8 must be at least 9"),
        ("gaps.total_max_ms=100", "gaps.total_max_ms: 100 must be at least 288"),
        ("training.learning_rate=nan", "training.learning_rate: nan"),
        ("training.workers=-1", "training.workers: -1 must be at least 0"),
        ("model.hidden=0", "model.hidden: 0 must be at least 1"),
        ("model.dropout=1.0", "must be below 1"),
        ("training.average=1", "training.average: 1 must be below 1"),
        ("augment.tempo=1.5", "augment.tempo: 1.5 must be below 1"),
        ("augment.noise=3", "augment.noise: 3 is a share, at most 1"),
        ("augment.face_hidden=1.5", "augment.face_hidden: 1.5 is a share, at most 1"),
        ("augment.noise=-0.1", "augment.noise: -0.1 must be at least 0"),
        ("augment.noise_max_db=-90", "augment.noise_max_db: -90 must be at least -80"),
        ("augment.noise_min_db=nan", "augment.noise_min_db: nan must be at least -200"),
        ("voices.pitch_max_hz=80", "voices.pitch_max_hz: 80 must be at least 85"),
        ("voices.formant_slope=nan", "voices.formant_slope: nan"),
        ("visual.clip_scale=-1", "visual.clip_scale: -1 must be at least 0"),
        ("model.normalise=speaker", "model.normalise: 'speaker' is not one of corpus, utterance"),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config((), [override])


def test_models_without_any_input_are_refused():
    with pytest.raises(ConfigError, match="no input"):
        load_config((), ["model.audio=false", "model.video=false"])
    with pytest.raises(ConfigError, match=r"visual\.motion and visual\.positions"):
        load_config((), ["visual.motion=false"])


def test_a_wrong_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="no such config file"):
        load_config([tmp_path / "none.yaml"])
    (tmp_path / "broken.yaml").write_text("a: [1\n")
    with pytest.raises(ConfigError, match=r"broken\.yaml: not a YAML file"):
        load_config([tmp_path / "broken.yaml"])
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(ConfigError, match=r"list\.yaml: expected"):
        load_config([tmp_path / "list.yaml"])
    (tmp_path / "loop.yaml").write_text("base: loop.yaml\n")
    with pytest.raises(ConfigError, match="leads back to the file itself"):
        load_config([tmp_path / "loop.yaml"])
    (tmp_path / "odd.yaml").write_text("training:\n  speed: fast\n")
    with pytest.raises(ConfigError, match=r"odd\.yaml: .*speed"):
        load_config([tmp_path / "odd.yaml"])
