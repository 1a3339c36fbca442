#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# runmark report coverage, from spool files through the loader: every kind of gap, and its healing.
import sys
sys.dont_write_bytecode = True
import csv
import io
import json
import os
import random
from cli_tap import runmark
import ingest
from ingest import Spool, time_text
import tap

S = 1000000
T0 = 1795255200 * S  # 2026-11-21T10:00:00Z
BOOT = T0 - 3600 * S


class Host:
    """Node records and files of a host by a script: times are seconds since T0."""

    def __init__(self, directory, name, cluster='c1'):
        self.directory, self.name, self.cluster = directory, name, cluster
        self.rng = random.Random(name)
        self.boots, self.spool, self.previous = 0, None, None

    def start(self, at, booted=None, began=None, boot=False):
        """An instance; boot: of another boot."""
        boot_id = None if boot or not self.spool else self.spool.boot_id
        self.previous = None if boot else self.spool and self.spool.previous
        self.booted = T0 + booted * S if booted is not None else BOOT if not self.boots else self.booted
        self.boots += 1
        self.began = T0 + (at if began is None else began) * S
        self.spool = Spool(self.directory, self.name, self.cluster, boot_id=boot_id, rng=self.rng,
                           start_us=T0 + at * S, previous=self.previous)
        self.since, self.lost = T0 + at * S, {}
        self.spool.open()
        self.node(at, 'start')

    def node(self, at, event='periodic', unrecorded=None, **lost):
        self.spool.now_us = T0 + at * S
        self.lost.update(lost)
        self.spool.record('node', self.spool.node(
            event, since=time_text(self.since), lost=dict(self.lost), booted=time_text(self.booted),
            capture_began=time_text(self.began), unrecorded=unrecorded or {}))
        self.since = self.spool.now_us

    def runs(self, count):
        for _ in range(count):
            self.spool.record('run', self.spool.run())

    def turn(self, at, **changes):
        """Closes the file and opens another. The path of the closed one."""
        self.spool.now_us = T0 + at * S
        path = self.spool.close(**changes)
        self.spool.open()
        return path

    def stop(self, at):
        self.node(at, 'stop')
        return self.spool.close()


def steady(directory, name):
    host = Host(directory, name)
    host.start(-100)
    for at in range(100, 1100, 100):
        host.runs(2)
        host.node(at, unrecorded={'ignored': 7 * at, 'opted_out': 3 if at > 500 else 0})
        host.turn(at)
    host.stop(1100)


def losses(directory, name):
    host = Host(directory, name)
    host.start(-100)
    host.node(300)
    host.runs(3)
    host.node(400, ring_full_exec=17, ring_full_mmap=5)
    host.node(700)
    host.node(800, spool_quota=3)
    host.stop(1100)


def crashed(directory, name):
    """kill -9 and start; unloaded and started; power lost; shut down in order."""
    host = Host(directory, name)
    host.start(-100)
    host.node(100)
    host.spool.close(mended=True)
    host.start(150, began=-100)
    host.stop(200)
    host.start(230, began=230)
    host.node(300)
    host.spool.close(mended=True)
    host.start(460, booted=450, began=460, boot=True)
    host.stop(600)
    host.start(710, booted=700, began=710, boot=True)
    host.stop(1100)


def files(directory, name):
    host = Host(directory, name)
    paths = []
    host.start(-100)
    for at in range(100, 1100, 100):
        host.runs(2)
        host.node(at)
        paths.append(host.turn(at))
    host.stop(1100)
    return paths


with ingest.temporary() as work:
    spool, late, db = work + '/spool', work + '/late', work + '/a.db'
    os.mkdir(spool)
    os.mkdir(late)
    steady(spool, 'n001')
    losses(spool, 'n002')
    crashed(spool, 'n003')
    paths = files(spool, 'n004')
    for path in paths[3:5]:  # from 300 to 500
        os.rename(path, late + '/' + os.path.basename(path))
    silent = Host(spool, 'n005', 'c2')
    silent.start(-100)
    silent.node(900)
    silent.spool.close()
    broken = Host(spool, 'n006')
    broken.start(-100)
    broken.node(150)
    broken.turn(200)
    broken.runs(3)
    broken.spool.lines.append('not JSON')
    broken.spool.seq += 1
    broken.node(290)
    broken.turn(300)
    broken.stop(1100)
    result = ingest.ingest(db, spool)
    tap.equal(result.status, 0, 'loaded')

    window = ['--since', '2026-11-21T10:00:00Z', '--until', '2026-11-21T10:16:40Z']  # 1000 s

    def report(*arguments, status=0):
        done = runmark('report', 'coverage', '--db', 'sqlite:' + db, *window, '--format', 'json', *arguments)
        tap.ok(done.status == status, 'runmark report coverage %s' % ' '.join(arguments), done.err)
        return done.json()

    def gaps(*arguments, status=0):
        return [(g['host'], second(g['from']), second(g['to']), g['cause'], g['count'])
                for g in report('--by', 'gap', *arguments, status=status)]

    def second(text):
        import datetime
        when = datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ').replace(tzinfo=datetime.timezone.utc)
        return round(when.timestamp() - T0 / S, 3)

    found = gaps()
    tap.equal([g for g in found if g[0] == 'n001'], [], 'a node that was there all the time has no gap')
    tap.equal([g for g in found if g[0] == 'n002'],
              [('n002', 300, 400, 'ring_full_exec', 17), ('n002', 300, 400, 'ring_full_mmap', 5),
               ('n002', 700, 800, 'spool_quota', 3)], 'losses are between the records that tell of them')
    tap.equal([g for g in found if g[0] == 'n003'],
              [('n003', 200, 230, 'daemon_off', None), ('n003', 300, 450, 'node_lost', None),
               ('n003', 450, 460, 'daemon_off', None), ('n003', 700, 710, 'daemon_off', None)],
              'a kill is no gap; what was unloaded or lost is; what was shut down in order does not count')
    tap.equal([g for g in found if g[0] == 'n004'], [('n004', 300, 500, 'file_missing', 6)], 'lost files')
    tap.equal([g for g in found if g[0] == 'n005'], [('n005', 900, 1000, 'not_reported', None)], 'silence')
    tap.equal([g for g in found if g[0] == 'n006'], [('n006', 200, 300, 'quarantined', 1)], 'quarantine')

    rows = {row['host']: row for row in report()}
    tap.equal({host: (row['expected_s'], row['complete_s'], row['complete_percent'], row['runs'], row['runs_lost'])
               for host, row in rows.items()},
              {'n001': (1000, 1000, 100, 18, 0), 'n002': (1000, 800, 80, 3, 20),
               'n003': (900, 700, 77.777, 0, 0), 'n004': (1000, 800, 80, 14, 0),
               'n005': (1000, 900, 90, 0, 0), 'n006': (1000, 900, 90, 3, 0),
               None: (5900, 5100, 86.44, 38, 20)}, 'a line a host, and the sum')
    tap.equal({c['cause']: (c['hides'], c['duration_s'], c['count']) for c in rows['n002']['causes']},
              {'ring_full_exec': ('runs', 100, 17), 'ring_full_mmap': ('details', 100, 5),
               'spool_quota': ('runs', 100, 3)}, 'with its causes')
    tap.equal({row['cause']: (row['duration_s'], row['count'], row['hosts']) for row in report('--by', 'cause')},
              {'daemon_off': (50, None, 1), 'node_lost': (150, None, 1), 'file_missing': (200, 6, 1),
               'not_reported': (100, None, 1), 'quarantined': (100, 1, 1), 'ring_full_exec': (100, 17, 1),
               'ring_full_mmap': (100, 5, 1), 'spool_quota': (100, 3, 1),
               'ignored': (1000, 7000, 1), 'opted_out': (100, 3, 1)}, 'by cause')
    tap.equal((rows['n001']['runs_left_out'], rows['n002']['runs_left_out'], rows[None]['runs_left_out'],
               {c['hides'] for c in rows['n001']['causes']}), (7003, 0, 7003, {'by rule'}),
              'what is left out on purpose is told, and no gap')

    tap.equal(ingest.ingest(db, late).status, 0, 'the files come after all')
    tap.equal(gaps('--host', 'n004', status=1), [], 'and heal the gap')
    tap.equal([(r['host'], r['complete_percent']) for r in report('--host', 'n00[14]')],
              [('n001', 100), ('n004', 100), (None, 100)], '--host takes a glob')

    # windows
    for since, until, host, wanted in (
            ('10:05:50', '10:06:00', 'n002', 0), ('10:06:40', '10:11:40', 'n002', 100),
            ('10:10:30', '10:11:30', 'n003', None), ('11:00:00', '12:00:00', 'n003', None),
            ('11:00:00', '12:00:00', 'n005', 0), ('09:00:00', '09:50:00', 'n001', None)):
        window = ['--since', '2026-11-21T%sZ' % since, '--until', '2026-11-21T%sZ' % until]
        got = [r['complete_percent'] for r in report('--host', host, status=0 if wanted is not None else 1)]
        tap.equal(got[:1], [] if wanted is None else [wanted], '%s from %s to %s' % (host, since, until))
    window = ['--since', '2026-11-21T10:00:00Z', '--until', '2026-11-21T10:16:40Z']

    # forms
    args = ['report', 'coverage', '--db', 'sqlite:' + db, *window]
    table = runmark(*args)
    lines = table.out.decode().splitlines()
    tap.ok(lines[0].split() == ['HOST', 'CLUSTER', 'COMPLETE%', 'WATCHED', 'INCOMPLETE', 'GAPS', 'RUNS', 'LOST',
                                'LEFT-OUT', 'CAUSES'] and lines[-1].startswith('total') and len(lines) == 8,
           'a table', table.out)
    sheet = list(csv.DictReader(io.StringIO(runmark(*args, '--format', 'csv').out.decode())))
    tap.equal([(r['host'], r['complete_percent'], r['causes']) for r in sheet][1:2],
              [('n002', '80', 'ring_full_exec, ring_full_mmap, spool_quota')], 'CSV')
    for wrong, said in ((['report'], 'NAME is missing'), (['report', 'covrage'], 'nearest is coverage'),
                        ([*args, '--by', 'user'], 'host, cause, gap'),
                        (['report', 'coverage', '--since', 'today', '--until', 'yesterday'], 'not before'),
                        (['report', 'coverage', 'x'], 'takes one NAME')):
        done = runmark(*wrong)
        tap.ok(done.status == 2 and said in done.err.decode(), 'wrong: %s' % said, done.err)
    empty = work + '/empty.db'
    ingest.ingest(empty)
    done = runmark('report', 'coverage', '--db', 'sqlite:' + empty)
    tap.equal((done.status, done.out), (1, b''), 'an empty database has nothing to report')
tap.done()
