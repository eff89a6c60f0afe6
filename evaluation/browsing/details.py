"""One utterance under a condition: what is said, its gaps, and the scores of each of its versions."""

from __future__ import annotations

from avsi.metrics.registry import Column
from avsi.studio.refusals import Refused

from ..folder.versions import ORIGINAL, UNPROCESSED
from ..reporting.browse_page import best_texts, score_text
from ..reporting.cells import DOWN, UP
from ..systems.names import ORACLE
from .snapshot import Snapshot


def details_of(snapshot: Snapshot, id_: str) -> dict:
    """As the page takes them. Raises Refused (404) for an utterance that is not there."""
    if id_ not in snapshot.utterances:
        raise Refused(404, "no such utterance")
    utterance = snapshot.utterances[id_]
    systems = [system for system in snapshot.sets if system != UNPROCESSED]
    values = {
        system: {column.name: snapshot.value(system, id_, column.name) for column in snapshot.columns}
        for system in snapshot.sets
    }
    known = [{name: value for name, (value, _) in of.items()} for version, of in values.items() if version != ORACLE]
    best = best_texts(known)
    return {
        "revision": snapshot.revision,
        "id": id_,
        "speaker": utterance.speaker,
        "words": " ".join(utterance.words),
        "duration_s": utterance.duration_s,
        "gaps": [[gap.start_s, gap.end_s] for gap in sorted(snapshot.evaluation.gaps[snapshot.condition][id_])],
        "versions": [
            {
                "name": version,
                "missing": snapshot.sets[version].of(id_).failed if version in snapshot.sets else "",
                "scores": [
                    _score(column, *values[version][column.name], None if version == ORACLE else best.get(column.name))
                    for column in snapshot.columns
                    if version in values
                ],
            }
            for version in (ORIGINAL, UNPROCESSED, *systems)
        ],
    }


def _score(column: Column, value: float | None, why: str, best: str | None) -> dict:
    text = score_text(value)
    return {
        "label": column.label,
        "heading": column.heading,
        "arrow": DOWN if column.lower_is_better else UP,
        "text": text or "-",
        "why": why,
        "best": text is not None and text == best,
    }
