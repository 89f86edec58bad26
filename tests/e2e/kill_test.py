# SPDX-License-Identifier: Apache-2.0
"""The same day while shipper, server, window pipeline and collector are each killed with -9 again and again at random
moments and started again. The collector: a trade that was in its hands is lost, as with the real feed, but the CSV has no torn
and no doubled line. The others: every CSV line is a document exactly once, windows as computed from those lines.
Usage: kill_test.py sqlite|mysql [ROUNDS [SEED]]"""
import random
import sys
import threading
import time

import harness as h
from stock import StockDay, read_trades

DATABASE = sys.argv[1] if len(sys.argv) > 1 else "sqlite"
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 11
SPEED = 600
SECONDS = max(20, ROUNDS * 3)


def until(seconds):
    """HH:MM at which a market that opens at 09:00 has run for so many real seconds."""
    minutes = min(9 * 60 + int(seconds * SPEED / 60), 15 * 60 + 30)
    return f"{minutes // 60:02}:{minutes % 60:02}"


def killer(process, rng, rounds, span, stop):
    """Kills the process at random moments, so that all rounds fit into the span."""
    for _ in range(rounds):
        time.sleep(rng.uniform(0.2, span / rounds))
        if stop.is_set():
            return
        if process.is_alive():
            process.kill()
        time.sleep(rng.uniform(0, 0.3))
        process.start()


def test(folder, started):
    if DATABASE == "mysql" and not h.Maria(folder).is_there():
        h.skip("mariadb-server is not installed")
    sim_args = ["--resume", "--until", until(SECONDS)]
    day = StockDay(folder, started, seed=SEED, speed=SPEED, database=DATABASE, sim_args=sim_args)
    trades = day.expected()
    h.say(f"{len(trades)} trades, {ROUNDS} kills of each of four processes, seed {SEED}")
    day.prepare()
    day.start()
    stop = threading.Event()
    rng = random.Random(SEED)
    threads = [threading.Thread(target=killer, args=(p, random.Random(rng.random()), ROUNDS, SECONDS, stop))
               for p in (day.feed, day.ship, day.server, day.windows)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for p in (day.feed, day.ship, day.server, day.windows):
        if not p.is_alive():
            p.start()
    h.wait_for("the server", day.rest.is_up, 30)
    h.wait_for("the end of the simulated day", lambda: "the day is over" in day.sim.log(), 60)
    time.sleep(1.5)
    lines = read_trades(day.csv_path.read_text())
    h.expect_equal(len(set(lines)), len(lines), "distinct lines in the CSV")
    h.expect(set(lines) <= set(trades), "every line of the CSV is a trade of the day")
    h.expect(len(lines) > len(trades) / 2, f"the collector collects: {len(lines)} of {len(trades)}")
    h.say(f"{len(lines)} of {len(trades)} trades were collected")
    day.wait_for_all(len(lines), 120)
    time.sleep(2)   # a document too many would come now
    day.check(lines)
    if day.sql("select count(*) from kr_stock_trade") != [["0"]]:
        day.check_marks(lines)
    h.say(f"killed {sum(p.start_count - 1 for p in (day.feed, day.ship, day.server, day.windows))} times: nothing lost, nothing doubled")
    day.stop()


h.run_test(test, "naru-kill-")
