/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bad luck: what can happen to a process that has a device, whatever the device is.
 *
 * A program says when it comes to a moment; at the one that its options name, and from
 * then on not again, the misfortune happens.  Most do not return.
 */
#ifndef PEER_LUCK_H
#define PEER_LUCK_H

#include <stdbool.h>

enum moment {
	AT_START,  /* before anybody can connect */
	AT_HELLO,  /* the first that it is asked */
	AT_MEMORY, /* it learns where guest memory is */
	AT_KICK,   /* it is notified of a queue */
	AT_ZERO,   /* a descriptor has length 0 */
	AT_STOP,   /* its queue is stopped, or it is reset */
	AT_END,	   /* it was told to end, or nobody is connected any more */
	MOMENTS,
	NEVER = MOMENTS,
};

/* Is there a misfortune of that name? */
bool luck_choose(const char *name);
/* When; until then at the first moment of its kind, AT_KICK.  false: there is no such
 * moment. */
bool luck_when(const char *moment);
/* The connection that a misfortune may be about, or -1. */
void luck_connected(int socket);
/* false: it has hung up, and has nothing to do any more for whoever was connected. */
bool luck_strike(enum moment moment);
/* Is the chosen one of that name due at this moment?  For what only one program can do. */
bool luck_is(const char *name, enum moment moment);
/* The names of both, for a usage line. */
void luck_help(void);

#endif
