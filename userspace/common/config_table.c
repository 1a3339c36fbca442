/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of runmark.conf(5): what stands here is all there is. Sections keep together, in the
 * order in which they are printed; the man page names each key (a unit test looks).
 */
#include "common/config_key.h"

/*
 * The environment that tells where a run belongs and what was loaded for it. Each name is there for
 * a question: modules and package managers (which software), the resource managers' ids (which job,
 * array element, rank), MPI's and OpenMP's settings (how parallel), devices, library paths (why
 * this library), and the two switches that opt out. Anything else may be a secret, and isn't read.
 */
#define DEFAULT_ENVIRONMENT                                                                        \
	"LOADEDMODULES _LMFILES_ "                                                                 \
	"SLURM_JOB_ID SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID SLURM_STEP_ID SLURM_PROCID "          \
	"SLURM_NTASKS SLURM_CPUS_PER_TASK SLURM_JOB_NUM_NODES SLURM_JOB_PARTITION "                \
	"SLURM_JOB_ACCOUNT PBS_JOBID LSB_JOBID "                                                   \
	"SLURM_LOCALID SLURM_HET_SIZE SLURM_JOB_ID_HET_GROUP_* LSB_JOBINDEX FLUX_JOB_ID "          \
	"FLUX_TASK_RANK "                                                                          \
	"APPTAINER_CONTAINER SINGULARITY_CONTAINER CH_RUNNING ENROOT_ROOTFS container "            \
	"OMP_* OMPI_COMM_WORLD_RANK OMPI_COMM_WORLD_SIZE PMI_RANK PMI_SIZE PMIX_RANK "             \
	"CUDA_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES LD_LIBRARY_PATH LD_PRELOAD "                    \
	"CONDA_DEFAULT_ENV CONDA_PREFIX VIRTUAL_ENV EBROOT* SPACK_ENV "                            \
	"RUNMARK_TRACKING XALT_EXECUTABLE_TRACKING"

/*
 * For a cluster: what runs in a job is recorded, short and repeated runs as one; the system's own
 * services are not. Where there is no systemd and no job, that leaves everything.
 */
#define DEFAULT_RULES                                                                              \
	"group job=yes\n"                                                                          \
	"ignore job=no cgroup=/system.slice/*\n"                                                   \
	"ignore job=no cgroup=/init.scope\n"                                                       \
	"full"

/* What build systems link only to see whether it can be linked: autoconf, CMake, Meson, SCons, waf,
 * and Go, which tries options and reads
 * symbols. */
#define DEFAULT_SKIP                                                                               \
	"*/conftest */conftest.* */conftest[0-9] */CMakeFiles/*/CompilerId* "                      \
	"*/CMakeFiles/CMakeTmp/* */CMakeFiles/CMakeScratch/* */cmTC_* */meson-private/* "          \
	"*/.sconf_temp/* */.conf_check_* */_cgo_.o */go-link-*/a.out"

/* Whatever has the shape of EasyBuild's or Spack's folders, but in homes: names that persons chose
 * are theirs. */
#define DEFAULT_LAYOUTS "!*/home/* !*/homes/* !*/users/* !/root/* *"
/* Below which a path tells whose it is; the temporary ones since all there is somebody's. */
#define DEFAULT_HOMES                                                                              \
	"/home/* /homes/* /users/* /u/* /export/home/* /root /run/user/* /tmp /var/tmp /dev/shm"

/* Accounts that systems come with (Debian, Red Hat): parts of paths that are called so name nobody.
 */
#define DEFAULT_NOT_PERSONS                                                                        \
	"root daemon bin sys sync games man lp mail news uucp proxy www-data backup list irc "     \
	"_apt nobody adm shutdown halt operator ftp systemd-* dbus polkitd sshd slurm munge "      \
	"mysql postgres runmark"

/* Options: the members by type of struct config_key. */
#define KEY(in_section, key_name, of_type, key_member, key_default, means, options...)             \
	{                                                                                          \
		.section = in_section, .name = key_name, .type = of_type,                          \
		.offset = offsetof(struct config, key_member), .fallback = key_default,            \
		.meaning = means, options                                                          \
	}

/* clang-format off */
const struct config_key config_keys[] = {
	KEY("daemon", "spool", KEY_PATH, spool, "/var/spool/runmark",
	    "where runmarkd writes its files and runmark-ingest takes them"),
	KEY("daemon", "drop", KEY_PATH, drop, "/var/spool/runmark-drop",
	    "where link records go while no daemon listens; empty: nowhere", .may_be_empty = true),
	KEY("daemon", "socket", KEY_SOCKET, socket, "/run/runmark/runmark.sock",
	    "the socket to which linkers and the preload module send"),
	KEY("daemon", "run_spool", KEY_PATH, run_spool, "",
	    "the folder that programs have as RUNMARK_SPOOL, where their ends are read; empty: none",
	    .may_be_empty = true),
	KEY("daemon", "control", KEY_SOCKET, control, "/run/runmark/control.sock",
	    "the socket that runmark status and runmark tail ask"),
	KEY("daemon", "pin", KEY_PATH, pin, "/sys/fs/bpf/runmark",
	    "where the kernel side stays while the daemon is away"),
	KEY("daemon", "state", KEY_PATH, state, "/run/runmark",
	    "the daemon's journal and lock; must outlive the daemon but not the boot"),
	KEY("daemon", "host", KEY_NAME, host, NULL,
	    "this node's name in records; default: its own, up to the first dot"),
	KEY("daemon", "cluster", KEY_NAME, cluster, "",
	    "the cluster's name in records", .may_be_empty = true),
	KEY("daemon", "source", KEY_CHOICE, source, "auto",
	    "what sees the runs: the kernel side, the preload module, or the first that works",
	    .choices = {"auto", "bpf", "preload"}),
	KEY("daemon", "ring_mib", KEY_NUMBER, ring_mib, "16",
	    "ring between kernel and daemon", .min = 1, .max = 1024, .is_power_of_two = true),
	KEY("daemon", "journal_mib", KEY_NUMBER, journal_mib, "64",
	    "what was taken from the ring and isn't written yet, at most", .min = 1, .max = 4096),
	KEY("daemon", "workers", KEY_NUMBER, workers, "2",
	    "threads that read files and ask for user names", .min = 1, .max = 64),
	KEY("track", "scope", KEY_CHOICE, scope, "all",
	    "every process, or only those in jobs", .choices = {"all", "jobs"}),
	KEY("track", "scan", KEY_YES_NO, scan_running, "yes",
	    "programs that run before the daemon does are recorded as /proc shows them"),
	KEY("track", "rotate_seconds", KEY_NUMBER, rotate_seconds, "60",
	    "a spool file is closed after so long", .min = 1, .max = 86400),
	KEY("track", "rotate_mib", KEY_NUMBER, rotate_mib, "64",
	    "or when it is so large", .min = 1, .max = 4096),
	KEY("track", "keep_days", KEY_NUMBER, keep_days, "30",
	    "spool files older than this are removed, counted; 0: never", .min = 0, .max = 36500),
	KEY("track", "spool_quota_mib", KEY_NUMBER, spool_quota_mib, "4096",
	    "room for the spool; what doesn't fit is lost, counted; 0: no limit",
	    .min = 0, .max = 16777216),
	KEY("track", "compress", KEY_YES_NO, compress, "yes",
	    "closed spool files are compressed with zstd"),
	KEY("track", "environment", KEY_GLOBS, environment, DEFAULT_ENVIRONMENT,
	    "variables that are recorded: glob patterns; empty: none"),
	KEY("track", "start_seconds", KEY_NUMBER, start_seconds, "60",
	    "a run that lasts longer is announced by a start record; 0: never",
	    .min = 0, .max = 31536000),
	KEY("track", "node_seconds", KEY_NUMBER, node_seconds, "300",
	    "a node record, which tells what was lost, so often", .min = 1, .max = 86400),
	KEY("rules", "rule", KEY_RULES, rules, DEFAULT_RULES,
	    "what is done with a run; the first rule that takes it decides"),
	KEY("rules", "group_seconds", KEY_NUMBER, group_seconds, "300",
	    "short runs of rule group make one record for so long", .min = 1, .max = 86400),
	KEY("rules", "group_short_seconds", KEY_NUMBER, group_short_seconds, "10",
	    "a run that takes longer is recorded as by rule full", .min = 0, .max = 86400),
	KEY("privacy", "argv", KEY_CHOICE, argv, "scrub",
	    "what is kept of command lines: all, all but secrets, or the program's name",
	    .choices = {"full", "scrub", "name"}),
	KEY("privacy", "scrub", KEY_GLOBS, scrub, "",
	    "more options and variables whose value is a secret: glob patterns"),
	KEY("privacy", "opt_out", KEY_YES_NO, opt_out, "yes",
	    "RUNMARK_TRACKING=no or XALT_EXECUTABLE_TRACKING=no: counted, not recorded"),
	KEY("link", "stamp", KEY_YES_NO, link_stamp, "yes",
	    "programs are stamped when they are linked"),
	KEY("link", "ld", KEY_PATH, link_ld, "",
	    "the real linker; empty: searched for", .may_be_empty = true),
	KEY("link", "symbols", KEY_CHOICE, link_symbols, "count",
	    "what link records tell of dynamic symbols: nothing, how many, or which",
	    .choices = {"no", "count", "names"}),
	KEY("link", "skip", KEY_GLOBS, link_skip, DEFAULT_SKIP,
	    "outputs that are neither stamped nor recorded: glob patterns; empty: none"),
	KEY("names", "software", KEY_PATH, names_software, CONFIG_DEFAULT_SOFTWARE,
	    "the site's rules, what programs are called in reports; empty: none",
	    .may_be_empty = true),
	KEY("names", "defaults", KEY_PATH, names_defaults, CONFIG_DEFAULT_RULES,
	    "the rules behind them, which come with Runmark; empty: none", .may_be_empty = true),
	KEY("names", "modules", KEY_PATH, names_modules, "",
	    "the site's table of paths and their modules; empty: none", .may_be_empty = true),
	KEY("names", "spider", KEY_PATH, names_spider, "",
	    "modules' paths as Lmod's spider tells them; empty: none", .may_be_empty = true),
	KEY("names", "layouts", KEY_GLOBS, names_layouts, DEFAULT_LAYOUTS,
	    "where EasyBuild's and Spack's folders tell software and module: glob patterns, the "
	    "first decides, ! in front: not; empty: nowhere"),
	KEY("retention", "pseudonymise_after", KEY_AGE, pseudonymise_days, "",
	    "runmark-ingest --prune makes pseudonyms of persons in older records; empty: never"),
	KEY("retention", "delete_after", KEY_AGE, delete_days, "",
	    "and deletes older records; empty: never"),
	KEY("retention", "key", KEY_PATH, pseudonym_key, "/var/lib/runmark/pseudonym.key",
	    "the key of the pseudonyms, made when first used"),
	KEY("retention", "homes", KEY_GLOBS, homes, DEFAULT_HOMES,
	    "below these a path is personal: glob patterns, component by component"),
	KEY("retention", "not_persons", KEY_GLOBS, not_persons, DEFAULT_NOT_PERSONS,
	    "accounts whose name in a path does not make it personal: glob patterns"),
};
/* clang-format on */

const size_t config_key_count = ARRAY_SIZE(config_keys);
