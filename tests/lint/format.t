#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""C files are as .clang-format says. Versions of clang-format differ, so only the one of Debian 12 judges."""
import files
from files import tap

VERSION = "14."

files.need("clang-format", "formatting")
_, version = files.output_of("clang-format", "--version")
if f"version {VERSION}" not in version:
    tap.skip("formatting", f"this is {version.strip()}; {VERSION}x judges")
    tap.done()
names = files.ending(".c", ".h")
wrong = {}
for name in names:
    status, text = files.output_of("clang-format", "--dry-run", "-Werror", name)
    if status:
        wrong[name] = text.splitlines()[0]
tap.ok(names and not wrong, f"{len(names)} files are as .clang-format says", "\n".join(wrong.values()))
tap.done()
