-- SPDX-License-Identifier: BSD-2-Clause
--
-- Runmark's database, MariaDB 10.11 or MySQL 8.0.17 and later. Written by runmark-ingest alone; read by runmark
-- and by you. Tables, columns and views are those of schema/sqlite.
--
-- FOR WRITERS OF QUERIES
--
--  1. Start with the views run_view, link_view, object_view and coverage views at the end of this file:
--     they join what is split below. Narrow them by subqueries on the dictionaries, for which run's own indexes
--     serve, newest first:
--       SELECT … FROM run_view WHERE program IN (SELECT id FROM program WHERE watermark = ?) AND start_us >= ?
--       … user_ref = (SELECT id FROM user_name WHERE name = ?)   … job IN (SELECT id FROM job WHERE job_id = ?)
--       … program IN (SELECT g.id FROM program g JOIN path p ON p.id = g.path WHERE p.name = ?)
--       … object_set IN (SELECT m.object_set FROM path p JOIN object o ON o.path = p.id
--                        JOIN object_set_member m ON m.object = o.id WHERE p.name = ?)
--     not by the view's own watermark, exe or user: those would read every run.
--  2. Times are whole microseconds since 1970 UTC (…_us), whatever time_zone says: WHERE start_us >=
--     unixepoch*1000000, shown with from_unixtime(start_us/1000000). Durations are microseconds too. Sizes: bytes.
--  3. UUIDs and build-ids are binary: WHERE run_id = x'0193…', shown with lower(hex(run_id)).
--     In `object` and `program` an absent one is the empty string x'', never NULL (they are part of unique keys).
--     Elsewhere absent facts are NULL.
--  4. Paths and values are binary too, for they may hold anything but NUL, and compare byte by byte.
--     Last part of a path: path.name, indexed: name = 'a.out', or a range for a prefix
--     (name >= 'libm.so' AND name < 'libm.sp').
--  5. argv, link_line and the like are the JSON array of the record (json_extract reads it) with U+FFFD for what
--     is not UTF-8; the exact bytes are in <name>_b64 then: a JSON array with base64 for those members, else null.
--  6. Inodes and other 64-bit ids are unsigned, kept in signed 64 bits as SQLite does: CAST(inode AS UNSIGNED).
--  7. Runs of a library:  object → object_set_member.object → object_set → run.object_set.
--     Runs of a watermark: program.watermark → run.program. Who linked it: link.watermark. The same build-id in
--     both says the join is verified; watermarks are not unique and can be copied.
--  8. run.state 0: only its start record is known (it runs, its end is on the way, or its node was lost: boot_view).
--  9. Free text of persons (argv, cwd, script, link line) stands in run_text and link_text, by run_id and link_id,
--     and may have been deleted by retention: join them with LEFT JOIN.
--
-- HOW IT IS MADE
--
-- Dictionaries (host, boot, user_name, path, object, program, job, cgroup, container, env_name) hold each
-- distinct value once and give it a number; that numbers have gaps means nothing. Object sets, environment sets
-- and input sets are shared by the runs and links that refer to them. A run and a link are keyed by their own
-- 16-byte id, which begins with a time in milliseconds: no second key is needed, a record that arrives twice finds
-- itself, and a month is a range of keys. By such ranges their tables are partitioned: pruning drops a month at
-- once. The months are made by runmark-ingest (--migrate, --prune) a year ahead; what is older than the first one
-- stands in the partition `older`, what is later than the last one in `later`.
-- No foreign keys are declared: partitioned tables take none, the loader inserts what it refers to first, and
-- pruning by month must not pay for checks. "→ t" says which table's id a column holds.
-- Texts have the database's collation, which --migrate sets to the one that compares byte by byte, blanks at the
-- end included: utf8mb4_nopad_bin in MariaDB, utf8mb4_0900_bin in MySQL.
--
-- HOW THIS FILE IS RUN
--
-- Statement by statement: one ends with a ; at the end of a line, which no comment may have there. A statement
-- that has been run before does no harm, since a migration that was interrupted is run again from its beginning:
-- IF NOT EXISTS, OR REPLACE; and "there is such a column (or index) already" and "none to drop" are no errors.

-- Which migrations this database has had. A program refuses a database whose version is above its own.
CREATE TABLE IF NOT EXISTS schema_version (
	version BIGINT NOT NULL PRIMARY KEY, -- number of the migration
	applied_us BIGINT NOT NULL,     -- when
	program VARCHAR(255) NOT NULL   -- by which version of runmark-ingest
);

-- ---------------------------------------------------------------- dictionaries

CREATE TABLE IF NOT EXISTS host (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	cluster VARCHAR(255) NOT NULL,  -- '' if none is configured
	name VARCHAR(255) NOT NULL,
	UNIQUE KEY (name, cluster)
);

-- One boot of one host.
CREATE TABLE IF NOT EXISTS boot (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	host BIGINT NOT NULL,           -- → host
	boot_id BINARY(16) NOT NULL,    -- kernel's boot id, 16 bytes
	UNIQUE KEY (boot_id, host),
	KEY boot_host (host)
);

CREATE TABLE IF NOT EXISTS user_name (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(255) NOT NULL UNIQUE
);

CREATE TABLE IF NOT EXISTS path (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	path VARBINARY(4096) NOT NULL,  -- exact bytes
	-- what is unique, since an index cannot hold 4096 bytes
	path_hash BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(path, 256))) STORED,
	name VARBINARY(4096) NOT NULL,  -- part after the last slash
	software VARCHAR(255),          -- what it is called in reports, runmark-names(5): python3.11 is Python. NULL:
	                                -- nothing knows it
	module VARCHAR(255),            -- name/version of the module it belongs to, as in XALT: openmpi/4.1(gcc/12); or NULL
	UNIQUE KEY (path_hash),
	KEY path_path (path(255)),
	KEY path_name (name(255)),
	KEY path_software (software),
	KEY path_module (module)
);

-- Control groups, as the node saw them.
CREATE TABLE IF NOT EXISTS cgroup (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	path VARBINARY(4096) NOT NULL,
	-- what is unique, since an index cannot hold 4096 bytes
	path_hash BINARY(32) GENERATED ALWAYS AS (UNHEX(SHA2(path, 256))) STORED,
	UNIQUE KEY (path_hash),
	KEY cgroup_path (path(255))
);

CREATE TABLE IF NOT EXISTS container (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	runtime VARCHAR(255) NOT NULL,  -- podman, docker, …
	container_id VARCHAR(255) NOT NULL,
	UNIQUE KEY (container_id, runtime),
	KEY container_runtime (runtime)
);

-- One job (of an array: one task of it). Steps and tasks stand in run and link.
CREATE TABLE IF NOT EXISTS job (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	cluster VARCHAR(255) NOT NULL,  -- as in host: job ids are unique within a cluster only
	manager VARCHAR(64) NOT NULL,   -- slurm, …
	job_id VARCHAR(128) NOT NULL,
	sluid VARCHAR(64) NOT NULL,     -- Slurm's unique id; '' if unknown
	array_id VARCHAR(128) NOT NULL, -- '' if it is no array
	array_task VARCHAR(64) NOT NULL,
	UNIQUE KEY (job_id, cluster, manager, sluid, array_id, array_task),
	KEY job_array (array_id, array_task),
	KEY job_sluid (sluid)
);

-- A file that is mapped executable or linked in: the same path with another build-id is another object.
CREATE TABLE IF NOT EXISTS object (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	path BIGINT NOT NULL,           -- → path
	build_id VARBINARY(64) NOT NULL, -- x'' if there is none or it is unknown
	watermark VARBINARY(16) NOT NULL, -- 16 bytes, or x''
	UNIQUE KEY (path, build_id, watermark),
	KEY object_build_id (build_id),
	KEY object_watermark (watermark)
);

-- A program's file, as a run found it.
CREATE TABLE IF NOT EXISTS program (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	path BIGINT NOT NULL,           -- → path; of '' if unknown
	build_id VARBINARY(64) NOT NULL, -- x'' if there is none or it is unknown
	watermark VARBINARY(16) NOT NULL, -- 16 bytes, or x''
	watermark_state VARCHAR(64) NOT NULL, -- stamped, unstamped (our note with zeros), none, unknown
	device VARCHAR(64) NOT NULL,    -- major:minor; '' if unknown
	inode BIGINT NOT NULL,          -- unsigned; 0 if unknown
	fstype VARCHAR(64) NOT NULL,    -- '' if unknown
	owner_uid BIGINT NOT NULL,      -- -1 if unknown
	size BIGINT NOT NULL,           -- bytes; -1 if unknown
	mtime_us BIGINT NOT NULL,       -- -1 if unknown
	watermark_text CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (
		CASE length(watermark) WHEN 16 THEN lower(insert(insert(insert(insert(hex(watermark),
			9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) END) STORED, -- `uuid` of XALT's views
	KEY program_watermark_text (watermark_text),
	UNIQUE KEY (path, build_id, watermark, watermark_state, device, inode, fstype, owner_uid, size, mtime_us),
	KEY program_build_id (build_id),
	KEY program_watermark (watermark)
);

-- ---------------------------------------------------------------- sets

-- The shared objects of a run, in the order they were mapped, the program itself left out.
CREATE TABLE IF NOT EXISTS object_set (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	hash BINARY(16) NOT NULL UNIQUE, -- 16 bytes, from the node
	members BIGINT                  -- how many; NULL: a run referred to it, the set itself has not come yet
);
CREATE TABLE IF NOT EXISTS object_set_member (
	object_set BIGINT NOT NULL,     -- → object_set
	position BIGINT NOT NULL,       -- from 0
	object BIGINT NOT NULL,         -- → object
	device VARCHAR(255),            -- major:minor
	inode BIGINT,                   -- unsigned
	PRIMARY KEY (object_set, position),
	KEY object_set_member_object (object)
);

CREATE TABLE IF NOT EXISTS env_name (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(255) NOT NULL UNIQUE
);
-- The allowed part of a run's environment. Shared only between runs whose environment is equal; when
-- the last run that refers to it loses its personal text, the set goes too.
CREATE TABLE IF NOT EXISTS env_set (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	hash BINARY(16) NOT NULL UNIQUE, -- 16 bytes, from the node
	members BIGINT                  -- how many; NULL as in object_set
);
CREATE TABLE IF NOT EXISTS env_set_member (
	env_set BIGINT NOT NULL,        -- → env_set
	name BIGINT NOT NULL,           -- → env_name
	value MEDIUMBLOB NOT NULL,      -- exact bytes
	PRIMARY KEY (env_set, name)
);

-- What went into a link, in the order of the link line.
CREATE TABLE IF NOT EXISTS input_set (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	hash BINARY(16) NOT NULL UNIQUE, -- 16 bytes, made by the loader from the members
	members BIGINT
);
CREATE TABLE IF NOT EXISTS input_set_member (
	input_set BIGINT NOT NULL,      -- → input_set
	position BIGINT NOT NULL,       -- from 0
	kind VARCHAR(255) NOT NULL,     -- object, archive, shared, script, other
	object BIGINT NOT NULL,         -- → object
	PRIMARY KEY (input_set, position),
	KEY input_set_member_object (object)
);

-- ---------------------------------------------------------------- runs

CREATE TABLE IF NOT EXISTS run (
	run_id BINARY(16) NOT NULL PRIMARY KEY, -- 16 bytes; the first six: start of the process in milliseconds
	state TINYINT NOT NULL,         -- 0 only its start record came, 1 complete
	spool_file BIGINT,              -- → spool_file that it came with; NULL: imported from elsewhere
	seq BIGINT,                     -- its sequence number there
	host BIGINT NOT NULL,           -- → host
	boot BIGINT,                    -- → boot; NULL: its source (xalt) doesn't tell
	source VARCHAR(32) NOT NULL,    -- bpf, preload, xalt: who saw it
	origin VARCHAR(32) NOT NULL,    -- exec, fork (a copy that outlived its run), scan (ran before tracking began)
	pid INT,                        -- NULL: its source (xalt) doesn't tell
	ppid INT,
	parent_run_id BINARY(16),       -- run_id of the run that started it
	user BIGINT,                    -- → user_name
	uid INT UNSIGNED,               -- real
	euid INT UNSIGNED,              -- effective
	gid INT UNSIGNED,
	login_uid INT UNSIGNED,         -- who logged in; NULL if nobody did
	program BIGINT NOT NULL,        -- → program
	container BIGINT,               -- → container; NULL if in none
	container_image MEDIUMBLOB,     -- its file or name
	container_from VARCHAR(32),     -- how the container is known
	mount_namespace VARCHAR(32),    -- host, other; NULL: not known
	user_namespace VARCHAR(32),
	job BIGINT,                     -- → job; NULL if in none
	step VARCHAR(64),               -- of the job: 0, batch, extern, …
	task VARCHAR(64),               -- of the step
	job_from VARCHAR(32),           -- how the job is known: cgroup, parent, slurmstepd, environment
	step_from VARCHAR(32),          -- and its step
	task_from VARCHAR(32),          -- and its task
	array_from VARCHAR(32),         -- and its array
	cgroup BIGINT,                  -- → cgroup
	start_us BIGINT NOT NULL,
	zone_minutes INT,               -- what local time was ahead of UTC then, where runmark-ingest ran
	end_us BIGINT,                  -- NULL while it runs, or if its end is unknown (see incomplete)
	elapsed_us BIGINT,              -- by the monotonic clock
	exit_code INT,                  -- NULL if killed by a signal or unknown
	exit_signal INT,                -- NULL if it exited by itself or unknown
	exit_name VARCHAR(32),          -- SIGKILL, …
	exit_core TINYINT,              -- 1: dumped core
	exit_oom TINYINT,               -- 1: killed because memory ran out
	next_run_id BINARY(16),         -- it ended by an exec of its process: the run that followed; no exit then
	user_us BIGINT,                 -- CPU of this image, in user mode
	system_us BIGINT,               -- … and in the kernel
	max_rss BIGINT,                 -- bytes, peak of this image
	read_bytes BIGINT,              -- from storage
	write_bytes BIGINT,
	minor_faults BIGINT,
	major_faults BIGINT,
	forks BIGINT,                   -- forked copies that are folded into this run
	mpi_rank BIGINT,
	mpi_size BIGINT,
	mpi_from VARCHAR(64),           -- the variable that told the rank
	cores BIGINT,                   -- processors, where the source tells (xalt: tasks * threads); NULL: one process
	object_set BIGINT,              -- → object_set
	env_set BIGINT,                 -- → env_set
	incomplete MEDIUMTEXT,          -- JSON array of "FACT: reason"; NULL if nothing is
	-- A run that began before a window may reach into it. How long it took is told in classes, each with its own
	-- short stretch of starts to look at, so that all runs of a window are found by a few ranges of one index:
	-- NULL below an hour, 1 below 8 hours, 2 below 64, 3 below 512, 4 longer, 9 open (its end has not come)
	span TINYINT GENERATED ALWAYS AS (CASE
		WHEN state = 0 THEN 9
		WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
		WHEN end_us - start_us < 28800000000 THEN 1
		WHEN end_us - start_us < 230400000000 THEN 2
		WHEN end_us - start_us < 1843200000000 THEN 3
		ELSE 4 END) STORED,
	-- 1: killed by a signal, or another exit than 0; NULL: not so, or not known
	failed TINYINT GENERATED ALWAYS AS (CASE
		WHEN exit_signal IS NOT NULL OR exit_code <> 0 THEN 1 END) STORED,
	local_time DATETIME GENERATED ALWAYS AS ( -- start_us in local time: `date` of XALT's views
		TIMESTAMP '1970-01-01 00:00:00' + INTERVAL (start_us DIV 1000000 + coalesce(zone_minutes, 0) * 60) SECOND)
		STORED,
	KEY run_local_time (local_time),
	-- All that reports add up, by time: they read this index alone.
	KEY run_start (start_us, program, user, uid, job, host, object_set, elapsed_us, user_us, system_us,
		cores, exit_code, exit_signal, exit_oom),
	KEY run_user (user, start_us),
	KEY run_program (program, start_us),
	KEY run_object_set (object_set, start_us),
	KEY run_job (job, start_us),
	KEY run_host (host, start_us),
	KEY run_container (container, start_us),
	KEY run_span (span, start_us),
	KEY run_failed (failed, start_us),
	-- for own.sql, whose views may read no row of others: what a user's runs refer to
	KEY run_own (user, run_id, program, object_set, env_set, job, cgroup, container),
	-- for retention, which asks whether anybody still refers to a row
	KEY run_env_set (env_set),
	KEY run_cgroup (cgroup)
)
PARTITION BY RANGE COLUMNS (run_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- Free text of one run.
CREATE TABLE IF NOT EXISTS run_text (
	run_id BINARY(16) NOT NULL PRIMARY KEY, -- → run
	argv MEDIUMTEXT,                -- JSON array; NULL if not recorded
	argv_b64 MEDIUMTEXT,            -- JSON array, see 5. above
	cwd MEDIUMBLOB,
	requested MEDIUMBLOB,           -- program as the exec call named it
	script MEDIUMBLOB               -- path of the #! script; NULL if none
)
PARTITION BY RANGE COLUMNS (run_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- Many short equal runs of one job step. Extremes and sums over the members.
CREATE TABLE IF NOT EXISTS run_group (
	group_id BINARY(16) NOT NULL PRIMARY KEY, -- 16 bytes
	spool_file BIGINT,              -- these down to env_set as in run
	seq BIGINT,
	host BIGINT NOT NULL,
	boot BIGINT NOT NULL,
	source VARCHAR(32) NOT NULL,
	user BIGINT,
	uid INT UNSIGNED,
	euid INT UNSIGNED,
	gid INT UNSIGNED,
	program BIGINT,
	container BIGINT,
	container_image MEDIUMBLOB,
	container_from VARCHAR(32),
	mount_namespace VARCHAR(32),
	user_namespace VARCHAR(32),
	job BIGINT,
	step VARCHAR(64),
	task VARCHAR(64),
	job_from VARCHAR(32),
	step_from VARCHAR(32),
	task_from VARCHAR(32),
	array_from VARCHAR(32),
	cgroup BIGINT,
	object_set BIGINT,
	env_set BIGINT,
	runs BIGINT NOT NULL,           -- members
	start_us BIGINT NOT NULL,       -- of the first
	zone_minutes INT,               -- what local time was ahead of UTC then, where runmark-ingest ran
	end_us BIGINT,                  -- of the last
	elapsed_us BIGINT,              -- sum
	elapsed_min_us BIGINT,
	elapsed_max_us BIGINT,
	exits MEDIUMTEXT NOT NULL,      -- JSON array of {"exit":…,"count":N}
	user_us BIGINT,                 -- sums
	system_us BIGINT,
	max_rss BIGINT,                 -- the greatest
	`usage` MEDIUMTEXT,             -- JSON: field: {"sum","min","max"}, all there is
	incomplete MEDIUMTEXT,
	span TINYINT GENERATED ALWAYS AS (CASE -- as in run
		WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
		WHEN end_us - start_us < 28800000000 THEN 1
		WHEN end_us - start_us < 230400000000 THEN 2
		WHEN end_us - start_us < 1843200000000 THEN 3
		ELSE 4 END) STORED,
	local_time DATETIME GENERATED ALWAYS AS ( -- start_us in local time: `date` of XALT's views
		TIMESTAMP '1970-01-01 00:00:00' + INTERVAL (start_us DIV 1000000 + coalesce(zone_minutes, 0) * 60) SECOND)
		STORED,
	KEY run_group_local_time (local_time),
	KEY run_group_start (start_us),
	KEY run_group_user (user, start_us),
	KEY run_group_own (user, group_id),
	KEY run_group_program (program, start_us),
	KEY run_group_object_set (object_set, start_us),
	KEY run_group_job (job, start_us),
	KEY run_group_host (host, start_us),
	KEY run_group_container (container, start_us),
	KEY run_group_span (span, start_us),
	KEY run_group_env_set (env_set),
	KEY run_group_cgroup (cgroup)
)
PARTITION BY RANGE COLUMNS (group_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- Free text of one group.
CREATE TABLE IF NOT EXISTS run_group_text (
	group_id BINARY(16) NOT NULL PRIMARY KEY, -- → run_group
	script MEDIUMBLOB               -- path of the #! script; NULL if none
)
PARTITION BY RANGE COLUMNS (group_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- ---------------------------------------------------------------- links

CREATE TABLE IF NOT EXISTS link (
	link_id BINARY(16) NOT NULL PRIMARY KEY, -- 16 bytes
	source VARCHAR(32),             -- NULL: Runmark's linker; xalt
	spool_file BIGINT,              -- → spool_file that it came with; NULL: imported from elsewhere
	seq BIGINT,
	host BIGINT NOT NULL,           -- → host
	boot BIGINT,                    -- → boot; NULL: its source (xalt) doesn't tell
	watermark VARBINARY(16),        -- 16 bytes; not unique
	output BIGINT,                  -- → path
	build_id VARBINARY(64),         -- of the output; NULL if it has none
	size BIGINT,                    -- bytes
	type VARCHAR(255),              -- exec, pie, shared, static
	linker BIGINT,                  -- → path
	linker_version TEXT,
	driver BIGINT,                  -- → path of gcc, clang, …; NULL if there was none
	compiler_name VARCHAR(255),     -- GCC, …
	compiler_version VARCHAR(255),
	compiler_text TEXT,             -- as the compiler wrote it into the program
	compilers MEDIUMTEXT,           -- JSON array: all such texts
	language VARCHAR(255),          -- c, c++, fortran, …; NULL: not known
	imported BIGINT,                -- dynamic symbols that it takes from others; NULL: static, or not told
	exported BIGINT,                -- that it offers
	input_set BIGINT,               -- → input_set
	user BIGINT,                    -- → user_name
	uid INT UNSIGNED,
	gid INT UNSIGNED,
	pid INT,
	job BIGINT,                     -- → job; these as in run
	step VARCHAR(64),
	task VARCHAR(64),
	job_from VARCHAR(32),
	step_from VARCHAR(32),
	task_from VARCHAR(32),
	array_from VARCHAR(32),
	cgroup BIGINT,
	modules MEDIUMTEXT,             -- LOADEDMODULES
	time_us BIGINT NOT NULL,        -- end of the link
	zone_minutes INT,               -- what local time was ahead of UTC then, where runmark-ingest ran
	elapsed_us BIGINT,
	own_us BIGINT,                  -- our share of it
	incomplete MEDIUMTEXT,
	watermark_text CHAR(36) CHARACTER SET ascii COLLATE ascii_bin GENERATED ALWAYS AS (
		CASE length(watermark) WHEN 16 THEN lower(insert(insert(insert(insert(hex(watermark),
			9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) END) STORED, -- `uuid` of XALT's views
	local_time DATETIME GENERATED ALWAYS AS ( -- time_us in local time: `date` of XALT's views
		TIMESTAMP '1970-01-01 00:00:00' + INTERVAL (time_us DIV 1000000 + coalesce(zone_minutes, 0) * 60) SECOND)
		STORED,
	KEY link_local_time (local_time),
	KEY link_watermark_text (watermark_text),
	KEY link_watermark (watermark),
	KEY link_build_id (build_id),
	KEY link_output (output, time_us),
	KEY link_user (user, time_us),
	KEY link_own (user, link_id),
	KEY link_time (time_us),
	KEY link_input_set (input_set),
	KEY link_linker (linker),
	KEY link_driver (driver),
	KEY link_job (job),
	KEY link_cgroup (cgroup)
)
PARTITION BY RANGE COLUMNS (link_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- Free text of one link.
CREATE TABLE IF NOT EXISTS link_text (
	link_id BINARY(16) NOT NULL PRIMARY KEY, -- → link
	link_line MEDIUMTEXT,           -- JSON array, what the linker was called with
	link_line_b64 MEDIUMTEXT,
	driver_argv MEDIUMTEXT,         -- JSON array, what the driver was called with
	driver_argv_b64 MEDIUMTEXT,
	imported_names MEDIUMTEXT,      -- JSON array, where names of symbols are recorded
	exported_names MEDIUMTEXT,
	cwd MEDIUMBLOB
)
PARTITION BY RANGE COLUMNS (link_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- ---------------------------------------------------------------- accounting

-- One submission of a job: one that is requeued has several, of the same id. Written by runmark-ingest --sacct;
-- a later state takes the place of an earlier one. Join it to job by job_id, manager and cluster. The cluster
-- here is the resource manager's name of it, which a site should give runmarkd, too.
CREATE TABLE IF NOT EXISTS accounting (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	job_id VARCHAR(255) NOT NULL,   -- as in job: of an array's task or a het job's component its own
	cluster VARCHAR(255) NOT NULL,  -- '' if it was not told
	manager VARCHAR(64) NOT NULL,   -- slurm
	submit_us BIGINT NOT NULL,      -- -1 if it was not told
	stage TINYINT NOT NULL,         -- 0 waits, 1 runs (or is suspended), 2 has ended
	state VARCHAR(255) NOT NULL,    -- as the manager calls it: COMPLETED, OUT_OF_MEMORY, …
	array_id VARCHAR(255),          -- of the array it is a task of
	array_task VARCHAR(255),
	het_id VARCHAR(255),            -- of the heterogeneous job it is a component of: its leader
	het_offset BIGINT,
	sluid VARCHAR(255),             -- Slurm's unique id
	user VARCHAR(255),
	uid BIGINT,
	account VARCHAR(255),
	queue VARCHAR(255),             -- partition
	qos VARCHAR(255),
	nodes BIGINT,                   -- how many
	node_list TEXT,                 -- n[001-004]
	requested_cpus BIGINT,
	requested_memory BIGINT,        -- bytes, of all nodes
	requested_us BIGINT,            -- time limit; NULL: none, or not told
	cpus BIGINT,                    -- that it has
	start_us BIGINT,
	end_us BIGINT,
	elapsed_us BIGINT,              -- without suspension
	cpu_us BIGINT,                  -- user and system; NULL if not gathered
	max_rss BIGINT,                 -- bytes, of the task that had most; NULL if not gathered
	exit_code INT,
	exit_signal INT,
	imported_us BIGINT NOT NULL,
	UNIQUE KEY (job_id, cluster, manager, submit_us),
	KEY accounting_array (array_id),
	KEY accounting_het (het_id),
	KEY accounting_sluid (sluid),
	KEY accounting_start (start_us),
	KEY accounting_user (user)
);

-- ---------------------------------------------------------------- persons

-- Whose pseudonym is whose, while the site keeps the key and the person is in younger records: reports
-- count persons by it. Written by runmark-ingest --prune; emptied when the key is destroyed.
CREATE TABLE IF NOT EXISTS pseudonym (
	alias BIGINT NOT NULL PRIMARY KEY, -- → user_name, the pseudonym
	user BIGINT NOT NULL            -- → user_name, the person
);

-- What runmark-ingest --prune remembers from one time to the next, and between its transactions.
CREATE TABLE IF NOT EXISTS prune_state (
	name VARCHAR(64) NOT NULL PRIMARY KEY, -- generation: how often rows were taken out of dictionaries and sets, so
	                                -- that loaders forget the ids they know; swept TABLE: rows of it up to this id
	                                -- are known to be referred to, or are in prune_orphan once they no longer are; key: hash
	                                -- of the pseudonyms' key, so that no other takes its place
	value BIGINT NOT NULL
);
INSERT IGNORE INTO prune_state VALUES ('generation', 0);

-- Rows of dictionaries and sets that pruned rows referred to: to be looked at, and to go unless others do.
CREATE TABLE IF NOT EXISTS prune_orphan (
	kind VARCHAR(64) NOT NULL,      -- the table
	id BIGINT NOT NULL,             -- its row
	PRIMARY KEY (kind, id)
);

-- What was pruned: one row each time for each thing done, counted in the same transactions as the work.
CREATE TABLE IF NOT EXISTS prune_log (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	began_us BIGINT NOT NULL,       -- when that runmark-ingest --prune began
	ended_us BIGINT,                -- when this part of it was done; NULL: it runs, or was stopped
	action VARCHAR(64) NOT NULL,    -- pseudonymise, delete, orphans (nobody referred to them any more), key made,
	                                -- key destroyed
	name VARCHAR(64) NOT NULL,      -- of the table; '' for the key
	before_us BIGINT,               -- what is older than this; NULL for orphans and the key
	changed BIGINT NOT NULL,        -- rows
	KEY prune_log_began (began_us)
);

-- ---------------------------------------------------------------- completeness

-- One life of the daemon on a host.
CREATE TABLE IF NOT EXISTS instance (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	boot BIGINT NOT NULL,           -- → boot
	instance BINARY(8) NOT NULL,    -- 8 bytes
	pruned_seq BIGINT,              -- its records up to this number came and were deleted by retention; NULL: none
	UNIQUE KEY (instance, boot),
	KEY instance_boot (boot)
);

-- What a daemon saw, wrote and lost; at its start, every few minutes and at its stop.
CREATE TABLE IF NOT EXISTS node_record (
	instance BIGINT NOT NULL,       -- → instance
	seq BIGINT NOT NULL,
	spool_file BIGINT,              -- → spool_file
	host BIGINT NOT NULL,           -- → host
	event VARCHAR(255) NOT NULL,    -- start, periodic, stop
	time_us BIGINT NOT NULL,
	since_us BIGINT,                -- what it reports on began then
	booted_us BIGINT,               -- the node's boot; NULL: its runmarkd doesn't tell
	capture_began_us BIGINT,        -- since then the kernel side has captured without a break
	version VARCHAR(255),           -- of runmarkd
	kernel VARCHAR(255),
	source VARCHAR(32),             -- bpf, preload
	hooks MEDIUMTEXT,               -- JSON object, fact: rung
	live BIGINT,                    -- runs open at that time
	uptime_us BIGINT,
	PRIMARY KEY (instance, seq),
	KEY node_record_time (host, time_us)
);

-- Its counters, one a row, cumulative.
CREATE TABLE IF NOT EXISTS node_count (
	instance BIGINT NOT NULL,       -- → node_record
	seq BIGINT NOT NULL,
	kind VARCHAR(64) NOT NULL,      -- events (seen), records (written), lost, cut, unrecorded (left out on purpose)
	name VARCHAR(255) NOT NULL,     -- kind of event or record; cause
	value BIGINT NOT NULL,
	PRIMARY KEY (instance, seq, kind, name)
);

-- Every spool file that was loaded: the mark that makes loading exactly once. Its row and all rows that it
-- brought were committed together.
CREATE TABLE IF NOT EXISTS spool_file (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	name VARCHAR(512) NOT NULL UNIQUE, -- without directory and .zst
	host BIGINT,                    -- → host; NULL if neither header nor name tell
	boot BIGINT,                    -- → boot
	instance BIGINT,                -- → instance
	number BIGINT,                  -- within the instance, from 1
	first_seq BIGINT,               -- by header, else the first that was found
	last_seq BIGINT,                -- by trailer, else the last that was found; first_seq - 1 if none
	previous VARCHAR(512),          -- name of the file before on this host in this boot; NULL for the first
	version VARCHAR(255),           -- of the runmarkd that wrote it
	opened_us BIGINT,
	closed_us BIGINT,
	mended TINYINT,                 -- 1: left by a crash, closed by the next instance
	whole TINYINT NOT NULL,         -- 1: header and trailer are there and everything they promise
	covered TINYINT NOT NULL,       -- 1: it has its trailer, and every line is loaded or kept in quarantine: the file may go
	`lines` BIGINT NOT NULL,        -- found, trailer included
	records BIGINT NOT NULL,        -- found: lines with a seq that could be read
	quarantined BIGINT NOT NULL,    -- lines that could not be loaded
	bytes BIGINT NOT NULL,          -- of the file on disk when it was loaded
	loaded_us BIGINT NOT NULL,
	KEY spool_file_instance (instance, number),
	KEY spool_file_boot (boot),
	KEY spool_file_host (host, opened_us),
	KEY spool_file_loaded (loaded_us),
	KEY spool_file_previous (previous)
);

-- What its trailer says, and what was found.
CREATE TABLE IF NOT EXISTS spool_count (
	spool_file BIGINT NOT NULL,     -- → spool_file
	kind VARCHAR(64) NOT NULL,      -- lines (by kind of record), lost (by cause)
	name VARCHAR(255) NOT NULL,
	stated BIGINT,                  -- by the trailer; NULL if it does not say
	found BIGINT,                   -- by the loader; NULL for lost
	PRIMARY KEY (spool_file, kind, name)
);

-- What is wrong with it.
CREATE TABLE IF NOT EXISTS spool_problem (
	spool_file BIGINT NOT NULL,     -- → spool_file
	position BIGINT NOT NULL,       -- numbers the problems of a file
	fact VARCHAR(255) NOT NULL,     -- header, trailer, name, lines, counts, seq
	first_seq BIGINT,               -- seq: the missing range
	last_seq BIGINT,
	missing BIGINT,                 -- how many lines or records, if known
	reason TEXT NOT NULL,           -- one sentence
	PRIMARY KEY (spool_file, position)
);

-- Lines that could not be loaded.
CREATE TABLE IF NOT EXISTS quarantine (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	spool_file BIGINT,              -- → spool_file; NULL: imported from elsewhere
	file TEXT NOT NULL,             -- as it was named on the command line or found
	line BIGINT NOT NULL,           -- from 1
	field VARCHAR(255),             -- the field that was wrong, if one was
	reason TEXT NOT NULL,
	size BIGINT NOT NULL,           -- bytes of the line
	text MEDIUMBLOB,                -- the line; NULL if it was too long to keep
	time_us BIGINT NOT NULL,
	KEY quarantine_spool_file (spool_file),
	KEY quarantine_file (file(255), line)
);

-- ---------------------------------------------------------------- views

CREATE OR REPLACE SQL SECURITY INVOKER VIEW object_view AS
SELECT o.id, p.path, p.name, p.software, p.module, nullif(o.build_id, x'') AS build_id, nullif(o.watermark, x'') AS watermark
FROM object o JOIN path p ON p.id = o.path;

-- A run with everything but its sets. LEFT JOIN throughout, and in the next two: a planner that knows little of
-- how many rows there are has nothing to choose, and begins with the runs that were asked for.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW run_view AS
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
CREATE OR REPLACE SQL SECURITY INVOKER VIEW run_group_view AS
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
CREATE OR REPLACE SQL SECURITY INVOKER VIEW link_view AS
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
CREATE OR REPLACE SQL SECURITY INVOKER VIEW boot_view AS
SELECT b.id AS boot, b.host, h.name AS host_name, h.cluster, b.boot_id,
	min(coalesce(n.booted_us, n.time_us)) AS booted_us, max(n.time_us) AS seen_us
FROM boot b
JOIN host h ON h.id = b.host
JOIN instance i ON i.boot = b.id
JOIN node_record n ON n.instance = i.id
GROUP BY b.id, b.host, h.name, h.cluster, b.boot_id;

-- Files that others name as the one before them and that have not come.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW missing_file AS
SELECT f.previous AS name, h.name AS host, h.cluster, b.boot_id, f.name AS named_by, f.opened_us AS before_us
FROM spool_file f
LEFT JOIN host h ON h.id = f.host
LEFT JOIN boot b ON b.id = f.boot
WHERE f.previous IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spool_file p WHERE p.name = f.previous);

-- Records that are known to exist and have not come: between the files of an instance, and within a file.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW missing_record AS
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
