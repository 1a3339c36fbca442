#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark-ingest --prune killed again and again ends where one that is left alone ends; loaders beside it lose
nothing."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest  # noqa: E402
import mariadb  # noqa: E402
import prune  # noqa: E402
import tap  # noqa: E402
from prune import ALICE, CAROL, GONE, DAY, NOW_US, PERSONS, run_ingest  # noqa: E402

KILLS = 97 if ingest.LONG else 23
AGE = ('--prune', '--pseudonymise-after', '180d', '--delete-after', '2y')
YOUNG_US = NOW_US - 180 * DAY * 1000000
OLD_PERSONS = (*PERSONS, prune.Person('fritzofold', 7130077, (prune.ANCIENT_DAYS, prune.OLD_DAYS)))


def started(db, conf, *arguments):
    # pylint: disable=consider-using-with
    return subprocess.Popen([prune.INGEST, '--db', db.url, *arguments], stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env={**ingest.environment(), 'RUNMARK_CONF': conf})


def differences(got, wanted):
    return ['%s: %r instead of %r' % (part, [row for row in got[part] if row not in wanted[part]][:3],
                                      [row for row in wanted[part] if row not in got[part]][:3])
            for part in wanted if got[part] != wanted[part]]


def test_kills(maker, folder):
    spool, conf, rng = os.path.join(folder, 'spool'), prune.configure(folder), random.Random(7)
    prune.make(spool, persons=OLD_PERSONS, runs=397)
    whole, killed = maker('whole'), maker('killed')
    for db in (whole, killed):
        run_ingest(db, conf, '--migrate')
        run_ingest(db, conf, spool)
    since = time.monotonic()
    run_ingest(whole, conf, *AGE)
    taken = time.monotonic() - since
    tap.equal(prune.find(whole, GONE), [], 'pruned without a kill: nobody to be read')
    wanted, kills, runs, partial = prune.content(whole), 0, 0, 0
    while kills < KILLS and runs < 20 * KILLS:
        process = started(killed, conf, *AGE)
        time.sleep(rng.uniform(taken / 97, taken / 2))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        runs += 1
        if process.returncode not in (0, 1):
            partial += killed.number("SELECT count(*) FROM prune_log WHERE action = 'pseudonymise'") > 0
        if process.returncode in (0, 1):  # it came to its end: from the beginning
            killed = maker('killed%d' % runs)
            run_ingest(killed, conf, '--migrate')
            run_ingest(killed, conf, spool)
    tap.equal(kills, KILLS, 'killed %d times' % KILLS)
    tap.ok(partial > 3, '%d times in the middle of its work' % partial)
    done = run_ingest(killed, conf, *AGE)
    tap.ok(done.status in (0, 1), 'then left alone', done)
    tap.equal(differences(prune.content(killed), wanted), [], 'it ends as the other did')
    tap.equal(prune.dangling(killed), {}, 'nothing refers to what is gone')
    tap.equal(killed.number('SELECT count(*) FROM prune_orphan'), 0, 'nothing is left to look at')
    log, other = ({(row[0], row[1]): row[2] for row in db.query(
        "SELECT action, name, sum(changed) FROM prune_log WHERE action <> 'orphans' GROUP BY action, name")}
        for db in (killed, whole))
    other.pop(('key made', ''))
    log.pop(('key made', ''), None)
    tap.equal(log, other, 'and prune_log counts each record once')


def test_key_kills(maker, folder):
    """Killed while the key is made, which must be whole then, or not there."""
    spool = os.path.join(folder, 'small')
    prune.make(spool, runs=5)
    db, rng = maker('keys'), random.Random(5)
    states = {0: 0, 65: 0}
    for number in range(KILLS):
        inner = os.path.join(folder, 'key%d' % number)
        os.makedirs(inner)
        conf = prune.configure(inner)
        if number == 0:
            run_ingest(db, conf, '--migrate')
            run_ingest(db, conf, spool)
        db.query("DELETE FROM prune_state WHERE name = 'key'")
        process = started(db, conf, *AGE)
        time.sleep(rng.uniform(0.001, 0.02))
        process.kill()
        process.wait()
        key = os.path.join(inner, 'pseudonym.key')
        size = os.path.getsize(key) if os.path.exists(key) else 0
        states[size] = states.get(size, 0) + 1
        known = db.number("SELECT count(*) FROM prune_state WHERE name = 'key'")
        if known and not size:
            states['known, but not there'] = 1
    tap.equal(set(states), {0, 65}, 'killed %d times while the key is made: whole, or not there' % KILLS)


def test_beside_loaders(maker, folder):
    stage, spool = os.path.join(folder, 'stage'), os.path.join(folder, 'follow')
    conf = prune.configure(folder, 'beside.conf')
    names = prune.make(stage, persons=OLD_PERSONS, runs=97, files=23)
    random.Random(3).shuffle(names)
    alone, db = maker('alone'), maker('beside')
    run_ingest(alone, conf, '--migrate')
    run_ingest(db, conf, '--migrate')
    run_ingest(alone, conf, stage)
    os.makedirs(spool)
    loaders = [started(db, conf, '--follow', spool) for _ in range(2)]
    prunings = 0
    for name in names:
        shutil.copy(name, os.path.join(spool, '.new'))
        os.rename(os.path.join(spool, '.new'), os.path.join(spool, os.path.basename(name)))
        done = run_ingest(db, conf, *AGE)
        if done.status not in (0, 1):
            tap.ok(False, 'a pruning beside loaders', done)
        prunings += done.status == 0
    end = time.monotonic() + 60
    while db.number('SELECT count(*) FROM spool_file') < len(names) and time.monotonic() < end:
        time.sleep(.05)
    for loader in loaders:
        loader.terminate()
        tap.equal(loader.wait(), 0, 'a loader that was never in trouble')
    tap.ok(prunings > 7, '%d prunings found something to do beside two loaders' % prunings)
    run_ingest(db, conf, *AGE)
    tap.equal(db.number('SELECT count(*) FROM spool_file'), len(names), 'all files are loaded')
    for table in ('run', 'run_group', 'link'):
        at = 'time_us' if table == 'link' else 'start_us'
        since = NOW_US - 730 * DAY * 1000000
        tap.equal(db.number('SELECT count(*) FROM ' + table),
                  alone.number('SELECT count(*) FROM %s WHERE %s >= ?' % (table, at), since),
                  'each once: ' + table)
    tap.equal(prune.rows_of(db, (ALICE, CAROL), YOUNG_US), prune.rows_of(alone, (ALICE, CAROL), YOUNG_US),
              'young records are as without pruning')
    tap.equal(prune.dangling(db), {}, 'nothing refers to what is gone, no set lacks members')
    run_ingest(alone, conf, *AGE)
    got, wanted = prune.content(db), prune.content(alone)
    tap.equal(differences(got, wanted), [], 'all is as pruned at the end alone')


with ingest.temporary() as top, prune.databases(top) as kinds:
    for kind, maker in kinds:
        print('# ' + kind)
        os.makedirs(os.path.join(top, kind))

        def make_in(name, kind=kind, maker=maker):
            inner = os.path.join(top, kind, 'db-' + name)
            os.makedirs(inner)
            return maker(inner)
        test_kills(make_in, os.path.join(top, kind))
        test_key_kills(make_in, os.path.join(top, kind))
        test_beside_loaders(make_in, os.path.join(top, kind))
    if len(kinds) == 1:
        tap.skip('the same in MariaDB', mariadb.missing())
tap.done()
