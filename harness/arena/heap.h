/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The heap that a device under test gets.
 *
 * Blocks are separate, so that AddressSanitizer sees every overflow; a block
 * given back is poisoned and kept, so that a run in the steady state calls no
 * allocator.  A new block always holds the same garbage, so a device that reads it
 *             behaves the same on every run.
 */
#ifndef VRINGER_HARNESS_HEAP_H
#define VRINGER_HARNESS_HEAP_H

#include "harness/arena/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_BLOCKS_MAX 512
#define HEAP_BYTES_MAX (64u << 20) /* live at a time; more is a finding */

struct heap_block {
	void *memory;
	size_t size;
	bool live;
};

struct heap {
	struct heap_block blocks[HEAP_BLOCKS_MAX];
	unsigned block_count;
	unsigned live_blocks;
	unsigned peak_blocks; /* live at a time since that was last set; the owner's */
	size_t live_bytes;
	size_t call_bytes;  /* allocated since the counter was last set to 0 */
	unsigned fault_nth; /* the Nth allocation from now fails; 0: none */
	unsigned failures;  /* allocations that failed so far */
	bool exhausted;	    /* a bound above was passed */
	bool starved;	    /* the host had no memory: no fault of the device; stays */
	const struct trace *trace;
};

/* `ctx` is a struct heap.  NULL when a fault is due or a bound is passed. */
void *heap_alloc(void *ctx, size_t size);
/* NULL is allowed.  Freeing a block that is not live is a wild or double free: the
 * process aborts. */
void heap_free(void *ctx, void *memory);

/* Take every live block back and forget faults; the number of blocks that
 * were live: what the device leaked, once it has been destroyed. */
unsigned heap_reset(struct heap *heap);
/* Give everything back to the host. */
void heap_release(struct heap *heap);

#endif
