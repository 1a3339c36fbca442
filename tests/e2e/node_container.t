#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Real containers, in and out of a real Slurm job: program, container, job, namespaces and watermark."""
import os
import shutil
import subprocess
import time

import link
import node
import tap

node.require()
SLURM = os.path.join(node.TOP, "tests", "slurm")
NOBODY = 65534
# run as: show FILE WAY; FILE is told the name by which it was called, in the namespaces that it sees
SHOW = r"""
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	char exe[4096] = "", mount[64] = "", user[64] = "";
	FILE *out = fopen(argv[1], "a");

	if (!out || argc < 3)
		return 1;
	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		snprintf(exe, sizeof(exe), "-");
	if (readlink("/proc/self/ns/mnt", mount, sizeof(mount) - 1) < 0)
		snprintf(mount, sizeof(mount), "-");
	if (readlink("/proc/self/ns/user", user, sizeof(user) - 1) < 0)
		snprintf(user, sizeof(user), "-");
	fprintf(out, "%s %s %s %s\n", argv[2], exe, mount, user);
	return 0;
}
"""


def compile_show(to):
    subprocess.run(["gcc", "-static", f"-B{node.TOP}/{node.BUILD}/libexec/runmark/", "-o", to, "-xc", "-"], input=SHOW.encode(), check=True)


def make_root(path, show):
    """A root file system of busybox alone, and the program at /bin/show."""
    for folder in ("bin", "proc", "sys", "dev", "tmp", "etc", "home", "run", "share"):
        os.makedirs(f"{path}/{folder}")
    shutil.copy(shutil.which("busybox"), f"{path}/bin/busybox")
    os.symlink("busybox", f"{path}/bin/sh")
    shutil.copy(show, f"{path}/bin/show")
    for name in ("passwd", "group", "hosts", "resolv.conf", "hostname"):
        open(f"{path}/etc/{name}", "w").close()
    subprocess.run(["chown", "-Rh", f"{NOBODY}:{NOBODY}", path], check=True)


class Ways:
    """Each: the program needed, the words in front of the command, the runtime, whose namespaces are others, who forgets the job."""

    def __init__(self, top):
        self.top, self.root, self.share = top, f"{top}/root", f"{top}/share"
        home = f"{top}/home"
        for folder in (self.share, home, f"{home}/run"):
            os.makedirs(folder)
            os.chown(folder, NOBODY, NOBODY)
            os.chmod(folder, 0o777 if folder == self.share else 0o700)
        # what may be used by a user must not stand where only root gets to
        runc = shutil.copy(f"{SLURM}/runc-norlimit", top)
        self.conf = f"{top}/containers.conf"
        with open(self.conf, "w") as conf:
            conf.write('[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\nruntime="runc-norlimit"\n'
                       f'[engine.runtimes]\nrunc-norlimit=["{runc}"]\n')
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", "USER=nobody", f"HOME={home}",
                f"XDG_RUNTIME_DIR={home}/run"]
        podman = ["env", f"CONTAINERS_CONF={self.conf}", "podman", "--log-level=error"]
        run = ["run", "--rm", "--network=none", "-v", f"{self.share}:/share"]
        rootful = [*podman, "--root", f"{top}/storage", "--runroot", f"{top}/run-root", *run]
        rootless = [*user, *podman, "--storage-driver=vfs", "--root", f"{home}/storage", "--runroot", f"{home}/run/root"]
        self.importing = [*rootless, "import", "-", "runmark-test"]
        rootless += run
        self.has_user_namespaces = node.has_user_namespaces(NOBODY)
        mounts = {os.readlink(f"/proc/{pid}/ns/mnt") for pid in ("self", 2)}  # kthreadd is always the host's
        own = "host" if len(mounts) == 1 else "other"
        # name: program, words (ID stands for --cidfile), runtime, mount, user, job is from
        self.all = {
            "host": ("true", [], None, own, "host", "cgroup"),
            "chroot": ("chroot", ["chroot", self.root], None, own, "host", "cgroup"),
            "unshare": ("unshare", [*user, "unshare", "-U", "-r", "-m", "-p", "-f", f"--root={self.root}"], None, "other", "other", "cgroup"),
            "bwrap": ("bwrap", [*user, "bwrap", "--unshare-all", "--bind", self.root, "/", "--bind", self.share, "/share", "--proc", "/proc"],
                      None, "other", "other", "cgroup"),
            "charliecloud": ("ch-run", [*user, "ch-run", "-b", f"{self.share}:/share", self.root, "--"], "charliecloud", "other", "other", "cgroup"),
            "podman": ("podman", [*rootful, "ID", "--rootfs", f"{self.root}:O"], "podman", "other", "host", "parent"),
            "rootless": ("podman", [*rootless, "ID", "runmark-test"], "podman", "other", "other", "cgroup"),
        }

    def lacks(self, way):
        """Why it can't be run here, or None."""
        program, _, _, _, user, _ = self.all[way]
        if not shutil.which(program):
            return f"{program} is not installed"
        return node.NO_USER_NAMESPACES if user == "other" and not self.has_user_namespaces else None

    def run(self, way, in_job):
        name, words = f"{way}.{'job' if in_job else 'none'}", self.all[way][1]
        is_inside = way not in ("host",)
        out = {"chroot": "/share/out", "unshare": "/share/out"}.get(way, "/share/out" if is_inside else f"{self.share}/out")
        show = "/bin/show" if is_inside else f"{self.root}/bin/show"
        words = [f"--cidfile={self.share}/{name}.id" if word == "ID" else word for word in words]
        if in_job:
            words = ["srun", "-n1", "sh", "-c", f'echo "$SLURM_JOB_ID" >{self.share}/{name}.job; exec "$@"', "sh", *words]
        return subprocess.run([*words, show, out, name], capture_output=True, text=True, timeout=120)

    def told(self, name, what):
        try:
            return open(f"{self.share}/{name}.{what}").read().strip()
        except OSError:
            return None


def note_of(path):
    """The watermark as it stands in the file, by readelf."""
    text = link.watermarks(path)[0]
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def check(runs, ways, way, in_job, watermark):
    name = f"{way}.{'job' if in_job else 'none'}"
    program, _, runtime, mount, user, job_from = ways.all[way]
    found = [r for r in runs if r["argv"] and r["argv"][-1] == name and r["argv"][0].endswith("/show")]
    if not tap.equal(len(found), 1, f"{name}: recorded once"):
        return
    run = found[0]
    inside = f"{ways.root}/bin/show" if way == "host" else "/bin/show"
    tap.equal((run["exe"]["path"], run["exe"]["watermark"]), (inside, watermark), f"{name}: the program as seen inside, its watermark")
    container = run["container"]
    wanted = {"runtime": runtime, "id": ways.told(name, "id"), "image": None, "from": "cgroup"}
    if runtime and (not wanted["id"] or container and container["from"] == "environment" and way == "rootless"):
        wanted["id"], wanted["from"] = None, "environment"  # no control group of its own: rootless podman may not make one here
    tap.equal(container, wanted if runtime else None, f"{name}: container {runtime}")
    tap.equal(run["namespaces"], {"mount": mount, "user": user}, f"{name}: namespaces")
    job = run["job"] and (run["job"]["manager"], run["job"]["id"], run["job"]["step"], run["job"]["from"])
    tap.equal(job, ("slurm", ways.told(name, "job"), "0", job_from) if in_job else None, f"{name}: the job")


def forged(n, ways):
    """Whatever a user can do to look like a job of somebody else's."""
    out = f"{ways.share}/out"
    lie = {"SLURM_JOB_ID": "1", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0", "PBS_JOBID": "1.x", "LSB_JOBID": "1", "FLUX_JOB_ID": "f1"}
    subprocess.run([f"{ways.root}/bin/show", out, "lie.none"], env=lie, check=True)
    root = next((r for r in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup") if os.path.exists(f"{r}/cgroup.procs")), None)
    if not root:
        return
    # as a session's, delegated to its user
    session = f"{root}/user.slice/user-{NOBODY}.slice/user@{NOBODY}.service"
    names = ["slurmstepd.scope/job_7/step_0/user/task_0", "system.slice/slurmstepd.scope/job_7/step_0", "slurm/uid_0/job_7",
             "imp-shell-0-f2oRAoh1bB.service", "pbs_jobs.service/jobid/7.x", "htcondor/condor_x_slot1"]
    for i, name in enumerate(names):
        os.makedirs(f"{session}/{name}", exist_ok=True)
        subprocess.run(["sh", "-c", 'echo $$ >"$1/cgroup.procs" && exec "$2" "$3" "$4"', "sh", f"{session}/{name}",
                        f"{ways.root}/bin/show", out, f"forged{i}.none"], check=True)
    n.flush()
    found = [r for r in n.runs() if r["argv"] and r["argv"][0].endswith("/show") and r["argv"][-1].startswith(("lie", "forged"))]
    tap.equal((len(found), [r["job"] for r in found if r["job"]]), (1 + len(names), []),
              "names of folders and variables that a user chose make no job")
    for folder, _, _ in os.walk(session, topdown=False):
        try:
            os.rmdir(folder)
        except OSError:
            pass


if not shutil.which("busybox"):
    tap.skip("containers", "busybox is not installed")
    tap.done()
has_slurm = all(shutil.which(p) for p in ("slurmd", "slurmctld", "munged", "srun")) and os.path.isdir("/sys/fs/cgroup/freezer")
with node.Node(rules=["full"]) as n:
    show = f"{n.top}/show"
    compile_show(show)
    watermark = note_of(show)
    ways = Ways(n.top)
    make_root(ways.root, show)
    subprocess.run(["mount", "--bind", ways.share, f"{ways.root}/share"], check=True)
    ran = []
    open(f"{ways.share}/out", "w").close()
    os.chmod(f"{ways.share}/out", 0o666)
    try:
        if has_slurm:
            started = subprocess.run([f"{SLURM}/start", f"{n.top}/slurm", "v1"], capture_output=True, text=True)
            tap.ok(started.returncode == 0, "Slurm starts", started.stderr)
            os.environ["SLURM_CONF"] = f"{n.top}/slurm/etc/slurm.conf"
        else:
            tap.skip("containers in jobs", "Slurm, or control groups of version 1, are not here")
        if not ways.lacks("rootless"):
            root = subprocess.run(["tar", "-C", ways.root, "--exclude=./share/*", "--owner=0", "--group=0", "-c", "."], stdout=subprocess.PIPE, check=True).stdout
            imported = subprocess.run(ways.importing, input=root, capture_output=True)
            tap.ok(imported.returncode == 0, "an image is imported", imported.stderr.decode())
        for way in ways.all:
            if ways.lacks(way):
                tap.skip(way, ways.lacks(way))
                continue
            for in_job in (False, True) if has_slurm else (False,):
                done = ways.run(way, in_job)
                if tap.ok(done.returncode == 0, f"{way}{' in a job' if in_job else ''}: runs", done.stdout + done.stderr):
                    ran.append((way, in_job))
        if shutil.which("podman"):
            # built inside: the compilers are the host's, below an overlay
            words = [word for word in ways.all["podman"][1] if word != "ID"][:-1] + ["/:O"]
            compiler = f"gcc -static -B{node.TOP}/{node.BUILD}/libexec/runmark/ -o /share/built -xc /share/show.c && /share/built /share/out built.none"
            open(f"{ways.share}/show.c", "w").write(SHOW)
            built = subprocess.run([*words, "sh", "-c", compiler], capture_output=True, text=True, timeout=120)
            tap.ok(built.returncode == 0, "a program is built in a container", built.stdout + built.stderr)
        time.sleep(0.2)
    finally:
        if has_slurm:
            subprocess.run([f"{SLURM}/stop", f"{n.top}/slurm"])
        subprocess.run(["umount", f"{ways.root}/share"])
    n.flush()
    runs = n.runs()
    for way, in_job in ran:
        check(runs, ways, way, in_job, watermark)
    if shutil.which("podman"):
        found = [r for r in runs if r["argv"] and r["argv"][-1] == "built.none" and r["argv"][0] == "/share/built"]
        tap.equal([(r["exe"]["watermark"], r["container"]["runtime"]) for r in found], [(note_of(f"{ways.share}/built"), "podman")],
                  "and has its watermark there")
    # what started the containers is in the job too, and nothing else is
    outside = [r["job"] for r in runs if r["job"] and r["exe"]["path"] and r["exe"]["path"].endswith(("/slurmd", "/slurmctld", "/munged"))]
    tap.equal(outside, [], "Slurm's daemons are in no job")
    forged(n, ways)
    n.validate()
    subprocess.run(["sh", "-c", f"umount -R {n.top}/storage/overlay {n.top}/home/storage 2>/dev/null; true"])
tap.done()
