#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares two outputs of the full-text runs (text_bench run, Lucene run) and prints the times by class.

usage: compare.py NARU LUCENE QUERIES [--times]

Same hits in the same order with the same scores (1e-5 relative), the same totals where a total is exact. Documents
whose scores are the same within that bound may change places. Exit 1 when a query differs."""
import math
import sys

SCORE_BOUND = 1e-5
SHOWN_MAX = 10


def read(path):
    rows = []
    for line in open(path, encoding="utf-8"):
        _, group, total, relation, us, hits = line.rstrip("\n").split("\t")
        pairs = [pair.split(":") for pair in hits.split(",") if pair]
        rows.append((group, int(total), relation, float(us), [(int(d), float(s)) for d, s in pairs]))
    return rows


def near(a, b):
    return abs(a - b) <= SCORE_BOUND * max(abs(a), abs(b))


def difference(ours, theirs):
    """What differs between two rows, or None."""
    if theirs[2] == "eq" and (ours[2] != "eq" or ours[1] != theirs[1]):
        return f"total {ours[1]} {ours[2]}, not {theirs[1]}"
    if theirs[2] == "gte" and ours[2] == "eq" and ours[1] < theirs[1]:
        return f"total {ours[1]}, not at least {theirs[1]}"
    if len(ours[4]) != len(theirs[4]):
        return f"{len(ours[4])} hits, not {len(theirs[4])}"
    for i, ((doc, score), (other, other_score)) in enumerate(zip(ours[4], theirs[4])):
        if not near(score, other_score):
            return f"hit {i}: document {doc} scores {score}, not {other_score} (document {other})"
        if doc != other:
            place = next((s for d, s in ours[4] if d == other), None)
            last = near(other_score, ours[4][-1][1])
            if not last and (place is None or not near(place, score)):
                return f"hit {i}: document {doc}, not {other}"
    return None


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def times(ours, theirs):
    groups = list(dict.fromkeys(row[0] for row in ours))
    logs = []
    print(f"{'class':18}{'queries':>8}{'naru p50 us':>13}{'p90':>9}{'Lucene p50':>12}{'p90':>9}{'ratio p50':>11}"
          f"{'gmean':>8}")
    for group in groups:
        pairs = [(a[3], b[3]) for a, b in zip(ours, theirs) if a[0] == group]
        mine, other = [a for a, _ in pairs], [b for _, b in pairs]
        ratio = median(other) / median(mine)
        mean = math.exp(sum(math.log(b / a) for a, b in pairs) / len(pairs))
        logs.append(math.log(ratio))
        print(f"{group:18}{len(pairs):8}{median(mine):13.1f}{percentile(mine, 0.9):9.1f}{median(other):12.1f}"
              f"{percentile(other, 0.9):9.1f}{ratio:11.2f}{mean:8.2f}")
    print(f"geometric mean of the classes' p50 ratios: {math.exp(sum(logs) / len(logs)):.2f}")


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    ours, theirs = read(args[0]), read(args[1])
    queries = open(args[2], encoding="utf-8").read().splitlines()
    if not len(ours) == len(theirs) == len(queries):
        sys.exit(f"{len(ours)} and {len(theirs)} answers to {len(queries)} queries")
    wrong = 0
    for a, b, query in zip(ours, theirs, queries):
        what = difference(a, b)
        if what:
            wrong += 1
            if wrong <= SHOWN_MAX:
                print(f"DIFFERS {query.split(chr(9))[1]}: {what}")
    print(f"{len(ours) - wrong} of {len(ours)} queries: the same hits, order, scores and totals")
    if "--times" in sys.argv:
        times(ours, theirs)
    sys.exit(1 if wrong else 0)


main()
