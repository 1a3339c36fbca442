#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""gcc and clang build everything from nothing, in parallel, without a warning; a second make does nothing."""
import os
import shutil
import tempfile

import files
from files import tap

for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(name, None)
folder = tempfile.mkdtemp(prefix="runmark-anew.")
try:
    for compiler, targets in (("gcc", ["all", "unit"]), ("clang", ["all"])):
        make = ["make", "-j2", "CI=1", f"CC={compiler}", f"BUILD={folder}/{compiler}", *targets]
        status, text = files.output_of(*make)
        tap.ok(status == 0, f"{compiler} builds {' and '.join(targets)} with warnings as errors", text[-8000:])
        tap.ok("warning:" not in text, f"{compiler} says nothing", text[-8000:])
        status, text = files.output_of(*make)
        lines = [line for line in text.splitlines() if not line.startswith("make")]
        tap.ok(status == 0 and not lines, f"a second make with {compiler} has nothing to do", "\n".join(lines[:20]))
finally:
    shutil.rmtree(folder)
tap.done()
