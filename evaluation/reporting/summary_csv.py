"""A summary as CSV."""

import csv
import io
import math

from ..statistics.summary import Summary


def to_csv(summary: Summary) -> str:
    """A line for each estimate; empty where there is no value. The last column is yes where a metric of predicted
    spectra is of the sound's spectrum, since the system predicts none.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["system", "condition", "metric", "mean", "low", "high", "scored", "missing", "of_sound"])
    marked = {
        (system.name, column.name): system.mark(column) for system in summary.systems for column in summary.columns
    }
    for of, estimate in summary.estimates.items():
        numbers = ["" if math.isnan(x) else f"{x:.6f}" for x in (estimate.mean, estimate.low, estimate.high)]
        of_sound = "yes" if marked[of[0], of[2]] else ""
        writer.writerow([*of, *numbers, estimate.scored, estimate.missing, of_sound])
    return text.getvalue()
