#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each fuzz target for a fixed number of inputs from a fixed seed, or some seconds if these are over first; ten
minutes each with RUNMARK_TEST_LONG. An input that breaks one is printed, to become a test."""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import tap

LONG = os.environ.get("RUNMARK_TEST_LONG") == "1"
INPUTS, SECONDS = (-1, 600) if LONG else (99991, 5)
FOLDER = os.path.join(os.environ.get("BUILD", "build"), "fuzzing", "fuzz")

for source in sorted(glob.glob("tests/fuzz/fuzz_*.c")):
    name = os.path.basename(source)[:-len(".c")]
    program = os.path.join(FOLDER, name)
    if not tap.ok(os.access(program, os.X_OK), f"{name} is built"):
        continue
    with tempfile.TemporaryDirectory(prefix="runmark-fuzz.") as top:
        corpus = [f"{top}/found"] + [c for c in [f"tests/fuzz/corpus/{name}"] if os.path.isdir(c)]
        os.mkdir(corpus[0])
        done = subprocess.run([program, f"-runs={INPUTS}", f"-max_total_time={SECONDS}", "-seed=1", "-timeout=25",
                               "-rss_limit_mb=1024", "-print_final_stats=1", f"-artifact_prefix={top}/", *corpus],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        text = done.stdout.decode("utf-8", "replace")
        inputs = [line.split()[-1] for line in text.splitlines() if "number_of_executed_units" in line]
        for artifact in glob.glob(f"{top}/*-*"):
            with open(artifact, "rb") as file:
                text += f"\n{os.path.basename(artifact)}: {file.read(4096)!r}"
        tap.ok(done.returncode == 0 and inputs, f"{name} stands {inputs[0] if inputs else 'no'} inputs", text[-8000:])
tap.done()
