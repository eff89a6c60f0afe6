"""An inpainter with a phone head: the loss of both tasks, what it trains, and how it is stored."""

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from conftest import corpus_config, make_datadir, small_config
from safetensors.torch import load_file

from avsi.config import InpainterConfig, RecognizerConfig
from avsi.config_files import config_from_dict, load_config
from avsi.data.phones import Lexicon
from avsi.data.stats import Stats
from avsi.errors import ConfigError, DataError
from avsi.models.inpainter import BLSTMInpainter
from avsi.models.store import load_model, save_model
from avsi.restoring.inpainting import Inpainter
from avsi.training.checkpoints import LAST
from avsi.training.dataset import InpaintingData, SpeechData, collate
from avsi.training.losses import ctc_loss
from avsi.training.run import train
from avsi.training.tasks import make_task

CONF = Path(__file__).parents[1] / "recipes" / "grid" / "conf"
PHONES = ("B", "IH", "L", "N", "UW")


@pytest.fixture
def lexicon(tmp_path) -> Path:
    path = tmp_path / "lexicon.txt"
    path.write_text("bin B IH N\nblue B L UW\n")
    return path


def mtl_config(corpus, lexicon, ctc=True, **sections):
    config = corpus_config(corpus, **sections)
    config.model.ctc, config.data.lexicon = ctc, str(lexicon)
    return config


def one_batch(task):
    return collate([task.train_set[index] for index in range(4)])


def flat(values: dict, prefix="") -> dict:
    pairs = ((f"{prefix}{key}", value) for key, value in values.items())
    return {
        name: value
        for key, part in pairs
        for name, value in (flat(part, f"{key}.") if isinstance(part, dict) else {key: part}).items()
    }


@pytest.mark.parametrize(
    ("name", "differs"),
    [
        ("av", {}),
        ("a", {"model.video": False}),
        ("v", {"model.audio": False}),
        ("a_mtl", {"model.video": False, "model.ctc": True}),
        ("av_mtl", {"model.ctc": True}),
    ],
)
def test_each_config_differs_from_the_base_in_what_it_is_named_for(name, differs):
    base, other = (flat(asdict(load_config([CONF / f"{file}.yaml"]))) for file in ("base", name))
    assert {key: other[key] for key in base if other[key] != base[key]} == differs
    assert other["training.ctc_weight"] == 0.001


def test_the_ctc_loss_is_summed_over_an_utterance_and_averaged_over_the_batch():
    """Against the sum over every path of the utterance's own frames."""
    torch.manual_seed(0)
    scores, lengths = torch.randn(2, 5, 3), torch.tensor([5, 4])
    labels, label_lengths = torch.tensor([[1, 2], [2, 0]]), torch.tensor([2, 1])
    expected = []
    for utterance in range(2):
        probs = scores[utterance, : lengths[utterance]].softmax(dim=-1)
        wanted = labels[utterance, : label_lengths[utterance]].tolist()
        total = sum(
            probs[torch.arange(len(path)), list(path)].prod()
            for path in itertools.product(range(3), repeat=len(probs))
            if [label for label, _ in itertools.groupby(path) if label] == wanted
        )
        expected.append(-total.log())
    assert ctc_loss(scores, lengths, labels, label_lengths).item() == pytest.approx(sum(expected).item() / 2, rel=1e-5)


def test_the_ctc_loss_is_worked_out_in_float32_under_autocast():
    torch.manual_seed(0)
    hidden, head = torch.randn(2, 200, 8), torch.nn.Linear(8, 34)
    lengths, labels = torch.tensor([200, 180]), torch.randint(1, 34, (2, 18))
    with torch.autocast("cpu", torch.bfloat16):
        scores = head(hidden)
        loss = ctc_loss(scores, lengths, labels, torch.tensor([18, 15]))
    assert scores.dtype == torch.bfloat16 and loss.dtype == torch.float32
    assert torch.equal(loss, ctc_loss(scores.float(), lengths, labels, torch.tensor([18, 15])))


@pytest.mark.parametrize("kind", [InpainterConfig, RecognizerConfig])
def test_padding_does_not_count_for_the_phones(corpus, lexicon, kind):
    torch.manual_seed(0)
    config = corpus_config(corpus, kind=kind, data={"lexicon": str(lexicon)})
    if kind is InpainterConfig:
        config.model.ctc, config.model.video = True, False
    task = make_task(config, Stats.load(config.data.stats))
    id_, features, lost = task.train_set[0]
    lost[10:20] = kind is InpainterConfig
    short = features._replace(log_spectrum=features.log_spectrum[:90], visual=features.visual[:90])
    items = [(id_, features, lost), (id_, short, lost[:90])]
    *_, together = task.losses(task.model, collate(items))
    alone = [task.losses(task.model, collate([item]))[-1].value.item() for item in items]
    assert together.name == "ctc"
    assert together.value.item() == pytest.approx(sum(alone) / 2, rel=1e-4)


def test_batches_carry_labels_padded_with_blanks(corpus, lexicon):
    data = InpaintingData(corpus / "train", mtl_config(corpus, lexicon), lexicon=Lexicon.read(lexicon))
    assert data[0][1].labels == (1, 2, 4, 1, 3, 5)
    id_, features, lost = data[1]
    batch = collate([data[0], (id_, features._replace(labels=(3, 3)), lost)])
    assert batch.labels.tolist() == [[1, 2, 4, 1, 3, 5], [3, 3, 0, 0, 0, 0]]
    assert batch.label_lengths.tolist() == [6, 2]
    plain = collate([InpaintingData(corpus / "train", corpus_config(corpus))[0]])
    assert plain.labels.shape == (1, 0) and plain.label_lengths.tolist() == [0]


def test_what_nobody_wrote_down_teaches_no_phones(corpus, lexicon, tmp_path):
    config = mtl_config(corpus, lexicon)
    task = make_task(config, Stats.load(config.data.stats))
    id_, features, lost = task.train_set[0]
    lost[10:20] = True
    unsaid = (id_, features._replace(labels=()), lost)
    *_, alone = task.losses(task.model, collate([(id_, features, lost)]))
    *_, beside = task.losses(task.model, collate([unsaid, (id_, features, lost)]))
    assert (beside.name, beside.count) == ("ctc", 1)
    assert beside.value.item() == pytest.approx(alone.value.item(), rel=1e-4)
    *_, none = task.losses(task.model, collate([unsaid]))
    assert (none.name, none.count, none.value.item()) == ("ctc", 0, 0)  # several processes have the same losses
    folder = make_datadir(tmp_path / "data", ["s01_a"])
    (folder / "text").write_text("s01_a\n")
    assert InpaintingData(folder, config, lexicon=Lexicon.read(lexicon))[0][1].labels == ()
    with pytest.raises(DataError, match="s01_a: has no words"):
        SpeechData(folder, corpus_config(corpus, kind=RecognizerConfig), Lexicon.read(lexicon))


def test_a_text_longer_than_its_sound_is_named(tmp_path, corpus):
    folder = make_datadir(tmp_path / "data", ["s01_a"])
    (folder / "text").write_text("s01_a" + " bin" * 100 + "\n")
    (tmp_path / "lexicon.txt").write_text("bin B IH N\n")
    data = InpaintingData(folder, corpus_config(corpus), lexicon=Lexicon.read(tmp_path / "lexicon.txt"))
    with pytest.raises(DataError, match="s01_a: its 300 phones do not fit into its 249 frames"):
        data[0]


def test_both_losses_reach_the_shared_layers_and_each_its_own(corpus, lexicon):
    config = mtl_config(corpus, lexicon)
    task = make_task(config, Stats.load(config.data.stats))
    on_gaps, on_phones = task.losses(task.model, one_batch(task))
    assert (on_gaps.weight, on_phones.weight) == (1.0, 0.001)
    model = task.model
    for term, own, other in ((on_gaps, "to_spectrum", "to_phones"), (on_phones, "to_phones", "to_spectrum")):
        model.zero_grad()
        term.value.backward(retain_graph=True)
        assert all(parameter.grad.abs().sum() > 0 for parameter in model.blstm.parameters())
        assert all(parameter.grad.abs().sum() > 0 for parameter in getattr(model, own).parameters())
        assert all(parameter.grad is None for parameter in getattr(model, other).parameters())


@pytest.mark.slow
def test_without_weight_the_phones_change_nothing_and_with_it_they_do(corpus, lexicon, tmp_path):
    def weights(name: str, ctc: bool, weight: float) -> dict:
        config = mtl_config(corpus, lexicon, ctc, training={"ctc_weight": weight}, model={"dropout": 0.2})
        train(config, tmp_path / name, progress=False)
        return torch.load(tmp_path / name / LAST, weights_only=True)["state_dict"]

    single, unweighted, both = weights("single", False, 0.001), weights("zero", True, 0.0), weights("both", True, 0.001)
    heads = {"model.to_phones.weight", "model.to_phones.bias"}
    assert unweighted.keys() - single.keys() == heads
    assert all(torch.equal(single[name], unweighted[name]) for name in single)
    assert not all(torch.equal(single[name], both[name]) for name in single)
    assert "valid_ctc" in next((tmp_path / "both" / "logs" / "csv").rglob("metrics.csv")).read_text()


@pytest.mark.slow
def test_a_run_with_a_head_goes_on_as_if_unbroken_and_not_with_another_lexicon(corpus, lexicon, tmp_path):
    def run(name: str, max_epochs: int) -> None:
        settings = {"max_epochs": max_epochs, "ctc_weight": 0.1}
        train(mtl_config(corpus, lexicon, training=settings, model={"dropout": 0.3}), tmp_path / name, progress=False)

    run("whole", 3)
    for epochs in (1, 2, 3):
        run("parts", epochs)
    one, two = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
    lexicon.write_text("bin B IH N\nblue B L OO\n")
    with pytest.raises(DataError, match=r"holds a run with another lexicon \(.*lexicon\.txt\)"):
        run("whole", 4)


@pytest.mark.slow
def test_a_run_from_before_a_setting_existed_goes_on(corpus, tmp_path):
    config = corpus_config(corpus, training={"max_epochs": 1})
    train(config, tmp_path / "run", progress=False)
    note = tmp_path / "run" / "config.yaml"
    new = ("ctc", "kind", "lexicon")
    note.write_text("".join(f"{line}\n" for line in note.read_text().splitlines() if not line.strip().startswith(new)))
    config.training.max_epochs = 2
    train(config, tmp_path / "run", progress=False)
    assert torch.load(tmp_path / "run" / LAST, weights_only=True)["epoch"] == 1


def test_the_inventory_travels_with_the_weights_and_restoring_needs_no_head(tmp_path):
    torch.manual_seed(0)
    model = BLSTMInpainter(small_config(model={"ctc": True, "video": False}), phones=PHONES)
    save_model(tmp_path / "mtl", model)
    loaded = load_model(tmp_path / "mtl", "inpainter")
    assert loaded.phones == PHONES and loaded.to_phones.weight.shape == (6, 48)
    plain = BLSTMInpainter(small_config(model={"video": False}))
    shared = {name: value for name, value in model.state_dict().items() if not name.startswith("to_phones")}
    plain.load_state_dict(shared)
    log_spectrum, lost = torch.randn(1, 50, 257), torch.arange(50)[None] > 30
    arguments = log_spectrum, torch.zeros(1, 50, 0), lost
    assert torch.equal(loaded(*arguments), plain.eval()(*arguments))
    assert Inpainter.from_pretrained(tmp_path / "mtl").model.phones == PHONES


def test_a_model_without_a_head_is_stored_as_before(tmp_path):
    save_model(tmp_path / "model", BLSTMInpainter(small_config()))
    assert set(json.loads((tmp_path / "model" / "config.json").read_text())) == {
        "format_version",
        "avsi_version",
        "about",
        "config",
    }
    assert not any("phones" in name for name in load_file(tmp_path / "model" / "model.safetensors"))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.video=true", "--set: model.video: found 'True', but a recognizer has no such setting"),
        ("model.audio=false", "--set: model.audio: found 'False', but a recognizer has no such setting"),
        (
            "model.normalise=utterance",
            "--set: model.normalise: found 'utterance', but a recognizer has no such setting",
        ),
        ("training.stoi_weight=1", "model.kind recognizer: takes training.stoi_weight 0"),
        ("model.mels=258", "model.mels: 258 must be at most 257"),
        ("model.vido=true", "--set: model.vido: no such setting, expected one of kind, layers, hidden, dropout, mels"),
    ],
)
def test_a_recogniser_hears_and_does_nothing_else(override, message):
    with pytest.raises(ConfigError) as error:
        load_config([CONF / "recognizer.yaml"], [override])
    assert str(error.value) == message


def test_of_settings_that_a_kind_does_not_have_the_last_one_counts(tmp_path):
    (tmp_path / "own.yaml").write_text("base: base.yaml\nmodel:\n  kind: recognizer\n  mask: false\n  ctc: false\n")
    (tmp_path / "base.yaml").write_text("model:\n  hidden: 20\n  mask: true\n  ctc: true\n")
    assert load_config([tmp_path / "own.yaml"]).model == RecognizerConfig(hidden=20)
    with pytest.raises(ConfigError, match=r"base\.yaml: model\.(ctc|mask): found 'True'"):
        load_config([tmp_path / "base.yaml"], ["model.kind=recognizer"])


def test_settings_from_before_the_kinds_had_their_own_are_read():
    shared = {"layers": 3, "hidden": 250, "dropout": 0.0, "normalise": "corpus", "mask": False, "ctc": False}
    recognizer = {"kind": "recognizer", "audio": True, "video": False, **shared, "mels": 24}
    inpainter = {"kind": "inpainter", "audio": True, "video": False, **shared, "mels": 24}
    assert config_from_dict({"model": recognizer}).model == RecognizerConfig(mels=24)
    assert config_from_dict({"model": inpainter}).model == InpainterConfig(video=False)
