/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What goes up the ring. Both ends ship in one binary, so events carry no version: natural
 * alignment, fixed header, and variable data as spans behind it. A reader checks every span against
 * the event's size all the same (event_check() in userspace/daemon/event.c): journals are read back
 * from disk. After an upgrade, what an older version left is converted member by member
 * (userspace/daemon/layout.h): members may come, go and change places, but a name keeps its meaning
 * and the number of a kind, flag or trait is never used again.
 *
 * An event names the program image it speaks of by (pid, start_ns, exec_id): the process, and how
 * often its task has exec'd. start_ns is the leader's start_boottime, which survives exec, also one
 * by a thread; exec_id is task->self_exec_id, which a fork copies and an exec raises by one before
 * the first mapping of the new image is made. So events that come before their exec's still find
 * their image.
 */
#pragma once

#ifdef __bpf__
#include "vmlinux/vmlinux.h"
#else
#include <linux/types.h>
#endif

/* bytes at data offset off from the event's first byte */
struct span {
	__u32 off, len;
};

enum event_kind {
	EVENT_EXEC = 1,
	EVENT_FORK,
	EVENT_MMAP,
	EVENT_EXIT,
	EVENT_KINDS,
};

/* What is cut or could not be read; counted by bit in struct counters, shown by name in records. */
enum event_flag {
	EVENT_EXE_CUT = 1 << 0,
	EVENT_CWD_CUT = 1 << 1,
	EVENT_ARGV_CUT = 1 << 2,
	EVENT_ENV_CUT = 1 << 3,
	EVENT_CGROUP_CUT = 1 << 4,
	EVENT_ARGV_FAULT = 1 << 5,
	EVENT_ENV_FAULT = 1 << 6,
	EVENT_REQUESTED_CUT = 1 << 7,
	EVENT_OBJECT_CUT = 1 << 8,
	EVENT_OBJECTS_LIMIT = 1 << 9,	/* more mappings than OBJECTS_MAX: the rest isn't told */
	EVENT_OBJECT_FAULT = 1 << 10,	/* a mapping was seen, but not of what */
	EVENT_USAGE_PARTIAL = 1 << 11,	/* more threads than THREADS_MAX not yet reaped */
	EVENT_OBJECTS_UNSEEN = 1 << 12, /* no hook in use sees what this program maps */
	EVENT_OBJECTS_FAULT =
		1 << 13, /* of a program that ran before: its mappings could not be read */
	EVENT_FLAG_BITS = 14,
};

/* What an event is, not what is wrong with it. */
enum event_trait {
	TRAIT_COMPAT = 1 << 0,	  /* 32-bit program on a 64-bit kernel */
	TRAIT_DELETED = 1 << 1,	  /* the file had no name left */
	TRAIT_OOM = 1 << 2,	  /* signal->oom_mm: chosen by the OOM killer */
	TRAIT_RSS_EXACT = 1 << 3, /* max_rss is this image's own */
	TRAIT_HAD_STATE = 1 << 4, /* usage is counted from this image's exec */
	TRAIT_BEFORE_MAIN =
		1 << 5,		 /* mmap event of what the kernel maps in exec: loader or program */
	TRAIT_FOLLOWED = 1 << 5, /* exit: by what told nothing, and ran in the process last */
	TRAIT_SCANNED = 1 << 6,	 /* made up from /proc by the daemon */
	TRAIT_IGNORED =
		1 << 7, /* exec: left out by a kernel_rule; paths, argv and such aren't told */
	/* of an exec: where the process stands when it begins */
	TRAIT_NAMESPACES = 1 << 14,  /* the next two are known */
	TRAIT_MOUNT_OTHER = 1 << 15, /* its mount namespace is not the host's */
	TRAIT_USER_OTHER = 1 << 16,  /* nor its user namespace */
	/* by the daemon, of what the preload module tells (daemon/preload.h) */
	TRAIT_TOLD = 1 << 17,		/* made of a module's message */
	TRAIT_STATUS_UNKNOWN = 1 << 18, /* exit: nobody said how it ended */
	TRAIT_USAGE_UNKNOWN = 1 << 19,	/* exit: nor what it had used; exec: what was used before */
	TRAIT_TOLD_END = 1 << 20,	/* exit: the module saw exit(3) called */
	TRAIT_USAGE_TIMES = 1 << 21,   /* exit: of its usage, bytes read and written aren't known */
	TRAIT_CGROUP_TOLD = 1 << 22,   /* exec: its control group is its own word */
	TRAIT_OBJECTS_BEGIN = 1 << 23, /* exit: what it opened after its begin isn't known */
	/* of an exec, by the daemon before it keeps it (daemon/privacy.h) */
	TRAIT_ARGV_SCRUBBED = 1 << 7,
	TRAIT_ARGV_DROPPED = 1 << 8, /* all but the first */
};
/* of an exec, by the daemon (daemon/rules.h): */
#define TRAIT_TASK	  0x00003e00u /* by which rank variables a launcher started the process */
#define TRAIT_VERDICT	  0xff000000u /* what the rules say */
#define TRAITS_NAMESPACES (TRAIT_NAMESPACES | TRAIT_MOUNT_OTHER | TRAIT_USER_OTHER)

struct event {
	__u32 kind; /* enum event_kind */
	__u32 size; /* of all, spans' bytes included */
	__u64 seq;  /* of this CPU, from 1; a number that never comes is an event that was lost */
	__u64 time_ns; /* CLOCK_BOOTTIME */
	__u64 start_ns;
	__u32 pid;
	__u32 exec_id;
	__u32 cpu;
	__u32 flags;  /* enum event_flag */
	__u32 traits; /* enum event_trait */
	__u32 pad;
};

struct event_file {
	__u64 inode;
	__u64 size;
	__u64 mtime_ns;
	__u32 device; /* kernel's encoding: 12 bits major, 20 bits minor */
	__u32 owner_uid;
	char fstype[16];
};

/* Times in nanoseconds as the kernel counts them, user and system in ticks' resolution on most
 * kernels; runtime is exact. Sizes in bytes. */
struct event_usage {
	__u64 user_ns, system_ns, runtime_ns;
	__u64 read_bytes, write_bytes;
	__u64 minor_faults, major_faults;
	__u64 max_rss;
};

struct event_exec {
	struct event head;
	__u64 parent_start_ns;
	__u32 parent_pid, parent_exec_id;
	__u32 uid, euid, gid, login_uid;
	struct event_file file;
	struct event_usage before; /* of the image that this exec ended */
	/* of a program that told of itself: what is the same in all that it tells, and where its
	 * memory has its end (1: nowhere, but it may open objects); else 0 */
	__u64 token, end_memory;
	/* argv's bytes come behind the others', env's last: what of them isn't wanted is left out
	 * in place (event_check() looks) */
	struct span exe, requested, interp, cwd, cgroup, cgroup_v1, argv, env;
};

struct event_fork { /* head: the child's */
	struct event head;
	__u64 parent_start_ns;
	__u32 parent_pid, parent_exec_id;
};

struct event_mmap {
	struct event head;
	struct event_file file;
	struct span path;
	struct span notes; /* of the program itself: PT_NOTE segments, at its first mapping */
};

struct event_exit {
	struct event head;
	__u64 parent_start_ns;
	__u32 parent_pid, parent_exec_id;
	__u32 uid;
	__u32 wait_status; /* as wait(2) gives it, all 16 bits */
	struct event_usage usage;
	char comm[16];
	struct span notes; /* if not told before */
};

/* iter/task: one for each process that runs when tracking begins */
struct event_task {
	__u64 start_ns;
	__u32 pid, exec_id;
	__u32 traits; /* of its namespaces */
	__u32 pad;
};

/* Limits, in bytes where not said otherwise (runmark-records(5)). */
#define PATH_MAX_BYTES	 4096
#define CGROUP_MAX_BYTES 1024
#define ARGV_MAX_BYTES	 16384
#define ENV_MAX_BYTES	 32768
#define NOTES_MAX_BYTES	 2048
#define PATH_DEPTH_MAX	 128 /* components */
#define CGROUP_DEPTH_MAX 32
#define OBJECTS_MAX	 4096 /* executable mappings told of one image */
#define THREADS_MAX	 64   /* unreaped threads summed at exit */
#define EVENT_MAX_BYTES	 65536

/* Kept by the kernel side with each task that has exec'd. */
struct task_state {
	struct event_usage at_exec;
	__u32 exec_id;
	__u32 objects;
	__u32 notes_told;
	__u32 is_ignored;
};

/* Per CPU, only ever growing. */
struct counters {
	__u64 seq;
	__u64 seen[EVENT_KINDS];
	__u64 ring_full[EVENT_KINDS];
	__u64 not_watched[EVENT_KINDS]; /* counted only: nobody has drained for minutes */
	__u64 flagged[EVENT_FLAG_BITS];
	__u64 no_state; /* task storage could not be had */
};

/* A rule by which the kernel side itself leaves a run out: all that it says must hold. */
struct kernel_rule {
	__u32 uid_low, uid_high; /* real user id, both included */
	__u64 comm[2];		 /* 16 bytes, padded with zeros; all zero: any */
};
#define KERNEL_RULES_MAX 8

/* Written by the daemon, read by the programs. One element. */
struct control {
	__u64 heartbeat_ns; /* CLOCK_BOOTTIME of the last drain */
	__u64 object;	    /* hash of the BPF object and the ring's size: what the pins are of */
	__u64 began_ns;	    /* CLOCK_BOOTTIME since when capture has gone on without a break */
	__u64 wakeup_bytes; /* the reader is woken when so much waits */
	/* of the generations before this one: their totals, and the last whose are in there */
	struct counters before;
	__u64 missed_before;
	__u64 carried;
	/* totals that a node record on disk has told of: the next daemon counts from there */
	struct counters told;
	__u64 missed_told;
	struct kernel_rule rules[KERNEL_RULES_MAX];
	__u64 rule_count;
	__u32 host_mount_ns, host_user_ns; /* 0: not known yet */
};

/*
 * Generations: each version of the kernel side that was loaded on this node has a number, and its
 * programs do something only while the gate, which all share, names it. So an upgrade is one store.
 * Meanwhile both may be named: what both tell of is told once, by its key. One element; this struct
 * never changes.
 */
struct gate {
	__u64 active[2];
};

/* A generation's sequence numbers start here: they go on growing over an upgrade. */
#define GENERATION_SEQ(generation) ((__u64)(generation) << 48)
#define GENERATION_MAX		   0xffff

#define HEARTBEAT_STALE_NS (300ULL * 1000000000ULL)
