#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""make install puts exactly what it should below DESTDIR, and all of it works from there."""
import glob
import os
import shutil
import stat
import subprocess
import tempfile
import time

import tap

BUILD = os.environ.get("BUILD", "build")
PROGRAMS = {"sbin/runmarkd", "bin/runmark", "bin/runmark-ingest", "bin/runmark-ld"}
SCRIPTS = {"sbin/runmark-ld-setup", "sbin/runmark-preload-setup", "libexec/runmark/slurm-task-prolog"}
MACHINE = os.uname().machine
LINKERS = {f"libexec/runmark/{name}" for name in ("ld", "ld.bfd", "ld.gold", "ld.lld", "ld.mold")} | {
    f"libexec/runmark/aarch64-linux-gnu-{name}" for name in ("ld", "ld.bfd", "ld.gold") if os.uname().machine != "aarch64"}
OTHERS = {f"libexec/runmark/placeholder-{machine}.o" for machine in ("x86_64", "i386", "aarch64")} | {
    "lib/systemd/system/runmarkd.service", "lib/systemd/system/runmark-ingest.service",
    "lib/systemd/system/runmark-prune.service", "lib/systemd/system/runmark-prune.timer",
    "lib/sysusers.d/runmark.conf", "lib/tmpfiles.d/runmark.conf",
    "share/bash-completion/completions/runmark", "share/bash-completion/completions/runmarkd",
    "share/bash-completion/completions/runmark-ingest", "share/runmark/software.rules",
    "share/runmark/grants.sql", "share/runmark/grants_load.sql", "lib/runmark/librunmark.so",
    f"lib/runmark/lib/{MACHINE}-linux-gnu/librunmark.so", "lib/runmark/lib64/librunmark.so",
    "lib/runmark/$LIB/librunmark.so"}
# where the compiler makes 32-bit programs
OTHERS_32 = {"lib/runmark/librunmark32.so"} | {
    f"lib/runmark/{name}/librunmark.so" for name in ("lib", "lib32", "lib/i386-linux-gnu")}
PAGES = {f"share/man/man{page[-1]}/{os.path.basename(page)}" for page in glob.glob("userspace/man/*.[1-8]")}


def run(*argv, **options):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)


def make_install(dest, *variables):
    return run("make", "CI=1", f"BUILD={BUILD}", "install", f"DESTDIR={dest}", *variables)


def below(folder):
    return {os.path.relpath(os.path.join(at, name), folder) for at, _, names in os.walk(folder) for name in names}


def check_files(dest):
    before = os.umask(0o077)
    done = make_install(dest)
    os.umask(before)
    tap.ok(done.returncode == 0, "make install", done.stdout)
    closed = [at for at, _, _ in os.walk(f"{dest}/usr/lib/runmark") if not os.stat(at).st_mode & 0o001]
    tap.equal(closed, [], "with an umask of 077 as well, users' programs find the library")
    version = run(f"{dest}/usr/bin/runmark", "--version").stdout.split()[1]
    modules = {f"share/runmark/modulefiles/runmark/{version}{end}" for end in ("", ".lua")}
    want = {f"usr/{name}" for name in PROGRAMS | SCRIPTS | LINKERS | OTHERS | PAGES | modules} | {"etc/runmark/runmark.conf"}
    if os.path.exists(f"{BUILD}/lib32/librunmark.so"):
        want |= {f"usr/{name}" for name in OTHERS_32}
    tap.equal(sorted(below(dest)), sorted(want), f"{len(want)} files, and no other")
    odd = []
    for name in sorted(want):
        path = f"{dest}/{name}"
        mode = stat.S_IMODE(os.stat(path).st_mode)
        is_program = name.removeprefix("usr/") in PROGRAMS | LINKERS | SCRIPTS
        if mode != (0o755 if is_program else 0o644) or os.stat(path).st_uid != os.geteuid():
            odd.append((name, oct(mode)))
    tap.ok(not odd, "modes are 755 for programs, 644 for all else", odd)
    texts = [f"{dest}/usr/{name}" for name in SCRIPTS | modules | {name for name in OTHERS if "lib/s" in name}]
    tap.ok(not any("@PREFIX@" in open(path, errors="replace").read() for path in texts), "units, scripts and module files know the prefix")


def check_programs(dest):
    for name in sorted(PROGRAMS):
        done = run(f"{dest}/usr/{name}", "--version")
        tap.equal((done.returncode, done.stdout.split()[0]), (0, os.path.basename(name)), f"{name} --version")


def check_library(dest):
    """By $LIB the loader finds the library; what programs have mapped stays theirs when it is replaced."""
    library = f"{dest}/usr/lib/runmark/librunmark.so"
    entry = f"{dest}/usr/lib/runmark/$LIB/librunmark.so"
    # it tells nobody: there is no socket
    env = dict(os.environ, RUNMARK_SOCKET=f"{dest}/none.sock")
    done = run("true", env=dict(env, LD_PRELOAD=entry))
    tap.equal((done.returncode, done.stdout), (0, ""), "a program finds the library by $LIB")
    tap.ok(".debug_info" not in run("readelf", "-SW", library).stdout, "it has no debug sections")
    with subprocess.Popen(["sleep", "61"], env=dict(env, LD_PRELOAD=library)) as sleeper:
        deadline = time.monotonic() + 20
        while library not in open(f"/proc/{sleeper.pid}/maps").read() and time.monotonic() < deadline:
            time.sleep(0.01)
        inode = os.stat(library).st_ino
        done = make_install(dest)
        mapped = [line.split(None, 5) for line in open(f"/proc/{sleeper.pid}/maps") if library in line]
        tap.ok(done.returncode == 0 and mapped and os.stat(library).st_ino != inode and
               all(int(line[4]) == inode and line[5].endswith("(deleted)\n") for line in mapped),
               "a second installation puts a new file, and leaves the mapped one alone", f"{inode} {mapped}")
        sleeper.kill()
    tap.equal([name for name in below(dest) if ".new" in name], [], "and no temporary file")
    if not os.path.exists(f"{BUILD}/lib32/librunmark.so"):
        tap.skip("runmark run of 32-bit programs", "the compiler makes none")
        return
    with open(f"{dest}.c", "w") as file:
        file.write("void _start(void) { __asm__(\"movl $1, %eax; movl $41, %ebx; int $0x80\"); }\n")
    run("gcc", "-m32", "-nostdlib", "-pie", "-Wl,--dynamic-linker=/lib/ld-linux.so.2", "-o", f"{dest}.small", f"{dest}.c")
    done = run(f"{dest}/usr/bin/runmark", "run", "--db", f"sqlite:{dest}.db", "--output", f"{dest}.out", "--", f"{dest}.small")
    shown = open(f"{dest}.out").read()
    tap.ok(done.returncode == 41 and "ld.so" not in done.stdout and f"{os.path.basename(dest)}.small" in shown,
           "runmark run has 32-bit programs load theirs", f"{done.returncode} {done.stdout} {shown}")


def check_conf(dest):
    conf = f"{dest}/etc/runmark/runmark.conf"
    given = run(f"{dest}/usr/sbin/runmarkd", "--config", conf, "--check-config")
    none = run(f"{dest}/usr/sbin/runmarkd", "--config", "/dev/null", "--check-config")
    tap.ok(given.returncode == 0 and given.stdout == none.stdout, "the configuration put there says the defaults",
           given.stdout)
    active = [line for line in open(conf) if line.strip() and line[0] not in "#["]
    tap.equal(active, [], "and decides nothing")
    with open(conf, "w") as file:
        file.write("[rules]\nrule = full\nrule = ignore user=0\n")
    warned = run(f"{dest}/usr/sbin/runmarkd", "--config", conf, "--check-config")
    tap.ok(warned.returncode == 0 and f"{conf}:3: [rules] rule = ignore user=0: never asked" in warned.stdout,
           "a rule that is never asked is a warning", warned)
    with open(conf, "w") as file:
        file.write("[daemon]\nhost = mine\n")
    done = make_install(dest)
    tap.equal((done.returncode, open(conf).read()), (0, "[daemon]\nhost = mine\n"),
              "a second installation leaves the site's configuration alone")


def check_linker(dest, top):
    """gcc finds the installed linker by COMPILER_PATH, and it finds its placeholder."""
    with open(f"{top}/empty.c", "w") as file:
        file.write("int main(void) { return 0; }\n")
    conf = f"{top}/link.conf"
    with open(conf, "w") as file:
        file.write(f"[daemon]\nsocket = {top}/none.sock\ndrop =\n")
    env = dict(os.environ, COMPILER_PATH=f"{dest}/usr/libexec/runmark", RUNMARK_CONF=conf)
    for flags in ([], ["-static"], ["-fuse-ld=bfd"]):
        done = run("gcc", *flags, "-o", f"{top}/empty", f"{top}/empty.c", env=env)
        notes = run("readelf", "-n", f"{top}/empty").stdout
        data = [line.split(":")[1].split() for line in notes.splitlines() if "description data" in line]
        tap.ok(done.returncode == 0 and not done.stdout and "RunmarkNote" in notes and any(int(b, 16) for b in data[-1]),
               " ".join(["gcc", *flags, "with COMPILER_PATH makes a stamped program"]), done.stdout + notes)
        tap.equal(run(f"{top}/empty").returncode, 0, "which runs")


def check_prefix(top):
    """Another prefix, in a build folder of its own, and nothing in /usr or /etc."""
    dest = f"{top}/local"
    done = run("make", "CI=1", f"BUILD={top}/build", "install", f"DESTDIR={dest}", "PREFIX=/opt/runmark",
               "SYSCONFDIR=/opt/runmark/etc")
    tap.ok(done.returncode == 0, "make install PREFIX=/opt/runmark SYSCONFDIR=/opt/runmark/etc", done.stdout[-4000:])
    tap.equal(sorted(os.listdir(dest)), ["opt"], "all of it is there")
    unit = open(f"{dest}/opt/runmark/lib/systemd/system/runmarkd.service").read()
    tap.ok("ExecStart=/opt/runmark/sbin/runmarkd" in unit, "the unit starts it there")
    usage = run(f"{dest}/opt/runmark/sbin/runmarkd", "--help").stdout
    tap.ok("/opt/runmark/etc/runmark/runmark.conf" in usage, "and it reads its configuration there", usage)


def check_units(dest):
    if not shutil.which("systemd-analyze"):
        tap.skip("systemd-analyze verify", "systemd is not installed")
        return
    # verify looks for what a unit needs below the same root
    stand_ins = f"{dest}/usr/lib/systemd/system"
    for name in ("sysinit.target", "basic.target", "shutdown.target", "local-fs.target", "multi-user.target",
                 "umount.target", "timers.target", "time-sync.target", "time-set.target",
                 "systemd-tmpfiles-setup.service"):
        text = "[Service]\nExecStart=/usr/bin/runmark\n" if name.endswith("service") else ""
        with open(f"{stand_ins}/{name}", "w") as file:
            file.write(f"[Unit]\nDescription=stands in\nDefaultDependencies=no\n{text}")
    for name in ("runmarkd.service", "runmark-ingest.service", "runmark-prune.service", "runmark-prune.timer"):
        done = run("systemd-analyze", "verify", "--man=no", f"--root={dest}", f"{stand_ins}/{name}")
        tap.ok(done.returncode == 0 and not done.stdout, f"systemd-analyze verify {name}", done.stdout)


for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
    os.environ.pop(name, None)
top = tempfile.mkdtemp(prefix="runmark-install.")
os.chmod(top, 0o755)
try:
    check_files(f"{top}/root")
    check_programs(f"{top}/root")
    check_library(f"{top}/root")
    check_linker(f"{top}/root", top)
    check_conf(f"{top}/root")
    check_units(f"{top}/root")
    check_prefix(top)
finally:
    shutil.rmtree(top)
tap.done()
