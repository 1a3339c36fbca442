#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Loads that are larger than the bounds: the daemon goes on, and what is lost or cut is counted, exactly."""
import os
import subprocess
import time

import node
import tap

node.require()
# copies in waves, of which so many are alive at once; the last of each wave forks again
FORKS = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	int left = atoi(argv[1]), alive = atoi(argv[2]);

	while (left > 0) {
		int ready[2], wave = left < alive ? left : alive;

		if (pipe(ready))
			return 1;
		for (int i = 0; i < wave; i++, left--) {
			if (!fork()) {
				char byte;
				close(ready[1]);
				_exit(read(ready[0], &byte, 1));
			}
		}
		close(ready[0]);
		close(ready[1]);
		while (wait(NULL) > 0)
			;
	}
	return 0;
}
"""
# stays until its standard input ends
STAYS = "#include <unistd.h>\nint main(int c, char **v) { char b; while (read(0, &b, 1) > 0) ; return 0; }\n"
MAPS = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char path[4096];
	int count = atoi(argv[2]), times = atoi(argv[3]);

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%05d", argv[1], i);
		int fd = open(path, O_RDWR | O_CREAT, 0700);
		if (fd < 0 || ftruncate(fd, 4096))
			return 1;
		for (int j = 0; j < times; j++) {
			void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
			if (at == MAP_FAILED || munmap(at, 4096))
				return 2;
		}
		close(fd);
		unlink(path);
	}
	return 0;
}
"""


def build(n, name, source):
    open(f"{n.top}/{name}.c", "w").write(source)
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c"], check=True)
    return f"{n.top}/{name}"


def rss_kib(n):
    return sum(int(line.split()[1]) for line in open(f"/proc/{n.process.pid}/status") if line.startswith("RssAnon"))


def lost(n):
    return node.lost(n.status()["lost"])


with node.Node(journal_mib="1", ring_mib="32") as n:
    forks, stays, maps = build(n, "forks", FORKS), build(n, "stays", STAYS), build(n, "maps", MAPS)
    # --- 20,011 forks and not one exec: each fills the journal, and no record empties it
    before = rss_kib(n)
    child = subprocess.run([forks, "20011", "499"])
    n.flush()
    run = next((r for r in n.runs() if r["exe"]["path"] == forks), None)
    tap.equal(run and (run["usage"]["forks"], run["exit"], run["incomplete"]), (20011, {"code": 0}, []), "a fork bomb: every fork is in the record")
    tap.ok(rss_kib(n) < before + 16384, "and memory has not grown much", f"{before} KiB before, {rss_kib(n)} after")
    # --- a million mappings of few files, thousands of files
    subprocess.run([maps, n.top, "3", "20011"])
    os.mkdir(f"{n.top}/many")
    subprocess.run([maps, f"{n.top}/many", "4201", "1"])
    n.flush()
    few, many = [r for r in n.runs() if r["exe"]["path"] == maps]
    sets = n.sets()
    objects = [len([o for o in sets[r["object_set"]]["objects"] if o["path"].startswith(n.top)]) for r in (few, many)]
    tap.ok(objects[0] <= 3, "60,033 mappings of three files: they are told once", (objects[0], few["incomplete"]))
    tap.ok("objects: more than 4096" in few["incomplete"] and "objects: more than 4096" in many["incomplete"], "and what is over the limit is marked",
           (few["incomplete"], many["incomplete"][:3]))
    # --- more is live than there is room for
    spawned, execs = [], n.status()["events"]["exec"]
    for i in range(701):
        spawned.append(subprocess.Popen([stays, str(i), "x" * 3000], stdin=subprocess.PIPE))
    time.sleep(0.5)
    status = n.status()
    tap.ok(status["lost"]["live_trimmed"] > 100, "too much is live: of some only the head is kept", lost(n))
    for child in spawned:
        child.stdin.close()
        child.wait()
    n.flush()
    runs = {r["pid"]: r for r in n.runs() if r["exe"]["path"] == stays}
    whole = [r for r in runs.values() if len(r["argv"]) == 3 and len(r["argv"][2]) == 3000]
    heads = [r for r in runs.values() if any(i.startswith("argv: cut, since") for i in r["incomplete"])]
    tap.equal(len(whole) + len(heads), len(runs), "every record is whole or says that it is not")
    tap.ok(all(r["argv"][1].isdigit() and r["env_set"] is None for r in heads), "what is cut is cut to its head", heads[:1])
    now = lost(n)
    full = now.get("live_full", 0)
    others = n.status()["events"]["exec"] - execs - len(spawned)  # of this machine, meanwhile: they may have found no room either
    tap.ok(len(spawned) <= len(runs) + full <= len(spawned) + others,
           f"spawned ({len(spawned)}, and {others} others) = recorded ({len(whole)} whole, {len(heads)} heads) + live_full ({full})")
    tap.ok(now["live_trimmed"] >= len(heads) and not any(k.startswith("ring_full") for k in now), "all of it counted, nothing else lost", now)
    child = subprocess.run([stays, "afterwards", "x" * 3000], stdin=subprocess.DEVNULL)
    n.flush()
    tap.equal([r["incomplete"] for r in n.runs() if r["argv"] and r["argv"][1:2] == ["afterwards"]], [[]], "when there is room again, all is kept again")
    # --- and the journal of all that is replayed
    n.kill()
    n.start()
    tap.ok(n.status()["journal"]["used"] < 1 << 20, "killed and started again", n.status()["journal"])
    n.check_sequence()
    n.validate()
tap.done()
