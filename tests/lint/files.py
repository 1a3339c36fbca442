# SPDX-License-Identifier: BSD-2-Clause
"""The files of the tree, by kind, for the tests of the house rules. Run from the top folder."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import tap  # noqa: E402  (for those that import this)

PASSED_OVER = {"build", ".git", "__pycache__"}


def every():
    """Tracked files; where git can't tell (none here, another owner), all that aren't build products."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.split("\0") if name and os.path.exists(name)]
    except (OSError, subprocess.CalledProcessError):
        names = []
        for folder, folders, files in os.walk("."):
            folders[:] = [f for f in folders if f not in PASSED_OVER]
            names += [os.path.relpath(os.path.join(folder, f)) for f in files]
    return sorted(names)


def ending(*ends):
    return [name for name in every() if name.endswith(ends)]


def scripts(*interpreters):
    """Files that begin with #! and one of these."""
    found = []
    for name in every():
        with open(name, "rb") as file:
            first = file.readline(256).decode("utf-8", "replace").split()
        if first and first[0].startswith("#!") and os.path.basename(first[-1]) in interpreters:
            found.append(name)
    return found


def output_of(*argv, **options):
    """(status, stdout and stderr together)."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", **options)
    return done.returncode, done.stdout


def need(tool, what):
    """Skips the whole test where a tool is missing."""
    if not any(os.access(os.path.join(p, tool), os.X_OK) for p in os.environ["PATH"].split(":")):
        tap.skip(what, f"{tool} is not installed")
        tap.done()
