"""Every default, as dataclasses; nothing else holds a default."""

from __future__ import annotations

from dataclasses import dataclass, field

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true", "bf16-true", "16-true", "32", "bf16", "16", "64")


@dataclass
class StftConfig:
    """Log-magnitude spectrogram of Morrone et al. (2021), section 3.1: 257 bins, 83.33 frames/s."""

    sample_rate: int = 16000
    n_fft: int = 512
    window_samples: int = 384
    hop_samples: int = 192
    log_floor: float = 1e-6

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


@dataclass
class VisualConfig:
    """What the model sees of the face. The paper: the motion of all 68 points."""

    points: str = "face"  # "face": all 68; "mouth": the 37 of jaw and lips; "articulation": measures of lips and jaw
    motion: bool = True  # difference of successive frames
    positions: bool = False  # where each point is, relative to its mean over the clip
    fps: float = 25.0  # the rate at which motion is measured, whatever the video's own
    clip_scale: float = 0.0  # divided by the clip's own deviation to this power: 1 hides how far a face moves at all
    max_lost_s: float = 0.8  # the face may be lost this long and its track is interpolated


@dataclass
class VoiceConfig:
    """Other voices for a recording, drawn by :func:`avsi.audio.voice.draw_voice_change`."""

    pitch_min_hz: float = 85.0  # of the median over a recording
    pitch_max_hz: float = 240.0
    intonation_spread: float = 0.25  # deviation of the natural log of the factor
    formant_slope: float = 0.27  # women speak 1.8 times as high as men with formants 1.17 times as high
    formant_spread: float = 0.06  # deviation of the natural log of the factor beside that


@dataclass
class GapConfig:
    """Random gaps of the paper's section 3.1: a total time, split over 1 to 8 gaps in the first 2 s."""

    total_mean_ms: float = 900.0
    total_std_ms: float = 300.0
    total_max_ms: float = 2400.0
    min_ms: float = 36.0
    min_count: int = 1
    max_count: int = 8
    region_ms: float = 2000.0


@dataclass
class AugmentConfig:
    """What is varied afresh each time an utterance is trained on, by :func:`avsi.training.augmentation.augment`; 0 is
    nothing.
    """

    tempo: float = 0.0  # sound and face are sped up or slowed down by at most this share
    contrast: float = 0.0  # the natural log of the factor by which loud and soft move apart is at most this
    noise: float = 0.0  # the share of utterances that get a noise floor
    noise_min_db: float = -80.0  # of the loudest reliable bin, the lowest floor
    noise_max_db: float = -45.0
    face_gain: float = 0.0  # deviation of the natural log of each visual feature's factor
    face_lag_ms: float = 0.0  # the face runs ahead of the sound or behind it by at most this
    face_noise: float = 0.0  # deviation of white noise, as a share of each feature's own deviation
    face_hidden: float = 0.0  # the share of utterances without a face


@dataclass
class ModelConfig:
    """Three BLSTM layers of 250 units per direction and a linear layer, as in the paper's section 2."""

    kind: str = "inpainter"  # or "recognizer": from clean sound to phones, by which restored speech is judged
    audio: bool = True
    video: bool = True
    layers: int = 3
    hidden: int = 250
    dropout: float = 0.0  # between the layers
    normalise: str = "corpus"  # by the training set's statistics; "utterance": by those of the recording's own frames
    mask: bool = False  # which frames are lost, as one more input
    ctc: bool = False  # an inpainter's second linear layer, to phones: the paper's multi-task model
    mels: int = 40  # a recogniser's log-mel bands


@dataclass
class NormaliseConfig:
    """What counts of a recording where it is normalised by itself (``model.normalise: utterance``), by
    :meth:`avsi.models.inpainter.BLSTMInpainter.normalise`. Nats are of the natural log magnitude, 8.69 dB each.
    """

    min_reliable_s: float = 0.5  # less reliable sound than this says too little: the training set's statistics count
    silence_nats: float = 0.1  # nearer to the floor of the log than this there is no sound at all
    loudest_s: float = 0.144  # how loud speech is, the softest of the loudest frames tells; of them there are so many
    pause_nats: float = 3.0  # what lies this far below it is a pause
    max_pauses_s: float = 2.0  # more of pauses does not count
    deepest_nats: float = 4.5  # deeper pauses are heard as of this depth
    min_deviation: float = 0.2  # a recording's deviation counts as at least this share of the training set's


@dataclass
class TrainingConfig:
    loss: str = "l1"  # "l1" (the released code) or "mse" (the paper's text), on the lost bins
    ctc_weight: float = 1e-3  # of the phones' loss beside that on the lost bins, where model.ctc
    stoi_weight: float = 0.0  # of the loss of short-time intelligibility beside that on the lost bins
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # decoupled from the gradient, as in AdamW
    # The model is the exponential moving average of its weights with this decay, from the first step on; 0: it is not.
    average: float = 0.0
    init: str = ""  # a trained model to start from, its statistics too; empty: random weights
    clip_norm: float = 0.0  # gradients of a larger norm are scaled down to this one; 0: none are
    batch_size: int = 8
    epoch_utterances: int = 0  # an epoch's length; 0: each utterance once
    balance: float = 1.0  # speakers are drawn by their share to this power: 1 as they come, 0 each as often
    max_epochs: int = 50
    patience: int = 5  # epochs without improvement before training stops
    keep: str = "best"  # the epoch of the lowest validation loss, or "last": where no speaker judged may choose it
    lr_patience: int = 0  # epochs without improvement before the learning rate is halved; 0: never
    seed: int = 0
    # "auto": bf16 where the device computes in it, else full precision; or what Lightning calls a precision.
    precision: str = "auto"
    accelerator: str = "auto"
    devices: str = "auto"
    workers: int = 0  # processes that load data; 0: the training process itself
    # Without workers: keep every utterance's features in memory, 0.3 MB a clip of 3 s; copies in other voices count.
    cache: bool = True


@dataclass
class DataConfig:
    train: str = "data/train"
    valid: str = "data/valid"
    stats: str = "data/train/stats.npz"
    lexicon: str = "data/lexicon.txt"  # read where phones are needed
    train_gaps: str = ""  # a gap file; empty: gaps are drawn afresh each epoch
    valid_gaps: str = "data/valid/gaps_random"


@dataclass
class Config:
    stft: StftConfig = field(default_factory=StftConfig)
    visual: VisualConfig = field(default_factory=VisualConfig)
    voices: VoiceConfig = field(default_factory=VoiceConfig)
    gaps: GapConfig = field(default_factory=GapConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    normalise: NormaliseConfig = field(default_factory=NormaliseConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    data: DataConfig = field(default_factory=DataConfig)
