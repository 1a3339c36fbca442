# SPDX-License-Identifier: BSD-2-Clause
"""The two databases, as the benches of loading and asking want them: made, loaded, measured, and filled with the
same rows by the database's own means, which is the limit."""
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "e2e"))
sys.dont_write_bytecode = True
import mariadb  # noqa: E402
import measure  # noqa: E402

BUILD = os.environ.get("BUILD", "build")
INGEST, RUNMARK = (os.path.abspath(f"{BUILD}/bin/{name}") for name in ("runmark-ingest", "runmark"))
# Prints seconds, CPU seconds and peak KiB of a program. Of a small process: a child inherits its parent's peak.
MEASURED = """
import resource, subprocess, sys, time
begin = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.monotonic() - begin, used.ru_utime + used.ru_stime, used.ru_maxrss)
if done.returncode:
	sys.exit(done.stderr.decode())
"""


class Used:
    def __init__(self, line):
        self.seconds, self.cpu, self.kib = map(float, line.split())


def environment():
    return {name: value for name, value in os.environ.items() if not name.startswith("RUNMARK_")}


def start(*argv):
    return subprocess.Popen([sys.executable, "-S", "-c", MEASURED, *argv], stdout=subprocess.PIPE, text=True,
                            env=environment())


def finish(process):
    out = process.communicate()[0]
    if process.returncode:
        sys.exit(f"{process.args[4:]} ends with status {process.returncode}")
    return Used(out)


def load(url, *spools):
    """A loader for each spool, at once. Returns (seconds of all, what each used)."""
    begin = time.monotonic()
    used = [finish(process) for process in [start(INGEST, "--db", url, spool) for spool in spools]]
    return time.monotonic() - begin, used


def generate(directory, *arguments):
    subprocess.run(["tests/make-spool", directory, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL,
                   cwd=os.path.join(HERE, "..", ".."))


def halves(spool):
    """Two folders with every second file each, in time's order."""
    files = sorted(os.scandir(spool), key=lambda file: file.stat().st_mtime_ns)
    made = []
    for half in (0, 1):
        made.append(f"{spool}-half{half}")
        os.mkdir(made[-1])
        for file in files[half::2]:
            os.link(file.path, f"{made[-1]}/{file.name}")
    return made


class SQLite:
    name, limit = "SQLite", "INSERT ... SELECT in one transaction"

    def __init__(self, top):
        self.top = top

    def url(self, name):
        return f"sqlite:{self.top}/{name}.db"

    def new(self, name):
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self.top}/{name}.db{ending}")
        subprocess.run([INGEST, "--db", self.url(name), "--migrate"], check=True, stdout=subprocess.DEVNULL)

    def bytes(self, name):
        return os.path.getsize(f"{self.top}/{name}.db")

    def prepare_limit(self, source):
        pass

    def load_limit(self, source, target):
        """Seconds for the rows of one database into the tables and indexes of another, empty one."""
        connection = sqlite3.connect(f"{self.top}/{target}.db", isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cache_size = -16384")
        connection.execute(f"ATTACH '{self.top}/{source}.db' AS source")
        begin = time.monotonic()
        connection.execute("BEGIN IMMEDIATE")
        for (table,) in connection.execute("SELECT name FROM source.sqlite_master WHERE type = 'table' "
                                           "AND name NOT LIKE 'sqlite%'").fetchall():
            columns = ", ".join(row[1] for row in connection.execute(f"PRAGMA source.table_info({table})"))
            connection.execute(f"INSERT OR IGNORE INTO main.{table} ({columns}) SELECT {columns} FROM source.{table}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        seconds = time.monotonic() - begin
        connection.close()
        return seconds

    def settle(self):
        pass

    def cpu_seconds(self):
        return 0

    def stop(self):
        pass


class MariaDB:
    name, limit = "MariaDB", "LOAD DATA, a statement a table"

    def __init__(self, top):
        self.folder = f"{top}/mariadb"
        # as shipped, but for what a site of this size would set: memory, and a log that is not the bottleneck
        self.server = mariadb.Server(self.folder, durable=True, extra=(
            "--innodb-buffer-pool-size=1G", "--innodb-log-file-size=512M", "--innodb-io-capacity=2000")).start()

    def url(self, name):
        return f"mysql://root@localhost/{name}?socket={self.server.socket}"

    def new(self, name):
        self.server.database(name)
        subprocess.run([INGEST, "--db", self.url(name), "--migrate"], check=True, stdout=subprocess.DEVNULL)

    def query(self, name, sql):
        with contextlib.closing(self.server.connect(name)) as connection:
            return connection.query(sql)

    def bytes(self, name):
        self.settle()
        return int(self.query("", "SELECT sum(FILE_SIZE) FROM information_schema.INNODB_SYS_TABLESPACES "
                                  f"WHERE NAME LIKE '{name}/%'")[0][0])

    def columns(self, name):
        """{table: its columns that are stored}"""
        found = {}
        for table, column in self.query(
                name, "SELECT c.TABLE_NAME, c.COLUMN_NAME FROM information_schema.COLUMNS c JOIN "
                "information_schema.TABLES t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME "
                f"AND t.TABLE_TYPE = 'BASE TABLE' WHERE c.TABLE_SCHEMA = '{name}' AND c.IS_GENERATED = 'NEVER' "
                "ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION"):
            found.setdefault(table, []).append(f'"{column}"')
        return found

    def prepare_limit(self, source):
        for table, columns in self.columns(source).items():
            path = f"{self.folder}/{table}.txt"
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            self.query(source, f"SELECT {', '.join(columns)} INTO OUTFILE '{path}' CHARACTER SET binary FROM {table}")

    def load_limit(self, source, target):
        tables = self.columns(source)
        begin = time.monotonic()
        for table, columns in tables.items():
            self.query(target, f"LOAD DATA INFILE '{self.folder}/{table}.txt' IGNORE INTO TABLE {table} "
                               f"CHARACTER SET binary ({', '.join(columns)})")
        return time.monotonic() - begin

    def cpu_seconds(self):
        return measure.cpu_seconds(self.server.process.pid)

    def settle(self):
        """Until what the loads before have dirtied is written: it is not the next one's work."""
        self.query("", "SET GLOBAL innodb_max_dirty_pages_pct = 0, innodb_io_capacity_max = 20000, "
                       "innodb_io_capacity = 20000")
        end = time.monotonic() + 20
        while time.monotonic() < end and int(self.query("", "SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'")
                                             [0][1]) > 100:
            time.sleep(0.2)
        self.query("", "SET GLOBAL innodb_max_dirty_pages_pct = 90, innodb_io_capacity = 2000")

    def stop(self):
        self.server.stop()


@contextlib.contextmanager
def databases():
    """(folder, both databases, or those that are here)."""
    top = tempfile.mkdtemp(prefix="runmark-bench.", dir=os.environ.get("BENCH_DIR"))
    os.chmod(top, 0o755)
    made = []
    wanted = os.environ.get("DATABASES", "SQLite MariaDB").split()
    try:
        if "SQLite" in wanted:
            made.append(SQLite(top))
        reason = mariadb.missing()
        if reason:
            print(f"MariaDB: skipped: {reason}")
        elif "MariaDB" in wanted:
            made.append(MariaDB(top))
        yield top, made
    finally:
        for database in made:
            database.stop()
        shutil.rmtree(top)


def machine():
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}"
