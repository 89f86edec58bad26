# SPDX-License-Identifier: Apache-2.0
"""Tests of bench/drive that need no server: comparing answers, percentiles, the suites' bodies, reading HTTP."""
import copy
import json
import os
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from drive import answers, big5, http_logs, load, table  # noqa: E402
from drive.rest import Refused, Rest  # noqa: E402


def hit(source, sort=None, score=None, index="logs"):
    return {"_index": index, "_id": os.urandom(4).hex(), "_score": score, "_source": {"n": source},
            **({"sort": [sort]} if sort is not None else {})}


def answer(hits=(), total=10000, relation="gte", aggs=None):
    return {"took": len(hits), "timed_out": False, "_shards": {"total": 1, "failed": 0},
            "hits": {"total": {"value": total, "relation": relation}, "max_score": None, "hits": list(hits)},
            **({"aggregations": aggs} if aggs else {})}


class Answers(unittest.TestCase):
    def same(self, a, b, *more):
        self.assertIsNone(answers.differ(a, b, *more))

    def differs(self, a, b, text, *more):
        self.assertIn(text, answers.differ(a, b, *more) or "the same")

    def test_total(self):
        self.same(answer(), answer())
        self.differs(answer(total=100000, relation="eq"), answer(total=100001, relation="eq"), "hits.total.value")
        self.differs(answer(), answer(relation="eq"), "hits.total.relation")

    def test_failed_shards(self):
        broken = answer()
        broken["_shards"]["failed"] = 1
        self.differs(answer(), broken, "second answer is not whole")

    def test_ties_are_sets(self):
        a = [hit(1, 5), hit(2, 5), hit(3, 7), hit(4, 9)]
        self.same(answer(a), answer([hit(2, 5), hit(1, 5), hit(3, 7), hit(4, 9)]))
        self.differs(answer(a), answer([hit(2, 5), hit(1, 5), hit(8, 7), hit(4, 9)]), "hits from 2")
        self.differs(answer(a), answer([hit(1, 5), hit(1, 5), hit(3, 7), hit(4, 9)]), "hits from 0")
        self.differs(answer(a), answer([hit(1, 5), hit(3, 6), hit(2, 7), hit(4, 9)]), "hits from 0")

    def test_the_cut_tie_is_open(self):
        a, b = [hit(1, 5), hit(2, 6), hit(3, 6)], [hit(1, 5), hit(4, 6), hit(5, 6)]
        self.same(answer(a), answer(b))
        self.differs(answer(a, 3, "eq"), answer(b, 3, "eq"), "hits from 1")

    def test_buckets_of_equal_score_are_sets(self):
        def significant(*buckets):
            return answer(aggs={"s": {"buckets": [{"key": k, "doc_count": n, "bg_count": n + 1, "score": s}
                                                  for k, n, s in buckets]}})
        a = significant(("a", 9, 3.0), ("b", 7, 2.0), ("c", 7, 2.0), ("d", 5, 1.0))
        self.same(a, significant(("a", 9, 3.0), ("c", 7, 2.0), ("b", 7, 2.0), ("d", 5, 1.0)))
        self.differs(a, significant(("a", 9, 3.0), ("x", 7, 2.0), ("b", 7, 2.0), ("d", 5, 1.0)), "key")
        self.differs(a, significant(("a", 9, 3.0), ("c", 7, 2.0), ("b", 6, 2.0), ("d", 5, 1.0)), "doc_count")
        self.differs(a, significant(("b", 7, 2.0), ("a", 9, 3.0), ("c", 7, 2.0), ("d", 5, 1.0)), "score")
        self.differs(a, significant(("a", 9, 3.0), ("b", 7, 2.0), ("c", 7, 2.0)), "4 and 3")
        self.differs(a, significant(("a", 9, 3.0), ("b", 7, 2.0), ("c", 7, 2.0), ("d", 4, 1.0)), "doc_count")
        # The size may have cut the last ones.
        self.same(a, significant(("a", 9, 3.0), ("b", 7, 2.0), ("c", 7, 2.0), ("e", 5, 1.0)))

    def test_groups_are_known_by_their_value(self):
        def collapsed(*hits):
            return answer([{"_index": "i", "_score": score, "_source": {"n": n}, "fields": {"host": [host]}}
                           for host, score, n in hits])
        a = collapsed(("a", 3.0, 1), ("b", 2.0, 2), ("c", 1.0, 3))
        other_document = collapsed(("a", 3.0, 9), ("b", 2.0, 2), ("c", 1.0, 3))
        other_group = collapsed(("x", 3.0, 1), ("b", 2.0, 2), ("c", 1.0, 3))
        self.assertIsNone(answers.differ(a, other_document, is_collapsed=True))
        self.differs(a, other_document, "hits from 0")
        self.assertIn("hits from 0", answers.differ(a, other_group, is_collapsed=True))
        self.assertIn("hit 0", answers.differ(a, collapsed(("a", 4.0, 1), ("b", 2.0, 2), ("c", 1.0, 3)), is_collapsed=True))

    def test_count_of_hits(self):
        self.differs(answer([hit(1, 5)]), answer([]), "hits: 1 and 0")

    def test_scores(self):
        self.same(answer([hit(1, score=2.0), hit(2, score=1.0)]), answer([hit(1, score=2.000001), hit(3, score=1.0)]))
        self.differs(answer([hit(1, score=2.0)]), answer([hit(1, score=2.1)]), "hit 0")
        self.differs(answer([hit(1, 5)]), answer([hit(1, score=2.0)]), "only one answer has sort values")

    def test_aggregations(self):
        a = {"by": {"buckets": [{"key": 1, "doc_count": 3, "sum": {"value": 1e9}}, {"key": 2, "doc_count": 1}]}}
        self.same(answer(aggs=a), answer(aggs=copy.deepcopy(a)))
        for path, value, is_same in ((("doc_count",), 4, False), (("key",), 9, False), (("sum", "value"), 1e9 + 0.1, True),
                                     (("sum", "value"), 1e9 + 10, False)):
            b = copy.deepcopy(a)
            at = b["by"]["buckets"][0]
            for name in path[:-1]:
                at = at[name]
            at[path[-1]] = value
            if is_same:
                self.same(answer(aggs=a), answer(aggs=b))
            else:
                self.differs(answer(aggs=a), answer(aggs=b), "aggregations.by.buckets[0]." + ".".join(path))
        b = copy.deepcopy(a)
        b["by"]["buckets"].reverse()
        self.differs(answer(aggs=a), answer(aggs=b), "buckets[0]")
        b["by"]["buckets"].pop()
        self.differs(answer(aggs={"by": {"buckets": []}}), answer(aggs=b), "0 and 1 elements")
        self.differs(answer(aggs=a), answer(), "aggregations")

    def test_tolerance_is_not_for_counts(self):
        a, b = ({"d": {"value": v, "doc_count": c}} for v, c in ((1000, 50), (1020, 50)))
        self.same(answer(aggs=a), answer(aggs=b), 0.05)
        b["d"]["doc_count"] = 51
        self.differs(answer(aggs=a), answer(aggs=b), "doc_count", 0.05)


class Tables(unittest.TestCase):
    def test_percentile(self):
        self.assertEqual(table.percentile([5, 1, 3], 0.5), 3)
        self.assertEqual(table.percentile(list(range(1, 101)), 0.9), 90)
        self.assertEqual(table.percentile([7], 0.9), 7)

    def test_geometric_mean(self):
        self.assertAlmostEqual(table.geometric_mean([1, 100]), 10)
        self.assertIsNone(table.geometric_mean([]))

    def test_lines(self):
        self.assertEqual(list(table.lines([["a", "b"], ["long", "1.25"]])), ["a        b", "long  1.25"])


class Suites(unittest.TestCase):
    def test_counts(self):
        self.assertEqual(len(http_logs.suite().operations), 20)
        self.assertEqual(len(big5.suite().operations), 50)

    def test_unused_fields_can_be_left_out(self):
        suite = http_logs.suite()
        for field in suite.unused:
            left = load.without(suite.body, field)
            self.assertNotIn(field.split(".")[-1], json.dumps(left))
        self.assertIn("location", json.dumps(suite.body))


class Reading(unittest.TestCase):
    """Against a server that says what it is told to, byte by byte or at once."""

    def ask(self, reply, pieces=1):
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                size = max(1, len(reply) // pieces)
                for at in range(0, len(reply), size):
                    connection.sendall(reply[at:at + size])

        thread = threading.Thread(target=serve)
        thread.start()
        rest = Rest("http://127.0.0.1:%d" % listener.getsockname()[1])
        try:
            return rest.call("GET", "/")
        finally:
            rest.close()
            thread.join()
            listener.close()

    def test_length_and_chunks(self):
        whole = b'HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n{"a":1}'
        chunks = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n4;x=y\r\n":1}\r\n0\r\n\r\n'
        for reply in (whole, chunks):
            for pieces in (1, 7, len(reply)):
                self.assertEqual(self.ask(reply, pieces), {"a": 1})

    def test_refusal(self):
        body = json.dumps({"error": {"type": "outer", "reason": "o", "root_cause": [{"type": "inner", "reason": "i"}]}})
        with self.assertRaises(Refused) as caught:
            self.ask(f"HTTP/1.1 400 Bad\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode())
        self.assertEqual((caught.exception.status, caught.exception.type, caught.exception.reason), (400, "inner", "i"))


unittest.main()
