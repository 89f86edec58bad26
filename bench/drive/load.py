# SPDX-License-Identifier: Apache-2.0
"""Filling one server: indices anew, the load generator against it, refresh, merge, and what that took."""
import contextlib
import copy
import json
import pathlib
import subprocess
import sys
import time

from drive.process import bytes_of_indices
from drive.rest import Refused

LOAD_S_MAX = 3600
STORE_CACHE_S = 11  # Elasticsearch tells a store size of up to 10 s ago; the files that a merge replaced go meanwhile


def per_million(value, docs):
    return None if value is None else value * 1e6 / docs


def without(body, field):
    """The index body without one field of its mapping, given as "geoip.location"."""
    body = copy.deepcopy(body)
    at, *path, last = body["mappings"], *field.split(".")
    for name in path:
        at = at["properties"][name]
    del at["properties"][last]
    return body


def create(rest, names, suite):
    """Makes the indices anew; returns what the server refused of them: it is left out when nothing uses it."""
    body, refusals = suite.body, []
    for name in names:
        with contextlib.suppress(Refused):
            rest.call("DELETE", "/" + name)
    for field in [None, *suite.unused]:
        if field:
            body = without(body, field)
        try:
            rest.call("PUT", "/" + names[0], body)
            break
        except Refused as refused:
            if field == (suite.unused or [None])[-1]:
                sys.exit(f"bench: {rest.url} refuses the index: {refused}")
            refusals.append(f"{rest.url} refuses the mapping, so a field that nothing uses is left out there: {refused}")
    for name in names[1:]:
        rest.call("PUT", "/" + name, body)
    return refusals


def generate(args, suite, url):
    """Runs naru_load; its line as a value."""
    command = [args.load_program, "--corpus", suite.name, "--url", url, "--docs", args.docs, "--seed", args.seed, "--bulk",
               args.bulk, "--clients", args.clients, "--order", args.order, "--prefix", args.prefix, "--memory", args.memory]
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, timeout=LOAD_S_MAX, check=False)
    if done.returncode != 0:
        sys.exit(f"bench: the load of {url} failed (the reason is above)")
    return json.loads(done.stdout)


def seconds_of(what):
    begin = time.monotonic()
    what()
    return time.monotonic() - begin


def fill(args, suite, names, rest, process):
    """Loads the corpus into fresh indices; the figures by name."""
    figures = {"refusals": create(rest, names, suite)}
    process.forget_peak()
    before = process.memory_mb("VmRSS")
    cpu = process.cpu_s()
    made = generate(args, suite, rest.url)
    process.cpu_s_loaded = process.cpu_s()
    spent = None if cpu is None else process.cpu_s_loaded - cpu
    expected = {index["name"]: index["docs"] for index in made["indices"]}
    if list(expected) != names:
        sys.exit(f"bench: naru_load filled {list(expected)} and not {names}")
    figures |= {"docs": args.docs, "docs_per_s": made["docs_per_s"], "mb_per_s": made["bytes"] / made["seconds"] / 1e6,
               "server_cpu_s_per_1m": per_million(spent, args.docs),
               "client_cpu_s_per_1m": per_million(made["client_cpu_s"], args.docs), "bulk_ms_p50": made["bulk_ms_p50"],
               "bulk_ms_p99": made["bulk_ms_p99"], "bulk_ms_max": made["bulk_ms_max"], "retries_429": made["retries_429"],
               "rss_before_mb": before, "rss_after_load_mb": process.memory_mb("VmRSS"),
               "rss_peak_mb": process.memory_mb("VmHWM"), "prepared_docs": made["prepared_docs"]}
    figures["refresh_s"] = seconds_of(lambda: rest.call("POST", f"/{args.prefix}{suite.index}/_refresh"))
    for name, docs in expected.items():
        found = rest.call("GET", f"/{name}/_count")["count"]
        if found != docs:
            sys.exit(f"bench: {rest.url} holds {found} documents in {name}, {docs} were acknowledged")
    return figures


def merge(args, suite, rest, process, figures):
    """One segment per index."""
    path = f"/{args.prefix}{suite.index}"
    begin_cpu = process.cpu_s() if process.cpu_s_loaded is None else process.cpu_s_loaded
    figures["merge_s"] = seconds_of(lambda: rest.call("POST", path + "/_forcemerge?max_num_segments=1"))
    rest.call("POST", path + "/_flush?wait_if_ongoing=true")
    rest.call("POST", path + "/_refresh")
    figures["merge_cpu_s_per_1m"] = per_million(None if begin_cpu is None else process.cpu_s() - begin_cpu, args.docs)


def disk(args, suite, names, rest, process, figures):
    """What the merged indices take."""
    path = f"/{args.prefix}{suite.index}"
    stats = rest.call("GET", path + "/_stats")
    figures["store_bytes_per_doc"] = stats["_all"]["primaries"]["store"]["size_in_bytes"] / args.docs
    called = set(names)
    try:
        settings = rest.call("GET", path + "/_settings")
        called |= {index["settings"]["index"].get("uuid", "") for index in settings.values()} - {""}
    except Refused as refused:
        print(f"bench: {rest.url} does not tell its indices' UUIDs ({refused}): du may be of the whole data folder")
    used = bytes_of_indices(process.data and pathlib.Path(process.data), called)
    figures["du_bytes_per_doc"] = None if used is None else used / args.docs
    figures["rss_after_merge_mb"] = process.memory_mb("VmRSS")
