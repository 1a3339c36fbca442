-- SPDX-License-Identifier: BSD-2-Clause
--
-- What runmark_load may do, MariaDB and MySQL. To be run by the server's administrator in the site's database
-- (mariadb runmark < grants_load.sql) when runmark-ingest --migrate has made the tables, and after each upgrade of them.
--
-- It adds rows, finds those that it refers to, and completes runs whose start it knew. It can't make or drop tables, nor
-- take out records; nor read free text of persons, which it only writes.

-- what it must know before it writes
GRANT SELECT ON schema_version TO runmark_load@localhost;
GRANT SELECT ON prune_state TO runmark_load@localhost;

-- dictionaries
GRANT SELECT, INSERT, UPDATE ON host TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON boot TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON instance TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON user_name TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON cgroup TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON container TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON job TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON object TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON program TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON env_name TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON path TO runmark_load@localhost;

-- sets: a set that a run referred to before it came gets its members
GRANT SELECT, INSERT, UPDATE ON object_set TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON env_set TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON input_set TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON object_set_member TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON input_set_member TO runmark_load@localhost;
GRANT SELECT (env_set, name), INSERT, UPDATE ON env_set_member TO runmark_load@localhost;

-- records: of runs it asks whether they are complete; of texts it only knows whether they are there
GRANT SELECT, INSERT, UPDATE, DELETE ON run TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE ON run_xalt TO runmark_load@localhost;
GRANT SELECT (run_id), INSERT, UPDATE, DELETE ON run_text TO runmark_load@localhost;
GRANT SELECT (group_id), INSERT, UPDATE, DELETE ON run_group TO runmark_load@localhost;
GRANT SELECT (group_id), INSERT, UPDATE, DELETE ON run_group_text TO runmark_load@localhost;
GRANT SELECT (link_id), INSERT, UPDATE, DELETE ON link TO runmark_load@localhost;
GRANT SELECT (link_id), INSERT, UPDATE, DELETE ON link_text TO runmark_load@localhost;
GRANT SELECT (link_id), INSERT, UPDATE, DELETE ON link_xalt TO runmark_load@localhost;
GRANT SELECT (instance), INSERT, UPDATE, DELETE ON node_record TO runmark_load@localhost;
GRANT SELECT (instance), INSERT, UPDATE, DELETE ON node_count TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON package TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE ON accounting TO runmark_load@localhost;

-- its own books
GRANT SELECT, INSERT, UPDATE ON spool_file TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE ON spool_count TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE ON spool_problem TO runmark_load@localhost;
GRANT SELECT, INSERT, UPDATE, DELETE ON quarantine TO runmark_load@localhost;
