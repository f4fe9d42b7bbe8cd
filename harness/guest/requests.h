/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Well-formed requests, as the target declares them (struct target_request): how an
 * honest driver sends them, and whether the device answers them.
 *
 * It looks as a driver does, at the used ring and the buffers in guest memory, so it sees
 * the same of every device, however that reaches memory.  It judges only where the device
 * has no excuse: `well` below.  Who asks for a verdict in a script (`> answered`) gets it
 * in any case.
 */
#ifndef VRINGER_HARNESS_REQUESTS_H
#define VRINGER_HARNESS_REQUESTS_H

#include "harness/program/program.h"
#include "harness/target/target.h"

struct guest;

#define REQUESTS_SENT_MAX 512u	/* chains on their way that are told apart */
#define REQUESTS_DESCS_MAX 256u /* descriptors of a queue that are told apart */
#define REQUESTS_PIECES_MAX 128u

/* A chain that the driver made available and has not seen come back. */
struct request_sent {
	const struct target_request *request; /* NULL: some other chain */
	uint64_t at;			      /* of its buffers, readable ones first */
	uint64_t written, written_len;	      /* bytes that the device may write for it; of some
					       * other chain, from the first to the last */
	uint64_t area;			      /* of what lies in the driver's own area */
	uint32_t area_len;
	uint16_t queue, head;
	uint16_t first, count; /* descriptors */
	bool told;	       /* the device was notified since */
	bool followed;	       /* ... and what happens after that has happened */
	bool judged;	       /* the device has no excuse */
	bool content;	       /* nor for the bytes of the answer */
	bool clean;	       /* the driver had made no mistake on any queue */
	bool nested;	       /* part of another request */
};

enum request_wrong_kind {
	REQUEST_RIGHT,
	REQUEST_UNANSWERED, /* at rest */
	REQUEST_LENGTH,
	REQUEST_BYTES,
};

/* What was wrong with an answer. */
struct request_wrong {
	enum request_wrong_kind kind;
	const char *name; /* of the request */
	uint16_t queue, head;
	uint32_t len;	    /* LENGTH: used.len */
	uint32_t min, max;  /* ... and what was declared */
	uint32_t at;	    /* BYTES: where */
	uint8_t found, due; /* ... what is there, and what was declared */
};

struct request_queue {
	bool ready;	   /* `start` has set it up */
	bool renewed;	   /* ... and it was reset since, and `queue` has not */
	bool mistaken;	   /* the driver has sent what is no well-formed request */
	bool untracked;	   /* ... in descriptors that nobody noted */
	uint16_t seen;	   /* used index up to which it has looked */
	uint32_t answered; /* as declared, since this was asked for last */
	uint32_t offered;  /* since then, or on their way then */
	uint32_t outstanding;
	struct request_wrong wrong;		/* the first one since then */
	uint64_t used[REQUESTS_DESCS_MAX / 64]; /* descriptors in use */
	uint16_t next; /* of a split ring in order: the descriptor to use next (2.7.5) */
};

/* A target's request, its operations parsed. */
struct request_script {
	struct program *before, *after; /* or NULL */
};

struct requests {
	bool well;    /* live since `start`, and nothing since then gives the device an excuse */
	bool strayed; /* the program did more than start, send requests, wait and look */
	bool host_touched; /* the program made the host do something */
	bool refused;	   /* ... refuse what the device passes on, perhaps even now */
	uint32_t owed;	   /* requests that the host did something for and that did not come
			    * back as declared: it may still have what is theirs */
	uint32_t answered; /* as declared, on all queues */
	bool saved;	   /* the last operation took a snapshot, or put it back */
	bool nested;	   /* what runs are a request's own operations */
	bool preparing;	   /* ... and those that come before it */
	bool redivided;	   /* a twin: cut what is sent whole, join what is sent in pieces */
	bool lacked_room;  /* a request was not sent for want of descriptors, or in fewer pieces */
	uint32_t compared; /* answers of requests that have one answer only */
	uint64_t digest;   /* ... of all of them, whatever the order */
	uint64_t queues;   /* bits: those that something was sent to */
	uint32_t area_at;  /* next free byte of the area */
	unsigned sent_count;
	struct request_sent sent[REQUESTS_SENT_MAX];
	struct request_queue queue[PROGRAM_QUEUES];
	/* Of the target's requests, in their order. */
	struct request_script *scripts;
	unsigned script_count;
};

/* Parse the operations of the target's requests: 0, -ENOMEM, or -EINVAL. */
int requests_open(struct requests *r, const struct target *target);
void requests_close(struct requests *r);

/* Nothing was sent. */
void requests_reset(struct guest *g);
/* An operation of the program is about to run: does it give the device an excuse? */
void requests_note(struct guest *g, const struct program *prog, const struct op *op);
/* `start` is over, and has set the queues up whose `ready` is set. */
void requests_started(struct guest *g, bool live);
/* An operation is over, the device in `state`: what came back, and what did not. */
void requests_rest(struct guest *g, enum device_state state);

/* What came back, whatever the device does next. */
void requests_look(struct guest *g);

/* Until the program is over nobody knows what the host does: that is no longer held against
 * the device. */
void requests_doubt_host(struct requests *r);

/* May the host still have what the program, or a request of it, made it do? */
static inline bool requests_left_something(const struct requests *r)
{
	return r->host_touched || r->refused || r->owed > 0;
}

/* Descriptors that this request takes on that queue, divided as the operation says. */
unsigned requests_descs(const struct target_request *request, const struct op *op);

/* How many requests of a queue were answered as declared since this was asked for last;
 * *offered: of how many; *wrong: the first that was not.  What a request itself sends is
 * not counted. */
uint32_t requests_take_answered(struct guest *g, unsigned queue, uint32_t *offered,
				struct request_wrong *wrong);
/* The program sets that queue up by itself. */
void requests_set_up(struct guest *g, unsigned queue);
/* Did the driver accept RING_RESET?  Then it may reset a queue alone; and has: what was sent
 * there does not come back. */
bool requests_may_reset(const struct guest *g);
void requests_queue_reset(struct guest *g, unsigned queue);
void request_wrong_print(const struct request_wrong *wrong, char *text, size_t size);

/* From now on the device has an excuse, whatever becomes of requests. */
static inline void requests_excuse(struct requests *r)
{
	r->well = false;
	r->strayed = true;
}

/* Has the driver, since the program began, only sent well-formed requests, each divided as
 * the operation says? */
bool requests_are_honest(const struct guest *g);

/* The device is about to be notified of a queue; and it was: what is to happen then. */
void requests_tell(struct requests *r, uint64_t queue);
void requests_follow(struct guest *g, unsigned queue);

/* For the files of requests: the chain that sent[sent_count] describes is on its way. */
void requests_add(struct guest *g);
/* Are any of these descriptors in use?  Past the end of the table they go on at its start. */
bool requests_uses(const struct guest *g, unsigned queue, uint32_t first, uint32_t count);
/* Must the driver use descriptors in the order of the table (drv.split.desc-table.2)? */
bool requests_in_ring_order(const struct guest *g, unsigned queue);
/* The driver changes, or takes away, these bytes. */
void requests_touch(struct guest *g, uint64_t addr, uint64_t len);
/* May the device write there for a chain that is on its way? */
bool requests_write(const struct requests *r, uint64_t addr, uint64_t len);
/* Have two ranges a byte in common? */
bool requests_overlap(uint64_t a, uint64_t a_len, uint64_t b, uint64_t b_len);

/* Operations. */
void guest_chain_request(struct guest *g, const struct program *prog, const struct op *op);
void guest_offer_request(struct guest *g, const struct program *prog, const struct op *op);
void guest_send_request(struct guest *g, const struct program *prog, const struct op *op);

#endif
