#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Links of who opts out are the plain linker's: no stamp, no record; unless the site does not allow it."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

CASES = [  # environment, the site's [privacy], opted out
    ({"RUNMARK_TRACKING": "no"}, "", True),
    ({"XALT_EXECUTABLE_TRACKING": "no"}, "", True),
    ({"RUNMARK_TRACKING": "no"}, "opt_out = no", False),
    ({"RUNMARK_TRACKING": "yes"}, "", False),
    ({"RUNMARK_TRACKING": "No"}, "", False),
    ({}, "", False),
]

with link.Box() as box:
    conf = open(box.conf).read()
    box.compile("a", "int main(void) { return 0; }\n")
    box.run(["gcc", "-o", "plain", "a.o"], False)
    for environment, privacy, opted_out in CASES:
        with open(box.conf, "w") as file:
            file.write(f"{conf}[privacy]\n{privacy}\n")
        result = box.run(["gcc", "-o", "a", "a.o"], True, env=environment)
        seen = (result.returncode, result.stderr, open("a", "rb").read() == open("plain", "rb").read(), len(box.records()))
        tap.equal(seen, (0, b"", opted_out, 0 if opted_out else 1), f"{environment} {privacy}".strip())
tap.done()
