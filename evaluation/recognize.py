"""Phone error rate: what a recogniser hears in restored or clean speech, against what was said.

python -m evaluation.recognize exp/evaluation --recognizer exp/recognizer
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer

from avsi.audio.stft import log_magnitude, spectrum
from avsi.data.phones import Lexicon
from avsi.errors import AvsiError, DataError
from avsi.files import digest
from avsi.media.sound_reading import read_mono
from avsi.metrics.phone_errors import align
from avsi.models.store import LEXICON, WEIGHTS, find_model, load_model
from avsi.program import print_table, run_program

from .folder.layout import PHONES
from .folder.rows import merged_rows, write_rows
from .listeners.recognition_sets import (
    RecognitionSet,
    all_locked,
    evaluations_in,
    recognition_sets,
    recognize_in_parallel,
)

app = typer.Typer(add_completion=False)


@app.command()
def main(
    folders: Annotated[
        list[Path],
        typer.Argument(help="Evaluations that evaluation.restore wrote, and data directories: clean speech."),
    ],
    recognizer: Annotated[Path, typer.Option(help="The folder of a trained recogniser (model.kind: recognizer).")],
    lexicon: Annotated[
        Path | None, typer.Option(help="How the words of the sets are pronounced; as the recogniser learnt by default.")
    ] = None,
    beam: Annotated[int, typer.Option(min=1, help="Label sequences that the search keeps.")] = 20,
    jobs: Annotated[int, typer.Option(min=1, help="Processes to recognise with.")] = 2,
) -> None:
    """Write phones.jsonl for the clean speech and for each system and condition: a row an utterance. What the same
    recogniser has heard whole stays.
    """
    load_model(recognizer, "recognizer")  # one that cannot be loaded is refused before any work
    lexicon = lexicon or find_model(recognizer) / LEXICON
    known = Lexicon.read(lexicon)
    judge = f"{digest(find_model(recognizer) / WEIGHTS)}, lexicon {digest(lexicon)}, beam {beam}"
    table = []
    speeches = recognition_sets(folders)
    with all_locked(folders):
        for speech in speeches:
            rows = list(merged_rows(speech.folder, PHONES).values())
            if [(row["id"], row.get("judge")) for row in rows if row["per"] is not None] != [
                (utterance.id, judge) for utterance in speech.utterances
            ]:
                rows = [{**row, "judge": judge} for row in recognize_set(speech, known, recognizer, beam, jobs)]
                write_rows(speech.folder / PHONES, rows)
            table.append([speech.name, *summary(rows)])
        for evaluation in evaluations_in(folders):
            evaluation.add_run()
    print_table(
        f"phone errors, by {recognizer}, beam {beam}",
        ["set", "PER", "substituted", "deleted", "inserted", "of phones", "utterances", "not scored"],
        table,
    )
    for evaluation in filter(lambda one: one.caution, evaluations_in(folders)):
        print(f"{evaluation.folder}: {evaluation.caution}")


def recognize_set(speech: RecognitionSet, lexicon: Lexicon, recognizer: Path, beam: int, jobs: int) -> list[dict]:
    """One row per utterance of the clean set, in order; of those not restored, with the reason in ``failed``."""
    heard = recognize_in_parallel(speech, jobs, "phones", _hear, recognizer, beam)
    rows = []
    for utterance in speech.utterances:
        row = {"id": utterance.id, "speaker": utterance.speaker}
        try:
            reference = lexicon.transcribe(utterance)
            if not reference:
                raise DataError(f"{utterance.id}: its words have no phones in the lexicon {lexicon.path}")
            hypothesis = heard[utterance.id]
            if isinstance(hypothesis, str):
                raise DataError(speech.failed.get(utterance.id, hypothesis))
        except DataError as error:
            rows.append({**row, "per": None, "failed": {"per": str(error)}})
            continue
        found = align(reference, hypothesis)
        rows.append(
            {
                **row,
                "reference": " ".join(reference),
                "hypothesis": " ".join(hypothesis),
                "per": found.errors / len(reference),
                "phones": len(reference),
                "substitutions": found.substitutions,
                "deletions": found.deletions,
                "insertions": found.insertions,
                "failed": {},
            }
        )
    return rows


def _hear(wavs: dict[str, str | None], recognizer: Path, beam: int) -> dict[str, list[str] | str]:
    """By id, the phones, or why there are none."""
    torch.set_num_threads(1)
    model = load_model(recognizer, "recognizer")
    stft = model.config.stft
    heard: dict[str, list[str] | str] = {}
    for id_, wav in wavs.items():
        try:
            if wav is None:
                raise DataError("not restored")
            samples = torch.from_numpy(read_mono(wav, stft.sample_rate))
            heard[id_] = model.recognize(log_magnitude(spectrum(samples, stft), stft), beam)
        except (AvsiError, OSError) as error:
            heard[id_] = str(error)
    return heard


def summary(rows: list[dict]) -> list[object]:
    """(PER, substitutions, deletions, insertions, phones, utterances, of them not scored); each phone counts alike."""
    scored = [row for row in rows if row["per"] is not None]
    errors = [sum(row[kind] for row in scored) for kind in ("substitutions", "deletions", "insertions")]
    phones = sum(row["phones"] for row in scored)
    per = f"{sum(errors) / phones:.3f}" if phones else "-"
    return [per, *errors, phones, len(rows), len(rows) - len(scored)]


if __name__ == "__main__":
    run_program(app)
