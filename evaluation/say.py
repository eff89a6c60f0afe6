"""How well new sentences are said in voices that are heard for a few seconds: whole utterances that a model makes.

python -m evaluation.say data/test --out exp/say --grammar conf/grid.gram

For each utterance of a set: some seconds of other utterances of its speaker are the recording, at whose end its words
are inserted as by `avsi edit --insert`. Of the inserted stretch, keywords are recognised as by evaluation.keywords, and
its voice is compared to the clean speech of each speaker of the set, without that utterance. The recorded utterance
itself is measured in the same way. Speakers with one utterance are only compared to.
"""

import json
import warnings
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import soundfile
import torch
import typer

from avsi.audio.samples import from_float
from avsi.cluster import OnCluster
from avsi.data.datadir import Utterance, corpus_of, read_datadir, split_of
from avsi.data.phones import Lexicon
from avsi.errors import AvsiWarning, DataError
from avsi.files import digest, write_text
from avsi.folders import check_folder, folder_beside
from avsi.media.sound_reading import read_mono
from avsi.models.store import WEIGHTS, find_model
from avsi.pretrained import ALIGNER, WITH_TEXT
from avsi.program import in_parallel, once, print_table, progress, run_program
from avsi.restoring.aligning import load_aligner
from avsi.restoring.inpainting import Inpainter
from avsi.restoring.inserting import Insertion, insert_file
from avsi.restoring.voices import VoiceEncoder, voice_of_frames
from avsi.timebase import to_samples
from avsi.words.captions import Caption

from .folder.layout import STFT
from .folder.signals import log_spectrum
from .keywords import load_recognizer, score_keywords
from .recognizers.grammar import Grammar
from .recognizers.word_recognizer import check_pocketsphinx
from .statistics.intervals import Bootstrap
from .systems.references import References

RATE = STFT.sample_rate  # that of the files written
MEASURES = ("keywords", "own", "others", "first")
app = typer.Typer(add_completion=False)


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="A set of two or more speakers, whose words have known times.")],
    out: Annotated[Path, typer.Option(help="The folder to make: sounds, rows.jsonl and summary.json.")],
    grammar: Annotated[Path, typer.Option(help="The sentences of the corpus, in JSGF; lexicon.txt lies beside it.")],
    model: Annotated[str, typer.Option(help="A model that is told what is said.")] = WITH_TEXT,
    seconds: Annotated[float, typer.Option(min=1.0, help="How much of the speaker is heard.")] = 5.0,
    told: Annotated[
        bool, typer.Option("--told", help="Also tell the transcript of these seconds, as avsi edit --transcript does.")
    ] = False,
    refiner: Annotated[
        str | None, typer.Option(help="A model that sharpens what is made, as in avsi inpaint.", show_default=False)
    ] = None,
    keywords: Annotated[str, typer.Option(help="The places of the sentence that count.")] = "colour,letter,digit",
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
) -> None:
    """Make and measure an utterance for each of a set; what lies in --out goes only when all are made."""
    check_pocketsphinx()
    utterances, places = read_datadir(datadir), [name.strip() for name in keywords.split(",")]
    sentences, lexicon = Grammar.read(grammar), Lexicon.read(grammar.with_name("lexicon.txt"))
    sentences.check_places(places)
    references = References(utterances)
    counts = Counter(utterance.speaker for utterance in utterances)
    if len(counts) < 2:
        raise DataError(f"{datadir}: has one speaker; whose voice it is can be told of two or more")
    chosen = [utterance for utterance in utterances if counts[utterance.speaker] > 1]
    if not chosen:
        raise DataError(f"{datadir}: no speaker has two utterances, one to hear and one to say")
    for utterance in chosen:
        lexicon.in_words(utterance)
        if not utterance.words_have_times:
            raise DataError(f"{datadir}: {utterance.id} has no times of its words (align)")
    for name in (model, *([refiner] if refiner else [])):
        find_model(name)
    check_folder(out)
    with folder_beside(out) as partial:
        heard = [heard_of(references.of_speaker(utterance), seconds) for utterance in chosen]
        tasks = [
            (_say, utterance, *pieces, told, model, refiner, str(grammar), partial)
            for utterance, pieces in zip(chosen, heard, strict=True)
        ]
        recognized = list(progress(in_parallel(jobs, tasks), len(tasks), "saying"))
        rows = _rows(chosen, utterances, recognized, partial, sentences, places)
        write_text(partial / "rows.jsonl", "".join(f"{json.dumps(row)}\n" for row in rows))
        summary = _summary(rows)
        about = {
            "set": f"{corpus_of(datadir)}, {split_of(datadir)}",
            "seconds": seconds,
            "told": told,
            "refiner": refiner,
        }
        about |= {"model": digest(find_model(model) / WEIGHTS), "utterances": len(chosen), "speakers": len(counts)}
        write_text(partial / "summary.json", json.dumps(about | summary, indent=2) + "\n")
    table = [
        [name, *(f"{m:.3f} [{low:.3f}, {high:.3f}]" for m, low, high in of.values())] for name, of in summary.items()
    ]
    header = ["", "keywords", "like the speaker", "like others", "speaker ranks first"]
    print_table(f"{len(chosen)} utterances of {datadir}, said by {model} after {seconds:g} s", header, table)


def heard_of(others: list[Utterance], seconds: float) -> tuple[np.ndarray, list[str]]:
    """The end of utterances that are joined, whole words with the pauses between, at most so many seconds of it:
    (samples, shape (n_samples,), the words). Raises DataError where no word fits.
    """
    pieces, words, left_s = list[np.ndarray](), list[str](), seconds
    for utterance in others:
        starts_s = [0.0, *(start_s for start_s, _, _ in utterance.alignment)]
        first = next((n for n, start_s in enumerate(starts_s) if utterance.duration_s - start_s <= left_s), None)
        if first is None:
            break
        said = utterance.words[max(first - 1, 0) :]
        pieces.insert(0, read_mono(utterance.wav, RATE)[to_samples(starts_s[first], RATE) :])
        words[:0] = said
        left_s -= utterance.duration_s - starts_s[first]
    if not words:
        raise DataError(f"{others[0].speaker}: no word of its other utterances fits into {seconds:g} s")
    return np.concatenate(pieces), words


def _say(
    utterance: Utterance,
    samples: np.ndarray,
    words: list[str],
    told: bool,
    model: str,
    refiner: str | None,
    grammar: str,
    folder: Path,
) -> list[list[str]]:
    """Write the whole sound and the inserted stretch; the words recognised in that and in what was recorded."""
    lexicon = once(Lexicon.read, str(Path(grammar).with_name("lexicon.txt")))
    own = {word: lexicon.pronunciations[word] for word in {*utterance.words, *(words if told else ())}}
    heard, whole, said = (folder / name / f"{utterance.id}.wav" for name in ("heard", "whole", "said"))
    for path in (heard, whole, said):
        path.parent.mkdir(exist_ok=True)
    soundfile.write(heard, from_float(samples, np.int16), RATE)
    insertion = Insertion(len(samples) / RATE, " ".join(utterance.words))
    present = [Caption(" ".join(words))] if told else None
    takes_voice = once(Inpainter.from_pretrained, model, None, "cpu", refiner).encoder is not None
    with warnings.catch_warnings():  # notes on each recording, such as on words that hardly fit
        warnings.simplefilter("ignore", AvsiWarning)
        [edit] = insert_file(
            heard,
            whole,
            [insertion],
            lambda: once(load_aligner, ALIGNER, "cpu"),
            lambda: once(Inpainter.from_pretrained, model, None, "cpu", refiner),
            present,
            own,
            reference=heard if takes_voice else None,
        )
    made = read_mono(whole, RATE)[edit.start : edit.start + edit.splice[2]]
    soundfile.write(said, from_float(made, np.int16), RATE)
    recognizer, _ = once(load_recognizer, Path(grammar), Path(grammar).with_name("lexicon.txt"))
    return [recognizer(made), recognizer(read_mono(utterance.wav, RATE))]


def _rows(
    chosen: list[Utterance],
    utterances: list[Utterance],
    recognized: list[list[list[str]]],
    folder: Path,
    grammar: Grammar,
    places: list[str],
) -> list[dict]:
    """Two for each chosen utterance: what was made, and what was recorded."""
    encoder = VoiceEncoder.from_pretrained(device="cpu")
    clean = {u.id: log_spectrum(read_mono(u.wav, RATE)) for u in utterances}
    speakers = list(dict.fromkeys(u.speaker for u in utterances))

    def voice_of(speaker: str, without: str = "") -> np.ndarray:
        mine = [clean[u.id] for u in utterances if u.speaker == speaker and u.id != without]
        return voice_of_frames(torch.cat(mine), encoder).vector

    known, rows = {speaker: voice_of(speaker) for speaker in speakers}, []
    for utterance, words in zip(chosen, recognized, strict=True):
        voices = known | {utterance.speaker: voice_of(utterance.speaker, utterance.id)}
        made = log_spectrum(read_mono(folder / "said" / f"{utterance.id}.wav", RATE))
        for name, spectrum, found in zip(("said", "recorded"), (made, clean[utterance.id]), words, strict=True):
            vector = voice_of_frames(spectrum, encoder).vector
            alike = {speaker: float(vector @ voice) for speaker, voice in voices.items()}
            own = alike.pop(utterance.speaker)
            scored = score_keywords(grammar, places, utterance, found)
            row = {"id": utterance.id, "speaker": utterance.speaker, "what": name, "own": own}
            row |= {"others": float(np.mean(list(alike.values()))), "first": float(own > max(alike.values()))}
            rows.append(row | {"most_alike_other": max(alike, key=lambda speaker: alike[speaker]), **scored})
    return rows


def _summary(rows: list[dict]) -> dict[str, dict[str, list[float]]]:
    """Of what was made and what was recorded the mean of each measure, and its interval."""
    summary = {}
    for what in ("said", "recorded"):
        of = [row for row in rows if row["what"] == what]
        bootstrap = Bootstrap([row["speaker"] for row in of])
        estimates = bootstrap.estimates((np.array([row[key] for row in of], float), None) for key in MEASURES)
        summary[what] = {
            key: [round(v, 3) for v in (e.mean, e.low, e.high)] for key, e in zip(MEASURES, estimates, strict=True)
        }
    return summary


if __name__ == "__main__":
    run_program(app)
