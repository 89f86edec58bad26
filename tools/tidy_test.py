# SPDX-License-Identifier: Apache-2.0
"""Checks that tools/layers and tools/tidy find what they are for: each case is a small tree with one fault."""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n"
GOOD = {
    "src/LAYERS": "# comment\nbase:\nos: base\npipeline: base os\n",
    "src/base/a.h": HEAD,
    "src/base/a_int.h": HEAD,
    "src/base/a.c": HEAD + '#include "base/a_int.h"\nvoid *f(void)\n{\n    return malloc(1);\n}\n',
    "src/base/README.md": "base\n",
    "src/os/o.c": HEAD + '#include "base/a.h"\nint f(void)\n{\n    return open("x", 0);\n}\n',
    "src/os/README.md": "os\n",
    "src/pipeline/README.md": "pipeline\n",
    "src/pipeline/filters/filters.tbl": "FILTER(date)\n",
    "src/pipeline/filters/date.c": HEAD + "/* open( and strcpy( in a comment */\nstatic const char *s = \"free(\";\n"
                                           "const struct filter_type filter_date = {0};\n",
    "src/pipeline/filters/date_test.c": HEAD + '#include "support/test.h"\nint fd(void)\n{\n    return open("x", 0);\n}\n',
    "src/pipeline/filters/date.md": "date\n",
    "modules/ruby/ruby.c": HEAD + '#include "base/a.h"\n#include "pipeline/x.h"\n',
}


def run(tool, changes):
    """The tool's exit status and output over the good tree with some files changed (None: removed)."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in {**GOOD, **changes}.items():
            if content is None:
                continue
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
        done = subprocess.run([sys.executable, os.path.join(HERE, tool), root], capture_output=True,
                              text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class Tools(unittest.TestCase):
    def finds(self, tool, changes, text):
        status, out = run(tool, changes)
        self.assertIn(text, out)
        self.assertEqual(status, 1, out)

    def passes(self, tool, changes):
        status, out = run(tool, changes)
        self.assertEqual(status, 0, out)

    def test_layers(self):
        self.passes("layers", {})
        self.passes("layers", {"modules/ruby/ruby.c": HEAD + '#include "ruby_int.h"\n',
                               "modules/ruby/ruby_int.h": HEAD})
        for changes, text in (
            ({"src/base/b.c": HEAD + '#include "os/o.h"\n'}, "src/base/b.c:2: base may not include os/o.h"),
            ({"src/os/p.c": HEAD + '#include "base/a_int.h"\n'}, "src/os/p.c:2: base/a_int.h is for"),
            ({"src/os/p.c": HEAD + '#include "p.h"\n'}, "by its folder"),
            ({"src/os/p.c": HEAD + '#include "support/test.h"\n'}, "os may not include support/test.h"),
            ({"src/new/n.c": HEAD}, "src/LAYERS has no line for new"),
            ({"src/LAYERS": "base: os\nos: base\npipeline: base os\n"}, "base names os, which is no earlier"),
            ({"src/LAYERS": "base:\nbase:\nos: base\npipeline: base os\n"}, "base has two lines"),
            ({"src/LAYERS": "base\n"}, "not a line of the form"),
            ({"modules/ruby/ruby.c": HEAD + '#include "cli/x.h"\n'}, "modules may not include cli/x.h"),
        ):
            self.finds("layers", changes, text)

    def test_tidy_calls(self):
        self.passes("tidy", {})
        body = HEAD + "void f(char *p)\n{\n    %s\n}\n"
        faults, fine = {}, {}
        for n, call in enumerate(("strcpy(p, p)", "sprintf(p, p)", "atoi(p)", "strtok(p, p)", "gmtime(0)",
                                  "localtime_r(0, 0)")):
            for home in ("src/base/%d.c", "src/os/%d.c", "src/base/%d_test.c", "modules/ruby/%d.c"):
                faults[home % n] = (call, "is banned")
        for n, call in enumerate(("malloc(1)", "free(p)", "strdup(p)")):
            faults[f"src/os/m{n}.c"] = (call, "is for src/base only")
            fine[f"src/base/m{n}.c"] = fine[f"src/os/m{n}_test.c"] = call
        for n, call in enumerate(("open(p, 0)", "rename(p, p)", "socket(0, 0, 0)", "unlink(p)", "clock_gettime(0, 0)")):
            faults[f"src/pipeline/s{n}.c"] = (call, "is a system call")
            fine[f"modules/ruby/s{n}.c"] = call
        for n, call in enumerate(("fs->ops->open(p)", "x.free(p)", "my_free(p)", "openx(p)", "int (*open)(char *) = 0",
                                  "}\nstatic int\nbind(int x)\n{\n    return bind(x - 1)")):
            fine[f"src/pipeline/f{n}.c"] = call
        self.passes("tidy", {name: body % (call + ";") for name, call in fine.items()})
        status, out = run("tidy", {name: body % (call + ";") for name, (call, _) in faults.items()})
        self.assertEqual(status, 1)
        for name, (call, why) in faults.items():
            self.assertIn(f"{name}:4: {call.split('(')[0]} {why}", out)
        self.assertIn(f"tidy: {len(faults)} found", out)

    def test_tidy_allowing(self):
        body = "void f(char *p)\n{\n%s\n}\n"
        self.passes("tidy", {"src/os/b.c": HEAD + body % "    free(p); /* tidy: allow free: the library's */"})
        self.passes("tidy", {"src/os/b.c": HEAD + body % "    /* tidy: allow free: the library's */\n    free(p);"})
        self.finds("tidy", {"src/os/b.c": HEAD + body % "    free(p); /* tidy: allow free: */"}, "is for src/base only")
        self.finds("tidy", {"src/os/b.c": HEAD + body % "    free(p); /* tidy: allow open: x */"}, "is for src/base only")
        self.finds("tidy", {"src/os/b.c": HEAD + "/* tidy: allow free: x */\n"}, "nothing there needs it")

    def test_tidy_units(self):
        f = "src/pipeline/filters/"
        self.finds("tidy", {f + "date_test.c": None}, "date.c:1: the unit has no date_test.c")
        self.finds("tidy", {f + "date.md": None}, "date.c:1: the unit has no date.md")
        self.finds("tidy", {f + "drop.c": HEAD + "const struct filter_type filter_drop = {0};\n"},
                   "drop.c:1: filter_drop is in no table")
        self.passes("tidy", {f + "shared.c": HEAD + "int helps_date_and_drop(void);\n"})
        self.finds("tidy", {f + "filters.tbl": "FILTER(date)\nFILTER(drop)\n"}, "nothing defines the row drop")
        self.passes("tidy", {f + "filters.tbl": "/* FILTER(drop) */\nFILTER(date)\nFILTER(date_too)\n",
                             f + "date.c": HEAD + "const struct filter_type filter_date = {0};\n"
                                                  "const struct filter_type filter_date_too = {0};\n"})
        self.passes("tidy", {f + "date.md": None, f + "date.c":
                             HEAD + "/* tidy: allow page: told in drop.md */\nconst struct filter_type filter_date = {0};\n"})
        rest = {"src/pipeline/rest/e.tbl": "ENDPOINT(count)\n", "src/pipeline/rest/count.md": "x",
                "src/pipeline/rest/count.c": HEAD + "const struct endpoint endpoint_count = {0};\n"}
        self.finds("tidy", rest, "the unit has no count_test.c")
        self.passes("tidy", {**rest, "tests/api/count/0001-all.yaml": "x"})
        self.finds("tidy", {"src/os/README.md": None}, "src/os:1: the folder has no README.md")

    def test_tidy_text(self):
        self.finds("tidy", {"src/os/b.c": "int x;\n"}, "the first lines do not say SPDX")
        self.finds("tidy", {"tools/x": "#!/bin/sh\ntrue\n"}, "the first lines do not say SPDX")
        self.finds("tidy", {"src/os/b.c": HEAD + "/* " + "x" * 98 + " */\n"}, "src/os/b.c:2: 1 lines over 100 columns")
        self.passes("tidy", {"src/os/b.c": HEAD + "/* " + "\u3131" * 94 + " */\n"})
        self.finds("tidy", {"big.txt": "x" * (1 << 20) + "y"}, "1048577 bytes")
        self.finds("tidy", {"src/os/b.c": HEAD + "/* TO" + "DO: later */\n"}, "needs its issue")
        self.passes("tidy", {"src/os/b.c": HEAD + "/* TO" + "DO(#12): later */\n"})
        self.finds("tidy", {"a.md": "see /" + "work/x\n"}, "names a folder")

    def test_tidy_shows_long_functions(self):
        lines = "    x++;\n" * 30
        _, out = run("tidy", {"src/os/b.c": HEAD + "static int long_one(int x)\n{\n" + lines + "    return x;\n}\n"})
        self.assertIn("34 src/os/b.c:2 long_one", out)


unittest.main()
