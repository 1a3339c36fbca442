# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=sh
# Sourced: the kernel's file systems that tracking needs, mounted for a while where nobody has.
#	mounts_make	mounts what is missing, names it on standard output, fails with a sentence
#	mounts_undo	unmounts what mounts_make mounted; done twice it does nothing

mounts_made=

mounts_make() {
	for pair in bpf:/sys/fs/bpf tracefs:/sys/kernel/tracing; do
		type=${pair%%:*}
		folder=${pair#*:}
		if ! grep -q "^[^ ]* $folder $type " /proc/mounts; then
			mount -t "$type" "$type" "$folder" || return 1
			mounts_made="$folder $mounts_made"
			echo "   mounted $folder until the end"
		fi
	done
}

mounts_undo() {
	mounts_left=
	for folder in $mounts_made; do
		umount "$folder" || mounts_left="$mounts_left $folder"
	done
	mounts_made=$mounts_left
	[ -z "$mounts_left" ]
}
