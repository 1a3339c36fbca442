#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark doctor --explain: which rule takes a process or a path, and why."""
import json
import os
import pwd
import shutil
import subprocess

import node
import tap

node.require()
n = node.Node()
nobody = pwd.getpwnam("nobody")
n.rules = [f"ignore path={n.top}/a* user={nobody.pw_name}", f"group path={n.top}/a* comm=a?", f"full path={n.top}/b*", "ignore path=/opt/*",
           "ignore user=0"]


def explain(what, *options):
    """(exit status, answer or text)."""
    done = subprocess.run([node.program("runmark"), "doctor", "--config", n.conf, "--explain", str(what), *options],
                          capture_output=True, text=True)
    return done.returncode, json.loads(done.stdout) if "json" in options and done.stdout else done.stdout + done.stderr


def running(name, **options):
    return subprocess.Popen([f"{n.top}/{name}", "60"], stdin=subprocess.PIPE, **options)


with n:
    for name in ("aa", "a-long", "b1", "c"):
        shutil.copy("/bin/sleep", f"{n.top}/{name}")
    lines = {line.strip(): number for number, line in enumerate(open(n.conf), 1)}
    cases = [  # process, action, number of the rule, whether it holds by rule
        (running("aa", user=nobody.pw_uid), "ignore", 1, ["yes"]),
        (running("aa"), "group", 2, ["no", "yes"]),
        (running("a-long"), "ignore", 5, ["no", "no", "no", "no", "yes"]),
        (running("b1"), "full", 3, ["no", "no", "yes"]),
        (running("c", user=nobody.pw_uid), "full", 6, ["no", "no", "no", "no", "no", "yes"]),
        (running("aa", env={"PMI_RANK": "3"}), "full", 2, ["no", "yes"]),
    ]
    for process, action, number, holds in cases:
        status, answer = explain(process.pid, "--format", "json")
        got = (status, answer["action"], answer["decided_by"], [r["holds"] for r in answer["rules"]])
        tap.equal(got, (0, action, number, holds), f"{os.path.basename(process.args[0])}: {action}, by rule {number}")
    tap.ok("launcher" in answer["note"], "a task of a launcher is told of", answer)
    wrong = [(r["line"], lines.get("rule = " + r["rule"], 0)) for r in answer["rules"] if r["line"] != lines.get("rule = " + r["rule"], 0)]
    tap.equal(wrong, [], "each rule has its line")
    status, answer = explain(cases[1][0].pid, "--format", "json")
    tap.equal([(c["condition"], c["holds"], c["value"]) for c in answer["rules"][0]["conditions"]],
              [(f"path={n.top}/a*", "yes", f"{n.top}/aa"), (f"user={nobody.pw_name}", "no", 0)],
              "each condition has what it was asked of")
    status, text = explain(cases[2][0].pid)
    tap.ok(status == 0 and f"{n.top}/a-long: ignore, by rule 5" in text and "user=0: yes, it is 0" in text, "and it can be read", text)

    os.symlink(f"{n.top}/b1", f"{n.top}/link")
    paths = [  # action, deciding rule, whether each holds
        (f"{n.top}/b1", "full", 3, ["no", "no", "yes"]),
        (f"{n.top}/link", "full", 3, ["no", "no", "yes"]),
        ("/opt/x/y", "ignore", 4, ["no", "no", "no", "yes"]),
        (f"{n.top}/aa", None, None, ["unknown", "yes"]),
        (f"{n.top}/c", None, None, ["no", "no", "no", "no", "unknown", "yes"]),
    ]
    for path, action, number, holds in paths:
        status, answer = explain(path, "--format", "json")
        got = (status, answer["action"], answer["decided_by"], [r["holds"] for r in answer["rules"]])
        tap.equal(got, (0, action, number, holds), f"{path.replace(n.top, '')}: {action or 'not certain'}")
    for process, *_ in cases:
        process.kill()
        process.wait()
    tap.equal(explain(2147483647)[0], 1, "a process that isn't there: exit status 1")
    status, text = explain("no/such/file")
    tap.ok(status == 2 and "neither a pid nor the path" in text, "what is neither is wrong usage", text)

    # of what the kernel side leaves out, and of what opts out, little is kept: that is said, not made up
    n.stop()
    n.rules = [f"ignore path={n.top}/b*", f"ignore path={n.top}/none", "ignore comm=kern-out user=0", f"ignore user={nobody.pw_uid}", "full"]
    n.start()
    shutil.copy("/bin/sleep", f"{n.top}/kern-out")
    cases = [  # process, action, rule, whether each holds
        (running("kern-out"), "ignore", 3, ["unknown", "unknown", "yes"]),
        (running("c", user=nobody.pw_uid), "ignore", 4, ["unknown", "unknown", "no", "yes"]),
        (running("b1"), "ignore", 1, ["yes"]),
        (running("c", env={"RUNMARK_TRACKING": "no"}), "opted out", None, ["unknown", "unknown", "unknown", "no", "yes"]),
    ]
    for process, action, number, holds in cases:
        status, answer = explain(process.pid, "--format", "json")
        got = (status, answer["action"], answer["decided_by"], [r["holds"] for r in answer["rules"]])
        tap.equal(got, (0, action, number, holds), f"{os.path.basename(process.args[0])}: {action}, by rule {number}")
        empty = [c for r in answer["rules"] for c in r["conditions"] if c["value"] == ""]
        tap.equal(empty, [], "no condition is asked of an empty value")
    status, text = explain(cases[0][0].pid)
    tap.ok(", program not kept: ignore, by rule 3; by a rule of user and command" in text and f"path={n.top}/b*: unknown, it is not kept" in text and
           "comm=kern-out: yes, it is kern-out" in text and "user=0: yes, it is 0" in text, "what was not kept is called so", text)
    os.mkdir(f"{n.top}/shell")
    shutil.copy("/bin/dash", f"{n.top}/shell/kern-out")
    renamed = subprocess.Popen([f"{n.top}/shell/kern-out", "-c", "echo other >/proc/$$/comm; echo done; read x"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    renamed.stdout.readline()
    status, answer = explain(renamed.pid, "--format", "json")
    renamed.communicate()
    tap.equal((answer["action"], answer["decided_by"]), ("ignore", None), "a command that renamed itself: no rule is named")
    for process, *_ in cases:
        process.kill()
        process.wait()
    n.stop()
    tap.equal(explain(1)[0], 3, "without a daemon: exit status 3")
tap.done()
