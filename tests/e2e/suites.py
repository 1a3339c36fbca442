# SPDX-License-Identifier: BSD-2-Clause
"""For preload_packages.t: test suites of real packages. How each is had and run, and what it says of each of its tests."""
import collections
import dataclasses
import glob
import os
import re
import xml.etree.ElementTree


@dataclasses.dataclass
class Suite:
    name: str
    needs: str  # beside what builds: a command that succeeds where it is there
    source: str  # Debian's source package; "": the suite is installed
    build: str
    run: str  # in the sources' folder; $OUT is an empty one for what it writes
    results: object  # function(sources' folder, $OUT, what it printed) to {test: result}
    least_tests: int
    programs: re.Pattern  # those that the library must have told of, and at least so many runs of them
    least: int
    seconds: int = 2400


def automake(tree, _out, _text):
    """Each test's .trs file, written when it ends, and taken away for the next round."""
    found = {}
    for path in glob.glob(f"{tree}/**/*.trs", recursive=True):
        for number, line in enumerate(l for l in open(path) if l.startswith(":test-result:")):
            found[f"{os.path.relpath(path, tree)} {number}"] = line.split(":", 2)[2].strip()
        os.unlink(path)
    return found


def junit(_tree, out, _text):
    """What regrtest writes, with unittest's own words for the result."""
    found = collections.defaultdict(list)
    for case in xml.etree.ElementTree.parse(f"{out}/junit.xml").iter("testcase"):
        told = sorted(f"{child.tag} {child.get('message') or ''}".strip() for child in case if child.tag in ("failure", "error", "skipped"))
        found[case.get("name")].append(told or case.get("result"))
    return {name: repr(sorted(results, key=repr)) for name, results in found.items()}


def redis(_tree, _out, text):
    """[ok]: name (7 ms)"""
    found = collections.defaultdict(list)
    for result, name in re.findall(r"^\[(ok|err|ignore|skip|exception|timeout)\]: (.*)", text, re.M):
        found[re.sub(r" \(\d+ ms\)$", "", name)].append(result)
    return {name: " ".join(sorted(results)) for name, results in found.items()}


def bash(_tree, _out, text):
    """Each of its scripts prints how its output differs from what it should be. Other people's process numbers are in it."""
    found = {}
    for block in re.split(r"^(?=run-)", re.sub(r"bashtst-\d+|\(\d{2,}\)|\bpid \d+", "#", text), flags=re.M)[1:]:
        name, _, rest = block.partition("\n")
        found[name] = rest
    return found


def busybox(_tree, _out, text):
    """PASS: name"""
    found = collections.defaultdict(list)
    for result, name in re.findall(r"^(PASS|FAIL|SKIPPED|UNTESTED): (.*)", text, re.M):
        found[name].append(result)
    return {name: " ".join(results) for name, results in found.items()}


PYTHON = """
	test_subprocess test_os test_signal test_posix test_fork1 test_threading test_resource test_popen test_wait3 test_wait4
	test_faulthandler test_cmd_line test_atexit test_multiprocessing_fork test_multiprocessing_spawn
	test_multiprocessing_forkserver test_concurrent_futures"""
REDIS = """
	unit/auth unit/protocol unit/keyspace unit/other unit/multi unit/quit unit/aofrw unit/acl unit/pubsub unit/introspection
	unit/introspection-2 unit/querybuf unit/oom-score-adj unit/shutdown unit/limits unit/type/incr unit/lazyfree unit/scan
	unit/info integration/shutdown integration/aof integration/rdb integration/logging integration/redis-cli
	integration/redis-benchmark"""
SUITES = (
    Suite("coreutils", "true", "coreutils", "sh ./configure -q --disable-nls CFLAGS=-O1 && make -s",
          "make -k -s check SUBDIRS=.", automake, 499, re.compile(r".*/src/\w+"), 997),
    Suite("python", "/usr/bin/python3 -c 'import test.test_subprocess'", "", "",
          f"/usr/bin/python3 -m test --junit-xml $OUT/junit.xml {' '.join(PYTHON.split())}", junit, 1499, re.compile(r"/usr/bin/python3\.\d+"), 499),
    Suite("redis", "command -v tclsh", "redis", "make -s MALLOC=libc OPTIMIZATION=-O1 BUILD_TLS=no",
          "./runtest --clients 2 --port 31013 " + " ".join("--single " + unit for unit in REDIS.split()), redis, 499, re.compile(r".*/src/redis-\w+"), 97),
    # with bash's own malloc(); and a terminal, for jobs
    Suite("bash", "true", "bash", "./configure -q CFLAGS='-O1 -w' && make -s",
          "script -qec 'make -s tests' /dev/null </dev/null | tr -d '\\r'", bash, 71, re.compile(r".*/bash"), 499),
    Suite("busybox", "true", "busybox", "make -s defconfig && sed -i 's/CONFIG_TC=y/CONFIG_TC=n/' .config && make -s",
          "cd testsuite && ./runtest", busybox, 499, re.compile(r".*/busybox"), 499),
)
