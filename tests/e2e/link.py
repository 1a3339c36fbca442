# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the watermark linker share: a folder of their own, links with it and without it, and readelf."""
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("BUILD", "build"))
WRAPPERS = os.path.join(BUILD, "libexec", "runmark")


class Box:
    """A temporary folder, current while it lasts, with a configuration whose records go to the folder drop."""

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="runmark-link-")
        os.chmod(self.folder, 0o755)
        self.drop = os.path.join(self.folder, "drop")
        self.conf = os.path.join(self.folder, "runmark.conf")
        os.mkdir(self.drop)
        os.chmod(self.drop, 0o1733)
        with open(self.conf, "w") as file:
            file.write(f"[daemon]\nsocket = {self.folder}/none.sock\ndrop = {self.drop}\n")
        self.before = os.getcwd()
        os.chdir(self.folder)
        # nothing of the caller's that a linker or a compiler would listen to
        self.env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "RUNMARK_CONF": self.conf}
        return self

    def __exit__(self, *_):
        os.chdir(self.before)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, command, wrapped, **more):
        """command with the wrapper in the compiler's path, or without it. CompletedProcess, both outputs as bytes."""
        env = dict(self.env, **more.pop("env", {}))
        if wrapped:
            env["COMPILER_PATH"] = WRAPPERS
        options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
        return subprocess.run(command, env=env, **dict(options, **more))

    def compile(self, name, source, *flags, compiler="gcc"):
        """NAME.o of a source text."""
        suffix = {"gfortran": ".f90", "g++": ".cc", "clang++": ".cc"}.get(compiler, ".c")
        with open(name + suffix, "w") as file:
            file.write(source)
        subprocess.run([compiler, *flags, "-c", name + suffix, "-o", name + ".o"], check=True, env=self.env)
        return name + ".o"

    def records(self):
        """Link records in the drop folder, oldest first, which are removed."""
        found = []
        for path in glob.glob(self.drop + "/*"):
            with open(path, "rb") as file:
                found.append((os.stat(path).st_mtime_ns, path, file.read()))
            os.unlink(path)
        assert all(path.endswith(".json") for _, path, _ in found), found
        return [json.loads(text) for _, _, text in sorted(found)]


def has(program):
    return shutil.which(program) is not None


def readelf(flags, path):
    return subprocess.run(["readelf", flags, "-W", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout.decode("latin-1")


def watermarks(path):
    """Our notes as readelf shows them: list of 32 hex digits."""
    return [match.replace(" ", "") for match in
            re.findall(r"RunmarkNote\s+0x00000010\s+.*?description data: ((?:[0-9a-f]{2} ){16})",
                       readelf("-n", path), re.S)]


def version_of(watermark):
    """RFC 9562: version, and whether the variant is right."""
    return int(watermark[12], 16), watermark[16] in "89ab"


def shape(path):
    """All that must be the same with and without the note."""
    headers = re.findall(r"^  (\w+) +0x\w+ 0x\w+ 0x\w+ 0x\w+ 0x\w+ ([R ][W ][E ]) ", readelf("-l", path), re.M)
    interpreter = re.findall(r"interpreter: (.*?)\]", readelf("-l", path))
    dynamic = re.findall(r"^ 0x\w+ \((NEEDED|SONAME|RPATH|RUNPATH|FLAGS|FLAGS_1|BIND_NOW|TEXTREL|DEBUG|SYMBOLIC)\) +(.*)$",
                         readelf("-d", path), re.M)
    symbols = re.findall(r"^ +\d+: \w+ +\S+ (\w+) +(\w+) +(\w+) +(\S+) (\S+)", readelf("--dyn-syms", path), re.M)
    properties = re.findall(r"^\s+((?:Properties: |x86 |AArch64 ).*)$", readelf("-n", path), re.M)
    kind = re.search(r"Type: +(\w+)", readelf("-h", path))
    return {
        "type": kind.group(1) if kind else None,
        "headers": sorted(set(h for h in headers if h[0] != "NOTE")),
        "stack": [flags for name, flags in headers if name == "GNU_STACK"],
        "interpreter": interpreter,
        "dynamic": dynamic,
        # section numbers shift by our section: what a symbol is in matters only as defined or not
        "symbols": [(*s[:3], s[3] == "UND", s[4]) for s in symbols],
        "properties": properties,
    }
