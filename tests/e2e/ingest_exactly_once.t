#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each run is in the database exactly once: loaders killed at any moment, several at once."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap

RUNS, FILES, LINKS = 20011, 47, 97
KILLS = 211 if i.LONG else 23
OPTIONS = ('--runs', RUNS, '--files', FILES, '--links', LINKS, '--starts', 5, '--hosts', 3)


def start(db, *arguments):
    return subprocess.Popen([i.INGEST, '--db', i.url_of(db), *arguments], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=i.environment())


def check(db, wanted, name):
    tap.equal(i.counts(db), {'run': RUNS, 'run_text': RUNS, 'link': LINKS, 'link_text': LINKS,
                             'node_record': FILES, 'spool_file': FILES, 'quarantine': 0,
                             'spool_problem': 0}, name + ': every record once')
    tap.equal(i.is_sound(db), True, name + ': the database is sound')
    got = i.dump(db)
    differ = [part for part in wanted if got[part] != wanted[part]]
    tap.equal(differ, [], name + ': equal to what one undisturbed loader makes')


def test_kill(work, kind, source, wanted, seconds):
    rng = random.Random(97)
    spool, archive, db = work + '/killed', work + '/archive', kind.new('killed')
    shutil.copytree(source, spool)
    os.mkdir(archive)
    inside = 0
    for _ in range(KILLS):
        process = start(db, '--archive', archive, spool)
        time.sleep(rng.uniform(0, 2 * seconds / KILLS + 0.02))
        inside += process.poll() is None
        process.kill()
        process.communicate()
    done = len(os.listdir(archive))
    tap.ok(inside > KILLS / 2 and done > 0, '%d of %d kills hit a loader at work; %d of %d files '
           'were loaded in spite of them' % (inside, KILLS, done, FILES))
    process = start(db, '--archive', archive, spool)
    process.communicate()
    tap.ok(process.returncode in (0, 1), 'the last loader is content', process.returncode)
    check(db, wanted, 'kill -9, %d times' % KILLS)
    tap.equal((sorted(os.listdir(spool)), sorted(os.listdir(archive))),
              ([], sorted(os.listdir(source))), 'every file is archived, none is lost')


def test_many(work, kind, source, wanted, loaders):
    spool, db = '%s/many%d' % (work, loaders), kind.new('many%d' % loaders)
    shutil.copytree(source, spool)
    processes = [start(db, '--remove', spool) for _ in range(loaders)]
    results = [process.communicate() for process in processes]
    loaded = [int(re.match(r'loaded (\d+)', out).group(1)) for out, _ in results]
    tap.equal((sum(loaded), {process.returncode for process in processes} <= {0, 1},
               [error for _, error in results]), (FILES, True, [''] * loaders),
              '%d loaders: each file by one of them, none complains (%s)' % (loaders, loaded))
    check(db, wanted, '%d loaders' % loaders)
    tap.equal(os.listdir(spool), [], '%d loaders: every file is removed' % loaders)


def test_stop(kind, source, wanted):
    """SIGTERM ends a loader soon and cleanly."""
    db = kind.new('stopped')
    process = start(db, source)
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    _, error = process.communicate()
    took = time.monotonic() - began
    tap.ok(process.returncode in (0, 3) and took < 2 and (process.returncode == 0 or 'stopped' in error),
           'SIGTERM ends it', (process.returncode, took, error))
    i.ingest(db, source)
    check(db, wanted, 'stopped')


def test_kind(work, kind, source):
    db = kind.new('wanted')
    began = time.monotonic()
    i.ingest(db, source)
    seconds = time.monotonic() - began
    wanted = i.dump(db)
    check(db, wanted, 'undisturbed')
    test_kill(work, kind, source, wanted, seconds)
    test_many(work, kind, source, wanted, 2)
    test_many(work, kind, source, wanted, 4)
    test_stop(kind, source, wanted)
    return wanted


with i.temporary() as directory, i.kinds(directory, 'exactly once', durable=True) as kinds:
    i.generate(directory + '/source', *OPTIONS)
    dumps = []
    for kind in kinds:
        with i.temporary(directory) as work, tap.about(kind.name):
            dumps.append(test_kind(work, kind, directory + '/source'))
    tap.ok(all(dump == dumps[0] for dump in dumps), 'every kind of database has the same content')
tap.done()
