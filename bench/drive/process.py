# SPDX-License-Identifier: Apache-2.0
"""The server as the kernel sees it: its process by the port it listens on, CPU seconds, memory, files; and starting a
naru of one's own."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")
LISTEN = "0A"
START_S = 20
STOP_S = 60


def pid_at(host, port):
    """The process that listens at a port of this machine, or None (another machine, another user's process)."""
    if host not in ("127.0.0.1", "localhost", "::1"):
        return None
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = pathlib.Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in (line.split() for line in lines):
            if fields[3] == LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            for fd in (folder / "fd").iterdir():
                if os.readlink(fd) in inodes:
                    return int(folder.name)
        except OSError:
            continue
    return None


class Process:
    """Figures of a process; all None when its id is not known."""

    def __init__(self, pid, data=None):
        self.pid, self.data = pid, data or (data_folder(pid) if pid else None)
        self.cpu_s_loaded = None  # its CPU seconds at the end of a load

    def cpu_s(self):
        if not self.pid:
            return None
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def memory_mb(self, what):
        """what: VmRSS or VmHWM, the peak."""
        if not self.pid:
            return None
        text = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(what + r":\s+(\d+)", text).group(1)) / 1024

    def forget_peak(self):
        """VmHWM starts anew from what is used now, where the kernel lets us."""
        try:
            pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")
        except OSError:
            pass


def data_folder(pid):
    """From the command line of naru (--path.data) or of a node of Elasticsearch."""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        here = pathlib.Path(os.readlink(f"/proc/{pid}/cwd"))
    except OSError:
        return None
    for at, word in enumerate(words):
        match = re.fullmatch(r"(?:--|-E)?path\.data=(.+)", word)
        if match:
            return here / match.group(1)
        if word in ("--path.data", "-basePath") and at + 1 < len(words):
            return here / words[at + 1]
    return here / "data" if len(words) > 1 and words[1] == "serve" else None


def bytes_of(folder):
    """What the files below a folder take on the disk."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass
    return total


def bytes_of_indices(data, names):
    """What the folders called by an index's name or UUID take; the whole data folder when there are none. None when it
    cannot be seen."""
    if not data or not os.path.isdir(data):
        return None
    total, found = 0, False
    for path, folders, _ in os.walk(data):
        for folder in [f for f in folders if f in names]:
            total += bytes_of(os.path.join(path, folder))
            folders.remove(folder)
            found = True
    return total if found else bytes_of(data)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Naru:
    """A naru of this run's own, in a folder that goes away with it."""

    def __init__(self, program):
        self.program = program
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="naru-bench-"))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        log = self.folder / "log"
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                [self.program, "serve", "--path.data", str(self.folder / "data"), "--http.port", str(self.port),
                 "--console.port", "-1", "--api.port", "-1", "--log.level", "warn"],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.folder)
        end = time.monotonic() + START_S
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        text = log.read_text(errors="replace")[-2000:]
        self.__exit__()
        raise SystemExit(f"bench: {self.program} does not answer\n{text}")

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
