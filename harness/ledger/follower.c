/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The followers that there are, and those that a target needs.  See follower.h.
 */
#include "harness/ledger/follower.h"

#include "devices/table.h"
#include "harness/ledger/ledger_internal.h"

TABLE(static const struct follower *const, followers, FOLLOWER_COUNT, 1,
      [FOLLOWER_STREAM] = &stream_follower,
      [FOLLOWER_NET] = &net_follower,
      [FOLLOWER_PORT] = &port_follower,
      [FOLLOWER_PAGES] = &pages_follower,
      [FOLLOWER_FUSE] = &fuse_follower,
      [FOLLOWER_DIALOGUE] = &dialogue_follower);

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

void followers_choose(struct ledger *l)
{
	l->follower_count = 0;
	for (unsigned i = 0; i < FOLLOWER_COUNT; i++)
		if (followers[i]->applies(l->target))
			l->followers[l->follower_count++] = followers[i];
	TELL_FOLLOWERS(l, renew, l);
}

bool followers_may_wait(const struct ledger *l)
{
	for (unsigned i = 0; i < l->follower_count; i++)
		if (l->followers[i]->may_wait != NULL && !l->followers[i]->may_wait(l))
			return false;
	return true;
}
