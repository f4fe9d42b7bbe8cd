/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The followers that there are, and those that a target needs.  See follower.h.
 */
#include "harness/ledger/follower.h"

#include "devices/table.h"
#include "harness/ledger/ledger_internal.h"

#include <string.h>

_Static_assert(FOLLOWER_COUNT <= 32, "followers are bits of 32");
_Static_assert(sizeof(struct follower) % sizeof(void (*)(void)) == 0,
	       "a follower is functions and nothing else");

TABLE(static const struct follower *const, followers, FOLLOWER_COUNT, 1,
      [FOLLOWER_STREAM] = &stream_follower,
      [FOLLOWER_NET] = &net_follower,
      [FOLLOWER_PORT] = &port_follower,
      [FOLLOWER_PAGES] = &pages_follower,
      [FOLLOWER_FUSE] = &fuse_follower,
      [FOLLOWER_DIALOGUE] = &dialogue_follower,
      [FOLLOWER_DISK] = &disk_follower,
      [FOLLOWER_SOCKET] = &socket_follower);

int followers_open(struct ledger *l, const struct target *target)
{
	int err = 0;

	for (unsigned i = 0; i < FOLLOWER_COUNT && err == 0; i++)
		if (followers[i]->open != NULL && followers[i]->applies(target))
			err = followers[i]->open(l, target);
	return err;
}

void followers_close(struct ledger *l)
{
	for (unsigned i = 0; i < FOLLOWER_COUNT; i++)
		if (followers[i]->close != NULL)
			followers[i]->close(l);
}

static bool has_event(const struct follower *follower, size_t event)
{
	void (*function)(void);

	memcpy(&function, (const char *)follower + event * sizeof(function), sizeof(function));
	return function != NULL;
}

static void fill_lists(struct follower_lists *lists)
{
	for (size_t event = 0; event < FOLLOWER_EVENTS; event++) {
		unsigned count = 0;

		for (unsigned i = 0; i < FOLLOWER_COUNT; i++)
			if ((lists->applying >> i & 1) != 0 && has_event(followers[i], event))
				lists->told[event][count++] = followers[i];
		lists->told[event][count] = NULL;
	}
}

void followers_choose(struct ledger *l)
{
	uint32_t applying = 0;

	for (unsigned i = 0; i < FOLLOWER_COUNT; i++)
		applying |= (uint32_t)followers[i]->applies(l->target) << i;
	/* As a rule the target is the one that it was. */
	if (applying != l->followers.applying) {
		l->followers.applying = applying;
		fill_lists(&l->followers);
	}
	TELL_FOLLOWERS(l, renew, l);
}

bool followers_may_wait(const struct ledger *l)
{
	const struct follower *const *f = l->followers.told[FOLLOWER_EVENT(may_wait)];

	while (*f != NULL && (*f)->may_wait(l))
		f++;
	return *f == NULL;
}
