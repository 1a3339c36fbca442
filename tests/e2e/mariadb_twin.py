# SPDX-License-Identifier: BSD-2-Clause
"""What runmark answers from SQLite, it answers from MariaDB: while RUNMARK_TWIN names the folder of a running
server (mariadb.py), each call of runmark with an SQLite database is made a second time with a copy of that database
in MariaDB, and the two answers are compared byte for byte. cli_mariadb.t runs the tests of the CLI so.

The copy is made table by table, not by runmark-ingest: tests put things into a database that no loader would.
"""
import glob
import itertools
import os
import re
import sqlite3
import time
import mariadb

PACKET = 1 << 20  # bytes of rows in one statement, or little more
TRIES = 3         # an answer may hold the time of day
_twins = {}       # path of a file: (what it was when it was copied, its URL)


def statements():
    """Those of the migrations, each ended by a ; at the end of its line."""
    for name in sorted(glob.glob('schema/mariadb/0*.sql')):
        with open(name, encoding='utf-8') as file:
            yield from (text for text in re.split(r';[ \t]*\n', file.read())
                        if re.search(r'(?m)^\s*[^-\s]', text))


def make_tables(connection, name):
    connection.query('CREATE OR REPLACE DATABASE "%s" CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin' % name)
    connection.query('USE "%s"' % name)
    for statement in statements():
        connection.query(statement)


def open_sqlite(path):
    quoted = path.replace('%', '%25').replace('?', '%3f').replace('#', '%23')
    return sqlite3.connect('file:%s?mode=ro' % quoted, uri=True)


def tables_of(db):
    return [name for (name,) in db.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]


def copy(path, connection, name):
    """An SQLite database of runmark's into a new database of MariaDB."""
    make_tables(connection, name)
    connection.query("SET sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO'), unique_checks = 0")
    db = open_sqlite(path)
    db.text_factory = lambda data: data.decode('utf-8', 'surrogateescape')
    for table in tables_of(db):
        connection.query('DELETE FROM "%s"' % table)  # what the migrations put there
        columns = [row[1] for row in db.execute('PRAGMA table_info("%s")' % table)]
        names = ', '.join('"%s"' % column for column in columns)
        head = 'INSERT INTO "%s" (%s) VALUES ' % (table, names)
        rows, size = [], 0
        for row in db.execute('SELECT %s FROM "%s"' % (names, table)):
            rows.append('(%s)' % ', '.join(mariadb.literal(value).decode('utf-8', 'surrogateescape')
                                           for value in row))
            size += len(rows[-1])
            if size > PACKET:
                connection.query(head + ', '.join(rows))
                rows, size = [], 0
        if rows:
            connection.query(head + ', '.join(rows))
    db.close()


def state_of(path):
    found = []
    for name in (path, path + '-wal'):
        try:
            status = os.stat(name)
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            found.append(None)
    return found


def is_ours(path):
    try:
        db = open_sqlite(path)
        is_it = 'schema_version' in tables_of(db)
        db.close()
        return is_it
    except sqlite3.Error:
        return False


def url_of(path):
    """Of the copy of what is there now, or None if there is nothing to copy."""
    state = state_of(path)
    if path in _twins and _twins[path][0] == state:
        return _twins[path][1]
    if not is_ours(path):
        return None
    server = mariadb.Server(os.environ['RUNMARK_TWIN'])
    name = 'twin%d_%d' % (os.getpid(), len(_twins))
    connection = server.connect('')
    copy(path, connection, name)
    connection.close()
    _twins[path] = (state, mariadb.Database(server, name).url)
    return _twins[path][1]


def check(args, first, call):
    """The answer to args was first; call(args) asks again. Prints what differs, as a failed test."""
    words = [(i, str(word)[7:]) for i, word in enumerate(args) if str(word).startswith('sqlite:')]
    if 'RUNMARK_TWIN' not in os.environ or len(words) != 1 or args[words[0][0] - 1] != '--db':
        return
    where, path = words[0]
    url = url_of(path)
    if not url:
        return
    for again in range(TRIES):
        if again:
            time.sleep(0.1)
            first = call(args)
        twin = call([*args[:where], url, *args[where + 1:]])
        answers = [(it.status, it.out, it.err.replace(b'sqlite:' + path.encode(), b'DB').replace(url.encode(), b'DB'))
                   for it in (first, twin)]
        if answers[0] == answers[1]:
            break
    else:
        print('not ok - twin %r' % (args,))
        print('# status %d and %d' % (answers[0][0], answers[1][0]))
        for ours, theirs in itertools.zip_longest(*(answer[1].splitlines() + answer[2].splitlines()
                                                    for answer in answers)):
            if ours != theirs:
                print(('# sqlite:  %r' % ours)[:1999] + ('\n# mariadb: %r' % theirs)[:1999])
                break
    with open(os.path.join(os.environ['RUNMARK_TWIN'], 'calls'), 'a', encoding='ascii') as file:
        file.write('%s\n' % args[0])
