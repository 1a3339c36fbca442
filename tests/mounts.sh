# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced: the kernel's file systems that tracking needs, mounted for a while where nobody has.
#	mounts_make	mounts what is missing, names it on standard output, fails with a sentence
#	mounts_undo	unmounts what mounts_make mounted; done twice it does nothing
# All its variables begin with mounts_, because a shell has one room for all names.

mounts_made=
mounts_left=

mounts_make() {
	for mounts_pair in bpf:/sys/fs/bpf tracefs:/sys/kernel/tracing; do
		mounts_type=${mounts_pair%%:*}
		mounts_folder=${mounts_pair#*:}
		if ! grep -q "^[^ ]* $mounts_folder $mounts_type " /proc/mounts; then
			mount -t "$mounts_type" "$mounts_type" "$mounts_folder" || return 1
			mounts_made="$mounts_folder $mounts_made"
			echo "   mounted $mounts_folder until the end"
		fi
	done
}

mounts_undo() {
	mounts_left=
	for mounts_folder in $mounts_made; do
		umount "$mounts_folder" || mounts_left="$mounts_left $mounts_folder"
	done
	mounts_made=$mounts_left
	[ -z "$mounts_left" ]
}
