/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The table of peers, and a peer as a target.  See peers.h.
 *
 * A description is made of three parts: the link's calls, what the kind of device has in
 * common, and the entry's differences.  It then goes the way of everybody's devices
 * (foreign_open).
 */
#include "harness/peers/peers.h"

#include "harness/files/escape.h"
#include "harness/peers/process.h"
#include "harness/target/foreign.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEERS_MAX 64u
#define PEER_FOLDER_MAX 80u

/* The entries of each link. */
static const struct peer *const tables[] = {
	peers_qemu,
	peers_vhost_user,
};

/* A peer that was opened; kept until the process ends. */
struct opened {
	const struct peer *peer;
	struct vringer_target given;
	struct vringer_request requests[TARGET_REQUESTS_MAX + 1];
	struct foreign foreign;
	char *words; /* of a command */
	char folder[PEER_FOLDER_MAX];
	struct opened *next;
};

const struct peer *const *peer_all(void)
{
	static const struct peer *all[PEERS_MAX + 1];
	size_t count = 0;

	if (all[0] != NULL)
		return all;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct peer *p = tables[t]; p != NULL && p->name != NULL; p++)
			if (count < PEERS_MAX)
				all[count++] = p;
	return all;
}

const struct peer *peer_find(const char *name)
{
	for (const struct peer *const *p = peer_all(); *p != NULL; p++)
		if (name != NULL && strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

/* Can that request ever be sent? */
static bool is_possible(const struct vringer_target *t, const struct vringer_request *request)
{
	return request->queue < t->queue_count && (request->features & ~t->features) == 0;
}

static void take_request(struct opened *o, const struct vringer_request *request)
{
	size_t at = 0;

	if (!is_possible(&o->given, request))
		return;
	while (o->requests[at].name != NULL && ((request->flags & VRINGER_REQUEST_HINT) != 0 ||
						o->requests[at].queue != request->queue ||
						strcmp(o->requests[at].name, request->name) != 0))
		at++;
	if (at < TARGET_REQUESTS_MAX)
		o->requests[at] = *request;
}

/* The kind's requests, and the entry's, without those that need what it switched off. */
static void take_requests(struct opened *o, const struct kind *kind)
{
	for (const struct vringer_request *r = kind->requests; r != NULL && r->name != NULL; r++)
		take_request(o, r);
	for (const struct vringer_request *r = o->peer->requests; r != NULL && r->name != NULL; r++)
		take_request(o, r);
	o->given.requests = o->requests;
}

/* The queues up to the first that needs what the entry switched off. */
static uint32_t count_queues(const struct kind *kind, uint64_t features)
{
	uint32_t count = 0;

	while (count < kind->queue_count &&
	       (kind->queue_needs == NULL || (kind->queue_needs[count].features & ~features) == 0))
		count++;
	return count;
}

static int32_t probe(void *opaque, struct vringer_probe *found, char *what)
{
	const struct peer *peer = opaque;
	const struct vringer_target *link = &peer->link->target;

	if (peer_program(peer) == NULL) {
		peer_missing(peer, what, VRINGER_WHAT_MAX);
		return -ENOENT;
	}
	return link->probe != NULL ? link->probe(opaque, found, what) : 0;
}

/* An opaque pointer is its author's: who takes it back knows that it is constant. */
union any_pointer {
	const struct peer *in;
	void *out;
};

static void describe(struct opened *o, const struct kind *kind)
{
	const struct peer *peer = o->peer;
	struct vringer_target *t = &o->given;

	*t = peer->link->target;
	t->version = VRINGER_VERSION;
	t->size = sizeof(*t);
	t->name = peer->name;
	t->help = peer->help;
	t->flags |= peer->flags;
	t->device_id = kind->device_id;
	t->features =
		((t->features | kind->features) & ~peer->features_off) | 1ull << VIRTIO_F_VERSION_1;
	t->features_always = t->features & kind->features_always;
	t->queue_count = count_queues(kind, t->features);
	t->queues = kind->queues;
	t->queue_needs = kind->queue_needs;
	t->config_len = kind->config_len;
	t->fields = kind->fields;
	t->virtio = peer->virtio;
	t->backend = peer->backend;
	t->opaque = ((union any_pointer){ .in = peer }).out;
	t->probe = probe;
	take_requests(o, kind);
}

static const struct target *refuse(const struct peer *peer, const char *fault)
{
	fprintf(stderr, "vringer: peer %s %s\n", peer->name, fault);
	return NULL;
}

/* How a command is told to use it; NULL: no memory. */
static char *make_words(const struct peer *peer)
{
	const char *command = peer_command(peer);
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	fprintf(out, "--peer %s", peer->name);
	if (command != NULL) {
		fputs(" --command ", out);
		escape_word(out, command);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static const struct target *open_peer(struct opened *o)
{
	const struct kind *kind = kind_find(o->peer->kind);
	const char *fault;

	if (kind == NULL)
		return refuse(o->peer, "is of a kind that is not there");
	describe(o, kind);
	o->words = make_words(o->peer);
	if (o->words == NULL)
		return refuse(o->peer, "cannot be opened: no memory");
	snprintf(o->folder, sizeof(o->folder), "corpus/peers/%s", o->peer->name);
	fault = foreign_open(&o->foreign, &o->given);
	if (fault == NULL)
		fault = target_fault(&o->foreign.target);
	if (fault != NULL)
		return refuse(o->peer, fault);
	o->foreign.target.words = o->words;
	o->foreign.target.folder = o->folder;
	return &o->foreign.target;
}

const struct target *peer_target(const struct peer *peer)
{
	static struct opened *first;
	struct opened *o = first;

	while (o != NULL && o->peer != peer)
		o = o->next;
	if (o != NULL)
		return &o->foreign.target;
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return refuse(peer, "cannot be opened: no memory");
	o->peer = peer;
	if (open_peer(o) == NULL) {
		free(o->words);
		free(o);
		return NULL;
	}
	o->next = first;
	first = o;
	return &o->foreign.target;
}

static uint64_t round_trips;

void peer_waited(void)
{
	round_trips++;
}

struct peer_cost peer_cost(void)
{
	return (struct peer_cost){ .round_trips = round_trips, .cpu_ns = process_all_cpu_ns() };
}

static const struct target *find_target(const char *name)
{
	const struct peer *peer = peer_find(name);

	return peer != NULL ? peer_target(peer) : NULL;
}

void peer_register(void)
{
	target_find_also(find_target);
}
