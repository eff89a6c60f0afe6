"""How far the word boundaries that an aligner finds lie from known ones, outside gaps and inside, with a face and
without.

python -m evaluation.align data/test --gaps data/test/gaps_800ms --lexicon data/lexicon.txt --out exp/align
"""

import json
import math
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance, corpus_of, read_datadir, split_of
from avsi.data.features import load_features
from avsi.data.gap_files import check_gaps_cover, check_gaps_fit, read_gap_file
from avsi.data.gaps import Gap, gap_spans, lost_frames
from avsi.data.phones import Lexicon
from avsi.errors import DataError
from avsi.files import digest, write_text
from avsi.folders import check_folder
from avsi.models.store import WEIGHTS, find_model
from avsi.pretrained import ALIGNER
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.restoring.aligning import load_aligner
from avsi.timebase import to_samples
from avsi.words.aligner import align_frames

from .statistics.intervals import Bootstrap, Estimate

WHOLE, OUTSIDE, INSIDE, BLIND = (
    "no gaps",
    "outside gaps, without a face",
    "inside, with the face",
    "inside, without a face",
)
NEAR_MS = 50.0
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A set whose words have known times.")],
    gaps: Annotated[Path, typer.Option(help="Its gap file.")],
    lexicon: Annotated[Path, typer.Option(help="How each word is said, as data_prep.lexicon writes it.")],
    out: Annotated[
        Path, typer.Option(help="The folder for the errors, boundaries.jsonl, and the table, summary.json.")
    ],
    model: Annotated[str, typer.Option(help="A model that aligns: a pretrained one, or a folder.")] = ALIGNER,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Measure the errors of word boundaries in ms: the mean of each utterance, over all of them, with 95 % intervals
    (bootstrap over speakers and utterances).
    """
    utterances, known, gaps_of = read_datadir(datadir), Lexicon.read(lexicon), read_gap_file(gaps)
    aligner = load_aligner(model, "cpu")
    check_gaps_cover(gaps_of, utterances, gaps)
    check_gaps_fit(gaps_of, utterances, gaps, aligner.config.stft.sample_rate)
    check_folder(out)
    for utterance in utterances:
        known.in_words(utterance)
        if not utterance.words_have_times:
            raise DataError(f"{datadir}: {utterance.id} has no times of its words (align)")
    tasks = [(_errors, utterance, gaps_of[utterance.id], str(lexicon), model) for utterance in utterances]
    rows = list(progress(in_parallel(jobs, tasks), len(tasks), "aligning"))
    bootstrap = Bootstrap([utterance.speaker for utterance in utterances])
    table, summary = [], {}
    for where in (WHOLE, OUTSIDE, INSIDE, BLIND):
        errors = [row[where] for row in rows]
        means = np.array([np.mean(np.abs(each)) if each else np.nan for each in errors])
        if not np.isfinite(means).any():
            continue
        counts = np.array([len(each) for each in errors], float)
        near = np.array([np.mean(np.abs(each) < NEAR_MS) if each else np.nan for each in errors])
        mean, share = bootstrap.estimates([(means, counts), (near, counts)])
        bias = np.concatenate(errors).mean()
        summary[where] = {"boundaries": int(counts.sum()), "mean_ms": _numbers(mean), "near": _numbers(share)}
        table.append([where, int(counts.sum()), _told(mean, ".1f"), f"{bias:+.1f}", _told(share, ".2f")])
    out.mkdir(parents=True, exist_ok=True)
    ids = (utterance.id for utterance in utterances)
    write_text(
        out / "boundaries.jsonl", "".join(f"{json.dumps({'id': i} | r)}\n" for i, r in zip(ids, rows, strict=True))
    )
    about = {"set": f"{corpus_of(datadir)}, {split_of(datadir)}", "gaps": gaps.name, "model": _digest(model)}
    write_text(out / "summary.json", json.dumps(about | {"errors": summary}, indent=2) + "\n")
    near_name = f"within {NEAR_MS:g} ms"
    print_table(f"word boundaries of {datadir}", ["", "boundaries", "mean error, ms", "mean, signed", near_name], table)


def _errors(utterance: Utterance, gaps: list[Gap], lexicon: str, model: str) -> dict[str, list[float]]:
    """The errors of each boundary of one utterance in ms, later ones positive, by where they lie."""
    aligner, words = once(load_aligner, model, "cpu"), once(Lexicon.read, lexicon)
    stft = aligner.config.stft
    features = load_features(utterance, aligner.config)
    log_spectrum, visual = features.log_spectrum, features.visual
    n_samples = to_samples(utterance.duration_s, stft.sample_rate)
    lost = torch.from_numpy(lost_frames(gap_spans(gaps, n_samples, stft.sample_rate), len(log_spectrum), stft))
    said = [[phones] for phones in words.in_words(utterance)]
    truth = [(start_s, start_s + length_s) for start_s, length_s, _ in utterance.alignment]
    rows: dict[str, list[float]] = {WHOLE: [], OUTSIDE: [], INSIDE: [], BLIND: []}
    unseen = torch.full_like(visual, math.nan)
    for is_damaged, face, inside_name in ((False, visual, ""), (True, visual, INSIDE), (True, unseen, BLIND)):
        if inside_name == INSIDE and not utterance.landmarks:
            continue
        hidden = lost if is_damaged else torch.zeros_like(lost)
        aligned = align_frames(aligner, log_spectrum, face, hidden, said)
        for number, times in enumerate(truth):
            own = [each for each in aligned.segments if each.word == number]
            for true_s, frame in zip(times, (own[0].start, own[-1].stop), strict=True):
                inside = is_damaged and any(gap.start_s < true_s < gap.end_s for gap in gaps)
                if is_damaged and not inside and inside_name == INSIDE:
                    continue
                where = (inside_name if inside else OUTSIDE) if is_damaged else WHOLE
                rows[where].append(1000 * (frame * stft.hop_samples / stft.sample_rate - true_s))
    return rows


def _digest(model: str) -> str:
    return digest(find_model(model) / WEIGHTS)


def _numbers(estimate: Estimate) -> list[float]:
    return [round(value, 3) for value in (estimate.mean, estimate.low, estimate.high)]


def _told(estimate: Estimate, form: str) -> str:
    if math.isnan(estimate.low):
        return f"{estimate.mean:{form}}"
    return f"{estimate.mean:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"


if __name__ == "__main__":
    run_program(app)
