/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of the packets of a socket device (ledger_socket.c), of the flows
 * that they belong to (ledger_flow.c, ledger_flow_out.c), and of the bytes of those
 * (ledger_flow_bytes.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_SOCKET_H
#define VRINGER_HARNESS_LEDGER_SOCKET_H

#include "harness/ledger/ledger_digest.h"
#include "harness/target/target.h"

#include <linux/virtio_vsock.h>
#include <stdbool.h>
#include <stdint.h>

struct ledger;
struct ledger_hold;

#define LEDGER_FLOWS_MAX 64u   /* that are followed; with more, nothing is said of new ones */
#define LEDGER_PACKET_HEAD 44u /* bytes of struct virtio_vsock_hdr */
/* Of a port of the host: connections whose bytes the host may still take, bytes of one, and
 * ways to divide what it took among them, that are followed. */
#define LEDGER_LINES_MAX 8u
#define LEDGER_LINE_BYTES (64u << 10)
#define LEDGER_READINGS_MAX 32u
/* Ends of messages that are kept of bytes that wait; of more nothing is said. */
#define LEDGER_ENDS_MAX 64u

/* A packet's header, in the machine's order. */
struct ledger_packet {
	uint64_t src_cid, dst_cid;
	uint32_t src_port, dst_port, len, flags, buf_alloc, fwd_cnt;
	uint16_t type, op;
};

/* Is it RW that ends a message? */
static inline bool ledger_packet_ends(const struct ledger_packet *packet)
{
	return packet->op == VIRTIO_VSOCK_OP_RW && packet->type == VIRTIO_VSOCK_TYPE_SEQPACKET &&
	       (packet->flags & VIRTIO_VSOCK_SEQ_EOM) != 0;
}

/* ASKED, CALLED: the guest or the device asked for a connection, and has no answer yet. */
enum ledger_flow_state { FLOW_NONE, FLOW_ASKED, FLOW_CALLED, FLOW_OPEN, FLOW_OVER };

/* What the device owes the guest, a bit each. */
#define OWES_ANSWER 1u	/* RESPONSE or RST, to a REQUEST */
#define OWES_STRAY 2u	/* RST, to another packet of no connection */
#define OWES_CREDIT 4u	/* CREDIT_UPDATE */
#define OWES_END 8u	/* RST, since the guest is done */
#define OWES_TYPE 0x10u /* RST, to an unknown type */

/* A pair of ports, as the device can know it by the headers that it read. */
struct ledger_flow {
	uint32_t guest_port, host_port;
	uint32_t guest_cid, host_cid;
	uint16_t type;
	uint8_t types; /* that the guest ever used there, a bit each; bit 0: and other CIDs */
	uint8_t state; /* enum ledger_flow_state */
	uint8_t owes;
	/* Flags of SHUTDOWN; those of the guest that the device cannot have left unheeded, and of
	 * them what it read before it last had nothing left to send. */
	uint8_t guest_shut, host_shut, shut_heard;
	bool unsure;	     /* whether there is a connection is not known */
	bool stirred;	     /* there may be answers on their way: not only what its state shows */
	bool ended;	     /* by the device's RST, to a connection that was known */
	bool drained_unsure; /* what fwd_cnt is when the host has all is not known */
	bool excused;	     /* the device may end it, for what the guest sent or the host did */
	uint8_t messages;    /* that the guest has ended, as far as it is counted */
	uint16_t held;	     /* packets whose chains the device has not returned */
	/* Credit: bytes sent to the guest, and how many may be by what the device read: the
	 * most that it may still go by, and once it rests the most and the least. */
	bool credit_unsure;
	bool room_unsure;  /* a packet's counts cannot be: the device may go by any of them */
	uint32_t peer_fwd; /* fwd_cnt of the guest */
	uint64_t sent, limit, limit_last, limit_least;
	/* Bytes that the guest sent, and the device's fwd_cnt, without its wraps: the largest,
	 * and that when it last had nothing left to send. */
	uint64_t received, forwarded, forwarded_rest;
	/* How many it may send by what it was told last; it said that it sends no more; where
	 * its bytes are kept, LEDGER_LINES_MAX: there were none. */
	uint64_t room;
	bool said_end;
	uint8_t line;
	/* What the guest was told last of the device's buffer, and how often it asked since the
	 * connection began and was told nothing new; it was asked for credit, and has given none.
	 */
	uint32_t told_fwd, told_alloc, asks;
	bool asked;
	bool untaken; /* a message ended, and the host has taken nothing of that port since */
	/* When its REQUEST was read: in which call, and how often what is behind the device had
	 * been called in that; it was called since, or it is not known that it had to be. */
	uint32_t call, backend_calls;
	bool host_asked;
};

/* Is it a connection, or is one asked for? */
static inline bool ledger_flow_alive(const struct ledger_flow *flow)
{
	return flow->state != FLOW_NONE && flow->state != FLOW_OVER;
}

/* Until the driver resets the device. */
struct ledger_socket_session {
	bool lost;    /* what passes is not known */
	bool crowded; /* more flows than are kept */
	uint8_t count;
	struct ledger_flow flow[LEDGER_FLOWS_MAX];
};

/* Where messages end among bytes that wait, the oldest first: how many bytes come before that. */
struct ledger_ends {
	unsigned count;
	bool lost; /* one was not kept: what comes before the next is not known */
	uint32_t at[LEDGER_ENDS_MAX];
};

/* Bytes of one connection that the host has not taken, and how many are still to be read of
 * the RW packet that the device reads now. */
struct ledger_line {
	uint32_t len, due;
	struct ledger_ends ends;
};

/* A way to divide what the host took: how much of each line. */
struct ledger_reading {
	uint32_t at[LEDGER_LINES_MAX];
};

/* Of a port of the target that stands for one of the host. */
struct ledger_socket_port {
	uint8_t *
		bytes; /* of lines, then those that were typed; for as long as the ledger is open */
	bool out_lost, in_lost;	    /* not known until there is a new device */
	bool taking;		    /* the host takes bytes in this call */
	bool sure;		    /* ... and what it found was known when the call began */
	bool typed;		    /* the host may have asked for a connection */
	bool ordered;		    /* ... and was given an order since */
	uint8_t alive;		    /* connections */
	uint32_t in_len;	    /* bytes that were typed and not delivered */
	struct ledger_ends in_ends; /* ... and where what was typed at once ends */
	unsigned reading_count;
	struct ledger_line line[LEDGER_LINES_MAX];
	struct ledger_reading reading[LEDGER_READINGS_MAX];
};

struct ledger_socket {
	uint32_t cid; /* of the guest; 0: not known */
	struct ledger_socket_session session;
	struct ledger_socket_port port[TARGET_PORTS_MAX];
};

/* Of a chain: the header, byte by byte where it lies in the chain. */
struct ledger_socket_chain {
	uint64_t known;
	bool blind;   /* nothing can be said of it */
	bool heard;   /* of tx: the header was read whole, and flow is its flow or NULL */
	uint8_t flow; /* LEDGER_FLOWS_MAX: none that is kept */
	uint8_t line; /* of tx: where its bytes are kept; LEDGER_LINES_MAX: nowhere */
	bool torn;    /* bytes behind the header were not moved once and in order */
	struct ledger_digest body; /* ... and what they are */
	uint8_t bytes[LEDGER_PACKET_HEAD];
};

/* ledger_flow.c: the device read a packet's header; it returned that chain, and the packet was
 * a whole one, or it may have been none for it.  The flow, or LEDGER_FLOWS_MAX. */
uint8_t ledger_flow_heard(struct ledger *l, const struct ledger_packet *packet);
void ledger_flow_returned(struct ledger *l, uint8_t flow, bool whole);
/* The device rests, and has sent all that it had to send. */
void ledger_flow_quiet(struct ledger *l);
/* The flow of these ports, NULL: none is kept; or a new one, NULL: there is no room. */
struct ledger_flow *ledger_flow_find(struct ledger *l, uint32_t guest_port, uint32_t host_port);
struct ledger_flow *ledger_flow_add(struct ledger *l, uint32_t guest_port, uint32_t host_port);
/* A connection begins: nothing was sent either way. */
void ledger_flow_begin(struct ledger_flow *flow, enum ledger_flow_state state);

/* ledger_flow_out.c: the driver is given that packet. */
void ledger_flow_told(struct ledger *l, const struct ledger_hold *hold,
		      const struct ledger_packet *packet);
/* The device rests: what it owes did not come. */
void ledger_flow_owed(struct ledger *l);

/*
 * ledger_flow_host.c.  ordered: the host was given an order that is about that port.  ended: the
 * driver is given that RST.  taking: the host begins to take bytes of
 * that port.  kept: it took less than it wanted.  awaited: the device
 * rests, and says that it waits for the host.  counted: the driver is given that packet of a
 * connection, before the flow knows of it; shut: that SHUTDOWN.  settled: the device rests, and
 * could send to that flow.
 */
void ledger_flow_ordered(struct ledger *l, unsigned port);
/* The port of the target that stands for that one of the host; port_count: there is none. */
unsigned ledger_flow_port(const struct ledger *l, uint32_t host_port);
/* Was an order given of a connection that the host may have asked for by then? */
bool ledger_flow_was_ordered(const struct ledger *l, uint32_t host_port);
void ledger_flow_ended(struct ledger *l, const struct ledger_hold *hold,
		       const struct ledger_flow *flow, const struct ledger_packet *packet);
void ledger_flow_taking(struct ledger *l, unsigned port);
void ledger_flow_kept(struct ledger *l, unsigned port);
void ledger_flow_awaited(struct ledger *l);
void ledger_flow_counted(struct ledger *l, const struct ledger_hold *hold, struct ledger_flow *flow,
			 const struct ledger_packet *packet);
void ledger_flow_shut(struct ledger *l, const struct ledger_hold *hold,
		      const struct ledger_flow *flow, const struct ledger_packet *packet);
void ledger_flow_settled(struct ledger *l, const struct ledger_flow *flow);

/*
 * ledger_flow_bytes.c.  open, close: room, 0 or -ENOMEM.  renew, reset: there is a new device; the
 * driver reset it.  lose: nothing is known of any port.
 *
 * look: something happened to a flow of that port of the host.  heard: the device read that
 * header, of that flow; the line that keeps its bytes.  read: those bytes, in order; torn: or not.
 * given: the driver is given that packet.  typed: before the device has them; refused: so many
 * of the last it did not take.  taken: by the host, of at most
 * `max`.
 */
int ledger_flow_bytes_open(struct ledger *l, const struct target *target);
void ledger_flow_bytes_close(struct ledger *l);
void ledger_flow_bytes_renew(struct ledger *l);
void ledger_flow_bytes_reset(struct ledger *l);
void ledger_flow_bytes_lose(struct ledger *l);
void ledger_flow_bytes_look(struct ledger *l, uint32_t host_port);
uint8_t ledger_flow_bytes_heard(struct ledger *l, uint8_t flow, const struct ledger_packet *packet);
void ledger_flow_bytes_torn(struct ledger *l, uint32_t host_port);
void ledger_flow_bytes_read(struct ledger *l, uint32_t host_port, unsigned line,
			    const uint8_t *data, uint32_t len);
void ledger_flow_bytes_given(struct ledger *l, const struct ledger_hold *hold,
			     const struct ledger_packet *packet);
void ledger_flow_bytes_typed(struct ledger *l, unsigned port, const void *data, uint32_t len);
void ledger_flow_bytes_refused(struct ledger *l, unsigned port, uint32_t len);
/* How many typed bytes wait, as far as known, of a port that has one connection. */
uint32_t ledger_flow_bytes_waiting(struct ledger *l, uint32_t host_port);
void ledger_flow_bytes_taken(struct ledger *l, unsigned port, const uint8_t *data, uint32_t len,
			     uint32_t max);

/*
 * ledger_flow_messages.c.  ends_add: a message ends behind so many bytes, which may be none.
 * ends_drop: so many are gone, and so many are left.  ends_cut: only so many are left.  carried:
 * the driver is given that packet, the next of bytes that wait, whose messages end there.
 * joined: what the host took of that port at once is known.
 */
void ledger_ends_add(struct ledger_ends *ends, uint32_t at);
void ledger_ends_drop(struct ledger_ends *ends, uint32_t gone, uint32_t left);
void ledger_ends_cut(struct ledger_ends *ends, uint32_t left);
void ledger_flow_carried(struct ledger *l, const struct ledger_hold *hold,
			 const struct ledger_packet *packet, const struct ledger_ends *ends);
void ledger_flow_joined(struct ledger *l, unsigned port);

#endif
