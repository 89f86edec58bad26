# SPDX-License-Identifier: Apache-2.0
"""The scheduled query (es_to_mysql.conf) on a clock that runs 120 times as fast: every ten-minute mark with trades before it gives
one row, the newest trade of its moment. Usage: marks_test.py sqlite|mysql"""
import sys
import time

import harness as h
from stock import StockDay

DATABASE = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
SPEED = 120
MARK = 600 / SPEED      # seconds between two marks
MARKS = 5               # that pass while the feed runs
SLACK = 150             # simulated seconds: the way from the feed to the index, and a busy machine


def seconds(text):
    hours, minutes, rest = text.split(" ")[1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + int(float(rest))


def test(folder, started):
    if DATABASE == "mysql" and not h.Maria(folder).is_there():
        h.skip("mariadb-server is not installed")
    day = StockDay(folder, started, seed=5, speed=SPEED, database=DATABASE, sim_args=["--until", "10:30"])
    trades = day.expected()
    day.prepare()
    day.csv_path.touch()    # a new file would wait for the shipper's next scan: ten real seconds, two marks here
    day.start()
    time.sleep(MARK * (MARKS + 1.5))
    rows = day.check_marks(trades)
    times = [seconds(row[1]) for row in rows]
    h.say(f"rows at {[row[1] for row in rows]}")
    h.expect(MARKS <= len(rows) <= MARKS + 1, f"{len(rows)} rows for {MARKS} or {MARKS + 1} marks")
    for before, after in zip(times, times[1:]):
        h.expect(abs(after - before - 600) <= SLACK, f"{after - before} s between two rows, expected about 600")
    day.stop()


h.run_test(test, "naru-marks-")
