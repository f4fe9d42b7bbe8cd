/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Peers: devices of other people's programs, each in a process of its own, as targets
 * (vringer.h).  An entry is data: what is started, with which arguments, and which device
 * it is.  Nothing is started before a device is probed or created.
 *
 * peers.c has the table and makes targets; peers_command.c finds programs and puts command
 * lines together.  An entry is written in the file of its link (peers_NAME.c), in an array
 * that ends with an entry without a name.
 */
#ifndef VRINGER_HARNESS_PEERS_H
#define VRINGER_HARNESS_PEERS_H

#include "harness/peers/kinds.h"

#include <stddef.h>

struct target;

/* How a kind of peer is reached: its calls are copied into each peer's description. */
struct peer_link {
	const char *name; /* "qtest", "vhost-user" */
	/* level, memory, layout, flags, the calls, and as features those of chapter 6 that it
	 * carries (VERSION_1 always counts); the rest comes from kind and entry.  Its `probe`
	 * and `create` get the struct peer as `opaque`. */
	struct vringer_target target;
};

struct peer {
	const char *name;    /* "qemu-blk": a target's name */
	const char *help;    /* one line */
	const char *program; /* what is started unless the user names another */
	const char *package; /* of Debian, that has it; NULL: none */
	const struct peer_link *link;
	const char *kind; /* of kinds.h */
	/* Arguments after the program, blanks between; words in braces are the link's to
	 * replace (its header says which): peer_argv. */
	const char *arguments;
	uint64_t features_off; /* bits of the kind or of chapter 6 that are not tried on it */
	uint32_t flags;	       /* enum vringer_flag, beside those of the link */
	uint32_t virtio;       /* version of VIRTIO that it was written against; 0: unknown */
	const void *host_side; /* the link's: what is behind the device; or NULL */
	/* NULL or what is behind the device, whose calls are the link's, and the requests that
	 * are answered because of it, ended by one without a name: each is one more, or takes
	 * the place of the kind's that has its name and queue. */
	const struct vringer_backend *backend;
	const struct vringer_request *requests;
	const char *version; /* arguments with which it says its version; NULL: --version; "": it
			      * does not say */
};

/* The entries of each link, ended by one without a name. */
extern const struct peer peers_qemu[];
extern const struct peer peers_vhost_user[];

/* All of them, in the order of their links' tables, ended by NULL. */
const struct peer *const *peer_all(void);
/* NULL: there is no such peer. */
const struct peer *peer_find(const char *name);
/* The peer as a target, the same each time; NULL with one line on stderr. */
const struct target *peer_target(const struct peer *peer);
/* From now on target_find finds peers too, where no target has that name. */
void peer_register(void);

/* A program (a path, or a name in PATH), as execvp would find it: a string that stays, or
 * NULL. */
const char *peer_program(const struct peer *peer);
/* One line: why peer_program is NULL, and what to do about it. */
void peer_missing(const struct peer *peer, char *line, size_t size);
/* From now on start this instead: words with blanks between, quoted as a shell has it ('',
 * "", \), of which the first is the program.  Where one of them has a word in braces it is
 * the whole command line; otherwise the peer's own arguments follow.  Before peer_target.
 * 0; or -EINVAL with one line in `why`, -ENOMEM. */
int peer_use_command(const struct peer *peer, const char *command, char *why, size_t why_size);
/* What the user gave; NULL: nothing. */
const char *peer_command(const struct peer *peer);

/* What peers cost so far, all of them, and all that were: for measuring. */
struct peer_cost {
	uint64_t round_trips; /* questions, or bundles of them, whose answers were waited for */
	uint64_t cpu_ns;      /* of their processes: process_all_cpu_ns */
};
struct peer_cost peer_cost(void);
/* For links: one more round trip. */
void peer_waited(void);

/* A word in braces, and what stands in its place. */
struct peer_word {
	const char *name; /* "{socket}"; NULL ends a list */
	const char *value;
};
/* What is to be started, ended by NULL, for peer_argv_free; argv[0] is what peer_program
 * found.  A word that is not listed stays as it is.  NULL: no memory, or there is no such
 * program. */
char **peer_argv(const struct peer *peer, const struct peer_word *words);
void peer_argv_free(char **argv);

#endif
