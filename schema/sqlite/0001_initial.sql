-- SPDX-License-Identifier: BSD-2-Clause
--
-- Runmark's database, SQLite. Written by runmark-ingest alone; read by runmark and by you.
--
-- FOR WRITERS OF QUERIES
--
--  1. Start with the views run_view, link_view, object_view and coverage views at the end of this file:
--     they join what is split below, and SQLite flattens them, so they cost what the joins cost.
--     Narrow them by subqueries on the dictionaries, for which run's own indexes serve, newest first:
--       SELECT … FROM run_view WHERE program IN (SELECT id FROM program WHERE watermark = ?) AND start_us >= ?
--       … user_ref = (SELECT id FROM user_name WHERE name = ?)   … job IN (SELECT id FROM job WHERE job_id = ?)
--       … program IN (SELECT g.id FROM program g JOIN path p ON p.id = g.path WHERE p.name = ?)
--       … object_set IN (SELECT m.object_set FROM path p JOIN object o ON o.path = p.id
--                        JOIN object_set_member m ON m.object = o.id WHERE p.name = ?)
--     not by the view's own watermark, exe or user: those would read every run.
--  2. Times are whole microseconds since 1970 UTC (…_us): WHERE start_us >= unixepoch*1000000, shown with
--     strftime('%Y-%m-%dT%H:%M:%S', start_us/1000000, 'unixepoch'). Durations are microseconds too. Sizes: bytes.
--  3. UUIDs and build-ids are BLOBs: WHERE run_id = x'0193…', shown with lower(hex(run_id)).
--     In `object` and `program` an absent one is the empty blob x'', never NULL (they are part of unique keys).
--     Elsewhere absent facts are NULL.
--  4. Paths and values are bytes (BLOB), for they may hold anything but NUL. A text never equals a blob:
--     bind them as blobs, or WHERE path.path = CAST('/usr/bin/ls' AS BLOB). LIKE and GLOB may find nothing in a blob
--     (so in Debian): CAST(path AS TEXT) LIKE '/home/%'.
--     Last part of a path: path.name, indexed: name = CAST('a.out' AS BLOB), or a range for a prefix
--     (name >= CAST('libm.so' AS BLOB) AND name < CAST('libm.sp' AS BLOB)).
--  5. argv, link_line and the like are the JSON array of the record (json_each reads it) with U+FFFD for what
--     is not UTF-8; the exact bytes are in <name>_b64 then: a JSON array with base64 for those members, else null.
--  6. Inodes and other 64-bit ids are unsigned, kept in SQLite's signed 64 bits: print them with printf('%llu').
--  7. Runs of a library:  object → object_set_member.object → object_set → run.object_set.
--     Runs of a watermark: program.watermark → run.program. Who linked it: link.watermark. The same build-id in
--     both says the join is verified; watermarks are not unique and can be copied.
--  8. run.state 0: only its start record is known (it runs, its end is on the way, or its node was lost: boot_view).
--  9. Free text of persons (argv, cwd, script, link line) stands in run_text and link_text, by run_id and link_id,
--     and may have been deleted by retention: join them with LEFT JOIN.
-- 10. Reading never blocks and is never blocked (WAL). Open read-only with a busy timeout.
--
-- HOW IT IS MADE
--
-- Dictionaries (host, boot, user_name, path, object, program, job, cgroup, container, env_name) hold each
-- distinct value once and give it a small number. Object sets, environment sets and input sets are shared by
-- the runs and links that refer to them. A run and a link are keyed by their own 16-byte id, which begins
-- with a time in milliseconds: no second key is needed, a record that arrives twice finds itself, and a month is
-- a range of keys, which suits partitions elsewhere. Here they are ordinary rowid tables: rows lie in the order
-- in which they came, so that files of many hosts append instead of rewriting each other's pages (half the
-- bytes written of a table that is kept in the order of its ids).
-- No foreign keys are declared: the loader inserts what it refers to first, and pruning by month must not
-- pay for checks. "→ t" says which table's id a column holds.

-- Which migrations this database has had. A program refuses a database whose version is above its own.
CREATE TABLE schema_version (
	version INTEGER PRIMARY KEY, -- number of the migration
	applied_us INTEGER NOT NULL, -- when
	program TEXT NOT NULL        -- by which version of runmark-ingest
);

-- ---------------------------------------------------------------- dictionaries

CREATE TABLE host (
	id INTEGER PRIMARY KEY,
	cluster TEXT NOT NULL,       -- '' if none is configured
	name TEXT NOT NULL,
	UNIQUE (name, cluster)
);

-- One boot of one host.
CREATE TABLE boot (
	id INTEGER PRIMARY KEY,
	host INTEGER NOT NULL,       -- → host
	boot_id BLOB NOT NULL,       -- kernel's boot id, 16 bytes
	UNIQUE (boot_id, host)
);
CREATE INDEX boot_host ON boot (host);

CREATE TABLE user_name (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);

CREATE TABLE path (
	id INTEGER PRIMARY KEY,
	path BLOB NOT NULL UNIQUE,   -- exact bytes
	name BLOB NOT NULL,          -- part after the last slash
	software TEXT,               -- what it is called in reports, runmark-names(5): python3.11 is Python. NULL: nothing
	                             -- knows it
	module TEXT                  -- name/version of the module it belongs to, as in XALT: openmpi/4.1(gcc/12); or NULL
);
CREATE INDEX path_text ON path (CAST(path AS TEXT)); -- as XALT's views show it
CREATE INDEX path_name ON path (name);
CREATE INDEX path_software ON path (software) WHERE software IS NOT NULL;
CREATE INDEX path_module ON path (module) WHERE module IS NOT NULL;

-- Control groups, as the node saw them.
CREATE TABLE cgroup (
	id INTEGER PRIMARY KEY,
	path BLOB NOT NULL UNIQUE
);

CREATE TABLE container (
	id INTEGER PRIMARY KEY,
	runtime TEXT NOT NULL,       -- podman, docker, …
	container_id TEXT NOT NULL,
	UNIQUE (container_id, runtime)
);
CREATE INDEX container_runtime ON container (runtime);

-- One job (of an array: one task of it). Steps and tasks stand in run and link.
CREATE TABLE job (
	id INTEGER PRIMARY KEY,
	cluster TEXT NOT NULL,       -- as in host: job ids are unique within a cluster only
	manager TEXT NOT NULL,       -- slurm, …
	job_id TEXT NOT NULL,
	sluid TEXT NOT NULL,         -- Slurm's unique id; '' if unknown
	array_id TEXT NOT NULL,      -- '' if it is no array
	array_task TEXT NOT NULL,
	UNIQUE (job_id, cluster, manager, sluid, array_id, array_task)
);
CREATE INDEX job_array ON job (array_id, array_task);
CREATE INDEX job_sluid ON job (sluid) WHERE sluid <> '';

-- A file that is mapped executable or linked in: the same path with another build-id is another object.
CREATE TABLE object (
	id INTEGER PRIMARY KEY,
	path INTEGER NOT NULL,       -- → path
	build_id BLOB NOT NULL,      -- x'' if there is none or it is unknown
	watermark BLOB NOT NULL,     -- 16 bytes, or x''
	UNIQUE (path, build_id, watermark)
);
CREATE INDEX object_build_id ON object (build_id);
CREATE INDEX object_watermark ON object (watermark);

-- A program's file, as a run found it.
CREATE TABLE program (
	id INTEGER PRIMARY KEY,
	path INTEGER NOT NULL,       -- → path; of '' if unknown
	build_id BLOB NOT NULL,      -- x'' if there is none or it is unknown
	watermark BLOB NOT NULL,     -- 16 bytes, or x''
	watermark_state TEXT NOT NULL, -- stamped, unstamped (our note with zeros), none, unknown
	device TEXT NOT NULL,        -- major:minor; '' if unknown
	inode INTEGER NOT NULL,      -- unsigned; 0 if unknown
	fstype TEXT NOT NULL,        -- '' if unknown
	owner_uid INTEGER NOT NULL,  -- -1 if unknown
	size INTEGER NOT NULL,       -- bytes; -1 if unknown
	mtime_us INTEGER NOT NULL,   -- -1 if unknown
	watermark_text TEXT GENERATED ALWAYS AS (CASE length(watermark) WHEN 16 THEN lower(substr(hex(watermark), 1, 8)
		|| '-' || substr(hex(watermark), 9, 4) || '-' || substr(hex(watermark), 13, 4) || '-' ||
		substr(hex(watermark), 17, 4) || '-' || substr(hex(watermark), 21)) END) VIRTUAL, -- `uuid` of XALT's views
	UNIQUE (path, build_id, watermark, watermark_state, device, inode, fstype, owner_uid, size, mtime_us)
);
CREATE INDEX program_watermark_text ON program (watermark_text) WHERE watermark_text IS NOT NULL;
CREATE INDEX program_build_id ON program (build_id);
CREATE INDEX program_watermark ON program (watermark);

-- ---------------------------------------------------------------- sets

-- The shared objects of a run, in the order they were mapped, the program itself left out.
CREATE TABLE object_set (
	id INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,   -- 16 bytes, from the node
	members INTEGER              -- how many; NULL: a run referred to it, the set itself has not come yet
);
CREATE TABLE object_set_member (
	object_set INTEGER NOT NULL, -- → object_set
	position INTEGER NOT NULL,   -- from 0
	object INTEGER NOT NULL,     -- → object
	device TEXT,                 -- major:minor
	inode INTEGER,               -- unsigned
	PRIMARY KEY (object_set, position)
) WITHOUT ROWID;
CREATE INDEX object_set_member_object ON object_set_member (object);

CREATE TABLE env_name (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE
);
-- The allowed part of a run's environment. Shared only between runs whose environment is equal; when
-- the last run that refers to it loses its personal text, the set goes too.
CREATE TABLE env_set (
	id INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,   -- 16 bytes, from the node
	members INTEGER              -- how many; NULL as in object_set
);
CREATE TABLE env_set_member (
	env_set INTEGER NOT NULL,    -- → env_set
	name INTEGER NOT NULL,       -- → env_name
	value BLOB NOT NULL,         -- exact bytes
	PRIMARY KEY (env_set, name)
) WITHOUT ROWID;

-- What went into a link, in the order of the link line.
CREATE TABLE input_set (
	id INTEGER PRIMARY KEY,
	hash BLOB NOT NULL UNIQUE,   -- 16 bytes, made by the loader from the members
	members INTEGER
);
CREATE TABLE input_set_member (
	input_set INTEGER NOT NULL,  -- → input_set
	position INTEGER NOT NULL,   -- from 0
	kind TEXT NOT NULL,          -- object, archive, shared, script, other
	object INTEGER NOT NULL,     -- → object
	PRIMARY KEY (input_set, position)
) WITHOUT ROWID;
CREATE INDEX input_set_member_object ON input_set_member (object);

-- ---------------------------------------------------------------- runs

CREATE TABLE run (
	run_id BLOB NOT NULL PRIMARY KEY, -- 16 bytes; the first six: start of the process in milliseconds
	state INTEGER NOT NULL,      -- 0 only its start record came, 1 complete
	spool_file INTEGER,          -- → spool_file that it came with; NULL: imported from elsewhere
	seq INTEGER,                 -- its sequence number there
	host INTEGER NOT NULL,       -- → host
	boot INTEGER,                -- → boot; NULL: its source (xalt) doesn't tell
	source TEXT NOT NULL,        -- bpf, preload, xalt: who saw it
	origin TEXT NOT NULL,        -- exec, fork (a copy that outlived its run), scan (ran before tracking began)
	pid INTEGER,                 -- NULL: its source (xalt) doesn't tell
	ppid INTEGER,
	parent_run_id BLOB,          -- run_id of the run that started it
	user INTEGER,                -- → user_name
	uid INTEGER,                 -- real
	euid INTEGER,                -- effective
	gid INTEGER,
	login_uid INTEGER,           -- who logged in; NULL if nobody did
	program INTEGER NOT NULL,    -- → program
	container INTEGER,           -- → container; NULL if in none
	container_image BLOB,        -- its file or name
	container_from TEXT,         -- how the container is known
	mount_namespace TEXT,        -- host, other; NULL: not known
	user_namespace TEXT,
	job INTEGER,                 -- → job; NULL if in none
	step TEXT,                   -- of the job: 0, batch, extern, …
	task TEXT,                   -- of the step
	job_from TEXT,               -- how the job is known: cgroup, parent, slurmstepd, environment
	step_from TEXT,              -- and its step
	task_from TEXT,              -- and its task
	array_from TEXT,             -- and its array
	cgroup INTEGER,              -- → cgroup
	start_us INTEGER NOT NULL,
	zone_minutes INTEGER,        -- what local time was ahead of UTC then, where runmark-ingest ran
	end_us INTEGER,              -- NULL while it runs, or if its end is unknown (see incomplete)
	elapsed_us INTEGER,          -- by the monotonic clock
	exit_code INTEGER,           -- NULL if killed by a signal or unknown
	exit_signal INTEGER,         -- NULL if it exited by itself or unknown
	exit_name TEXT,              -- SIGKILL, …
	exit_core INTEGER,           -- 1: dumped core
	exit_oom INTEGER,            -- 1: killed because memory ran out
	next_run_id BLOB,            -- it ended by an exec of its process: the run that followed; no exit then
	user_us INTEGER,             -- CPU of this image, in user mode
	system_us INTEGER,           -- … and in the kernel
	max_rss INTEGER,             -- bytes, peak of this image
	read_bytes INTEGER,          -- from storage
	write_bytes INTEGER,
	minor_faults INTEGER,
	major_faults INTEGER,
	forks INTEGER,               -- forked copies that are folded into this run
	mpi_rank INTEGER,
	mpi_size INTEGER,
	mpi_from TEXT,               -- the variable that told the rank
	cores INTEGER,               -- processors, where the source tells (xalt: tasks * threads); NULL: one process
	object_set INTEGER,          -- → object_set
	env_set INTEGER,             -- → env_set
	incomplete TEXT,             -- JSON array of "FACT: reason"; NULL if nothing is
	-- A run that began before a window may reach into it. How long it took is told in classes, each with its own
	-- short stretch of starts to look at, so that all runs of a window are found by a few ranges of one index:
	-- NULL below an hour, 1 below 8 hours, 2 below 64, 3 below 512, 4 longer, 9 open (its end has not come)
	span INTEGER GENERATED ALWAYS AS (CASE
		WHEN state = 0 THEN 9
		WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
		WHEN end_us - start_us < 28800000000 THEN 1
		WHEN end_us - start_us < 230400000000 THEN 2
		WHEN end_us - start_us < 1843200000000 THEN 3
		ELSE 4 END) VIRTUAL,
	-- 1: killed by a signal, or another exit than 0; NULL: not so, or not known
	failed INTEGER GENERATED ALWAYS AS (CASE
		WHEN exit_signal IS NOT NULL OR exit_code <> 0 THEN 1 END) VIRTUAL,
	local_time TEXT GENERATED ALWAYS AS ( -- start_us as 2026-11-21 10:00:00 local time: `date` of XALT's views
		datetime(start_us / 1000000 + coalesce(zone_minutes, 0) * 60, 'unixepoch')) VIRTUAL
);
CREATE INDEX run_local_time ON run (local_time);
-- All that reports add up, by time: they read this index alone.
CREATE INDEX run_start ON run (start_us, program, user, uid, job, host, object_set, elapsed_us, user_us, system_us,
	cores, exit_code, exit_signal, exit_oom);
CREATE INDEX run_user ON run (user, start_us);
CREATE INDEX run_program ON run (program, start_us);
CREATE INDEX run_object_set ON run (object_set, start_us);
CREATE INDEX run_job ON run (job, start_us) WHERE job IS NOT NULL;
CREATE INDEX run_host ON run (host, start_us);
CREATE INDEX run_container ON run (container, start_us) WHERE container IS NOT NULL;
CREATE INDEX run_open ON run (host, boot) WHERE state = 0;
CREATE INDEX run_span ON run (span, start_us) WHERE span IS NOT NULL;
CREATE INDEX run_failed ON run (failed, start_us) WHERE failed IS NOT NULL;
-- for retention, which asks whether anybody still refers to a row
CREATE INDEX run_env_set ON run (env_set) WHERE env_set IS NOT NULL;
CREATE INDEX run_cgroup ON run (cgroup) WHERE cgroup IS NOT NULL;

-- Free text of one run.
CREATE TABLE run_text (
	run_id BLOB NOT NULL PRIMARY KEY, -- → run
	argv TEXT,                   -- JSON array; NULL if not recorded
	argv_b64 TEXT,               -- JSON array, see 5. above
	cwd BLOB,
	requested BLOB,              -- program as the exec call named it
	script BLOB                  -- path of the #! script; NULL if none
);

-- Many short equal runs of one job step. Extremes and sums over the members.
CREATE TABLE run_group (
	group_id BLOB NOT NULL PRIMARY KEY, -- 16 bytes
	spool_file INTEGER,          -- these down to env_set as in run
	seq INTEGER,
	host INTEGER NOT NULL,
	boot INTEGER NOT NULL,
	source TEXT NOT NULL,
	user INTEGER,
	uid INTEGER,
	euid INTEGER,
	gid INTEGER,
	program INTEGER,
	container INTEGER,
	container_image BLOB,
	container_from TEXT,
	mount_namespace TEXT,
	user_namespace TEXT,
	job INTEGER,
	step TEXT,
	task TEXT,
	job_from TEXT,
	step_from TEXT,
	task_from TEXT,
	array_from TEXT,
	cgroup INTEGER,
	object_set INTEGER,
	env_set INTEGER,
	runs INTEGER NOT NULL,       -- members
	start_us INTEGER NOT NULL,   -- of the first
	zone_minutes INTEGER,        -- what local time was ahead of UTC then, where runmark-ingest ran
	end_us INTEGER,              -- of the last
	elapsed_us INTEGER,          -- sum
	elapsed_min_us INTEGER,
	elapsed_max_us INTEGER,
	exits TEXT NOT NULL,         -- JSON array of {"exit":…,"count":N}
	user_us INTEGER,             -- sums
	system_us INTEGER,
	max_rss INTEGER,             -- the greatest
	usage TEXT,                  -- JSON: field: {"sum","min","max"}, all there is
	incomplete TEXT,
	span INTEGER GENERATED ALWAYS AS (CASE -- as in run
		WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
		WHEN end_us - start_us < 28800000000 THEN 1
		WHEN end_us - start_us < 230400000000 THEN 2
		WHEN end_us - start_us < 1843200000000 THEN 3
		ELSE 4 END) VIRTUAL,
	local_time TEXT GENERATED ALWAYS AS ( -- start_us as 2026-11-21 10:00:00 local time: `date` of XALT's views
		datetime(start_us / 1000000 + coalesce(zone_minutes, 0) * 60, 'unixepoch')) VIRTUAL
);
CREATE INDEX run_group_local_time ON run_group (local_time);
CREATE INDEX run_group_start ON run_group (start_us);
CREATE INDEX run_group_user ON run_group (user, start_us);
CREATE INDEX run_group_program ON run_group (program, start_us);
CREATE INDEX run_group_object_set ON run_group (object_set, start_us);
CREATE INDEX run_group_job ON run_group (job, start_us) WHERE job IS NOT NULL;
CREATE INDEX run_group_host ON run_group (host, start_us);
CREATE INDEX run_group_container ON run_group (container, start_us) WHERE container IS NOT NULL;
CREATE INDEX run_group_span ON run_group (span, start_us) WHERE span IS NOT NULL;
CREATE INDEX run_group_env_set ON run_group (env_set) WHERE env_set IS NOT NULL;
CREATE INDEX run_group_cgroup ON run_group (cgroup) WHERE cgroup IS NOT NULL;

-- Free text of one group.
CREATE TABLE run_group_text (
	group_id BLOB NOT NULL PRIMARY KEY, -- → run_group
	script BLOB                  -- path of the #! script; NULL if none
);

-- ---------------------------------------------------------------- links

CREATE TABLE link (
	link_id BLOB NOT NULL PRIMARY KEY, -- 16 bytes
	source TEXT,                 -- NULL: Runmark's linker; xalt
	spool_file INTEGER,          -- → spool_file that it came with; NULL: imported from elsewhere
	seq INTEGER,
	host INTEGER NOT NULL,       -- → host
	boot INTEGER,                -- → boot; NULL: its source (xalt) doesn't tell
	watermark BLOB,              -- 16 bytes; not unique
	output INTEGER,              -- → path
	build_id BLOB,               -- of the output; NULL if it has none
	size INTEGER,                -- bytes
	type TEXT,                   -- exec, pie, shared, static
	linker INTEGER,              -- → path
	linker_version TEXT,
	driver INTEGER,              -- → path of gcc, clang, …; NULL if there was none
	compiler_name TEXT,          -- GCC, …
	compiler_version TEXT,
	compiler_text TEXT,          -- as the compiler wrote it into the program
	compilers TEXT,              -- JSON array: all such texts
	language TEXT,               -- c, c++, fortran, …; NULL: not known
	imported INTEGER,            -- dynamic symbols that it takes from others; NULL: static, or not told
	exported INTEGER,            -- that it offers
	input_set INTEGER,           -- → input_set
	user INTEGER,                -- → user_name
	uid INTEGER,
	gid INTEGER,
	pid INTEGER,
	job INTEGER,                 -- → job; these as in run
	step TEXT,
	task TEXT,
	job_from TEXT,
	step_from TEXT,
	task_from TEXT,
	array_from TEXT,
	cgroup INTEGER,
	modules TEXT,                -- LOADEDMODULES
	time_us INTEGER NOT NULL,    -- end of the link
	zone_minutes INTEGER,        -- what local time was ahead of UTC then, where runmark-ingest ran
	elapsed_us INTEGER,
	own_us INTEGER,              -- our share of it
	incomplete TEXT,
	watermark_text TEXT GENERATED ALWAYS AS (CASE length(watermark) WHEN 16 THEN lower(substr(hex(watermark), 1, 8)
		|| '-' || substr(hex(watermark), 9, 4) || '-' || substr(hex(watermark), 13, 4) || '-' ||
		substr(hex(watermark), 17, 4) || '-' || substr(hex(watermark), 21)) END) VIRTUAL, -- `uuid` of XALT's views
	local_time TEXT GENERATED ALWAYS AS ( -- time_us as 2026-11-21 10:00:00 local time: `date` of XALT's views
		datetime(time_us / 1000000 + coalesce(zone_minutes, 0) * 60, 'unixepoch')) VIRTUAL
);
CREATE INDEX link_local_time ON link (local_time);
CREATE INDEX link_watermark_text ON link (watermark_text) WHERE watermark_text IS NOT NULL;
CREATE INDEX link_watermark ON link (watermark) WHERE watermark IS NOT NULL;
CREATE INDEX link_build_id ON link (build_id) WHERE build_id IS NOT NULL;
CREATE INDEX link_output ON link (output, time_us);
CREATE INDEX link_user ON link (user, time_us);
CREATE INDEX link_time ON link (time_us);
CREATE INDEX link_input_set ON link (input_set);
CREATE INDEX link_linker ON link (linker);
CREATE INDEX link_driver ON link (driver);
CREATE INDEX link_job ON link (job) WHERE job IS NOT NULL;
CREATE INDEX link_cgroup ON link (cgroup) WHERE cgroup IS NOT NULL;

-- Free text of one link.
CREATE TABLE link_text (
	link_id BLOB NOT NULL PRIMARY KEY, -- → link
	link_line TEXT,              -- JSON array, what the linker was called with
	link_line_b64 TEXT,
	driver_argv TEXT,            -- JSON array, what the driver was called with
	driver_argv_b64 TEXT,
	imported_names TEXT,         -- JSON array, where names of symbols are recorded
	exported_names TEXT,
	cwd BLOB
);

-- ---------------------------------------------------------------- accounting

-- One submission of a job: one that is requeued has several, of the same id. Written by runmark-ingest --sacct;
-- a later state takes the place of an earlier one. Join it to job by job_id, manager and cluster. The cluster
-- here is the resource manager's name of it, which a site should give runmarkd, too.
CREATE TABLE accounting (
	id INTEGER PRIMARY KEY,
	job_id TEXT NOT NULL,        -- as in job: of an array's task or a het job's component its own
	cluster TEXT NOT NULL,       -- '' if it was not told
	manager TEXT NOT NULL,       -- slurm
	submit_us INTEGER NOT NULL,  -- -1 if it was not told
	stage INTEGER NOT NULL,      -- 0 waits, 1 runs (or is suspended), 2 has ended
	state TEXT NOT NULL,         -- as the manager calls it: COMPLETED, OUT_OF_MEMORY, …; UNKNOWN: only what
	                             -- XALT told of the job's account and queue is known
	array_id TEXT,               -- of the array it is a task of
	array_task TEXT,
	het_id TEXT,                 -- of the heterogeneous job it is a component of: its leader
	het_offset INTEGER,
	sluid TEXT,                  -- Slurm's unique id
	user TEXT,
	uid INTEGER,
	account TEXT,
	queue TEXT,                  -- partition
	qos TEXT,
	nodes INTEGER,               -- how many
	node_list TEXT,              -- n[001-004]
	requested_cpus INTEGER,
	requested_memory INTEGER,    -- bytes, of all nodes
	requested_us INTEGER,        -- time limit; NULL: none, or not told
	cpus INTEGER,                -- that it has
	start_us INTEGER,
	end_us INTEGER,
	elapsed_us INTEGER,          -- without suspension
	cpu_us INTEGER,              -- user and system; NULL if not gathered
	max_rss INTEGER,             -- bytes, of the task that had most; NULL if not gathered
	exit_code INTEGER,
	exit_signal INTEGER,
	imported_us INTEGER NOT NULL,
	UNIQUE (job_id, cluster, manager, submit_us)
);
CREATE INDEX accounting_array ON accounting (array_id) WHERE array_id IS NOT NULL;
CREATE INDEX accounting_het ON accounting (het_id) WHERE het_id IS NOT NULL;
CREATE INDEX accounting_sluid ON accounting (sluid) WHERE sluid IS NOT NULL;
CREATE INDEX accounting_start ON accounting (start_us);
CREATE INDEX accounting_user ON accounting (user);

-- ---------------------------------------------------------------- persons

-- Whose pseudonym is whose, while the site keeps the key and the person is in younger records: reports
-- count persons by it. Written by runmark-ingest --prune; emptied when the key is destroyed.
CREATE TABLE pseudonym (
	alias INTEGER PRIMARY KEY,   -- → user_name, the pseudonym
	user INTEGER NOT NULL        -- → user_name, the person
);

-- What runmark-ingest --prune remembers from one time to the next, and between its transactions.
CREATE TABLE prune_state (
	name TEXT NOT NULL PRIMARY KEY, -- generation: how often rows were taken out of dictionaries and sets, so that
	                             -- loaders forget the ids they know; swept TABLE: rows of it up to this id are
	                             -- known to be referred to, or are in prune_orphan once they no longer are; key: hash
	                             -- of the pseudonyms' key, so that no other takes its place
	value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO prune_state VALUES ('generation', 0);

-- Rows of dictionaries and sets that pruned rows referred to: to be looked at, and to go unless others do.
CREATE TABLE prune_orphan (
	kind TEXT NOT NULL,          -- the table
	id INTEGER NOT NULL,         -- its row
	PRIMARY KEY (kind, id)
) WITHOUT ROWID;

-- What was pruned: one row each time for each thing done, counted in the same transactions as the work.
CREATE TABLE prune_log (
	id INTEGER PRIMARY KEY,
	began_us INTEGER NOT NULL,   -- when that runmark-ingest --prune began
	ended_us INTEGER,            -- when this part of it was done; NULL: it runs, or was stopped
	action TEXT NOT NULL,        -- pseudonymise, delete, orphans (nobody referred to them any more), key made,
	                             -- key destroyed
	name TEXT NOT NULL,          -- of the table; '' for the key
	before_us INTEGER,           -- what is older than this; NULL for orphans and the key
	changed INTEGER NOT NULL     -- rows
);
CREATE INDEX prune_log_began ON prune_log (began_us);

-- ---------------------------------------------------------------- completeness

-- One life of the daemon on a host.
CREATE TABLE instance (
	id INTEGER PRIMARY KEY,
	boot INTEGER NOT NULL,       -- → boot
	instance BLOB NOT NULL,      -- 8 bytes
	pruned_seq INTEGER,          -- its records up to this number came and were deleted by retention; NULL: none
	UNIQUE (instance, boot)
);
CREATE INDEX instance_boot ON instance (boot);

-- What a daemon saw, wrote and lost; at its start, every few minutes and at its stop.
CREATE TABLE node_record (
	instance INTEGER NOT NULL,   -- → instance
	seq INTEGER NOT NULL,
	spool_file INTEGER,          -- → spool_file
	host INTEGER NOT NULL,       -- → host
	event TEXT NOT NULL,         -- start, periodic, stop
	time_us INTEGER NOT NULL,
	since_us INTEGER,            -- what it reports on began then
	booted_us INTEGER,           -- the node's boot; NULL: its runmarkd doesn't tell
	capture_began_us INTEGER,    -- since then the kernel side has captured without a break
	version TEXT,                -- of runmarkd
	kernel TEXT,
	source TEXT,                 -- bpf, preload
	hooks TEXT,                  -- JSON object, fact: rung
	live INTEGER,                -- runs open at that time
	uptime_us INTEGER,
	PRIMARY KEY (instance, seq)
) WITHOUT ROWID;
CREATE INDEX node_record_time ON node_record (host, time_us);

-- Its counters, one a row, cumulative.
CREATE TABLE node_count (
	instance INTEGER NOT NULL,   -- → node_record
	seq INTEGER NOT NULL,
	kind TEXT NOT NULL,          -- events (seen), records (written), lost, cut, unrecorded (left out on purpose)
	name TEXT NOT NULL,          -- kind of event or record; cause
	value INTEGER NOT NULL,
	PRIMARY KEY (instance, seq, kind, name)
) WITHOUT ROWID;

-- Every spool file that was loaded: the mark that makes loading exactly once. Its row and all rows that it
-- brought were committed together.
CREATE TABLE spool_file (
	id INTEGER PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,   -- without directory and .zst
	host INTEGER,                -- → host; NULL if neither header nor name tell
	boot INTEGER,                -- → boot
	instance INTEGER,            -- → instance
	number INTEGER,              -- within the instance, from 1
	first_seq INTEGER,           -- by header, else the first that was found
	last_seq INTEGER,            -- by trailer, else the last that was found; first_seq - 1 if none
	previous TEXT,               -- name of the file before on this host in this boot; NULL for the first, and
	                             -- where that file was deleted by retention
	version TEXT,                -- of the runmarkd that wrote it
	opened_us INTEGER,
	closed_us INTEGER,
	mended INTEGER,              -- 1: left by a crash, closed by the next instance
	whole INTEGER NOT NULL,      -- 1: header and trailer are there and everything they promise
	covered INTEGER NOT NULL,    -- 1: it has its trailer, and every line is loaded or kept in quarantine: the file may go
	lines INTEGER NOT NULL,      -- found, trailer included
	records INTEGER NOT NULL,    -- found: lines with a seq that could be read
	quarantined INTEGER NOT NULL, -- lines that could not be loaded
	bytes INTEGER NOT NULL,      -- of the file on disk when it was loaded
	loaded_us INTEGER NOT NULL
);
CREATE INDEX spool_file_loaded ON spool_file (loaded_us);
CREATE INDEX spool_file_instance ON spool_file (instance, number);
CREATE INDEX spool_file_boot ON spool_file (boot);
CREATE INDEX spool_file_host ON spool_file (host, opened_us);
CREATE INDEX spool_file_previous ON spool_file (previous) WHERE previous IS NOT NULL;

-- What its trailer says, and what was found.
CREATE TABLE spool_count (
	spool_file INTEGER NOT NULL, -- → spool_file
	kind TEXT NOT NULL,          -- lines (by kind of record), lost (by cause)
	name TEXT NOT NULL,
	stated INTEGER,              -- by the trailer; NULL if it does not say
	found INTEGER,               -- by the loader; NULL for lost
	PRIMARY KEY (spool_file, kind, name)
) WITHOUT ROWID;

-- What is wrong with it.
CREATE TABLE spool_problem (
	spool_file INTEGER NOT NULL, -- → spool_file
	position INTEGER NOT NULL,   -- numbers the problems of a file
	fact TEXT NOT NULL,          -- header, trailer, name, lines, counts, seq
	first_seq INTEGER,           -- seq: the missing range
	last_seq INTEGER,
	missing INTEGER,             -- how many lines or records, if known
	reason TEXT NOT NULL,        -- one sentence
	PRIMARY KEY (spool_file, position)
) WITHOUT ROWID;

-- Lines that could not be loaded.
CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY,
	spool_file INTEGER,          -- → spool_file; NULL: imported from elsewhere
	file TEXT NOT NULL,          -- as it was named on the command line or found
	line INTEGER NOT NULL,       -- from 1
	field TEXT,                  -- the field that was wrong, if one was
	reason TEXT NOT NULL,
	size INTEGER NOT NULL,       -- bytes of the line
	text BLOB,                   -- the line; NULL if it was too long to keep
	time_us INTEGER NOT NULL
);
CREATE INDEX quarantine_spool_file ON quarantine (spool_file);
CREATE INDEX quarantine_file ON quarantine (file, line);

-- ---------------------------------------------------------------- views

CREATE VIEW object_view AS
SELECT o.id, p.path, p.name, p.software, p.module, nullif(o.build_id, x'') AS build_id, nullif(o.watermark, x'') AS watermark
FROM object o JOIN path p ON p.id = o.path;

-- A run with everything but its sets. LEFT JOIN throughout, and in the next two: a planner that knows little of
-- how many rows there are has nothing to choose, and begins with the runs that were asked for.
CREATE VIEW run_view AS
SELECT r.run_id, r.state, r.source, r.origin, r.seq,
	h.name AS host, h.cluster, b.boot_id,
	r.pid, r.ppid, r.parent_run_id, u.name AS user, r.uid, r.euid, r.gid, r.login_uid,
	p.path AS exe, p.name AS exe_name, p.software, p.module, t.requested,
	nullif(g.build_id, x'') AS build_id, nullif(g.watermark, x'') AS watermark, g.watermark_state,
	nullif(g.device, '') AS device, nullif(g.inode, 0) AS inode, nullif(g.fstype, '') AS fstype,
	nullif(g.owner_uid, -1) AS owner_uid, nullif(g.size, -1) AS size, nullif(g.mtime_us, -1) AS mtime_us,
	t.script, t.argv, t.argv_b64, t.cwd,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, r.step_from, r.task_from, r.array_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id, r.container_image, r.container_from,
	r.mount_namespace, r.user_namespace,
	r.start_us, r.end_us, r.elapsed_us,
	r.exit_code, r.exit_signal, r.exit_name, r.exit_core, r.exit_oom, r.next_run_id,
	r.user_us, r.system_us, r.max_rss, r.read_bytes, r.write_bytes, r.minor_faults, r.major_faults, r.forks,
	r.mpi_rank, r.mpi_size, r.mpi_from, r.cores, r.failed,
	r.object_set, os.hash AS object_set_hash, r.env_set, es.hash AS env_set_hash, r.incomplete,
	r.program, r.job, r.user AS user_ref, r.spool_file
FROM run r
LEFT JOIN host h ON h.id = r.host
LEFT JOIN boot b ON b.id = r.boot
LEFT JOIN program g ON g.id = r.program
LEFT JOIN path p ON p.id = g.path
LEFT JOIN user_name u ON u.id = r.user
LEFT JOIN run_text t ON t.run_id = r.run_id
LEFT JOIN job j ON j.id = r.job
LEFT JOIN cgroup c ON c.id = r.cgroup
LEFT JOIN container n ON n.id = r.container
LEFT JOIN object_set os ON os.id = r.object_set
LEFT JOIN env_set es ON es.id = r.env_set;

-- A group with everything but its sets.
CREATE VIEW run_group_view AS
SELECT r.group_id, r.source, r.seq,
	h.name AS host, h.cluster, b.boot_id,
	u.name AS user, r.uid, r.euid, r.gid,
	p.path AS exe, p.name AS exe_name, p.software, p.module,
	nullif(g.build_id, x'') AS build_id, nullif(g.watermark, x'') AS watermark, g.watermark_state,
	nullif(g.device, '') AS device, nullif(g.inode, 0) AS inode, nullif(g.fstype, '') AS fstype,
	nullif(g.owner_uid, -1) AS owner_uid, nullif(g.size, -1) AS size, nullif(g.mtime_us, -1) AS mtime_us,
	t.script,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, r.step_from, r.task_from, r.array_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id, r.container_image, r.container_from,
	r.mount_namespace, r.user_namespace,
	r.runs, r.start_us, r.end_us, r.elapsed_us, r.elapsed_min_us, r.elapsed_max_us, r.exits,
	r.user_us, r.system_us, r.max_rss, r.usage,
	r.object_set, os.hash AS object_set_hash, r.env_set, es.hash AS env_set_hash, r.incomplete,
	r.program, r.job, r.user AS user_ref, r.spool_file
FROM run_group r
LEFT JOIN host h ON h.id = r.host
LEFT JOIN boot b ON b.id = r.boot
LEFT JOIN program g ON g.id = r.program
LEFT JOIN path p ON p.id = g.path
LEFT JOIN user_name u ON u.id = r.user
LEFT JOIN run_group_text t ON t.group_id = r.group_id
LEFT JOIN job j ON j.id = r.job
LEFT JOIN cgroup c ON c.id = r.cgroup
LEFT JOIN container n ON n.id = r.container
LEFT JOIN object_set os ON os.id = r.object_set
LEFT JOIN env_set es ON es.id = r.env_set;

-- A link with everything but its inputs.
CREATE VIEW link_view AS
SELECT l.link_id, l.source, l.seq, h.name AS host, h.cluster, b.boot_id, l.watermark,
	o.path AS output, o.name AS output_name, l.build_id, l.size, l.type,
	k.path AS linker, l.linker_version, d.path AS driver, t.driver_argv, t.driver_argv_b64,
	l.compiler_name, l.compiler_version, l.compiler_text, l.compilers, l.language, l.imported, l.exported,
	t.imported_names, t.exported_names,
	t.link_line, t.link_line_b64, t.cwd, l.input_set, u.name AS user, l.uid, l.gid, l.pid,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, l.step, l.task, l.job_from, l.step_from, l.task_from, l.array_from, c.path AS cgroup,
	l.modules, l.time_us, l.elapsed_us, l.own_us, l.incomplete, l.job, l.user AS user_ref, l.spool_file
FROM link l
LEFT JOIN host h ON h.id = l.host
LEFT JOIN boot b ON b.id = l.boot
LEFT JOIN path o ON o.id = l.output
LEFT JOIN path k ON k.id = l.linker
LEFT JOIN path d ON d.id = l.driver
LEFT JOIN user_name u ON u.id = l.user
LEFT JOIN job j ON j.id = l.job
LEFT JOIN cgroup c ON c.id = l.cgroup
LEFT JOIN link_text t ON t.link_id = l.link_id;

-- Boots of hosts, by what their node records say: when each began, and when it was last heard of. A run of
-- state 0 whose host has a boot with booted_us > its start_us is lost: it ended before, nobody knows how.
CREATE VIEW boot_view AS
SELECT b.id AS boot, b.host, h.name AS host_name, h.cluster, b.boot_id,
	min(coalesce(n.booted_us, n.time_us)) AS booted_us, max(n.time_us) AS seen_us
FROM boot b
JOIN host h ON h.id = b.host
JOIN instance i ON i.boot = b.id
JOIN node_record n ON n.instance = i.id
GROUP BY b.id;

-- Files that others name as the one before them and that have not come.
CREATE VIEW missing_file AS
SELECT f.previous AS name, h.name AS host, h.cluster, b.boot_id, f.name AS named_by, f.opened_us AS before_us
FROM spool_file f
LEFT JOIN host h ON h.id = f.host
LEFT JOIN boot b ON b.id = f.boot
WHERE f.previous IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spool_file p WHERE p.name = f.previous);

-- Records that are known to exist and have not come: between the files of an instance, and within a file.
CREATE VIEW missing_record AS
SELECT h.name AS host, h.cluster, b.boot_id, i.instance, m.name AS file, m.first_seq, m.last_seq,
	m.last_seq - m.first_seq + 1 AS records
FROM (
	SELECT f.instance, f.name, 1 + coalesce(lag(f.last_seq) OVER
			(PARTITION BY f.instance ORDER BY f.number, f.first_seq), n.pruned_seq, 0) AS first_seq,
		f.first_seq - 1 AS last_seq
	FROM spool_file f JOIN instance n ON n.id = f.instance
	WHERE f.instance IS NOT NULL AND f.first_seq IS NOT NULL
	UNION ALL
	SELECT f.instance, f.name, q.first_seq, q.last_seq
	FROM spool_problem q JOIN spool_file f ON f.id = q.spool_file
	WHERE q.fact = 'seq' AND q.first_seq IS NOT NULL
) m
LEFT JOIN instance i ON i.id = m.instance
LEFT JOIN boot b ON b.id = i.boot
LEFT JOIN host h ON h.id = b.host
WHERE m.last_seq >= m.first_seq;
