/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the network frontend share: its state, its counters, and how
 * a frame gets out of a transmit chain and into a receive chain.  For net*.c only.
 *
 * VIRTIO 1.4, 5.1.9 (device operation).
 */
#ifndef VRINGER_DEVICES_NET_FRAME_H
#define VRINGER_DEVICES_NET_FRAME_H

#include "net.h"
#include "virtqueue.h"

/* Names are in net.c and net_uplink.c.  An event moves the counters named for it and
 * no other; a chain that is dropped and then cannot be returned is two events.
 * Those of a personality follow the common ones. */
enum net_counter {
	NET_TX_PACKETS, /* a valid frame's chain was published as used */
	NET_TX_BYTES,	/* and its bytes, without the header */
	/* Torn, writable or unreadable part, wraps, too short; or its header asks for
	 * what was not negotiated. */
	NET_TX_CHAIN_INVALID,
	NET_TX_OVERSIZE_DROPPED, /* frame over net.frame_max */
	NET_TX_ADD_USED_FAILURES,
	NET_RX_ADD_USED_FAILURES,
	NET_RX_PACKETS,	      /* a frame's chain was published as used */
	NET_RX_BYTES,	      /* and its bytes, without the header */
	NET_RX_CHAIN_INVALID, /* torn, readable part, wraps, too short for the header */
	NET_RX_FRAME_TOO_LARGE,
	NET_RX_WRITE_FAILED,   /* a chain of good shape that could not be written */
	NET_INVALID_AVAIL_IDX, /* a queue became poisoned */
	NET_ALLOC_FAILURES,    /* no host memory for a frame, which was dropped or not taken */
	NET_COMMON_COUNTERS,

	/* net-loopback */
	NET_TX_DROPPED_NO_RX = NET_COMMON_COUNTERS, /* valid frame, RX not ready or empty */
	NET_TX_DROPPED_RX_POISONED,		    /* valid frame, RX poisoned now or before */
	NET_LOOPBACK_COUNTERS,

	/* net-host: what became of a valid transmitted frame */
	NET_TX_SENT = NET_COMMON_COUNTERS, /* the backend took it whole */
	NET_TX_SENT_SHORT,		   /* ... cut short */
	NET_TX_REFUSED,			   /* ... not at all */
	NET_TX_EMPTY,			   /* it has no byte, and is for nobody */
	NET_TX_ANSWERED,		   /* the interceptor's, with a reply */
	NET_TX_CLAIMED,			   /* the interceptor's, without one */
	NET_TX_CLAIMED_MALFORMED,
	/* ... of a reply */
	NET_REPLIES_LOST,    /* no room or no buffer for it */
	NET_REPLIES_WAITING, /* gauge */
	/* ... and of a frame that the backend gave */
	NET_HOST_FRAMES,	  /* all of them */
	NET_HOST_FRAMES_OVERSIZE, /* dropped */
	NET_HOST_FRAMES_WAITING,  /* gauge */
	NET_HOST_HELD_BACK,	  /* the backend keeps some: as many wait as may */
	NET_RX_DISCARDED,	  /* replies and frames that waited at reset */
	NET_POOL_EXHAUSTED,	  /* a frame was dropped, or not taken, for want of a buffer */
	NET_HOST_COUNTERS
};

struct net;
struct net_uplink;

/* Where a personality takes a transmitted frame, which may be empty.  The frame
 * is gone when this returns. */
typedef void net_sink(struct net *net, const uint8_t *frame, uint32_t len);

struct net {
	struct device dev;
	net_sink *sink;
	struct net_uplink *uplink; /* of net-host; else NULL */
	uint8_t *frame;		   /* of frame_room bytes; see net_room */
	uint32_t frame_room;
	uint32_t frame_max; /* bytes of the largest frame to be transmitted */
	bool work_left;	    /* the last drain ended at its bound */
	bool poisoned_now;  /* a queue was poisoned in this call: not signalled yet */
	bool any_header;    /* what a transmitted header says is ignored */
	struct virtio_net_config config;

	/* Scratch from here on. The descriptors of the chain in hand: a transmit
	 * chain is done with them when its frame is in `frame`. */
	struct virtqueue_buffer buffers[NET_QUEUE_SIZE_MAX];
};

/* What became of a frame that was to be received. */
enum net_delivery {
	NET_DELIVERED,
	NET_LOST,	/* a chain was taken and is of no use; the frame is not in it */
	NET_TOO_LARGE,	/* ... since it is smaller than the frame */
	NET_UNRETURNED, /* ... since it could not be returned */
	NET_NO_BUFFER,	/* RX is not ready, or empty */
	NET_POISONED,	/* RX is poisoned */
};

static inline void net_count(struct net *net, enum net_counter which)
{
	net->dev.counters[which]++;
}

/* virtqueue_pop, with a poisoned queue counted and kept for the signal at the
 * end of the drain. */
bool net_pop(struct net *net, enum net_queue queue, struct virtqueue_chain *chain);

/* The frame of a transmit chain, into net->frame.  0, or negative errno if there
 * is none to be had; that was counted.  The chain is not returned to the driver
 * here. */
int net_capture(struct net *net, struct virtqueue_chain *chain, uint32_t *frame_len);

/* One frame into the next receive chain, which is returned to the driver
 * whatever happens.  Counts all but NET_NO_BUFFER and NET_POISONED, which mean
 * different things to different senders. */
enum net_delivery net_deliver(struct net *net, const uint8_t *frame, uint32_t len);

/* net_uplink.c: what net-host adds. */
int net_uplink_create(struct net *net);
void net_uplink_destroy(struct net *net);
/* Discard what waits; it was counted. */
void net_uplink_reset(struct net *net);
/* A buffer for the frame that is to be transmitted, net->frame: 0, -ENOBUFS or
 * -ENOMEM.  Its owner is that one transmit chain, at whose end it goes back, where
 * there is one. */
int net_uplink_room(struct net *net);
void net_uplink_give_back(struct net *net);
/* The driver has set DRIVER_OK: frames may have come before that. */
void net_uplink_live(struct net *net);
/* RX of a live device is ready again. */
void net_uplink_start(struct net *net);
/* Take frames from the backend and deliver what waits: ends when nothing does, at
 * its bound, or where RX takes no more. */
void net_uplink_receive(struct net *net);
/* Did the last one end at its bound, or for want of host memory? */
bool net_uplink_goes_on(const struct net *net);
/* net_snapshot.c: what it adds to the part of the snapshot that is the card's. */
void net_uplink_save(const struct net *net, struct snapshot_out *out);
void net_uplink_restore(struct net *net, const struct snapshot_view *view, struct snapshot_in *in);

#endif
