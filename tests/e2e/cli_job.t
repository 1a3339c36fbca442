#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
# Jobs: from spool files of several hosts and from what a real sacct printed (Slurm 22.05), to find and job.
import sys
sys.dont_write_bytecode = True
import csv
import io
import os
import subprocess
import uuid
from cli_tap import control_characters, runmark
import ingest
from ingest import Spool, time_text
import tap

os.environ['TZ'] = 'UTC0'  # that of the sample with local times
S = 1000000
DAY = 86400 * S
T0 = 1795281020 * S  # when the jobs of the sample ran
SAMPLE = 'tests/fuzz/corpus/fuzz_sacct/slurm-22.05'
ALLOCATIONS = SAMPLE + '-allocations'
LIBC, MPI, BLAS = '/lib/x86_64-linux-gnu/libc.so.6', '/opt/mpi/lib/libmpi.so.40.30.4', '/opt/lib/libopenblas.so.0'
LD = '/lib64/ld-linux-x86-64.so.2'


def job(number, step='0', task=None, array=None, sluid=None):
    return {'manager': 'slurm', 'id': number, 'sluid': sluid, 'array_id': array and array.split('_')[0],
            'array_task': array and array.split('_')[1], 'step': step, 'task': task, 'from': 'cgroup',
            'cgroup': f'/system.slice/slurmstepd.scope/job_{number}/step_{step}'}


def exe(path):
    return {'path': path, 'build_id': None, 'watermark': None, 'watermark_state': 'none', 'device': '8:1', 'inode': '7',
            'fstype': 'nfs4', 'owner_uid': 1001, 'size': 4711, 'mtime': time_text(T0 - 3600 * S)}


def usage(cpu, rss):
    return {'user_s': cpu, 'system_s': 0, 'max_rss': rss, 'read_bytes': 0, 'write_bytes': 0, 'minor_faults': 0,
            'major_faults': 0, 'forks': 0}


def find(db, *options):
    return runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--format', 'json', *options)


def ask(db, *options):
    return runmark('job', '--db', 'sqlite:' + db, *options)


def spools(folder):
    """Runs by a short name; the parallel program has 4 ranks on each of 2 hosts."""
    made = {}

    def put(spool, name, **given):
        number = len(made) + 1
        run = spool.run(run_id=str(uuid.UUID(int=(T0 // 1000 + number) << 80 | 8 << 76 | 2 << 62 | number)),
                        start=time_text(given.pop('start', T0 + number)), **given)
        made[name] = run
        spool.record('run', run)

    for host in (1, 2):
        spool = Spool(folder, f'n00{host}', start_us=T0, cluster='test')
        spool.open()
        plain = spool.set(objects=[{'path': p, 'build_id': None, 'watermark': None, 'device': '8:1', 'inode': '5'}
                                   for p in (LD, LIBC)])
        mpi = spool.set(objects=[{'path': p, 'build_id': None, 'watermark': None, 'device': '8:1', 'inode': '5'}
                                 for p in (LD, MPI, LIBC, BLAS)])
        for rank in range(4 * host - 4, 4 * host):
            put(spool, f'rank{rank}', job=job('1', '0', str(rank)), exe=exe('/home/bob/heat'), object_set=mpi, elapsed_s=10 + rank,
                end=time_text(T0 + (10 + rank) * S), usage=usage(0.0625, (rank + 1) << 20),
                mpi={'rank': rank, 'size': 8, 'from': 'SLURM_PROCID'},
                exit={'signal': 9, 'name': 'SIGKILL', 'core': False, 'oom': True} if rank == 5 else {'code': 0})
        if host == 1:
            put(spool, 'batch', job=job('1', 'batch'), exe=exe('/usr/bin/dash'), object_set=plain, elapsed_s=20,
                end=time_text(T0 + 20 * S), usage=usage(0.5, 1 << 20))
            group = spool.group({0: 40, 1: 3}, T0, T0 + 300 * S, job=job('1', 'batch'), exe=exe('/usr/bin/sed'),
                                object_set=plain)
            spool.record('group', group)
            made['group'] = group
            put(spool, 'array1', job=job('5', array='4_1'), exe=exe('/home/bob/x'))
            put(spool, 'array3', job=job('6'), exe=exe('/home/bob/x'))  # the environment was not kept
            put(spool, 'het1', job=job('12'), exe=exe('/home/bob/x'))
            put(spool, 'sluid', job=job('77', sluid='s0123456789ABC'), exe=exe('/home/bob/evil\x1b[31m'))
            told = {**job('s0123456789ABD', '3', '1', array='70_1', sluid='s0123456789ABD'), 'from': 'cgroup', 'step_from': 'cgroup',
                    'task_from': 'parent', 'array_from': 'environment'}
            put(spool, 'evidence', job=told, namespaces={'mount': 'other', 'user': 'host'},
                container={'runtime': 'apptainer', 'id': None, 'image': '/home/bob/image.sif', 'from': 'environment'})
            put(spool, 'podman', job=job('78'), container={'runtime': 'podman', 'id': 'c0ffee' + 58 * '0'})
            put(spool, 'docker', container={'runtime': 'docker', 'id': 'c0bb1e' + 58 * '0'}, job=None)
            put(spool, 'no job', job=None)
            put(spool, 'former', job=job('83'), start=T0 - 5 * DAY, end=time_text(T0 - 5 * DAY + S), exe=exe('/home/bob/former'))
            put(spool, 'latter', job=job('83'), exe=exe('/home/bob/latter'))
            spool.record('group', spool.group({0: 2}, T0 - 5 * DAY, T0 - 5 * DAY + 300 * S, job=job('83'), exe=exe('/home/bob/former'),
                                              object_set=plain))
        spool.close()
    return made


def check_find(db, made):
    ranks = [f'rank{i}' for i in range(8)]
    for options, wanted in (
            (['--job', '1'], ranks + ['batch', 'group']), (['--job', '1.0'], ranks), (['--job', '1.batch'], ['batch', 'group']),
            (['--job', '1.1'], []), (['--job', '4'], ['array1', 'array3']), (['--job', '4_1'], ['array1']),
            (['--job', '4_3'], ['array3']), (['--job', '4_3.0'], ['array3']), (['--job', '4_2'], []),
            (['--job', '5'], ['array1']), (['--job', '11+1'], ['het1']), (['--job', '11'], ['het1']), (['--job', '11+0'], []),
            (['--sluid', 's0123456789ABC'], ['sluid']), (['--sluid', 'S0123456789abc'], ['sluid']), (['--sluid', 's0123456789ABE'], []),
            (['--container', 'podman'], ['podman']), (['--container', 'c0ff'], ['podman']), (['--container', 'c0'], ['podman', 'docker']),
            (['--container', 'c0ffee' + 58 * '0'], ['podman']), (['--container', '%'], []), (['--container', 'c0', '--job', '78'], ['podman'])):
        found = find(db, *options)
        tap.equal((found.status, sorted(r.get('group_id') or r['run_id'] for r in found.json())),
                  (0 if wanted else 1, sorted(made[w].get('group_id') or made[w]['run_id'] for w in wanted)), 'find ' + ' '.join(options))
    with open(db + '.sluid', 'w') as file:
        file.write('SLUID|State|JobIDRaw\ns0123456789ABD|COMPLETED|79\n')
    ingest.ingest(db, '--sacct', file.name)
    got = find(db, '--job', '79').json()
    tap.equal([r['run_id'] for r in got], [made['evidence']['run_id']], 'a job of which the record has the SLUID alone, by accounting')
    for name in ('job', 'container', 'namespaces'):
        want = {k: v for k, v in made['evidence'][name].items() if (name, k) != ('job', 'cgroup')}
        tap.equal({k: got[0][name].get(k) for k in want}, want, f'{name} is as it was told, with where from')
    columns = ('runtime', 'container', 'image', 'mount_ns', 'user_ns')
    rows = csv.reader(io.StringIO(runmark('find', '--db', 'sqlite:' + db, '--since', '2025-01-01', '--container', 'apptainer',
                                          '--format', 'csv', '--columns', ','.join(columns)).out.decode(), newline=''))
    tap.equal(list(rows), [list(columns), ['apptainer', '', '/home/bob/image.sif', 'other', 'host']], 'a container without an id has columns, too')
    shown = runmark('show', '--db', 'sqlite:' + db, made['evidence']['run_id']).out.decode()
    tap.ok(all(f'{name} ' in shown for name in ('runtime', 'image', 'mount_ns', 'user_ns')), 'and so in show', shown)
    for wrong in ('', '.0', '1.', '_3', '4_', '+1', '11+', '11+x'):
        tap.equal(find(db, '--job', wrong).status, 2, f'find --job {wrong!r} is refused')


def check_import(db):
    tap.equal(ingest.ingest(db, '--sacct', ALLOCATIONS).status, 0, 'allocations alone are imported')
    cpu = 'SELECT cpu_us, max_rss FROM accounting WHERE job_id = ?'
    tap.equal(tuple(ingest.query(db, cpu, '1')[0]), (None, None), 'without steps Slurm tells no CPU time and no memory')
    done = ingest.ingest(db, '--sacct', SAMPLE)
    tap.equal((done.status, done.err), (0, ''), 'with steps, times as seconds')
    tap.equal(tuple(ingest.query(db, cpu, '1')[0]), (495000, 3012 << 10), 'CPU time is there, and the peak of all steps')
    jobs = ingest.number(db, 'SELECT count(*) FROM accounting')
    tap.equal(jobs, sum('.' not in line.split('|')[0] for line in open(SAMPLE)) - 1, 'each job is a row, also those in the other form of time')
    before = [tuple(row) for row in ingest.query(db, 'SELECT * FROM accounting ORDER BY id')]
    done = ingest.ingest(db, '--sacct', SAMPLE)
    tap.ok(f'imported {jobs} jobs: 0 new, 0 changed, {jobs} as before' in done.out, 'again: nothing changes', done)
    ingest.ingest(db, '--sacct', ALLOCATIONS)
    tap.equal([tuple(row) for row in ingest.query(db, 'SELECT * FROM accounting ORDER BY id')], before,
              'the allocations again take nothing away')
    states = {row['job_id']: row['state'] for row in ingest.query(db, 'SELECT * FROM accounting')}
    tap.equal([states[n] for n in ('1', '2', '10', '14')], ['COMPLETED', 'FAILED', 'CANCELLED', 'REQUEUED'], 'states')
    tap.equal(tuple(ingest.query(db, "SELECT het_id, het_offset, start_us, nodes, node_list FROM accounting WHERE job_id = '12'")[0]),
              ('11', 1, None, 1, None), 'a component that never started')


def check_states(work, db):
    """Whatever comes in whatever order: a later state stays."""
    lines = {'P': '90|1000|PENDING|None|None|0', 'R': '90|1000|RUNNING|1010|Unknown|5', 'C': '90|1000|COMPLETED|1010|1070|60',
             'again': '90|2000|RUNNING|2010|Unknown|5'}
    for order, wanted in (('P R C', 'COMPLETED'), ('C R P', 'COMPLETED'), ('R P', 'RUNNING'), ('P C R', 'COMPLETED'),
                          ('C again', 'COMPLETED RUNNING')):
        with ingest.opened(db) as connection:
            connection.execute("DELETE FROM accounting WHERE job_id = '90'")
            connection.commit()
        for name in order.split():
            with open(work + '/one', 'w') as file:
                file.write('JobIDRaw|Submit|State|Start|End|ElapsedRaw\n' + lines[name] + '\n')
            ingest.ingest(db, '--sacct', work + '/one')
        got = [row['state'] for row in ingest.query(db, "SELECT state FROM accounting WHERE job_id = '90' ORDER BY submit_us")]
        tap.equal(' '.join(got), wanted, f'{order}: {wanted}')
    bad = work + '/bad'
    with open(bad, 'wb') as file:
        file.write(b'JobIDRaw|State|User\n91|RUNNING|bob\n92|running|bob\n93|RUNNING\n94|RUNNING|\x1b[31m\n\n' +
                   b'95|RUNNING|' + b'x' * 100000 + b'\n96|RUNNING|eve\r\n97|RUNNING|last')
    done = ingest.ingest(db, '--sacct', bad)
    tap.ok(done.status == 0 and 'imported 3 jobs: 3 new' in done.out and '4 lines could not be read' in done.out, 'bad lines are counted', done)
    tap.ok(all(f'{bad}:{line}: ' in done.err for line in (3, 4, 5, 7)) and '\x1b' not in done.err, 'and named', done.err)
    tap.equal([r['user'] for r in ingest.query(db, "SELECT user FROM accounting WHERE job_id IN ('91', '96', '97') ORDER BY job_id")],
              ['bob', 'eve', 'last'], 'the others are in')
    for name, content in (('empty', b''), ('other', b'hello\n'), ('binary', os.urandom(4711))):
        with open(bad, 'wb') as file:
            file.write(content)
        tap.equal(ingest.ingest(db, '--sacct', bad).status, 3, f'{name}: refused')
    tap.equal(ingest.ingest(db, '--sacct', work + '/none').status, 3, 'a file that is not there')
    tap.equal(ingest.ingest(db, '--sacct', SAMPLE, '--remove').status, 2, '--sacct takes only --db')
    with open(SAMPLE) as file:
        tap.equal(ingest.ingest(db, '--sacct', '-', stdin=file).status, 0, 'from standard input')


def check_reused(work, db):
    """A job id that was used again: a window tells its jobs apart."""
    first, second = (T0 - 5 * DAY) // S, T0 // S
    with open(work + '/one', 'w') as file:
        file.write('JobIDRaw|Submit|State|Start|End|ElapsedRaw\n' +
                   ''.join(f'83|{t - 7}|{state}|{t - 3}|{t + 301}|304\n' for t, state in ((first, 'FAILED'), (second, 'COMPLETED'))))
    ingest.ingest(db, '--sacct', work + '/one')
    former, latter = ('FAILED', '/home/bob/former', 3), ('COMPLETED', '/home/bob/latter', 1)
    for options, wanted in (
            ([], [former, latter]), (['--since', f'@{second}'], [latter]), (['--until', f'@{second - 100}'], [former]),
            (['--since', f'@{first}', '--until', f'@{first + 1000}'], [former]), (['--since', f'@{first + 302}'], [latter]),
            (['--since', f'@{second + 302}'], None), (['--since', f'@{second}', '--until', f'@{first}'], None)):
        done = ask(db, '83', '--format', 'json', *options)
        if wanted is None:
            tap.equal(done.status, 2 if '--until' in options else 1, f'job 83 {options}: nothing')
            continue
        answer = done.json()[0]
        tap.equal(([j['state'] for j in answer['jobs']], sorted((p['program'], p['runs']) for p in answer['programs'])),
                  ([w[0] for w in wanted], sorted(w[1:] for w in wanted)), f'job 83 {options}')


def check_job(db):
    answer = ask(db, '1', '--format', 'json').json()[0]
    programs = {p['program']: p for p in answer['programs']}
    heat, sed, dash = (programs[p] for p in ('/home/bob/heat', '/usr/bin/sed', '/usr/bin/dash'))
    tap.equal((len(programs), heat['runs'], heat['ranks'], heat['libraries'], heat['ends'], heat['cpu_s'], heat['max_rss']),
              (3, 8, 8, [BLAS, MPI], {'0': 7, 'SIGKILL,oom': 1}, 0.5, 8 << 20), 'job: ranks of both hosts are one line')
    tap.equal((heat['elapsed_s'], heat['elapsed_max_s']), (sum(range(10, 18)), 17), 'job: sum and greatest of the times')
    tap.equal((sed['runs'], sed['ranks'], sed['ends'], sed['libraries']), (43, None, {'0': 40, '1': 3}, []),
              'job: members of groups count')
    tap.equal((dash['runs'], dash['ends']), (1, {'0': 1}), 'job: the batch script')
    account = answer['jobs'][0]
    tap.equal((account['state'], account['user'], account['account'], account['queue'], account['used']['cpus'], account['requested']['cpus']),
              ('COMPLETED', 'root', 'root', 'debug', 2, 2), 'job: accounting')
    tap.equal((account['efficiency'], account['efficiency_from']), (0.2475, 'accounting'), 'job: 0.495 s of 2 CPUs in 1 s')
    every = next(p for p in ask(db, '1', '--libs', '--format', 'json').json()[0]['programs'] if p['ranks'])
    tap.equal(every['libraries'], sorted([LD, MPI, LIBC, BLAS]), 'job --libs: all')
    table = ask(db, '1')
    text = table.out.decode()
    tap.ok(table.status == 0 and 'job 1: COMPLETED' in text and '25% of its CPUs' in text and 'libmpi' in text and 'libc' not in text,
           'job: the table', text)
    rows = list(csv.DictReader(io.StringIO(ask(db, '1', '--format', 'csv').out.decode(), newline='')))
    tap.equal(sorted((r['program'], r['runs'], r['ranks']) for r in rows),
              [('/home/bob/heat', '8', '8'), ('/usr/bin/dash', '1', ''), ('/usr/bin/sed', '43', '')], 'job: CSV')
    text = ask(db, '1.0').out.decode()
    tap.ok(text.startswith('job 1: COMPLETED\n') and '8 runs of step 0 on 2 nodes' in text,
           'job 1.0: what accounting says is of the job, not of its step', text)
    step = ask(db, '1.0', '--format', 'json').json()[0]
    tap.equal([p['program'] for p in step['programs']], ['/home/bob/heat'], 'job 1.0: the step alone')
    array = ask(db, '4', '--format', 'json').json()[0]
    tap.equal((sorted(j['job'] for j in array['jobs']), [(p['program'], p['runs']) for p in array['programs']]),
              (['4', '5', '6', '7'], [('/home/bob/x', 2)]), 'job 4: the whole array')
    text = ask(db, '4').out.decode()
    tap.ok(all(word in text for word in ('4_1', '4_3', '4_4', '4_5', 'EFF')), 'job 4: a line for each of its tasks', text)
    tap.equal([j['job'] for j in ask(db, '4_3', '--format', 'json').json()[0]['jobs']], ['6'], 'job 4_3: one of its tasks')
    tap.equal(ask(db, '2', '--format', 'json').json()[0]['programs'], [], 'job 2: of which no run is known')
    text = ask(db, '78').out.decode()
    tap.ok('no accounting is known' in text and '1 run on 1 node' in text, 'job 78: of which no accounting is known', text)
    hostile = ask(db, '77')
    tap.ok(hostile.status == 0 and not control_characters(hostile.out), 'what users wrote is escaped', hostile.out)
    tap.equal((ask(db, '4711').status, ask(db, '1.7').status == 0, ask(db).status, ask(db, 'x|y').status, ask(db, '1.').status,
               runmark('job', '1', '--db', 'sqlite:/nowhere').status), (1, True, 2, 1, 2, 3), 'exit statuses')
    for used, shown in ((1, ' <1% of its CPUs'), (19900, ' <1% of its CPUs'), (20000, ' 1% of its CPUs')):
        with ingest.opened(db) as connection:
            connection.execute("UPDATE accounting SET cpu_us = ? WHERE job_id = '1'", (used,))
            connection.commit()
        text = ask(db, '1').out.decode()
        tap.ok(shown in text, 'job: %d us of 2 CPUs in 1 s are%s' % (used, shown), text)
    with ingest.opened(db) as connection:
        connection.execute("INSERT INTO job (cluster, manager, job_id, sluid, array_id, array_task) VALUES ('other', 'slurm', '1', '', '', '')")
        connection.commit()
    other = ask(db, '1')
    tap.ok(other.status == 2 and b'--cluster' in other.err, 'of two clusters: which?', other.err)
    tap.equal([p['runs'] for p in ask(db, '1', '--cluster', 'test', '--format', 'json').json()[0]['programs'] if p['ranks']], [8], 'this one')


with ingest.temporary() as work:
    database, spool_ = work + '/jobs.db', work + '/spool'
    os.mkdir(spool_)
    records = spools(spool_)
    checked = subprocess.run(['tests/validate', *(os.path.join(spool_, n) for n in os.listdir(spool_))], stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
    tap.equal(checked.returncode, 0, 'the records are valid')
    tap.equal(ingest.ingest(database, spool_).status, 0, 'they are loaded')
    check_import(database)
    check_states(work, database)
    check_find(database, records)
    check_reused(work, database)
    check_job(database)
tap.done()
