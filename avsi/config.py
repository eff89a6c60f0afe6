"""Every setting with its default and its bounds, as dataclasses; nothing else holds a default."""

from dataclasses import dataclass, field
from typing import Any

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "64-true", "bf16-true", "16-true", "32", "bf16", "16", "64")
LONGEST_MS = 1e9  # no gap is drawn over longer times: 11 days


def bounded(default: float, **bounds: object) -> Any:
    """A number with bounds of its own; one without is at least 0.

    Args:
        bounds: ``at_least``, ``at_most``, ``below``, ``share`` (at most) or ``within`` (lowest, highest, a note): each
            a value, or a function of the whole :class:`Config` where it depends on other settings.
    """
    return field(default=default, metadata=bounds)


def one_of(default: str, *others: str) -> Any:
    """A text out of a few."""
    return field(default=default, metadata={"one_of": (default, *others)})


@dataclass
class StftConfig:
    """Log-magnitude spectrogram of Morrone et al. (2021), section 3.1: 257 bins, 83.33 frames/s."""

    sample_rate: int = bounded(16000, within=(1000, 384000))
    n_fft: int = bounded(512, within=(4, 65536))
    window_samples: int = bounded(384, within=lambda c: (3, c.stft.n_fft, " (stft.n_fft)"))
    # A Hann window begins with 0: longer hops leave samples that no window covers.
    hop_samples: int = bounded(192, within=lambda c: (1, c.stft.window_samples - 2, " (2 below stft.window_samples)"))
    log_floor: float = bounded(1e-6, within=(1e-30, 1))  # in float32, which the logarithm is taken in

    @property
    def n_bins(self) -> int:
        return self.n_fft // 2 + 1


@dataclass
class VisualConfig:
    """What the model sees of the face. The paper: the motion of all 68 points."""

    # "face": all 68; "mouth": the 37 of jaw and lips; "articulation": measures of lips and jaw
    points: str = one_of("face", "mouth", "articulation")
    motion: bool = True  # difference of successive frames
    positions: bool = False  # where each point is, relative to its mean over the clip
    fps: float = bounded(25.0, at_least=1, at_most=1000)  # at which motion is measured, whatever the video's own
    clip_scale: float = 0.0  # divided by the clip's own deviation to this power: 1 hides how far a face moves at all
    max_lost_s: float = 0.8  # the face may be lost this long and its track is interpolated


@dataclass
class VoiceConfig:
    """Other voices for a recording, drawn by :func:`avsi.audio.voice_change.draw_voice_change`."""

    pitch_min_hz: float = bounded(85.0, at_least=40)  # of the median over a recording
    pitch_max_hz: float = bounded(240.0, at_least=lambda c: c.voices.pitch_min_hz)
    intonation_spread: float = 0.25  # deviation of the natural log of the factor
    formant_slope: float = 0.27  # women speak 1.8 times as high as men with formants 1.17 times as high
    formant_spread: float = 0.06  # deviation of the natural log of the factor beside that


@dataclass
class GapConfig:
    """Random gaps of the paper's section 3.1: a total time, split over 1 to 8 gaps in the first 2 s."""

    total_mean_ms: float = 900.0
    total_std_ms: float = bounded(300.0, at_least=0, at_most=LONGEST_MS)
    total_max_ms: float = bounded(2400.0, at_least=lambda c: c.gaps.max_count * c.gaps.min_ms, at_most=LONGEST_MS)
    min_ms: float = bounded(36.0, at_least=1)
    min_count: int = bounded(1, at_least=1)
    max_count: int = bounded(8, at_least=lambda c: c.gaps.min_count)
    region_ms: float = bounded(2000.0, at_least=lambda c: c.gaps.min_ms, at_most=LONGEST_MS)
    from_end: float = bounded(
        0.0, at_least=0, share=1
    )  # the share of recordings that lose a half to nearly all, in one gap
    in_speech: float = bounded(0.0, at_least=0, share=1)  # gaps are drawn anew, ten times, until this share is speech
    partial: float = bounded(0.0, at_least=0, share=1)  # the share of gaps in which some bins are reliable


@dataclass
class AugmentConfig:
    """What is varied afresh each time an utterance is trained on, by :func:`avsi.training.augmentation.augment`; 0 is
    nothing.
    """

    tempo: float = bounded(0.0, at_least=0, below=1)  # sound and face are sped up or slowed down by at most this share
    contrast: float = 0.0  # the natural log of the factor by which loud and soft move apart is at most this
    noise: float = bounded(0.0, at_least=0, share=1)  # the share of utterances that get a noise floor
    noise_min_db: float = bounded(-80.0, at_least=-200)  # of the loudest reliable bin, the lowest floor
    noise_max_db: float = bounded(-45.0, at_least=lambda c: c.augment.noise_min_db)
    filter_nats: float = 0.0  # deviation, over the bins, of the natural log gain of a smooth random filter
    # A speaker encoder's speakers become others, who speak faster and higher or slower and lower by at most this share.
    speaker_speed: float = bounded(0.0, at_least=0, below=1)
    face_gain: float = 0.0  # deviation of the natural log of each visual feature's factor
    face_lag_ms: float = 0.0  # the face runs ahead of the sound or behind it by at most this
    face_noise: float = 0.0  # deviation of white noise, as a share of each feature's own deviation
    face_hidden: float = bounded(0.0, at_least=0, share=1)  # the share of utterances without a face
    text_hidden: float = bounded(0.0, at_least=0, share=1)  # the share of utterances whose words are not known
    text_lost_alone: float = bounded(0.0, at_least=0, share=1)  # of which only what is said in the gaps is known
    text_usual: float = bounded(
        0.0, at_least=0, share=1
    )  # of the others, the share whose lost phones have usual lengths
    text_jitter_ms: float = 0.0  # deviation of the errors of boundaries between phones that are lost
    voice_hidden: float = bounded(0.0, at_least=0, share=1)  # the share of utterances whose voice is not known


@dataclass
class ModelConfig:
    """What every kind of model has: layers, by default the BLSTM layers of the paper's section 2, and a linear one."""

    kind: str
    layers: int = bounded(3, at_least=1, at_most=100)
    hidden: int = bounded(250, at_least=1, at_most=10000)  # a direction; the weights of 10000 take 3 GB a layer
    dropout: float = bounded(0.0, at_least=0, below=1)  # between the layers
    restores = False  # a model of this kind predicts lost frames
    refines = False  # it makes of such predictions better ones
    # What an inpainter's settings amount to in a model of another kind. They are no settings there: a config file may
    # repeat these values, and no others.
    audio, video, text, normalise, mask, ctc, gate = True, False, False, "corpus", False, False, False
    text_scale, pitch, voice, voice_values = 1.0, False, False, 0


@dataclass
class InpainterConfig(ModelConfig):
    """From the reliable log spectrum, the face and what is said, or some of these, to the lost log spectrum."""

    kind: str = "inpainter"
    audio: bool = True
    video: bool = True
    text: bool = False  # which phone is said in each frame, as far as that is known
    # These inputs are so large. A model trained without them has no weights for them: the larger they are, the sooner
    # it has.
    text_scale: float = 4.0
    # By the training set's statistics; "utterance": by those of the recording's own frames.
    normalise: str = one_of("corpus", "utterance")
    mask: bool = False  # which frames are lost, as one more input
    ctc: bool = False  # a second linear layer, to phones: the paper's multi-task model
    gate: bool = False  # a linear layer that says, bin by bin, how far the interpolated spectrum is to be believed
    voice: bool = False  # whose voice is heard, by a vector of a speaker encoder, as far as that is known
    voice_values: int = bounded(192, at_least=1, at_most=10000)  # of such a vector; only where ``voice``
    restores = True


@dataclass
class PainterConfig(ModelConfig):
    """As an inpainter, by a Perceiver IO (Jaegle et al., 2021) that is told what is said without any times."""

    kind: str = "painter"
    layers: int = bounded(4, at_least=1, at_most=100)  # of self-attention between the latents
    hidden: int = bounded(192, at_least=1, at_most=10000)  # values of a token, of a latent and of a query
    heads: int = bounded(4, at_least=1, at_most=lambda c: c.model.hidden)  # must divide ``hidden``
    latents: int = bounded(64, at_least=1, at_most=10000)
    patch_frames: int = bounded(4, at_least=1, at_most=1000)  # of the spectrum and of the face
    patch_bins: int = bounded(65, at_least=1, at_most=lambda c: c.stft.n_bins)
    audio: bool = True
    video: bool = True
    text: bool = False  # which phones are said, in their order
    normalise: str = one_of("corpus", "utterance")
    gate: bool = True
    mask, restores = True, True  # lost patches are no input at all


@dataclass
class RecognizerConfig(ModelConfig):
    """From clean sound to phones, by which restored speech is judged."""

    kind: str = "recognizer"
    mels: int = bounded(40, at_least=1, at_most=lambda c: c.stft.n_bins)  # log-mel bands


@dataclass
class AlignerConfig(ModelConfig):
    """From the reliable log spectrum, the face or both to the phone of each frame."""

    kind: str = "aligner"
    audio: bool = True
    video: bool = True
    normalise: str = one_of("utterance", "corpus")
    mask: bool = True


@dataclass
class DurationsConfig(ModelConfig):
    """From the phones of an utterance, and the lengths of some, to the lengths of the others."""

    kind: str = "durations"
    layers: int = bounded(2, at_least=1, at_most=100)
    hidden: int = bounded(64, at_least=1, at_most=10000)
    audio, text = False, True


@dataclass
class RefinerConfig(ModelConfig):
    """From a restored log spectrum, which is smooth, to one that is as sharp as that of recorded speech."""

    kind: str = "refiner"
    layers: int = bounded(6, at_least=1, at_most=100)  # blocks of convolutions over time
    hidden: int = bounded(256, at_least=1, at_most=10000)  # channels
    # The texture of noise is added above the first of these only, since lower down it makes a voice hoarse; before
    # training, all of it above the second.
    noise_from_hz: float = 800.0
    noise_to_hz: float = bounded(2500.0, at_least=lambda c: c.model.noise_from_hz + 1)
    normalise: str = one_of("utterance", "corpus")
    pitch: bool = False  # the harmonics of a voice of the pitch that is heard around the gap, as a texture of their own
    voice: bool = False  # whose voice is heard, as of an inpainter
    voice_values: int = bounded(192, at_least=1, at_most=10000)  # only where ``voice``
    mask, refines = True, True


@dataclass
class CorrectorConfig(ModelConfig):
    """From a restored log spectrum, and what is reliable in its gaps after all, to one that fits that."""

    kind: str = "corrector"
    layers: int = bounded(4, at_least=1, at_most=100)  # blocks of convolutions over time
    hidden: int = bounded(192, at_least=1, at_most=10000)  # channels
    normalise: str = one_of("utterance", "corpus")
    mask, refines = True, True


@dataclass
class SpeakerEncoderConfig(ModelConfig):
    """From clean sound to a vector that says whose voice it is."""

    kind: str = "speaker_encoder"
    layers: int = bounded(5, at_least=1, at_most=100)  # of dilated convolutions
    hidden: int = bounded(192, at_least=1, at_most=10000)
    mels: int = bounded(56, at_least=1, at_most=lambda c: c.stft.n_bins)  # log-mel bands
    values: int = bounded(192, at_least=2, at_most=10000)  # of the vector
    window_s: float = bounded(1.6, at_least=0.1, at_most=60)  # of speech without pauses, for one vector
    # Two voices at least so alike (cosine) are one person's: where both errors are equally frequent on a development
    # set, which ``python -m evaluation.speakers --keep-threshold`` finds.
    threshold: float = bounded(0.5, at_least=0, at_most=1)


@dataclass
class TaggerConfig(ModelConfig):
    """From sound, and the face where it is seen, to how likely each frame is damaged, by kind."""

    kind: str = "tagger"
    layers: int = bounded(7, at_least=1, at_most=100)  # of dilated convolutions
    hidden: int = bounded(96, at_least=1, at_most=10000)
    mels: int = bounded(40, at_least=1, at_most=lambda c: c.stft.n_bins)  # log-mel bands
    audio: bool = True
    video: bool = True
    # From these probabilities on there is damage, chosen on a development set.
    silence_threshold: float = bounded(0.5, at_least=0, at_most=1)
    level_threshold: float = bounded(0.5, at_least=0, at_most=1)
    noise_threshold: float = bounded(0.5, at_least=0, at_most=1)
    burst_threshold: float = bounded(0.5, at_least=0, at_most=1)
    tone_threshold: float = bounded(0.5, at_least=0, at_most=1)
    click_threshold: float = bounded(0.5, at_least=0, at_most=1)


# By kind.
MODELS = {
    "inpainter": InpainterConfig,
    "recognizer": RecognizerConfig,
    "aligner": AlignerConfig,
    "durations": DurationsConfig,
    "painter": PainterConfig,
    "refiner": RefinerConfig,
    "corrector": CorrectorConfig,
    "speaker_encoder": SpeakerEncoderConfig,
    "tagger": TaggerConfig,
}


@dataclass
class NormaliseConfig:
    """What counts of a recording where it is normalised by itself (``model.normalise: utterance``), by
    :meth:`avsi.models.normalised.NormalisedModel.normalise`. Nats are of the natural log magnitude, 8.69 dB each.
    """

    min_reliable_s: float = 0.5  # less reliable sound than this says too little: the training set's statistics count
    silence_nats: float = 0.1  # nearer to the floor of the log than this there is no sound at all
    loudest_s: float = 0.144  # the level of speech is that of the softest of its loudest frames, which last this long
    pause_nats: float = 3.0  # a frame this far below that level is a pause
    max_pauses_s: float = 2.0  # longer pauses weigh as this much in the mean
    deepest_nats: float = 4.5  # deeper pauses are lifted to this depth
    min_deviation: float = 0.2  # a recording's deviation counts as at least this share of the training set's


@dataclass
class TrainingConfig:
    loss: str = one_of("l1", "mse")  # "l1" (the released code) or "mse" (the paper's text), on the lost bins
    ctc_weight: float = 1e-3  # of the phones' loss beside that on the lost bins, where model.ctc
    stoi_weight: float = 0.0  # of the loss of short-time intelligibility beside that on the lost bins
    adversarial: float = 0.0  # of the loss of being told from true sound by a discriminator; above 0 there is one
    feature_matching: float = 0.0  # of the distance from true sound in the discriminator's layers; above 0 there is one
    restorer: str = ""  # a trained model, of whose predictions a refiner learns to make better ones
    learning_rate: float = 1e-3
    weight_decay: float = 0.0  # decoupled from the gradient, as in AdamW
    # The model is the exponential moving average of its weights with this decay, from the first step on; 0: it is not.
    average: float = bounded(0.0, at_least=0, below=1)
    init: str = ""  # a trained model to start from, its statistics too; empty: random weights
    clip_norm: float = 0.0  # gradients of a larger norm are scaled down to this one; 0: none are
    # Utterances of one step, in each process. A run that goes on in fewer processes gives each of them more.
    batch_size: int = bounded(8, at_least=1)
    # The utterances of so many steps are sorted by length, so that those of a batch are about as long; 1: as drawn.
    sort_steps: int = bounded(1, at_least=1)
    speaker_windows: int = bounded(4, at_least=2)  # of each speaker in a speaker encoder's batch
    epoch_utterances: int = 0  # an epoch's length; 0: each utterance once
    balance: float = 1.0  # speakers are drawn by their share to this power: 1 as they come, 0 each as often
    filmed: float = bounded(0.0, at_least=0, share=1)  # the share of an epoch that has a video; 0: as they come
    max_epochs: int = bounded(50, at_least=1)
    patience: int = bounded(5, at_least=1)  # epochs without improvement before training stops
    # The epoch of the lowest validation loss, or "last": where no speaker judged may choose it.
    keep: str = one_of("best", "last")
    lr_patience: int = 0  # epochs without improvement before the learning rate is halved; 0: never
    seed: int = bounded(0, at_least=-(2**63))
    # "auto": bf16 where the device computes in it, else full precision; or what Lightning calls a precision.
    precision: str = one_of(*PRECISIONS)
    accelerator: str = "auto"
    devices: str = (
        "auto"  # how many on each host, with a process for each; "auto": all, or what torchrun or Slurm started
    )
    workers: int = 0  # processes that load data; 0: the training process itself
    # Where features are kept, so that they are computed once: 0.3 MB a clip of 3 s; copies in other voices count.
    # "disk": in files that all processes and runs share, in $AVSI_CACHE, else ~/.cache/avsi; "memory": in that of each
    # training process, without workers; "none": nowhere. "auto": in memory where they fit, else on disk.
    cache: str = one_of("auto", "disk", "memory", "none")
    cache_memory_gb: float = 4.0  # "auto" keeps no more in memory, in all processes of a host together
    cache_disk_gb: float = 50.0  # the files of all runs together take no more
    half_features: bool = False  # spectra and faces are rounded to half precision and take half the room

    @property
    def is_adversarial(self) -> bool:
        return bool(self.adversarial or self.feature_matching)


@dataclass
class AdaptConfig:
    """How a trained model is adapted to a speaker's own recordings, by :mod:`avsi.training.adaptation`."""

    steps: int = bounded(120, at_least=1)
    learning_rate: float = 3e-4
    pull: float = 0.0  # how strongly the weights are drawn back to those they start from: of their squared distance
    batch_size: int = bounded(8, at_least=1)
    min_speech_s: float = 20.0  # less speech than this, without pauses, is refused
    # The longest reliable sound that is learned from, that nearest to the gaps: it bounds memory and time.
    max_sound_s: float = bounded(300.0, at_least=lambda c: c.adapt.min_speech_s)
    held_out: float = bounded(0.2, at_least=0.01, at_most=0.9)  # the share that only tells whether it became better
    seed: int = bounded(0, at_least=-(2**63))


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
    model: ModelConfig = field(default_factory=InpainterConfig)  # or another of MODELS, by ``model.kind``
    normalise: NormaliseConfig = field(default_factory=NormaliseConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    adapt: AdaptConfig = field(default_factory=AdaptConfig)
    data: DataConfig = field(default_factory=DataConfig)
