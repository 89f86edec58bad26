# SPDX-License-Identifier: Apache-2.0
"""The run of a suite from the command line to the tables."""
import argparse
import contextlib
import json
import pathlib
import re
import sys
import time

from drive import load, search, table
from drive.process import ROOT, Naru, Process, pid_at
from drive.rest import Refused, Rest

INGEST_ROWS = (
    ("docs/s", "docs_per_s", 0, True), ("MB/s of bodies", "mb_per_s", 1, True),
    ("server CPU s per 1M docs", "server_cpu_s_per_1m", 2, False), ("generator CPU s per 1M docs", "client_cpu_s_per_1m", 2, None),
    ("bulk p50 ms", "bulk_ms_p50", 1, False), ("bulk p99 ms", "bulk_ms_p99", 1, False), ("bulk max ms", "bulk_ms_max", 1, False),
    ("answers of 429", "retries_429", 0, None), ("refresh s", "refresh_s", 2, False), ("force-merge s", "merge_s", 2, False),
    ("server CPU s per 1M docs, load to merged", "merge_cpu_s_per_1m", 2, False),
    ("disk B/doc, _stats store", "store_bytes_per_doc", 1, False), ("disk B/doc, du", "du_bytes_per_doc", 1, False),
    ("RSS MB before", "rss_before_mb", 0, False), ("RSS MB after the load", "rss_after_load_mb", 0, False),
    ("RSS MB peak of the load", "rss_peak_mb", 0, False), ("RSS MB after the merge", "rss_after_merge_mb", 0, False),
)


def arguments(suite, docs):
    parser = argparse.ArgumentParser(description=f"The {suite.name} benchmark against one or two servers; see bench/README.md.")
    add = parser.add_argument
    add("--url", action="append", default=[], help="a server; twice: the second is the one compared with (default: a naru of its own)")
    add("--naru", default=str(ROOT / "build/release/naru"), help="the program that is started when there is no --url")
    add("--load-program", default=str(ROOT / "build/release/naru_load"))
    add("--data", action="append", default=[], help="data folder of the server of the same place, when it is not found by itself")
    add("--docs", type=int, default=docs)
    add("--seed", type=int, default=1)
    add("--prefix", default="", help="before every index name")
    add("--clients", type=int, default=2, help="of the load")
    add("--bulk", type=int, default=5000, help="documents of a request")
    add("--order", choices=("turns", "parts"), default="turns", help="how the clients share the corpus")
    add("--memory", default="8GiB", help="for bodies made before the clock starts")
    add("--no-load", dest="loads", action="store_false", help="the indices are there already")
    add("--no-merge", dest="merges", action="store_false", help="leave the segments as the load made them")
    add("--search-only", action="store_true", help="--no-load and --no-merge")
    add("--load-only", action="store_true", help="no searches")
    add("--keep", action="store_true", help="leave the indices")
    add("--ops", default="", help="only operations whose name has this regular expression")
    add("--warmup", type=int, default=20)
    add("--iterations", type=int, default=50)
    add("--op-seconds", type=float, default=3.0, help="a slow operation ends after so long on a server, but not before "
        f"{search.ITERATIONS_MIN} times")
    add("--json", help="writes all figures to a file too")
    add("--answers", help="writes both answers of each operation that differs into this folder")
    args = parser.parse_args()
    if len(args.url) > 2 or len(args.data) > max(1, len(args.url)):
        parser.error("at most two servers, and a data folder for each")
    if args.search_only:
        args.loads = args.merges = False
        args.keep = True
    return args


def ingest_table(names, all_figures):
    rows = [["", *names] + (["ratio"] if len(names) == 2 else [])]
    for title, key, digits, more_is_better in INGEST_ROWS:
        values = [figures.get(key) for figures in all_figures]
        if all(value is None for value in values):
            continue
        row = [title, *(table.number(value, digits) for value in values)]
        if len(names) == 2:
            a, b = values
            known = a and b and more_is_better is not None
            row.append(table.number((a / b if more_is_better else b / a) if known else None))
        rows.append(row)
    return rows


def answer_word(result):
    if any(result.is_unknown_to(s) for s in range(len(result.times))):
        return "n/a"
    if any(result.refusals):
        return "-"
    return "no" if result.difference else "yes"


def time_cell(result, server, share):
    if result.is_unknown_to(server):
        return "n/a"
    refusal = result.refusals[server]
    return ("error" if share == 0.5 else "") if refusal else table.number(result.p(server, share), 3)


def search_table(results, two):
    rows = [["operation", "p50 ms A"] + (["p50 ms B"] if two else []) + ["p90 A"] + (["p90 B", "ratio", "same answer"] if two else [])]
    servers = (0, 1) if two else (0,)
    for result in results:
        row = [result.op.name] + [time_cell(result, s, share) for share in (0.5, 0.9) for s in servers]
        rows.append(row + ([table.number(result.ratio()), answer_word(result)] if two else []))
    return rows


def tell_refusals(results, urls):
    count = 0
    for result in results:
        for server, refusal in enumerate(result.refusals):
            if refusal and result.is_unknown_to(server):
                print(f"n/a: {result.op.name}: {urls[server]} has it not (it came with {result.op.since}): {refusal.type}")
            elif refusal:
                count += 1
                print(f"error: {result.op.name}: {urls[server]}: error: {refusal.type}: {refusal.reason[:300]}")
    return count


def tell_differences(results, folder):
    count = 0
    for result in results:
        if result.difference:
            count += 1
            print(f"differs: {result.op.name}: {result.difference}")
            if folder:
                for letter, answer in zip("AB", result.answers):
                    path = pathlib.Path(folder) / f"{result.op.name}.{letter}.json"
                    path.write_text(json.dumps(answer, indent=1, ensure_ascii=False))
    return count


def summary(results, two, errors, differences):
    ratios = [(result.ratio(), result.op.name) for result in results if result.ratio() is not None]
    if two and ratios:
        slowest = min(ratios)
        print(f"geometric mean of {len(ratios)} ratios (how many times as long B takes): {table.geometric_mean([r for r, _ in ratios]):.2f}; "
              f"the lowest: {slowest[0]:.2f} ({slowest[1]}); below 1: {sum(r < 1 for r, _ in ratios)}")
    print(f"{len(results)} operations, {errors} without an answer" + (f", {differences} with different answers" if two else ""))


def as_json(args, suite, names, all_figures, results):
    def row(result):
        servers = range(len(names))
        return {"op": result.op.name, "p50_ms": [result.p(s, 0.5) for s in servers], "p90_ms": [result.p(s, 0.9) for s in servers],
                "times": [len(t) for t in result.times], "ratio": result.ratio(), "same": answer_word(result),
                "difference": result.difference, "errors": [str(r) if r else None for r in result.refusals]}
    return {"suite": suite.name, "docs": args.docs, "seed": args.seed, "servers": names, "ingest": all_figures,
            "operations": [row(result) for result in results],
            "geometric_mean": table.geometric_mean([r.ratio() for r in results if r.ratio() is not None])}


def name_of(rest):
    version = rest.call("GET", "/").get("version", {})
    return f"{rest.url} ({version.get('distribution') or version.get('build_flavor') or ''} {version.get('number', '?')})"


def show(rows):
    print()
    for line in table.lines(rows):
        print(line)
    print(flush=True)


def ingest(args, suite, rests, processes, names):
    indices = [args.prefix + name for name in suite.names]
    all_figures = [{} for _ in rests]
    for rest, process, figures in zip(rests, processes, all_figures):
        if args.loads:
            figures.update(load.fill(args, suite, indices, rest, process))
    if args.merges:
        for rest, process, figures in zip(rests, processes, all_figures):
            load.merge(args, suite, rest, process, figures)
        time.sleep(load.STORE_CACHE_S)
        for rest, process, figures in zip(rests, processes, all_figures):
            load.disk(args, suite, indices, rest, process, figures)
    if args.loads or args.merges:
        show(ingest_table(names, all_figures))
    return all_figures


def searches(args, suite, rests):
    results = []
    if args.load_only:
        return results
    wanted = re.compile(args.ops)
    for op in suite.operations:
        if wanted.search(op.name):
            results.append(search.run(op, rests, args.prefix + suite.index, args))
    return results


def run(suite, args, urls):
    rests = [Rest(url) for url in urls]
    processes = [Process(pid_at(rest.host, rest.port), at) for rest, at in zip(rests, args.data + [None, None])]
    two = len(rests) == 2
    names = [f"{letter}" for letter, _ in zip("AB", rests)]
    for letter, rest, process in zip("AB", rests, processes):
        print(f"{letter}: {name_of(rest)}, process {process.pid or 'not seen'}, data {process.data or 'not seen'}")
    print(f"{suite.name}: {args.docs} documents, seed {args.seed}, bulks of {args.bulk} by {args.clients} clients", flush=True)
    all_figures = ingest(args, suite, rests, processes, names)
    try:
        results = searches(args, suite, rests)
    finally:
        if not args.keep:
            for rest in rests:
                for name in suite.names:
                    with contextlib.suppress(Refused):
                        rest.call("DELETE", f"/{args.prefix}{name}")
    if args.answers:
        pathlib.Path(args.answers).mkdir(parents=True, exist_ok=True)
    errors = differences = 0
    for figures in all_figures:
        for refusal in figures.get("refusals", []):
            errors += 1
            print(f"error: {refusal}")
    if results:
        show(search_table(results, two))
        refused, differences = tell_refusals(results, urls), tell_differences(results, args.answers)
        errors += refused
        summary(results, two, refused, differences)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(as_json(args, suite, names, all_figures, results), indent=1) + "\n")
    return 1 if errors or differences else 0


def main(suite, docs):
    """Runs the suite as the command line says, with `docs` documents unless it names a number."""
    args = arguments(suite, docs)
    if args.loads and not pathlib.Path(args.load_program).is_file():
        sys.exit(f"bench: there is no {args.load_program}: run tools/build release")
    if args.url:
        sys.exit(run(suite, args, args.url))
    if not args.loads:
        sys.exit("bench: a naru of its own has no documents: --no-load needs a --url")
    with Naru(args.naru) as naru:
        status = run(suite, args, [naru.url])
    sys.exit(status)
