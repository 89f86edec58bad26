# SPDX-License-Identifier: Apache-2.0
"""A day at speed: all trades of the simulated day go from the feed to the SQL archive, and every layer has exactly
those that the seed gives. Usage: stock_day_test.py sqlite|mysql [--full]"""
import sys

import harness as h
from stock import StockDay

DATABASE = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
IS_FULL = "--full" in sys.argv
# The short form is the morning's first 40 minutes; the full form is the whole day.
SIM_ARGS = [] if IS_FULL else ["--until", "09:40"]
SPEED = 600 if IS_FULL else 300


def test(folder, started):
    day = StockDay(folder, started, seed=20261120, speed=SPEED, database=DATABASE, sim_args=SIM_ARGS)
    if DATABASE == "mysql" and not h.Maria(folder).is_there():
        h.skip("mariadb-server is not installed")
    trades = day.expected()
    h.say(f"{len(trades)} trades are expected")
    if IS_FULL:
        h.expect(len(trades) >= 200_000, "a full day has at least 200,000 trades")
    day.prepare()
    day.start()
    day.wait_for_all(len(trades), 120 if IS_FULL else 60)
    day.check(trades)
    h.wait_for("a row of the schedule", lambda: day.sql("select count(*) from kr_stock_trade") != [["0"]], 30)
    rows = day.check_marks(trades)
    h.say(f"{len(trades)} trades, {len(day.window_rows())} windows, {len(rows)} rows of the schedule: all as the seed says")
    day.stop()
    day.check_marks(trades)


h.run_test(test, "naru-day-")
