/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The net below everything: a signal that would end us for a fault of our own. Only
 * async-signal-safe calls, on a stack of its own, since a full stack is one of the faults.
 */
#include "link.h"

#include <signal.h>

#define RESCUE_STACK 65536

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
static struct link *rescued;
static char stack[RESCUE_STACK];

static void rescue(int signal)
{
	(void)signal;
	if (rescued->is_linked)
		_exit(0);
	child_abort(&rescued->child);
	if (!rescued->found.path) /* not even that far */
		rescued->found.path = (char *)rescued->linker.fallbacks[0];
	link_plainly(rescued);
	_exit(127);
}

static void catch_signal(int signal, void (*handler)(int), struct sigaction *ret_before)
{
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_ONSTACK | SA_NODEFER | SA_RESETHAND};

	sigaction(signal, &action, ret_before);
}

void rescue_init(struct link *link)
{
	struct sigaction before = {};

	rescued = link;
	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		catch_signal(faults[i], rescue, &before);
		/* an ignored one must stay ignored in the real linker */
		if (before.sa_handler == SIG_IGN)
			sigaction(faults[i], &before, NULL);
	}
}

void rescue_extras(void)
{
	catch_signal(SIGXCPU, rescue, NULL);
	catch_signal(SIGXFSZ, rescue, NULL);
}

void rescue_within(unsigned int seconds)
{
	sigset_t one;

	catch_signal(SIGALRM, rescue, NULL);
	sigemptyset(&one);
	sigaddset(&one, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	alarm(seconds);
}
