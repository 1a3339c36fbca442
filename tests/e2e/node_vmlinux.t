#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The kernel's types that vmlinux/vmlinux.h keeps by hand are in the running kernel.
build=${BUILD:-build}
exec "$build/vmlinux-check" "$build/runmark.bpf.o"
