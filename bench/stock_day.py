#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""From file to searchable: how many CSV lines a second go through ship, Beats, csv_to_es.conf's filters and the engine.

    python3 bench/stock_day.py [--naru build/release/naru] [--events 1000000] [--workers N]

Prints one table: with the user's configuration as it stands (ruby in the path, stdout left out), and with the ruby filter
left out (the date is put together by mutate). CPU seconds are those of shipper and server together, the machine's cores are shared
with nothing else. The figures mean nothing by themselves: compare two binaries on one machine in one run."""
import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/e2e"))
import harness as h  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_peak_mb(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", text).group(1)) / 1024


def without_stdout(text):
    return re.sub(r"stdout\s*\{\s*codec\s*=>\s*rubydebug\s*\}", "", text)


def without_ruby(text):
    text = re.sub(r"  ruby \{\n    code => '.*?'\n  \}\n", "", text, flags=re.S)
    # The same field by mutate: HHMMSS with the day in front; the date filter reads that form.
    text = text.replace('"yyyy-MM-dd HH:mm:ss"', '"yyyy-MM-dd HHmmss"')
    return text.replace('"STCK_CNTG_HOUR" => "%{[message][1]}"', '"STCK_CNTG_HOUR" => "2026-11-20 %{[message][1]}"')


def make_csv(naru, path, count):
    """`count` lines from the simulator's seeds, several days one behind the other."""
    lines, day = 0, 1
    with open(path, "wb") as out:
        while lines < count:
            run = subprocess.run([naru, "sim", "kis", "--dump", "--seed", str(day), "--date", "2026-11-20", "--rate", "50"],
                                 capture_output=True, check=True)
            part = run.stdout.splitlines(keepends=True)[:count - lines]
            out.writelines(part)
            lines += len(part)
            day += 1


def measure(args, folder, name, config):
    folder = folder / name
    folder.mkdir()
    (folder / "p.conf").write_text(config)
    rest = h.Rest()
    env = {"TZ": "Asia/Seoul", "STOCK_CSV": str(args.csv)}
    serve = ["serve", "-f", folder / "p.conf", "--path.data", folder / "data", "--console.port", "-1", "--api.port", "-1"]
    if args.workers:
        serve += ["--pipeline.workers", args.workers]
    server = h.Process("server", serve, folder, env, args.naru).start()
    ship = h.Process("ship", ["ship", "-c", ROOT / "examples/stock/filebeat.yml", "--path.data", folder / "ship", "--once"], folder,
                     env, args.naru)
    try:
        h.wait_for("the server", rest.is_up, 20)
        idle = cpu_seconds(server.process.pid)
        begin = time.monotonic()
        before = os.times()
        ship.start()
        h.wait_for("all documents", lambda: rest.count("stock") >= args.events, args.timeout, 0.02)
        seconds = time.monotonic() - begin
        h.wait_for("the shipper's end", lambda: not ship.is_alive(), 60)
        after = os.times()
        ship_cpu = after.children_user + after.children_system - before.children_user - before.children_system
        server_cpu = cpu_seconds(server.process.pid) - idle
        h.expect_equal(rest.count("stock"), args.events, "documents")
        return {"events_per_s": args.events / seconds, "cpu_s_per_1m": (ship_cpu + server_cpu) * 1e6 / args.events,
                "ship_cpu": ship_cpu * 1e6 / args.events, "server_cpu": server_cpu * 1e6 / args.events,
                "rss": rss_peak_mb(server.process.pid)}
    finally:
        if server.is_alive():
            server.process.send_signal(signal.SIGTERM)
            server.process.wait(30)
        if ship.is_alive():
            ship.kill()


def main():
    h.enter_own_network()
    parser = argparse.ArgumentParser()
    parser.add_argument("--naru", default=str(ROOT / "build/release/naru"))
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--timeout", type=float, default=300)
    parser.add_argument("--only", choices=["ruby", "plain"])
    args = parser.parse_args()
    text = without_stdout((ROOT / "examples/stock/csv_to_es.conf").read_text())
    variants = [("ruby", "csv_to_es.conf, ruby in the path", text), ("plain", "the same without ruby", without_ruby(text))]
    with tempfile.TemporaryDirectory(prefix="naru-bench-") as folder:
        folder = pathlib.Path(folder)
        args.csv = folder / "stock.csv"
        make_csv(args.naru, args.csv, args.events)
        print(f"{args.events} lines, {args.csv.stat().st_size / 1e6:.1f} MB, {os.cpu_count()} cores")
        print(f"{'':34} {'events/s':>10} {'CPU s/1M':>9} {'ship':>6} {'server':>7} {'RSS MB':>7}")
        for name, title, config in variants:
            if args.only and args.only != name:
                continue
            r = measure(args, folder, name, config)
            print(f"{title:34} {r['events_per_s']:10.0f} {r['cpu_s_per_1m']:9.2f} {r['ship_cpu']:6.2f} {r['server_cpu']:7.2f} {r['rss']:7.0f}",
                  flush=True)


main()
