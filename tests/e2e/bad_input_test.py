# SPDX-License-Identifier: Apache-2.0
"""Bad input from outside, against a running node: each case gets a clear error where a person looks, nothing
acknowledged is lost, and the process goes on or ends with its reason."""
import json
import socket

import harness as h


def bulk(*pairs):
    return "".join(json.dumps(x, ensure_ascii=False) + "\n" for x in pairs)


def reason(reply):
    return reply["error"]["reason"] if isinstance(reply["error"], dict) else reply["error"]


def test(folder, started):
    rest = h.Rest(h.free_port())
    args = ["serve", "--path.data", folder / "data", "--http.port", rest.port, "--console.port", "-1", "--api.port", "-1"]
    server = h.Process("server", args, folder).start()
    started.append(server)
    h.wait_for("the server", rest.is_up, 10)

    # A bulk with a bad item: the others are in, the bad one has its reason.
    status, reply = rest.call("POST", "/mixed/_bulk", bulk({"index": {"_id": "1"}}, {"n": 1}, {"create": {"_id": "1"}}, {"n": 2},
                                                        {"index": {"_id": "3"}}, {"n": 3}))
    h.expect_equal(status, 200, "status of a mixed bulk")
    h.expect(reply["errors"] is True, "errors is true")
    h.expect_equal([list(i.values())[0]["status"] for i in reply["items"]], [201, 409, 201], "status of the items")
    rest.ok("POST", "/mixed/_refresh")
    h.expect_equal(rest.count("mixed"), 2, "documents of the mixed bulk")

    # Malformed JSON, a body without its last newline, an unknown query, a wrong parameter, a missing index.
    for method, path, body, want_status, words in (
            ("POST", "/mixed/_search", '{"query": {"match_all": {}', 400, ""),
            ("POST", "/mixed/_search", '{"query": {"matchall": {}}}', 400, "matchall"),
            ("GET", "/mixed/_search?siez=1", None, 400, "siez"),
            ("GET", "/nowhere/_search", None, 404, "nowhere"),
            ("PUT", "/BAD", None, 400, "lowercase"),
            ("POST", "/_bulk", '{"index":{"_index":"x"}}\n{"a":1}', 400, "newline"),
            ("PUT", "/mixed/_doc/9", '{"a": ', 400, ""),
            ("GET", "/mixed/_nothing", None, 400, ""),
            ("POST", "/mixed/_search", "[" * 100_000, 400, ""),
            ("POST", "/mixed/_search", json.dumps({"from": 20000, "size": 10}), 400, "10000")):
        status, reply = rest.call(method, path, body)
        h.expect_equal(status, want_status, f"status of {method} {path} {str(body)[:40]}")
        h.expect(words.lower() in json.dumps(reply).lower(), f"{method} {path}: the reason names {words!r}: {reply}")

    # A 10 MB string in a document and a document of invalid UTF-8: kept, or refused by name; the node lives.
    status, _ = rest.call("PUT", "/big/_doc/1?refresh=true", {"text": "x" * 10_000_000})
    h.expect_equal(status, 201, "a 10 MB document")
    h.expect_equal(rest.count("big"), 1, "the 10 MB document")
    status, _ = rest.call("PUT", "/utf/_doc/1", b'{"text": "\xff\xfe"}')
    h.expect(status in (201, 400), f"invalid UTF-8 has a clear answer, not {status}")

    # Garbage on the socket.
    with socket.create_connection(("127.0.0.1", rest.port)) as s:
        s.sendall(b"\x00\xff garbage\r\n\r\n")
        s.settimeout(0.5)
        try:
            s.recv(1000)
        except TimeoutError:
            pass    # it may wait for more
    h.expect(rest.is_up(), "the node lives after garbage")

    # A port in use, a folder in use, a folder that cannot be written.
    other = h.Process("other", [*args[:2], folder / "data2", *args[3:]], folder).start()
    started.append(other)
    h.wait_for("the end of the second node", lambda: not other.is_alive(), 10)
    h.expect(other.process.returncode == 1 and str(rest.port) in other.log(), f"a port in use is named: {other.log()!r}")
    same = h.Process("same", [*args[:4], h.free_port(), *args[5:]], folder).start()
    started.append(same)
    h.wait_for("the end of the third node", lambda: not same.is_alive(), 10)
    h.expect(same.process.returncode == 1 and str(server.process.pid) in same.log(), f"the holder is named: {same.log()!r}")
    (folder / "file").write_text("")
    blocked = h.Process("blocked", ["serve", "--path.data", folder / "file/x", *args[3:]], folder).start()
    started.append(blocked)
    h.wait_for("the end of the fourth node", lambda: not blocked.is_alive(), 10)
    h.expect(blocked.process.returncode == 1 and "/file" in blocked.log(), f"the folder is named: {blocked.log()!r}")

    # Configurations: a missing variable, an unknown plugin, a broken line: file:line:column and a caret.
    for name, text, words in (
            ("env", 'input { stdin { } }\noutput { file { path => "${NO_SUCH_VARIABLE}" } }\n', ("env.conf:2:", "NO_SUCH_VARIABLE")),
            ("plugin", "input { stdin { } }\nfilter { mutat { } }\n", ("plugin.conf:2:", "mutate")),
            ("comma", 'filter { mutate { add_tag => ["a"], uppercase => ["b"] } }\n', ("comma.conf:1:", ","))):
        path = folder / f"{name}.conf"
        path.write_text(text)
        run = h.Process(name, ["run", "-f", path, "-t", "--path.data", folder / "t"], folder).start()
        started.append(run)
        h.wait_for("the end of the check", lambda run=run: not run.is_alive(), 10)
        log = run.log()
        h.expect(run.process.returncode == 1 and all(w in log for w in words), f"{name}: {log!r} has {words}")
        h.expect("^" in log, f"{name}: there is a caret: {log!r}")

    # kill -9 after all of it: everything acknowledged is there again.
    server.kill()
    server.start()
    h.wait_for("the server again", rest.is_up, 10)
    # It answers at once and reads the log beside that: until then health is red.
    h.wait_for("its indices", lambda: rest.call("GET", "/_cluster/health")[1]["status"] != "red", 10)
    h.expect_equal((rest.count("mixed"), rest.count("big")), (2, 1), "documents after kill -9")
    h.expect_equal(server.stop(), 0, "exit status on SIGTERM")


h.run_test(test, "naru-bad-")
