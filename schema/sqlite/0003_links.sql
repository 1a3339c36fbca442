-- SPDX-License-Identifier: BSD-2-Clause
--
-- Migration 3: of links, the language, and what they take from others and offer.

ALTER TABLE link ADD COLUMN language TEXT;    -- c, c++, fortran, ...; NULL: not known
ALTER TABLE link ADD COLUMN imported INTEGER; -- dynamic symbols that it takes from others; NULL: static, or not told
ALTER TABLE link ADD COLUMN exported INTEGER; -- that it offers
ALTER TABLE link_text ADD COLUMN imported_names TEXT; -- JSON array, where names are recorded
ALTER TABLE link_text ADD COLUMN exported_names TEXT;

DROP VIEW link_view;
CREATE VIEW link_view AS
SELECT l.link_id, l.seq, h.name AS host, h.cluster, b.boot_id, l.watermark,
	o.path AS output, o.name AS output_name, l.build_id, l.size, l.type,
	k.path AS linker, l.linker_version, d.path AS driver, t.driver_argv, t.driver_argv_b64,
	l.compiler_name, l.compiler_version, l.compiler_text, l.compilers, l.language, l.imported, l.exported,
	t.imported_names, t.exported_names,
	t.link_line, t.link_line_b64, t.cwd, l.input_set, u.name AS user, l.uid, l.gid, l.pid,
	j.manager AS job_manager, j.job_id, nullif(j.sluid, '') AS sluid, nullif(j.array_id, '') AS array_id,
	nullif(j.array_task, '') AS array_task, l.step, l.task, l.job_from, c.path AS cgroup,
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
