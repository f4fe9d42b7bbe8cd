/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A portable script on one device: which queue `q` is, which of its requests is sent, whether
 * in an indirect table, and the format of the rings.  `vringer run` runs each instance that there
 * is; other commands run one.
 */
#ifndef VRINGER_HARNESS_INSTANCE_H
#define VRINGER_HARNESS_INSTANCE_H

#include "harness/guest/transport.h"
#include "harness/program/text.h"
#include "harness/target/target.h"

#define INSTANCE_TEXT_MAX 96
#define INSTANCES_MAX (8u * TARGET_REQUESTS_MAX)

struct instance {
	struct script_binding binding;
	bool queue;			      /* the script names `q` */
	const struct target_request *request; /* that it sends; NULL: none */
	const char *unmet; /* why it cannot run, whatever it says of operations; or NULL */
};

/* A queue that has more requests than this meets a script with so many of them. */
#define INSTANCE_REQUESTS 3u
/* A script of so large a budget, or a larger one, meets each queue with one request. */
#define INSTANCE_LONG 64u

/* Is it one?  A long session goes round a ring's indices, which no request has a part in. */
bool instance_is_long(const struct script *script);

/* Instances of a script on a target, on split rings; at least one.  `all`: with every request
 * of a queue.  `script` was parsed with any binding. */
unsigned instance_list(const struct script *script, const struct target *target, bool all,
		       struct instance out[INSTANCES_MAX]);

/* ... all of them on packed rings. */
void instances_pack(struct instance *list, unsigned count);

/* ... `count` of them, and behind them ones on packed rings, if the script is for any device
 * or for a model, leaves the format open and the target offers them: each queue's first, and of its
 * others every second, or `all`; how many there are then. */
unsigned instances_add_packed(const struct script *script, const struct target *target, bool all,
			      struct instance list[INSTANCES_MAX], unsigned count);

/* Why the script cannot run on packed rings there; NULL: it can. */
const char *instance_unmet_packed(const struct script *script, const struct target *target);

/* Why the script, parsed as that instance, cannot run on the target; NULL: it can. */
const char *instance_unmet(const struct instance *instance, const struct script *script,
			   const struct target *target, const struct transport *transport);

/* ... for what its queue and request are, and the features and sizes that it asks for; NULL:
 * for nothing of that. */
const char *instance_unmet_binding(const struct instance *instance, const struct script *script,
				   const struct target *target);

/* Which one a user asks for; 0 members: whichever comes first. */
struct instance_choice {
	const char *queue;   /* its number */
	const char *request; /* its name */
	bool indirect, packed;
};

/* The binding of the first instance that has what the script says that it needs of queue
 * and request; false: there is none. */
bool instance_first(const struct script *script, const struct target *target,
		    struct script_binding *binding);

/* The binding of that instance: 0, or -EINVAL with what is wrong in `why`. */
int instance_choose(const struct target *target, const struct instance_choice *choice,
		    struct script_binding *binding, char *why, size_t size);

/* The instance in words, to stand behind a target's name: " q0 read indirect"; empty if
 * the script is about no queue. */
void instance_print(const struct instance *instance, char *text, size_t size);
/* The options that choose it: " --queue 0 --request read". */
void instance_print_options(const struct instance *instance, char *text, size_t size);

#endif
