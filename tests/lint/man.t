#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Man pages: mandoc has no warning; every installed program has a page, and the page every option of its --help."""
import glob
import os
import re

import files
from files import tap

BUILD = os.environ.get("BUILD", "build")
# the page of each installed program, and its commands, which have a help of their own
PROGRAMS = {"runmarkd": ("runmarkd.8", [""]),
            "runmark": ("runmark.1", ["", "find", "show", "tail", "status", "doctor"]),
            "runmark run": ("runmark-run.1", [""]),
            "runmark-ingest": ("runmark-ingest.8", [""])}

files.need("mandoc", "mandoc of the man pages")
pages = sorted(glob.glob("userspace/man/*.[1-8]"))
tap.ok(len(pages) > 3, "there are man pages", pages)
for page in pages:
    status, text = files.output_of("mandoc", "-T", "lint", "-W", "warning", page)
    tap.ok(status == 0 and not text, f"{page} is well with mandoc", text)
for program, (page, commands) in PROGRAMS.items():
    path = f"userspace/man/{page}"
    if not tap.ok(os.path.exists(path), f"{program} has the man page {page}"):
        continue
    shown = files.output_of("mandoc", "-T", "utf8", path)[1]
    shown = re.sub(".\b", "", shown).replace("−", "-")
    for command in commands:
        _, usage = files.output_of(f"{BUILD}/bin/{program.split()[0]}", *program.split()[1:], *command.split(), "--help")
        options = set(re.findall(r"^  (--[a-z-]+)", usage, re.M))
        missing = sorted(o for o in options if not re.search(re.escape(o) + r"(?![a-z-])", shown))
        tap.ok(options and not missing, f"{page} has every option of {program} {command}".strip(), missing or usage)
tap.done()
