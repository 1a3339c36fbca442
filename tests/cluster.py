# SPDX-License-Identifier: BSD-2-Clause
"""A cluster as make-spool imagines it: who runs what, where and when. A month of it has the repetition of a
real one, and its records are written as text from parts that were made once: a million runs in half a minute.

Users are frequent by Zipf's law, and so are programs. A third of the programs lies in homes and is linked anew
every few days: the same path with another build-id, watermark and inode; its links are the link records. Nodes are
given to jobs for a while, in blocks of one to eight; a job has a batch script and steps, a step ranks of the job's
own program, and one environment for each rank (as SLURM_PROCID is among the recorded variables). Some runs are
outside of jobs, some follow another by exec, most have the script that started them as their parent. Most take
milliseconds, ranks take minutes, a few days. One in twenty fails.

The same seed makes the same records, file by file, so that several processes can share the work.
"""
import bisect
import collections
import hashlib
import itertools
import json
import math
import random
import time
import uuid

DAY_US = 86400 * 1000000
STACKS = 211        # different sets of libraries, shared by programs of the system
LIBRARIES = 499
RUNS_A_SLOT = 53    # of a node, while it belongs to one job
RANKS = 4           # of a step on one node
MODULES = ('gcc', 'openmpi', 'fftw', 'hdf5', 'netcdf', 'python', 'cuda', 'petsc', 'boost', 'openblas', 'R')
TOOLS = ('bash', 'sed', 'grep', 'awk', 'python3.11', 'perl', 'make', 'cmake', 'cp', 'rm', 'mkdir', 'cat', 'tar', 'date',
         'hostname', 'R', 'gcc', 'ld', 'git', 'sleep')
APPLICATIONS = ('gmx', 'lmp', 'vasp_std', 'pw.x', 'cp2k.psmp', 'wrf.exe', 'namd2', 'nek5000', 'simpleFoam', 'julia',
                'octave', 'blastp', 'bwa', 'samtools', 'orca')
DRIVERS = (('gcc', 'c', '12.2.0'), ('gfortran', 'fortran', '12.2.0'), ('g++', 'c++', '13.1.0'),
           ('clang', 'c', '16.0.6'))
# what an end is, and how many of a thousand
EXITS = (('{"code":0}', 945), ('{"code":1}', 25), ('{"code":2}', 7), ('{"code":127}', 3),
         ('{"signal":11,"name":"SIGSEGV","core":true,"oom":false}', 7),
         ('{"signal":6,"name":"SIGABRT","core":true,"oom":false}', 4),
         ('{"signal":15,"name":"SIGTERM","core":false,"oom":false}', 5),
         ('{"signal":9,"name":"SIGKILL","core":false,"oom":true}', 4))


def text(value):
    return json.dumps(value, ensure_ascii=False, separators=(',', ':'))


def hexes(*key):
    """32 hex digits that belong to key."""
    return hashlib.md5(repr(key).encode()).hexdigest()


def uuid_of(*key, version=7):
    return str(uuid.UUID(hex=hexes('uuid', *key), version=4)).replace('-4', '-%x' % version, 1)


class Times:
    """Microseconds as text; the part before the point is made once a second."""

    def __init__(self):
        self.second, self.prefix = None, ''

    def __call__(self, us):
        second = us // 1000000
        if second != self.second:
            self.second, self.prefix = second, time.strftime('%Y-%m-%dT%H:%M:%S.', time.gmtime(second))
        return '%s%06dZ' % (self.prefix, us - second * 1000000)


class Zipf:
    """Number i of count is picked in proportion to 1 / (i + 1) ** s."""

    def __init__(self, count, s):
        self.sums = list(itertools.accumulate(1 / (i + 1) ** s for i in range(count)))

    def pick(self, rng):
        return bisect.bisect_left(self.sums, rng.random() * self.sums[-1])


class Program:
    """One path. versions: (since_us, exe as text, set) of each, in order; the set is (hash, line)."""

    def __init__(self, path, owner, versions):
        self.path, self.owner, self.versions = path, owner, versions
        self.name = path.rsplit('/', 1)[1]
        self.since = [version[0] for version in versions]
        self.is_script_host = self.name.startswith(('python', 'perl', 'bash', 'R'))

    def at(self, us):
        return self.versions[max(0, bisect.bisect_right(self.since, us) - 1)]


Job = collections.namedtuple('Job', 'number id user first nodes start_us end_us program application environment')


class Cluster:
    def __init__(self, options):
        self.options = options
        self.rng = random.Random(options.seed)
        self.time = Times()
        self.begin_us = options.end_us - int(options.days * DAY_US)
        self.length_us = options.end_us - self.begin_us
        self.users = ['user%03d' % i for i in range(options.users)]
        self.user_zipf = Zipf(len(self.users), 1.1)
        self.make_libraries()
        self.make_programs()
        self.make_jobs()
        self.program_zipf = Zipf(len(self.system), 1.05)
        self.exits = [exit for exit, count in EXITS for _ in range(count)]

    # --- what is there

    def make_libraries(self):
        rng, options = self.rng, self.options
        self.libraries = [text({'path': '/usr/lib/x86_64-linux-gnu/lib%s%d.so.%d' % (MODULES[i % 11].lower(), i, i % 7)
                                if i % 3 else '/apps/%s/%d.%d/lib/lib%s%d.so.%d' % (
                                    MODULES[i % 11], i % 5 + 1, i % 4, MODULES[i % 11].lower(), i, i % 7),
                                'build_id': hexes('library', i) + '00000000', 'watermark': None, 'device': '8:1',
                                'inode': str(1000 + i)}) for i in range(max(LIBRARIES, 2 * max(options.objects)))]
        counts = [rng.choice(options.objects) for _ in range(STACKS)]
        self.stacks = [self.make_set(i, count) for i, count in enumerate(counts)]

    def make_set(self, number, count):
        """(hash, line) of a set of count objects: libc and the loader, then others."""
        first = number % 5 if count <= 2 else 0
        members = self.libraries[first:first + min(count, 2)] + self.rng.sample(self.libraries[7:], max(count - 2, 0))
        body = '"objects":[%s]' % ','.join(members)
        key = hexes('set', body)
        return key, '{"schema":"runmark.set/1","hash":"%s",%s}' % (key, body)

    def exe(self, path, build_id, watermark, inode, owner_uid, size, us):
        return ('{"path":%s,"requested":%s,"build_id":"%s","watermark":%s,"watermark_state":"%s","device":"%s",'
                '"inode":"%d","fstype":"%s","owner_uid":%d,"size":%d,"mtime":"%s"}' % (
                    text(path), text(path), build_id, '"%s"' % watermark if watermark else 'null',
                    'stamped' if watermark else 'none', '0:53' if watermark else '8:1', inode,
                    'nfs4' if watermark else 'ext4', owner_uid, size, self.time(us)))

    def make_programs(self):
        """Of the system (self.system), of each user (self.own), and all versions in homes (self.links)."""
        rng, count = self.rng, self.options.programs
        self.system, self.own, self.links = [], collections.defaultdict(list), []
        for i in range(count):
            stack = self.stacks[i % STACKS]
            if i % 3 != 2:
                if i < 2 * len(TOOLS):
                    path = ('/usr/libexec/%s/helper' if i % 2 else '/usr/bin/%s') % TOOLS[i // 2]
                else:
                    path = '/apps/%s/%d.%d/bin/%s' % (MODULES[i % 11], i % 5 + 1, i % 4,
                                                      '%s%d' % (APPLICATIONS[i % len(APPLICATIONS)], i))
                exe = self.exe(path, hexes('program', i) + '00000000', None, 5000 + i, 0, 10007 * (i + 1),
                               self.begin_us - (i + 1) * DAY_US // 7)
                self.system.append(Program(path, None, [(0, exe, stack)]))
                continue
            user = self.user_zipf.pick(rng) if i >= 3 * len(self.users) else i // 3
            path = '/home/%s/%s/%s' % (self.users[user], rng.choice(('bin', 'build', 'src/run', 'proj%d' % i)),
                                       'a.out' if i % 4 == 1 else 'solver%d' % i)
            self.own[user].append(self.make_own(i, path, user, stack))
        self.links.sort(key=lambda link: link[0])

    def make_own(self, i, path, user, stack):
        """A program that its user links anew every half a day to ten days."""
        every = int(self.rng.uniform(.5, 10) * DAY_US)
        since, versions = self.begin_us - int(self.rng.random() * every), []
        while since < self.options.end_us:
            number = len(versions)
            build_id, watermark = hexes('own', i, number) + '11111111', uuid_of('own', i, number)
            size = 20011 * (i + 1) + 8 * number
            versions.append((since, self.exe(path, build_id, watermark, 90000 + 97 * i + number, 1000 + user, size,
                                             since), stack))
            self.links.append((since, user, watermark,
                               {'path': path, 'build_id': build_id, 'size': size, 'type': 'pie'}))
            since += every
        return Program(path, user, versions)

    def make_jobs(self):
        """self.slots[n][node]: the job that has the node then. Nodes are divided anew in each slot."""
        options, rng = self.options, self.rng
        count = max(1, options.runs // (options.hosts * RUNS_A_SLOT))
        self.slot_us = self.length_us // count + 1
        self.jobs, self.slots = [], []
        for slot in range(count):
            nodes, at = [], 0
            while at < options.hosts:
                size = min(rng.choice((1, 1, 1, 1, 2, 2, 4, 8)), options.hosts - at)
                user = self.user_zipf.pick(rng)
                number = len(self.jobs)
                own = self.own[user]
                program = rng.choice(own) if own and rng.random() < .7 else rng.choice(self.system[len(TOOLS):] or
                                                                                       self.system)
                start = self.begin_us + slot * self.slot_us
                self.jobs.append(Job(number, 1000 + number, user, at, size, start, start + self.slot_us, program,
                                     rng.choice(MODULES), rng.randrange(5)))
                nodes += [self.jobs[-1]] * size
                at += size
            self.slots.append(nodes)

    def job_at(self, node, us):
        return self.slots[min((us - self.begin_us) // self.slot_us, len(self.slots) - 1)][node]

    def account(self, user):
        return 'acct%02d' % (user % 31)

    def make_environment(self, user, job, step, task):
        """(hash, line) of options.variables variables."""
        modules = ':'.join('%s/%d.%d' % (MODULES[(user + i) % 11], (user + i) % 5 + 1, (user + 3 * i) % 4)
                           for i in range(3 + (job.environment if job else user % 3)))
        variables = {'LOADEDMODULES': modules}
        if job:
            variables.update({'SLURM_JOB_ID': str(job.id), 'SLURM_STEP_ID': step, 'SLURM_PROCID': task,
                              'SLURM_NTASKS': str(RANKS * job.nodes), 'SLURM_JOB_NUM_NODES': str(job.nodes),
                              'SLURM_JOB_ACCOUNT': self.account(user), 'OMP_NUM_THREADS': str(1 << user % 4)})
        count = self.options.variables
        for i in range(len(variables), count):
            variables['SITE_VARIABLE_%02d' % i] = '/scratch/%s/%d' % (self.users[user], i)
        body = '"env":' + text(dict(itertools.islice(variables.items(), count)))
        key = hexes('set', body)
        return key, '{"schema":"runmark.set/1","hash":"%s",%s}' % (key, body)


class Place:
    """What a node's runs of one job, step and task have in common, as text."""

    def __init__(self, cluster, node, job, user, step, task):
        self.user = user
        name, uid = cluster.users[user], 1000 + user
        if job:
            cgroup = '/system.slice/slurmstepd.scope/job_%d/step_%s' % (job.id, step)
            array = job.number % 5 == 0
            self.job = ('{"manager":"slurm","id":"%d","sluid":null,"array_id":%s,"array_task":%s,"step":"%s","task":%s,'
                        '"from":"cgroup","cgroup":"%s"}' % (
                            job.id, '"%d"' % (job.id - job.id % 5) if array else 'null',
                            '"%d"' % (job.id % 5) if array else 'null', step, '"%s"' % task, cgroup))
            cgroup += '/user/task_%s' % task
        else:
            cgroup, self.job = '/user.slice/user-%d.slice' % uid, 'null'
        self.container = 'null'
        if job and job.number % 37 == 0:
            self.container = '{"runtime":"apptainer","id":"%s"}' % hexes('container', job.id)
        self.who = '"uid":%d,"euid":%d,"gid":%d,"login_uid":%d,"user":"%s"' % (uid, uid, uid, uid, name)
        self.uid, self.cgroup = uid, cgroup
        self.home, self.environment = '/home/' + name, cluster.make_environment(user, job, step, task)
        self.mpi = ('{"rank":%s,"size":%d,"from":"SLURM_PROCID"}' % (task, RANKS * job.nodes)
                    if job and step != 'batch' else 'null')


class Node:
    """Writes the records of one node to its Spool."""

    def __init__(self, cluster, number, spool, summary):
        self.cluster, self.number, self.spool, self.summary = cluster, number, spool, summary
        self.rng = random.Random(repr((cluster.options.seed, number)))
        self.time, self.job, self.places, self.steps = Times(), None, {}, 0
        self.parent, self.ranks, self.follows = 'null', [], None
        self.head = '"host":"%s","cluster":"%s","boot_id":"%s"' % (spool.host, spool.cluster, spool.boot_id)

    def set(self, made):
        """Hash of (hash, line), which is written once a file."""
        if made[0] not in self.spool.sets:
            self.spool.sets.add(made[0])
            self.spool.text('set', made[1])
        return made[0]

    def place(self, job, user, step, task):
        key = (user, step, task)
        if key not in self.places:
            self.places[key] = Place(self.cluster, self.number, job, user, step, task)
        return self.places[key]

    def choose(self, us):
        """(place, program) of the next run."""
        cluster, rng = self.cluster, self.rng
        job = cluster.job_at(self.number, us)
        if job is not self.job:
            self.job, self.places, self.steps, self.parent, self.ranks = job, {}, 0, 'null', []
        if self.ranks:
            return self.place(job, job.user, *self.ranks.pop()), job.program
        chance = rng.random()
        if chance < .03:  # a step begins
            first = (self.number - job.first) * RANKS
            self.ranks = [(str(self.steps), str(first + i)) for i in range(RANKS - 1, 0, -1)]
            self.steps += 1
            return self.place(job, job.user, str(self.steps - 1), str(first)), job.program
        if chance < .15:
            user = cluster.user_zipf.pick(rng)
            return self.place(None, user, None, None), cluster.system[cluster.program_zipf.pick(rng)]
        if chance < .22 and cluster.own[job.user]:
            return self.place(job, job.user, 'batch', '0'), rng.choice(cluster.own[job.user])
        return self.place(job, job.user, 'batch', '0'), cluster.system[cluster.program_zipf.pick(rng)]

    def run_id(self, ms):
        bits = self.rng.getrandbits(74)
        tail = '%018x' % (bits >> 2)
        head = '%012x' % ms
        return '%s-%s-8%s-%s%s-%s' % (head[:8], head[8:], tail[:3], '89ab'[bits & 3], tail[3:6], tail[6:])

    def elapsed_us(self, place):
        """Milliseconds for most, minutes to days for ranks."""
        if place.mpi != 'null':
            return min(int(1e6 * self.rng.lognormvariate(math.log(400), 2.2)), 20 * DAY_US)
        return min(int(1e6 * self.rng.lognormvariate(math.log(.02), 2)), DAY_US)

    def run(self, us, number):
        """A run record, and its start record before it if number says so."""
        spool, rng = self.spool, self.rng
        place, program = self.choose(us)
        _, exe, objects = program.at(us)
        elapsed = self.elapsed_us(place)
        run_id, pid = self.follows or (self.run_id(us // 1000), rng.randrange(2, 4194304))
        self.follows, exit, tail = None, rng.choice(self.cluster.exits), ''
        if rng.random() < .04:
            self.follows = self.run_id((us + elapsed) // 1000), pid
            exit, tail = 'null', ',"next_run_id":"%s"' % self.follows[0]
        argv = [program.name, '-n', str(number)] if rng.random() < .6 else [program.name]
        script = 'null'
        if program.is_script_host and rng.random() < .5:
            script = '{"path":"%s/run%d.sh"}' % (place.home, rng.randrange(5))
        before = ('"run_id":"%s",%s,"source":"bpf","origin":"exec","job":%s,"cgroup":"%s","container":%s,"pid":%d,'
                  '"ppid":%d,"parent_run_id":%s,%s,"exe":%s,"script":%s,"argv":%s,"cwd":"%s/case%d","env_set":"%s",'
                  '"start":"%s"' % (run_id, self.head, place.job, place.cgroup, place.container, pid, pid - 1,
                                    self.parent, place.who, exe, script, text(argv), place.home, rng.randrange(13),
                                    self.set(place.environment), self.time(us)))
        user_us, system_us = elapsed * 9 // 10, elapsed // 29
        ended = (',"end":"%s","elapsed_s":%d.%06d,"exit":%s%s,"usage":{"user_s":%d.%06d,"system_s":%d.%06d,'
                 '"max_rss":%d,"read_bytes":%d,"write_bytes":%d,"minor_faults":%d,"major_faults":0,"forks":%d}' % (
                     self.end_text(us + elapsed), *divmod(elapsed, 1000000), exit, tail, *divmod(user_us, 1000000),
                     *divmod(system_us, 1000000), 4096 * rng.randrange(300, 90000), 512 * rng.randrange(97),
                     4096 * rng.randrange(11), rng.randrange(97, 4001), rng.randrange(3)))
        after = ',"mpi":%s,"object_set":"%s","incomplete":[]}' % (place.mpi, self.set(objects))
        starts = self.cluster.options.starts
        if starts and number % starts == 0:
            spool.numbered('start', before + after)
        spool.numbered('run', before + ended + after)
        if place.mpi == 'null' and (self.parent == 'null' or rng.random() < .05):
            self.parent = '"%s"' % run_id
        self.summary.run(place.user, program.path, exit, elapsed, user_us + system_us, us, place.job != 'null')

    def end_text(self, us):
        return self.time(us) if us // 1000000 == self.time.second else Times()(us)

    def link(self, us, number):
        """Link number of options.links: of a version of a program that was linked about then."""
        links = self.cluster.links
        _, user, watermark, output = links[number * len(links) // self.cluster.options.links]
        name = self.cluster.users[user]
        driver, language, version = DRIVERS[number % len(DRIVERS)]
        compiler = '%s: %s' % ('clang' if driver == 'clang' else 'GCC', version)
        self.spool.now_us = us
        self.spool.record('link', self.spool.link(
            output=output, watermark=watermark, uid=1000 + user, gid=1000 + user, user=name, cwd='/home/' + name,
            driver={'path': '/usr/bin/' + driver, 'argv': [driver, '-O2', '-o', output['path'], 'main.c', '-lm']},
            compiler={'name': compiler.split(':')[0], 'version': version, 'text': compiler}, compilers=[compiler],
            language=language, modules='%s/12' % MODULES[number % 3]))
        self.summary.links += 1

    def group(self, us, number):
        """A configure script's calls of one tool."""
        rng, cluster = self.rng, self.cluster
        job, program = cluster.job_at(self.number, us), cluster.system[number % min(23, len(cluster.system))]
        place = self.place(job, job.user, 'batch', '0') if job is self.job else Place(cluster, self.number, job,
                                                                                       job.user, 'batch', '0')
        _, exe, objects = program.at(us)
        count = rng.randrange(2, 499)
        exits = {0: count} if number % 3 else {0: count - 1, 1: 1}
        self.spool.now_us = us
        record = self.spool.group(
            exits, us, us + 3000 * count, job=json.loads(place.job), cgroup=place.cgroup, uid=place.uid,
            euid=place.uid, gid=place.uid, user=cluster.users[job.user], env_set=self.set(place.environment),
            object_set=self.set(objects))
        record['exe'] = {key: value for key, value in json.loads(exe).items() if key != 'requested'}
        self.spool.record('group', record)
        self.summary.groups += 1
        self.summary.grouped += count


class Summary:
    """What was made, for whoever checks what a database or a report says of it."""

    def __init__(self):
        self.runs = self.in_jobs = self.links = self.groups = self.grouped = 0
        self.first_us, self.last_us = None, 0
        self.users, self.programs, self.exits = {}, {}, collections.Counter()
        self.hosts = collections.Counter()

    def run(self, user, path, exit, elapsed_us, cpu_us, us, is_in_job):
        self.runs += 1
        self.in_jobs += is_in_job
        self.exits[exit] += 1
        for table, key in ((self.users, user), (self.programs, path)):
            sums = table.get(key)
            if sums is None:
                sums = table[key] = [0, 0, 0]
            sums[0] += 1
            sums[1] += elapsed_us
            sums[2] += cpu_us
        self.first_us = us if self.first_us is None else min(self.first_us, us)
        self.last_us = max(self.last_us, us)

    def add(self, other):
        for name in ('runs', 'in_jobs', 'links', 'groups', 'grouped'):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.users, other.users), (self.programs, other.programs)):
            for key, sums in theirs.items():
                mine[key] = [a + b for a, b in zip(mine.get(key, (0, 0, 0)), sums)]
        self.exits.update(other.exits)
        self.hosts.update(other.hosts)
        if other.first_us is not None:
            self.first_us = min(self.first_us or other.first_us, other.first_us)
        self.last_us = max(self.last_us, other.last_us)

    def as_json(self, cluster):
        def table(sums, name):
            return {name(key): dict(zip(('runs', 'elapsed_us', 'cpu_us'), value))
                    for key, value in sorted(sums.items(), key=lambda item: -item[1][0])}
        return {'runs': self.runs, 'in_jobs': self.in_jobs, 'jobs': len(cluster.jobs), 'links': self.links,
                'groups': self.groups, 'grouped': self.grouped, 'first_us': self.first_us, 'last_us': self.last_us,
                'exits': {exit: count for exit, count in self.exits.most_common()}, 'hosts': dict(self.hosts),
                'users': table(self.users, lambda user: cluster.users[user]),
                'programs': table(self.programs, lambda path: path)}
