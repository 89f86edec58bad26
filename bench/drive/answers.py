# SPDX-License-Identifier: Apache-2.0
"""Are two answers to one search the same? What must be equal, and what the question leaves open:

- hits.total in value and relation; max_score and scores within SCORE_TOLERANCE.
- Hits in the order of their sort values (or scores). Hits with equal keys may stand in any order among themselves, so
  they are compared as a set of (index, source); of the last such set, which the page's end may cut, the keys only,
  unless the answer holds every hit there is.
- Hits of a collapsed search stand each for a group, its best one. Of documents with equal score any may stand for the group, so a
  hit is known by its group's value instead of its source.
- Without an order (all scores alike) only how many hits there are.
- Buckets that are ordered by a score (significant terms): those with equal scores may stand in any order among
  themselves, so they are compared as a set; of the last such set, which the size may cut, the scores only.
- Other aggregations: the same keys, counts and order of buckets; numbers within METRIC_TOLERANCE; what is approximate by
  design within the operation's own tolerance.
Not compared: took, _shards, _id, _type, and profile."""
import json
import math

METRIC_TOLERANCE = 1e-9
SCORE_TOLERANCE = 1e-5
SHOWN = 160
EXACT = {"doc_count", "bg_count", "key", "from", "to", "sum_other_doc_count", "count", "total"}  # whatever the tolerance


def close(a, b, tolerance):
    return a == b or math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance * 1e-3)


def short(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def value_differs(a, b, tolerance, path):
    """The first difference of two JSON values as a text, or None."""
    if is_number(a) and is_number(b):
        return None if close(a, b, tolerance) else f"{path}: {a} and {b}"
    if isinstance(a, dict) and isinstance(b, dict):
        for key in a:
            if key not in b:
                return f"{path}.{key}: {short(a[key])} and nothing"
        for key in b:
            if key not in a:
                return f"{path}.{key}: nothing and {short(b[key])}"
            if difference := value_differs(a[key], b[key], 0 if key in EXACT else tolerance, f"{path}.{key}"):
                return difference
        return None
    if isinstance(a, list) and isinstance(b, list):
        if is_scored(a) and is_scored(b):
            return scored_differ(a, b, tolerance, path)
        for at, (x, y) in enumerate(zip(a, b)):
            if difference := value_differs(x, y, tolerance, f"{path}[{at}]"):
                return difference
        return None if len(a) == len(b) else f"{path}: {len(a)} and {len(b)} elements"
    return None if a == b and type(a) is type(b) else f"{path}: {short(a)} and {short(b)}"


def is_scored(buckets):
    """Buckets of significant terms: in the order of their scores."""
    return bool(buckets) and all(isinstance(b, dict) and {"key", "score", "bg_count"} <= b.keys() for b in buckets)


def scored_differ(a, b, tolerance, path):
    if len(a) != len(b):
        return f"{path}: {len(a)} and {len(b)} elements"
    for at, (x, y) in enumerate(zip(a, b)):
        if not close(x["score"], y["score"], max(tolerance, SCORE_TOLERANCE)):
            return f"{path}[{at}].score: {x['score']} and {y['score']}"
    at = 0
    while at < len(a):
        end = at
        while end < len(a) and close(a[end]["score"], a[at]["score"], METRIC_TOLERANCE):
            end += 1
        if end < len(a) or at == end - 1 and a[at]["key"] == b[at]["key"]:
            by_key = [sorted(side[at:end], key=lambda bucket: str(bucket["key"])) for side in (a, b)]
            for i, (x, y) in enumerate(zip(*by_key)):
                if difference := value_differs(x, y, tolerance, f"{path}[{at + i}]"):
                    return difference
        at = end
    return None


def hit_key(hit, is_sorted):
    return hit.get("sort") if is_sorted else hit.get("_score")


def keys_equal(a, b):
    return value_differs(a, b, SCORE_TOLERANCE if is_number(a) else METRIC_TOLERANCE, "") is None


def groups(hits, is_sorted):
    """Runs of hits with equal keys: [(key, hits)]."""
    found = []
    for hit in hits:
        key = hit_key(hit, is_sorted)
        if found and keys_equal(found[-1][0], key):
            found[-1][1].append(hit)
        else:
            found.append((key, [hit]))
    return found


def identity(hit, prefixes, is_collapsed):
    index = hit.get("_index", "")
    for prefix in prefixes:
        if prefix and index.startswith(prefix):
            index = index[len(prefix):]
            break
    source = "_source" in hit if is_collapsed else hit.get("_source")
    return json.dumps([index, source, hit.get("fields")], sort_keys=True)


def hits_differ(a, b, prefixes, is_collapsed):
    list_a, list_b = a.get("hits", []), b.get("hits", [])
    if len(list_a) != len(list_b):
        return f"hits: {len(list_a)} and {len(list_b)}"
    if not list_a:
        return None
    is_sorted = "sort" in list_a[0]
    if is_sorted != ("sort" in list_b[0]):
        return "hits: only one answer has sort values"
    total = a.get("total", {})
    is_whole = total.get("relation") == "eq" and total.get("value") == len(list_a)
    groups_a, groups_b = groups(list_a, is_sorted), groups(list_b, is_sorted)
    place = 0
    for at, ((key_a, hits_a), (key_b, hits_b)) in enumerate(zip(groups_a, groups_b)):
        if not keys_equal(key_a, key_b):
            return f"hit {place}: {short(key_a)} and {short(key_b)}"
        if len(hits_a) != len(hits_b):
            return f"hits from {place} with {short(key_a)}: {len(hits_a)} and {len(hits_b)}"
        if at + 1 < len(groups_a) or is_whole:
            ids_a = sorted(identity(h, prefixes, is_collapsed) for h in hits_a)
            ids_b = sorted(identity(h, prefixes, is_collapsed) for h in hits_b)
            for x, y in zip(ids_a, ids_b):
                if x != y:
                    return f"hits from {place} with {short(key_a)}: {x[:SHOWN]} and {y[:SHOWN]}"
        place += len(hits_a)
    return None


def differ(a, b, tolerance=METRIC_TOLERANCE, prefixes=("", ""), is_collapsed=False):
    """The first difference of two search answers as a text, or None. tolerance: of numbers in aggregations."""
    for name, answer in (("first", a), ("second", b)):
        shards = answer.get("_shards", {})
        if shards.get("failed") or answer.get("timed_out"):
            return f"the {name} answer is not whole: {short(shards)}"
    hits_a, hits_b = a.get("hits", {}), b.get("hits", {})
    for path, allowed in (("total", 0), ("max_score", SCORE_TOLERANCE)):
        if difference := value_differs(hits_a.get(path), hits_b.get(path), allowed, "hits." + path):
            return difference
    if difference := hits_differ(hits_a, hits_b, prefixes, is_collapsed):
        return difference
    return value_differs(a.get("aggregations"), b.get("aggregations"), tolerance, "aggregations")
