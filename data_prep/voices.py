"""Copies of recordings in other voices, by the WORLD vocoder; faces and words stay the same.

python -m data_prep.voices data/train data/train_voices --copies 6 --copies-of-few 30
"""

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from avsi.audio.voice_change import analyse, change_voice, draw_voice_change
from avsi.cluster import OnCluster
from avsi.config import Config
from avsi.config_files import load_config
from avsi.data.datadir import Utterance, corpus_of, read_datadir, split_of, write_datadir
from avsi.data.ids import id_in_voice
from avsi.errors import DataError, MediaError
from avsi.files import blamed_on, read_lines, write_text
from avsi.folders import check_folder, locked
from avsi.media.sound_reading import read_mono
from avsi.media.sound_writing import write_wav
from avsi.program import in_parallel, progress, run_program
from avsi.rng import generator

app = typer.Typer(add_completion=False)
# Files of the new directory: the voice drawn for each copy, the reasons for missing copies, and the settings of all.
DRAWN, FAILED, NOTE = "voices", "voices_failed", "voices_of"


@app.command()
def main(
    datadir: Annotated[Path, typer.Argument(help="The recordings as they are; landmarks first, or copies lack them.")],
    out: Annotated[Path, typer.Argument(help="The data directory to make.")],
    copies: Annotated[int, typer.Option(min=1, help="Voices beside each recording's own.")] = 6,
    copies_of_few: Annotated[
        int | None,
        typer.Option(min=1, help="The same for speakers of few recordings; by default as many as --copies."),
    ] = None,
    few_below: Annotated[
        int, typer.Option(min=1, help="A speaker of fewer recordings than this has --copies-of-few copies.")
    ] = 80,
    seed: Annotated[int, typer.Option(help="By which voices are drawn.")] = 0,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    cluster: OnCluster = None,
    max_left_out: Annotated[float, typer.Option(help="Fail where a larger share gets no other voice.")] = 0.05,
    config: Annotated[list[Path], typer.Option(help="A config with a section 'voices'.")] = [],  # noqa: B006
    set_: Annotated[list[str], typer.Option("--set", help="key=value over the config; repeatable.")] = [],  # noqa: B006
) -> None:
    """Write ``<id>-v1``, ``-v2``... beside each utterance, with its own speaker's name: what leaves a speaker out
    leaves out all voices given to that face. A stopped run goes on where it was. Gap files are not taken along.
    """
    if out.resolve() == datadir.resolve():
        raise DataError(f"{out}: is the directory that the voices are made from")
    settings = load_config(config, set_)
    utterances = read_datadir(datadir)
    copies_of = _copies(utterances, copies, copies_of_few or copies, few_below)
    _check_ids(datadir, copies_of)
    with locked(out):
        _claim(out, datadir, seed, settings)
        drawn, failed = _speak_all(utterances, out, copies_of, seed, settings, jobs)
        write_text(out / FAILED, _lines(failed))
        if len(failed) > max_left_out * len(utterances):
            raise DataError(
                f"{out}: {len(failed)} of {len(utterances)} utterances got no other voice, more than --max-left-out "
                f"{max_left_out:g}; {out / FAILED} gives each reason"
            )
        kept = [
            dataclasses.replace(utterance, id=id_, wav=str(_wav(out.resolve(), utterance, id_)))
            for utterance in utterances
            for id_ in copies_of[utterance.id]
            if id_ in drawn
        ]
        write_datadir(out, [*utterances, *kept], corpus_of(datadir), split_of(datadir) or None)
        write_text(out / DRAWN, _lines({utterance.id: drawn[utterance.id] for utterance in kept}))
    print(f"{out}: {len(utterances)} utterances as they are and {len(kept)} in other voices; {len(failed)} without")


def _speak_all(
    utterances: list[Utterance], out: Path, copies_of: dict[str, list[str]], seed: int, config: Config, jobs: int
) -> tuple[dict[str, str], dict[str, str]]:
    """Write the missing copies. Returns the voices drawn by the copies' ids, and by utterance why it has no copies."""
    noted, failed = _done(out / DRAWN), {}
    drawn = {
        id_: noted[id_]
        for utterance in utterances
        for id_ in copies_of[utterance.id]
        if id_ in noted and _is_newer(_wav(out, utterance, id_), Path(utterance.wav))
    }
    tasks = [
        (_speak, utterance, out.resolve(), todo, seed, config)
        for utterance in utterances
        if (todo := [id_ for id_ in copies_of[utterance.id] if id_ not in drawn])
    ]
    # One line for each finished copy: a killed run leaves a list whose last line alone may be cut.
    write_text(out / DRAWN, _lines(drawn))
    with blamed_on(out / DRAWN), (out / DRAWN).open("a", encoding="utf-8") as journal:
        for id_, result in progress(in_parallel(jobs, tasks, ordered=False), len(tasks), f"{out.name}: voices"):
            if isinstance(result, str):
                failed[id_] = result
                continue
            journal.write(_lines(result))
            journal.flush()
            drawn |= result
    return drawn, failed


def _check_ids(datadir: Path, copies_of: dict[str, list[str]]) -> None:
    """Raise DataError where a copy would have the id of an utterance, as where the directory holds copies already."""
    taken = [id_ for ids in copies_of.values() for id_ in ids if id_ in copies_of]
    if taken:
        raise DataError(
            f"{datadir}: has an utterance {taken[0]} already; expected recordings as they are, not what "
            "data_prep.voices made of them"
        )


def _claim(out: Path, datadir: Path, seed: int, config: Config) -> None:
    """Make the folder, or check that it holds an earlier part of this run: the same recordings, seed and bounds."""
    voices = " ".join(f"{name}={value!r}" for name, value in dataclasses.asdict(config.voices).items())
    text = f"{datadir.resolve()} seed={seed} rate={config.stft.sample_rate} {voices}\n"
    check_folder(out)
    note = out / NOTE
    if note.is_file():
        found = " ".join(read_lines(note))
        if found != text.strip():
            raise DataError(
                f"{note}: the voices there are those of '{found}', expected '{text.strip()}'; choose another folder "
                "or delete it"
            )
    elif (out / "wav.scp").exists():
        raise DataError(
            f"{out}: holds a data directory without {NOTE}, which data_prep.voices did not make; choose another folder"
        )
    out.mkdir(parents=True, exist_ok=True)
    write_text(note, text)


def _copies(utterances: list[Utterance], copies: int, of_few: int, few_below: int) -> dict[str, list[str]]:
    """The ids of each utterance's copies: ``of_few`` where there are fewer than ``few_below`` of its speaker."""
    of = Counter(utterance.speaker for utterance in utterances)
    counts = {utterance.id: of_few if of[utterance.speaker] < few_below else copies for utterance in utterances}
    return {id_: [id_in_voice(id_, number) for number in range(1, count + 1)] for id_, count in counts.items()}


def _wav(out: Path, utterance: Utterance, id_: str) -> Path:
    return out / "wav" / utterance.speaker / f"{id_}.wav"


def _done(path: Path) -> dict[str, str]:
    """The voices that an earlier run drew, by the copies' ids, without a last line that was cut."""
    if not path.is_file():
        return {}
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return {id_: text for id_, _, text in (line.partition(" ") for line in whole.splitlines())}


def _is_newer(copy: Path, recording: Path) -> bool:
    """Whether a copy is there and newer than its recording."""
    return copy.is_file() and not (recording.is_file() and recording.stat().st_mtime > copy.stat().st_mtime)


def _lines(table: dict[str, str]) -> str:
    return "".join(f"{key} {value}\n" for key, value in sorted(table.items()))


def _speak(
    utterance: Utterance, out: Path, ids: list[str], seed: int, config: Config
) -> tuple[str, dict[str, str] | str]:
    """Write copies of an utterance. Returns its id, and the voices drawn by the copies' ids or why there are none."""
    rate = config.stft.sample_rate
    try:
        analysis = analyse(read_mono(utterance.wav, rate), rate)
        drawn = {}
        for id_ in ids:
            voice = draw_voice_change(analysis, config.voices, generator(seed, "voice", id_))
            path = _wav(out, utterance, id_)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_wav(path, change_voice(analysis, voice), rate)
            drawn[id_] = " ".join(f"{value:.3f}" for value in dataclasses.astuple(voice))
        return utterance.id, drawn
    except MediaError as error:
        return utterance.id, str(error)


if __name__ == "__main__":
    run_program(app)
