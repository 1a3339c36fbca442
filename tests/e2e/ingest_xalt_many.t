#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Thousands of XALT's records: in bounded time and memory, each once, whoever is killed and however many import; what
XALT and sacct say of the same jobs."""
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap
import xalt

MANY, FEW = 10007, 1999  # runs
STARTS, LINKS, PACKAGES = 997, 97, 499  # of the first of them
KILLS, IMPORTERS = 101 if i.LONG else 17, 4
LEAST = 499  # records a second, with both databases, on machines that have else to do
PEAK_KIB = 64 * 1024
MEASURE = 'import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]).returncode; ' \
          'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(r)'


def start(db, *paths, **options):
    return subprocess.Popen([i.INGEST, '--db', i.url_of(db), '--xalt', *paths], text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=i.environment(), **options)


def make_tree(tree, runs):
    """As XALT would: three digits of its choice; also the starts of some that ended, and packages."""
    rng = random.Random(97)
    for n in range(runs):
        run = xalt.run(n, libA=[['/usr/lib/lib%d.so' % k, '0'] for k in range(n % 41)],
                       user={'user': 'u%d' % (n % 199)})
        folder = '%s/%03d' % (tree, rng.randrange(1000))
        xalt.write(folder, run)
        if n < STARTS:
            xalt.write(folder, xalt.run(n, end=False))
        if n < LINKS:
            xalt.write(folder, xalt.link(n))
        if n < PACKAGES:
            xalt.write(folder, xalt.package(run['userT']['run_uuid']))


def check(db, runs, name):
    got = {table: i.number(db, 'SELECT count(*) FROM ' + table) for table in (
        'run', 'run_text', 'run_xalt', 'link', 'link_text', 'link_xalt', 'package', 'quarantine')}
    tap.equal(got, {'run': runs, 'run_text': runs, 'run_xalt': runs, 'link': LINKS, 'link_text': LINKS,
                    'link_xalt': LINKS, 'package': PACKAGES, 'quarantine': 0}, name + ': every record once')
    tap.equal((i.number(db, 'SELECT count(*) FROM run WHERE state = 1'), i.number(db, 'SELECT count(*) FROM accounting'),
               i.number(db, 'SELECT count(*) FROM object_set')), (runs, (runs + 7) // 8, 42),
              name + ': ends, jobs and sets, one of them of starts')
    return i.dump(db)


def test_many(tree, kind):
    db = kind.new('many')
    files = MANY + STARTS + LINKS + PACKAGES
    begin = time.monotonic()
    done = subprocess.run([sys.executable, '-c', MEASURE, i.INGEST, '--db', i.url_of(db), '--xalt', tree], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=i.environment())
    took = time.monotonic() - begin
    peak = int(done.stdout.split()[-1])
    tap.ok(done.returncode == 0 and files / took >= LEAST, '%d files in %.1f s, %d a second' %
           (files, took, files / took), done)
    tap.ok(peak < PEAK_KIB, 'in %d KiB of memory' % peak)
    wanted = check(db, MANY, 'an import')
    again = i.ingest(db, '--xalt', tree)
    tap.ok(again.status == 0 and again.counts['run'] == 0 and again.counts['record known before'] == files and
           i.dump(db) == wanted, 'imported twice: no change', again)


def test_kill(tree, kind):
    db = kind.new('undisturbed')
    begin = time.monotonic()
    i.ingest(db, '--xalt', tree)
    took = time.monotonic() - begin
    wanted = check(db, FEW, 'undisturbed')
    db = kind.new('killed')
    rng = random.Random(89)
    inside = 0
    for _ in range(KILLS):
        process = start(db, tree)
        time.sleep(rng.uniform(0.02, took))
        inside += process.poll() is None
        process.kill()
        process.communicate()
    process = start(db, tree)
    process.communicate()
    tap.ok(process.returncode == 0 and inside > KILLS / 3, 'kill -9, %d of %d at work' % (inside, KILLS),
           process.returncode)
    tap.ok(check(db, FEW, 'after that') == wanted, 'equal to what one undisturbed import makes')
    return wanted


def test_stop(tree, kind):
    process = start(kind.new('stopped'), tree)
    time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    tap.ok(process.returncode == 3 and 'stopped' in err and 'imported' in out, 'SIGTERM: it stops and says so',
           (process.returncode, out, err))
    process = start(kind.new('waiting'), '-', stdin=subprocess.PIPE)
    process.stdin.write(b'\n'.join(xalt.lines_of(xalt.run(1))).decode() + '\n')
    process.stdin.flush()
    time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    status = process.wait(timeout=60)
    tap.equal(status, 3, 'also while it waits for more of a log')
    process.communicate()


def test_several(tree, kind, wanted):
    db = kind.new('several')
    i.ingest(db, '--migrate')
    processes = [start(db, tree) for _ in range(IMPORTERS)]
    ends = [process.communicate() + (process.returncode,) for process in processes]
    tap.ok(all(end[2] == 0 for end in ends), '%d importers at once' % IMPORTERS, ends)
    tap.ok(check(db, FEW, 'together') == wanted, 'make what one makes')


def sacct(work, db, submit, state, account):
    path = work + '/sacct'
    with open(path, 'w', encoding='ascii') as file:
        file.write('JobIDRaw|Cluster|Account|Partition|Submit|State\n7|c1|%s|debug|%s|%s\n' % (account, submit, state))
    return i.ingest(db, '--sacct', path)


def jobs(db):
    return [tuple(row) for row in i.query(db, 'SELECT submit_us, state, account, queue FROM accounting ORDER BY id')]


def test_jobs(work, kind):
    submit, us = '1795254000', 1795254000 * 10 ** 6
    path = xalt.write(work + '/job', xalt.run(3, user={'job_id': '7'}))
    db = kind.new('jobs')
    i.ingest(db, '--xalt', path)
    tap.equal(jobs(db), [(-1, 'UNKNOWN', 'physics', 'normal')], 'XALT tells account and queue of a job')
    done = sacct(work, db, submit, 'COMPLETED', 'chemistry')
    tap.ok(jobs(db) == [(us, 'COMPLETED', 'chemistry', 'debug')] and '1 new' in done.out,
           'what sacct says takes its place', jobs(db))
    xalt.write(work + '/job', xalt.run(4, user={'job_id': '7'}))
    i.ingest(db, '--xalt', work + '/job')
    tap.equal(jobs(db), [(us, 'COMPLETED', 'chemistry', 'debug')], 'and XALT has nothing to add to it')
    tap.equal(i.number(db, 'SELECT count(*) FROM run r JOIN job j ON j.id = r.job JOIN accounting a ON '
                       'a.job_id = j.job_id AND a.manager = j.manager AND a.cluster = j.cluster'), 2,
              'both runs have their job, and it is one')
    done = subprocess.run([os.path.join(os.path.dirname(i.INGEST), 'runmark'), 'job', '7'], text=True,
                          env={**i.environment(), 'RUNMARK_DB': i.url_of(db)}, stdout=subprocess.PIPE)
    tap.ok(done.returncode == 0 and 'chemistry' in done.stdout and 'a.out' in done.stdout, 'runmark job shows it',
           done.stdout)
    db = kind.new('unsubmitted')
    i.ingest(db, '--xalt', path)
    sacct(work, db, 'Unknown', 'RUNNING', '')
    tap.equal(jobs(db), [(-1, 'RUNNING', 'physics', 'debug')], 'what sacct doesn\'t tell stays as XALT told it')


def test_packages(work, kind):
    db, run = kind.new('packages'), xalt.run(5)
    package = xalt.write(work + '/pkg', xalt.package(run['userT']['run_uuid']))
    result = i.ingest(db, '--xalt', package)
    tap.ok(result.counts['package'] == 1 and '1 package without a run' in result.out and
           i.number(db, 'SELECT count(*) FROM package_without_run') == 1, 'a package without its run is said', result)
    result = i.ingest(db, '--xalt', package, xalt.write(work + '/pkg', run))
    tap.ok(result.counts['run'] == 1 and result.counts['packages'] == 0 and 'without' not in result.out and
           i.number(db, 'SELECT count(*) FROM package_without_run') == 0, 'until that comes', result)


def test_starts(work, kind):
    """Two records of a run that tell different starts, under a name from which no id can be made alone."""
    db, name = kind.new('starts'), {'run_uuid': 'c241b974-2d84-4d58-a09c-1cf9e3c7a3c7'}
    first = xalt.run(1, end=False, user=name)
    second = xalt.run(1, user=name, numbers={'start_time': xalt.START + 100, 'end_time': xalt.START + 200})
    result = i.ingest(db, '--xalt', xalt.write(work + '/starts', first))
    tap.ok(result.counts['run'] == 1 and '1 without an end' in result.out, 'a start', result)
    result = i.ingest(db, '--xalt', xalt.write(work + '/starts', second))
    tap.ok(result.counts['run completed'] == 1 and
           [tuple(row) for row in i.query(db, 'SELECT count(*), min(state) FROM run')] == [(1, 1)],
           'the end of the same run completes it, though it tells another start', result)


def main():
    with i.temporary() as work, i.kinds(work, 'many of XALT') as kinds:
        many, few = work + '/many', work + '/few'
        make_tree(many, MANY)
        make_tree(few, FEW)
        for kind in kinds:
            print('# ' + kind.name)
            test_jobs(work, kind)
            test_packages(work, kind)
            test_starts(work, kind)
            test_many(many, kind)
            wanted = test_kill(few, kind)
            test_stop(many, kind)
            test_several(few, kind, wanted)
    tap.done()


main()
