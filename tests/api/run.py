# SPDX-License-Identifier: Apache-2.0
"""API goldens: tests/api/<endpoint>/NNNN-name.json, each a list of steps against a fresh set of indices.

A step is {"do": "METHOD /path", "body": …, "status": 200, "reply": …}; `body` may be a list under "lines" for NDJSON, a text
under "raw". `reply` is a part of what must come: objects may have more members, arrays must have the same length. Texts
"/…/" are regular expressions, {"$any": true} is anything, {"$missing": true}: the member is not there, {"$lines": […]}: lines of
a text reply. With --url the same runs against any server, for example a real Elasticsearch."""
import argparse
import http.client
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


def difference(want, got, path=""):
    """None, or a text that says where the two differ."""
    if isinstance(want, dict) and "$any" in want:
        return None
    if isinstance(want, dict) and "$lines" in want:
        lines = [re.sub(r" +", " ", line).strip() for line in str(got).splitlines()]
        return difference(want["$lines"], lines, path)
    if isinstance(want, dict):
        if not isinstance(got, dict):
            return f"{path}: expected an object, got {got!r}"
        for key, value in want.items():
            if isinstance(value, dict) and "$missing" in value:
                if key in got:
                    return f"{path}.{key}: should not be there, is {got[key]!r}"
                continue
            if key not in got:
                return f"{path}.{key}: is missing"
            problem = difference(value, got[key], f"{path}.{key}")
            if problem:
                return problem
        return None
    if isinstance(want, list):
        if not isinstance(got, list) or len(want) != len(got):
            return f"{path}: expected {len(want)} items, got {got!r}"
        for i, value in enumerate(want):
            problem = difference(value, got[i], f"{path}[{i}]")
            if problem:
                return problem
        return None
    if isinstance(want, str) and len(want) > 1 and want[0] == want[-1] == "/":
        return None if re.search(want[1:-1], str(got)) else f"{path}: {got!r} does not match {want}"
    if isinstance(want, bool) != isinstance(got, bool) or want != got:
        return f"{path}: expected {want!r}, got {got!r}"
    return None


class Server:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def call(self, method, path, step):
        data, headers = None, {"content-type": "application/json"}
        if "lines" in step:
            data = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in step["lines"])
            headers["content-type"] = "application/x-ndjson"
        elif "raw" in step:
            data = step["raw"]
        elif "body" in step:
            data = json.dumps(step["body"], ensure_ascii=False)
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, data.encode() if data is not None else None, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        try:
            return reply.status, json.loads(text) if text else None
        except ValueError:
            return reply.status, text


def run_file(server, path):
    """None, or what went wrong."""
    server.call("DELETE", "/g-*", {})
    for number, step in enumerate(json.loads(path.read_text()), 1):
        method, target = step["do"].split(" ", 1)
        status, reply = server.call(method, target, step)
        want = step.get("status", 200)
        problem = None if status in (want if isinstance(want, list) else [want]) else f"status {status}, expected {want}: {reply}"
        if not problem and "reply" in step:
            problem = difference(step["reply"], reply)
            problem = problem and f"{problem}\n      whole reply: {json.dumps(reply, ensure_ascii=False)[:2000]}"
        if problem:
            return f"step {number} ({step['do']}): {problem}"
    return None


def start_naru(program, folder):
    process = subprocess.Popen([program, "serve", "--path.data", folder, "--http.port", "0", "--console.port", "-1", "--api.port", "-1"],
                               stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 20
    while time.monotonic() < end:
        line = process.stderr.readline()
        found = re.search(r"REST\s+(http://\S+)", line)
        if found:
            return process, found.group(1)
        if not line and process.poll() is not None:
            break
    process.kill()
    sys.exit(f"{program} did not start")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--naru", default=str(ROOT / "build/dev/naru"))
    parser.add_argument("--url")
    parser.add_argument("patterns", nargs="*")
    args = parser.parse_args()
    files = [f for f in sorted(HERE.glob("*/*.json")) if not args.patterns or any(p in str(f) for p in args.patterns)]
    process = None
    passed = failed = 0
    with tempfile.TemporaryDirectory(prefix="naru-api-") as folder:
        url = args.url
        if not url:
            process, url = start_naru(args.naru, folder)
        server = Server(url)
        for path in files:
            try:
                problem = run_file(server, path)
            except (OSError, http.client.HTTPException) as e:
                problem = f"the server did not answer: {e}"
            name = path.relative_to(HERE)
            if problem:
                failed += 1
                print(f"FAILED {name}: {problem}")
            else:
                passed += 1
        if process:
            process.terminate()
            if process.wait(20) != 0:
                print(f"FAILED: naru ended with status {process.returncode}")
                failed += 1
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)


main()
