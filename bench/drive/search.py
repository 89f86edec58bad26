# SPDX-License-Identifier: Apache-2.0
"""Timing the operations: each on every server in turn, one request in flight, and its answers compared."""
import time

from drive.answers import METRIC_TOLERANCE, differ
from drive.rest import Refused
from drive.table import percentile

ITERATIONS_MIN = 5


class Result:
    """One operation: per server its times and last answer, or why there is none."""

    def __init__(self, op, servers):
        self.op = op
        self.times = [[] for _ in range(servers)]
        self.answers = [None] * servers
        self.refusals = [None] * servers
        self.difference = None

    def p(self, server, share):
        times = self.times[server]
        return percentile(times, share) * 1000 if times else None

    def ratio(self):
        """How many times as long the second server takes."""
        if len(self.times) < 2 or not all(self.times):
            return None
        return self.p(1, 0.5) / self.p(0, 0.5)

    def is_unknown_to(self, server):
        """Refused, and newer than Elasticsearch 7.10: to be expected of the server that is compared with."""
        return server > 0 and self.op.since is not None and self.refusals[server] is not None


def run_once(result, server, call, keeps_time):
    if result.refusals[server]:
        return
    try:
        seconds, answer = call()
    except Refused as refused:
        result.refusals[server] = refused
        result.times[server] = []
        return
    if keeps_time:
        result.times[server].append(seconds)
    result.answers[server] = answer


def run(op, rests, index, args):
    result = Result(op, len(rests))
    calls = [op.prepared(rest, index) for rest in rests]
    order = list(range(len(rests)))
    for count, keeps_time, share in ((args.warmup, False, 0.5), (args.iterations, True, 1.0)):
        end = time.monotonic() + args.op_seconds * share * len(rests)
        for done in range(count):
            if done >= ITERATIONS_MIN and time.monotonic() > end:
                break
            for server in order:
                run_once(result, server, calls[server], keeps_time)
            order.reverse()  # neither is always the one that runs behind the other
    if len(rests) == 2 and all(answer is not None for answer in result.answers):
        tolerance = METRIC_TOLERANCE if op.tolerance is None else op.tolerance
        result.difference = differ(*result.answers, tolerance, is_collapsed=op.is_collapsed)
    return result
