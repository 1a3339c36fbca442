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
