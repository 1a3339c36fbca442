#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark run: the command runs as it would without, and what ran is told: for root, a plain user, and by the kernel."""
import collections
import glob
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time

import tap
from node import BUILD, TOP, can_track
from private import NOBODY, Private, ended

PYTHON = "/usr/bin/python3"
CHILDREN = """
import subprocess, sys
for i in range(5):
    subprocess.run(["/usr/bin/env", "true"])
    subprocess.run("exit 7", shell=True)
sys.exit(11)
"""
DAEMON = "pkill -{} -x -P $PPID runmarkd"  # by the command, whose parent is the daemon's, too
CHAINED = 37
# what is run, its status, and what ran by that: (program, end)
CASES = [
    ("one program", ["/bin/true"], 0, {("true", 0): 1}),
    ("one that fails", ["/bin/false"], 1, {("false", 1): 1}),
    ("a script with pipes", ["sh", "-c", "/bin/echo a b | tr a c | wc -w; ls / >/dev/null; exit 3"], 3,
     {("dash", 3): 1, ("echo", 0): 1, ("tr", 0): 1, ("wc", 0): 1, ("ls", 0): 1}),
    ("python with children", [PYTHON, "-c", CHILDREN], 11,
     {("python3", 11): 1, ("env", "exec"): 5, ("true", 0): 5, ("dash", 7): 5}),
    ("a chain of programs", ["env", "nice", "sh", "-c", "exec sleep 0.01"], 0,
     {("env", "exec"): 1, ("nice", "exec"): 1, ("dash", "exec"): 1, ("sleep", 0): 1}),
    ("a signal", ["sh", "-c", "kill -SEGV $$"], 139, {("dash", "SIGSEGV"): 1}),
    ("a child that is killed", ["sh", "-c", "sleep 30 & sleep 0.2; kill -KILL $!; wait $!; exit 0"], 0,
     {("dash", 0): 1, ("sleep", 0): 1, ("sleep", "SIGKILL"): 1}),
    ("set -e", ["sh", "-ec", "/bin/false; /bin/true"], 1, {("dash", 1): 1, ("false", 1): 1}),
]


def resolved(programs):
    """Names as this machine has them: what sh and python3 really are."""
    names = {"dash": os.path.basename(os.path.realpath("/bin/sh")), "python3": os.path.basename(os.path.realpath(PYTHON))}
    return collections.Counter({(names.get(name, name), end): count for (name, end), count in programs.items()})


def check_cases(user):
    for name, command, status, programs in CASES:
        done = user.run(*command)
        tap.ok(done.status == status, f"{name}: its exit status, {status}", done)
        tap.ok(are_same(done.programs(), resolved(programs), user), f"{name}: what ran", (done, programs))
    known = {run["run_id"] for run in user.found()}
    tap.ok({run["run_id"] for run in done.runs} <= known, "runs are in the user's own database", known)
    tap.ok({run["source"] for run in done.runs} == {"bpf" if user.bpf else "preload"}, "they say who told of them", done.runs)


def are_same(got, want, user):
    """Kernels before 6.15 tell only root how a process of another has ended."""
    if user.bpf or not user.uid or tuple(int(n) for n in os.uname().release.split(".")[:2]) >= (6, 15):
        return got == want
    return names_of(got) == names_of(want)


def names_of(programs):
    return collections.Counter(name for name, _ in programs.elements())


def check_streams(user):
    done = user.run("sh", "-c", "cat; echo to error >&2", input="from input\n", stdin=None)
    tap.equal((done.out, done.err), ("from input\n", "to error\n"), "streams are the command's own")
    closed = subprocess.run(["sh", "-c", 'exec "$@" 0<&- 1>&- 2>&-', "-", *user.words("sh", "-c", "ls -l /proc/self/fd >$0",
                                                                                      f"{user.home}/fds")],
                            env=user.env, check=False)
    fds = [line.split()[8] for line in open(f"{user.home}/fds").read().splitlines() if "->" in line]
    # ls has its folder open as the first free one
    tap.ok(closed.returncode == 0 and not {"2"} & set(fds), "closed streams stay closed", fds)
    before = {"LD_PRELOAD": "", "RUNMARK_SOCKET": "", "RUNMARK_SPOOL": ""}
    done = user.run("env")
    got = dict(line.split("=", 1) for line in done.out.splitlines())
    added = {name: got[name] for name in got if name not in user.env and name not in ("PWD", "_", "SHLVL", "OLDPWD")}
    tap.equal(set(added), set() if user.bpf else set(before), "nothing else comes to the environment")


def check_failures(user):
    done = user.run("/no/such/program")
    tap.ok(done.status == 127 and done.err.count("\n") == 1 and "/no/such/program" in done.err, "a missing command: 127", done)
    done = user.run("/etc/passwd")
    tap.ok(done.status == 126 and done.err.count("\n") == 1, "one that can't be run: 126", done)
    tap.ok(not user.left(), "no folder is left", user.left())


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def started(user, *command, **more):
    """One that has begun: it has made the file."""
    mark = f"{user.home}/begun"
    if os.path.exists(mark):
        os.unlink(mark)
    process = user.start("sh", "-c", f": >{mark}; {' '.join(command)}", stderr=subprocess.PIPE, text=True, **more)
    if not wait_for(lambda: os.path.exists(mark), 60):
        raise RuntimeError("it doesn't begin")
    return process


def check_signals(user):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        process = started(user, "exec sleep 30")
        process.send_signal(number)
        err = process.communicate()[1]
        tap.ok(process.returncode == 128 + number and "runs of" in err or "run of" in err,
               f"{number.name} is handed on, and what ran is told", (process.returncode, err))
    process = started(user, "trap 'exit 23' TERM; while :; do sleep 0.05; done")
    process.send_signal(signal.SIGTERM)
    err = process.communicate()[1]
    tap.equal(process.returncode, 23, "a command that handles a signal ends as it likes")
    tap.ok(not user.left() and not user.daemons(), "nothing is left", (user.left(), user.daemons()))


def terminal(user, command, keys, seconds=60):
    """Runs it in a shell's way on a terminal of its own: (word, keys) - when the word is seen, the keys are typed. What
    the terminal showed."""
    shell = ("import os,signal,sys\n"
             "signal.signal(signal.SIGTTOU, signal.SIG_IGN)\n"
             "pid = os.fork()\n"
             "if not pid:\n"
             "    os.setpgid(0, 0); os.tcsetpgrp(0, os.getpid()); signal.signal(signal.SIGTTOU, signal.SIG_DFL)\n"
             "    os.execvp(sys.argv[1], sys.argv[1:])\n"
             "while True:\n"
             "    status = os.waitpid(pid, os.WUNTRACED)[1]\n"
             "    os.tcsetpgrp(0, os.getpgrp())\n"
             "    if not os.WIFSTOPPED(status): break\n"
             "    print('stopped', flush=True)\n"
             "    os.tcsetpgrp(0, pid); os.killpg(pid, signal.SIGCONT)\n"
             "print('status', os.waitstatus_to_exitcode(status), flush=True)\n")
    pid, fd = pty.fork()
    if not pid:
        os.execve(PYTHON, [PYTHON, "-c", shell, *user.words(*command)], user.env)
    shown, typed = b"", list(keys)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            piece = os.read(fd, 4096)
        except OSError:
            break
        shown += piece
        if typed and typed[0][0] in shown:
            os.write(fd, typed.pop(0)[1])
    os.close(fd)
    os.waitpid(pid, 0)
    return shown.decode(errors="replace")


def check_terminal(user):
    script = "trap 'echo got' INT; echo ready; sleep 1 & wait; wait; exit 5"
    shown = terminal(user, ["sh", "-c", script], [(b"ready", b"\x03")])
    tap.ok(shown.count("got") == 1 and "status 5" in shown, "a ^C reaches the command once", shown)
    shown = terminal(user, ["sh", "-c", "echo ready; sleep 0.5; echo again; sleep 30"], [(b"ready", b"\x1a"), (b"again", b"\x03")])
    tap.ok("stopped" in shown and "status 130" in shown, "^Z stops all of it, and it goes on", shown)


def check_killed(user):
    process = started(user, "sleep 2; exit 0")
    daemons = user.daemons()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    tap.ok(len(daemons) == 1 and wait_for(lambda: not user.daemons()), "killed, its daemon ends as well", daemons)
    if user.bpf:
        tap.ok(wait_for(lambda: not [path for path in user.left() if path.startswith("/sys")]), "and its kernel side",
               user.left())
    before = {run["run_id"] for run in user.found()}
    wait_for(lambda: user.run("/bin/true").status == 0 and not user.left())
    slept = [run for run in user.found() if run["run_id"] not in before and run["argv"][:1] == ["sleep"]]
    tap.ok(not user.left() and (user.bpf or len(slept) == 1), "what it had recorded comes with the next one", (user.left(), slept))


def check_daemon_killed(user):
    """What it had taken is in its journal, and another one goes on."""
    process = started(user, "/bin/true; sleep 1; ls / >/dev/null; exit 0", stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    for pid in user.daemons():
        os.kill(pid, signal.SIGKILL)
    err = process.communicate()[1]
    tap.ok(process.returncode == 0 and "4 runs of" in err and "killed by signal 9" in err and "started again" in err,
           "its daemon killed, another goes on", err)
    tap.ok("hook" not in err, "and what it had said last isn't told as the reason", err)
    tap.ok(not user.left() and not user.daemons(), "and nothing is left", (user.left(), user.daemons()))


def check_many(user):
    """More at once than a socket's queue has room for."""
    script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do (for j in 1 2 3 4 5 6 7; do /bin/true; /bin/false; done) & done; wait"
    done = user.run("sh", "-c", script)
    want = resolved({("true", 0): 91, ("false", 1): 91, ("dash", 0): 1})
    # of whom the queue had no room for, a file tells: but of who had ended, not its status, without the process connector
    tap.ok(are_same(done.programs(), want, user) or (not user.bpf and names_of(done.programs()) == names_of(want)),
           "183 runs, each once", done)


def check_overflow(user):
    """While the daemon stands still, more comes than its queue has room for: files tell the rest, as soon as it goes on."""
    others = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23; do sh -c 'sleep 2; exit 7' & done"
    done = user.run("sh", "-c", f"{DAEMON.format('STOP')}; {others}; sleep 1; {DAEMON.format('CONT')}; wait; exit 5")
    pkill = os.path.basename(os.path.realpath(shutil.which("pkill")))
    want = resolved({("dash", 7): 23, ("sleep", 0): 24, (pkill, 0): 2, ("dash", 5): 1})
    tap.ok(are_same(done.programs(), want, user), "who lives then is watched, and its end is known", done)


def check_chain(user):
    """The same with programs of one process: which came next, and how the last one ended."""
    step = f'[ $1 = {CHAINED} ] && {DAEMON.format("CONT")} && exit 48; exec sh -c "$0" "$0" $(($1 + 1))'
    done = user.run("sh", "-c", f'{DAEMON.format("STOP")}; exec sh -c "$0" "$0" 0', step)
    runs = {run["run_id"]: run for run in done.runs if len(run["argv"]) == 5 and run["argv"][0] == "sh"}
    counts = {run_id: int(run["argv"][4]) for run_id, run in runs.items()}
    wrong = [count for run_id, count in counts.items()
             if count != CHAINED and counts.get(runs[run_id].get("next_run_id")) != count + 1]
    ends = [ended(run) for run_id, run in runs.items() if counts[run_id] == CHAINED]
    tap.ok(sorted(counts.values()) == list(range(CHAINED + 1)) and not wrong, f"{CHAINED + 1} programs of one process, in order",
           (sorted(counts.values()), wrong))
    tap.ok(ends == [48] or (user.uid and ends == ["unknown"]), "and the last one's end is its own", ends)


def check_nested(user):
    done = user.run(*user.words("sh", "-c", "ls / >/dev/null; exit 19", nested=True))
    names = {name for name, _ in done.programs()}
    tap.ok(done.status == 19 and "runmark" in names and done.err.count("runmark: ") >= 2, "one below another", done)
    if not user.bpf:
        tap.ok("ls" not in names and "3 runs" not in done.err, "tells of its own command", done)


def check_opt_out(user):
    done = user.run("sh", "-c", "ls / >/dev/null", env={"RUNMARK_TRACKING": "no"})
    tap.ok(done.status == 0 and not done.runs, "who opts out is not recorded", done)


def check_stragglers(user):
    done = user.run("sh", "-c", "sleep 3 >/dev/null 2>&1 & exit 0")
    tap.ok(done.status == 0 and "1 process" in done.err, "who still runs is told of", done)
    tap.ok(done.programs()["sleep", "running"] == 1, "and is on record, however young", done)
    found = user.found("--running")
    tap.ok(["sleep", "3"] in [run["argv"] for run in found], "and found among what runs", found)


def check_without(user):
    """Nothing of ours works: the command runs all the same."""
    folder = tempfile.mkdtemp(prefix="runmark-run-test.")
    os.chmod(folder, 0o755)
    os.mkdir(f"{folder}/bin")
    shutil.copy(os.path.join(TOP, BUILD, "bin/runmark"), f"{folder}/bin/runmark")
    with Private(user.uid, user.bpf, f"{folder}/bin/runmark") as alone:
        done = alone.run("sh", "-c", "echo out; exit 29")
        tap.ok((done.status, done.out) == (29, "out\n") and "cannot find" in done.err,
               "without daemon, loader and library", done)
    shutil.rmtree(folder)
    done = user.run("sh", "-c", "echo out; exit 29", options=["--db", "sqlite:/proc/none.db"])
    tap.ok((done.status, done.out) == (29, "out\n") and user.left(), "without a database: the records are kept", done)
    for path in user.left():
        shutil.rmtree(path)
    err = subprocess.run(user.words("true", options=["--db", "bad://x"]), env=user.env, capture_output=True, text=True, check=False).stderr
    tap.ok("more by" not in err and user.left() and user.left()[0] in err, "the folder is named, not a database that can't be asked", err)
    for path in user.left():
        shutil.rmtree(path)
    if os.geteuid():
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size=64k,mode=700,uid={user.uid}", "tmpfs", user.runtime], check=True)
    try:
        done = user.run("sh", "-c", "echo out; exit 29")
        tap.ok((done.status, done.out) == (29, "out\n") and done.err, "with a full disk", done)
    finally:
        subprocess.run(["umount", "-l", user.runtime], check=True)


def check_short(user):
    """Short of descriptors or processes it is not recorded, and runs all the same."""
    limits = [f"-n {number}" for number in (4, 5, 6, 8, 11, 13)] + ["-f 0"] + ["-u 1"] * bool(user.uid)
    for limit in limits:
        words = user.words("sh", "-c", "echo out; exit 29")
        at = words.index(user.runmark)
        done = subprocess.run([*words[:at], "bash", "-c", f'ulimit {limit}; exec "$@"', "-", *words[at:]], env=user.env,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        tap.ok((done.returncode, done.stdout) == (29, "out\n") and done.stderr, f"ulimit {limit}: the command runs", done)
        tap.ok(not glob.glob(f"{user.runtime}/runmark-run.*"), "no folder is left half-made", user.left())
        for path in user.left():
            shutil.rmtree(path)
    for name, age in (("old", 61), ("young", 0)):
        path = f"{user.runtime}/runmark-run.{name}"
        os.makedirs(f"{path}/spool")
        for each in (f"{path}/spool", path):
            os.chown(each, user.uid, user.uid)
            os.chmod(each, 0o700)
            os.utime(each, (time.time() - age,) * 2)
    user.run("true")
    tap.equal(user.left(), [f"{user.runtime}/runmark-run.young"], "one that was left half-made goes, unless it is being made")
    for path in user.left():
        shutil.rmtree(path)


def check_installed():
    """From wherever make install has put it; programs of both classes."""
    folder = tempfile.mkdtemp(prefix="runmark-run-test.")
    os.chmod(folder, 0o755)
    done = subprocess.run(["make", "CI=1", f"BUILD={BUILD}", "install", f"DESTDIR={folder}"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 0, "make install", done)
    with open(f"{folder}/five.c", "w", encoding="ascii") as source:
        source.write("int main(void) { return 5; }\n")
    # without gcc's own 32-bit parts, whose package excludes cross compilers
    classes = [bits for bits, words in ((64, ["-m64"]), (32, ["-m32", "-nostdlib", "/usr/lib32/Scrt1.o"])) if not subprocess.run(
        ["gcc", *words, "-o", f"{folder}/five{bits}", f"{folder}/five.c", "-lc"], stderr=subprocess.DEVNULL, check=False).returncode]
    with Private(NOBODY if os.geteuid() == 0 else os.geteuid(), runmark=f"{folder}/usr/bin/runmark") as user:
        for bits in classes:
            done = user.run(f"{folder}/five{bits}")
            tap.ok(done.status == 5 and done.programs().total() == 1 and not done.err, f"installed: a program of {bits} bits", done)
            table = subprocess.run(user.words(f"{folder}/five{bits}"), env=user.env, capture_output=True, text=True, check=False).stderr
            tap.ok("five" in table and "librunmark" not in table, f"our library of {bits} bits is none of its", table)
    if 32 not in classes:
        tap.skip("installed: a program of 32 bits", "there is no compiler for it")
    shutil.rmtree(folder)


def check_usage(user):
    for words in ([], ["--no-such"], ["--format", "csv", "true"]):
        done = subprocess.run([user.runmark, "run", *words], env=user.env, capture_output=True, text=True, check=False)
        tap.ok(done.returncode == 2 and done.stderr.count("\n") == 1, f"wrong usage: {words}", done)
    done = subprocess.run(user.words("sh", "-c", "exit 3"), env=user.env, capture_output=True, text=True, check=False)
    tap.ok(done.returncode == 3 and "runmark find --db" in done.stderr and not done.stdout, "a table on standard error", done)
    words = user.words("true", options=["--db", f"sqlite:{user.home}/of mine.db"])
    told = [line for line in subprocess.run(words, env=user.env, capture_output=True, text=True, check=False).stderr.splitlines()
            if "more by: " in line]
    asked = subprocess.run(told[0].split("more by: ")[1].replace("runmark", user.runmark, 1), shell=True, capture_output=True, text=True,
                           check=False) if told else None
    tap.ok(asked and asked.returncode == 0 and "/true" in asked.stdout, "what is told to ask more can be pasted, blanks or not", (told, asked))


def check(user, name):
    with user, tap.about(name):
        check_cases(user)
        check_streams(user)
        check_killed(user)
        check_daemon_killed(user)
        check_many(user)
        check_stragglers(user)
        check_without(user)
        if user.bpf:  # the rest is the same way, and to load the kernel side takes seconds
            return
        check_short(user)
        check_failures(user)
        check_signals(user)
        check_terminal(user)
        check_overflow(user)
        check_chain(user)
        check_nested(user)
        check_opt_out(user)
        check_usage(user)


check(Private(0 if os.geteuid() == 0 else os.geteuid()), "by the module")
if os.geteuid() == 0:
    check(Private(NOBODY), "a plain user")
check_installed()
why = can_track()
if why:
    tap.skip("by the kernel", why)
else:
    check(Private(bpf=True), "by the kernel")
tap.done()
