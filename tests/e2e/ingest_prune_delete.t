#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""runmark-ingest --prune --delete-after: exactly what is older goes, with all that was only of use to it."""
import datetime
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest  # noqa: E402
import mariadb  # noqa: E402
import prune  # noqa: E402
import tap  # noqa: E402
from prune import ALICE, CAROL, DAY, NOW_US, Person, run_ingest  # noqa: E402

AGES = (prune.ANCIENT_DAYS, prune.OLD_DAYS, prune.YOUNG_DAYS)
FRITZ = Person('fritzofold', 7130077, (prune.ANCIENT_DAYS,))
STAYS = Person('gerdastays', 7130078, AGES)
DELETE = ('--prune', '--delete-after', '2y')
SINCE_US = NOW_US - 730 * DAY * 1000000
KEYED = {'run_text': 'run.run_id', 'run_xalt': 'run.run_id', 'run_group_text': 'run_group.group_id',
         'link_text': 'link.link_id', 'link_xalt': 'link.link_id'}
TIMES = {'run': 'start_us', 'run_group': 'start_us', 'link': 'time_us', 'node_record': 'time_us',
         'spool_file': 'loaded_us', 'accounting': 'imported_us'}


def counts(db, since=0):
    return {table: db.number('SELECT count(*) FROM %s WHERE %s >= ?' % (table, at), since)
            for table, at in TIMES.items()}


def strays(db):
    """Rows of texts and the like without their record."""
    found = {}
    for table, column in KEYED.items():
        of, key = column.split('.')
        count = db.number('SELECT count(*) FROM %s t WHERE NOT EXISTS (SELECT 1 FROM %s r WHERE r.%s = t.%s)' %
                          (table, of, key, key))
        if count:
            found[table] = count
    for table in ('spool_count', 'spool_problem'):
        found.update({table: 1} if db.number(
            'SELECT count(*) FROM %s t WHERE NOT EXISTS (SELECT 1 FROM spool_file f WHERE f.id = t.spool_file)' %
            table) else {})
    return found


def add_months(db):
    """MariaDB: the months that old records would have had when they came."""
    for table, text in (('run', 'run_id'), ('run_group', 'group_id'), ('link', 'link_id')):
        assert text
        for name in {'run': ('run', 'run_text', 'run_xalt'), 'run_group': ('run_group', 'run_group_text'),
                     'link': ('link', 'link_text', 'link_xalt')}[table]:
            split(db, name)


def split(db, table):
    first = db.query("SELECT partition_name FROM information_schema.partitions WHERE table_schema = database() "
                     "AND table_name = ? AND partition_name LIKE 'm%' ORDER BY partition_ordinal_position LIMIT 1",
                     table)[0][0]
    end = int(first[1:5]) * 12 + int(first[5:]) - 1
    when = datetime.datetime.fromtimestamp((NOW_US // 1000000) - 900 * DAY, datetime.timezone.utc)
    parts = []
    for month in range(when.year * 12 + when.month - 1, end + 1):
        begin = datetime.datetime(month // 12, month % 12 + 1, 1, tzinfo=datetime.timezone.utc)
        name = 'm%04d%02d' % ((month - 1) // 12, (month - 1) % 12 + 1) if parts else 'older'
        parts.append("PARTITION %s VALUES LESS THAN (x'%012x%020d')" % (name, int(begin.timestamp()) * 1000, 0))
    db.query('ALTER TABLE %s REORGANIZE PARTITION older INTO (%s)' % (table, ', '.join(parts)))


def add_package(db):
    """An ancient run of XALT's with a package."""
    run_id = db.query('SELECT run_id FROM run WHERE start_us < ? LIMIT 1', SINCE_US)[0][0]
    db.query('INSERT INTO run_xalt (run_id, run_uuid) VALUES (?, ?)', run_id, b'u' * 16)
    db.query("INSERT INTO path (path, name) VALUES (?, ?)", b'/apps/numpy', b'numpy')
    path = db.number('SELECT max(id) FROM path')
    for ref in (b'u' * 16, b'v' * 16):
        db.query("INSERT INTO package (run_ref, program, name, version, path) VALUES (?, 'python', 'numpy', '1', ?)",
                 ref, path)


def test(db, folder, has_months):
    spool, conf = os.path.join(folder, 'spool'), prune.configure(folder)
    names = prune.make(spool, persons=(ALICE, CAROL, FRITZ, STAYS), runs=101, files=5)
    run_ingest(db, conf, '--migrate')
    if has_months:
        add_months(db)
    run_ingest(db, conf, spool)
    run_ingest(db, conf, '--sacct', '-', input='JobIDRaw|State|User|UID|Submit|Start|End\n' + ''.join(
        '%d|COMPLETED|%s|%d|%d|%d|%d\n' % (days, STAYS.name, STAYS.uid, *3 * (NOW_US // 1000000 - days * DAY,))
        for days in AGES))
    add_package(db)
    # of the five ancient files three were loaded when they came
    ancient = [os.path.basename(name) for name in names if 'n%03d.' % prune.ANCIENT_DAYS in name]
    for name in ancient[:3]:
        db.query('UPDATE spool_file SET loaded_us = ? WHERE name = ?', SINCE_US - 1, name)
    before, wanted = counts(db), counts(db, SINCE_US)
    tap.ok(all(wanted[table] < before[table] for table in ('run', 'run_group', 'link', 'node_record', 'spool_file')),
           'some of each is older than two years', (before, wanted))
    wanted['accounting'] -= 1
    kept = prune.rows_of(db, (ALICE, CAROL, FRITZ, STAYS), SINCE_US)
    done = run_ingest(db, conf, *DELETE)
    tap.ok(done.status == 0 and done.out.startswith('delete: '), 'deleted', done)
    tap.equal('months' in done.out, has_months, 'whole months where there are some')
    tap.equal(counts(db), wanted, 'exactly what is older')
    tap.equal(prune.rows_of(db, (ALICE, CAROL, FRITZ, STAYS), SINCE_US), kept, 'the others are as they were')
    tap.equal(strays(db), {}, 'no text and no detail without its record')
    tap.equal(prune.dangling(db), {}, 'nothing refers to what is gone')
    tap.equal(prune.unreferred(db), {}, 'and nothing is left that nobody refers to')
    tap.equal(prune.find(db, (FRITZ,)), [], 'who is in deleted records alone is nowhere')
    tap.equal([bytes(row[0]) for row in db.query('SELECT run_ref FROM package')], [b'v' * 16],
              'a package went with its run, one whose run has not come stays')
    for view in ('missing_file', 'missing_record'):
        tap.equal(db.query('SELECT * FROM ' + view), [], 'nothing seems to be missing: ' + view)
    tap.equal(run_ingest(db, conf, *DELETE).status, 1, 'again: nothing to do')

    done = run_ingest(db, conf, names[0], names[3])
    tap.ok(done.counts.get('file known before') == 1 and done.counts.get('file') == 1,
           'a file whose mark is there is not loaded anew, one without is', done)
    run_ingest(db, conf, *DELETE)
    tap.equal({**counts(db), 'spool_file': 0}, {**wanted, 'spool_file': 0}, 'and goes again')
    tap.equal(prune.find(db, (FRITZ,)), [], 'with all that it brought')
    tap.equal(prune.unreferred(db), {}, 'and nothing is left')
    done = run_ingest(db, conf, '--prune', '--delete-after', '1d')
    tap.equal([counts(db)[table] for table in ('run', 'run_group', 'link', 'node_record')], [0, 0, 0, 0],
              'what is older than a day is all')
    tap.equal({table for table in prune.DICTIONARIES if table not in ('host', 'boot', 'env_name', 'spool_file', 'path')
               and db.number('SELECT count(*) FROM ' + table)}, set(), 'and so are sets and dictionaries')
    tap.equal([row[0] for row in db.query('SELECT path FROM path')], [b'/apps/numpy'], 'but for the package')


with ingest.temporary() as top, prune.databases(top) as kinds:
    for kind, maker in kinds:
        for has_months in (False, True)[:1 + (kind == 'mariadb')]:
            print('# ' + kind + (' by month' if has_months else ''))
            inner = os.path.join(top, kind + str(has_months))
            os.makedirs(inner)
            test(maker(inner), inner, has_months)
    if len(kinds) == 1:
        tap.skip('the same in MariaDB', mariadb.missing())
tap.done()
