# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a network of their own, naru processes, a private MariaDB, REST calls.

Every test runs in a network namespace when it may (root), so that the user's configuration files can keep their
ports (5044, 9200) whatever else runs on the machine. Nothing but the Python standard library is used."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = pathlib.Path(__file__).resolve().parents[2]
NARU = os.environ.get("NARU", str(ROOT / "build/dev/naru"))
EXAMPLES = ROOT / "examples/stock"
SEEDS = ROOT.parent / "shared/seeds/configs"


class Failed(Exception):
    """An expectation did not hold."""


def say(text):
    print(f"[{time.strftime('%H:%M:%S')}] {text}", flush=True)


def skip(reason):
    """Ends the test as skipped: ctest knows this exit status."""
    print(f"SKIPPED: {reason}", flush=True)
    sys.exit(77)


def enter_own_network():
    """Restarts the script in a fresh network namespace with loopback up. Without the right to do that it stays,
    and says so: the fixed ports must be free then."""
    if os.environ.get("NARU_E2E_NETNS"):
        return
    probe = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    if probe.returncode != 0:
        say("no right to a network namespace: the ports 5044 and 9200 of this machine are used")
        return
    os.environ["NARU_E2E_NETNS"] = "1"
    up = "import fcntl,socket,struct;s=socket.socket();fcntl.ioctl(s,0x8914,struct.pack('16sh14x',b'lo',0x49))"
    command = [sys.executable, "-c", f"{up}\nimport os,sys;os.execv(sys.argv[1],sys.argv[1:])",
               sys.executable, *sys.argv]
    os.execvp("unshare", ["unshare", "-n", *command])


def wait_for(what, condition, timeout=30.0, interval=0.05):
    """Waits until the condition gives something true and returns that."""
    end = time.monotonic() + timeout
    last = None
    while time.monotonic() < end:
        try:
            result = condition()
            if result:
                return result
        except (OSError, http.client.HTTPException, ValueError) as e:
            last = e
        time.sleep(interval)
    raise Failed(f"waited {timeout:.0f} s in vain for {what}" + (f" (last: {last})" if last else ""))


def expect(holds, text):
    if not holds:
        raise Failed(text)


def expect_equal(got, want, what):
    if got != want:
        raise Failed(f"{what}: got {got!r}, expected {want!r}")


class Rest:
    """The Elasticsearch REST API of one node."""

    def __init__(self, port=9200, host="127.0.0.1"):
        self.host, self.port = host, port

    def call(self, method, path, body=None, timeout=60):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        data, headers = None, {}
        if body is not None:
            data = body if isinstance(body, (bytes, str)) else json.dumps(body)
            if isinstance(data, str):
                data = data.encode()
            headers["content-type"] = "application/json"
        try:
            connection.request(method, path, data, headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        finally:
            connection.close()
        is_json = "json" in (reply.getheader("content-type") or "")
        return reply.status, json.loads(text) if is_json and text else text

    def ok(self, method, path, body=None, timeout=60):
        status, reply = self.call(method, path, body, timeout)
        expect(status < 300, f"{method} {path}: {status} {reply}")
        return reply

    def is_up(self):
        return self.call("GET", "/", timeout=2)[0] == 200

    def count(self, index):
        status, reply = self.call("GET", f"/{index}/_count")
        return reply["count"] if status == 200 else 0


class Process:
    """A naru process (or another program) that logs to a file and can be killed and started again."""

    def __init__(self, name, args, folder, env=None, program=None):
        self.name, self.args, self.folder = name, [str(a) for a in args], pathlib.Path(folder)
        self.env = {**os.environ, **(env or {})}
        self.program = program or NARU
        self.log_path = self.folder / f"{name}.log"
        self.process = None
        self.start_count = 0

    def start(self):
        self.start_count += 1
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen([self.program, *self.args], stdout=log, stderr=log, env=self.env,
                                        cwd=self.folder, stdin=subprocess.DEVNULL)
        log.close()
        return self

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9, and waits until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, timeout=15):
        """SIGTERM; must end within the timeout. Returns the exit status."""
        if self.process is None:
            return None
        if self.is_alive():
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Failed(f"{self.name} did not stop within {timeout} s of SIGTERM") from None
        return self.process.returncode

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def tail(self, lines=25):
        return "\n".join(f"    {self.name}: {line}" for line in self.log().splitlines()[-lines:])


class Maria:
    """A MariaDB of our own in a folder, on a Unix socket and a loopback port."""

    def __init__(self, folder, port=3316):
        self.folder, self.port = pathlib.Path(folder) / "mariadb", port
        self.socket = str(pathlib.Path(tempfile.mkdtemp(prefix="maria")) / "s")
        self.server = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
        self.installer = shutil.which("mariadb-install-db") or "/usr/bin/mariadb-install-db"
        self.client = shutil.which("mariadb") or "/usr/bin/mariadb"
        self.process = None

    def is_there(self):
        return all(os.path.exists(p) for p in (self.server, self.installer, self.client))

    def user_args(self):
        return ["--user=root"] if os.geteuid() == 0 else []

    def start(self):
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            subprocess.run([self.installer, "--no-defaults", f"--datadir={self.folder}", "--auth-root-authentication-method=normal",
                            "--skip-test-db", *self.user_args()], check=True, capture_output=True)
        log = open(self.folder.parent / "mariadb.log", "ab")
        self.process = subprocess.Popen(
            [self.server, "--no-defaults", f"--datadir={self.folder}", f"--socket={self.socket}", f"--port={self.port}",
             "--bind-address=127.0.0.1", f"--pid-file={self.folder}/pid", "--innodb-buffer-pool-size=32M",
             "--innodb-log-file-size=16M", *self.user_args()], stdout=log, stderr=log)
        log.close()
        wait_for("MariaDB", lambda: self.sql("select 1") == [["1"]], timeout=60, interval=0.3)
        return self

    def sql(self, text, database=None):
        """Runs SQL as root; rows as lists of text."""
        command = [self.client, "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch", "--skip-column-names"]
        if database:
            command.append(database)
        run = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            raise OSError(run.stderr.strip())
        return [line.split("\t") for line in run.stdout.splitlines()]

    def prepare_stock(self, schema_file):
        """The database, its tables and a user for the pipelines."""
        self.sql("create database if not exists stock; "
                 "create user if not exists 'naru'@'127.0.0.1' identified by 'ferry'; "
                 "create user if not exists 'naru'@'localhost' identified by 'ferry'; "
                 "grant all on stock.* to 'naru'@'127.0.0.1'; grant all on stock.* to 'naru'@'localhost';")
        self.sql(pathlib.Path(schema_file).read_text(), "stock")

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        shutil.rmtree(os.path.dirname(self.socket), ignore_errors=True)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run_test(function, prefix):
    """Runs one test in a folder that is kept when it fails; prints the closing line and exits."""
    enter_own_network()
    folder = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    started = []
    begin = time.monotonic()
    try:
        function(folder, started)
    except Failed as e:
        for process in started:
            if isinstance(process, Process):
                print(process.tail())
        print(f"FAILED: {e}\n    kept: {folder}", flush=True)
        status = 1
    except Exception:   # a bug of the test, or a server that hung up: the folder is kept all the same
        traceback.print_exc()
        for process in started:
            if isinstance(process, Process):
                print(process.tail())
        print(f"FAILED\n    kept: {folder}", flush=True)
        status = 1
    else:
        print(f"ok ({time.monotonic() - begin:.1f} s)", flush=True)
        status = 0
    finally:
        for process in reversed(started):
            try:
                process.kill() if isinstance(process, Process) and process.is_alive() else None
                process.stop()
            except (Failed, OSError):
                pass
    if status == 0:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(status)
