#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Secrets are replaced before anything is kept, and of who opts out nothing is: not one byte, in no file of ours."""
import os
import shutil
import subprocess
import time

import node
import tap

node.require()
SECRETS = {  # name: argv, its form in the record; S is the secret
    "option": (["--db-password=S", "-v"], ["--db-password=[scrubbed]", "-v"]),
    "next argument": (["--token", "S", "file"], ["--token", "[scrubbed]", "file"]),
    "variable": (["API_KEY=S"], ["API_KEY=[scrubbed]"]),
    "url": (["https://me:S@host/x"], ["https://me:[scrubbed]@host/x"]),
    "script": (["-c", "curl -u me:S host; mysql -pS"], ["-c", "curl -u me:[scrubbed] host; mysql -p[scrubbed]"]),
    "json": (['{"password": "S", "n": 1}'], ['{"password": "[scrubbed]", "n": 1}']),
    "the site's own": (["--licence-no", "S"], ["--licence-no", "[scrubbed]"]),
}
OPT_OUTS = [{"RUNMARK_TRACKING": "no"}, {"XALT_EXECUTABLE_TRACKING": "no"}]
# words that nobody else on this machine has in a command line, not even who shows this file
MARK = os.urandom(6).hex()
HIDDEN, SECRET = f"hidden-{MARK}", f"s3cr3t{MARK}w0rd"
NO_OPT_OUTS = [{"RUNMARK_TRACKING": "yes"}, {"RUNMARK_TRACKING": "NO"}, {"XALT_EXECUTABLE_TRACKING": ""}]


def everywhere(n, needle):
    """Files of the daemon's that hold these bytes."""
    found = []
    for folder in (n.spool, n.state, n.drop):
        for top, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(top, name)
                if os.path.isfile(path) and needle.encode() in open(path, "rb").read():
                    found.append(path)
    return found + ([n.log_path] if needle in n.log() else [])


n = node.Node()
n.privacy = {"scrub": "licence-no"}
n.rules = ["full"]
with n:
    program, hidden, folder = f"{n.top}/program", f"{n.top}/{HIDDEN}-program", f"{n.top}/{HIDDEN}-folder"
    shutil.copy("/bin/true", program)
    shutil.copy("/bin/true", hidden)
    os.mkdir(folder)
    for i, (name, (argv, _)) in enumerate(SECRETS.items()):
        subprocess.run([program, *[a.replace("S", f"{SECRET}{i}") for a in argv]], check=True)
    subprocess.run([program, "--author=Bob", "-p", "8080", "--tokenize"], check=True)
    # a parent that opted out, its copy that outlives it, and a child that did not
    script = (f"import os, subprocess, time; parent = os.getpid()\n"
              f"if not os.fork():\n  while os.getppid() == parent: time.sleep(0.02)\n  os._exit(0)\n"
              f"subprocess.run(['{program}', 'child-tracked'], env={{}})\n"
              f"subprocess.run(['{hidden}', '{HIDDEN}-child'])\n")
    for i, environment in enumerate(OPT_OUTS):
        subprocess.run([hidden, f"{HIDDEN}-argument{i}"], env=environment, cwd=folder, check=True)
        subprocess.run(["python3", "-c", script, f"{HIDDEN}-script"], env={"PATH": "/usr/bin:/bin", **environment}, check=True)
    for i, environment in enumerate(NO_OPT_OUTS):
        subprocess.run([program, f"not-opted-out{i}"], env=environment, check=True)
    # exec from a tracked program into one that is not, and back
    subprocess.run(["/bin/sh", "-c", f"RUNMARK_TRACKING=no exec env -u RUNMARK_TRACKING {program} chain-end"], check=True)
    shutil.copy("/bin/sleep", f"{folder}/{HIDDEN}-sleep")
    sleeper = subprocess.Popen([f"{folder}/{HIDDEN}-sleep", "600"], env=OPT_OUTS[0], cwd=folder)
    time.sleep(0.5)
    if any(hook["fact"] == "mapping" and hook["rung"] == "tracepoint" for hook in n.status()["hooks"]):
        tap.equal(everywhere(n, HIDDEN), [], "of who opts out nothing is kept while it runs")
    # each: the program, the Python, its copy that outlived it, its child; and env in the chain
    count_before = n.status()["unrecorded"]["opted_out"]
    tap.equal(count_before, 4 * len(OPT_OUTS) + 1, "those who opted out are counted")
    n.kill()
    n.start()  # the journal is told again
    sleeper.kill()
    sleeper.wait()
    time.sleep(0.3)
    n.flush()
    runs = [r for r in n.runs() if r["exe"]["path"] == program]
    by_argument = {tuple(r["argv"][1:]): r for r in runs}
    for i, (name, (_, wanted)) in enumerate(SECRETS.items()):
        record = by_argument.get(tuple(wanted))
        tap.ok(record and "argv: secrets replaced" in record["incomplete"], f"{name}: replaced, and the record says so",
               [r["argv"] for r in runs])
        tap.equal(everywhere(n, f"{SECRET}{i}"), [], f"{name}: it is nowhere")
    plain = by_argument.get(("--author=Bob", "-p", "8080", "--tokenize"))
    tap.ok(plain and plain["incomplete"] == [], "what is no secret stays", [r["argv"] for r in runs])
    for i in range(len(NO_OPT_OUTS)):
        tap.ok((f"not-opted-out{i}",) in by_argument, f"{NO_OPT_OUTS[i]} is no opt-out")
    tap.equal(sum(r["argv"][1:] == ["child-tracked"] for r in runs), len(OPT_OUTS), "children are judged by their own environment")
    tap.ok(("chain-end",) in by_argument, "and so is what the same process runs next")
    if any(hook["fact"] == "mapping" and hook["rung"] == "tracepoint" for hook in n.status()["hooks"]):
        tap.equal(everywhere(n, HIDDEN), [], "of who opted out nothing was kept")
    count = n.status()["unrecorded"]["opted_out"]
    tap.equal(count, 1, "and so is the one that ended after a restart")
    n.stop()
    told = {}
    for r in n.records("node"):
        told[r["instance"]] = r["unrecorded"].get("opted_out", 0)
    tap.ok(told and list(told.values())[-1] >= count, "node records carry the count", told)
    n.validate()
    # what a journal holds of a time when more was kept is not kept longer
    n.privacy = {"argv": "full"}
    n.start()
    talker = subprocess.Popen(["sh", "-c", "read x", f"--password={MARK}-earlier"], stdin=subprocess.PIPE)
    time.sleep(0.5)
    tap.ok(everywhere(n, f"{MARK}-earlier"), "argv = full keeps all")
    n.kill()
    n.privacy = {"opt_out": "no", "argv": "name"}
    n.start()
    time.sleep(0.5)
    tap.equal(everywhere(n, f"{MARK}-earlier"), [], "what an earlier configuration kept in the journal is gone")
    talker.kill()
    talker.wait()
    subprocess.run([hidden, f"{MARK}-shown"], env=OPT_OUTS[0], check=True)
    n.flush()
    seen = [r for r in n.runs() if r["exe"]["path"] == hidden]
    tap.equal([(r["argv"], r["incomplete"]) for r in seen], [([hidden], ["argv: not kept by configuration"])],
              "opt_out = no records it; argv = name keeps the name alone")
    tap.equal(everywhere(n, f"{MARK}-shown"), [], "and its arguments are nowhere")
    tap.equal(n.status()["unrecorded"]["opted_out"], 0, "and nobody is counted as opted out")
    n.validate()
tap.done()
