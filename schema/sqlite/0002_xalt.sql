-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 2: what is imported from XALT.

-- What XALT knows of a run and Runmark doesn't; of imported runs alone.
CREATE TABLE run_xalt (
	run_id BLOB NOT NULL PRIMARY KEY, -- → run
	run_uuid BLOB NOT NULL UNIQUE, -- 16 bytes, XALT's name of the run
	hash_id BLOB,                -- 20 bytes, sha1 of the program
	exec_type TEXT,              -- binary, script
	tasks INTEGER,               -- processes of the run as a whole
	nodes INTEGER,
	threads INTEGER,             -- of one task
	gpus INTEGER,
	probability REAL,            -- with which XALT records such a run; it stands for 1/probability runs
	submit_host TEXT
);

-- A package that a run's interpreter loaded (Python, R, …). It may come before its run.
CREATE TABLE package (
	id INTEGER PRIMARY KEY,
	run_ref BLOB NOT NULL,       -- 16 bytes: the run as its source calls it (run_xalt.run_uuid, else run.run_id)
	program TEXT NOT NULL,       -- the interpreter: python, R, MATLAB
	name TEXT NOT NULL,
	version TEXT NOT NULL,       -- '' if it was not told
	path INTEGER NOT NULL,       -- → path; of '' if it was not told
	UNIQUE (run_ref, program, name, version, path)
);
CREATE INDEX package_name ON package (name);
CREATE INDEX package_path ON package (path);

-- What XALT knows of a link and Runmark doesn't; of imported links alone.
CREATE TABLE link_xalt (
	link_id BLOB NOT NULL PRIMARY KEY, -- → link
	hash_id BLOB                 -- 20 bytes, sha1 of the output
);

-- Packages whose run is not here: it has not come yet, or XALT never recorded it.
CREATE VIEW package_without_run AS
SELECT k.id, k.run_ref, k.program, k.name, k.version, p.path
FROM package k JOIN path p ON p.id = k.path
WHERE NOT EXISTS (SELECT 1 FROM run_xalt x WHERE x.run_uuid = k.run_ref)
	AND NOT EXISTS (SELECT 1 FROM run r WHERE r.run_id = k.run_ref);

-- ---------------------------------------------------------------- views for queries written against XALT
--
-- XALT's tables, under their names, with their columns: see runmark-xalt(7) for what each says, and where it says
-- other than XALT. All that was recorded is in them, by Runmark or XALT. `date` is local time, where runmark-ingest
-- ran. run_id is the 16 bytes of run.run_id or run_group.group_id, link_id those of link.link_id: what XALT has
-- small numbers for is bytes here, which join as well.

-- Runs and groups alike: what XALT's queries ask runs by. Conditions on it reach the indexes of both tables, so it
-- has few columns, and those that cost (texts, accounting) are joined to what is left, in xalt_run.
CREATE VIEW xalt_any_run AS
SELECT r.run_id, r.local_time AS date, h.cluster AS syshost, g.watermark_text AS uuid, u.name AS user,
	CAST(p.path AS TEXT) AS exec_path, p.module AS module_name,
	r.start_us, r.end_us, r.elapsed_us, coalesce(r.cores, 1) AS num_cores, 1 AS runs, r.job, r.container
FROM run r
JOIN program g ON g.id = r.program
JOIN path p ON p.id = g.path
LEFT JOIN host h ON h.id = r.host
LEFT JOIN user_name u ON u.id = r.user
UNION ALL
SELECT r.group_id, r.local_time, h.cluster, g.watermark_text, u.name,
	CAST(p.path AS TEXT), p.module,
	r.start_us, r.end_us, r.elapsed_us, 1, r.runs, r.job, r.container
FROM run_group r
JOIN program g ON g.id = r.program
JOIN path p ON p.id = g.path
LEFT JOIN host h ON h.id = r.host
LEFT JOIN user_name u ON u.id = r.user;

-- Their sets: read from an index alone where there is one.
CREATE VIEW xalt_any_set AS
SELECT r.run_id, r.object_set, r.env_set FROM run r
UNION ALL
SELECT r.group_id, r.object_set, r.env_set FROM run_group r;

-- What accounting says of a job: of its submissions (it may have been queued again) the last one; one of the same
-- cluster before one of a cluster that one side does not name.
CREATE VIEW job_accounting AS
SELECT j.id AS job, coalesce(
	(SELECT s.id FROM accounting s WHERE s.job_id = j.job_id AND s.cluster = j.cluster AND s.manager = j.manager
		ORDER BY s.submit_us DESC LIMIT 1),
	(SELECT s.id FROM accounting s WHERE s.job_id = j.job_id AND s.manager = j.manager
		AND (s.cluster = '' OR j.cluster = '')
		ORDER BY s.submit_us DESC LIMIT 1)) AS accounting
FROM job j;

-- What few ask for is looked up where it is asked for alone.
CREATE VIEW xalt_run AS
SELECT r.run_id, j.job_id,
	lower(substr(hex(coalesce(x.run_uuid, r.run_id)), 1, 8) || '-' ||
		substr(hex(coalesce(x.run_uuid, r.run_id)), 9, 4) || '-' ||
		substr(hex(coalesce(x.run_uuid, r.run_id)), 13, 4) || '-' ||
		substr(hex(coalesce(x.run_uuid, r.run_id)), 17, 4) || '-' ||
		substr(hex(coalesce(x.run_uuid, r.run_id)), 21)) AS run_uuid,
	r.date, r.syshost, r.uuid, nullif(lower(hex(x.hash_id)), '') AS hash_id,
	(SELECT a.account FROM job_accounting q JOIN accounting a ON a.id = q.accounting WHERE q.job = r.job) AS account,
	coalesce(x.exec_type, 'binary') AS exec_type,
	r.start_us / 1e6 AS start_time, coalesce(r.end_us / 1e6, 0e0) AS end_time,
	coalesce(r.elapsed_us / 1e6, 0e0) AS run_time, coalesce(x.probability, 1e0) AS probability,
	r.num_cores, coalesce(x.nodes, 1) AS num_nodes, coalesce(x.threads, 1) AS num_threads,
	coalesce(x.gpus, 0) AS num_gpus,
	(SELECT a.queue FROM job_accounting q JOIN accounting a ON a.id = q.accounting WHERE q.job = r.job) AS queue,
	r.runs AS sum_runs, coalesce(r.elapsed_us / 1e6, 0e0) AS sum_time,
	r.user, r.exec_path, r.module_name,
	(SELECT CAST(t.cwd AS TEXT) FROM run_text t WHERE t.run_id = r.run_id) AS cwd,
	(SELECT t.argv FROM run_text t WHERE t.run_id = r.run_id) AS cmdline, n.runtime AS container
FROM xalt_any_run r
LEFT JOIN run_xalt x ON x.run_id = r.run_id
LEFT JOIN container n ON n.id = r.container
LEFT JOIN job j ON j.id = r.job;

CREATE VIEW xalt_link AS
SELECT l.link_id, l.watermark_text AS uuid, nullif(lower(hex(x.hash_id)), '') AS hash_id, l.local_time AS date,
	CASE l.source WHEN 'xalt' THEN l.compiler_name
		ELSE CAST(coalesce(d.name, k.name) AS TEXT) END AS link_program,
	CAST(coalesce(d.path, k.path) AS TEXT) AS link_path,
	coalesce(d.module, k.module) AS link_module_name,
	coalesce(t.driver_argv, t.link_line) AS link_line, CAST(t.cwd AS TEXT) AS cwd,
	u.name AS build_user, h.cluster AS build_syshost, l.time_us / 1e6 AS build_epoch,
	CAST(o.path AS TEXT) AS exec_path
FROM link l
LEFT JOIN host h ON h.id = l.host
LEFT JOIN path o ON o.id = l.output
LEFT JOIN path k ON k.id = l.linker
LEFT JOIN path d ON d.id = l.driver
LEFT JOIN user_name u ON u.id = l.user
LEFT JOIN link_text t ON t.link_id = l.link_id
LEFT JOIN link_xalt x ON x.link_id = l.link_id;

CREATE VIEW xalt_object AS
SELECT o.id AS obj_id, CAST(p.path AS TEXT) AS object_path,
	(SELECT CASE count(DISTINCT h.cluster) WHEN 1 THEN min(h.cluster) END FROM host h) AS syshost,
	NULL AS hash_id, p.module AS module_name, NULL AS timestamp,
	CASE WHEN CAST(p.name AS TEXT) LIKE '%.so' OR CAST(p.name AS TEXT) LIKE '%.so.%' THEN 'so'
		WHEN CAST(p.name AS TEXT) LIKE '%.a' THEN 'a' WHEN CAST(p.name AS TEXT) LIKE '%.o' THEN 'o'
		ELSE '--' END AS lib_type
FROM object o JOIN path p ON p.id = o.path;

-- CROSS: the run first, then its objects.
CREATE VIEW join_run_object AS
SELECT m.position AS join_id, m.object AS obj_id, s.run_id,
	coalesce((SELECT r.local_time FROM run r WHERE r.run_id = s.run_id),
		(SELECT g.local_time FROM run_group g WHERE g.group_id = s.run_id)) AS date
FROM xalt_any_set s CROSS JOIN object_set_member m ON m.object_set = s.object_set;

CREATE VIEW join_link_object AS
SELECT m.position AS join_id, m.object AS obj_id, l.link_id, l.local_time AS date
FROM link l JOIN input_set_member m ON m.input_set = l.input_set;

CREATE VIEW xalt_env_name AS
SELECT e.id AS env_id, e.name AS env_name FROM env_name e;

CREATE VIEW join_run_env AS
SELECT m.name AS join_id, m.name AS env_id, s.run_id,
	coalesce((SELECT r.local_time FROM run r WHERE r.run_id = s.run_id),
		(SELECT g.local_time FROM run_group g WHERE g.group_id = s.run_id)) AS date,
	m.value AS env_value
FROM xalt_any_set s CROSS JOIN env_set_member m ON m.env_set = s.env_set;

-- Functions that a program takes from others, where their names are recorded. func_id is the name itself.
CREATE VIEW xalt_function AS
SELECT DISTINCT f.value AS func_id, f.value AS function_name
FROM link_text t, json_each(t.imported_names) f;

CREATE VIEW join_link_function AS
SELECT f.key AS join_id, f.value AS func_id, l.link_id, l.local_time AS date
FROM link l JOIN link_text t ON t.link_id = l.link_id,
	json_each(t.imported_names) f;

CREATE VIEW xalt_pkg AS
SELECT k.id AS pkg_id, coalesce(x.run_id, k.run_ref) AS run_id, k.program, k.name AS pkg_name,
	nullif(k.version, '') AS pkg_version, nullif(CAST(p.path AS TEXT), '') AS pkg_path
FROM package k
JOIN path p ON p.id = k.path
LEFT JOIN run_xalt x ON x.run_uuid = k.run_ref;

CREATE VIEW xalt_user AS
SELECT u.id AS usr_id, u.name AS user, NULL AS anon_user FROM user_name u;

CREATE VIEW xalt_account AS
SELECT min(a.id) AS acct_id, a.account, NULL AS anon_user, NULL AS field_of_science
FROM accounting a WHERE a.account IS NOT NULL GROUP BY a.account;

CREATE VIEW xalt_field_of_science AS
SELECT min(a.id) AS fos_id, a.account, NULL AS field_of_science, NULL AS directorate
FROM accounting a WHERE a.account IS NOT NULL GROUP BY a.account;

-- XALT itself writes none.
CREATE VIEW xalt_total_env AS
SELECT 0 AS envT_id, NULL AS run_id, NULL AS date, NULL AS env_blob
FROM schema_version WHERE 1 = 0;
