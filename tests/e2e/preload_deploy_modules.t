#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""The module file, with Lmod and with environment-modules: loaded, programs tell of themselves, beside what else is
preloaded; unloaded, the environment is what it was."""
import glob
import os
import shutil
import subprocess

import deploy
import tap

OURS = "/usr/lib/runmark/$LIB/librunmark.so"
FOLDER = "/usr/share/runmark/modulefiles"
# what stands in LD_PRELOAD before
BEFORE = [None, "/tmp/one.so", "/tmp/one.so:/tmp/two.so", "/tmp/one.so /tmp/two.so"]
# bookkeeping of the two, and what a shell changes by itself
NOT_OURS = ("__LMOD", "_ModuleTable", "LMOD_", "__MODULES", "_=", "PWD=", "OLDPWD=", "SHLVL=", "BASH_FUNC", "MODULES_CMD", "LOADEDMODULES=\n")


def find_package(root):
    """environment-modules, whose package Debian doesn't install beside Lmod's: unpacked into the copy. None: why not."""
    if os.path.exists(root + "/usr/share/modules/init/bash"):
        return None
    if not shutil.which("apt-get"):
        return "environment-modules is not installed"
    done = subprocess.run(["sh", "-c", "apt-get -q download environment-modules && dpkg-deb -x environment-modules_*.deb ../root"],
                          cwd=root + "/../all", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if done.returncode == 0 else "environment-modules can't be had beside lmod: " + done.stdout.strip().splitlines()[-1]


class Tool:
    def __init__(self, root, name, shell, init):
        self.root, self.shell = root, shell
        self.about = f"{name}, {shell}"
        self.init = f". {init} && module use {FOLDER} && "

    def run(self, script, before=None, **env):
        preload = f"env LD_PRELOAD='{before}'" if before is not None else ""
        with open(self.root + "/tmp/script", "w") as file:
            file.write(self.init + script)
        return deploy.inside(self.root, f"{preload} {self.shell} /tmp/script", USER="root", HOME="/tmp", **env)

    def loads(self, heard, before):
        """Load, run, unload."""
        want = OURS if before is None else f"{before}:{OURS}"
        heard.take(0)
        result = self.run("env >was && module load runmark && echo \"$LD_PRELOAD\" && /bin/echo told && sh -c 'exec /bin/echo below' && "
                          "module unload runmark && env >is && /bin/echo silent", before)
        told = [argv for argv in heard.told() if argv.startswith("/bin/echo")]
        tap.ok(result.stdout == f"{want}\ntold\nbelow\nsilent\n" and not result.stderr, f"{before}: the library stands behind", result)
        tap.equal(told, ["/bin/echo below", "/bin/echo told"], f"{before}: programs tell of themselves, and no more after unload")
        was, now = ({line for line in open(f"{self.root}/tmp/{name}") if not line.startswith(NOT_OURS)} for name in ("was", "is"))
        tap.equal(sorted(was ^ now), [], f"{before}: the environment is what it was")

    def odd(self):
        result = self.run("module load runmark; module load runmark; echo \"$LD_PRELOAD\"; module purge; echo \"$LD_PRELOAD\"", "/tmp/one.so")
        tap.equal(result.stdout, f"/tmp/one.so:{OURS}\n/tmp/one.so\n", "loaded twice it stands there once, and purge takes it away")
        result = self.run("module load runmark; LD_PRELOAD=$LD_PRELOAD:/tmp/two.so; module unload runmark; echo \"$LD_PRELOAD\"", "/tmp/one.so")
        tap.equal(result.stdout, "/tmp/one.so:/tmp/two.so\n", "what the user adds meanwhile stays")
        result = self.run("module load runmark; module load runmark/other; echo \"$LD_PRELOAD\"", "/tmp/one.so")
        tap.equal(result.stdout, f"/tmp/one.so:{OURS}\n", "two versions: the library is there once")
        result = self.run("module help runmark; module whatis runmark")
        tap.ok(all(words in result.stdout + result.stderr for words in ("RUNMARK_TRACKING=no", "man runmark-preload", "by a preloaded library")),
               "it has a help, and says what it is", result)
        library = f"{self.root}/usr/lib/runmark/librunmark.so"
        os.rename(library, library + ".away")
        result = self.run("module load runmark; echo \"<$LD_PRELOAD>\"")
        os.rename(library + ".away", library)
        tap.ok(result.stdout == "<>\n" and "library isn't on this node" in result.stderr, "a node without the library: it isn't loaded, and says why", result)
        asan = deploy.inside(self.root, "gcc -fsanitize=address -o asan empty.c && gcc -print-file-name=libasan.so")
        result = self.run("module load runmark; ./asan && /bin/echo well", asan.stdout.strip(), ASAN_OPTIONS="detect_leaks=0")
        tap.ok(result.stdout == "well\n" and not result.stderr, "a sanitizer's runtime that has to be first is first", f"{asan} {result}")
        result = self.run("module load runmark; ./asan")
        tap.ok(result.returncode == 1 and "ASan runtime does not come first" in result.stderr,
               "else its programs end at once: as the manual says", result)
        result = self.run("module load runmark; ./asan", ASAN_OPTIONS="verify_asan_link_order=0")
        tap.ok(result.returncode == 0 and not result.stderr, "but for verify_asan_link_order=0", result)


def main():
    deploy.need_root("module files")
    root = deploy.make_root(deploy.apart())
    if not root:
        tap.skip("module files", "no overlays here")
        tap.done()
    with open(root + "/tmp/empty.c", "w") as file:
        file.write("int main(void) { return 0; }\n")
    deploy.inside(root, "gcc -shared -o one.so -x c /dev/null && cp one.so two.so")
    for path in glob.glob(f"{root}{FOLDER}/runmark/*"):
        shutil.copy(path, f"{root}{FOLDER}/runmark/other{'.lua' if path.endswith('.lua') else ''}")
    lmod = next((path for path in ("/usr/share/lmod/lmod/init", "/usr/share/lmod/init") if os.path.exists(root + path)), None)
    missing = find_package(root)
    tools = []
    if lmod:
        tools += [("Lmod", "bash", lmod + "/bash"), ("Lmod", "dash", lmod + "/sh")]
    else:
        tap.skip("Lmod", "lmod is not installed")
    if missing:
        tap.skip("environment-modules", missing)
    else:
        tools += [("environment-modules", "bash", "/usr/share/modules/init/bash"), ("environment-modules", "dash", "/usr/share/modules/init/sh")]
    with deploy.Receiver(root + "/run/runmark/runmark.sock") as heard:
        for name, shell, init in tools:
            tool = Tool(root, name, shell, init)
            with tap.about(tool.about):
                for before in BEFORE:
                    tool.loads(heard, before)
                tool.odd()
    tap.done()


main()
