#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# The ranks of a parallel program are one line of find's table, from the files of many hosts; JSON and CSV have each.
import sys
sys.dont_write_bytecode = True
import csv
import io
import os
import random
import statistics
import uuid
from cli_tap import runmark
import ingest
from ingest import Spool, time_text
import tap

S = 1000000
T0 = 1795255200 * S  # 2026-11-21T10:00:00Z
HOSTS = 4
KILLED = {'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': True}


class Site:
    """Files of several hosts, and a database of them."""

    def __init__(self, work, name):
        self.folder, self.db, self.number = f'{work}/{name}', f'{work}/{name}.db', 0
        os.mkdir(self.folder)
        self.hosts = [Spool(self.folder, f'n{h:03}', start_us=T0) for h in range(1, HOSTS + 1)]
        for host in self.hosts:
            host.open()

    def put(self, host, start, elapsed=1.0, path='/home/bob/heat', job='7', step='0', mpi=None, **given):
        self.number += 1
        where = {'manager': 'slurm', 'id': job, 'sluid': None, 'array_id': None, 'array_task': None, 'step': step,
                 'task': str(mpi['rank']) if mpi else None, 'from': 'cgroup', 'cgroup': f'/slurm/job_{job}/step_{step}'}
        exe = {'path': path, 'build_id': None, 'watermark': None, 'watermark_state': 'none', 'device': '8:1', 'inode': '7',
               'fstype': 'nfs4', 'owner_uid': 1, 'size': 1, 'mtime': time_text(T0)}
        run = self.hosts[host].run(run_id=str(uuid.UUID(int=(start // 1000) << 80 | 8 << 76 | 2 << 62 | self.number)),
                                   start=time_text(start), end=time_text(start + round(elapsed * S)), elapsed_s=elapsed,
                                   job=job and where, exe=exe, mpi=mpi, user='bob', **given)
        self.hosts[host].record('run', run)
        return run

    def launch(self, start, size, elapsed=lambda rank: 1.0, exits=None, source='SLURM_PROCID', step_of=None, **given):
        """One logical run, its ranks spread over the hosts."""
        for rank in range(size):
            more = {'step': step_of(rank)} if step_of else {}
            self.put(rank * HOSTS // size, start + rank * 100, elapsed(rank), mpi={'rank': rank, 'size': size, 'from': source},
                     exit=(exits or {}).get(rank, {'code': 0}), **{**given, **more})

    def load(self):
        for host in self.hosts:
            host.close()
        return ingest.ingest(self.db, self.folder)

    def find(self, *options):
        return runmark('find', '--db', 'sqlite:' + self.db, '--since', '2025-01-01', *options)

    def lines(self, *options, columns='start,job,host,elapsed,runs,exit,max_rss,program'):
        """Cells of the table: columns are apart by two blanks or more."""
        out = self.find('--columns', columns, *options).out.decode().splitlines()
        heading = out[0]
        return [heading.split()] + [[cell.strip() for cell in line.split('  ') if cell.strip()] for line in out[1:]]


def simple(work):
    site = Site(work, 'simple')
    site.put(0, T0 - S, job='6', path='/usr/bin/before')
    site.launch(T0, 64, elapsed=lambda rank: 60.0 + rank, exits={5: KILLED})
    site.put(3, T0 + 30 * S, job='8', path='/usr/bin/between')
    site.launch(T0 + 90 * S, 64)
    site.put(1, T0 + 100 * S, path='/usr/bin/one', mpi={'rank': 0, 'size': 1, 'from': 'SLURM_PROCID'})
    tap.equal((site.load().status, site.number), (0, 131), 'loaded')
    want = [['2026-11-21 09:59:59', '6.0', 'n001', '1.000s', '1', '0', '1.5MiB', '/usr/bin/before'],
            ['2026-11-21 10:00:00', '7.0', '4 nodes', '1m00s/1m32s/2m03s', '64 ranks', '0 x63, SIGKILL,oom x1', '1.5MiB', '/home/bob/heat'],
            ['2026-11-21 10:00:30', '8.0', 'n004', '1.000s', '1', '0', '1.5MiB', '/usr/bin/between'],
            ['2026-11-21 10:01:30', '7.0', '4 nodes', '1.000s', '64 ranks', '0 x64', '1.5MiB', '/home/bob/heat'],
            ['2026-11-21 10:01:40', '7.0', 'n002', '1.000s', '1', '0', '1.5MiB', '/usr/bin/one']]
    tap.equal(site.lines()[1:], want, '64 ranks of 4 nodes are one line; started again, another; in the order of their starts')
    tap.equal(site.lines('--limit', '0')[1:], want, 'the same as a stream')
    found = site.find()
    tap.ok(b'131 runs in 5 lines' in found.err, 'what is said below counts runs and lines', found.err)
    tap.equal(len(site.lines('--ranks')) - 1, 131, '--ranks: each is a line')
    tap.equal([r['mpi']['rank'] for r in site.find('--job', '7.0', '--format', 'json').json() if r['mpi']['size'] == 64],
              [*range(64), *range(64)], 'JSON: each rank is a line')
    rows = list(csv.DictReader(io.StringIO(site.find('--format', 'csv').out.decode(), newline='')))
    tap.equal([(r['rank'], r['size']) for r in rows if r['size'] == '64'], [(str(n), '64') for n in [*range(64), *range(64)]], 'CSV, too')
    tap.equal(site.lines('--failed')[1:], [['2026-11-21 10:00:00', '7.0', 'n001', '1m05s', '1', 'SIGKILL,oom', '1.5MiB', '/home/bob/heat']],
              'one rank alone is a plain line')
    tap.equal([line[4] for line in site.lines('--host', 'n001')[1:] if line[-1] == '/home/bob/heat'], ['16 of 64 ranks'] * 2,
              'a part of the ranks is called so')
    limited = site.find('--limit', '64')
    tap.ok(b'the newest 64 runs in 2 lines' in limited.err and b'--limit 0' in limited.err, 'a limit counts runs', limited.err)


def mixed(work):
    site = Site(work, 'mixed')
    for rank in range(8):  # two steps at the same time, turn by turn
        for step in '01':
            site.put(rank % HOSTS, T0 + rank * 1000 + int(step), step=step, mpi={'rank': rank, 'size': 8, 'from': 'PMI_RANK'})
    # mpirun in a batch script: ranks of other nodes are in a step of its own launcher
    site.launch(T0 + 60 * S, 8, source='OMPI_COMM_WORLD_RANK', step_of=lambda rank: 'batch' if rank < 2 else '2', path='/home/bob/ompi')
    for user in (1, 2):  # outside of jobs: others' are others'
        site.launch(T0 + 120 * S, 4, job=None, uid=1000 + user, path='/home/bob/free')
    site.launch(T0 + 180 * S, 2, path='/usr/bin/env')  # what a rank was before it became the program
    site.launch(T0 + 181 * S, 2, path='/home/bob/wrapped')
    site.put(0, T0 + 240 * S, path='/home/bob/late', mpi={'rank': 0, 'size': 2, 'from': 'PMI_RANK'})
    site.put(1, T0 + 2400 * S, path='/home/bob/late', mpi={'rank': 1, 'size': 2, 'from': 'PMI_RANK'})
    for rank in range(3):
        site.put(rank, T0 + 3000 * S + rank, path='/home/bob/unsized', mpi={'rank': rank, 'size': None, 'from': 'PMIX_RANK'})
    site.load()
    got = [(line[-1], line[1]) for line in site.lines(columns='job,runs,program')[1:]]
    tap.equal(got, [('/home/bob/heat', '8 ranks')] * 2 + [('/home/bob/ompi', '8 ranks')] + [('/home/bob/free', '4 ranks')] * 2 +
              [('/usr/bin/env', '2 ranks'), ('/home/bob/wrapped', '2 ranks')] + [('/home/bob/late', '1')] * 2 +
              [('/home/bob/unsized', '3 ranks')], 'what belongs together, and what does not')
    tap.equal([line[0] for line in site.lines(columns='job,runs,program')[1:4]], ['7.0', '7.1', '7.batch'], 'each in its step')


def random_site(work, seed):
    """Many launches at random times against what was launched."""
    rng = random.Random(seed)
    site = Site(work, f'random{seed}')
    want = []
    for number in range(23):
        size, start = rng.choice((2, 3, 8, 17)), T0 + number * 700 * S
        times = [round(rng.uniform(0.5, 50), 3) for _ in range(size)]
        ranks = list(range(size))
        rng.shuffle(ranks)
        for position, rank in enumerate(ranks):
            site.put(rng.randrange(HOSTS), start + position * rng.choice((1, S)) // 10, times[rank], job=str(rng.choice((1, 1))),
                     mpi={'rank': rank, 'size': size, 'from': 'SLURM_PROCID'})
        want.append((size, min(times), statistics.median(times), max(times)))
    site.load()
    got = []
    for line in site.lines(columns='runs,elapsed')[1:]:
        low, middle, high = line[1].split('/')
        got.append((int(line[0].split()[0]), low, middle, high))
    shown = [(size, *(f'{t:.3f}s' if t < 1 else None for t in times)) for size, *times in want]
    tap.equal([g[0] for g in got], [w[0] for w in want], f'seed {seed}: as many lines as launches, with their ranks')

    def near(text, value):
        return abs(float(text.rstrip('s')) - value) <= 0.051
    tap.ok(all(near(t, v) for g, w in zip(got, want) for t, v in zip(g[1:], w[1:])), f'seed {seed}: least, median and greatest time', (got, want, shown))


with ingest.temporary() as top:
    simple(top)
    mixed(top)
    for seed in (7, 11, 13):
        random_site(top, seed)
tap.done()
