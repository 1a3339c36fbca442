#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What XALT recorded comes into the database once, from files and from logs; who asks gets sensible answers."""
import base64
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ingest as i
import tap
import xalt

RUNMARK = os.path.join(os.path.dirname(i.INGEST), 'runmark')
TABLES = ('run', 'run_text', 'run_xalt', 'link', 'link_text', 'link_xalt', 'package', 'object_set',
          'object_set_member', 'env_set', 'env_set_member', 'input_set', 'input_set_member', 'accounting', 'host',
          'user_name', 'path', 'program', 'object', 'job', 'quarantine')


def load(db, *paths, **options):
    return i.ingest(db, '--xalt', *paths, **options)


def content(db):
    return {table: sorted(map(tuple, i.query(db, 'SELECT * FROM %s' % table)), key=repr) for table in TABLES}


FACTS = {
    'runs': 'SELECT r.run_id, state, host, cluster, user, exe, r.watermark, argv, cwd, job_id, start_us, end_us, elapsed_us, '
            'r.cores, object_set_hash, env_set_hash, incomplete, x.run_uuid, x.tasks, x.probability '
            'FROM run_view r JOIN run_xalt x ON x.run_id = r.run_id',
    'links': 'SELECT link_id, watermark, output, compiler_name, link_line, cwd, time_us FROM link_view',
    'inputs': 'SELECT position, kind, path FROM input_set_member m JOIN object_view o ON o.id = m.object',
    'packages': 'SELECT run_ref, program, k.name, version, p.path FROM package k JOIN path p ON p.id = k.path',
}


def facts(db):
    """What is told, whatever the order in which it came."""
    return {name: sorted(map(tuple, i.query(db, sql)), key=repr) for name, sql in FACTS.items()}


def runmark(db, *arguments):
    done = subprocess.run([RUNMARK, *arguments], env={**i.environment(), 'RUNMARK_DB': i.url_of(db)},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, done.stderr


def test_samples(kind):
    db = kind.new('samples')
    first = load(db, xalt.SAMPLES)
    tap.ok(first.status == 0 and first.counts['link'] == 1 and first.counts['packages'] == 2 and
           first.counts['run'] == 3 and first.counts['record quarantined'] == 0,
           'the real records: 3 runs, a link, 2 packages', first)
    tap.equal([tuple(row) for row in i.query(
        db, 'SELECT r.exe, r.source, r.state, l.output, l.compiler_name, l.source AS made_by FROM run_view r '
        'JOIN link_view l ON l.watermark = r.watermark')],
        [(b'/home/alice/proj/tiny_wm', 'xalt', 1, b'/home/alice/proj/tiny_wm', 'gcc', 'xalt')],
        'a run is joined with its link by the watermark')
    tap.equal([tuple(row) for row in i.query(
        db, 'SELECT k.name, k.version, r.exe FROM package k JOIN run_xalt x ON x.run_uuid = k.run_ref '
        'JOIN run_view r ON r.run_id = x.run_id ORDER BY 1')],
        [(name, '3.11.2', b'/usr/bin/python3.11') for name in ('json.encoder', 'json.scanner')],
        'and with its packages')
    row = i.query(db, "SELECT * FROM run_view WHERE exe_name = x'646c32'")[0]
    tap.equal((row['state'], row['start_us'], row['end_us'], row['elapsed_us'], row['host'], row['cluster'],
               row['pid'], row['boot_id'], row['cores'], row['user']),
              (1, 1795256076638400, 1795256076638900, 500, '', 'testhost', None, None, 1, 'root'),
              'start and end are one run, which tells what XALT knows and nothing else')
    tap.equal(i.number(db, "SELECT count(*) FROM object_set_member m JOIN run r ON r.object_set = m.object_set "
                       "JOIN program g ON g.id = r.program JOIN path p ON p.id = g.path "
                       "WHERE p.name = x'646c32'"), 3, 'with the library that it opened after its start')
    tap.equal(i.number(db, 'SELECT count(*) FROM input_set_member'), 12, 'each input of the link once')
    before = content(db)
    again = load(db, xalt.SAMPLES)
    tap.ok(again.status == 0 and again.counts['record known before'] == 7 and
           content(db) == before, 'imported twice: no change', again)
    whole = load(db, xalt.SAMPLE_LOG)
    tap.ok(whole.counts['run'] == 1 and 'checksum' in whole.err, 'the real lines of a log, whose checksum is not '
           'that of what they were changed to: loaded and said', whole)
    tap.equal(i.number(db, "SELECT incomplete FROM run_view WHERE exe_name = x'7470'"),
              '["record: its checksum is wrong"]', 'and marked')
    return db


def test_sample_log(work, kind):
    """The pieces of the real lines."""
    with open(xalt.SAMPLE_LOG, 'rb') as file:
        lines = file.read().splitlines()
    db, rng = kind.new('wire'), random.Random(89)
    load(db, xalt.SAMPLE_LOG)
    wanted = facts(db)
    for name, change in (('shuffled', rng.sample(lines, len(lines))), ('doubled', rng.sample(2 * lines, 2 * len(lines)))):
        db = kind.new(name)
        result = load(db, '-', stdin=as_file(work, change))
        tap.ok(result.counts['run'] == 1 and facts(db) == wanted, 'the real lines, %s: the same' % name, result)
    for missing in range(len(lines)):
        db = kind.new('without')
        result = load(db, '-', stdin=as_file(work, lines[:missing] + lines[missing + 1:]))
        tap.ok(result.counts['run'] == 0 and result.out.startswith(
            'incomplete: run_fini_01a1fd99-857e-754b-9175-480469ed251c: piece %d of 0 to 3 is missing\n' % missing),
            'without piece %d: said' % missing, result)


def test_cli(db):
    status, out, err = runmark(db, 'find', '--since', '2026-01-01', '--format', 'json')
    found = [json.loads(line) for line in out.splitlines()]
    tap.ok(status == 0 and len(found) == 4 and all(
        run['source'] == 'xalt' and run['pid'] is None and run['boot_id'] is None and run['exit'] is None
        for run in found), 'runmark find shows them', (status, out, err))
    for words, what, wanted in (
            (('find', '--since', '2026-01-01', '--exe', 'tiny_wm'), 'by program', 'tiny_wm'),
            (('find', '--since', '2026-01-01', '--lib', 'libz.so.1.2.13'), 'by library', 'dl2'),
            (('show', '01a1fd85-68bc-75c8-b081-870eb194e688'), 'a watermark', 'linked 2026-11-21'),
            (('show', '01a1fd87-5b75-77d7-8337-fcd2345319ae'), 'a run', 'xalt')):
        status, out, err = runmark(db, *words)
        tap.ok(status == 0 and wanted in out, 'runmark %s: %s' % (words[0], what), (status, out, err))


def records():
    """Some of each kind; one with a blank where a piece ends."""
    runs = [xalt.run(n, end=n % 3 > 0) for n in range(23)]
    runs[5]['cmdlineA'] = ['./a.out', 'x y ' * 499]
    return runs + [xalt.link(n) for n in range(7)] + \
        [xalt.package(runs[n]['userT']['run_uuid'], 'p%d' % n) for n in range(11)]


def test_log(work, kind):
    rng = random.Random(97)
    files, plain = work + '/files', kind.new('plain')
    for record in records():
        xalt.write(files, record)
    load(plain, files)
    wanted = facts(plain)
    for run in range(len(wanted['runs'])):  # a log tells the host besides
        wanted['runs'][run] = wanted['runs'][run][:2] + ('n042',) + wanted['runs'][run][3:]
    tap.equal([len(wanted[kind]) for kind in ('runs', 'links', 'packages')], [23, 7, 11], 'files of all kinds')
    other = b'Nov 21 10:14:19 n042 sshd[17]: V:4 XALT'
    for version in (4, 3):
        lines = [line for record in records() for line in xalt.lines_of(record, version)]
        for name, change in (
                ('as they come', list),
                ('shuffled', lambda l: rng.sample(l, len(l))),
                ('doubled and shuffled', lambda l: rng.sample(l + l, 2 * len(l))),
                ('twice one after the other', lambda l: l + l),
                ('without blanks at the ends of lines', lambda l: [x.rstrip() for x in l])):
            db = kind.new('log-%d-%s' % (version, name[:7].replace(' ', '')))
            mixed = [line for piece in change(lines) for line in (piece, other)]
            result = load(db, '-', stdin=as_file(work, mixed))
            tap.ok(result.status == 0 and facts(db) == wanted and 'incomplete' not in result.out and
                   result.counts['line of others'] == len(mixed) // 2,
                   'V:%d, %s: the same as from files' % (version, name), (result, i.counts(db)))
    lines = [line for record in records() for line in xalt.lines_of(record)]
    db, log = kind.new('missing'), work + '/messages'
    victim = next(n for n, line in enumerate(lines) if b'run_fini' in line and b'idx:01' in line)
    key = lines[victim].split(b'key:')[1].split()[0].decode()
    with open(log, 'wb') as file:
        file.write(b'\n'.join(lines[:victim] + lines[victim + 1:]) + b'\n')
    result = load(db, log)
    tap.ok(result.status == 0 and result.counts['run'] == 22 and 'record incomplete' in result.out and
           any(line.startswith('incomplete: %s: piece 1 of' % key) for line in result.out.splitlines()),
           'one piece missing: said which, and the others are loaded', result)
    with open(work + '/rest', 'wb') as file:
        file.write(lines[victim])  # without a line's end
    result = load(db, log, work + '/rest')
    tap.ok(result.counts['run'] == 1 and facts(db) == wanted, 'with the piece in another log: the same', result)


def as_file(work, lines):
    with open(work + '/input', 'wb') as file:
        file.write(b'\n'.join(lines) + b'\n')
    return open(work + '/input', 'rb')


def test_whole_lines(work, kind):
    record = xalt.run(3)
    data = xalt.text_of(record)
    head = b'Nov 21 10:14:19 n042 XALT_LOGGING_c1: run:'
    for name, line in (('plain', head + data), ('as base64, of older versions', head + base64.b64encode(data))):
        db = kind.new('v1-' + name[:2])
        result = load(db, '-', stdin=as_file(work, [line]))
        tap.ok(result.counts['run'] == 1 and i.number(db, 'SELECT host FROM run_view') == 'n042',
               'syslogv1, %s: a record in one line, and its host' % name, result)
    cut = [head + data[:-7], b'XALT_LOGGING_c1: V:4 kind:run nb:1 idx:0 value:x', b'XALT_LOGGING_c1 V:9 x']
    db = kind.new('cut')
    for _ in range(2):
        result = load(db, '-', stdin=as_file(work, cut + [head + data]))
    tap.ok(result.counts['record quarantined'] == 3 and i.counts(db)['run'] == 1 and
           [row['line'] for row in i.query(db, 'SELECT * FROM quarantine ORDER BY line')] == [1, 2, 3],
           'lines that are cut are quarantined by number, once', result)


def test_layouts(work, kind):
    tree, db = work + '/tree', kind.new('tree')
    layouts = ('233', '007', '202611', 'run', 'home/alice/.xalt.d', 'home/alice/.xalt.d/run', '/'.join('abcdefghijklmnop'))
    for n, layout in enumerate(layouts):
        xalt.write(os.path.join(tree, layout), xalt.run(n))
    xalt.write(tree, xalt.run(90))
    for name in ('.run.c1.x.json.new', 'README', 'run.c1.json.swp', 'core'):
        xalt.write(tree, xalt.run(91), name)
    xalt.write(tree + '/' + '/'.join('abcdefghijklmnopq'), xalt.run(92))
    result = load(db, tree)
    tap.ok(result.status == 0 and result.counts['run'] == 8 and result.counts['other file'] == 4 and
           'too deep' in result.err, 'directories of every layout; other names and what is too deep are counted', result)
    single = load(kind.new('single'), xalt.write(work, xalt.run(1), 'any.name'))
    tap.ok(single.counts['run'] == 1, 'a file of any name that is given itself', single)


def main():
    with i.temporary() as work, i.kinds(work, 'import from XALT') as kinds:
        for kind in kinds:
            print('# ' + kind.name)
            test_cli(test_samples(kind))
            test_sample_log(work, kind)
            test_log(work, kind)
            test_whole_lines(work, kind)
            test_layouts(work, kind)
    tap.done()


main()
