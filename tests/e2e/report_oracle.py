# SPDX-License-Identifier: BSD-2-Clause
"""What runmark report has to say, out of the records themselves: the test's own arithmetic.

It shares nothing with runmark: records are read from the spool files' lines; names, modules and
accounts are given by the test. Intervals are united by sorting them, distinct things are sets.
"""
import base64
import datetime
import fnmatch
import json
import os
import signal

BINS = (('under 30 s', 30), ('30 s to 2 min', 120), ('2 to 10 min', 600), ('10 min to 1 h', 3600),
        ('1 to 4 h', 14400), ('4 to 24 h', 86400), ('a day or more', None), ('not known', None))
BUILT = ('self', 'other user', 'site', 'unknown')
EVIDENCE = ('link', 'module', 'owner', 'path', 'none')
HOUR_US = 3600e6
ABOUT_RUNS = {'exe', 'lib', 'software', 'module'}


def us_of(text):
    when = datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ') - datetime.datetime(1970, 1, 1)
    return (when.days * 86400 + when.seconds) * 1000000 + when.microseconds


def time_of(us):
    return (datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)).strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def micro(seconds):
    return None if seconds is None else round(seconds * 1e6)


def path_of(record):
    if record.get('path_b64'):
        return base64.b64decode(record['path_b64']).decode('utf-8', 'surrogateescape')
    return record['path']


def end_of(exit_):
    """The word for how a run failed, or None."""
    if not exit_:
        return None
    if exit_.get('signal') is not None:
        return signal.Signals(exit_['signal']).name + (',oom' if exit_.get('oom') else '')
    return str(exit_['code']) if exit_.get('code') else None


class Row:
    """A run, or a group as a whole."""

    def __init__(self, record, sets):
        self.record, self.start = record, us_of(record['start'])
        self.user, self.uid = record['user'], record['uid']
        self.host, self.cluster, self.job = record['host'], record['cluster'], None
        self.exe = record['exe'] and path_of(record['exe'])
        if self.exe and self.exe.endswith(' (deleted)'):
            self.exe = self.exe[:-len(' (deleted)')]
        self.objects = sets.get(record['object_set'], [])
        if record['job']:
            self.job = (record['job']['id'], record['cluster'], record['job']['manager'])
        self.name = self.user or (None if self.uid is None else str(self.uid))
        usage = record.get('usage') or {}
        if 'group_id' in record:
            self.count = record['count']
            self.elapsed = micro(record['elapsed_s']['sum'])
            self.ends = [(end_of(e['exit']), e['count']) for e in record['exits'] if end_of(e['exit'])]
            self.busy = min(self.elapsed, us_of(record['end']) - self.start)
            self.cpu = micro(usage['user_s']['sum']) + micro(usage['system_s']['sum']) if usage else None
        else:
            self.count = 1
            self.elapsed = micro(record.get('elapsed_s'))
            self.busy = self.elapsed or 0
            end = end_of(record.get('exit'))
            self.ends = [(end, 1)] if end else []
            self.cpu = micro(usage['user_s']) + micro(usage['system_s']) if usage else None
        self.failed = sum(count for _, count in self.ends)


class Cell:
    def __init__(self):
        self.runs = self.failed = self.links = self.core = self.cpu = 0
        self.has_cpu, self.starts, self.busy = False, [], {}
        self.users, self.jobs, self.hosts, self.programs = set(), set(), set(), set()

    def add(self, row, person, end=None):
        count = end[1] if end else row.count
        self.runs += count
        self.failed += count if end else row.failed

        def share(us):
            return us * count // max(row.count, count) if end else us
        if row.elapsed is not None:
            self.core += share(row.elapsed)
        if row.cpu is not None:
            self.cpu += share(row.cpu)
            self.has_cpu = True
        self.starts.append(row.start)
        self.users.add(person)
        self.jobs |= {row.job} - {None}
        self.hosts.add((row.host, row.cluster))
        self.programs.add(row.exe)
        self.busy.setdefault((row.host, row.cluster, row.job), []).append((row.start, row.start + row.busy))

    def node(self):
        total = 0
        for spans in self.busy.values():
            until = None
            for begin, end in sorted(spans):
                if until is None or begin > until:
                    until = begin
                total += max(end - until, 0)
                until = max(until, end)
        return total


class Oracle:
    def __init__(self, directory, software, modules, accounting, people):
        """software, modules: of paths; accounting: (id, cluster) -> (account, queue, user) or None;
        people: pseudonym -> person."""
        self.software, self.modules, self.accounting, self.people = software, modules, accounting, people
        records, sets, self.links = {}, {}, []
        for name in sorted(os.listdir(directory)):
            with open(os.path.join(directory, name), encoding='utf-8') as file:
                for line in file:
                    record = json.loads(line)
                    kind = record['schema'].split('.')[1].split('/')[0]
                    if kind == 'set' and 'objects' in record:
                        sets[record['hash']] = record['objects']
                    elif kind == 'run' or kind == 'start' and record['run_id'] not in records:
                        records[record['run_id']] = record
                    elif kind == 'group':
                        records[record['group_id']] = record
                    elif kind == 'link':
                        self.links.append(record)
        self.rows = [Row(record, sets) for record in records.values()]

    # --- what a row is of

    def person(self, user, uid):
        return self.people.get(user, user) if user else ('uid', uid) if uid is not None else None

    def name(self, row):
        if row.exe is None:
            return None
        return self.software.get(row.exe) or row.exe.split('/')[-1]

    def job_of(self, row):
        return self.accounting.get(row.job[:2]) if row.job else None

    def links_of(self, row):
        """Those that agree best with the program's file."""
        exe, best = row.record['exe'], {}
        for link in self.links if exe else ():
            ids = (link['output']['build_id'], exe['build_id'])
            if exe['watermark']:
                if link['watermark'] != exe['watermark'] or (all(ids) and ids[0] != ids[1]):
                    continue
            elif not ids[1] or ids[0] != ids[1]:
                continue
            best.setdefault(2 if all(ids) else 1, []).append(link)
        return best[max(best)] if best else []

    def link_of(self, row):
        links = self.links_of(row)
        return max(links, key=lambda link: link['time']) if links else None

    def built(self, row):
        links, module = self.links_of(row), self.modules.get(row.exe)
        owner = row.record['exe'] and row.record['exe'].get('owner_uid')
        if self.person(row.user, row.uid) in [self.person(link['user'], link['uid']) for link in links]:
            return 'self', 'link'
        if module:
            return 'site', 'module'
        if links:
            return ('site' if min(link['uid'] for link in links) < 1000 else 'other user'), 'link'
        if row.exe and row.exe.startswith('/~'):
            return ('self' if row.user and row.exe.startswith('/%s/' % row.user) else 'other user'), 'path'
        if owner is not None:
            return ('site' if owner < 1000 else 'self' if owner == row.uid else 'other user'), 'owner'
        return 'unknown', 'none'

    @staticmethod
    def bin(row):
        if row.elapsed is None:
            return 'not known'
        return next(name for name, below in BINS if not below or row.elapsed // row.count < below * 1000000)

    # --- reports

    def fits(self, row, asked):
        job = self.job_of(row) or (None, None, None)
        return (asked['since'] <= row.start < asked['until'] and
                ('user' not in asked or asked['user'] in (row.user, str(row.uid))) and
                ('host' not in asked or fnmatch.fnmatchcase(row.host, asked['host'])) and
                ('cluster' not in asked or row.cluster == asked['cluster']) and
                ('account' not in asked or job[0] == asked['account']) and
                ('queue' not in asked or job[1] == asked['queue']) and
                ('exe' not in asked or (row.exe or '').split('/')[-1] == asked['exe']) and
                ('software' not in asked or self.name(row) == asked['software']) and
                ('module' not in asked or asked['module'] in
                 [self.modules.get(path) for path in (row.exe, *map(path_of, row.objects))]) and
                ('lib' not in asked or any(self.is_lib(o, asked) for o in row.objects)))

    @staticmethod
    def is_lib(item, asked):
        name = path_of(item).split('/')[-1]
        return 'lib' not in asked or name == asked['lib'] or name.startswith(asked['lib'] + '.')

    def keys(self, report, by, row, asked):
        """The lines that a row is part of: {column: value} each."""
        path = {'program': row.exe}
        link = self.link_of(row) if report in ('compilers', 'linkers') else None
        job = self.job_of(row)
        if report == 'libraries':
            libraries = {}
            for item in row.objects:
                if self.is_lib(item, asked):
                    library = path_of(item)
                    line = {'library': {'library': library, 'module': self.modules.get(library)},
                            'module': {'module': self.modules.get(library)},
                            'build-id': {'library': library, 'build_id': item['build_id']},
                            'user': {'library': library, 'user': row.name},
                            'job': {'library': library, **self.job_columns(row, job, False, asked)}}[by]
                    libraries[tuple(line.values())] = line
            return list(libraries.values())
        if report == 'compilers':
            compiler = (link or {}).get('compiler') or {}
            text = ' '.join(filter(None, (compiler.get('name'), compiler.get('version')))) or None
            known = {'link_known': link is not None}
            return [{'version': {**known, 'compiler': compiler.get('name'), 'compiler_version': compiler.get('version')},
                     'compiler': {**known, 'compiler': compiler.get('name')},
                     'program': {**known, **path, 'compiler': text}}[by]]
        if report == 'linkers':
            linker = (link or {}).get('linker') or {}
            name = linker.get('path') and linker['path'].split('/')[-1]
            known = {'link_known': link is not None}
            return [{'version': {**known, 'linker': name, 'linker_version': linker.get('version')},
                     'linker': {**known, 'linker': name}, 'program': {**known, **path, 'linker': name}}[by]]
        built, evidence = self.built(row)
        software, user = {'software': self.name(row)}, {'user': row.name}
        return [{
            ('software', 'software'): software,
            ('software', 'program'): {**path, **software, 'module': self.modules.get(row.exe)},
            ('software', 'module'): {'module': self.modules.get(row.exe)},
            ('users', 'user'): user, ('users', 'software'): {**user, **software},
            ('users', 'account'): {'account': job[0] if job else None},
            ('self-built', 'built'): {'built_by': built},
            ('self-built', 'evidence'): {'built_by': built, 'evidence': evidence},
            ('self-built', 'software'): {**software, 'built_by': built},
            ('self-built', 'program'): {**path, 'built_by': built},
            ('self-built', 'user'): {**user, 'built_by': built},
            ('bins', 'run-time'): {'run_time': self.bin(row)},
            ('bins', 'software'): {**software, 'run_time': self.bin(row)},
            ('bins', 'user'): {**user, 'run_time': self.bin(row)},
            ('jobs', 'job'): self.job_columns(row, job, True, asked),
            ('jobs', 'software'): {**self.job_columns(row, job, False, asked), **software},
            ('failures', 'software'): software, ('failures', 'program'): path, ('failures', 'end'): {},
            ('failures', 'user'): user, ('failures', 'host'): {'host': row.host},
        }[report, by]]

    def job_columns(self, row, job, has_queue, asked):
        if not row.job:
            line = {'job': None, 'cluster': None, 'user': None, 'account': None, 'queue': None}
        else:
            runners = [r.name for r in sorted(self.rows, key=lambda r: r.start)
                       if r.job == row.job and r.uid != 0 and r.name and self.fits(r, asked)]
            line = {'job': row.job[0], 'cluster': row.job[1],
                    'user': (job and job[2]) or (runners[0] if runners else self.root(row.job, asked)),
                    'account': job and job[0], 'queue': job and job[1]}
        if not has_queue:
            del line['queue']
        return line

    def root(self, job, asked):
        """Whose a job is that only root ran in."""
        return 'root' if any(r.job == job and r.uid == 0 and self.fits(r, asked) for r in self.rows) else None

    def report(self, report, by, **asked):
        """Rows as runmark prints them in JSON, in any order; measures under their names."""
        cells, whole = {}, Cell()
        for row in (row for row in self.rows if self.fits(row, asked)):
            person = self.person(row.user, row.uid)
            whole.add(row, person)
            for line in self.keys(report, by, row, asked):
                if report != 'failures':
                    cells.setdefault(tuple(line.items()), Cell()).add(row, person)
                    continue
                cells.setdefault((*line.items(), ('all', True)), Cell()).add(row, person)
                for end in row.ends:
                    here = {'end': end[0]} if by in ('software', 'end') else {}
                    cells.setdefault((*line.items(), *here.items()), Cell()).add(row, person, end)
        if by in ('version', 'compiler', 'linker') and not ABOUT_RUNS & set(asked):
            for link in self.links:
                self.count_link(cells, by, report, link, asked)
        return [self.print(dict(line), cell, whole, cells, asked) for line, cell in cells.items() if ('all', True) not in line]

    def count_link(self, cells, by, report, link, asked):
        job = self.accounting.get((link['job']['id'], link['cluster'])) if link['job'] else None
        job = job or (None, None, None)
        if not (asked['since'] <= us_of(link['time']) < asked['until'] and
                ('user' not in asked or asked['user'] in (link['user'], str(link['uid']))) and
                ('host' not in asked or fnmatch.fnmatchcase(link['host'], asked['host'])) and
                ('cluster' not in asked or link['cluster'] == asked['cluster']) and
                ('account' not in asked or job[0] == asked['account']) and
                ('queue' not in asked or job[1] == asked['queue'])):
            return
        line = [('link_known', True)]
        if report == 'compilers':
            compiler = link['compiler'] or {}
            line += [('compiler', compiler.get('name'))]
            line += [('compiler_version', compiler.get('version'))] if by == 'version' else []
        else:
            line += [('linker', link['linker']['path'].split('/')[-1])]
            line += [('linker_version', link['linker']['version'])] if by == 'version' else []
        cells.setdefault(tuple(line), Cell()).links += 1

    @staticmethod
    def print(line, cell, whole, cells, asked):
        all_ = cells.get((*((k, v) for k, v in line.items() if k != 'end'), ('all', True)))
        runs = all_.runs if all_ else cell.runs
        return {**line, 'runs': runs, 'failed': cell.failed, 'links': None if ABOUT_RUNS & set(asked) else cell.links,
                'failed_percent': 100 * cell.failed / runs if runs else 0,
                'programs': len(cell.programs), 'users': len(cell.users), 'jobs': len(cell.jobs),
                'hosts': len(cell.hosts), 'cpu_hours': cell.cpu / HOUR_US if cell.has_cpu else None,
                'core_hours': cell.core / HOUR_US, 'node_hours': cell.node() / HOUR_US,
                'core_percent': 100 * cell.core / whole.core if whole.core else 0,
                'first': time_of(min(cell.starts)) if cell.starts else None,
                'last': time_of(max(cell.starts)) if cell.starts else None}


def in_order(rows, sort):
    """As runmark sorts: by that column, then by runs, then by what stands in the columns."""
    ranks = {'run_time': [name for name, _ in BINS], 'built_by': list(BUILT), 'evidence': list(EVIDENCE)}

    def key(name, value):
        if value is None:
            return (1,)
        if name in ranks:
            return (0, ranks[name].index(value))
        if name in ('first', 'last'):
            return (0, -us_of(value))
        if isinstance(value, str):
            return (0, value.encode('utf-8', 'surrogateescape'))
        return (0, -value)
    # of a line of failures the runs are those that failed
    runs = 'failed' if rows and 'failed_percent' in rows[0] else 'runs'
    return sorted(rows, key=lambda row: [key(name, row[name]) for name in
                                         (sort, runs, *(n for n in row if n not in ('report', 'by', 'link_known')))])
