/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Signals that cmocka catches.  See signals.h.
 */
#include "signals.h"

#include <signal.h>
#include <stddef.h>

#define CAUGHT 5

static const int caught[CAUGHT] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };
static struct sigaction before[CAUGHT], cmocka[CAUGHT];

void signals_remember(void)
{
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], NULL, &before[i]);
}

void signals_as_before(void)
{
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &before[i], &cmocka[i]);
}

void signals_as_cmocka(void)
{
	for (int i = 0; i < CAUGHT; i++)
		sigaction(caught[i], &cmocka[i], NULL);
}
