/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The heap of a device under test; see heap.h.
 */
#include "harness/arena/heap.h"
#include "harness/arena/instrumented.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_GARBAGE 0xa5

static void heap_trace(const struct heap *heap, enum trace_kind kind, size_t size, int err)
{
	struct trace_event event = { .kind = (uint8_t)kind, .len = (uint32_t)size, .err = err };

	if (heap->trace != NULL)
		heap->trace->event(heap->trace->ctx, &event);
}

/* Memory of the host; where there is none that is not the device's doing. */
static void *get_memory(struct heap *heap, size_t size)
{
	void *memory = malloc(size > 0 ? size : 1);

	heap->starved = heap->starved || memory == NULL;
	return memory;
}

/* A block of that size that is free, or a new one; NULL at a bound, or if starved. */
static struct heap_block *find_block(struct heap *heap, size_t size)
{
	struct heap_block *block;

	for (unsigned i = 0; i < heap->block_count; i++)
		if (!heap->blocks[i].live && heap->blocks[i].size == size &&
		    heap->blocks[i].memory != NULL)
			return &heap->blocks[i];
	if (heap->block_count == HEAP_BLOCKS_MAX) {
		/* Sizes vary without end: recycle any free place. */
		for (unsigned i = 0; i < heap->block_count; i++) {
			block = &heap->blocks[i];
			if (block->live)
				continue;
			free(block->memory);
			block->memory = get_memory(heap, size);
			block->size = block->memory != NULL ? size : 0;
			return block->memory != NULL ? block : NULL;
		}
		return NULL;
	}
	block = &heap->blocks[heap->block_count];
	block->memory = get_memory(heap, size);
	if (block->memory == NULL)
		return NULL;
	block->size = size;
	heap->block_count++;
	return block;
}

void *heap_alloc(void *ctx, size_t size)
{
	struct heap *heap = ctx;
	struct heap_block *block = NULL;

	if (heap->fault_nth > 0 && --heap->fault_nth == 0) {
		heap->failures++;
		heap_trace(heap, TRACE_ALLOC, size, -1);
		return NULL;
	}
	if (size <= HEAP_BYTES_MAX - heap->live_bytes)
		block = find_block(heap, size);
	if (block == NULL) {
		heap->failures++;
		heap->exhausted = !heap->starved;
		return NULL;
	}
	block->live = true;
	heap->live_blocks++;
	if (heap->live_blocks > heap->peak_blocks)
		heap->peak_blocks = heap->live_blocks;
	heap->live_bytes += size;
	heap->call_bytes += size;
	instrumented_unpoison(block->memory, size);
	memset(block->memory, HEAP_GARBAGE, size);
	heap_trace(heap, TRACE_ALLOC, size, 0);
	return block->memory;
}

static void block_free(struct heap *heap, struct heap_block *block)
{
	block->live = false;
	heap->live_blocks--;
	heap->live_bytes -= block->size;
	instrumented_poison(block->memory, block->size);
}

void heap_free(void *ctx, void *memory)
{
	struct heap *heap = ctx;

	if (memory == NULL)
		return;
	for (unsigned i = 0; i < heap->block_count; i++) {
		if (heap->blocks[i].memory != memory || !heap->blocks[i].live)
			continue;
		heap_trace(heap, TRACE_FREE, heap->blocks[i].size, 0);
		block_free(heap, &heap->blocks[i]);
		return;
	}
	abort();
}

unsigned heap_reset(struct heap *heap)
{
	unsigned leaked = heap->live_blocks;

	for (unsigned i = 0; heap->live_blocks > 0 && i < heap->block_count; i++)
		if (heap->blocks[i].live)
			block_free(heap, &heap->blocks[i]);
	heap->call_bytes = 0;
	heap->fault_nth = 0;
	heap->exhausted = false;
	return leaked;
}

void heap_release(struct heap *heap)
{
	heap_reset(heap);
	for (unsigned i = 0; i < heap->block_count; i++) {
		instrumented_unpoison(heap->blocks[i].memory, heap->blocks[i].size);
		free(heap->blocks[i].memory);
	}
	memset(heap, 0, sizeof(*heap));
}
