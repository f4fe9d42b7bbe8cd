/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A guest program: what a hostile driver does to one device.
 *
 * A program is a header (target, offered features, queue sizes, budget) and a
 * list of operations.  The operation table of ops.h is the one reference: the
 * text form (text.h), the binary form (binary.h), `vringer ops` and
 * the interpreter (run.h) all come from it.
 *
 * A program never refers to anything that might not exist: there is a fixed set of
 * buffer slots and of queues, and a repeat ends at the end of the program at the
 * latest.  So every program can be run, and any part of its operations is again a
 * program.
 *
 * This file knows nothing of devices, memory or files.
 */
#ifndef VRINGER_HARNESS_PROGRAM_H
#define VRINGER_HARNESS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/ring.h"
#include "harness/program/ops.h"

#define PROGRAM_OPS_MAX 1024	   /* operations in a program */
#define PROGRAM_DATA_MAX 32768	   /* payload bytes in a program */
#define PROGRAM_REPEAT_DEPTH_MAX 4 /* repeats inside each other */
#define PROGRAM_QUEUES 64	   /* queues that a program can name */
#define PROGRAM_QUEUES_LOW 8	   /* ... of which these have bases from BASE_RING on */
#define PROGRAM_SLOTS 16	   /* buffer slots, b0 to b15 */
#define PROGRAM_TARGET_MAX 32	   /* bytes of a target's name, NUL included */
#define PROGRAM_BUDGET_UNIT 256	   /* operations run per unit of budget */
#define PROGRAM_BUDGET_MAX 1024	   /* units */
/* Bytes moved by operations and device: by every program, and per unit of budget. */
#define PROGRAM_BYTES (256u << 20)
#define PROGRAM_BYTES_UNIT (1u << 20)
#define OP_FIELDS_MAX 10  /* fields of an operation, payload aside */
#define OP_BYTES_MAX 2048 /* payload bytes of one operation */

#define OP_CODE_HEADER 0x01 /* not an operation */

/* What a field holds.  The kind fixes its range, its width in the binary
 * form and how it is written in text; program_ops.c has the table. */
enum field_kind {
	FIELD_NONE,
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_I16,
	FIELD_COUNT,	     /* u16: decimal, 0 to 65535 */
	FIELD_ADDR,	     /* a base and a signed 64-bit offset */
	FIELD_SLOT,	     /* b0 to b15 */
	FIELD_QUEUE,	     /* 0 to 63 */
	FIELD_REG,	     /* offset in the register region, by name where it has one */
	FIELD_WIDTH,	     /* bytes of a register access, 1 to 8; 4 if not given */
	FIELD_RUNG,	     /* how far `start` goes */
	FIELD_STATUS,	     /* u32, bits by name */
	FIELD_INTERRUPT,     /* u32, bits by name */
	FIELD_FEATURES,	     /* u64 */
	FIELD_DESC_FLAGS,    /* u16, bits by name */
	FIELD_DESC_FIELD,    /* which field of a descriptor */
	FIELD_ACCESS,	     /* any, read or write */
	FIELD_PURPOSE,	     /* any, or a purpose of an access */
	FIELD_PORT,	     /* u8: a port of the device, as the host counts them */
	FIELD_WHICH,	     /* u8: a request of the queue, as the target declares them */
	FIELD_LAYOUT,	     /* how a request's buffers lie in descriptors */
	FIELD_FEATURES_HIGH, /* u64: bits 64 to 127 */
	FIELD_RING,	     /* the format of rings that the driver accepts */
	FIELD_ACCEPT,	     /* u16: features that are accepted by name alone, enum accept_bit */
	FIELD_PACKED_FLAGS,  /* u16, bits by name: of a descriptor of a packed ring */
	FIELD_EVENT_FLAGS,   /* u16, bits by name: of event suppression */
	FIELD_FLIP,	     /* 0 or 1 */
	FIELD_NOP,	     /* an unassigned operation code, or 0 */
	FIELD_KIND_COUNT
};

/* What follows the fields. */
enum payload_kind {
	PAYLOAD_NONE,
	PAYLOAD_BYTES,	  /* any bytes */
	PAYLOAD_ELEMENTS, /* one byte each: buffer slot, and ELEMENT_WRITE */
	PAYLOAD_OPS,	  /* field "ops" of repeat: the operations that follow */
	PAYLOAD_KIND_COUNT
};

#define ELEMENT_SLOT 0x0f
#define ELEMENT_WRITE 0x80 /* device-writable */

/* Bases of an address.  Numbers are bytes in files: append, never change. */
enum addr_base {
	BASE_ABSOLUTE = 0, /* offset is the address */
	BASE_LOW = 1,	   /* start of the lowest region */
	BASE_SEAM = 2,	   /* where two regions meet */
	BASE_TOP = 3,	   /* 2^64, the end of the highest region */
	BASE_HOLE = 4,	   /* in the middle of unmapped addresses */
	BASE_NAMED_COUNT,
	BASE_SLOT = 16,	     /* start of buffer slot BASE_SLOT + n */
	BASE_RING = 32,	     /* ring_base() of queues 0 to 7: + 4 * queue + enum virtqueue_area */
	BASE_RING_HIGH = 64, /* ... of queues from 8 on: + 3 * (queue - 8) + the same */
	BASE_COUNT = BASE_RING_HIGH + VIRTQUEUE_AREA_COUNT * (PROGRAM_QUEUES - PROGRAM_QUEUES_LOW),
};

/* A ring of a queue as a base; and of a base from BASE_RING on which it is. */
static inline uint8_t ring_base(unsigned queue, unsigned area)
{
	return (uint8_t)(queue < PROGRAM_QUEUES_LOW
				 ? BASE_RING + 4 * queue + area
				 : BASE_RING_HIGH +
					   VIRTQUEUE_AREA_COUNT * (queue - PROGRAM_QUEUES_LOW) +
					   area);
}

static inline unsigned ring_base_queue(uint8_t base)
{
	return base < BASE_RING_HIGH ? (base - (unsigned)BASE_RING) / 4
				     : PROGRAM_QUEUES_LOW + (base - (unsigned)BASE_RING_HIGH) /
								    VIRTQUEUE_AREA_COUNT;
}

static inline unsigned ring_base_area(uint8_t base)
{
	return base < BASE_RING_HIGH ? base % 4u
				     : (base - (unsigned)BASE_RING_HIGH) % VIRTQUEUE_AREA_COUNT;
}

/* In text; BASE_ABSOLUTE has none. */
extern const char *const base_names[BASE_NAMED_COUNT];
extern const char *const virtqueue_area_names[VIRTQUEUE_AREA_COUNT];

/* How far `start` initialises the device; each step includes those before it. */
enum rung {
	RUNG_RESET,
	RUNG_ACKNOWLEDGE,
	RUNG_DRIVER,
	RUNG_FEATURES, /* features written, FEATURES_OK not yet */
	RUNG_FEATURES_OK,
	RUNG_QUEUES, /* every queue set up and ready */
	RUNG_DRIVER_OK,
	RUNG_COUNT
};

/* Of a descriptor, as set_desc counts them. */
enum desc_field {
	DESC_FIELD_ADDR,
	DESC_FIELD_LEN,
	DESC_FIELD_FLAGS,
	DESC_FIELD_NEXT,
	DESC_FIELD_COUNT
};

/* How the buffers of a request lie in descriptors. */
enum request_layout {
	LAYOUT_DIRECT,	 /* one after the other, in the queue's table */
	LAYOUT_REVERSED, /* ... the last one first */
	LAYOUT_INDIRECT, /* in an indirect table (VIRTIO 2.7.5.3), where that was negotiated */
	LAYOUT_MIXED,	 /* ... the second half of them, behind the first */
	LAYOUT_COUNT
};

/* The format of the rings that `start` sets up, where the device offers it. */
enum ring_format { RING_FORMAT_SPLIT, RING_FORMAT_PACKED, RING_FORMAT_COUNT };

/* Features that `start` accepts only where they are named: each makes another driver of it, and
 * old programs mean what they meant. */
enum accept_bit {
	ACCEPT_IN_ORDER = 1 << 0,
	ACCEPT_NOTIFICATION_DATA = 1 << 1,
	ACCEPT_RING_RESET = 1 << 2,
	ACCEPT_SUSPEND = 1 << 3,
};

enum access_kind { ACCESS_ANY, ACCESS_READ, ACCESS_WRITE, ACCESS_KIND_COUNT };

struct field_desc {
	const char *name;
	uint8_t kind;	 /* enum field_kind */
	bool positional; /* written without its name; always written */
};

struct op_desc {
	uint8_t code;
	const char *name;
	struct field_desc fields[OP_FIELDS_MAX];
	uint8_t payload; /* enum payload_kind */
	const char *help;
};

/* One operation.  A FIELD_ADDR keeps its base beside its offset; the other
 * fields leave base 0. */
struct op {
	uint8_t code;
	uint8_t base[OP_FIELDS_MAX];
	uint16_t data_len; /* bytes, or operations of a repeat's body */
	uint32_t data_off; /* in program.data */
	uint64_t value[OP_FIELDS_MAX];
};

struct program {
	char target[PROGRAM_TARGET_MAX];    /* NUL-terminated; "any": no device of its own */
	uint64_t features;		    /* mask on the features that the target can offer */
	uint64_t features_high;		    /* ... of bits 64 to 127 */
	uint16_t queue_max[PROGRAM_QUEUES]; /* entries; 0: the target's own */
	/* The budget, 1 to PROGRAM_BUDGET_MAX units: how many operations run, each
	 * repetition counted, and how many bytes they and the device move.  Every
	 * operation of the program may run once, whatever the budget. */
	uint16_t budget;
	uint32_t op_count;
	uint32_t data_len;
	struct op ops[PROGRAM_OPS_MAX];
	uint8_t data[PROGRAM_DATA_MAX];
};

/* The operation with that code or name; NULL if there is none. */
const struct op_desc *op_find(uint8_t code);
const struct op_desc *op_find_name(const char *name, size_t len);
/* All operations in the order of their codes, `*count` of them. */
const struct op_desc *op_table(size_t *count);

/* Bytes of a field in the binary form. */
unsigned field_width(enum field_kind kind);
/* Reduce a value to the range that the text form allows for that kind. */
uint64_t field_reduce(enum field_kind kind, uint64_t value);
/* Reduce a value of set_desc to the width of the field that it sets. */
uint64_t desc_value_reduce(enum desc_field field, uint64_t value);
/* A base that is not assigned becomes BASE_ABSOLUTE; from BASE_COUNT on the low six bits count. */
uint8_t base_reduce(uint8_t base);
/* The names of a kind's values, NULL-terminated and indexed by value; NULL if the
 * values are plain numbers. */
const char *const *field_names(enum field_kind kind);
/* The named bits of a kind, ended by a NULL name; NULL if it has none. */
struct bit_name {
	uint64_t bit;
	const char *name;
};
const struct bit_name *field_bits(enum field_kind kind);

/* Registers of virtio-mmio (VIRTIO 4.2.2) by offset or by name: the kernel's names, and
 * those of VIRTIO 1.4 where they differ.  NULL, or -1, if there is none. */
const char *register_name(uint32_t offset);
int register_offset(const char *name, size_t len);

/* An empty program for `target`, everything else at its default. */
void program_init(struct program *prog, const char *target);

/* Append an operation, zeroed but for its code; NULL if the program is full. */
struct op *program_add(struct program *prog, uint8_t code);
/* Set the payload of the operation added last; false if it does not fit. */
bool program_add_data(struct program *prog, const void *data, size_t len);

/* Reduce what depends on more than one field: a repeat's body ends inside the body
 * around it and at the end of the program, a repeat nested too deep has an empty body,
 * and a value of set_desc fits the field that it sets. */
void program_reduce(struct program *prog);

/* The same program?  Compares header, operations and payloads, but not where the
 * payloads lie in `data`. */
bool program_equal(const struct program *a, const struct program *b);

/* A hash of what program_equal compares: the same on every machine. */
uint64_t program_hash(const struct program *prog);

#endif
