#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Runs are read in pages (run_pages.c): however many begin in the same microsecond, each is found once, in the order
# of starts and ids, and a limit keeps the same ones whichever index they were found by.
import sys
sys.dont_write_bytecode = True
import sqlite3
import uuid
import ingest
import tap
from cli_tap import runmark

RUNS = 2503
# runs that share a start, one group of them after the other: less than a page, more than one, most
TIES = (1, 2, 1, 255, 256, 257, 1, 631, 1, 3)


def main():
    with ingest.temporary() as folder:
        path = folder + '/a.db'
        ingest.generate(folder + '/spool', '--runs', RUNS, '--files', 2, '--hosts', 2, '--users', 5, '--programs', 7)
        ingest.ingest(path, folder + '/spool')
        with sqlite3.connect(path) as db:
            ids = [row[0] for row in db.execute('SELECT run_id FROM run ORDER BY start_us, run_id')]
            start, first = db.execute('SELECT min(start_us) FROM run').fetchone()[0], 0
            for number, count in enumerate(TIES):
                db.executemany('UPDATE run SET start_us = ?, end_us = ? + 1000 WHERE run_id = ?',
                               [(start + number, start + number, it) for it in ids[first:first + count]])
                first += count
            db.executemany('UPDATE run SET start_us = ?, end_us = ? + 1000 WHERE run_id = ?',
                           [(start + len(TIES), start + len(TIES), it) for it in ids[first:]])
            db.commit()
            user = db.execute('SELECT name FROM user_name u JOIN run r ON r.user = u.id GROUP BY 1 '
                              'ORDER BY count(*) DESC LIMIT 1').fetchone()[0]
            conditions = {
                (): '1', ('--user', user): "user = (SELECT id FROM user_name WHERE name = '%s')" % user,
                ('--host', 'n*'): '1', ('--exe', '/*'): '1', ('--failed',): 'failed = 1'}
            sql = 'SELECT run_id FROM run WHERE %s ORDER BY start_us, run_id'
            wanted = {words: [str(uuid.UUID(bytes=row[0])) for row in db.execute(sql % where)]
                      for words, where in conditions.items()}
        for words, all_of_it in wanted.items():
            for limit in (0, 1, 7, 257, 1009):
                result = runmark('find', '--since', '1970-01-02', '--format', 'csv', '--columns', 'run_id',
                                 '--limit', str(limit), *words, '--db', 'sqlite:' + path)
                tap.equal(result.out.decode().split()[1:] or result.err, all_of_it[-limit:],
                          'find %s --limit %d' % (' '.join(words), limit))
    tap.done()


main()
