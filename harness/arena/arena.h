/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory as a device sees it.
 *
 * A few regions of a 64-bit address space with holes between them; guest addresses
 * never equal addresses of this process.  The standard layout:
 *
 *   0                   zero: what an address that wrapped finds  4 KiB
 *   0x10000             low: rings, buffers, requests     320 KiB
 *   0x80000000          hole: nothing for a GiB around
 *   0x100000000 - 96K   below the seam                     96 KiB
 *   0x100000000         above the seam                     96 KiB
 *   2^64 - 96K          top: ends with the address space   96 KiB
 *
 * The layout "below the top" is for devices that refuse memory which ends at 2^64: the
 * last region is a page lower. "Flat" is one region of 384 KiB at 0x10000: `seam` lies
 * inside it, `top` is its end, and `hole` stays unmapped.  In "offset" the seam is at 16 MiB
 * and the top at 64 MiB, and the bytes of a region are in the memfd of plain memory at the
 * region's address: for devices that map that file as all of guest memory.
 *
 * Devices reach it through accessors (arena.host), each access with its
 * purpose.  Races and faults take effect here, bytes can be unmapped one by one, and
 *           one observer sees every access.  What is not mapped is poisoned
 * under AddressSanitizer.
 *
 * Plain memory is for devices that reach it by pointers (arena_plain.c): they get the
 * regions, and changes are found by comparing.  Accesses are not seen, so unmap, races
 * and faults have no effect.  Inaccessible pages surround each region.
 *
 * Reset costs what the last program touched, not the size of memory; of plain
 * memory it costs a comparison.
 *
 * The guest's own stores and loads (arena_store, arena_load) are not accesses of the
 * device; no observer sees them.
 */
#ifndef VRINGER_HARNESS_ARENA_H
#define VRINGER_HARNESS_ARENA_H

#include "devices/device.h"
#include "harness/arena/heap.h"
#include "harness/arena/trace.h"
#include "harness/program/program.h"

#include <sys/types.h>

#define ARENA_REGIONS_MAX 5
#define ARENA_HOLES_MAX 32
#define ARENA_RACES_MAX 8
#define ARENA_RACE_BYTES_MAX 16
#define ARENA_VIEWS_MAX 64
#define ARENA_SIZE_MAX (640u << 10) /* host bytes behind all regions and the gaps */
#define ARENA_REQUESTS_SIZE (64u << 10)
#define ARENA_GRANULE 512 /* bytes restored together */

enum arena_layout {
	ARENA_STANDARD,
	ARENA_BELOW_TOP,
	ARENA_FLAT,
	ARENA_OFFSET,
};

struct arena_region {
	uint64_t base;
	uint32_t size;	    /* bytes; of plain memory 0 while it is taken away */
	uint32_t whole;	    /* ... and then */
	uint32_t offset;    /* of its bytes in memory */
	uint64_t fd_offset; /* of plain memory: in its file */
};

/* A range that the device cannot reach; `last` is its last byte. */
struct arena_hole {
	uint64_t first, last;
};

struct arena_race {
	uint64_t addr;
	uint32_t len;
	uint32_t countdown; /* takes effect when it gets to 0 */
	bool on_write;	    /* it counts writes of `watch`, and not reads of what it changes */
	uint64_t watch;
	uint8_t data[ARENA_RACE_BYTES_MAX];
	uint32_t serial;      /* the how many-th that was armed, from 1 */
	uint32_t reads;	      /* that touched it */
	uint32_t first;	      /* of them, the first for the same chain as the last */
	uint16_t seen;	      /* bytes that those saw, a bit each */
	struct guest_why why; /* of the last */
	bool due;	      /* but put off */
};

/* A race that struck when all that it changes had been read before for the same
 * chain: a second fetch. */
struct arena_refetch {
	uint32_t serial; /* of the race; 0: there was none */
	uint32_t first;	 /* read of those that touched it */
	uint64_t addr;
	uint32_t len;
	bool fresh;  /* the owner has not looked at it */
	uint32_t op; /* the owner's to fill in, and verb */
	const char *verb;
};

/* How the race with that serial number is to strike instead. */
struct arena_retime {
	uint32_t serial; /* 0: as armed */
	uint32_t nth;	 /* at this read; 0: when the chain that it strikes is done with */
};

struct arena_view {
	void *memory; /* NULL: free */
	struct guest_why why;
	uint64_t addr;
	uint32_t len;
	bool write;
};

/* An access of the device that is over. */
struct arena_access {
	struct guest_why why;
	bool write;
	uint64_t addr;
	const uint8_t *data; /* what was read, or was to be written: len bytes */
	uint32_t len;
	int err; /* 0, or -EFAULT and data may be NULL: a view that cannot be had */
};

/* Told of each. */
typedef void arena_observe_fn(void *ctx, const struct arena_access *access);

/* Told when the device asks whether that is memory. */
typedef void arena_asked_fn(void *ctx, uint64_t addr, uint64_t len);

/* A region of plain memory, for a device. */
struct arena_handout {
	uint64_t addr, size;
	void *host;
	int fd; /* the same bytes, from fd_offset on */
	uint64_t fd_offset;
};

/* Bytes that the device changed, and what they are now. */
typedef void arena_change_fn(void *ctx, uint64_t addr, const uint8_t *data, uint32_t len);

struct arena {
	struct device_host host; /* give this to a device; interrupt is the owner's to fill in */
	struct heap *heap;	 /* for host.alloc and views */
	arena_observe_fn *observe;
	arena_asked_fn *asked; /* or NULL */
	void *observe_ctx;     /* of both */
	const struct trace *trace;

	struct arena_region regions[ARENA_REGIONS_MAX];
	unsigned region_count;
	uint64_t place[BASE_HOLE + 1]; /* BASE_LOW to BASE_HOLE */
	uint64_t requests; /* ARENA_REQUESTS_SIZE bytes that no slot or ring is in by default */

	struct arena_hole holes[ARENA_HOLES_MAX];
	unsigned hole_count;
	struct arena_race races[ARENA_RACES_MAX];
	unsigned race_count;
	uint32_t race_serial; /* armed since reset */
	struct arena_refetch refetch;
	struct arena_retime retime; /* reset leaves it */
	bool overtaken;		    /* the device wrote to what a race put off will change */
	uint32_t fault_nth;	    /* the Nth matching access from now fails; 0: none */
	uint8_t fault_kind;	    /* enum access_kind */
	uint8_t fault_purpose;	    /* 0: any, else 1 + enum guest_purpose */
	struct arena_view views[ARENA_VIEWS_MAX];
	unsigned view_count;

	uint8_t *memory;   /* the live bytes of all regions */
	uint8_t *pristine; /* what they are reset to */
	/* Of plain memory: */
	bool plain;
	int fd;		 /* behind `memory` */
	uint8_t *shadow; /* what the device has not changed is in both */
	bool settled;	 /* there is nothing to be compared */
	pid_t process;	 /* that knows so */
	/* Of plain memory, and of accessors where the owner sets `watch`: */
	bool watch;
	uint32_t look;	   /* number of the last look; 0 is none */
	uint32_t *changed; /* per byte, the last one in which it changed or was written */
	uint32_t struck;   /* races and faults that there have been */
	unsigned dirty_count;
	uint16_t dirty[ARENA_SIZE_MAX / ARENA_GRANULE];
	bool is_dirty[ARENA_SIZE_MAX / ARENA_GRANULE];
};

/* 0 or negative errno.  `heap` must outlive the arena. */
int arena_init(struct arena *arena, enum arena_layout layout, bool plain, struct heap *heap);
void arena_release(struct arena *arena);
/* Memory as it was at first, everything mapped, nothing armed. */
void arena_reset(struct arena *arena);

/* The guest's own access.  Bytes that are not there are skipped, or read 0. */
void arena_store(struct arena *arena, uint64_t addr, const void *data, uint32_t len);
void arena_load(struct arena *arena, uint64_t addr, void *data, uint32_t len);
/* Are all of these bytes there? */
bool arena_has(struct arena *arena, uint64_t addr, uint64_t len);
void arena_store16(struct arena *arena, uint64_t addr, uint16_t value);
uint16_t arena_load16(struct arena *arena, uint64_t addr);
/* The byte at `position` of the pattern `seed`; no two neighbouring pages are
 * alike.  At 0 and 1 of every 256 it is 0: buffers begin there, and one that is sent as
 * a network packet has a header that asks for nothing (VIRTIO 5.1.9: flags, gso_type). */
#define ARENA_PATTERN_FACTOR 0x9e3779b1u
#define ARENA_PATTERN_SHIFT 13
static inline uint8_t arena_pattern_byte(uint64_t position, uint8_t seed)
{
	return position % 256 < 2
		       ? 0
		       : (uint8_t)((position + seed) * ARENA_PATTERN_FACTOR >> ARENA_PATTERN_SHIFT);
}
/* `len` of these, into host memory. */
void arena_pattern_bytes(uint8_t *to, uint64_t position, uint32_t len, uint8_t seed);
/* Fill with `value`, or with bytes that depend on `seed` and address. */
void arena_fill(struct arena *arena, uint64_t addr, uint64_t len, uint8_t value);
void arena_pattern(struct arena *arena, uint64_t addr, uint64_t len, uint8_t seed);

/* From here on the device can or cannot reach these bytes.  A range that
 * passes 2^64 is cut there; map gives back only what unmap took.  When there
 * would be too many holes to keep apart, nothing is done. */
void arena_unmap(struct arena *arena, uint64_t addr, uint64_t len);
void arena_map(struct arena *arena, uint64_t addr, uint64_t len);

/* Arm a race; false if it is empty, too long, or there are too many.  It strikes just
 * before the Nth device read that touches what it changes; or just after the Nth
 * device write of the byte at `watch`. */
bool arena_race(struct arena *arena, uint32_t nth, uint64_t addr, const void *data, uint32_t len);
bool arena_race_write(struct arena *arena, uint32_t nth, uint64_t watch, uint64_t addr,
		      const void *data, uint32_t len);
/* The device's call is over: a postponed race takes effect now. */
void arena_strike_due(struct arena *arena);
/* Forget races and faults that have not happened, of memory and heap. */
void arena_disarm(struct arena *arena);

/* Plain memory: that region is there, or taken away from the device and the guest. */
void arena_set_region(struct arena *arena, unsigned region, bool present);
/* Plain memory: its regions in the order of their addresses; how many. */
unsigned arena_hand_out(const struct arena *arena, struct arena_handout out[ARENA_REGIONS_MAX]);
/* A look begins: what is compared, or written, from here on bears its number. */
void arena_look(struct arena *arena);
/* Tell, in pieces as long as they go, of what the device changed since it was
 * compared last: of these bytes, which do not pass 2^64; or of all there are. */
void arena_compare(struct arena *arena, uint64_t addr, uint64_t len, arena_change_fn *fn,
		   void *ctx);
void arena_compare_all(struct arena *arena, arena_change_fn *fn, void *ctx);
/* As arena_load, of plain memory: what was there when it was compared last, or written by
 * the guest since.  Bytes that are not there are 0. */
void arena_load_compared(struct arena *arena, uint64_t addr, void *data, uint32_t len);
/* The device is gone, and arena_compare_all was last: reset can rely on it. */
void arena_settled(struct arena *arena);
/* The first of these bytes at which `run` or more in a row have not been found
 * changed by look number `since` or a later one, as an offset; `len` if there is
 * none.  Bytes that are not there count as changed. */
uint32_t arena_unchanged(struct arena *arena, uint64_t addr, uint32_t len, uint32_t since,
			 uint32_t run);
/* Make each of these bytes another, by `key` and its address. */
void arena_salt(struct arena *arena, uint64_t addr, uint32_t len, uint64_t key);

#endif
