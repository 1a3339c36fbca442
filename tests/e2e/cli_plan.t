#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Every statement that runmark holds is answered along indexes: none reads a large table from end to
# end, and none sorts runs where an index has them in order.
import sys
sys.dont_write_bytecode = True
import glob
import re
import sqlite3
from cli_tap import RUNMARK, Tap

# Statements that may read a whole table, and which: hosts and users are few; a glob that begins with * has
# no beginning to look up; quarantine is counted, and small where all is well.
WHOLE = {
    'SELECT id, name FROM host': {'host'},
    'SELECT id, name, cluster FROM host ORDER BY name, cluster': {'host'},
    'SELECT id, path FROM path': {'path'},
    'SELECT user_name.id, user_name.name, pseudonym.user FROM user_name LEFT JOIN pseudonym '
    'ON pseudonym.alias = user_name.id': {'user_name'},
    'SELECT count(*) FROM quarantine': {'quarantine'},
    'SELECT max(version) FROM schema_version': set(),
}
tap = Tap()
database = sqlite3.connect(':memory:')
for name in sorted(glob.glob('schema/sqlite/*.sql')):
    with open(name) as file:
        database.executescript(file.read())
with open(RUNMARK, 'rb') as file:
    texts = [text.decode() for text in re.findall(rb'[\x20-\x7e]{12,}', file.read())]
# Statements as they stand, and the tails of those that are made from a table of fields.
statements = [text for text in texts if re.match(r'SELECT .* FROM ', text)]
statements += ['SELECT * FROM ' + text for text in texts
               if re.match(r'[a-z_]+( [a-z])? (JOIN .*)?WHERE .*\?', text)]
tap.ok(len(statements) > 30, 'statements are found in the program', statements)
for statement in sorted(set(statements)):
    if 'sqlite_master' in statement:
        continue
    try:
        plan = [row[3] for row in database.execute('EXPLAIN QUERY PLAN ' + statement,
                                                   [None] * statement.count('?'))]
    except sqlite3.Error as error:
        tap.ok(False, statement, str(error))
        continue
    # A scan of one row, of a constant or of what a subquery gives is none.
    scanned = {match.group(1) for match in (re.match(r'SCAN (\w+)', step) for step in plan)
               if match} - {'CONSTANT', 'counted'}
    tap.ok(scanned <= WHOLE.get(statement, set()), 'indexed: ' + statement[-60:], plan)
    if 'elapsed_us, user_us, system_us, cores' in statement:
        tap.ok(any('USING COVERING INDEX run_start' in step for step in plan), 'by the index alone', plan)
    if 'FROM run WHERE' in statement and 'ORDER BY' in statement and 'job = ?' not in statement:
        tap.ok(not any('TEMP B-TREE FOR ORDER' in step for step in plan), 'in order', plan)
tap.done()
