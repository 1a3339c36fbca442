#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Link records: what they say, that they are valid, and the ways they take."""
import json
import os
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import link
import tap

MAIN = "int twice(int); int main(void) { return twice(20) + 1; }"
LIBRARY = "int twice(int a) { return 2 * a; }"
HEADER = struct.Struct("=IIQII")


def is_valid(record):
    """With what the daemon adds, by the schema."""
    whole = dict(record, seq="1", host="n1", cluster="c", boot_id=record["link_id"], uid=0, gid=0, user="root", pid=1, job=None)
    with open("records.jsonl", "w") as file:
        file.write(json.dumps(whole) + "\n")
    result = subprocess.run(["/usr/bin/python3", os.path.join(link.TOP, "tests/validate"), "records.jsonl"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.returncode == 0, result.stdout.decode()


def facts(box):
    """A link of a program with a library of ours, an archive and objects."""
    box.compile("lib", LIBRARY, "-fPIC")
    box.run(["gcc", "-shared", "lib.o", "-o", "libtwice.so"], True)
    library = box.records()[0]
    box.compile("main", MAIN)
    box.compile("more", "int more;")
    subprocess.run(["ar", "rc", "libmore.a", "more.o"], check=True)
    box.run(["gcc", "main.o", "-L.", "-ltwice", "-Wl,--whole-archive", "-lmore", "-Wl,--no-whole-archive", "-Wl,-rpath,.",
             "-o", "out"], True, env={"LOADEDMODULES": "gcc/12:openmpi/4"})
    record = box.records()[0]
    tap.ok(*(lambda v: (v[0], "valid by the schema", v[1]))(is_valid(record)))
    tap.ok(*(lambda v: (v[0], "the library's, too", v[1]))(is_valid(library)))
    tap.equal(record["output"], {"path": box.folder + "/out", "size": os.stat("out").st_size, "type": "pie",
                                 "build_id": subprocess.check_output("readelf -n out | sed -n 's/.*Build ID: //p'",
                                                                     shell=True).decode().strip()}, "output")
    tap.equal((library["output"]["type"], record["watermark"].replace("-", "")), ("shared", link.watermarks("out")[0]),
              "type of a library, watermark")
    tap.equal(record["linker"], {"path": "/usr/bin/ld", "version": subprocess.check_output(["ld", "--version"])
                                 .decode().splitlines()[0]}, "linker and its version")
    tap.ok(record["link_line"][0] == "/usr/bin/ld" and "-ltwice" in record["link_line"] and
           not any("runmark" in word.replace(box.folder, "").replace(link.WRAPPERS, "") for word in record["link_line"]),
           "the link line is the driver's", record["link_line"])
    tap.equal((os.path.basename(record["driver"]["path"])[:20], record["driver"]["argv"][:2]),
              ("x86_64-linux-gnu-gcc", ["gcc", "main.o"]), "driver and its arguments")
    version = subprocess.check_output(["gcc", "-dumpfullversion"]).decode().strip()
    tap.ok(record["compiler"]["name"] == "GCC" and record["compiler"]["version"] == version and
           record["compiler"]["text"] in record["compilers"], "compiler", record["compiler"])
    tap.equal((record["cwd"], record["modules"]), (box.folder, "gcc/12:openmpi/4"), "working folder and modules")
    inputs = {os.path.basename(i["path"]): i for i in record["inputs"]}
    tap.ok(len(inputs) == len(record["inputs"]) and inputs["main.o"]["kind"] == "object" and
           inputs["libmore.a"]["kind"] == "archive" and inputs["libc.so"]["kind"] == "script" and
           inputs["libc.so.6"]["kind"] == "shared" and inputs["libc.so.6"]["build_id"] and
           not any("placeholder" in name for name in inputs), "inputs, each once", record["inputs"])
    tap.equal((inputs["libtwice.so"]["watermark"], inputs["libtwice.so"]["build_id"]),
              (library["watermark"], library["output"]["build_id"]), "a library's watermark leads to its own link")
    tap.ok(0 < record["own_s"] < record["elapsed_s"] < 60 and record["incomplete"] == [], "times, and nothing missing",
           record["incomplete"])


def drivers(box):
    for driver, linker, name in (("clang", "bfd", "clang"), ("clang", "lld", "clang"), ("gcc", "gold", "GCC"), ("gcc", "mold", "GCC"),
                                 ("gcc", "lld", "GCC")):
        if not link.has("ld." + linker) or not link.has(driver):
            tap.skip(f"{driver} {linker}", "not installed")
            continue
        box.compile("main", "int main(void) { return 0; }", compiler=driver)
        # through a shell and make, as builds are
        with open("Makefile", "w") as file:
            file.write(f"all:\n\t@{driver} -fuse-ld={linker} main.o -o out && true\n")
        result = box.run(["make", "-s"], True)
        record = box.records()[0]
        valid, text = is_valid(record)
        first = subprocess.check_output(["ld." + linker, "--version"]).decode().splitlines()[0]
        tap.ok(valid and record["compiler"]["name"] == name and record["driver"]["argv"][0].endswith(driver) and
               record["linker"]["version"].split()[-1].strip(")") in first and record["linker"]["path"] == "/usr/bin/ld." + linker,
               f"{driver} {linker}: driver, compiler, linker", f"{result} {text} {record['driver']} {record['linker']}")
    box.run([os.path.join(link.WRAPPERS, "ld"), "-shared", "main.o", "-o", "out"], False)
    record = box.records()[0]
    tap.ok(record["driver"] is None and record["compiler"]["name"] == "GCC", "no driver: by hand", record["driver"])


def oracle_symbols(path):
    """(imported, exported) as nm has them."""
    lines = subprocess.check_output(["nm", "-D", "--without-symbol-versions", path], text=True).splitlines()
    kinds = [line.split()[-2:] for line in lines]
    return (sorted(name for kind, name in kinds if kind in "Uwv"),
            sorted(name for kind, name in kinds if kind not in "Uwv" and kind.isupper() or kind in "iu"))


def symbols(box):
    with open("names.conf", "w") as file:
        file.write(open(box.conf).read() + "[link]\nsymbols = names\n")
    with open("none.conf", "w") as file:
        file.write(open(box.conf).read() + "[link]\nsymbols = no\n")
    box.compile("lib", "#include <math.h>\n#include <stdio.h>\nint data = 1; __attribute__((visibility(\"hidden\"))) int hidden; static int own;\n"
                "__attribute__((weak)) int weak(void) { return own + hidden; }\n"
                "double f(double a) { puts(\"f\"); return sin(a) + weak(); }\nextern int maybe __attribute__((weak));\nint *g(void) { return &maybe; }", "-fPIC")
    for linker in ("bfd", "gold", "lld", "mold"):
        if not link.has("ld." + linker):
            continue
        box.run(["gcc", "-fuse-ld=" + linker, "-shared", "lib.o", "-lm", "-o", "libf.so"], True, env={"RUNMARK_CONF": box.folder + "/names.conf"})
        record = box.records()[0]
        want = oracle_symbols("libf.so")
        told = record["symbols"]
        tap.equal((sorted(told["imported_names"]), sorted(told["exported_names"]), told["imported"], told["exported"]),
                  (*want, len(want[0]), len(want[1])), f"symbols by name, {linker}, as nm has them")
        valid, text = is_valid(record)
        tap.ok(valid, f"valid by the schema, {linker}", text)
    box.run(["gcc", "-shared", "lib.o", "-lm", "-o", "libf.so"], True)
    tap.equal(box.records()[0]["symbols"], {"imported": len(oracle_symbols("libf.so")[0]), "exported": len(oracle_symbols("libf.so")[1])}, "symbols counted")
    box.run(["gcc", "-shared", "lib.o", "-lm", "-o", "libf.so"], True, env={"RUNMARK_CONF": box.folder + "/none.conf"})
    tap.equal(box.records()[0]["symbols"], None, "no symbols wanted")
    box.compile("main", "int main(void) { return 0; }")
    box.run(["gcc", "-static", "main.o", "-o", "out"], True)
    tap.equal(box.records()[0]["symbols"], None, "no symbols in what is static")


def languages(box):
    sources = {"c": ("gcc", "int main(void) { return 0; }"), "c++": ("g++", "int main() { return 0; }"),
               "fortran": ("gfortran", "program main\nprint *, 1\nend program")}
    for language, (driver, source) in sources.items():
        if not link.has(driver):
            tap.skip(language, "no " + driver)
            continue
        box.compile("main", source, compiler=driver)
        box.run([driver, "main.o", "-o", "out"], True)
        tap.equal(box.records()[0]["language"], language, f"{driver}: {language}")
        # by gcc, the libraries tell
        extra = {"c": [], "c++": ["-lstdc++"], "fortran": ["-lgfortran"]}[language]
        box.run(["gcc", "main.o", *extra, "-o", "out"], True)
        tap.equal(box.records()[0]["language"], language, f"gcc {' '.join(extra)}: {language}")
    box.compile("main", sources["c"][1])
    box.run([os.path.join(link.WRAPPERS, "ld"), "-shared", "main.o", "-o", "out"], False)
    tap.equal(box.records()[0]["language"], None, "by hand: not known")


def odd_text(box):
    raw = b"odd \xff\n\"name"
    os.mkdir(raw)
    os.rename("main.o", os.path.join(raw, b"main.o"))
    os.chdir(raw)
    box.run([b"gcc", b"main.o", b"-o", b"out\xfe"], True, env={"LOADEDMODULES": "m\udcff"})
    os.chdir(box.folder)
    record = box.records()[0]
    valid, text = is_valid(record)
    tap.ok(valid and "cwd_b64" in record and "path_b64" in record["output"] and "modules_b64" in record and
           "link_line_b64" in record and "argv_b64" in record["driver"], "text that isn't UTF-8", text)
    os.rename(os.path.join(raw, b"main.o"), "main.o")


def dependency_file(box):
    """The user's own list of inputs is read, and is whole."""
    box.run(["gcc", "main.o", "-o", "out", "-Wl,--dependency-file=user.d"], True)
    record = box.records()[0]
    with open("user.d") as file:
        lines = [l for l in file.read().splitlines() if l.endswith(":") and l != "out:"]
    paths = [i["path"] + ":" for i in record["inputs"]]
    tap.ok(len(paths) > 5 and set(paths) == {l for l in lines if "placeholder" not in l} and
           all(os.path.exists(l[:-1]) for l in lines), "the user's --dependency-file", f"{paths} {lines}")
    with open("Makefile", "w") as file:
        file.write("out: main.o\n\t@echo linked again\n-include user.d\n")
    result = subprocess.run(["make", "-q", "out"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tap.equal((result.returncode, result.stdout), (0, b""), "make accepts it, and has nothing to do")


def response_files(box):
    with open("outer", "w") as file:
        file.write("'main.o' @inner\n")
    with open("inner", "w") as file:
        file.write('-o "out put"\n')
    result = box.run(["gcc", "@outer"], True)
    record = box.records()[0]
    tap.ok(result.returncode == 0 and record["output"]["path"].endswith("/out put") and
           "main.o" in [i["path"] for i in record["inputs"]] and len(link.watermarks("out put")) == 1, "response files", result)
    result = box.run([os.path.join(link.WRAPPERS, "ld"), "-shared", "@outer"], False)
    record = box.records()[0]
    tap.ok(result.returncode == 0 and record["link_line"][1:] == ["-shared", "@outer"], "the line keeps them as they are", record["link_line"])


def many_inputs(box):
    """1,009 objects with long paths: the record comes in pieces, or by the drop folder."""
    deep = "d" * 200
    os.mkdir(deep)
    with open("one.o", "rb") as file:
        data = file.read()
    names = [f"{deep}/{i:05}.o" for i in range(1009)]
    for name in names:
        with open(name, "wb") as file:
            file.write(data)
    with open("list", "w") as file:
        file.write("\n".join(names))
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(box.folder + "/none.sock")
    box.run(["gcc", "-shared", "@list", "-o", "out"], True)
    receiver.setblocking(False)
    pieces = 0
    try:
        while True:
            receiver.recv(65536)
            pieces += 1
    except BlockingIOError:
        pass
    receiver.close()
    os.unlink(box.folder + "/none.sock")
    records = box.records()
    known = [i["path"] for i in records[0]["inputs"] if i["path"] in set(names)] if records else []
    tap.ok(pieces > 1 and len(records) == 1 and known == names, "a full socket: the whole record is in the drop folder",
           f"{pieces} {len(records)} {len(known)}")


def very_many_inputs(box):
    """10,007 objects with paths of 250 bytes, which don't fit one record with room to spare: what fits is told."""
    deep = "e" * 200 + "/" + "f" * 200
    os.makedirs(deep)
    with open("one.o", "rb") as file:
        data = file.read()
    names = [f"{deep}/{i:05}.o" for i in range(10007)]
    for name in names:
        with open(name, "wb") as file:
            file.write(data)
    with open("list", "w") as file:
        file.write("\n".join(names))
    result = box.run(["gcc", "-shared", "@list", "-o", "out"], True)
    records = box.records()
    known = [i["path"] for i in records[0]["inputs"] if i["path"] in set(names)] if records else []
    tap.ok(result.returncode == 0 and len(link.watermarks("out")) == 1 and 5000 < len(known) < 10007 and known == names[:len(known)] and
           any(t.startswith("inputs: cut") for t in records[0]["incomplete"]), "10,007 inputs with long paths: the record is cut, and says so",
           f"{result} {len(known)} {records and records[0]['incomplete']}")


def over_the_socket(box):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.bind(box.folder + "/none.sock")
    box.run(["gcc", "main.o", "-o", "out"], True)
    data = receiver.recv(65536)
    magic, kind, _, total, offset = HEADER.unpack(data[:HEADER.size])
    record = json.loads(data[HEADER.size:])
    tap.ok((magic, kind, total, offset) == (0x314b4d52, 1, len(data) - HEADER.size, 0) and
           record["watermark"].replace("-", "") == link.watermarks("out")[0] and not os.listdir(box.drop),
           "over the socket, and not by the drop folder", (magic, kind, total, offset))
    receiver.close()
    box.run(["gcc", "main.o", "-o", "out"], True)  # a socket that nobody reads any more
    tap.equal(len(box.records()), 1, "a dead socket")
    os.unlink(box.folder + "/none.sock")


def drop_folder(box):
    box.run(["gcc", "main.o", "-o", "out"], True, preexec_fn=lambda: os.umask(0))
    names = os.listdir(box.drop)
    st = os.stat(os.path.join(box.drop, names[0]))
    tap.ok(len(names) == 1 and names[0].endswith(".json") and st.st_mode & 0o777 == 0o600 and st.st_nlink == 1, "a file in the drop folder", names)
    box.records()
    with open(box.conf, "a") as file:
        file.write("[link]\nstamp = no\n")
    result = box.run(["gcc", "main.o", "-o", "out"], True)
    tap.ok(result.returncode == 0 and not link.watermarks("out") and not box.records(), "switched off by the configuration", result)


def debugging(box):
    result = box.run(["gcc", "main.o", "-o", "out"], True, env={"RUNMARK_LD_DEBUG": "1"})
    tap.ok(result.stderr.startswith(b"runmark-ld: the real one is /usr/bin/ld\n"), "RUNMARK_LD_DEBUG=1 explains", result)
    own = subprocess.run([os.path.join(link.BUILD, "bin", "runmark-ld"), "--version"], stdout=subprocess.PIPE)
    tap.ok(own.stdout.startswith(b"runmark-ld 0."), "its own --version", own)


def main():
    with link.Box() as box:
        facts(box)
        drivers(box)
        symbols(box)
        languages(box)
        box.compile("main", "int main(void) { return 0; }")
        odd_text(box)
        dependency_file(box)
        response_files(box)
        box.compile("one", "static int one; int *unused(void) __attribute__((weak)); int *unused(void) { return &one; }", "-fPIC")
        many_inputs(box)
        very_many_inputs(box)
        over_the_socket(box)
        drop_folder(box)
        debugging(box)
    tap.done()


main()
