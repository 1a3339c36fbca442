#%Module1.0
# SPDX-License-Identifier: BSD-2-Clause
# environment-modules, and Lmod where it prefers Tcl: the preload module for whoever loads this. See runmark-preload(7).
set prefix @PREFIX@

proc ModulesHelp {} {
	puts stderr {
Runmark @VERSION@ records which programs run: what a program is, which libraries it has loaded, which job it belongs to,
and how it ends. This module puts the library librunmark.so into LD_PRELOAD, for nodes on which the kernel can't tell.

Programs that are linked statically, or run as another user (set-user-id), do not load it. RUNMARK_TRACKING=no in
the environment keeps a program out; "module unload runmark" takes the library away again. See "man runmark-preload".
}
}
module-whatis {records which programs run, by a preloaded library}
conflict runmark

# without it each program would print an error
if {[module-info mode load] && ![file isfile $prefix/lib/runmark/librunmark.so]} {
	puts stderr "Runmark's library isn't on this node: $prefix/lib/runmark/librunmark.so"
	break
}

# Behind a user's own, of which some must be first (that of gcc's -fsanitize=address); its place means nothing to it.
# What $LIB stands for is the loader's to know: 32-bit programs find theirs.
append-path LD_PRELOAD $prefix/lib/runmark/\$LIB/librunmark.so
