# SPDX-License-Identifier: Apache-2.0
"""Two pipelines in one `naru run`, two `naru run` with their own folders, and the clear refusal when they share one."""
import time

import harness as h

GENERATE = 'input { generator { count => 3 message => "%s" } } output { file { path => "%s" codec => line { format => "%%{message}" } } }\n'


def test(folder, started):
    a, b = folder / "a.conf", folder / "b.conf"
    a.write_text(GENERATE % ("from a", folder / "a.out"))
    b.write_text(GENERATE % ("from b", folder / "b.out"))
    both = h.Process("both", ["run", "-f", a, "-f", b, "--path.data", folder / "data"], folder).start()
    started.append(both)
    h.wait_for("the end of both pipelines", lambda: not both.is_alive(), 20)
    h.expect_equal(both.process.returncode, 0, "exit status")
    h.expect_equal((folder / "a.out").read_text(), "from a\n" * 3, "events of a")
    h.expect_equal((folder / "b.out").read_text(), "from b\n" * 3, "events of b")

    wait = folder / "wait.conf"
    wait.write_text("input { beats { port => %d host => '127.0.0.1' } } output { null { } }\n" % h.free_port())
    wait2 = folder / "wait2.conf"
    wait2.write_text("input { beats { port => %d host => '127.0.0.1' } } output { null { } }\n" % h.free_port())
    first = h.Process("first", ["run", "-f", wait, "--path.data", folder / "one"], folder).start()
    started.append(first)
    h.wait_for("the folder's lock", lambda: (folder / "one").exists() and first.is_alive(), 10)
    second = h.Process("second", ["run", "-f", wait2, "--path.data", folder / "two"], folder).start()
    started.append(second)

    time.sleep(1)
    h.expect(first.is_alive() and second.is_alive(), "two processes with folders of their own do not disturb each other")
    third = h.Process("third", ["run", "-f", wait, "--path.data", folder / "one"], folder).start()
    started.append(third)
    h.wait_for("the refusal", lambda: not third.is_alive(), 10)
    h.expect(third.process.returncode == 1 and str(first.process.pid) in third.log(),
             f"the refusal names the process that holds the folder: {third.log()!r}")
    h.expect_equal(first.stop(), 0, "exit status on SIGTERM")
    h.expect_equal(second.stop(), 0, "exit status on SIGTERM")


h.run_test(test, "naru-two-")
