# SPDX-License-Identifier: BSD-2-Clause
# Bash completion of runmark, runmarkd and runmark-ingest. The words come from the programs' own --help, so they
# are never out of date.

_runmark()
{
	local cur=$2 prev=$3 program=$1 command='' word

	COMPREPLY=()
	case $prev in
	--config | --archive | --sacct | --explain-name)
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
	--signal)
		mapfile -t COMPREPLY < <(compgen -A signal -- "$cur")
		return
		;;
	esac
	if [[ ${program##*/} == runmark ]]; then
		for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
			if [[ $word != -* ]]; then
				command=$word
				break
			fi
		done
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
