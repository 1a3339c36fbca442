#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""A name service that hangs: records of who is known arrive as ever, those of who is not wait only so long."""
import os
import subprocess
import time

import node
import tap

node.require()
MODULE = r"""
#include <nss.h>
#include <pwd.h>
#include <stddef.h>
#include <unistd.h>
enum nss_status _nss_hang_getpwuid_r(uid_t uid, struct passwd *entry, char *buffer, size_t size, int *error)
{
	while (uid >= 60000 && !access("%s/hangs", F_OK))
		usleep(10000);
	return NSS_STATUS_NOTFOUND;
}
"""
n = node.Node(workers="2")
n.configure()
try:
    open(f"{n.top}/hang.c", "w").write(MODULE % n.top)
    open(f"{n.top}/nsswitch.conf", "w").write("passwd: hang files\n")
    open(f"{n.top}/hangs", "w").close()
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", f"{n.top}/libnss_hang.so.2", f"{n.top}/hang.c"], check=True)
    n.start(prefix=("unshare", "--mount", "env", f"LD_LIBRARY_PATH={n.top}", "sh", "-c",
                    f'mount --bind {n.top}/nsswitch.conf /etc/nsswitch.conf && exec "$@"', "sh"))

    def run(uid, name):
        child = subprocess.Popen(["/bin/true", name], user=uid, group=uid, extra_groups=[])
        child.wait()
        return child.pid

    def arrive(pid):
        """Seconds until all that has ended is written."""
        begin = time.monotonic()
        n.flush()
        took = time.monotonic() - begin
        return took, next((r for r in n.runs() if r["pid"] == pid and r["argv"][:1] == ["/bin/true"]), None)

    took, r = arrive(run(0, "known"))
    tap.equal(r and (r["user"], r["incomplete"]), ("root", []), "who can be asked for has a name")
    took, r = arrive(run(65534, "hangs"))
    tap.ok(r and 4 < took < 8, "a record waits five seconds for a name", took)
    tap.equal(r and (r["user"], r["incomplete"]), (None, ["user: not looked up in time"]), "then it says that there is none")
    took, r = arrive(run(65534, "hangs still"))
    tap.equal((took < 2, r and r["incomplete"]), (True, ["user: name service does not answer"]), "the next ones do not wait")
    took, r = arrive(run(0, "known"))
    tap.equal((took < 2, r and r["user"]), (True, "root"), "who is known keeps the name")
    status = n.status()
    tap.ok(status["stuck"] == 1 and any("hang" in e for e in status["errors"]) and status["lost"]["lookup_stuck"] >= 1, "status says so",
           (status["stuck"], status["errors"]))
    os.unlink(f"{n.top}/hangs")
    time.sleep(1.5)
    took, r = arrive(run(65534, "answers"))
    tap.equal(r and (r["user"], r["incomplete"]), ("nobody", []), "when it answers again, it is asked again")
    tap.equal(n.status()["stuck"], 0, "and nothing hangs any more")
finally:
    n.stop()
    n.unload()
    subprocess.run(["rm", "-rf", n.top])
tap.done()
