#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The objects of a run are the executable file mappings that /proc/PID/maps shows, loader included."""
import os
import subprocess

import node
import tap

node.require()


def compile(n, name, source, *flags):
    open(f"{n.top}/{name}.c", "w").write(source)
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c", *flags], check=True)
    return f"{n.top}/{name}"


MAPS = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
	char line[8192];
	FILE *maps;
	for (int i = 1; i < argc; i++)
		if (!dlopen(argv[i], RTLD_NOW))
			return 1;
	maps = fopen("/proc/self/maps", "r");
	while (fgets(line, sizeof(line), maps)) {
		char *path = strchr(line, '/');
		if (path && line[strcspn(line, " ") + 3] == 'x')
			printf("%s", path);
	}
	return 0;
}
"""


def objects_of(n, run):
    return [o["path"] for o in n.sets()[run["object_set"]]["objects"]]


with node.Node() as n:
    maps = compile(n, "maps", MAPS)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{n.top}/libone.so", "-x", "c", "/dev/null"], check=True)
    cases = {
        "a dynamic program": [maps],
        "one that opens libraries later": [maps, "libm.so.6", "libz.so.1", f"{n.top}/libone.so"],
        "one that opens the same library twice": [maps, "libm.so.6", "libm.so.6"],
    }
    shown = {}
    for name, argv in cases.items():
        output = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True).stdout
        shown[name] = sorted(set(output.splitlines()) - {maps})
    # /bin/ls, stopped at its end by a full pipe, while /proc is read
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    ls = subprocess.Popen(["/bin/ls", "/"], stdout=writer)
    while "pipe_w" not in open(f"/proc/{ls.pid}/wchan").read() and open(f"/proc/{ls.pid}/stat").read().split()[2] != "S":
        pass
    ls_exe = os.readlink(f"/proc/{ls.pid}/exe")
    ls_maps = sorted({line.split(None, 5)[5].rstrip("\n") for line in open(f"/proc/{ls.pid}/maps")
                      if "x" in line.split()[1] and line.split(None, 5)[5:] and "/" in line} - {ls_exe})
    ls.kill()
    ls.wait()
    subprocess.run(["busybox" if os.path.exists("/bin/busybox") else "true"], stdout=subprocess.DEVNULL)
    n.flush()
    runs = {tuple(r["argv"] or ()): r for r in n.runs()}
    for name, argv in cases.items():
        run = runs[tuple(argv)]
        tap.equal(sorted(objects_of(n, run)), shown[name], f"{name}: its objects are those of its maps")
    run = runs[("/bin/ls", "/")]
    tap.equal(sorted(objects_of(n, run)), ls_maps, "/bin/ls: its objects are those of its maps")
    tap.ok(any("ld-linux" in p or "/ld" in p for p in objects_of(n, run)), "the loader is among them")
    for path in objects_of(n, run):
        want = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, text=True).stdout
        want = [line.split(":")[1].strip() for line in want.splitlines() if "Build ID" in line]
        got = [o["build_id"] for o in n.sets()[run["object_set"]]["objects"] if o["path"] == path]
        tap.equal(got, want[:1], f"{path}: its build-id is what readelf shows")
    n.validate()
tap.done()
