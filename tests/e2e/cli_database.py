# SPDX-License-Identifier: BSD-2-Clause
"""Databases for the tests of runmark: records as dictionaries, filled in from schema/sqlite alone.

An oracle of its own: it shares nothing with runmark-ingest but the schema file, so that a mistake
in what a column means shows up as a difference.
"""
import base64
import glob
import hashlib
import json
import sqlite3
import uuid

HOSTILE = {  # name -> bytes; what users can put into paths, arguments and variables
    'newline': b'two\nlines\r\n',
    'escape': b'\x1b[31mred\x1b]0;title\x07',
    'quote': b'say "hi", \'it\'s\'',
    'formula': b'=cmd|calc',
    'utf8': 'räksmörgås 日本語 🦐'.encode(),
    'latin1': b'caf\xe9 \xff\xfe',
    'bidi': '\u202eevil\u202c'.encode(),
    'c1': b'\xc2\x9b31m',
    'backslash': b'C:\\n\\x1b',
    'blank': b'',
    'tab': b'a\tb',
    'controls': bytes(range(1, 32)),
}


def put_text(record, name, data):
    """As in runmark-records: what is not UTF-8 is shown with U+FFFD, and exactly in <name>_b64."""
    try:
        record[name] = data.decode()
    except UnicodeDecodeError:
        record[name] = data.decode(errors='replace')
        record[name + '_b64'] = base64.b64encode(data).decode()


def put_texts(record, name, items):
    shown, exact = [], []
    for data in items:
        cell = {}
        put_text(cell, 'x', data)
        shown.append(cell['x'])
        exact.append(cell.get('x_b64'))
    record[name] = shown
    if any(exact):
        record[name + '_b64'] = exact


def exact(record, name):
    """The bytes of a text, or None."""
    if record is None or record.get(name) is None:
        return None
    if record.get(name + '_b64') is not None:
        return base64.b64decode(record[name + '_b64'])
    return record[name].encode()


def us_of(text):
    """Microseconds since 1970 of a record's time."""
    if text is None:
        return None
    import datetime
    when = datetime.datetime.strptime(text, '%Y-%m-%dT%H:%M:%S.%fZ')
    delta = when - datetime.datetime(1970, 1, 1)
    return (delta.days * 86400 + delta.seconds) * 1000000 + delta.microseconds


def time_of(us):
    import datetime
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=us)
    return when.strftime('%Y-%m-%dT%H:%M:%S.%fZ')


def hash_of(thing):
    return hashlib.md5(json.dumps(thing, sort_keys=True).encode()).hexdigest()


class Database:
    """A runmark database; put() takes records in any order but sets first."""

    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.cache = {}
        for name in sorted(glob.glob('schema/sqlite/*.sql')):
            with open(name) as file:
                self.db.executescript(file.read())
        self.db.execute('INSERT INTO schema_version VALUES (?, 0, ?)',
                        (len(glob.glob('schema/sqlite/*.sql')), 'test'))

    def close(self):
        self.db.commit()
        self.db.close()

    def row(self, table, **values):
        """The id of the row with these values, made if it isn't there."""
        key = (table, tuple(values.items()))
        if key not in self.cache:
            where = ' AND '.join('%s = ?' % name for name in values)
            found = self.db.execute('SELECT id FROM %s WHERE %s' % (table, where),
                                    tuple(values.values())).fetchone()
            self.cache[key] = found[0] if found else self.insert(table, **values)
        return self.cache[key]

    def insert(self, table, **values):
        sql = 'INSERT INTO %s (%s) VALUES (%s)' % (table, ', '.join(values),
                                                   ', '.join('?' * len(values)))
        return self.db.execute(sql, tuple(values.values())).lastrowid

    def path(self, data):
        return None if data is None else self.row('path', path=data, name=data.split(b'/')[-1]) \
            if data else self.row('path', path=b'', name=b'')

    @staticmethod
    def hex(text):
        return bytes.fromhex((text or '').replace('-', ''))

    @staticmethod
    def signed(text):
        number = int(text or 0)
        return number - (1 << 64) if number >= 1 << 63 else number

    def object(self, item):
        return self.row('object', path=self.path(exact(item, 'path')),
                        build_id=self.hex(item.get('build_id')),
                        watermark=self.hex(item.get('watermark')))

    def put_set(self, record):
        if 'objects' in record:
            number = self.insert('object_set', hash=self.hex(record['hash']),
                                 members=len(record['objects']))
            for position, item in enumerate(record['objects']):
                self.insert('object_set_member', object_set=number, position=position,
                            object=self.object(item), device=item.get('device'),
                            inode=self.signed(item['inode']) if item.get('inode') else None)
        else:
            number = self.insert('env_set', hash=self.hex(record['hash']),
                                 members=len(record['env']))
            for name, value in record['env'].items():
                data = base64.b64decode(record.get('env_b64', {}).get(name) or '') \
                    or value.encode()
                self.insert('env_set_member', env_set=number, name=self.row('env_name', name=name),
                            value=data)

    def set_id(self, table, value):
        if not value:
            return None
        found = self.db.execute('SELECT id FROM %s WHERE hash = ?' % table,
                                (self.hex(value),)).fetchone()
        return found[0] if found else self.insert(table, hash=self.hex(value), members=None)

    def common(self, record):
        host = self.row('host', cluster=record['cluster'], name=record['host'])
        job = record['job']
        cgroup = exact(record, 'cgroup') or exact(job, 'cgroup')
        return {
            'seq': int(record['seq']), 'host': host,
            'boot': self.row('boot', host=host, boot_id=self.hex(record['boot_id'])),
            'pid': record['pid'], 'uid': record['uid'], 'gid': record['gid'],
            'user': self.row('user_name', name=record['user']) if record['user'] else None,
            'job': job and self.row('job', cluster=record['cluster'], manager=job['manager'],
                                    job_id=job['id'], sluid=job.get('sluid') or '',
                                    array_id=job.get('array_id') or '',
                                    array_task=job.get('array_task') or ''),
            'step': job and job['step'], 'task': job and job['task'],
            'job_from': job and job['from'],
            'cgroup': self.row('cgroup', path=cgroup) if cgroup else None,
            'incomplete': json.dumps(record['incomplete']) if record['incomplete'] else None,
        }

    def program(self, exe):
        return self.row('program', path=self.path(exact(exe, 'path') or b''),
                        build_id=self.hex(exe['build_id']), watermark=self.hex(exe['watermark']),
                        watermark_state=exe['watermark_state'], device=exe.get('device') or '',
                        inode=self.signed(exe.get('inode')), fstype=exe.get('fstype') or '',
                        owner_uid=-1 if exe.get('owner_uid') is None else exe['owner_uid'],
                        size=-1 if exe.get('size') is None else exe['size'],
                        mtime_us=-1 if exe.get('mtime') is None else us_of(exe['mtime']))

    def put_run(self, record, complete):
        end, usage = record.get('exit') or {}, record.get('usage') or {}
        container, mpi = record['container'], record.get('mpi') or {}

        def micro(value):
            return None if value is None else round(value * 1e6)
        self.insert(
            'run', run_id=self.hex(record['run_id']), state=int(complete), source=record['source'],
            origin=record['origin'], ppid=record['ppid'],
            parent_run_id=self.hex(record['parent_run_id']) or None, euid=record['euid'],
            login_uid=record['login_uid'], program=self.program(record['exe']),
            container=container and self.row('container', runtime=container['runtime'],
                                             container_id=container['id'] or ''),
            start_us=us_of(record['start']), end_us=us_of(record.get('end')),
            elapsed_us=micro(record.get('elapsed_s')), exit_code=end.get('code'),
            exit_signal=end.get('signal'), exit_name=end.get('name'),
            exit_core=end.get('core'), exit_oom=end.get('oom'),
            user_us=micro(usage.get('user_s')), system_us=micro(usage.get('system_s')),
            **{name: usage.get(name) for name in ('max_rss', 'read_bytes', 'write_bytes',
                                                  'minor_faults', 'major_faults', 'forks')},
            mpi_rank=mpi.get('rank'), mpi_size=mpi.get('size'),
            mpi_from=mpi.get('from'),
            object_set=self.set_id('object_set', record['object_set']),
            env_set=self.set_id('env_set', record['env_set']), **self.common(record))
        self.insert('run_text', run_id=self.hex(record['run_id']),
                    argv=self.json(record['argv']), argv_b64=self.json(record.get('argv_b64')),
                    cwd=exact(record, 'cwd'), requested=exact(record['exe'], 'requested'),
                    script=exact(record['script'], 'path'))

    @staticmethod
    def json(value):
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def put_link(self, record):
        hash_ = self.hex(hash_of(record['inputs']))
        fresh = ('input_set', hash_) not in self.cache
        self.cache['input_set', hash_] = True
        inputs = self.row('input_set', hash=hash_, members=len(record['inputs']))
        for position, item in enumerate(record['inputs'] if fresh else ()):
            self.insert('input_set_member', input_set=inputs, position=position,
                        kind=item['kind'], object=self.object(item))
        output, compiler = record['output'], record['compiler'] or {}
        driver = record['driver'] or {}
        self.insert(
            'link', link_id=self.hex(record['link_id']),
            watermark=self.hex(record['watermark']) or None,
            output=self.path(exact(output, 'path')), build_id=self.hex(output['build_id']) or None,
            size=output['size'], type=output['type'],
            linker=self.path(exact(record['linker'], 'path')),
            linker_version=record['linker']['version'], driver=self.path(exact(driver, 'path')),
            compiler_name=compiler.get('name'), compiler_version=compiler.get('version'),
            compiler_text=compiler.get('text'), compilers=self.json(record['compilers']),
            input_set=inputs, modules=record['modules'], time_us=us_of(record['time']),
            elapsed_us=round(record['elapsed_s'] * 1e6), own_us=round(record['own_s'] * 1e6),
            **self.common(record))
        self.insert('link_text', link_id=self.hex(record['link_id']),
                    link_line=self.json(record['link_line']),
                    link_line_b64=self.json(record.get('link_line_b64')),
                    driver_argv=self.json(driver.get('argv')),
                    driver_argv_b64=self.json(driver.get('argv_b64')), cwd=exact(record, 'cwd'))

    def put(self, record):
        kind = record['schema'].split('.')[1].split('/')[0]
        if kind == 'set':
            self.put_set(record)
        elif kind == 'link':
            self.put_link(record)
        else:
            self.put_run(record, kind == 'run')


class Records:
    """Makes records that differ in what is given; the rest is plausible."""

    def __init__(self, start_us):
        self.seq = 0
        self.start_us = start_us
        self.boot = str(uuid.UUID(int=4711))
        self.sets = []

    def head(self, kind):
        self.seq += 1
        return {'schema': 'runmark.%s/1' % kind, 'seq': str(self.seq), 'host': 'n042',
                'cluster': 'c1', 'boot_id': self.boot}

    def objects(self, *items):
        objects = []
        for item in items:
            entry = {'build_id': item.get('build_id'), 'watermark': item.get('watermark'),
                     'device': '8:1', 'inode': item.get('inode', '77')}
            put_text(entry, 'path', item['path'])
            objects.append(entry)
        record = {'schema': 'runmark.set/1', 'hash': hash_of(objects), 'objects': objects}
        self.sets.append(record)
        return record

    def env(self, **values):
        record = {'schema': 'runmark.set/1', 'hash': hash_of(sorted(map(str, values.items()))),
                  'env': {}}
        for name in sorted(values):
            cell = {}
            put_text(cell, 'x', values[name])
            record['env'][name] = cell['x']
            if 'x_b64' in cell:
                record.setdefault('env_b64', {})[name] = cell['x_b64']
        self.sets.append(record)
        return record

    def run(self, kind='run', exe=b'/usr/bin/true', argv=(b'true',), cwd=b'/', script=None,
            requested=None, ago_s=0, elapsed_s=0.25, objects=None, env=None, watermark=None,
            build_id=None, exit=None, job=None, **given):
        """given replaces members of the record."""
        record = self.head(kind)
        start = self.start_us - round(ago_s * 1e6) + self.seq
        record.update({
            'run_id': str(uuid.UUID(bytes=(start // 1000).to_bytes(6, 'big') +
                                    hashlib.md5(record['seq'].encode()).digest()[:10])),
            'source': 'bpf', 'origin': 'exec', 'job': job, 'cgroup': '/system.slice/x.scope',
            'container': None, 'pid': 1000 + self.seq, 'ppid': 1, 'parent_run_id': None,
            'uid': 1000, 'euid': 1000, 'gid': 1000, 'login_uid': None, 'user': 'alice'})
        program = {'build_id': build_id, 'watermark': watermark,
                   'watermark_state': 'stamped' if watermark else 'none', 'device': '8:1',
                   'inode': str((1 << 64) - self.seq), 'fstype': 'ext4', 'owner_uid': 0,
                   'size': 35208, 'mtime': time_of(1600000000000000 + self.seq)}
        put_text(program, 'path', exe)
        put_text(program, 'requested', exe if requested is None else requested)
        record['exe'] = program
        record['script'] = None
        if script is not None:
            record['script'] = {}
            put_text(record['script'], 'path', script)
        put_texts(record, 'argv', argv)
        put_text(record, 'cwd', cwd)
        record.update({'env_set': env and env['hash'], 'object_set': objects and objects['hash'],
                       'mpi': None, 'start': time_of(start), 'end': None, 'elapsed_s': None,
                       'exit': None, 'usage': None, 'incomplete': []})
        if kind == 'run':
            record.update({
                'end': time_of(start + round((elapsed_s or 0) * 1e6)), 'elapsed_s': elapsed_s,
                'exit': {'code': 0} if exit is None else exit,
                'usage': {'user_s': 0.125, 'system_s': 0.002, 'max_rss': 1048576 * self.seq,
                          'read_bytes': 4096, 'write_bytes': 0, 'minor_faults': 97,
                          'major_faults': 0, 'forks': 0}})
        record.update(given)
        if record['job']:
            record['cgroup'] = record['job']['cgroup']
        return record

    def link(self, output=b'/home/alice/a.out', watermark=None, build_id=None, ago_s=0, inputs=(),
             argv=(b'gcc', b'-o', b'a.out', b'a.c'), cwd=b'/home/alice', **given):
        record = self.head('link')
        when = self.start_us - round(ago_s * 1e6) + self.seq
        record['link_id'] = str(uuid.UUID(bytes=(when // 1000).to_bytes(6, 'big') +
                                          hashlib.md5(record['seq'].encode()).digest()[:10]))
        record['watermark'] = watermark
        record['output'] = {'build_id': build_id, 'size': 15960, 'type': 'pie'}
        put_text(record['output'], 'path', output)
        record['linker'] = {'path': '/usr/bin/ld.bfd', 'version': 'GNU ld 2.40'}
        put_texts(record, 'link_line', [b'-o', output, b'/tmp/cc.o', b'-lc'])
        record['driver'] = {'path': '/usr/bin/gcc'}
        put_texts(record['driver'], 'argv', argv)
        text = 'GCC: (Debian 12.2.0-14+deb12u1) 12.2.0'
        record['compiler'] = {'name': 'GCC', 'version': '12.2.0', 'text': text}
        record['compilers'] = [text]
        record['inputs'] = []
        for item in inputs:
            entry = {'kind': item.get('kind', 'object'), 'build_id': item.get('build_id'),
                     'watermark': item.get('watermark')}
            put_text(entry, 'path', item['path'])
            record['inputs'].append(entry)
        put_text(record, 'cwd', cwd)
        record.update({'uid': 1000, 'gid': 1000, 'user': 'alice', 'pid': 4711, 'job': None,
                       'modules': 'gcc/12:openmpi/4', 'time': time_of(when), 'elapsed_s': 0.5,
                       'own_s': 0.001, 'incomplete': []})
        record.update(given)
        return record


def slurm(job, step=None, task=None, array=None):
    return {'manager': 'slurm', 'id': job, 'sluid': None,
            'array_id': array and array.split('_')[0], 'array_task': array and array.split('_')[1],
            'step': step, 'task': task, 'from': 'cgroup',
            'cgroup': '/system.slice/slurmstepd.scope/job_%s/step_%s' % (job, step)}
