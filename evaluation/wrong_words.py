"""Of how many wrong words in a transcript an aligner says that they do not fit, where the sound is lost and the face is
seen.

python -m evaluation.wrong_words data/test --gaps data/test/gaps_800ms --lexicon data/lexicon.txt --out exp/wrong_words
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
from avsi.restoring.aligning import LEAST_FIT, load_aligner
from avsi.rng import generator
from avsi.timebase import to_samples
from avsi.words.aligner import align_frames, fit_of_words

from .statistics.intervals import Bootstrap
from .systems.knowledge import word_deepest_in_gaps

FALSE_ALARMS = 0.05
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A set of films whose words have known times.")],
    gaps: Annotated[Path, typer.Option(help="Its gap file.")],
    lexicon: Annotated[Path, typer.Option(help="How each word is said, as data_prep.lexicon writes it.")],
    out: Annotated[Path, typer.Option(help="The folder for how well each word fits, and summary.json.")],
    model: Annotated[str, typer.Option(help="A model that aligns: a pretrained one, or a folder.")] = ALIGNER,
    seed: Annotated[int, typer.Option(help="By which the wrong words are drawn.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """In each utterance take the word that lies deepest in a gap, and replace it by another that the set has in that
    place of a sentence. A word is told where it fits worse than a limit: that of `avsi align`, and that which one in
    twenty right words would not reach.
    """
    utterances, known, gaps_of = read_datadir(datadir), Lexicon.read(lexicon), read_gap_file(gaps)
    aligner = load_aligner(model, "cpu")
    check_gaps_cover(gaps_of, utterances, gaps)
    check_gaps_fit(gaps_of, utterances, gaps, aligner.config.stft.sample_rate)
    check_folder(out)
    for utterance in utterances:
        known.in_words(utterance)
        if not utterance.words_have_times or not utterance.landmarks:
            raise DataError(f"{datadir}: {utterance.id} has no times of its words (align), or no landmarks")
    chosen = [(u, *_wrong_word(u, gaps_of[u.id], utterances, seed)) for u in utterances]
    chosen = [each for each in chosen if each[2] is not None]
    if not chosen:
        raise DataError(f"{datadir}: no word of its sentences could be another one of the set")
    tasks = [(_fits, u, gaps_of[u.id], place, wrong, str(lexicon), model) for u, place, wrong in chosen]
    fits = np.array(list(progress(in_parallel(jobs, tasks), len(tasks), "aligning")))
    known_of = np.isfinite(fits).all(axis=1)
    if not known_of.any():
        raise DataError(f"{datadir}: of no word in a gap the lips are seen")
    unseen = [utterance.id for (utterance, *_), known_ in zip(chosen, known_of, strict=True) if not known_]
    chosen, fits = [each for each, known_ in zip(chosen, known_of, strict=True) if known_], fits[known_of]
    bootstrap = Bootstrap([utterance.speaker for utterance, *_ in chosen])
    table, summary = [], {}
    for name, limit in (("avsi align", LEAST_FIT), ("one in twenty", np.quantile(fits[:, 0], FALSE_ALARMS))):
        alarms, hits = bootstrap.estimates(((column < limit).astype(float), None) for column in fits.T)
        summary[name] = {"limit": float(limit)} | {
            what: [round(value, 3) for value in (each.mean, each.low, each.high)]
            for what, each in (("right_words_told", alarms), ("wrong_words_told", hits))
        }
        told = [f"{each.mean:.2f} [{each.low:.2f}, {each.high:.2f}]" for each in (alarms, hits)]
        table.append([name, f"{limit:.2f}", *told])
    out.mkdir(parents=True, exist_ok=True)
    rows = [
        {"id": u.id, "word": u.words[place], "wrong": wrong, "fit": right_fit, "wrong_fit": wrong_fit}
        for (u, place, wrong), (right_fit, wrong_fit) in zip(chosen, fits.tolist(), strict=True)
    ]
    write_text(out / "fits.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
    about = {"set": f"{corpus_of(datadir)}, {split_of(datadir)}", "gaps": gaps.name, "seed": seed}
    about |= {"model": digest(find_model(model) / WEIGHTS), "utterances": len(chosen), "unseen": unseen}
    write_text(out / "summary.json", json.dumps(about | {"limits": summary}, indent=2) + "\n")
    left = f", {len(unseen)} left out, since nothing is seen or heard of them" if unseen else ""
    title = f"{len(chosen)} wrong words of {datadir}{left}"
    print_table(title, ["limit of", "fit", "right words told of", "wrong words told of"], table)


def _wrong_word(
    utterance: Utterance, gaps: list[Gap], utterances: list[Utterance], seed: int
) -> tuple[int, str | None]:
    """The place of the word deepest in a gap, and another word; None where the set has none for that place."""
    place = word_deepest_in_gaps(utterance, gaps)
    others = {u.words[place] for u in utterances if len(u.words) > place} - {utterance.words[place]}
    if not others:
        return place, None
    return place, sorted(others)[int(generator(seed, "wrong word", utterance.id).integers(len(others)))]


def _fits(
    utterance: Utterance, gaps: list[Gap], place: int, wrong: str, lexicon: str, model: str
) -> tuple[float, float]:
    """How well the right and the wrong word fit; NaN where nothing is seen or heard of one."""
    aligner, words = once(load_aligner, model, "cpu"), once(Lexicon.read, lexicon)
    stft = aligner.config.stft
    features = load_features(utterance, aligner.config)
    n_samples = to_samples(utterance.duration_s, stft.sample_rate)
    n_frames = len(features.log_spectrum)
    lost = torch.from_numpy(lost_frames(gap_spans(gaps, n_samples, stft.sample_rate), n_frames, stft))
    evidence = ~lost | ~features.visual.isnan().all(dim=1)
    said = words.in_words(utterance)
    fits = []
    for phones in (said[place], words.pronunciations[wrong]):
        sentence = [[each] for each in (*said[:place], phones, *said[place + 1 :])]
        aligned = align_frames(aligner, features.log_spectrum, features.visual, lost, sentence)
        fits.append(fit_of_words(aligned, evidence).get(place, math.nan))
    return fits[0], fits[1]


if __name__ == "__main__":
    run_program(app)
