/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the preload module tells of a process (MESSAGE_RUN of message.h): a head, then items, each a
 * kind, flags and a length before its bytes, padded to 8. The module in a process may be older or
 * newer than the daemon, so readers skip kinds that they don't know, take a longer struct than
 * theirs for what they know of it, and a shorter one as filled with zeros.
 *
 * Nothing in it is believed that the kernel can attest: pid and user are the datagram's sender's,
 * or the file's owner.
 *
 * The end is told without a system call, since by then a program may have had all of them forbidden
 * to it (seccomp): what there is to tell is left in memory that outlives the process. With a daemon
 * that is shared memory, which the daemon has opened through /proc/PID/map_files when the begin
 * arrived; where the message is a file (RUNMARK_SPOOL), the file itself. Either has the form of a
 * struct run_end_area.
 */
#pragma once

#include <stdint.h>

#define RUN_MESSAGE_MAGIC  0x014e5552u	/* "RUN", 1 */
#define RUN_MESSAGE_MAX	   (160 * 1024) /* bytes of a whole one */
#define RUN_MESSAGE_ARGV   16384	/* bytes of arguments, as the kernel side has them */
#define RUN_MESSAGE_ENV	   32768	/* and of the environment */
#define RUN_MESSAGE_PATH   4096
#define RUN_MESSAGE_CGROUP 4096

enum run_phase {
	RUN_BEGIN = 1,	 /* before main */
	RUN_END = 2,	 /* what an end area holds: exit() was called, or main returned */
	RUN_OPT_OUT = 3, /* its user wants no record: nothing else is told */
};

struct run_message {
	uint32_t magic;
	uint32_t phase;
	uint32_t size;	    /* of all of it, this head included */
	uint32_t pid;	    /* in the process's own namespace */
	uint64_t random[2]; /* the same in all messages of one program image, and in no other's: the
			     * kernel's AT_RANDOM, hashed */
};

enum run_item_kind {
	RUN_ITEM_PROCESS = 1, /* struct run_process */
	RUN_ITEM_FILE,	      /* struct run_file: the program's */
	RUN_ITEM_EXE,	      /* its path, as /proc/self/exe reads */
	RUN_ITEM_REQUESTED,   /* as the exec call named it: AT_EXECFN */
	RUN_ITEM_CWD,
	RUN_ITEM_CGROUP,     /* /proc/self/cgroup */
	RUN_ITEM_ARGV,	     /* strings, each with its NUL */
	RUN_ITEM_ENV,	     /* the same */
	RUN_ITEM_PROGRAM,    /* struct run_object: its notes */
	RUN_ITEM_OBJECT,     /* struct run_object, and its path */
	RUN_ITEM_END_MEMORY, /* struct run_end_memory: of a begin, where the end will stand; of a
			      * program that can't open objects there is none */
	RUN_ITEM_HOST,	     /* of a file: where it was written, */
	RUN_ITEM_BOOT,	     /* the boot id's 36 characters, */
	RUN_ITEM_START,	     /* and uint64_t: the process's start, ticks since boot */
	RUN_ITEM_SPOOL_FILE, /* of a datagram: the message is in this file as well */
	RUN_ITEM_KINDS
};

enum run_item_flag {
	RUN_ITEM_CUT = 1,   /* there is more of it */
	RUN_ITEM_FAULT = 2, /* it could not be read; len 0 */
	RUN_ITEM_MORE = 4,  /* of an object: others found no room, or were over the limit */
};

struct run_item {
	uint16_t kind, flags;
	uint32_t len; /* bytes behind this head; the next item begins at a multiple of 8 */
};

enum run_process_flag {
	RUN_PROCESS_COMPAT = 1, /* 32-bit program on a 64-bit kernel */
	RUN_PROCESS_SECURE = 2, /* AT_SECURE */
};

struct run_process {
	uint64_t boot_ns; /* CLOCK_BOOTTIME of the module's start */
	uint64_t unix_ns; /* CLOCK_REALTIME, in a file alone; else 0 */
	uint32_t ppid;	  /* in the process's own namespace */
	uint32_t uid, euid, gid;
	uint32_t flags; /* enum run_process_flag */
	uint32_t pad;
	/* getrusage(RUSAGE_SELF) then: what the process had used before this program */
	uint64_t user_ns, system_ns;
	uint64_t minor_faults, major_faults;
	uint64_t read_bytes, write_bytes;
	uint64_t max_rss; /* bytes, inherited over exec */
};

struct run_file {
	uint64_t device; /* as stat(2) */
	uint64_t inode;
	uint64_t size;
	uint64_t mtime_ns;
	uint32_t owner_uid;
	uint32_t pad;
};

struct run_object {
	uint8_t has_watermark, build_id_len;
	uint8_t pad[6];
	uint8_t watermark[16];
	uint8_t build_id[64];
};

/*
 * Zeros till the process ends by itself. Behind it a RUN_END message: the objects that were opened
 * since the begin, as RUN_ITEM_OBJECT. is_told is set last: 1. A copy of the process that fork made
 * writes nothing here.
 */
struct run_end_area {
	uint32_t is_told;
	uint32_t closed;       /* objects that the loader has let go of since the begin: not told */
	uint64_t monotonic_ns; /* CLOCK_MONOTONIC_COARSE of the end; 0: not known */
	uint64_t begin_ns;     /* the same clock at the begin */
};
#define RUN_END_AREA (64 * 1024) /* bytes of it, message included */

struct run_end_memory {
	uint64_t address, size; /* in the process */
};

/*
 * A file of RUNMARK_SPOOL, "<16 hex digits of random[0]>.run": this head, the begin, and at
 * end_offset (0: none) the end area, which takes the rest of the file. Written under another name
 * and renamed, so whoever sees it sees it whole.
 */
#define RUN_FILE_ALIGN                                                                             \
	65536 /* of end_offset: a page everywhere. Behind the begin there is a hole */
#define RUN_FILE_END   16384		     /* bytes of the end area: there are many files */
#define RUN_FILE_MAGIC 0x0000314e55524b4dULL /* "MKRUN1" */
struct run_file_head {
	uint64_t magic;
	uint32_t message_size;
	uint32_t end_offset;
};
