# SPDX-License-Identifier: Apache-2.0
"""What tools/layers and tools/tidy share: the list of files, and C text without its comments and strings."""
import os
import re
import subprocess
import sys

SKIPPED_FOLDERS = {".git", "build", "node_modules", "dist", ".tools"}


def files(root):
    """Paths relative to root: what git tracks and what it would, or all without git."""
    git = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        out = subprocess.run(git, check=True, capture_output=True).stdout.decode()
        names = [name for name in out.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, here in os.walk(root):
            folders[:] = [f for f in folders if f not in SKIPPED_FOLDERS]
            names += [os.path.relpath(os.path.join(folder, name), root) for name in here]
    return sorted({n for n in names if os.path.isfile(os.path.join(root, n))})


def text(root, name):
    """The file's text, or None when it is not UTF-8 (a picture, a test's broken input)."""
    with open(os.path.join(root, name), "rb") as f:
        data = f.read()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


def blank(match):
    """Keeps the line breaks, so that line numbers stay."""
    found = match.group()
    if found[0] in "\"'":
        return found[0] + " " * (len(found) - 2) + found[0]
    return re.sub(r"[^\n]", " ", found)


def code(c_text):
    """C text with comments, strings and characters blanked out."""
    return TOKEN.sub(blank, c_text)


class Report:
    def __init__(self, tool):
        self.tool = tool
        self.lines = []

    def add(self, name, line, what):
        self.lines.append((name, line, what))

    def finish(self):
        for name, line, what in sorted(self.lines):
            print(f"{name}:{line}: {what}")
        print(f"{self.tool}: {len(self.lines)} found")
        return 1 if self.lines else 0


def root_argument(usage):
    """The tree to look at: the only argument, or the folder above tools/."""
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        sys.exit(usage)
    here = os.path.dirname(os.path.abspath(__file__))
    return sys.argv[1] if len(sys.argv) == 2 else os.path.dirname(here)
