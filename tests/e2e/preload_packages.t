#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The test suites of real packages give the same results with the preload module as without it, test by test.

Each is run twice without, which shows the tests that vary by themselves. Then with LD_PRELOAD and a daemon that listens; and by
/etc/ld.so.preload (of a mount namespace of its own), with an environment that shows nothing of it, all paths the default ones and
a daemon that is stopped, so that its queue is full. What differs then must differ again when both are repeated, else it varies
by itself as well, and is named.
Takes two hours, the network and what "tests/packages install suites" installs, so it runs with RUNMARK_TEST_LONG alone (make
check-long), or with some suites: RUNMARK_SUITES="bash redis" tests/run --seconds 14400 tests/e2e/preload_packages.t. Each round's
figures are in what the test itself prints; RUNMARK_SUITES_TREES=DIR keeps what was built for another time.
"""
import contextlib
import difflib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import debian
import node
import suites
import tap

USER = 65534  # nobody: suites leave out what root may do
PLAIN_ENV = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "TERM": "dumb"}
SHED = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
# copies of these folders in place of the system's, with the module for all, and the daemon where the module looks for one
EVERYWHERE = """
	set -e
	for folder in /etc /run /var/spool; do
		mkdir -p {top}/copy$folder
		cp -ax $folder/. {top}/copy$folder
		mount --bind {top}/copy$folder $folder
	done
	mkdir -p /run/runmark /var/spool/runmark-drop
	mount --bind {state} /run/runmark
	mount --bind {drop} /var/spool/runmark-drop
	echo {library} >/etc/ld.so.preload
	exec "$@" """


class Round:
    """One way to run a suite, with what the library needs for it. __enter__ gives the words before the command and what
    is more in the environment."""
    name = "without the library"

    def __init__(self, library):
        self.library = library
        self.node = None

    def __enter__(self):
        return (), {}

    def __exit__(self, *_):
        pass

    def told(self, pattern):
        """How many runs of programs of this path there are records of."""
        return None


class Preloaded(Round):
    name = "with LD_PRELOAD"

    def __enter__(self):
        self.node = node.Node(source="preload").start()
        return (), {"LD_PRELOAD": self.library, "RUNMARK_SOCKET": f"{self.node.state}/runmark.sock", "RUNMARK_DROP": self.node.drop}

    def __exit__(self, *_):
        self.node.__exit__()

    def told(self, pattern):
        self.node.flush()
        return sum(bool(pattern.fullmatch(run["exe"]["path"] or "")) for run in self.node.runs() if run["source"] == "preload")


class Everywhere(Preloaded):
    name = "with /etc/ld.so.preload and a daemon that doesn't listen"

    def __enter__(self):
        self.node = node.Node(source="preload").start()
        script = EVERYWHERE.format(top=self.node.top, state=self.node.state, drop=self.node.drop, library=self.library)
        os.kill(self.node.process.pid, signal.SIGSTOP)
        return ("unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"), {}

    def __exit__(self, *_):
        os.kill(self.node.process.pid, signal.SIGCONT)
        super().__exit__()

    def told(self, pattern):
        with open(f"/proc/{self.node.process.pid}/stat") as stat:
            tap.equal(stat.read().rsplit(") ", 1)[1][0], "T", f"{self.name}: it was stopped to the end")
        os.kill(self.node.process.pid, signal.SIGCONT)
        return super().told(pattern)


def once(suite, tree, top, way):
    """{test: result} of one run, and how many of its programs told of themselves."""
    out = tempfile.mkdtemp(dir=top, prefix="out.")
    os.chown(out, USER, USER)
    begin = time.monotonic()
    with way as (before, env):
        words = [*before, "nice", *SHED, "env", "-i", *(f"{k}={v}" for k, v in {**PLAIN_ENV, "HOME": out, "OUT": out, **env}.items()),
                 "sh", "-c", suite.run]
        # a file, not a pipe: what a suite leaves running can't hold up the rest
        with tempfile.TemporaryFile() as said:
            # a session of its own: where a suite orphans the process group that it began in (coreutils' timeout.sh), the
            # kernel sends SIGHUP and SIGCONT to all of it, were the stopped daemon there
            child = subprocess.Popen(words, cwd=tree, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT,
                                     start_new_session=True)
            try:
                status = child.wait(timeout=suite.seconds)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
            said.seek(0)
            text = said.read().decode("utf-8", "replace")
        found = suite.results(tree, out, text)
        found["(its exit status)"] = str(status)
        told = way.told(suite.programs)
    shutil.rmtree(out, ignore_errors=True)
    print(f"# {suite.name} {way.name}: {len(found)} results, {told} runs told, {time.monotonic() - begin:.0f} s", flush=True)
    return found, told


def differing(a, b):
    return {test for test in a.keys() | b.keys() if a.get(test) != b.get(test)}


def shown(tests, a, b):
    """Of each test, what it said without, and what with."""
    text = ""
    for test in sorted(tests):
        text += f"{test}:\n" + "\n".join(list(difflib.unified_diff(
            str(a.get(test)).splitlines(), str(b.get(test)).splitlines(), n=0, lineterm=""))[2:12]) + "\n"
    return text


def compare(suite, tree, top, library):
    plain, _ = once(suite, tree, top, Round(library))
    varying = differing(plain, once(suite, tree, top, Round(library))[0])
    tap.ok(len(plain) > suite.least_tests, f"{len(plain)} tests", plain)
    for kind in (Preloaded, Everywhere):
        got, told = once(suite, tree, top, kind(library))
        bad = differing(plain, got) - varying
        if bad:
            print("".join(f"# {line}\n" for line in shown(bad, plain, got).splitlines()), end="", flush=True)
            varying |= differing(plain, once(suite, tree, top, Round(library))[0])
            bad &= differing(plain, once(suite, tree, top, kind(library))[0])
        tap.ok(not bad - varying, f"{kind.name}: the same results", shown(bad - varying, plain, got))
        tap.ok(told >= suite.least, f"{kind.name}: {told} runs of its programs recorded")
    print(f"# {suite.name}: vary by themselves: {sorted(varying)}", flush=True)


def prepare(suite, folder, apt):
    """Where the suite is run from; or None, and why not."""
    if subprocess.run(["sh", "-c", suite.needs], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        return None, "sh tests/packages install suites"
    tree = f"{folder}/trees/{suite.name}"
    if not os.path.exists(tree):
        if suite.source and not (found := debian.source(folder, suite.source, apt)):
            return None, "no such source"
        building = f"{tree}.building"
        shutil.rmtree(building, ignore_errors=True)
        if suite.source:
            shutil.copytree(found, building, symlinks=True)
        else:
            os.makedirs(building)
        os.chmod(building, 0o755)
        subprocess.run(["chown", "-R", str(USER), building], check=True)
        os.rename(building, tree)
        result = subprocess.run(["nice", *SHED, "sh", "-c", suite.build or "true"], cwd=tree, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        if result.returncode:
            shutil.rmtree(tree)
            return None, "it doesn't build here: " + result.stdout[-200:].replace("\n", " ")
    return tree, None


def main():
    before, after = {"a": "1\n2", "b": "3"}, {"a": "1\n4", "b": "3", "c": "5"}
    tap.equal(shown(differing(before, after), before, after), "a:\n@@ -2 +2 @@\n-2\n+4\nc:\n@@ -1 +1 @@\n-None\n+5\n",
              "what differs is found and shown")
    wanted = os.environ.get("RUNMARK_SUITES", "").split()
    if not wanted and not os.environ.get("RUNMARK_TEST_LONG"):
        tap.skip("suites of real packages", "only in the long test: make check-long")
        tap.done()
    if os.geteuid() != 0:
        tap.skip("suites of real packages", "needs root, to shed it and for namespaces")
        tap.done()
    with tempfile.TemporaryDirectory(prefix="runmark-test.") as top:
        os.chmod(top, 0o755)
        kept = os.environ.get("RUNMARK_SUITES_TREES", top)
        apt = debian.lists(kept)
        os.makedirs(f"{kept}/trees", exist_ok=True)
        library = shutil.copy(os.path.join(node.TOP, node.BUILD, "lib/librunmark.so"), top)
        for suite in suites.SUITES:
            if wanted and suite.name not in wanted:
                continue
            tree, reason = prepare(suite, kept, apt)
            if not tree:
                tap.skip(suite.name, reason)
                continue
            with tap.about(suite.name):
                compare(suite, tree, top, library)
    tap.done()


main()
