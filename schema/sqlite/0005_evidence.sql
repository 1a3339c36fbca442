-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 5: where each part of a job is known from, and what a run's paths mean.

ALTER TABLE run ADD COLUMN step_from TEXT;       -- as job_from: cgroup, parent, slurmstepd, environment
ALTER TABLE run ADD COLUMN task_from TEXT;
ALTER TABLE run ADD COLUMN array_from TEXT;
ALTER TABLE run_group ADD COLUMN step_from TEXT;
ALTER TABLE run_group ADD COLUMN task_from TEXT;
ALTER TABLE run_group ADD COLUMN array_from TEXT;
ALTER TABLE link ADD COLUMN step_from TEXT;
ALTER TABLE link ADD COLUMN task_from TEXT;
ALTER TABLE link ADD COLUMN array_from TEXT;
ALTER TABLE run ADD COLUMN container_image BLOB; -- its file or name
ALTER TABLE run ADD COLUMN container_from TEXT;
ALTER TABLE run ADD COLUMN mount_namespace TEXT; -- host, other; NULL: not known
ALTER TABLE run ADD COLUMN user_namespace TEXT;
ALTER TABLE run_group ADD COLUMN container_image BLOB;
ALTER TABLE run_group ADD COLUMN container_from TEXT;
ALTER TABLE run_group ADD COLUMN mount_namespace TEXT;
ALTER TABLE run_group ADD COLUMN user_namespace TEXT;

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
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, r.step_from, r.task_from, r.array_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id, r.container_image, r.container_from,
	r.mount_namespace, r.user_namespace,
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

DROP VIEW run_group_view;
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
	nullif(j.array_task, '') AS array_task, r.step, r.task, r.job_from, r.step_from, r.task_from, r.array_from, c.path AS cgroup,
	n.runtime AS container_runtime, n.container_id, r.container_image, r.container_from,
	r.mount_namespace, r.user_namespace,
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

DROP VIEW link_view;
CREATE VIEW link_view AS
SELECT l.link_id, l.seq, h.name AS host, h.cluster, b.boot_id, l.watermark,
	o.path AS output, o.name AS output_name, l.build_id, l.size, l.type,
	k.path AS linker, l.linker_version, d.path AS driver, t.driver_argv, t.driver_argv_b64,
	l.compiler_name, l.compiler_version, l.compiler_text, l.compilers, l.language, l.imported, l.exported,
	t.imported_names, t.exported_names,
	t.link_line, t.link_line_b64, t.cwd, l.input_set, u.name AS user, l.uid, l.gid, l.pid,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, l.step, l.task, l.job_from, l.step_from, l.task_from, l.array_from, c.path AS cgroup,
	l.modules, l.time_us, l.elapsed_us, l.own_us, l.incomplete, l.job, l.user AS user_ref, l.spool_file
FROM link l
JOIN host h ON h.id = l.host
JOIN boot b ON b.id = l.boot
LEFT JOIN path o ON o.id = l.output
LEFT JOIN path k ON k.id = l.linker
LEFT JOIN path d ON d.id = l.driver
LEFT JOIN user_name u ON u.id = l.user
LEFT JOIN job j ON j.id = l.job
LEFT JOIN cgroup c ON c.id = l.cgroup
LEFT JOIN link_text t ON t.link_id = l.link_id;
