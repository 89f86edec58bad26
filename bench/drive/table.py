# SPDX-License-Identifier: Apache-2.0
"""Text tables, and the numbers that go into them."""
import math


def percentile(values, share):
    """The nearest-rank percentile of a list that need not be sorted."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def geometric_mean(values):
    return math.exp(sum(math.log(v) for v in values) / len(values)) if values else None


def number(value, digits=2):
    if value is None:
        return "-"
    return str(value) if isinstance(value, str) else f"{value:.{digits}f}"


def lines(rows, left=1):
    """Rows of texts in columns: the first `left` columns flush left, the others right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))]
        yield "  ".join(cells).rstrip()
