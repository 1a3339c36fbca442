# SPDX-License-Identifier: BSD-2-Clause
# Bash completion of runmark, runmarkd and runmark-ingest. The words come from the programs' own --help, so they
# are never out of date.

# By what the report on the command line can be told, and sorted.
_runmark_of_report()
{
	local i name='' by='' words

	for ((i = 2; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--by) by=${COMP_WORDS[++i]} ;;
		--*) ((i++)) ;;
		*) name=${COMP_WORDS[i]} ;;
		esac
	done
	if [[ $3 == --by ]]; then
		words=$("$1" report --help 2>/dev/null </dev/null |
			sed -n "/^  ${name:-[a-z]}[a-z-]*  *[A-Z]/{n;s/^ *by //;s/,//g;p}")
	else
		words=$("$1" report "$name" ${by:+--by "$by"} --sort help 2>/dev/null </dev/null | sed 's/ .*//')
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

_runmark()
{
	local cur=$2 prev=$3 program=$1 command='' word

	COMPREPLY=()
	case $prev in
	--config | --output | --archive | --sacct | --explain-name)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W 'table json csv' -- "$cur")
		return
		;;
	--user)
		mapfile -t COMPREPLY < <(compgen -u -- "$cur")
		return
		;;
	--source)
		mapfile -t COMPREPLY < <(compgen -W 'bpf preload xalt' -- "$cur")
		return
		;;
	--signal)
		mapfile -t COMPREPLY < <(compgen -A signal -- "$cur")
		return
		;;
	esac
	if [[ ${program##*/} == runmark && ${COMP_WORDS[1]-} == report && $prev == --@(by|sort) ]]; then
		_runmark_of_report "$program" "$cur" "$prev"
		return
	fi
	if [[ ${program##*/} == runmark ]]; then
		for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
			if [[ $word != -* ]]; then
				command=$word
				break
			fi
		done
	fi
	# what runmark run runs, and that command's own
	if [[ $command == run && $cur != -* ]]; then
		mapfile -t COMPREPLY < <(compgen -A command -f -- "$cur" | sort -u)
		return
	fi
	# options begin a line of the help; commands do too, in that of runmark itself
	word=$("$program" ${command:+"$command"} --help 2>/dev/null </dev/null |
		sed -n 's/^  \(--[a-z-]*\).*/\1/p; s/^  \([a-z][a-z-]*\)  *[A-Z].*/\1/p')
	mapfile -t COMPREPLY < <(compgen -W "$word" -- "$cur")
	if [[ $cur != -* && -n $command$cur && ${#COMPREPLY[@]} -eq 0 ]]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -o filenames -F _runmark runmark runmarkd runmark-ingest
