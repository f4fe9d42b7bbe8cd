/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the parts of the socket device share: its state, its counters, and what each part
 * does for the others.  For vsock*.c only.
 *
 * VIRTIO 1.4, 5.10.6 (device operation).
 */
#ifndef VRINGER_DEVICES_VSOCK_PRIVATE_H
#define VRINGER_DEVICES_VSOCK_PRIVATE_H

#include "chain.h"
#include "fifo.h"
#include "vsock.h"

/* An event moves the counters named for it and no other. */
enum vsock_counter {
	VSOCK_TX_PACKETS,	/* whose header was read; each is one of the next four */
	VSOCK_TX_HEEDED,	/* did what it asks for */
	VSOCK_TX_REFUSED,	/* answered by RST, and the connection is gone if there was one */
	VSOCK_TX_IGNORED,	/* RST of a flow without a connection */
	VSOCK_TX_FOREIGN,	/* not from guest_cid to the host */
	VSOCK_TX_CHAIN_INVALID, /* torn, writable or unreadable part, wraps */
	VSOCK_TX_SHORT,		/* shorter than a header */
	VSOCK_TX_CAPPED,	/* a drain ended at what one call may take */
	VSOCK_TX_FULL,		/* a drain ended for want of room for answers */
	VSOCK_RX_PACKETS,	/* sent to the driver */
	VSOCK_RX_CHAIN_INVALID, /* torn, readable part, wraps */
	VSOCK_RX_SMALL,		/* no room for the header, or for a byte behind it */
	VSOCK_RX_WRITE_FAILED,
	VSOCK_RX_CAPPED,
	VSOCK_ANSWERS_QUEUED,
	VSOCK_ANSWERS_SENT,
	VSOCK_ANSWERS_WAITING,	 /* gauge */
	VSOCK_ANSWERS_CANCELLED, /* their connection is gone */
	VSOCK_OPENED,		 /* connections, by either side */
	VSOCK_CLOSED,
	VSOCK_CONNECTIONS, /* gauge */
	VSOCK_INPUT_BYTES, /* accepted from the host */
	VSOCK_INPUT_DELIVERED,
	VSOCK_INPUT_PENDING, /* gauge */
	VSOCK_INPUT_DROPPED, /* the connection is gone, or the guest receives no more */
	VSOCK_OUTPUT_BYTES,  /* of the guest */
	VSOCK_OUTPUT_TAKEN,  /* by the host */
	VSOCK_OUTPUT_HELD,   /* gauge */
	VSOCK_OUTPUT_DROPPED,
	VSOCK_EVENTS_QUEUED,
	VSOCK_EVENTS_SENT,
	VSOCK_EVENTS_WAITING, /* gauge */
	VSOCK_EVENTS_DROPPED, /* at reset */
	VSOCK_EVENT_CHAIN_INVALID,
	VSOCK_EVENT_SMALL,
	VSOCK_EVENT_WRITE_FAILED,
	VSOCK_ADD_USED_FAILURES,
	VSOCK_INVALID_AVAIL_IDX, /* a queue became poisoned */
	VSOCK_ALLOC_FAILURES,
	VSOCK_COUNTER_COUNT
};

#define VSOCK_HEADER ((uint32_t)sizeof(struct virtio_vsock_hdr))
#define VSOCK_SHUTDOWN_BOTH ((uint8_t)(VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND))

/* Not looked at yet: a driver fills these queues and need not say so before the device is
 * live. */
#define VSOCK_MORE_AT_FIRST (1u << VSOCK_RX | 1u << VSOCK_EVENT)

enum vsock_state {
	VSOCK_ASKING,	 /* REQUEST is to be sent */
	VSOCK_REQUESTED, /* ... was, and the guest has not answered */
	VSOCK_CONNECTED,
	VSOCK_CLOSING, /* by the host: SHUTDOWN and RST are to be sent */
	VSOCK_STATE_COUNT
};

/* Bytes that wait in one direction.  Of messages the oldest ones' lengths: what is there
 * beyond them is of one that has not ended. */
struct vsock_message {
	uint32_t len;
	uint8_t flags; /* enum virtio_vsock_rw */
};
struct vsock_line {
	struct fifo bytes;
	unsigned message_count;
	struct vsock_message messages[VSOCK_MESSAGES_MAX];
};

struct vsock_connection {
	struct vsock_flow flow;
	enum vsock_state state;
	uint8_t guest_shut, host_shut; /* enum virtio_vsock_shutdown */
	uint8_t told_shut;	       /* of host_shut, what the guest was told */
	bool asked;		       /* for credit, and none has come since */
	/* Free-running, modulo 2^32.  What the guest says of its buffer: */
	uint32_t peer_buf_alloc, peer_fwd_cnt;
	uint32_t tx_cnt; /* bytes sent to it */
	uint32_t rx_cnt; /* bytes that came from it */
	uint32_t told;	 /* fwd_cnt that it was told last */
	struct vsock_line output, input;
};

/* A packet without bytes that waits for the driver's buffers. */
struct vsock_answer {
	struct vsock_flow flow;
	uint16_t op;
	/* Of RST: its connection's, which is gone; else that one's as they are then. */
	uint32_t buf_alloc, fwd_cnt;
};

struct vsock {
	struct device dev;
	const struct vsock_backend *backend; /* NULL: nobody listens */
	void *backend_ctx;
	uint64_t guest_cid; /* the host's to say, so reset leaves it */
	uint8_t more;	    /* queues that may have chains which nobody has looked at, a bit each */
	bool event_owed;
	bool poisoned_now; /* a queue was poisoned in this call: not signalled yet */
	unsigned answer_first, answer_count;
	unsigned connection_count; /* oldest first */
	unsigned turn;		   /* connection that is next to send, below the count or 0 */

	/* Scratch from here on. */
	struct vsock_connection connections[VSOCK_CONNECTIONS_MAX];
	struct vsock_answer answers[VSOCK_ANSWERS_MAX];
	struct virtqueue_buffer buffers[VSOCK_QUEUE_SIZE_MAX]; /* of the chain in hand */
	struct {
		struct virtio_vsock_hdr header;
		uint8_t bytes[VSOCK_BUFFER];
	} __attribute__((packed)) packet; /* the one in hand */
};

static inline struct vsock *vsock_of(struct device *dev)
{
	return (struct vsock *)dev;
}

static inline void vsock_add(struct vsock *vsock, enum vsock_counter which, uint64_t n)
{
	vsock->dev.counters[which] += n;
}

static inline void vsock_count(struct vsock *vsock, enum vsock_counter which)
{
	vsock_add(vsock, which, 1);
}

static inline bool vsock_has_more(const struct vsock *vsock, enum vsock_queue queue)
{
	return vsock->more >> queue & 1;
}

static inline void vsock_more(struct vsock *vsock, unsigned queue, bool more)
{
	vsock->more = (uint8_t)((vsock->more & ~(1u << queue)) | (unsigned)more << queue);
}

/* virtqueue_pop, with a poisoned queue counted and kept for the signal at the end of the
 * call.  A queue that has nothing is noted in `more`. */
bool vsock_pop(struct vsock *vsock, enum vsock_queue queue, struct virtqueue_chain *chain);
/* virtqueue_push; false if that failed, which was counted. */
bool vsock_push(struct vsock *vsock, const struct virtqueue_chain *chain, uint32_t len);
/* The driver has started the device, it is not suspended, and the queue can be walked. */
bool vsock_live(const struct vsock *vsock, enum vsock_queue queue);
/* Counters of what is held now, which can fall. */
void vsock_note_gauges(struct vsock *vsock);
/* May a guest have it? */
bool vsock_cid_valid(uint64_t cid);

/* vsock_connection.c: who is connected, and what they have. */

/* Were sockets of that type negotiated? */
bool vsock_speaks(uint64_t features, uint16_t type);
/* The connection with these ports: its index, or connection_count; and itself, or NULL. */
unsigned vsock_index_of(const struct vsock *vsock, uint32_t host_port, uint32_t guest_port);
struct vsock_connection *vsock_connection(struct vsock *vsock, uint32_t host_port,
					  uint32_t guest_port);
/* A new one; NULL: there are VSOCK_CONNECTIONS_MAX. */
struct vsock_connection *vsock_open(struct vsock *vsock, const struct vsock_flow *flow,
				    enum vsock_state state);
/* It is gone, with its bytes and the answers of it that wait but for RST; those behind it
 * move. */
void vsock_drop(struct vsock *vsock, struct vsock_connection *conn);
/* All of them, and all answers. */
void vsock_drop_all(struct vsock *vsock);
/* `conn` may be NULL.  There is room. */
void vsock_answer(struct vsock *vsock, const struct vsock_flow *flow, uint16_t op,
		  const struct vsock_connection *conn);
/* Bytes that the host has taken or that were dropped. */
uint32_t vsock_fwd_cnt(const struct vsock_connection *conn);
/* Is there anything for the host to take, if only an empty message? */
bool vsock_has_output(const struct vsock_connection *conn);
/* Bytes that the guest lets in now. */
uint32_t vsock_credit(const struct vsock_connection *conn);
/* Both lines of a connection of zeroes: empty. */
void vsock_lines_init(struct vsock_connection *conn, const struct device_host *host);
/* Of either line: add a message, and it has room for one; how many bytes of one message can be
 * taken; so many of them were.  Returns the flags to show with them. */
void vsock_line_end(struct vsock_line *line, uint32_t flags);
uint32_t vsock_line_ready(const struct vsock_line *line);
uint32_t vsock_line_took(struct vsock_line *line, uint32_t len);
/* Bytes of a message that has not ended. */
uint32_t vsock_line_open(const struct vsock_line *line);

/* vsock_tx.c: what the guest sends. */
void vsock_drain_tx(struct vsock *vsock);
bool vsock_tx_goes_on(const struct vsock *vsock);
/* It would, but for want of room for answers. */
bool vsock_tx_waits(const struct vsock *vsock);

/* vsock_rx.c: what the guest is sent. */
void vsock_drain_rx(struct vsock *vsock);
bool vsock_rx_goes_on(const struct vsock *vsock);
void vsock_drain_event(struct vsock *vsock);
bool vsock_event_goes_on(const struct vsock *vsock);

/* vsock_snapshot.c. */
void vsock_save(const struct device *dev, struct snapshot_out *out);
void vsock_restore(struct device *dev, const struct snapshot_view *view, struct snapshot_in *in);

#endif
