#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark doctor asks a real daemon: its pins are there, and it is noticed when they were removed by hand."""
import json
import os
import subprocess

import node
import tap


def pins(n):
    done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf, "--format", "json"],
                          capture_output=True, text=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [(f["level"], f["finding"], f["way_out"]) for f in found if f["check"] == "pins"]


node.require()
with node.Node() as n:
    found = pins(n)
    tap.ok(found[0][0] == "ok" and n.pin in found[0][1], "pins are there", found)
    folder = f"{n.pin}/{n.status()['generation']}"
    for name in os.listdir(folder):
        if name not in ("ring", "counters", "control", "states", "layout"):
            os.unlink(f"{folder}/{name}")
    found = pins(n)
    tap.ok(found[0][0] == "fail" and "are gone" in found[0][1] and "restart" in found[0][2], "links are missed", found)
    for name in os.listdir(folder):
        os.unlink(f"{folder}/{name}")
    found = pins(n)
    tap.ok(found[0][0] == "fail", "all of them are missed", found)
    n.stop()
    n.start()
    found = pins(n)
    tap.ok(found[0][0] == "ok", "a restart is the way out", found)
tap.done()
