#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""argv, environment and paths that users may choose: recorded right, or marked as cut; never anything else."""
import base64
import ctypes
import os
import subprocess

import node
import tap

node.require()
ARGV_MAX, ENV_MAX, PATH_MAX, CGROUP_MAX = 16384, 32768, 4096, 1024  # bpf/event.h


def exact(record, name):
    """Bytes of an array of text."""
    exact_b64 = record.get(name + "_b64") or [None] * len(record[name])
    return [base64.b64decode(b) if b is not None else t.encode() for t, b in zip(record[name], exact_b64)]


def exact_text(record, name):
    return base64.b64decode(record[name + "_b64"]) if name + "_b64" in record else record[name].encode()


with node.Node(environment="TEST_* LANG") as n:
    open(f"{n.top}/e.c", "w").write("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-O1", "-o", f"{n.top}/e", f"{n.top}/e.c"], check=True)
    program = f"{n.top}/e".encode()
    every = bytes(range(1, 256))
    cases = {
        "newlines and quotes": [b"a\nb", b"\"'\\`$(reboot)", b"\t\r"],
        "terminal escapes": [b"\x1b[2J\x1b]0;owned\x07", b"\xc2\x9b31m"],
        "invalid UTF-8": [b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"ok"],
        "every byte": [every],
        "empty arguments": [b"", b"", b"x", b""],
        "many short arguments": [b"x"] * 4001,
        "one below the limit": [b"y" * (ARGV_MAX - len(program) - 3)],
        "at the limit": [b"y" * (ARGV_MAX - len(program) - 2)],
        "one above the limit": [b"y" * (ARGV_MAX - len(program) - 1)],
        "128 KiB": [b"z" * 65536, b"w" * 65535],
        "SQL": [b"'; DROP TABLE run; --"],
        "JSON": [b"\",\"pid\":1,\"x\":\""],
    }
    pids = {}
    for name, arguments in cases.items():
        child = subprocess.Popen([program, *arguments])
        child.wait()
        pids[name] = child.pid
    # argc 0, as far as the kernel lets a program have it
    libc = ctypes.CDLL(None, use_errno=True)
    pid = os.fork()
    if pid == 0:
        libc.execve(program, (ctypes.c_char_p * 1)(None), (ctypes.c_char_p * 1)(None))
        os._exit(127)
    os.waitpid(pid, 0)
    pids["no argv at all"] = pid
    environments = {
        "environment": {b"TEST_A": b"1", b"TEST_B": every.replace(b"=", b""), b"SECRET": b"no", b"LANG": b"C"},
        "1 MiB of environment": {b"LANG": b"C", **{b"TEST_%04d" % i: b"v" * 1000 for i in range(1000)}},
        "no environment": {},
        **{f"environment of {size} bytes": {b"LANG": b"C", b"TEST_A": b"v" * (size - len(b"LANG=C\0TEST_A=\0"))}
           for size in (ENV_MAX - 1, ENV_MAX, ENV_MAX + 1)},
    }
    for name, environment in environments.items():
        child = subprocess.Popen([program, name], env=environment)
        child.wait()
        pids[name] = child.pid
    folder = f"{n.top}/".encode() + b"odd\n\x1b[31m\xff\"'"
    os.mkdir(folder)
    deep = b"/".join([folder] + [b"d" * 200] * 19)
    os.makedirs(deep)
    for where in (folder, deep):
        os.link(program, where + b"/e")
    cwd = os.open(b".", os.O_RDONLY)
    for name, where in (("odd folder", folder), ("deep folder", deep)):
        os.chdir(where)
        child = subprocess.Popen([b"./e", name.encode()])
        child.wait()
        pids[name] = child.pid
    # cwd of 4,093 to 4,097 bytes, the program's path two more
    os.chdir(folder)
    os.mkdir(b"long")
    os.chdir(b"long")
    have = len(folder) + 5
    while have + 256 < 4090:
        os.mkdir(b"p" * 200)
        os.chdir(b"p" * 200)
        have += 201
    top, long_paths = os.open(b".", os.O_RDONLY), {}
    for size in range(4093, 4098):
        name = b"q" * (size - have - 1)
        os.mkdir(name)
        os.chdir(name)
        os.link(program, b"e")
        child = subprocess.Popen([b"./e"])
        child.wait()
        long_paths[child.pid] = folder + b"/long/" + (b"p" * 200 + b"/") * ((have - len(folder) - 5) // 201) + name
        os.fchdir(top)
    os.fchdir(cwd)
    # control groups, of names that do not divide the limit
    cgroup_pids, made = {}, []
    root = next((f"/sys/fs/cgroup/{h}" for h in ("memory", "freezer", "unified") if os.path.isdir(f"/sys/fs/cgroup/{h}")), "/sys/fs/cgroup")
    for size in range(CGROUP_MAX - 1, CGROUP_MAX + 2):
        parts = [f"runmark-test-{os.getpid()}"] + ["g" * 99] * 9
        parts.append("h" * (size - sum(len(p) + 1 for p in parts) - 1))
        path = root
        for part in parts:
            path += "/" + part
            if not os.path.isdir(path):
                os.mkdir(path)
                made.append(path)
        child = subprocess.Popen(["/bin/sh", "-c", f"echo $$ > {path}/cgroup.procs; exec {n.top}/e"])
        child.wait()
        cgroup_pids[child.pid] = "/" + "/".join(parts)
    for path in reversed(made):
        os.rmdir(path)
    n.flush()
    by_pid = {r["pid"]: r for r in n.runs() if r["exe"]["path"] and r["exe"]["path"].endswith("/e")}
    for name, arguments in cases.items():
        run = by_pid[pids[name]]
        want = [program, *arguments]
        total = sum(len(a) + 1 for a in want)
        if total <= ARGV_MAX:
            tap.ok(exact(run, "argv") == want and not run["incomplete"], f"{name}: argv is exact", (run["argv"][:3], run["incomplete"]))
        else:
            cut = b"\0".join(want)[:ARGV_MAX].split(b"\0")
            tap.ok(exact(run, "argv") == cut and f"argv: cut at {ARGV_MAX} bytes" in run["incomplete"], f"{name}: argv is cut, and says so",
                   (run["argv"][0][:80], run["incomplete"]))
    run = by_pid[pids["no argv at all"]]
    tap.equal((run["argv"], run["exit"]), ([""], {"code": 0}), "no argv at all: the kernel's empty one")
    sets = n.sets()

    def env_of(name):
        s = sets[by_pid[pids[name]]["env_set"]]
        return {k.encode(): base64.b64decode(s.get("env_b64", {}).get(k, "")) or v.encode() for k, v in s["env"].items()}

    want = {k: v for k, v in environments["environment"].items() if k != b"SECRET"}
    tap.equal(env_of("environment"), want, "environment: what is allowed, exact, and nothing else")
    tap.equal(env_of("no environment"), {}, "no environment: none")
    for size in (ENV_MAX - 1, ENV_MAX, ENV_MAX + 1):
        name = f"environment of {size} bytes"
        want = {k: v[:len(v) - max(0, size - 1 - ENV_MAX)] for k, v in environments[name].items()}
        tap.equal((env_of(name), by_pid[pids[name]]["incomplete"]), (want, [f"env: cut at {ENV_MAX} bytes"] if size > ENV_MAX else []),
                  f"{name}: whole, or says that it is cut")
    run = by_pid[pids["1 MiB of environment"]]
    tap.ok(f"env: cut at {ENV_MAX} bytes" in run["incomplete"] and len(env_of("1 MiB of environment")) > 25, "1 MiB of environment: cut, and says so")
    run = by_pid[pids["odd folder"]]
    tap.equal((exact_text(run, "cwd"), exact_text(run["exe"], "path")), (folder, folder + b"/e"), "odd folder: cwd and path are exact")
    tap.equal(run["exe"]["requested"], "./e", "and what was asked for stands beside")
    run = by_pid[pids["deep folder"]]
    tap.equal((len(exact_text(run, "cwd")), exact_text(run, "cwd")[-200:], run["incomplete"]),
              (len(deep), b"d" * 200, []) if len(deep) < 4096 else (len(deep), b"d" * 200, run["incomplete"]), "a path of nearly 4,096 bytes")
    for pid, where in long_paths.items():
        run = next(r for r in n.runs() if r["pid"] == pid and r["argv"] == ["./e"])
        for value, real, told in ((exact_text(run, "cwd"), where, "cwd: path cut"), (exact_text(run["exe"], "path"), where + b"/e", "exe: path cut")):
            tap.ok((value == real and told not in run["incomplete"]) if len(real) <= PATH_MAX else
                   (real.endswith(value) and len(value) > PATH_MAX - 256 and told in run["incomplete"]),
                   f"{told.split(':')[0]} of {len(real)} bytes: whole, or says that it is cut", (len(value), run["incomplete"]))
    for pid, real in cgroup_pids.items():
        run = next(r for r in n.runs() if r["pid"] == pid and r["argv"] == [f"{n.top}/e"])
        tap.ok((run["cgroup"] == real and "cgroup: path cut" not in run["incomplete"]) if len(real) <= CGROUP_MAX else
               (real.endswith(run["cgroup"]) and "cgroup: path cut" in run["incomplete"]),
               f"control group of {len(real)} bytes: whole, or says that it is cut", (len(run["cgroup"]), run["incomplete"]))
    n.validate()
    n.check_sequence()
tap.done()
