-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 4: who told a rank; runs of a container; what a resource manager's accounting says of a job.

ALTER TABLE run ADD COLUMN mpi_from TEXT; -- the variable that told the rank
CREATE INDEX run_container ON run (container, start_us) WHERE container IS NOT NULL;
CREATE INDEX run_group_container ON run_group (container, start_us) WHERE container IS NOT NULL;
CREATE INDEX container_runtime ON container (runtime);
CREATE INDEX job_sluid ON job (sluid) WHERE sluid <> '';

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
	state TEXT NOT NULL,         -- as the manager calls it: COMPLETED, OUT_OF_MEMORY, …
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

-- As in migration 1, with mpi_from.
DROP VIEW run_view;
CREATE VIEW run_view AS
SELECT r.run_id, r.state, r.source, r.origin, r.seq,
	h.name AS host, h.cluster, b.boot_id,
	r.pid, r.ppid, r.parent_run_id, u.name AS user, r.uid, r.euid, r.gid, r.login_uid,
	p.path AS exe, p.name AS exe_name, t.requested,
	nullif(g.build_id, x'') AS build_id, nullif(g.watermark, x'') AS watermark, g.watermark_state,
	nullif(g.device, '') AS device, nullif(g.inode, 0) AS inode, nullif(g.fstype, '') AS fstype,
	nullif(g.owner_uid, -1) AS owner_uid, nullif(g.size, -1) AS size, nullif(g.mtime_us, -1) AS mtime_us,
	t.script, t.argv, t.argv_b64, t.cwd,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id,
	r.start_us, r.end_us, r.elapsed_us,
	r.exit_code, r.exit_signal, r.exit_name, r.exit_core, r.exit_oom, r.next_run_id,
	r.user_us, r.system_us, r.max_rss, r.read_bytes, r.write_bytes, r.minor_faults, r.major_faults, r.forks,
	r.mpi_rank, r.mpi_size, r.mpi_from,
	r.object_set, os.hash AS object_set_hash, r.env_set, es.hash AS env_set_hash, r.incomplete,
	r.program, r.job, r.user AS user_ref, r.spool_file
FROM run r
JOIN host h ON h.id = r.host
JOIN boot b ON b.id = r.boot
JOIN program g ON g.id = r.program
JOIN path p ON p.id = g.path
LEFT JOIN user_name u ON u.id = r.user
LEFT JOIN run_text t ON t.run_id = r.run_id
LEFT JOIN job j ON j.id = r.job
LEFT JOIN cgroup c ON c.id = r.cgroup
LEFT JOIN container n ON n.id = r.container
LEFT JOIN object_set os ON os.id = r.object_set
LEFT JOIN env_set es ON es.id = r.env_set;
