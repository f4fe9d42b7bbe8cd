/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of a block device's disk and its requests (ledger_disk.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_DISK_H
#define VRINGER_HARNESS_LEDGER_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct arena_access;
struct ledger;
struct ledger_hold;

#define DISK_SECTOR 512u
#define DISK_SLOTS 1024u      /* sectors that are kept, and as many again that stay free */
#define DISK_REQUEST_SUMS 64u /* sectors of a request whose bytes are known */
#define DISK_SEGMENTS 4u      /* of a discard, that are known */
#define DISK_SEGMENT_BYTES 16u
#define DISK_ID_BYTES 20u
#define DISK_HEADER 16u

/* A sector: nothing is known and the next read tells; its bytes; or nobody may say what it
 * holds until it is written again. */
enum disk_state { DISK_OPEN, DISK_KNOWN, DISK_LOOSE };

struct disk_sector {
	uint64_t number, sum;
	uint64_t changed; /* when a request that may have changed it came back */
	uint8_t state;	  /* enum disk_state */
	bool used;
	bool written; /* it was a write that told, and not a read */
	bool stable;  /* and was stable when it was completed */
};

struct ledger_disk {
	/* Room for 2 * DISK_SLOTS and DISK_SECTOR, for as long as the ledger is open. */
	struct disk_sector *sectors;
	uint64_t *factors;
	/* Of a device: it keeps its disk when it is reset. */
	uint64_t now;	  /* requests that came back */
	uint64_t flushed; /* the last flush that was acknowledged began then */
	uint64_t cleared; /* when all was forgotten last */
	uint64_t crashed; /* when the host last lost what was not committed */
	uint64_t through; /* since when the cache is known to be writethrough */
	unsigned count;
	bool loose; /* sectors that are not kept may hold anything at any time */
	bool lost;  /* until reset: something may write there that is not seen */
	/* Sectors, as the driver can read it now, and the largest since nothing was in flight;
	 * 0: not known. */
	uint64_t capacity, capacity_max;
	bool beyond; /* something that is past it was acknowledged in this call: */
	uint32_t beyond_type, beyond_call;
	uint64_t beyond_sector, beyond_bytes;
	bool has_id;
	uint8_t id[DISK_ID_BYTES];
	const struct ledger_hold *returning; /* it is dropped next, and was told of */
};

/* Of a chain. */
struct ledger_disk_chain {
	uint64_t begin;	 /* when it was accessed first */
	uint64_t read;	 /* bytes, in order from the first */
	uint64_t end;	 /* of what was written */
	bool begun;	 /* it was accessed */
	bool blind;	 /* where bytes of it lie is not known: it may have been any request */
	bool disordered; /* its data were read, or stored, more than once or not in order */
	bool skipped;	 /* a byte was stored, and one before it was not */
	uint8_t last;	 /* the byte before `end` */
	uint16_t known;	 /* bytes of the header, a bit each */
	uint8_t header[DISK_HEADER];
	uint8_t head[DISK_SEGMENTS * DISK_SEGMENT_BYTES]; /* data, its first bytes */
	struct {
		uint64_t sum;
		uint32_t count; /* bytes in it */
	} sums[DISK_REQUEST_SUMS];
};

_Static_assert(DISK_ID_BYTES <= DISK_SEGMENTS * DISK_SEGMENT_BYTES, "an id is kept");

/* The capacity, as the device shows it now; 0: not known. */
void ledger_disk_capacity(struct ledger *l, uint64_t sectors);
/* The host is as it was at first: it may have put another disk there. */
void ledger_disk_replaced(struct ledger *l);

/* It lost what was not committed. */
void ledger_disk_crashed(struct ledger *l);

#endif
