-- SPDX-License-Identifier: BSD-2-Clause
--
-- What users may read of themselves, MariaDB and MySQL: a second database beside the site's, its name with _own behind
-- it, with views that have the names and columns of the tables that runmark reads. Who has no right to the site's
-- database is shown this one by runmark. Made by runmark-ingest --migrate; grants.sql has the rights.
--
-- WHOSE ROWS
--
-- Those of the user as whom the client was let in: user() without what stands behind its last @, compared byte by byte
-- with user_name.name. That is as true as the server's authentication: see runmark-ingest(8). A view runs with the
-- rights of the account that made it (SQL SECURITY DEFINER), which --migrate was run with: keep it, locked if you like.
--
-- WHY THEY ARE WRITTEN LIKE THIS
--
-- A condition that a user adds may be evaluated before a view's own ones, and some functions tell in their errors and
-- warnings what they were given. So it is not enough that rows of others are left out in the end: they must not be read.
-- Therefore each view starts with the user's row, goes on to runs, groups and links by an index that begins with the
-- user, and from those to what they refer to by its primary key: STRAIGHT_JOIN keeps that order, FORCE INDEX leaves no
-- other way into a table. What users' rows refer to is put together in the views own_… first. There a question for one
-- set or program may lead through the index of that number, where runs of others stand, too: but numbers are all that
-- conditions on those views are about.
--
-- Hosts, boots and what is known of the nodes' completeness are not personal: they are shown without counts of what ran.
-- Lines in quarantine, pseudonyms and what is pruned are nobody's to read: such views have no rows.
--
-- HOW THIS FILE IS RUN
--
-- As the migrations (see 0001_initial.sql), in the own database. @site@ stands for the site's. The views of the
-- migrations are made in the own database behind it, on these.

CREATE OR REPLACE SQL SECURITY DEFINER VIEW schema_version AS SELECT v.* FROM @site@.schema_version v;

-- ---------------------------------------------------------------- persons

CREATE OR REPLACE SQL SECURITY DEFINER VIEW user_name AS
SELECT u.* FROM @site@.user_name u FORCE INDEX (name)
WHERE u.name = CONVERT(left(user(), char_length(user()) - 1 - char_length(substring_index(user(), '@', -1)))
	USING utf8mb4);

CREATE OR REPLACE SQL SECURITY DEFINER VIEW pseudonym AS SELECT p.* FROM @site@.pseudonym p WHERE 1 = 0;

-- ---------------------------------------------------------------- runs, groups, links

CREATE OR REPLACE SQL SECURITY DEFINER VIEW run AS
SELECT r.* FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_user, run_own) ON r.user = u.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW run_text AS
SELECT t.* FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own) ON r.user = u.id
STRAIGHT_JOIN @site@.run_text t FORCE INDEX (PRIMARY) ON t.run_id = r.run_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW run_xalt AS
SELECT x.* FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own) ON r.user = u.id
STRAIGHT_JOIN @site@.run_xalt x FORCE INDEX (PRIMARY) ON x.run_id = r.run_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW run_group AS
SELECT r.* FROM user_name u
STRAIGHT_JOIN @site@.run_group r FORCE INDEX (run_group_user, run_group_own) ON r.user = u.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW run_group_text AS
SELECT t.* FROM user_name u STRAIGHT_JOIN @site@.run_group r FORCE INDEX (run_group_own) ON r.user = u.id
STRAIGHT_JOIN @site@.run_group_text t FORCE INDEX (PRIMARY) ON t.group_id = r.group_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW link AS
SELECT l.* FROM user_name u STRAIGHT_JOIN @site@.link l FORCE INDEX (link_user, link_own) ON l.user = u.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW link_text AS
SELECT t.* FROM user_name u STRAIGHT_JOIN @site@.link l FORCE INDEX (link_own) ON l.user = u.id
STRAIGHT_JOIN @site@.link_text t FORCE INDEX (PRIMARY) ON t.link_id = l.link_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW link_xalt AS
SELECT x.* FROM user_name u STRAIGHT_JOIN @site@.link l FORCE INDEX (link_own) ON l.user = u.id
STRAIGHT_JOIN @site@.link_xalt x FORCE INDEX (PRIMARY) ON x.link_id = l.link_id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW accounting AS
SELECT a.* FROM user_name u STRAIGHT_JOIN @site@.accounting a FORCE INDEX (accounting_user) ON a.user = u.name;

-- Packages of runs that XALT recorded, and of others.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW package AS
SELECT k.* FROM (SELECT x.run_uuid AS run_ref FROM run_xalt x UNION SELECT r.run_id FROM run r) d
STRAIGHT_JOIN @site@.package k FORCE INDEX (run_ref) ON k.run_ref = d.run_ref;

-- ---------------------------------------------------------------- what they refer to

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_program AS
SELECT r.program AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_program) ON r.user = u.id
UNION SELECT r.program FROM run_group r;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_object_set AS
SELECT r.object_set AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_object_set) ON r.user = u.id
UNION SELECT r.object_set FROM run_group r;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_env_set AS
SELECT r.env_set AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_env_set) ON r.user = u.id
UNION SELECT r.env_set FROM run_group r;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_job AS
SELECT r.job AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_job) ON r.user = u.id
UNION SELECT r.job FROM run_group r UNION SELECT l.job FROM link l;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_cgroup AS
SELECT r.cgroup AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_cgroup) ON r.user = u.id
UNION SELECT r.cgroup FROM run_group r UNION SELECT l.cgroup FROM link l;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_container AS
SELECT r.container AS id
FROM user_name u STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own, run_container) ON r.user = u.id
UNION SELECT r.container FROM run_group r;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_input_set AS
SELECT DISTINCT l.input_set AS id FROM link l;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_object AS
SELECT m.object AS id FROM own_object_set s
STRAIGHT_JOIN @site@.object_set_member m FORCE INDEX (PRIMARY) ON m.object_set = s.id
UNION
SELECT i.object FROM own_input_set s
STRAIGHT_JOIN @site@.input_set_member i FORCE INDEX (PRIMARY) ON i.input_set = s.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW own_path AS
SELECT g.path AS id FROM own_program d STRAIGHT_JOIN @site@.program g FORCE INDEX (PRIMARY) ON g.id = d.id
UNION
SELECT o.path FROM own_object d STRAIGHT_JOIN @site@.object o FORCE INDEX (PRIMARY) ON o.id = d.id
UNION SELECT l.output FROM link l
UNION SELECT l.linker FROM link l
UNION SELECT l.driver FROM link l
UNION SELECT k.path FROM package k;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW program AS
SELECT g.* FROM own_program d STRAIGHT_JOIN @site@.program g FORCE INDEX (PRIMARY) ON g.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW path AS
SELECT p.* FROM own_path d STRAIGHT_JOIN @site@.path p FORCE INDEX (PRIMARY) ON p.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW object AS
SELECT o.* FROM own_object d STRAIGHT_JOIN @site@.object o FORCE INDEX (PRIMARY) ON o.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW object_set AS
SELECT s.* FROM own_object_set d STRAIGHT_JOIN @site@.object_set s FORCE INDEX (PRIMARY) ON s.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW object_set_member AS
SELECT m.* FROM own_object_set d
STRAIGHT_JOIN @site@.object_set_member m FORCE INDEX (PRIMARY) ON m.object_set = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW env_set AS
SELECT s.* FROM own_env_set d STRAIGHT_JOIN @site@.env_set s FORCE INDEX (PRIMARY) ON s.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW env_set_member AS
SELECT m.* FROM own_env_set d STRAIGHT_JOIN @site@.env_set_member m FORCE INDEX (PRIMARY) ON m.env_set = d.id;

-- The name itself asks whose it is, whoever else asks first: to look for it in the sets of some run is quick, to put
-- together those of all is not.
CREATE OR REPLACE SQL SECURITY DEFINER VIEW env_name AS
SELECT e.id, CASE WHEN EXISTS (SELECT 1 FROM user_name u
	STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own) ON r.user = u.id
	STRAIGHT_JOIN @site@.env_set_member m FORCE INDEX (PRIMARY) ON m.env_set = r.env_set AND m.name = e.id)
	OR EXISTS (SELECT 1 FROM run_group r
	STRAIGHT_JOIN @site@.env_set_member m FORCE INDEX (PRIMARY) ON m.env_set = r.env_set AND m.name = e.id) THEN e.name END AS name
FROM @site@.env_name e
WHERE EXISTS (SELECT 1 FROM user_name u
	STRAIGHT_JOIN @site@.run r FORCE INDEX (run_own) ON r.user = u.id
	STRAIGHT_JOIN @site@.env_set_member m FORCE INDEX (PRIMARY) ON m.env_set = r.env_set AND m.name = e.id)
	OR EXISTS (SELECT 1 FROM run_group r
	STRAIGHT_JOIN @site@.env_set_member m FORCE INDEX (PRIMARY) ON m.env_set = r.env_set AND m.name = e.id);

CREATE OR REPLACE SQL SECURITY DEFINER VIEW input_set AS
SELECT s.* FROM own_input_set d STRAIGHT_JOIN @site@.input_set s FORCE INDEX (PRIMARY) ON s.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW input_set_member AS
SELECT m.* FROM own_input_set d STRAIGHT_JOIN @site@.input_set_member m FORCE INDEX (PRIMARY) ON m.input_set = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW job AS
SELECT j.* FROM own_job d STRAIGHT_JOIN @site@.job j FORCE INDEX (PRIMARY) ON j.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW cgroup AS
SELECT c.* FROM own_cgroup d STRAIGHT_JOIN @site@.cgroup c FORCE INDEX (PRIMARY) ON c.id = d.id;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW container AS
SELECT c.* FROM own_container d STRAIGHT_JOIN @site@.container c FORCE INDEX (PRIMARY) ON c.id = d.id;

-- ---------------------------------------------------------------- nodes

CREATE OR REPLACE SQL SECURITY DEFINER VIEW host AS SELECT h.* FROM @site@.host h;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW boot AS SELECT b.* FROM @site@.boot b;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW instance AS SELECT i.* FROM @site@.instance i;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW node_record AS
SELECT n.instance, n.seq, n.spool_file, n.host, n.event, n.time_us, n.since_us, n.booted_us, n.capture_began_us, n.version,
	n.kernel, n.source, n.hooks, CAST(NULL AS SIGNED) AS live, n.uptime_us
FROM @site@.node_record n;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW node_count AS
SELECT c.* FROM @site@.node_count c WHERE c.kind IN ('lost', 'cut', 'unrecorded');

CREATE OR REPLACE SQL SECURITY DEFINER VIEW spool_file AS SELECT f.* FROM @site@.spool_file f;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW spool_count AS SELECT c.* FROM @site@.spool_count c WHERE c.kind = 'lost';

CREATE OR REPLACE SQL SECURITY DEFINER VIEW spool_problem AS
SELECT q.spool_file, q.position, q.fact, q.first_seq, q.last_seq, q.missing, '' AS reason FROM @site@.spool_problem q;

CREATE OR REPLACE SQL SECURITY DEFINER VIEW quarantine AS SELECT q.* FROM @site@.quarantine q WHERE 1 = 0;
