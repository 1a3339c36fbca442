# SPDX-License-Identifier: BSD-2-Clause
# Completion of runmark(1) for bash. Commands and options are asked of the program's own --help, which is made
# from the same tables that it parses with; only kinds of arguments are known here.
# shellcheck shell=bash

_runmark_commands()
{
	runmark --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p'
}

_runmark_options()
{
	runmark help "$1" 2>/dev/null | sed -n 's/^  \(--[a-z-]*\).*/\1/p'
}

# The words that an option takes: "--format table|json|csv".
_runmark_words()
{
	runmark help "$1" 2>/dev/null | sed -n "s/^  $2 \\([a-z|]*\\).*/\\1/p" | tr '|' ' '
}

# The reports that there are, and by what one is told.
_runmark_reports()
{
	runmark help report 2>/dev/null | sed -n '/^reports/,$ s/^  \([a-z][a-z-]*\) .*/\1/p'
}

_runmark_report_views()
{
	runmark help report 2>/dev/null | sed -n "/^  $1 /{n;s/^ *by //;s/, / /gp}"
}

_runmark()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]} words=''

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_runmark_commands) --help --version" -- "$word")
		return
	fi
	# what is run, and that command's own
	if [[ $command == run && $word != -* && $before != --@(db|format|output) ]]; then
		mapfile -t COMPREPLY < <(compgen -A command -f -- "$word" | sort -u)
		return
	fi
	case $before in
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$word")
		return
		;;
	--exe | --lib | --config | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		compopt -o filenames 2>/dev/null
		return
		;;
	--db)
		mapfile -t COMPREPLY < <(compgen -W 'sqlite: mysql://' -- "$word")
		compopt -o nospace 2>/dev/null
		return
		;;
	--signal)
		mapfile -t COMPREPLY < <(compgen -A signal -- "$word")
		return
		;;
	--since | --until)
		words='today yesterday 1h 1d 1w'
		;;
	--columns)
		words=$(runmark find --columns help 2>/dev/null | sed 's/ .*//')
		;;
	--format)
		words=$(_runmark_words "$command" "$before")
		;;
	--by)
		words=$(_runmark_report_views "${COMP_WORDS[2]}")
		;;
	--sort)
		words=$(runmark report "${COMP_WORDS[2]}" --sort help 2>/dev/null | sed 's/ .*//')
		;;
	help)
		words=$(_runmark_commands)
		;;
	*)
		if [[ $word != -* && $command == show ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
			compopt -o filenames 2>/dev/null
			return
		fi
		words=$(_runmark_options "$command")
		[[ $word == -* || $command != report ]] || words=$(_runmark_reports)
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _runmark runmark
