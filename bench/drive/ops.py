# SPDX-License-Identifier: Apache-2.0
"""An operation: one search (or one scroll) with its name, as a function of the client. Its requests are made before the
clock starts; its time is that of its requests alone."""
import json

APPROXIMATE = 0.05  # relative: what a cardinality of the default precision may be off


class Search:
    """tolerance: of numbers in aggregations, when they are approximate by design. since: the version of Elasticsearch that
    has it, when 7.10 does not."""

    def __init__(self, name, body, params="", tolerance=None, since=None):
        self.name, self.body, self.params = name, body, params
        self.tolerance, self.since = tolerance, since
        self.is_collapsed = "collapse" in body

    def prepared(self, rest, index):
        """A function that runs the operation once: (seconds, answer)."""
        path = f"/{index}/_search?request_cache=false{self.params}"
        request = rest.request_bytes("POST", path, json.dumps(self.body, separators=(",", ":")).encode())
        return lambda: rest.timed(request)


class Scroll:
    """Reads `pages` pages of `size` hits and drops the context; one page's answer stands for all: the hits are those of every
    page."""
    tolerance = since = None
    is_collapsed = False

    def __init__(self, name, body, pages, size):
        self.name, self.body, self.pages, self.size = name, body, pages, size

    def prepared(self, rest, index):
        first = rest.request_bytes("POST", f"/{index}/_search?request_cache=false&scroll=1m", {**self.body, "size": self.size})

        def run():
            seconds, answer = rest.timed(first)
            hits = answer["hits"]["hits"]
            page, got, last = answer, 1, len(hits)
            while got < self.pages and last == self.size:
                more = rest.request_bytes("POST", "/_search/scroll", {"scroll": "1m", "scroll_id": page["_scroll_id"]})
                spent, page = rest.timed(more)
                seconds += spent
                last = len(page["hits"]["hits"])
                hits += page["hits"]["hits"]
                got += 1
            spent, _ = rest.timed(rest.request_bytes("DELETE", "/_search/scroll", {"scroll_id": page["_scroll_id"]}))
            return seconds + spent, answer
        return run


class Suite:
    """name: of the corpus. index: what the operations search. names: of the indices that body makes. unused: fields of its
    mapping that no document and no operation has, which may be left out for a server that refuses them."""

    def __init__(self, name, index, names, body, operations, unused=()):
        self.name, self.index, self.names, self.body, self.operations = name, index, names, body, operations
        self.unused = list(unused)
        assert len({op.name for op in operations}) == len(operations)
