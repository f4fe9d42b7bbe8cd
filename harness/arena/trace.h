/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What happened in a run, event by event, for those who want to read it.
 *
 * A run without a reader has no trace: producers test the pointer and format
 * nothing.  Events hold guest addresses and values only, never a host address
 * or a time, so the same program gives the same events on every run.
 */
#ifndef VRINGER_HARNESS_TRACE_H
#define VRINGER_HARNESS_TRACE_H

#include "devices/device.h"

struct finding;

enum trace_kind {
	TRACE_OP,	/* an operation begins: index */
	TRACE_STAGE,	/* the program is over, what follows is the harness's: name */
	TRACE_REG_READ, /* addr is the offset, len the width */
	TRACE_REG_WRITE,
	/* The driver called the device: name, value, len its width, addr of configuration;
	 * index: 1 + the queue that it is about, or 0. */
	TRACE_ACT,
	TRACE_READ, /* the device read guest memory */
	TRACE_WRITE,
	TRACE_INTERRUPT, /* value: bits; index: 1 + the queue that alone it is for, or 0 */
	TRACE_RACE,	 /* a race took effect at addr */
	TRACE_FAULT,	 /* the next access fails */
	TRACE_ALLOC,	 /* len bytes; err */
	TRACE_FREE,
	TRACE_WORK,    /* the device is let go on */
	TRACE_USED,    /* the driver took a used entry: why.queue, value id, len */
	TRACE_COUNTER, /* name moved by value */
	TRACE_HOST,  /* the host did something: value is an enum host_act, index the port, len, data
		      */
	TRACE_FRAME, /* a frame passed an end of the device: value is an enum frame_end, len, data
		      */
	TRACE_CHANGE, /* len bytes at addr of plain memory are found changed */
	TRACE_REGION, /* the host takes len bytes of plain memory at addr away, or, value 1, gives
		       * them back */
	TRACE_ALTER,  /* len bytes of the snapshot, from addr on, are now data */
	TRACE_FINDING,
	TRACE_KIND_COUNT
};

struct trace_event {
	uint8_t kind;
	struct guest_why why;
	int err; /* 0, or negative errno */
	uint32_t index;
	uint32_t len;
	uint64_t addr;
	uint64_t value;
	const uint8_t *data;
	const char *name;
	const struct finding *finding;
};

struct trace {
	void (*event)(void *ctx, const struct trace_event *event);
	void *ctx;
};

#endif
