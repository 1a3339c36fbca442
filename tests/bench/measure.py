# SPDX-License-Identifier: BSD-2-Clause
"""What is measured of a daemon, and a soak: programs started at full speed on every core, counted from the spool."""
import os
import re
import subprocess
import time

import node

HERE = os.path.dirname(os.path.abspath(__file__))
SOAK = re.compile(rb'"soak-(\d+)-(\d+)"')


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_kib(pid):
    """Resident memory without the mappings of the ring and of the BPF maps."""
    total, skip = 0, False
    for line in open(f"/proc/{pid}/smaps"):
        if "-" in line.split()[0]:
            skip = "bpf-map" in line
        elif line.startswith("Rss:") and not skip:
            total += int(line.split()[1])
    return total


class Soak:
    """soak = Soak(node); soak.run(seconds): started, and what the daemon used meanwhile. After a flush, count()."""

    def __init__(self, node):
        self.node, self.top = node, node.top
        with open(f"{self.top}/empty.c", "w") as source:
            source.write("int main(void) { return 0; }\n")
        subprocess.run(["gcc", "-O2", "-o", f"{self.top}/empty", f"{self.top}/empty.c"], check=True)
        subprocess.run(["gcc", "-O2", "-o", f"{self.top}/soak", f"{HERE}/soak.c"], check=True)

    def run(self, seconds):
        pid = self.node.process.pid
        cpu, begin, self.kib = cpu_seconds(pid), time.monotonic(), []
        child = subprocess.Popen([f"{self.top}/soak", str(seconds), str(os.cpu_count()), f"{self.top}/empty"],
                                 stdout=subprocess.PIPE, text=True)
        while child.poll() is None:
            time.sleep(0.5)
            self.kib.append(private_kib(pid))
        self.started = {int(worker): int(count) for worker, count in
                        (line.split() for line in child.stdout.read().splitlines())}
        self.failed = child.returncode != 0
        self.seconds = time.monotonic() - begin
        self.node.flush()
        self.cpu_us = (cpu_seconds(pid) - cpu) / max(1, self.total()) * 1e6
        # it goes up and down with the journal, which is begun anew now and then: what grows is seen in the lows
        half = len(self.kib) // 2
        self.kib_early, self.kib_late, self.kib_peak = min(self.kib[1:half]), min(self.kib[half:]), max(self.kib)

    def total(self):
        return sum(self.started.values())

    def count(self):
        """(missing, more than once) of all that were started."""
        seen = {worker: bytearray(count) for worker, count in self.started.items()}
        for path in self.node.files():
            reader = subprocess.Popen(["zstd", "-dcf", path], stdout=subprocess.PIPE)
            for line in reader.stdout:
                found = SOAK.search(line) if line.startswith(b'{"schema":"runmark.run/') else None
                if found:
                    counts, at = seen[int(found[1])], int(found[2])
                    counts[at] = min(counts[at] + 1, 2)
            reader.wait()
        return sum(c.count(0) for c in seen.values()), sum(c.count(2) for c in seen.values())


def lost_events(status):
    """What went missing of the kernel side's events and of the table, from a status answer."""
    return {k: v for k, v in node.lost(status["lost"]).items() if not k.startswith(("spool_", "lookup_"))}
