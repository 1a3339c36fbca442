#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Shell scripts have nothing that shellcheck minds; Python programs compile."""
import files
from files import tap

for name in files.scripts("python3") + files.ending(".py"):
    with open(name, encoding="utf-8") as source:
        text = source.read()
    try:
        compile(text, name, "exec")
        wrong = ""
    except SyntaxError as error:
        wrong = str(error)
    tap.ok(not wrong, f"{name} is Python", wrong)
files.need("shellcheck", "shellcheck of the shell scripts")
for name in files.scripts("sh", "bash"):
    status, text = files.output_of("shellcheck", "-x", name)
    tap.ok(status == 0, f"{name} is well with shellcheck", text)
for name in files.ending(".bash") + [".ci/run"]:
    status, text = files.output_of("shellcheck", "-s", "bash", name)
    tap.ok(status == 0, f"{name} is well with shellcheck", text)
tap.done()
