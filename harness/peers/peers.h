/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Peers: devices of other people's programs, each in a process of its own, as targets
 * (vringer.h).  An entry is data: what is started, with which arguments, and which device
 * it is.  Nothing is started before a device is created.
 */
#ifndef VRINGER_HARNESS_PEERS_H
#define VRINGER_HARNESS_PEERS_H

#include "harness/peers/kinds.h"

struct target;

/* How a kind of peer is reached: its calls are copied into each peer's description. */
struct peer_link {
	const char *name; /* "qtest", "vhost-user" */
	/* level, memory, layout, flags, and the calls; the rest comes from kind and entry. */
	struct vringer_target target;
};

struct peer {
	const char *name;    /* "qemu-blk": a target's name */
	const char *help;    /* one line */
	const char *program; /* what is started unless the user names another */
	const char *package; /* of Debian, that has it */
	const struct peer_link *link;
	const char *kind; /* of kinds.h */
	/* Arguments after the program, blanks between; %s{socket}, ... are the link's to
	 * replace (its header says which). */
	const char *arguments;
	uint64_t features_off; /* bits of the kind or of chapter 6 that are not tried on it */
	uint32_t flags;	       /* enum vringer_flag, beside those of the link */
	uint32_t virtio;       /* version of VIRTIO that it was written against; 0: unknown */
	const void *host_side; /* the link's: what is behind the device; or NULL */
};

/* Ended by NULL. */
extern const struct peer *const peers[];

/* NULL: there is no such peer. */
const struct peer *peer_find(const char *name);
/* The peer as a target, the same each time; NULL with one line on stderr. */
const struct target *peer_target(const struct peer *peer);
/* The program that is started: the user's, or where `program` is found; NULL: nowhere. */
const char *peer_program(const struct peer *peer);
/* From now on start this instead: a program, or a command line with arguments of its own.
 * Before peer_target. */
void peer_use_command(const struct peer *peer, const char *command);

#endif
