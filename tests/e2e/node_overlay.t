#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""In a container's root, on overlayfs: program and objects have the build-ids that readelf shows, loader included."""
import os
import shutil
import subprocess

import node
import tap

node.require()


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, text=True).stdout
    return next((line.split(":")[1].strip() for line in text.splitlines() if "Build ID" in line), None)


with node.Node() as n:
    layers, root = f"{n.top}/layers", f"{n.top}/root"
    for folder in (layers, root):
        os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layers], check=True)
    try:
        for folder in ("lower", "upper", "work"):
            os.mkdir(f"{layers}/{folder}")
        # copies: the files of the same names outside must be of no help
        libraries = subprocess.run(["ldd", "/bin/sleep"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        for path in ["/bin/sleep", *(word for word in libraries if word.startswith("/"))]:
            os.makedirs(f"{layers}/lower{os.path.dirname(path)}", exist_ok=True)
            shutil.copy2(path, f"{layers}/lower{path}")
        mounted = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={layers}/lower,upperdir="
                                  f"{layers}/upper,workdir={layers}/work", root]).returncode == 0
        if mounted:
            try:
                # long enough for the files to be looked up through the process's own root
                subprocess.run(["chroot", root, "/bin/sleep", "0.7"], check=True)
            finally:
                subprocess.run(["umount", root], check=True)
    finally:
        subprocess.run(["umount", layers], check=True)
    if not mounted:
        tap.skip("overlayfs", "can't be mounted here")
        tap.done()
    n.flush()
    runs = [r for r in n.runs() if r["argv"] == ["/bin/sleep", "0.7"] and r["exe"]["fstype"] == "overlay"]
    tap.equal(len(runs), 1, "it ran once")
    run = runs[0]
    tap.equal((run["exe"]["path"], run["exe"]["build_id"]), ("/bin/sleep", build_id("/bin/sleep")), "the program")
    objects = n.sets()[run["object_set"]]["objects"]
    tap.ok(any("/ld" in o["path"] for o in objects), "the loader is among its objects", objects)
    for o in objects:
        tap.equal(o["build_id"], build_id(o["path"]), f"{o['path']}: its build-id is what readelf shows")
    tap.equal(run["incomplete"], [], "nothing is incomplete")
tap.done()
