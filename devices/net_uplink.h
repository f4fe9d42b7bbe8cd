/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The state that net-host adds to the frontend: frames that wait, and where their
 * buffers come from.  For net_uplink.c and net_snapshot.c only.
 */
#ifndef VRINGER_DEVICES_NET_UPLINK_H
#define VRINGER_DEVICES_NET_UPLINK_H

#include "net_frame.h"
#include "net_pool.h"

struct net_waiting {
	uint8_t *frame; /* of the pool */
	uint32_t len;
};

/* Oldest first, from `first` on, round. */
struct net_line {
	struct net_waiting *places;
	unsigned room, first, count;
};

struct net_uplink {
	const struct net_backend *backend;
	void *backend_ctx;
	const struct net_interceptor *interceptor;
	void *interceptor_ctx;
	struct net_pool pool;
	uint64_t may_offer; /* as far as they are configured */
	uint32_t mtu;	    /* that is kept, configured or not */
	bool connected;	    /* or restored: what it is cannot be changed any more */
	bool starved;	    /* the call in hand had no host memory to take a frame into */
	bool work_left;	    /* the last call ended at its bound, or starved */
	struct net_line replies, frames;
	struct net_waiting reply_places[NET_REPLIES_MAX];
	struct net_waiting frame_places[NET_HOST_FRAMES_MAX];
};

/* The place `ahead` of the oldest, which is there or the next to be taken. */
static inline struct net_waiting *net_line_at(const struct net_line *line, unsigned ahead)
{
	return &line->places[(line->first + ahead) % line->room];
}

/* There is room for it. */
static inline void net_line_push(struct net_line *line, uint8_t *frame, uint32_t len)
{
	*net_line_at(line, line->count++) = (struct net_waiting){ .frame = frame, .len = len };
}

/* The oldest is gone; there is one. */
static inline void net_line_pop(struct net_line *line, struct net_pool *pool)
{
	net_pool_release(pool, line->places[line->first].frame);
	line->first = (line->first + 1) % line->room;
	line->count--;
}

/* VIRTIO 5.1.4.1: once MTU was negotiated no packet beyond it is passed on; nor is
 * one that a buffer does not hold. */
bool net_uplink_oversize(const struct net_uplink *up, uint64_t features, const uint8_t *frame,
			 uint32_t len);

#endif
