-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 2: what is imported from XALT.

-- What XALT knows of a run and Runmark doesn't; of imported runs alone.
CREATE TABLE IF NOT EXISTS run_xalt (
	run_id BINARY(16) NOT NULL PRIMARY KEY, -- → run
	run_uuid BINARY(16) NOT NULL,   -- 16 bytes, XALT's name of the run
	hash_id VARBINARY(20),          -- 20 bytes, sha1 of the program
	exec_type VARCHAR(255),         -- binary, script
	tasks BIGINT,                   -- processes of the run as a whole
	nodes BIGINT,
	threads BIGINT,                 -- of one task
	gpus BIGINT,
	probability DOUBLE,             -- with which XALT records such a run; it stands for 1/probability runs
	submit_host VARCHAR(255),
	KEY run_xalt_uuid (run_uuid)
)
PARTITION BY RANGE COLUMNS (run_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- A package that a run's interpreter loaded (Python, R, …). It may come before its run.
CREATE TABLE IF NOT EXISTS package (
	id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
	run_ref BINARY(16) NOT NULL,    -- 16 bytes: the run as its source calls it (run_xalt.run_uuid, else run.run_id)
	program VARCHAR(64) NOT NULL,   -- the interpreter: python, R, MATLAB
	name VARCHAR(255) NOT NULL,
	version VARCHAR(255) NOT NULL,  -- '' if it was not told
	path BIGINT NOT NULL,           -- → path; of '' if it was not told
	UNIQUE KEY (run_ref, program, name, version, path),
	KEY package_name (name),
	KEY package_path (path)
);

-- What XALT knows of a link and Runmark doesn't; of imported links alone.
CREATE TABLE IF NOT EXISTS link_xalt (
	link_id BINARY(16) NOT NULL PRIMARY KEY, -- → link
	hash_id VARBINARY(20)           -- 20 bytes, sha1 of the output
)
PARTITION BY RANGE COLUMNS (link_id) (PARTITION later VALUES LESS THAN (MAXVALUE));

-- Packages whose run is not here: it has not come yet, or XALT never recorded it.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW package_without_run AS
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
-- MariaDB plans the parts before conditions reach them: only what is joined inner can come before the runs then. That
-- is good for watermarks; with users, too, it would take them for the beginning of a question by date.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_any_run AS
SELECT r.run_id, r.local_time AS date, h.cluster AS syshost, g.watermark_text AS uuid, u.name AS user,
	CONVERT(p.path USING utf8mb4) COLLATE utf8mb4_bin AS exec_path, p.module AS module_name,
	r.start_us, r.end_us, r.elapsed_us, coalesce(r.cores, 1) AS num_cores, 1 AS runs, r.job, r.container
FROM run r
JOIN program g ON g.id = r.program
LEFT JOIN path p ON p.id = g.path
LEFT JOIN host h ON h.id = r.host
LEFT JOIN user_name u ON u.id = r.user
UNION ALL
SELECT r.group_id, r.local_time, h.cluster, g.watermark_text, u.name,
	CONVERT(p.path USING utf8mb4) COLLATE utf8mb4_bin, p.module,
	r.start_us, r.end_us, r.elapsed_us, 1, r.runs, r.job, r.container
FROM run_group r
JOIN program g ON g.id = r.program
LEFT JOIN path p ON p.id = g.path
LEFT JOIN host h ON h.id = r.host
LEFT JOIN user_name u ON u.id = r.user;

-- Their sets: read from an index alone where there is one.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_any_set AS
SELECT r.run_id, r.object_set, r.env_set FROM run r
UNION ALL
SELECT r.group_id, r.object_set, r.env_set FROM run_group r;

-- What accounting says of a job: of its submissions (it may have been queued again) the last one; one of the same
-- cluster before one of a cluster that one side does not name.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW job_accounting AS
SELECT j.id AS job, coalesce(
	(SELECT s.id FROM accounting s WHERE s.job_id = j.job_id AND s.cluster = j.cluster AND s.manager = j.manager
		ORDER BY s.submit_us DESC LIMIT 1),
	(SELECT s.id FROM accounting s WHERE s.job_id = j.job_id AND s.manager = j.manager
		AND (s.cluster = '' OR j.cluster = '')
		ORDER BY s.submit_us DESC LIMIT 1)) AS accounting
FROM job j;

-- Tables that nothing is asked of are not looked at.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_run AS
SELECT r.run_id, j.job_id,
	lower(insert(insert(insert(insert(hex(coalesce(x.run_uuid, r.run_id)),
		9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-')) AS run_uuid,
	r.date, r.syshost, r.uuid, nullif(lower(hex(x.hash_id)), '') AS hash_id,
	a.account AS account,
	coalesce(x.exec_type, 'binary') AS exec_type,
	r.start_us / 1e6 AS start_time, coalesce(r.end_us / 1e6, 0e0) AS end_time,
	coalesce(r.elapsed_us / 1e6, 0e0) AS run_time, coalesce(x.probability, 1e0) AS probability,
	r.num_cores, coalesce(x.nodes, 1) AS num_nodes, coalesce(x.threads, 1) AS num_threads,
	coalesce(x.gpus, 0) AS num_gpus,
	a.queue AS queue,
	r.runs AS sum_runs, coalesce(r.elapsed_us / 1e6, 0e0) AS sum_time,
	r.user, r.exec_path, r.module_name,
	CONVERT(t.cwd USING utf8mb4) COLLATE utf8mb4_bin AS cwd,
	compress(t.argv) AS cmdline, n.runtime AS container
FROM xalt_any_run r
LEFT JOIN run_xalt x ON x.run_id = r.run_id
LEFT JOIN container n ON n.id = r.container
LEFT JOIN job j ON j.id = r.job
LEFT JOIN run_text t ON t.run_id = r.run_id
LEFT JOIN job_accounting q ON q.job = r.job
LEFT JOIN accounting a ON a.id = q.accounting;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_link AS
SELECT l.link_id, l.watermark_text AS uuid, nullif(lower(hex(x.hash_id)), '') AS hash_id, l.local_time AS date,
	CASE l.source WHEN 'xalt' THEN l.compiler_name
		ELSE CONVERT(coalesce(d.name, k.name) USING utf8mb4) COLLATE utf8mb4_bin END AS link_program,
	CONVERT(coalesce(d.path, k.path) USING utf8mb4) COLLATE utf8mb4_bin AS link_path,
	coalesce(d.module, k.module) AS link_module_name,
	compress(coalesce(t.driver_argv, t.link_line)) AS link_line, CONVERT(t.cwd USING utf8mb4) COLLATE utf8mb4_bin AS cwd,
	u.name AS build_user, h.cluster AS build_syshost, l.time_us / 1e6 AS build_epoch,
	CONVERT(o.path USING utf8mb4) COLLATE utf8mb4_bin AS exec_path
FROM link l
LEFT JOIN host h ON h.id = l.host
LEFT JOIN path o ON o.id = l.output
LEFT JOIN path k ON k.id = l.linker
LEFT JOIN path d ON d.id = l.driver
LEFT JOIN user_name u ON u.id = l.user
LEFT JOIN link_text t ON t.link_id = l.link_id
LEFT JOIN link_xalt x ON x.link_id = l.link_id;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_object AS
SELECT o.id AS obj_id, CONVERT(p.path USING utf8mb4) COLLATE utf8mb4_bin AS object_path,
	(SELECT CASE count(DISTINCT h.cluster) WHEN 1 THEN min(h.cluster) END FROM host h) AS syshost,
	CAST(NULL AS CHAR(40)) AS hash_id, p.module AS module_name, CAST(NULL AS DATETIME) AS timestamp,
	CASE WHEN p.name LIKE '%.so' OR p.name LIKE '%.so.%' THEN 'so'
		WHEN p.name LIKE '%.a' THEN 'a' WHEN p.name LIKE '%.o' THEN 'o'
		ELSE '--' END AS lib_type
FROM object o JOIN path p ON p.id = o.path;

-- STRAIGHT: the run first, then its objects.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW join_run_object AS
SELECT m.position AS join_id, m.object AS obj_id, s.run_id, coalesce(r.local_time, g.local_time) AS date
FROM xalt_any_set s STRAIGHT_JOIN object_set_member m ON m.object_set = s.object_set
LEFT JOIN run r ON r.run_id = s.run_id
LEFT JOIN run_group g ON g.group_id = s.run_id;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW join_link_object AS
SELECT m.position AS join_id, m.object AS obj_id, l.link_id, l.local_time AS date
FROM link l JOIN input_set_member m ON m.input_set = l.input_set;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_env_name AS
SELECT e.id AS env_id, e.name AS env_name FROM env_name e;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW join_run_env AS
SELECT m.name AS join_id, m.name AS env_id, s.run_id, coalesce(r.local_time, g.local_time) AS date, m.value AS env_value
FROM xalt_any_set s STRAIGHT_JOIN env_set_member m ON m.env_set = s.env_set
LEFT JOIN run r ON r.run_id = s.run_id
LEFT JOIN run_group g ON g.group_id = s.run_id;

-- Functions that a program takes from others, where their names are recorded. func_id is the name itself.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_function AS
SELECT DISTINCT f.name AS func_id, f.name AS function_name
FROM link_text t, JSON_TABLE(t.imported_names, '$[*]'
	COLUMNS (position FOR ORDINALITY, name VARCHAR(4096) PATH '$')) f;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW join_link_function AS
SELECT f.position AS join_id, f.name AS func_id, l.link_id, l.local_time AS date
FROM link l JOIN link_text t ON t.link_id = l.link_id,
	JSON_TABLE(t.imported_names, '$[*]'
	COLUMNS (position FOR ORDINALITY, name VARCHAR(4096) PATH '$')) f;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_pkg AS
SELECT k.id AS pkg_id, coalesce(x.run_id, k.run_ref) AS run_id, k.program, k.name AS pkg_name,
	nullif(k.version, '') AS pkg_version, nullif(CONVERT(p.path USING utf8mb4) COLLATE utf8mb4_bin, '') AS pkg_path
FROM package k
JOIN path p ON p.id = k.path
LEFT JOIN run_xalt x ON x.run_uuid = k.run_ref;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_user AS
SELECT u.id AS usr_id, u.name AS user, CAST(NULL AS CHAR(40)) AS anon_user FROM user_name u;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_account AS
SELECT min(a.id) AS acct_id, a.account, CAST(NULL AS CHAR(40)) AS anon_user, CAST(NULL AS CHAR(40)) AS field_of_science
FROM accounting a WHERE a.account IS NOT NULL GROUP BY a.account;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_field_of_science AS
SELECT min(a.id) AS fos_id, a.account, CAST(NULL AS CHAR(40)) AS field_of_science, CAST(NULL AS CHAR(40)) AS directorate
FROM accounting a WHERE a.account IS NOT NULL GROUP BY a.account;

-- XALT itself writes none.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW xalt_total_env AS
SELECT 0 AS envT_id, CAST(NULL AS CHAR(40)) AS run_id, CAST(NULL AS DATETIME) AS date, CAST(NULL AS CHAR(40)) AS env_blob
FROM schema_version WHERE 1 = 0;
