"""Phone error rate: the phones that a recogniser finds in restored or clean speech, against the phones said.

python -m evaluation.recognize exp/evaluation --recognizer exp/recognizer

Where the phones have times (data_prep.align), the rate of those inside the gaps is counted too.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import torch
import typer

from avsi.audio.stft import log_magnitude, spectrum
from avsi.cluster import OnCluster
from avsi.data.datadir import Timed, Utterance
from avsi.data.gaps import Gap
from avsi.data.phones import Lexicon
from avsi.errors import DataError
from avsi.files import digest
from avsi.metrics.phone_errors import align
from avsi.metrics.registry import PER, PER_IN_GAPS
from avsi.models.store import LEXICON, WEIGHTS, find_model, load_model
from avsi.program import run_program

from .folder.layout import PHONES
from .recognizers.recognition import Folders, Jobs, Recognition, Recognizer, recognize_folders

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Folders,
    recognizer: Annotated[Path, typer.Option(help="The folder of a trained recogniser (model.kind: recognizer).")],
    lexicon: Annotated[
        Path | None,
        typer.Option(help="The pronunciations of the words of the sets; by default those that the recogniser learnt."),
    ] = None,
    beam: Annotated[int, typer.Option(min=1, help="Label sequences that the search keeps.")] = 20,
    jobs: Jobs = 2,
    cluster: OnCluster = None,
) -> None:
    """Write phones.jsonl for the clean speech and for each system and condition: a row an utterance. Complete results
    of the same recogniser stay.
    """
    load_model(recognizer, "recognizer")  # one that cannot be loaded is refused before any work
    lexicon = lexicon or find_model(recognizer) / LEXICON
    known = Lexicon.read(lexicon)
    state = f"{digest(find_model(recognizer) / WEIGHTS)}, lexicon {digest(lexicon)}, beam {beam}, in gaps too"
    load = (load_recognizer, recognizer, beam)
    recognition = Recognition(PHONES, PER.name, state, load, lambda *of: score_phones(known, *of), [PER.name])
    header = ["PER", "substituted", "deleted", "inserted", "of phones", "utterances", "not scored"]
    recognize_folders(folders, recognition, jobs, f"phone errors, by {recognizer}, beam {beam}", header, phone_totals)


def load_recognizer(folder: Path, beam: int) -> tuple[Recognizer, int]:
    """(a function from samples to phones, their rate in Hz)."""
    torch.set_num_threads(1)
    model = load_model(folder, "recognizer")
    stft = model.config.stft
    return lambda samples: model.recognize(
        log_magnitude(spectrum(torch.from_numpy(samples), stft), stft), beam
    ), stft.sample_rate


def score_phones(lexicon: Lexicon, utterance: Utterance, hypothesis: list[str], gaps: list[Gap]) -> dict:
    """The values of a row. Raises DataError for an utterance whose words have no phones."""
    reference = lexicon.transcribe(utterance)
    if not reference:
        raise DataError(f"{utterance.id}: its words have no phones in the lexicon {lexicon.path}")
    found = align(reference, hypothesis)
    return {
        "reference": " ".join(reference),
        "hypothesis": " ".join(hypothesis),
        PER.name: found.errors / len(reference),
        "phones": len(reference),
        "substitutions": found.substitutions,
        "deletions": found.deletions,
        "insertions": found.insertions,
        **_in_gaps(utterance.phones, hypothesis, gaps),
    }


def _in_gaps(phones: Sequence[Timed], hypothesis: list[str], gaps: list[Gap]) -> dict:
    """The error rate of the phones whose middles lie in a gap; an insertion counts beside one of those. Nothing where
    no phone does, or none has a time.
    """
    found = align([label for _, _, label in phones], hypothesis)
    middles_s = [start_s + length_s / 2 for start_s, length_s, _ in phones]
    lost = [any(gap.start_s <= middle_s < gap.end_s for gap in gaps) for middle_s in middles_s]
    errors = passed = 0
    for said, heard in found.pairs:
        around = lost[passed : passed + 1] if said else lost[max(passed - 1, 0) : passed + 1]
        errors += said != heard and any(around)
        passed += said is not None
    return {PER_IN_GAPS.name: errors / sum(lost), PER_IN_GAPS.weight: sum(lost)} if any(lost) else {}


def phone_totals(rows: list[dict]) -> list[object]:
    """(PER, substitutions, deletions, insertions, phones, utterances, of them not scored); each phone counts alike."""
    scored = [row for row in rows if row[PER.name] is not None]
    errors = [sum(row[kind] for row in scored) for kind in ("substitutions", "deletions", "insertions")]
    phones = sum(row["phones"] for row in scored)
    per = f"{sum(errors) / phones:.3f}" if phones else "-"
    return [per, *errors, phones, len(rows), len(rows) - len(scored)]


if __name__ == "__main__":
    run_program(app)
