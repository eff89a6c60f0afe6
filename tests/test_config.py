import math
from dataclasses import fields

import pytest

from avsi.config import Config
from avsi.config_checks import check_config
from avsi.config_files import config_from_dict, load_config
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
        ("augment.noise_min_db=nan", "augment.noise_min_db: nan is not a finite number"),
        ("voices.pitch_max_hz=80", "voices.pitch_max_hz: 80 must be at least 85"),
        ("voices.formant_slope=nan", "voices.formant_slope: nan"),
        ("visual.clip_scale=-1", "visual.clip_scale: -1 must be at least 0"),
        ("model.normalise=speaker", "model.normalise: 'speaker' is not one of corpus, utterance"),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(ConfigError, match=message):
        load_config((), [override])


# The last value that is taken, and the first that is not; "" where there is none.
@pytest.mark.parametrize(
    ("name", "taken", "refused", "expected"),
    [
        ("stft.sample_rate", "1000", "999", "from 1000 to 384000"),
        ("stft.sample_rate", "384000", "384001", "from 1000 to 384000"),
        ("stft.sample_rate", "", "0", "from 1000 to 384000"),
        ("stft.sample_rate", "", "-16000", "from 1000 to 384000"),
        ("stft.n_fft", "384", "382", "stft.window_samples: 384 must be from 3 to 382"),
        ("stft.n_fft", "65536", "65538", "from 4 to 65536"),
        ("stft.n_fft", "", "2", "from 4 to 65536"),
        ("stft.n_fft", "", "511", "must be even"),
        ("stft.window_samples", "512", "514", r"from 3 to 512 \(stft.n_fft\)"),
        ("stft.window_samples", "194", "192", r"stft.hop_samples: 192 must be from 1 to 190 \(2 below"),
        ("stft.window_samples", "", "2", "from 3 to 512"),
        ("stft.window_samples", "", "383", "stft.hop_samples: 192 must be odd, as stft.window_samples 383 is"),
        ("stft.hop_samples", "382", "384", "from 1 to 382"),
        ("stft.hop_samples", "2", "0", "from 1 to 382"),
        ("stft.hop_samples", "", "500", "from 1 to 382"),
        ("stft.hop_samples", "", "191", "must be even, as stft.window_samples 384 is"),
        ("stft.log_floor", "1e-30", "1e-31", "from 1e-30 to 1"),
        ("stft.log_floor", "1", "1.1", "from 1e-30 to 1"),
        ("stft.log_floor", "", "0", "from 1e-30 to 1"),
        ("gaps.total_mean_ms", "2400", "2400.1", "at most 2400, which is gaps.total_max_ms"),
        ("gaps.total_mean_ms", "", "99999", "at most 2400, which is gaps.total_max_ms"),
        ("gaps.total_std_ms", "1e9", "1.1e9", r"at most 1e\+09"),
        ("gaps.total_max_ms", "1e9", "1.1e9", r"at most 1e\+09"),
        ("gaps.region_ms", "1e9", "1.1e9", r"at most 1e\+09"),
        ("visual.fps", "1000", "1001", "at most 1000"),
        ("training.seed", "9223372036854775807", "9223372036854775808", "does not fit into 64 bits"),
        ("training.seed", "-9223372036854775808", "-9223372036854775809", "does not fit into 64 bits"),
    ],
)
def test_settings_have_bounds(name, taken, refused, expected):
    if taken:
        load_config((), [f"{name}={taken}"])
    with pytest.raises(ConfigError, match=expected):
        load_config((), [f"{name}={refused}"])


def test_no_number_may_be_infinite_or_none():
    for section in fields(Config()):
        for setting in fields(getattr(Config(), section.name)):
            if setting.type == "float":
                for value in (math.nan, math.inf, -math.inf):
                    config = Config()
                    setattr(getattr(config, section.name), setting.name, value)
                    name = f"{section.name}.{setting.name}"
                    with pytest.raises(ConfigError, match=f"^{name}: {value} is not a finite number$"):
                        check_config(config)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("training=null", "--set: training: expected settings ('key: value'), found nothing"),
        ("training=5", "--set: training: expected settings ('key: value'), found '5'"),
        ("model=[1]", "--set: model: expected settings ('key: value'), found '[1]'"),
        ("trainin.seed=1", "--set: trainin: no such section; did you mean training?"),
        ("training.max_epoch=1", "--set: training.max_epoch: no such setting; did you mean max_epochs?"),
        ("data.x=1", "--set: data.x: no such setting, expected one of train, valid, stats, lexicon, train_gaps, "),
        ("training.max_epochs=many", "--set: training.max_epochs: found 'many', expected a whole number"),
        ("training.max_epochs=1.5", "--set: training.max_epochs: found '1.5', expected a whole number"),
        ("training.seed=null", "--set: training.seed: found nothing, expected a whole number"),
        ("gaps.min_ms=[1]", "--set: gaps.min_ms: found '[1]', expected a number"),
        ("model.mask=perhaps", "--set: model.mask: found 'perhaps', expected true or false"),
        ("data.train={a: 1}", "--set: data.train: found '{'a': 1}', expected a text"),
        ("training.seed", "--set training.seed: expected key=value, such as training.seed=1"),
        ("training.seed=[1", "--set training.seed=[1: the value is not valid YAML"),
        ("training.seed=${nothing}", "training.seed: Interpolation key 'nothing' not found"),
    ],
)
def test_a_setting_of_another_form_is_named_with_what_is_expected(override, message):
    with pytest.raises(ConfigError) as error:
        load_config((), [override])
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("training:\n", "training: expected settings ('key: value'), found nothing"),
        ("training: 5\n", "training: expected settings ('key: value'), found '5'"),
        ("model: [1]\n", "model: expected settings ('key: value'), found '[1]'"),
        ("training:\n  max_epochs: many\n", "training.max_epochs: found 'many', expected a whole number"),
        ("model:\n  layers: 1\n  layers: 2\n", "not a YAML file (line 3: found duplicate key layers)"),
        ("5\n", "Invalid loaded object type: int"),
        ("words\n", "words: no such section, expected one of stft, visual"),
        ("base: 5\n", "base: found '5', expected the name of another config file"),
        ("base: ../{folder}/one.yaml\n", "'base' leads back to the file itself"),
    ],
)
def test_a_file_of_another_form_is_named_with_what_is_expected(tmp_path, text, message):
    path = tmp_path / "one.yaml"
    path.write_text(text.replace("{folder}", tmp_path.name))
    with pytest.raises(ConfigError) as error:
        load_config([path])
    assert "one.yaml: " + message in str(error.value)
    path.write_text("")
    assert load_config([path]) == Config()


@pytest.mark.parametrize("values", [[1], 5, None, {"model": [1]}, {"model": None}, {"stft": {"n_fft": "few"}}])
def test_a_description_of_another_form_is_refused(values):
    with pytest.raises(ConfigError, match="expected"):
        config_from_dict(values)


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
