#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs that run when the daemon starts, some of whom let nobody read their arguments or environment: it starts all the same."""
import os
import shutil
import subprocess
import time

import fuse
import node
import tap

node.require()
if fuse.why_not():
    tap.skip("FUSE", fuse.why_not())
    tap.done()
# "lock": a thread of it keeps its memory's lock, since it maps something over a page that its file system must write, and does not.
# "argv", "env": what was a page of a long argument or variable is a file's. "uffd": is one that its program does not fill when it is read.
# It goes on, and ends, when a byte comes by standard input.
HIDES = r"""
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
static int go[2];
static char *page;
static void *lock(void *unused)
{
	char c;

	if (read(go[0], &c, 1) != 1 || mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		exit(4);
	return unused;
}
static int hide(const char *how, int fd, int uffd)
{
	struct uffdio_api api = {.api = UFFD_API};
	struct uffdio_register where = {.range = {(uintptr_t)page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
	pthread_t thread;

	if (!strcmp(how, "lock")) {
		page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (page == MAP_FAILED || pipe(go))
			return -1;
		*page = 1;
		return pthread_create(&thread, NULL, lock, NULL);
	}
	if (!strcmp(how, "uffd"))
		return mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0) != page ||
		       ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &where);
	return strcmp(how, "nothing") && mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != page;
}
int main(int argc, char **argv)
{
	int uid = atoi(argv[2]), uffd = syscall(SYS_userfaultfd, O_CLOEXEC), fd;
	char *text = strcmp(argv[1], "env") ? argv[4] : getenv("LONG"), c;

	page = (char *)(((uintptr_t)text + 4095) & ~(uintptr_t)4095);
	if (setgid(uid) || setuid(uid) || page + 4096 > text + strlen(text))
		return 1;
	fd = open(argv[3], O_RDWR);
	if (fd < 0 || hide(argv[1], fd, uffd) || write(1, "!", 1) != 1)
		return 2;
	while (read(0, &c, 1) == 1)
		if (page && !strcmp(argv[1], "lock") && write(go[1], "!", 1) != 1)
			return 3;
	_exit(0);
}
"""
LONG = "x" * 12289
USERS = (65534, 12347)


def run(n, what, fuse_file, uid):
    child = subprocess.Popen([f"{n.top}/hides", what, str(uid), fuse_file, LONG, "last"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, env={"LONG": LONG, "LANG": "C"})
    tap.ok(child.stdout.read(1) == b"!", f"{what}: runs as {uid}")
    return child


def timed_start(n):
    begin = time.monotonic()
    n.start()
    return time.monotonic() - begin


n = node.Node(rules=["full"], environment="LANG")
open(f"{n.top}/hides.c", "w").write(HIDES)
subprocess.run(["gcc", "-O1", "-pthread", "-o", f"{n.top}/hides", f"{n.top}/hides.c"], check=True)
children = []
mount = fuse.Mount(f"{n.top}/silent", {"page": b"p" * 4096}, others=True)
page = f"{mount.folder}/page"
try:
    usual = timed_start(n)
    n.stop()
    n.unload()
    # the last ones are of the other user, who hides nothing
    whats = ["argv", "env", "uffd"] + ["lock"] * 7
    children = [(what, USERS[0], run(n, what, page, USERS[0])) for what in whats]
    children += [("nothing", uid, run(n, "nothing", page, uid)) for uid in (*USERS, 0, USERS[1])]
    mount.hang()
    for what, _, child in children:
        if what == "lock":
            child.stdin.write(b"!")
            child.stdin.flush()
    time.sleep(0.3)
    took = timed_start(n)
    tap.ok(took < usual + 5, f"the daemon starts in {took:.1f} s, without them in {usual:.1f}")
    lost = n.status()["lost"]["scan_stuck"]
    tap.ok(lost == whats.count("lock") + 1, "what could not be read is counted, as what was not since its user had held it up long enough", lost)
    n.kill()
    tap.ok(timed_start(n) < usual + 5, "killed while threads hang, it starts again")
    mount.go_on()
    for _, _, child in children:
        child.stdin.close()
        child.wait()
    tap.equal([child.returncode for _, _, child in children], [0] * len(children), "and they end")
    n.flush()
    runs = {r["pid"]: r for r in n.runs() if r["exe"]["path"] == f"{n.top}/hides"}
    tap.equal(sorted(runs), sorted(child.pid for _, _, child in children), "each of them has its record")
    sets = n.sets()
    for what, uid, child in children:
        r = runs.get(child.pid)
        if not r:
            continue
        told = [x for x in r["incomplete"] if x.startswith(("argv: could", "env: could", "objects: could"))]
        env = r["env_set"] and sets[r["env_set"]]["env"]
        objects = [o["path"] for o in sets[r["object_set"]]["objects"]] if r["object_set"] else []
        has = (bool(r["argv"]) and r["argv"][-1] == "last", env == {"LANG": "C"}, any("/libc" in o for o in objects), r["uid"], r["exit"])
        if what == "nothing" and uid != USERS[0]:
            tap.equal((has, told), ((True, True, True, uid, {"code": 0}), []), f"of {uid}: whole")
        elif what in ("argv", "uffd"):
            tap.equal((has, told), ((False, True, True, uid, {"code": 0}), ["argv: could not be read"]), f"{what}: hides its arguments, and it says so")
        elif what == "env":
            tap.equal((has, told), ((True, False, True, uid, {"code": 0}), ["env: could not be read"]), "env: hides its environment, and it says so")
        elif what == "lock":
            tap.equal((has, told), ((False, False, False, uid, {"code": 0}), [f"{x}: could not be read" for x in ("argv", "env", "objects")]),
                      "lock: nobody looks into its memory, and it says so")
    last = runs[children[len(whats) - 1][2].pid]
    tap.ok("objects: could not be read" in last["incomplete"] and last["argv"] is None and last["cwd"] == os.getcwd() and last["cgroup"],
           "what the kernel itself has is there", last)
    n.validate()
    n.check_sequence()
finally:
    mount.go_on()
    for _, _, child in children:
        if child.poll() is None:
            child.kill()
            child.wait()
    n.stop()
    mount.close()
    n.unload()
    if "RUNMARK_TEST_KEEP" not in os.environ:
        shutil.rmtree(n.top, ignore_errors=True)
tap.done()
