#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Ways to begin, change and end: each line of the table against what waitpid, /proc or readelf says."""
import os
import shutil
import signal
import subprocess
import time

import node
import tap

node.require()


def build(n, name, source="int main(void) { return 0; }\n", *flags):
    open(f"{n.top}/{name}.c", "w").write(source)
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c", *flags], check=True)
    return f"{n.top}/{name}"


def build_id(path):
    text = subprocess.run(["readelf", "-n", path], stdout=subprocess.PIPE, text=True).stdout
    return next((line.split(":")[1].strip() for line in text.splitlines() if "Build ID" in line), None)


def stamped(n, name, source="int main(void) { return 0; }\n", *flags):
    """Linked through the wrapper: the path and its watermark."""
    open(f"{n.top}/{name}.c", "w").write(source)
    wrapper = os.path.join(node.TOP, node.BUILD, "libexec", "runmark") + "/"
    subprocess.run(["gcc", f"-B{wrapper}", "-O1", "-o", f"{n.top}/{name}", f"{n.top}/{name}.c", *flags], check=True,
                   env=dict(os.environ, RUNMARK_CONF=n.conf))
    text = subprocess.run(["readelf", "-n", f"{n.top}/{name}"], stdout=subprocess.PIPE, text=True).stdout
    hexed = text.split("RunmarkNote", 1)[1].split("description data:", 1)[1].split("\n", 1)[0].replace(" ", "")
    return f"{n.top}/{name}", "-".join((hexed[:8], hexed[8:12], hexed[12:16], hexed[16:20], hexed[20:]))


FORKS = r"""
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	for (int i = 0; i < 7; i++)
		if (!fork())
			_exit(i);
	while (wait(NULL) > 0)
		;
	return 5;
}
"""
OUTLIVES = r"""
#include <unistd.h>
int main(void)
{
	if (!fork()) {
		usleep(200000);
		_exit(3);
	}
	return 4;
}
"""
THREAD_EXEC = r"""
#include <pthread.h>
#include <unistd.h>
static void *other(void *path)
{
	execl(path, path, "by-thread", NULL);
	return NULL;
}
int main(int argc, char **argv)
{
	pthread_t t;
	pthread_create(&t, NULL, other, argv[1]);
	pause();
}
"""
LEADER_FIRST = r"""
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static void *other(void *arg)
{
	usleep(100000);
	exit(9);
}
int main(void)
{
	pthread_t t;
	pthread_create(&t, NULL, other, NULL);
	syscall(SYS_exit, 0);
}
"""
NOLIBC = r"""
void _start(void)
{
	__asm__ volatile("mov $60, %eax; mov $6, %edi; syscall");
}
"""

with node.Node() as n:
    plain = build(n, "plain")
    static, static_mark = stamped(n, "static", "int main(void) { return 0; }\n", "-static")
    short, short_mark = stamped(n, "short")
    bare, bare_mark = stamped(n, "bare", NOLIBC, "-nostdlib", "-static")
    doomed, doomed_mark = stamped(n, "doomed", "#include <unistd.h>\nint main(void) { usleep(300000); return 0; }\n")
    doomed_static, doomed_static_mark = stamped(n, "doomed-static",
                                                "#include <unistd.h>\nint main(void) { usleep(300000); return 0; }\n", "-static")
    forks, outlives = build(n, "forks", FORKS), build(n, "outlives", OUTLIVES)
    thread_exec = build(n, "thread-exec", THREAD_EXEC, "-pthread")
    leader_first = build(n, "leader-first", LEADER_FIRST, "-pthread")
    script = f"{n.top}/script"
    open(script, "w").write("#!/bin/sh\nexit 11\n")
    os.chmod(script, 0o755)
    want_id = {p: build_id(p) for p in (static, short, bare, doomed, doomed_static)}
    subprocess.run([short])
    subprocess.run([static])
    subprocess.run([bare])
    for path in (doomed, doomed_static):
        child = subprocess.Popen([path])
        time.sleep(0.05)
        os.unlink(path)
        child.wait()
    subprocess.run([forks])
    subprocess.run([outlives])
    subprocess.run([thread_exec, plain])
    subprocess.run([leader_first])
    subprocess.run([script])
    subprocess.run(["/bin/sh", "-c", f"exec {plain} chain"])
    child = subprocess.Popen(["/bin/sleep", "60"])
    time.sleep(0.05)
    child.send_signal(signal.SIGKILL)
    child.wait()
    aborted = subprocess.run(["/bin/sh", "-c", "ulimit -c 0; kill -ABRT $$"]).returncode
    subprocess.run([plain, "from-memory"])
    subprocess.Popen([plain, "zombie"]).wait()
    time.sleep(0.4)
    n.flush()
    runs = n.runs()

    def of(path, *argv):
        return [r for r in runs if r["exe"]["path"] == path and (not argv or r["argv"][1:] == list(argv))]

    def one(path, *argv):
        found = of(path, *argv)
        return found[0] if len(found) == 1 else {}

    for name, path, mark in (("one that ends within a millisecond", short, short_mark), ("a static one", static, static_mark),
                             ("one without libc", bare, bare_mark), ("one deleted while running", doomed, doomed_mark),
                             ("a static one deleted while running", doomed_static, doomed_static_mark)):
        exe = one(path).get("exe", {})
        tap.equal((exe.get("watermark"), exe.get("build_id")), (mark, want_id[path]), f"{name}: watermark and build-id")
    tap.equal(one(bare).get("exit"), {"code": 6}, "without libc: exit code")
    run = one(forks)
    tap.equal((run.get("exit"), run.get("usage", {}).get("forks")), ({"code": 5}, 7), "seven copies fold into the run they were copied from")
    both = sorted(of(outlives), key=lambda r: r["origin"])
    tap.equal([(r["origin"], r["exit"]) for r in both], [("exec", {"code": 4}), ("fork", {"code": 3})], "a copy that outlives its run is a run of its own")
    tap.equal(len(both) == 2 and both[1]["parent_run_id"], len(both) == 2 and both[0]["run_id"], "and the child of it")
    run = one(plain, "by-thread")
    tap.equal((run.get("exit"), run.get("pid")), ({"code": 0}, one(thread_exec).get("pid")), "exec by another thread keeps the pid")
    tap.equal(one(thread_exec).get("next_run_id"), run.get("run_id"), "and the first run names the second")
    tap.equal(one(leader_first).get("exit"), {"code": 9}, "the leader exits first: the status is the process's")
    script_runs = [r for r in runs if r["script"] and r["script"]["path"] == script]
    tap.equal([(r["exe"]["path"], r["exit"]) for r in script_runs], [(os.path.realpath("/bin/sh"), {"code": 11})], "a script: its path and its interpreter")
    run = one(plain, "chain")
    tap.ok(run and any(r.get("next_run_id") == run["run_id"] for r in runs if r["exe"]["path"] == os.path.realpath("/bin/sh")), "exec chain: two runs, linked")
    killed = [r for r in runs if r["argv"] == ["/bin/sleep", "60"]]
    tap.equal([r["exit"] for r in killed], [{"signal": 9, "name": "SIGKILL", "core": False, "oom": False}], "killed")
    tap.equal(aborted, -signal.SIGABRT, "the shell was aborted")
    tap.ok(any((r["exit"] or {}).get("name") == "SIGABRT" for r in runs), "aborted by a signal")
    # of an image that ends by exec, a peak below that of an image before it can't be known
    odd = [i for r in runs if (r["exe"]["path"] or "").startswith(n.top) for i in r["incomplete"] if not (i.startswith("usage.max_rss") and r["exit"] is None)]
    tap.equal(odd, [], "nothing is incomplete")
    links = {r["watermark"]: r for r in n.records("link")}
    for path, mark in ((short, short_mark), (static, static_mark), (doomed, doomed_mark)):
        link = links.get(mark, {})
        tap.equal((link.get("output", {}).get("path"), link.get("output", {}).get("build_id")), (path, want_id[path]),
                  f"{os.path.basename(path)}: its link record has watermark, path and build-id")
    tap.equal({link["user"] for link in links.values()}, {"root"}, "links have their user")
    n.check_sequence()
    n.validate()
tap.done()
