#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The tree keeps its layers: what may stand at the top, who may include what, a licence in every file."""
import os
import re

import files
from files import tap

TOP = {"bpf", "vmlinux", "userspace", "ldwrap", "ingest", "schema", "systemd", "tests"}
NO_LICENCE_LINE = re.compile(r"(^LICENSE|\.md|\.json|\.gitignore|\.clang-format|/corpus/.*)$")
# who alone may include what matches; paths are prefixes
LAYERS = [
    (r'<bpf/libbpf\.h>|<bpf/bpf\.h>|[<"](\.\./)?bpf/event\.h[>"]|"runmark\.skel\.h"',
     ("bpf/", "userspace/daemon/", "tests/")),
    (r'"daemon/', ("userspace/daemon/", "tests/")),
    (r'"cli/', ("userspace/cli/", "tests/")),
    (r'"(\.\./)?ldwrap/', ("ldwrap/", "tests/")),
    (r'"(\.\./)?ingest/', ("ingest/", "tests/")),
    (r'<mysql\.h>', ("userspace/common/mariadb_session", "ingest/", "userspace/cli/", "tests/")),
    (r'<sqlite3\.h>', ("ingest/", "userspace/cli/", "tests/")),
]

names = files.every()
tops = {name.split("/")[0] for name in names if "/" in name and not name.startswith(".")}
tap.ok(tops <= TOP, "no other folder at the top", sorted(tops - TOP))

without = []
for name in names:
    if not NO_LICENCE_LINE.search(name):
        with open(name, encoding="utf-8", errors="replace") as file:
            if "SPDX-License-Identifier:" not in file.read(400):
                without.append(name)
tap.ok(not without, "every file says its licence", "\n".join(without))

sources = {}
for name in files.ending(".c", ".h"):
    with open(name, encoding="utf-8") as file:
        sources[name] = file.read()
for pattern, allowed in LAYERS:
    wrong = [name for name, text in sources.items() if not name.startswith(allowed)
             and re.search(rf"^\s*#\s*include\s+(?:{pattern})", text, re.M)]
    tap.ok(not wrong, f"only {', '.join(a for a in allowed if a != 'tests/')} include {pattern}", "\n".join(wrong))

untidy = []
for name in names:
    if name.endswith((".c", ".h", ".py", ".t", ".mk", ".md")) or os.path.basename(name) == "Makefile":
        with open(name, encoding="utf-8") as file:
            untidy += [f"{name}:{i}" for i, line in enumerate(file, 1) if line != line.rstrip() + "\n"]
tap.ok(not untidy, "no blanks at ends of lines", "\n".join(untidy[:20]))
tap.done()
