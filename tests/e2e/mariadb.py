# SPDX-License-Identifier: BSD-2-Clause
"""A private MariaDB for a test: its own folder, a socket, no network unless asked. And a small client.

    with mariadb.server(folder) as server:      # MariaDB missing: mariadb.missing() says so
        db = server.database('runmark')         # a new, empty one; db.url is for --db
        db.query('SELECT name FROM path WHERE id = ?', 7)
"""
import contextlib
import ctypes
import ctypes.util
import os
import pwd
import shutil
import signal
import subprocess
import time

START_SECONDS = 60


def program(name):
    return shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin')


def missing():
    """Why there can be no server here, or None."""
    for name in ('mariadbd', 'mariadb-install-db'):
        if not program(name):
            return name + ' is not installed'
    return None if client_library() else 'libmariadb is not installed'


class Server:
    """durable: each commit is on the disk before it is answered; else nothing waits for the disk.
    extra: more options for mariadbd."""

    def __init__(self, folder, durable=False, extra=()):
        self.folder, self.process = os.path.abspath(folder), None
        self.socket = os.path.join(self.folder, 's.sock')
        self.log = os.path.join(self.folder, 'error.log')
        self.user = 'mysql' if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.options = ['--innodb-buffer-pool-size=128M', '--innodb-log-file-size=96M',
                        '--innodb-flush-log-at-trx-commit=%d' % (1 if durable else 0),
                        *([] if durable else ['--innodb-flush-method=nosync']),
                        # ids with gaps, as a Galera cluster gives them
                        '--auto-increment-increment=3', '--auto-increment-offset=2',
                        '--skip-networking', *extra]
        os.makedirs(self.folder, exist_ok=True)
        if os.geteuid() == 0:
            shutil.chown(self.folder, 'mysql')
            os.chmod(self.folder, 0o755)
            # a test's own temporary folder lets nobody in
            above = os.path.dirname(self.folder)
            os.chmod(above, os.stat(above).st_mode | 0o011)

    def install(self):
        # a server that starts clears its folder of temporary tables, and another may be doing so
        made = subprocess.run([program('mariadb-install-db'), '--no-defaults', '--user=' + self.user,
                               '--datadir=' + os.path.join(self.folder, 'data'), '--skip-test-db',
                               '--auth-root-authentication-method=socket', '--skip-name-resolve'],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env={**os.environ, 'TMPDIR': self.folder})
        if made.returncode:
            raise RuntimeError('mariadb-install-db fails:\n' + made.stdout[-2000:])

    def start(self):
        if not os.path.isdir(os.path.join(self.folder, 'data', 'mysql')):
            self.install()
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [program('mariadbd'), '--no-defaults', '--user=' + self.user,
             '--datadir=' + os.path.join(self.folder, 'data'), '--socket=' + self.socket,
             '--pid-file=' + os.path.join(self.folder, 'pid'), '--log-error=' + self.log,
             '--tmpdir=' + self.folder, *self.options],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                with open(self.log, encoding='utf-8', errors='replace') as log:
                    raise RuntimeError('MariaDB does not start:\n' + log.read()[-2000:])
            time.sleep(0.02)
        return self

    def answers(self):
        try:
            self.connect('').close()
            return True
        except Error:
            return False

    def stop(self):
        self.end(signal.SIGTERM)

    def kill(self):
        self.end(signal.SIGKILL)

    def end(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait()
        self.process = None

    def connect(self, name, user='root', password=None):
        return Connection(self.socket, user, name, password)

    def database(self, name):
        with contextlib.closing(self.connect('')) as connection:
            connection.query('CREATE OR REPLACE DATABASE "%s"' % name)
        return Database(self, name)


@contextlib.contextmanager
def server(folder, **options):
    it = Server(folder, **options)
    try:
        yield it.start()
    finally:
        it.stop()


class Database:
    def __init__(self, owner, name):
        self.server, self.name = owner, name
        self.url = self.url_of('root')

    def url_of(self, user, *parameters):
        return 'mysql://%s@localhost/%s?%s' % (
            user, self.name, '&'.join(('socket=' + self.server.socket, *parameters)))

    def connect(self):
        return self.server.connect(self.name)

    def query(self, sql, *values):
        with contextlib.closing(self.connect()) as connection:
            return connection.query(sql, *values)

    def number(self, sql, *values):
        return self.query(sql, *values)[0][0]

    def empty(self):
        """As after --migrate, which takes seconds."""
        with contextlib.closing(self.connect()) as connection:
            for table, in connection.query(
                    "SELECT table_name FROM information_schema.tables WHERE table_schema = ? AND "
                    "table_type = 'BASE TABLE' AND table_name NOT IN ('schema_version', 'prune_state')",
                    self.name):
                connection.query('DELETE FROM "%s"' % table)
        return self


# --- the client: libmariadb by ctypes, so that tests need no package for Python

class Error(Exception):
    pass


class Field(ctypes.Structure):
    _fields_ = ([(name, ctypes.c_char_p) for name in
                 ('name', 'org_name', 'table', 'org_table', 'db', 'catalog', 'default')] +
                [(name, ctypes.c_ulong) for name in ('length', 'max_length')] +
                [(name, ctypes.c_uint) for name in
                 ('name_length', 'org_name_length', 'table_length', 'org_table_length', 'db_length',
                  'catalog_length', 'default_length', 'flags', 'decimals', 'charset', 'type')] +
                [('extension', ctypes.c_void_p)])


WHOLE, FRACTION, DATES, BINARY = {1, 2, 3, 8, 9, 13, 16}, {0, 4, 5, 246}, {7, 10, 11, 12}, 63
_LIBRARY = []


def client_library():
    if not _LIBRARY:
        name = ctypes.util.find_library('mariadb')
        if not name:
            return None
        library = ctypes.CDLL(name)
        library.mysql_init.restype = ctypes.c_void_p
        library.mysql_error.restype = ctypes.c_char_p
        library.mysql_real_connect.restype = ctypes.c_void_p
        library.mysql_real_connect.argtypes = (
            [ctypes.c_void_p] + 4 * [ctypes.c_char_p] +
            [ctypes.c_uint, ctypes.c_char_p, ctypes.c_ulong])
        library.mysql_real_query.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong]
        library.mysql_store_result.restype = ctypes.c_void_p
        library.mysql_fetch_fields.restype = ctypes.POINTER(Field)
        library.mysql_fetch_row.restype = ctypes.POINTER(ctypes.c_void_p)
        library.mysql_fetch_lengths.restype = ctypes.POINTER(ctypes.c_ulong)
        for function in ('mysql_error', 'mysql_store_result', 'mysql_fetch_fields', 'mysql_fetch_row',
                         'mysql_fetch_lengths', 'mysql_free_result', 'mysql_num_fields',
                         'mysql_close', 'mysql_field_count'):
            getattr(library, function).argtypes = [ctypes.c_void_p]
        _LIBRARY.append(library)
    return _LIBRARY[0]


class Row(tuple):
    """As sqlite3.Row: by number or by name."""
    names = ()

    def keys(self):
        return list(self.names)

    def __getitem__(self, key):
        return tuple.__getitem__(self, self.names.index(key) if isinstance(key, str) else key)


def literal(value):
    if value is None:
        return b'NULL'
    if isinstance(value, bytes):
        return b"x'" + value.hex().encode() + b"'"
    if isinstance(value, (int, float)):
        return str(value).encode()
    return b"'" + value.replace("'", "''").encode('utf-8', 'surrogateescape') + b"'"


def convert(field, data):
    if data is None:
        return None
    if field.type in WHOLE:
        return int(data)
    if field.type in FRACTION:
        number = float(data)
        return int(number) if field.type in {0, 246} and not field.decimals else number
    return data if field.charset == BINARY and field.type not in DATES else data.decode('utf-8')


class Connection:
    def __init__(self, socket, user, name, password=None):
        self.library = client_library()
        self.handle = self.library.mysql_init(None)
        self.library.mysql_options(ctypes.c_void_p(self.handle), 7, b'utf8mb4')
        if not self.library.mysql_real_connect(
                self.handle, b'localhost', user.encode(), (password or '').encode(),
                name.encode() or None, 0, socket.encode(), 0):
            message = self.library.mysql_error(self.handle).decode()
            self.close()
            raise Error(message)
        self.query("SET NAMES utf8mb4 COLLATE utf8mb4_bin")
        self.query("SET sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'")

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        self.close()

    def close(self):
        if self.handle:
            self.library.mysql_close(self.handle)
        self.handle = None

    def fail(self):
        raise Error(self.library.mysql_error(self.handle).decode('utf-8', 'replace'))

    def query(self, sql, *values):
        """Rows, or an empty list. Each ? is one of the values."""
        parts = sql.encode().split(b'?') if values else [sql.encode()]
        text = b''.join(part + value for part, value in
                        zip(parts, [*map(literal, values), b'']))
        if self.library.mysql_real_query(self.handle, text, len(text)):
            self.fail()
        result = self.library.mysql_store_result(self.handle)
        if not result:
            if self.library.mysql_field_count(self.handle):
                self.fail()
            return []
        try:
            return self.rows(result)
        finally:
            self.library.mysql_free_result(result)

    def execute(self, sql, values=()):
        """As sqlite3's."""
        return self.query(sql, *values)

    def rows(self, result):
        count = self.library.mysql_num_fields(result)
        fields = self.library.mysql_fetch_fields(result)[:count]

        class Named(Row):
            names = tuple(field.name.decode() for field in fields)
        found = []
        while data := self.library.mysql_fetch_row(result):
            lengths = self.library.mysql_fetch_lengths(result)
            found.append(Named(
                convert(field, ctypes.string_at(data[i], lengths[i]) if data[i] is not None else None)
                for i, field in enumerate(fields)))
        return found
