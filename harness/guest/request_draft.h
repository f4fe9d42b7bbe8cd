/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A request of the target's on its way to become a chain of a queue (VIRTIO 2.7.5, 2.8.6).
 */
#ifndef HARNESS_GUEST_REQUEST_DRAFT_H
#define HARNESS_GUEST_REQUEST_DRAFT_H

#include "harness/guest/guest_internal.h"

/* A request, ready to be written. */
struct draft {
	const struct target_request *request;
	const struct request_script *script;
	unsigned queue;
	uint32_t size;	    /* of the queue */
	uint32_t pieces[2]; /* readable, writable */
	uint32_t piece_len; /* bytes of each but the last; 0: there is one of each kind */
	uint32_t descs;	    /* in the queue's table */
	enum request_layout layout;
	bool forced; /* the operation says which descriptors */
	uint32_t head;
	uint64_t at, table; /* buffers; an indirect table */
	uint64_t area;
	uint32_t area_len, table_len;
};
/* Has the driver accepted all of these features (bits 0 to 63)? */
bool draft_accepts(const struct guest *g, uint64_t features);

/* Divide d->request, for a queue of d->size entries, into buffers and choose their descriptors, as
 * the operation says where it can be.  False: too few are free; that is noted, as it is when
 * there are fewer pieces than were asked for. */
bool draft_plan(struct guest *g, const struct op *op, struct draft *d);

/* Decide where buffers and table lie; the driver's own area goes round. */
void draft_place(struct guest *g, const struct op *op, struct draft *d);

/* Write what the device reads, and where its answer has to be other bytes than will be. */
void draft_write_readable(struct guest *g, const struct op *op, const struct draft *d);
void draft_spoil_answer(struct guest *g, const struct draft *d);

/* Write the descriptors, in the queue's table and in one of their own. */
void draft_write_descs(struct guest *g, struct draft *d);

/* The descriptor that the chain begins with. */
uint16_t draft_head(const struct draft *d);

#endif
