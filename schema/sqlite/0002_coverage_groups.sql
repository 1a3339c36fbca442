-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 2: what coverage is told from, groups as runs are asked for, runs that are open or long.

-- ---------------------------------------------------------------- completeness

ALTER TABLE node_record ADD COLUMN booted_us INTEGER;        -- the node's boot; NULL: an older runmarkd
ALTER TABLE node_record ADD COLUMN capture_began_us INTEGER; -- since then the kernel side has captured without a break

CREATE INDEX instance_boot ON instance (boot);
CREATE INDEX boot_host ON boot (host);
CREATE INDEX spool_file_host ON spool_file (host, opened_us);

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

-- ---------------------------------------------------------------- runs by time

-- A run that began before a window may reach into it. How long it took is told in classes, each with its own
-- short stretch of starts to look at, so that all runs of a window are found by a few ranges of one index:
--   NULL below an hour, 1 below 8 hours, 2 below 64, 3 below 512, 4 longer, 9 open (its end has not come)
ALTER TABLE run ADD COLUMN span INTEGER GENERATED ALWAYS AS (CASE
	WHEN state = 0 THEN 9
	WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
	WHEN end_us - start_us < 28800000000 THEN 1
	WHEN end_us - start_us < 230400000000 THEN 2
	WHEN end_us - start_us < 1843200000000 THEN 3
	ELSE 4 END) VIRTUAL;
CREATE INDEX run_span ON run (span, start_us) WHERE span IS NOT NULL;

ALTER TABLE run_group ADD COLUMN span INTEGER GENERATED ALWAYS AS (CASE
	WHEN end_us IS NULL OR end_us - start_us < 3600000000 THEN NULL
	WHEN end_us - start_us < 28800000000 THEN 1
	WHEN end_us - start_us < 230400000000 THEN 2
	WHEN end_us - start_us < 1843200000000 THEN 3
	ELSE 4 END) VIRTUAL;
CREATE INDEX run_group_span ON run_group (span, start_us) WHERE span IS NOT NULL;

DROP INDEX run_job;
CREATE INDEX run_job ON run (job, start_us) WHERE job IS NOT NULL;
CREATE INDEX run_host ON run (host, start_us);
CREATE INDEX run_failed ON run (start_us) WHERE exit_signal IS NOT NULL OR exit_code <> 0;

-- ---------------------------------------------------------------- groups

DROP INDEX run_group_job;
CREATE INDEX run_group_job ON run_group (job, start_us) WHERE job IS NOT NULL;
CREATE INDEX run_group_host ON run_group (host, start_us);
CREATE INDEX run_group_user ON run_group (user, start_us);
CREATE INDEX run_group_object_set ON run_group (object_set, start_us);

-- A group with everything but its sets.
CREATE VIEW run_group_view AS
SELECT r.group_id, r.source, r.seq,
	h.name AS host, h.cluster, b.boot_id,
	u.name AS user, r.uid, r.euid, r.gid,
	p.path AS exe, p.name AS exe_name,
	nullif(g.build_id, x'') AS build_id, nullif(g.watermark, x'') AS watermark, g.watermark_state,
	nullif(g.device, '') AS device, nullif(g.inode, 0) AS inode, nullif(g.fstype, '') AS fstype,
	nullif(g.owner_uid, -1) AS owner_uid, nullif(g.size, -1) AS size, nullif(g.mtime_us, -1) AS mtime_us,
	r.script,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id,
	r.runs, r.start_us, r.end_us, r.elapsed_us, r.elapsed_min_us, r.elapsed_max_us, r.exits,
	r.user_us, r.system_us, r.max_rss, r.usage,
	r.object_set, os.hash AS object_set_hash, r.env_set, es.hash AS env_set_hash, r.incomplete,
	r.program, r.job, r.user AS user_ref, r.spool_file
FROM run_group r
JOIN host h ON h.id = r.host
JOIN boot b ON b.id = r.boot
LEFT JOIN program g ON g.id = r.program
LEFT JOIN path p ON p.id = g.path
LEFT JOIN user_name u ON u.id = r.user
LEFT JOIN job j ON j.id = r.job
LEFT JOIN cgroup c ON c.id = r.cgroup
LEFT JOIN container n ON n.id = r.container
LEFT JOIN object_set os ON os.id = r.object_set
LEFT JOIN env_set es ON es.id = r.env_set;
