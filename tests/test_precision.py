"""In which precision a model is trained, and what is said of it."""

import os
import subprocess
import sys

import pytest
import torch
from conftest import corpus_config

from avsi.config_files import load_config
from avsi.errors import ConfigError
from avsi.models.store import read_description
from avsi.training import precision
from avsi.training.checkpoints import LAST
from avsi.training.precision import choose_precision
from avsi.training.run import train

CPU = torch.device("cpu")
HAS_BF16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
# As a CPU without AVX-512 has it.
OLDER_CPU = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}


def test_an_unknown_precision_is_told_with_those_that_are_known():
    with pytest.raises(
        ConfigError, match=r"training\.precision: 'fuzzy' is not one of auto, 32-true, bf16-mixed, 16-m"
    ):
        load_config((), ["training.precision=fuzzy"])
    assert load_config().training.precision == "auto"
    assert load_config((), ["training.precision=32"]).training.precision == "32"  # Lightning's short name


def test_by_itself_a_run_takes_bf16_only_where_the_device_computes_in_it(monkeypatch):
    for found, expected in (
        (True, ("bf16-mixed", "training in bf16: this CPU computes LSTMs in it")),
        (False, ("32-true", "training in full precision: this CPU does not compute LSTMs in bf16")),
    ):
        monkeypatch.setattr(precision, "computes_in", lambda *_, found=found: found)
        assert choose_precision("auto", CPU) == expected


def test_half_precision_is_not_trained_in_on_a_cpu():
    with pytest.raises(
        ConfigError, match=r"^training\.precision: this CPU does not compute LSTMs in '16-mixed'; take au"
    ):
        choose_precision("16-mixed", CPU)  # Lightning would take bf16


def test_asking_does_not_change_what_is_drawn():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    choose_precision("auto", CPU)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.slow
def test_a_cpu_without_avx_512_does_not_compute_in_bf16():
    code = (
        "import torch; from avsi.training.precision import choose_precision; "
        "print(*choose_precision('auto', torch.device('cpu')), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **OLDER_CPU}, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "32-true",
        "training in full precision: this CPU does not compute LSTMs in bf16",
    ]


def test_a_run_says_what_it_takes_and_its_model_tells(corpus, tmp_path, capsys):
    config = corpus_config(corpus, training={"precision": "auto", "max_epochs": 1})
    train(config, tmp_path / "run", progress=False)
    assert capsys.readouterr().out == ""
    name, said = choose_precision("auto", CPU)
    assert name == ("bf16-mixed" if HAS_BF16 else "32-true")
    assert read_description(tmp_path / "run")["about"]["precision"] == name
    # It goes on on a machine that takes another.
    config.training.max_epochs, config.training.precision = 2, "32-true"
    train(config, tmp_path / "run")
    assert f"{said}\n" not in capsys.readouterr().out
    assert torch.load(tmp_path / "run" / LAST, weights_only=True)["epoch"] == 1
    config.training.max_epochs, config.training.precision = 3, "auto"
    train(config, tmp_path / "run")
    assert f"{said}\n" in capsys.readouterr().out


@pytest.mark.skipif(HAS_BF16, reason="this CPU computes in bf16")
def test_a_precision_that_is_not_there_is_told_before_anything_is_written(corpus, tmp_path):
    config = corpus_config(corpus, training={"precision": "bf16-mixed"})
    with pytest.raises(ConfigError) as raised:
        train(config, tmp_path / "run", progress=False)
    assert str(raised.value) == (
        "training.precision: this CPU does not compute LSTMs in 'bf16-mixed'; take auto or 32-true"
    )
    assert not (tmp_path / "run").exists()
