/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Followers: the parts of the ledger that know what one kind of traffic has to be.
 *
 * The ledger's core follows chains, whatever is in them, and tells each follower that
 * applies to the target what happened to them.  A follower keeps what it knows in
 * struct ledger, of a chain in struct ledger_hold, and looks at nobody else's.  It never
 * tells the core that a chain is wrong: it breaks rules, and no more.
 *
 * What passes outside guest memory goes to the one that it concerns by a function of
 * ledger.h: ledger_frame, ledger_fault, ledger_page.
 *
 * A new kind of traffic is a file with a `const struct follower`, a header with its
 * state, and one line each in enum follower_id, in `followers` (follower.c) and in the
 * two structures.
 */
#ifndef VRINGER_HARNESS_LEDGER_FOLLOWER_H
#define VRINGER_HARNESS_LEDGER_FOLLOWER_H

#include "harness/target/target.h"

#include <stddef.h>

struct arena_access;
struct ledger;
struct ledger_hold;

/* They are told in this order. */
enum follower_id {
	FOLLOWER_STREAM,
	FOLLOWER_NET,
	FOLLOWER_PORT,
	FOLLOWER_PAGES,
	FOLLOWER_FUSE,
	FOLLOWER_DIALOGUE,
	FOLLOWER_DISK,
	FOLLOWER_SOCKET,
	FOLLOWER_COUNT,
};

/* What a follower is told.  NULL: it need not know; `applies` alone is always there. */
struct follower {
	/* Has the target such traffic? */
	bool (*applies)(const struct target *target);

	/* The ledger is opened for that target: room; 0 or -ENOMEM.  And closed, of a
	 * target that it may not apply to. */
	int (*open)(struct ledger *l, const struct target *target);
	void (*close)(struct ledger *l);
	/* Counters have these names, of a target that the ledger did not have before. */
	void (*name)(struct ledger *l, const void *device);
	/* There is a new device; the driver reset it; what state it is in is not known,
	 * after that. */
	void (*renew)(struct ledger *l);
	void (*reset)(struct ledger *l);
	void (*forget)(struct ledger *l);

	/* The device takes a chain; and takes one that it holds once more, which need
	 * not be the same. */
	void (*taken)(struct ledger_hold *hold);
	void (*retaken)(struct ledger_hold *hold);
	/* It read or wrote payload that the chain permits, found at hold->cursor; or
	 * tried to (access->err). */
	void (*accessed)(struct ledger *l, struct ledger_hold *hold,
			 const struct arena_access *access);
	/* ... of a chain that is not wholly known, or of one that it does not hold: NULL. */
	void (*unknown)(struct ledger *l, unsigned queue, struct ledger_hold *hold, bool write);
	/* An access for that queue failed, of a ring or of payload. */
	void (*failed)(struct ledger *l, unsigned queue);
	/* It begins to return something: it writes a used entry. */
	void (*entry)(struct ledger *l, unsigned queue);
	/* A chain is returned, `len` bytes of it: the used index moved past its entry.
	 * NULL: none that it holds.  Then: all of that move. */
	void (*returned)(struct ledger *l, unsigned queue, const struct ledger_hold *hold,
			 uint32_t len);
	/* The ledger holds the chain no more: it was returned, which was told before, or the
	 * device has nothing more to do with it, or is taken to. */
	void (*dropped)(struct ledger *l, const struct ledger_hold *hold);
	/* `lost`: and past entries that are not known. */
	void (*moved)(struct ledger *l, unsigned queue, bool lost);
	/* What passes at that queue from here on is not seen, until reset. */
	void (*lost)(struct ledger *l, unsigned queue);

	/* Around an act of the host, as ledger_host_begin, ledger_host_end. */
	void (*host_begin)(struct ledger *l, enum host_act act, unsigned port, const void *data,
			   uint32_t len);
	void (*host_end)(struct ledger *l, enum host_act act, unsigned port, const void *data,
			 uint32_t len, uint32_t moved);
	/* The host of that port is given an order. */
	void (*ordered)(struct ledger *l, unsigned port);

	/* A call of the device is over, not the one that resets. */
	void (*called)(struct ledger *l);
	/* An operation is over, and l->device.counters are as they stand. */
	void (*counted)(struct ledger *l);
	/* The device rests; `excused`: it need not have done all that it could. */
	void (*rest)(struct ledger *l, const void *device, bool excused);
	/* May it be that it waits for the host, as it says? */
	bool (*may_wait)(const struct ledger *l);
};

extern const struct follower stream_follower, net_follower, port_follower, pages_follower,
	fuse_follower, dialogue_follower, disk_follower, socket_follower;

/* For each member of struct follower those that apply to the target and have it, then NULL:
 * who need not know costs nothing. */
#define FOLLOWER_EVENTS (sizeof(struct follower) / sizeof(void (*)(void)))
struct follower_lists {
	uint32_t applying; /* enum follower_id, a bit each */
	const struct follower *told[FOLLOWER_EVENTS][FOLLOWER_COUNT + 1];
};

/* Tell them: TELL_FOLLOWERS(l, moved, l, queue, lost). */
#define FOLLOWER_EVENT(event) (offsetof(struct follower, event) / sizeof(void (*)(void)))
#define TELL_FOLLOWERS(l, event, ...)                                                              \
	do {                                                                                       \
		const struct follower *const *f_ = (l)->followers.told[FOLLOWER_EVENT(event)];     \
		for (; *f_ != NULL; f_++)                                                          \
			(*f_)->event(__VA_ARGS__);                                                 \
	} while (0)

/* Room for what those need that apply to the target; 0 or -ENOMEM.  close: all. */
int followers_open(struct ledger *l, const struct target *target);
void followers_close(struct ledger *l);
/* From here on those are told that apply to l->target, first that there is a new device. */
void followers_choose(struct ledger *l);
/* May the device wait for the host, as far as they all know? */
bool followers_may_wait(const struct ledger *l);

#endif
