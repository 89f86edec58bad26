# SPDX-License-Identifier: Apache-2.0
"""The console in a real Chromium over a running demo: Discover and the dashboard in both languages, the newest ticks.
With SCREENSHOTS=1 it writes the pictures of docs/images."""
import os
import shutil
import subprocess

import harness as h


def test(folder, started):
    if not (os.environ.get("CHROMIUM") or shutil.which("chromium")):
        h.skip("chromium is not installed")
    if not (h.ROOT / "web/node_modules").exists():
        h.skip("web/node_modules is not there: make test brings it")
    demo = h.Process("demo", ["demo", "--path.data", folder / "demo"], folder).start()
    started.append(demo)
    rest = h.Rest()
    h.wait_for("the demo's server", rest.is_up, 20)
    h.wait_for("two hours of trades", lambda: rest.count("stock") > 1000, 60)
    h.wait_for("archive rows", lambda: h.Rest(5601).ok("GET", "/api/status").get("archive_rows", 0) > 0, 60)
    env = {**os.environ, "BASE_URL": "http://127.0.0.1:5601", "NO_COLOR": "1"}
    run = subprocess.run([str(h.ROOT / "tools/node"), "npm", "--prefix", str(h.ROOT / "web"), "run", "--silent", "e2e"], env=env,
                         capture_output=True, text=True, timeout=300, check=False)
    print(run.stdout[-60000:], run.stderr[-3000:], flush=True)
    h.expect_equal(run.returncode, 0, "exit status of the browser's tests")
    h.expect_equal(demo.stop(), 0, "exit status of the demo on SIGTERM")


h.run_test(test, "naru-console-")
