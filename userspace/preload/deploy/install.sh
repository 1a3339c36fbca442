#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# install.sh DESTDIR PREFIX VERSION NATIVE [OTHER]: puts the preload library, and what deploys it, below DESTDIR and PREFIX.
# OTHER is its 32-bit build, where there is one.
#
# Programs that run have the library mapped: it is never written in place, a new file takes its name by one rename. And
# for each loader of this machine there is a folder with the name that it puts for $LIB, so that one line in
# /etc/ld.so.preload fits programs of both classes.
set -eu
export LC_ALL=C
umask 022

destdir=$1 prefix=$2 version=$3 native=$4 other=${5:-}
here=$(dirname "$0")
library=$destdir$prefix/lib/runmark
machine=$(uname -m)

# FILE TARGET: by rename; MODE for others than a library. The temporary name goes with a failure.
put() {
	mkdir -p "${2%/*}"
	new=$2.new.$$
	trap 'rm -f "$new"' EXIT
	cp "$1" "$new"
	if [ "${3:-strip}" = strip ]; then
		"${STRIP:-strip}" --strip-debug "$new"
	else
		# a prefix has no | in it: make's own rules rely on that
		sed "s|@PREFIX@|$prefix|g; s|@VERSION@|$version|g" "$1" >"$new"
	fi
	chmod "${3:-644}" "$new"
	mv -f "$new" "$2"
	trap - EXIT
}

# NAME FILE: the folder NAME leads to the library FILE beside it.
lead() {
	up=$(echo "$1" | sed 's|[^/][^/]*|..|g')
	mkdir -p "$library/$1"
	[ "$(readlink "$library/$1/librunmark.so")" = "$up/$2" ] && return
	ln -s "$up/$2" "$library/$1/librunmark.so.new.$$"
	mv -fT "$library/$1/librunmark.so.new.$$" "$library/$1/librunmark.so"
}

# LOADER...: what these put for $LIB (glibc from 2.33 on tells).
names_told() {
	for loader; do
		[ ! -x "$loader" ] || "$loader" --list-diagnostics 2>/dev/null | sed -n 's/^dl_dst_lib="\(.*\)"$/\1/p'
	done
}

put "$native" "$library/librunmark.so"
# musl's loader doesn't know $LIB, and looks for a folder of that name
# shellcheck disable=SC2016
lead '$LIB' librunmark.so
told=$(names_told /lib64/ld-*.so.* "/lib/ld-linux-$machine.so."* | tr '\n' ' ')
for name in "lib/$machine-linux-gnu" lib64 $told; do
	lead "$name" librunmark.so
done
if [ "$other" ]; then
	put "$other" "$library/librunmark32.so"
	# RHEL and SUSE say lib for 32 bit, Arch for 64
	case " $told" in
	*" lib "*) names=lib32 ;;
	*) names="lib lib32" ;;
	esac
	for name in lib/i386-linux-gnu $names; do
		lead "$name" librunmark32.so
	done
elif [ "$machine" = x86_64 ]; then
	echo "  SKIP     librunmark.so for 32-bit programs: the compiler makes none"
fi
put "$here/runmark-preload-setup" "$destdir$prefix/sbin/runmark-preload-setup" 755
put "$here/slurm-task-prolog" "$destdir$prefix/libexec/runmark/slurm-task-prolog" 755
put "$here/modulefile.lua" "$destdir$prefix/share/runmark/modulefiles/runmark/$version.lua" 644
put "$here/modulefile.tcl" "$destdir$prefix/share/runmark/modulefiles/runmark/$version" 644
