# SPDX-License-Identifier: Apache-2.0
"""The stock day as a set of processes, and what it must come to: simulator, collector, shipper, server and window
pipeline, with the user's configuration files, against SQLite or MariaDB. The tests beside it run it in several ways."""
import collections
import csv
import io
import json
import sqlite3
import subprocess

import harness as h

DATE = "2026-11-20"             # the simulated day; the processes' clocks begin at its 09:00 in Korea
START_UTC = f"{DATE}T00:00:00Z"


class Trade(collections.namedtuple("Trade", "stock time price volume total high low")):
    """One line of the user's CSV."""

    def second(self):
        return int(self.time[:2]) * 3600 + int(self.time[2:4]) * 60 + int(self.time[4:])


def trades_from_seed(seed, extra):
    """Every trade of the day, computed from the seed alone."""
    run = subprocess.run([h.NARU, "sim", "kis", "--dump", "--seed", str(seed), "--date", DATE, *extra], capture_output=True,
                         text=True, check=True)
    return read_trades(run.stdout)


def read_trades(text):
    rows = []
    for number, row in enumerate(csv.reader(io.StringIO(text)), 1):
        h.expect(len(row) == 7, f"line {number} of the CSV has {len(row)} columns: {row}")
        rows.append(Trade(row[0], row[1], *map(int, row[2:])))
    return rows


def windows_of(trades):
    """Ten-minute windows by a plain computation: (stock, start second) -> open, high, low, close, volume, count."""
    windows = {}
    for t in sorted(trades, key=lambda t: (t.stock, t.second(), t.total)):
        key = (t.stock, t.second() // 600 * 600)
        w = windows.get(key)
        if w is None:
            windows[key] = [t.price, t.price, t.price, t.price, t.volume, 1]
        else:
            w[1], w[2], w[3] = max(w[1], t.price), min(w[2], t.price), t.price
            w[4] += t.volume
            w[5] += 1
    return windows


class StockDay:
    """The processes of one day. `sim_args`: further flags of the simulator."""

    def __init__(self, folder, started, seed=7, speed=600, database="sqlite", sim_args=(), clock_speed=None):
        self.folder, self.started, self.seed, self.speed = folder, started, seed, speed
        self.database, self.sim_args = database, [str(a) for a in sim_args]
        self.clock_speed = clock_speed if clock_speed is not None else speed
        self.rest = h.Rest()
        self.csv_path = folder / "stock.csv"
        self.sqlite_path = folder / "archive.db"
        self.maria = None
        self.config = folder / "conf"
        self.sim_port = 21000
        self.env = {
            "TZ": "Asia/Seoul",
            "STOCK_CSV": str(self.csv_path),
            "LAST_TIME_FILE": str(folder / "last_time"),
            "KIS_URL": f"ws://127.0.0.1:{self.sim_port}",
            "KIS_REST_URL": f"http://127.0.0.1:{self.sim_port}",
            "KIS_APP_KEY": "k" * 36,
            "KIS_SECRET_KEY": "s" * 180,
            "MYSQL_ADDR": "127.0.0.1:3316",
            "MYSQL_USER": "naru",
            "MYSQL_PASSWORD": "ferry",
            "SQLITE_PATH": str(self.sqlite_path),
        }

    def prepare(self):
        self.config.mkdir()
        for name in ("feed.conf", "csv_to_es.conf", "es_to_mysql.conf", "stock_10min.conf", "filebeat.yml"):
            text = (h.EXAMPLES / name).read_bytes()
            seed_file = h.SEEDS / name
            if seed_file.exists():
                h.expect(text == seed_file.read_bytes(), f"{name} is not the user's, byte for byte")
            if self.database == "sqlite":
                text = self.for_sqlite(name, text.decode()).encode()
            (self.config / name).write_bytes(text)
        if self.database == "mysql":
            self.maria = h.Maria(self.folder)
            self.started.append(self.maria)
            self.maria.start()
            self.maria.prepare_stock(h.EXAMPLES / "tables.mysql.sql")
        else:
            with sqlite3.connect(self.sqlite_path) as db:
                db.executescript((h.EXAMPLES / "tables.sqlite.sql").read_text())
        self.make_processes()

    def for_sqlite(self, name, text):
        """Only the connection string differs; the window's upsert is in SQLite's words in a file of its own."""
        if name == "stock_10min.conf":
            return (h.EXAMPLES / "stock_10min.sqlite.conf").read_text()
        lines = []
        for line in text.splitlines(keepends=True):
            if line.strip().startswith("connection_string"):
                line = '        connection_string => "jdbc:sqlite:${SQLITE_PATH}"\n'
            lines.append(line)
        return "".join(lines)

    def process(self, name, args):
        p = h.Process(name, args, self.folder, self.env)
        self.started.append(p)
        return p

    def make_processes(self):
        clock = ["--clock.start", START_UTC, "--clock.speed", self.clock_speed]
        conf = self.config
        self.sim = self.process("sim", ["sim", "kis", "--port", self.sim_port, "--seed", self.seed, "--speed", self.speed,
                                        "--date", DATE, *self.sim_args])
        self.feed = self.process("feed", ["run", "-f", conf / "feed.conf", "--path.data", self.folder / "data.feed"])
        self.ship = self.process("ship", ["ship", "-c", conf / "filebeat.yml", "--path.data", self.folder / "data.ship"])
        self.server = self.process("server", ["serve", "-f", conf / "csv_to_es.conf", "--path.data", self.folder / "data.server",
                                              "--api.port", "-1", *clock])
        self.archive = self.process("archive", ["run", "-f", conf / "es_to_mysql.conf", "--path.data",
                                                self.folder / "data.archive", *clock])
        self.windows = self.process("windows", ["run", "-f", conf / "stock_10min.conf", "--path.data",
                                                self.folder / "data.windows", *clock])

    def start(self):
        self.server.start()
        h.wait_for("the server", self.rest.is_up)
        self.windows.start()
        self.archive.start()
        self.ship.start()
        self.feed.start()
        self.sim.start()

    def lines(self):
        return sum(chunk.count(b"\n") for chunk in iter(lambda f=open(self.csv_path, "rb"): f.read(1 << 20), b"")) \
            if self.csv_path.exists() else 0

    def documents(self):
        return self.rest.count("stock")

    def window_rows(self):
        """(stock, start second) -> [open, high, low, close, volume, count] from the SQL table."""
        query = ("select mksc_shrn_iscd, window_start, open, high, low, close, volume, trade_count from stock_10min")
        rows = {}
        for row in self.sql(query):
            clock = row[1].replace("T", " ").split(" ")[1]
            hours, minutes, seconds = clock.split(":")
            key = (row[0], int(hours) * 3600 + int(minutes) * 60 + int(float(seconds)))
            h.expect(key not in rows, f"window {key} is there twice")
            rows[key] = [int(v) for v in row[2:]]
        return rows

    def sql(self, query):
        if self.maria:
            return self.maria.sql(query, "stock")
        with sqlite3.connect(f"file:{self.sqlite_path}?mode=ro", uri=True) as db:
            return [[str(v) for v in row] for row in db.execute(query)]

    def expected(self):
        return trades_from_seed(self.seed, [a for a in self.sim_args if a != "--resume"])

    def wait_for_all(self, count, timeout):
        """Lines, documents, then the sum of the windows' counts."""
        h.wait_for(f"{count} lines in the CSV", lambda: self.lines() >= count, timeout, 0.5)
        h.wait_for(f"{count} documents", lambda: self.documents() >= count, 60, 0.5)
        h.wait_for(f"{count} trades in the windows", lambda: sum(w[5] for w in self.window_rows().values()) >= count, 90, 0.5)

    def check(self, trades):
        """Every layer shows the same day as the seed."""
        got = read_trades(self.csv_path.read_text())
        h.expect_equal(len(got), len(trades), "lines in the CSV")
        h.expect_equal(sorted(got), sorted(trades), "trades in the CSV")
        h.expect_equal(self.documents(), len(trades), "documents in the index")
        body = {"size": 0, "track_total_hits": True, "aggs": {
            "volume": {"sum": {"field": "CNTG_VOL"}}, "high": {"max": {"field": "STCK_PRPR"}},
            "low": {"min": {"field": "STCK_PRPR"}}, "prices": {"sum": {"field": "STCK_PRPR"}}}}
        aggs = self.rest.ok("POST", "/stock/_search", body)["aggregations"]
        h.expect_equal(aggs["volume"]["value"], sum(t.volume for t in trades), "sum of volumes")
        h.expect_equal(aggs["prices"]["value"], sum(t.price for t in trades), "sum of prices")
        h.expect_equal(aggs["high"]["value"], max(t.price for t in trades), "highest price")
        h.expect_equal(aggs["low"]["value"], min(t.price for t in trades), "lowest price")
        want, rows = windows_of(trades), self.window_rows()
        h.expect_equal(sorted(rows), sorted(want), "windows in the table")
        for key, w in want.items():
            h.expect_equal(rows[key], w, f"window {key}")

    def check_marks(self, trades):
        """The scheduled query gave at most one row a ten-minute mark, each the newest trade of its moment, typed DATETIME."""
        rows = self.sql("select mksc_shrn_iscd, stck_cntg_hour, stck_prpr, cntg_vol, acml_vol from kr_stock_trade order by "
                        "stck_cntg_hour")
        h.expect(len(rows) > 0, "no row of the schedule is in kr_stock_trade")
        known = {(t.stock, t.time, t.price, t.volume, t.total) for t in trades}
        times = [row[1] for row in rows]
        h.expect_equal(len(set(times)), len(times), "distinct times in kr_stock_trade")
        for row in rows:
            date, clock = row[1].split(" ")
            h.expect_equal(date, DATE, "date of a row")
            trade = (row[0], clock.split(".")[0].replace(":", ""), *map(int, row[2:]))
            h.expect(trade in known, f"row {row} is no trade of the day")
        if self.maria:
            kind = self.maria.sql("select data_type from information_schema.columns where table_schema='stock' and "
                                  "table_name='kr_stock_trade' and column_name='stck_cntg_hour'")
            h.expect_equal(kind, [["datetime"]], "type of stck_cntg_hour")
        return rows

    def stop(self):
        for p in (self.feed, self.ship, self.archive, self.windows, self.server):
            status = p.stop()
            h.expect_equal(status, 0, f"exit status of {p.name} on SIGTERM")
        self.sim.stop()
