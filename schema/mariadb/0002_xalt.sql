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
	KEY package_name (name)
);

-- What XALT knows of a link and Runmark doesn't; of imported links alone.
CREATE TABLE IF NOT EXISTS link_xalt (
	link_id BINARY(16) NOT NULL PRIMARY KEY, -- → link
	hash_id VARBINARY(20)           -- 20 bytes, sha1 of the output
)
PARTITION BY RANGE COLUMNS (link_id) (PARTITION later VALUES LESS THAN (MAXVALUE));
