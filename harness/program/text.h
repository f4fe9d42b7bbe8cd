/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The text form of a guest program: one operation per line, verb first.
 *
 *   device net-loopback            # header: target, and features and sizes to withhold
 *   clause dev.split.used-ring.1   # what the script stands for
 *   name b0 = header               # a slot under another name
 *   start driver_ok size=8         # fields that have a name in the table
 *   send 1 head=0 header b1        # positional fields, then the payload
 *   > used 1 id=0 len=0            # what the device must show
 *   > should raised none           # ... by a SHOULD, not a MUST
 *
 * Parsing is strict: every number in range, every name known, every repeat closed.  The
 * first error is reported with line and column.  Lines that start with `clause`,
 * `needs`, `severity`, `name` or `>` and comments are annotations: they are outside a program's
 * equality.  Printing is canonical, and parses back to the same program.
 *
 * A script about VIRTIO is written once and runs on many queues: `q` is the queue under
 * test and `other` another one, wherever a queue number, or a ring's address
 * (q.desc+8), may stand.  What they stand for, and which request of theirs is sent, is
 * settled when the text is parsed (struct script_binding); the program has numbers.
 */
#ifndef VRINGER_HARNESS_TEXT_H
#define VRINGER_HARNESS_TEXT_H

#include "harness/program/program.h"

#include <stdio.h>

/* Bytes of a line without its newline: room for OP_BYTES_MAX buffers with the longest
 * names, so that every program prints as lines that parse. */
#define TEXT_LINE_MAX 73728
#define TEXT_NAME_MAX 32     /* bytes of a slot's name, NUL included */
#define SCRIPT_PROSE_MAX 600 /* bytes of a script's first comment, NUL included */
#define SCRIPT_EXPECT_MAX 512
#define SCRIPT_CLAUSE_MAX 32
#define SCRIPT_PAIR_MAX 1024
#define EXPECT_BYTES_MAX 256

/* What a `>` line demands; expect.c has the table. */
enum expect_kind {
	EXPECT_VALUE,		 /* what the last read returned */
	EXPECT_REGISTER,	 /* a register reads so */
	EXPECT_STATUS,		 /* the device status, whole or bit by bit */
	EXPECT_INTERRUPT_STATUS, /* InterruptStatus */
	EXPECT_INTERRUPTS,	 /* raised by the operation: of all queues, or the most of one */
	EXPECT_ORDER,		 /* ... which kind of them came first */
	EXPECT_GENERATION,	 /* ConfigGeneration against what the driver read last */
	EXPECT_USED,		 /* the next used entry of a queue */
	EXPECT_USED_NONE,	 /* no further used entry */
	EXPECT_USED_IDX,	 /* the used index in guest memory */
	EXPECT_MEM,		 /* guest memory holds these bytes */
	EXPECT_MEM_FILL,	 /* guest memory holds this byte, len times */
	EXPECT_MEM_EQUAL,	 /* two ranges of guest memory are the same */
	EXPECT_MEM_TYPED,	 /* guest memory holds a piece of what `type` gives */
	EXPECT_OUTPUT,		 /* what the host took is these bytes */
	EXPECT_OUTPUT_LEN,	 /* ... so many */
	EXPECT_OUTPUT_EQUAL,	 /* a piece of it is what guest memory holds */
	EXPECT_RESTORED,	 /* the snapshot was taken by a new device */
	EXPECT_REFUSED,		 /* ... was not, for what is at that byte */
	EXPECT_COUNTERS,	 /* exactly these counters moved, by that much */
	EXPECT_COUNTER,		 /* a counter stands at that value */
	EXPECT_STATE,		 /* what the device rests in */
	EXPECT_SILENT,		 /* no rule of any severity broken so far */
	EXPECT_BREAKS,		 /* this operation breaks that rule */
	EXPECT_ANSWERED,	 /* so many requests of a queue came back, each as declared */
	EXPECT_OUTSTANDING,	 /* ... have not come back */
	EXPECT_RAISED,		 /* the operation raised one at least, or a level stays up */
	EXPECT_KIND_COUNT
};

struct expect {
	uint8_t kind;
	uint8_t severity; /* enum severity: whether it fails the script if it is not met */
	uint32_t line;	  /* in the script */
	uint32_t op;	  /* checked when this operation has run; its index */
	uint64_t value[4];
	uint64_t mask;			 /* EXPECT_STATUS: bits compared */
	uint8_t base[2];		 /* of the addresses in value[0] and value[1] */
	bool given[2];			 /* EXPECT_USED: id, len */
	char name[48];			 /* EXPECT_BREAKS, EXPECT_COUNTER */
	uint16_t pair_first, pair_count; /* EXPECT_COUNTERS, in script.pairs */
	uint16_t byte_count;		 /* EXPECT_MEM, EXPECT_OUTPUT */
	uint8_t bytes[EXPECT_BYTES_MAX];
};

struct counter_pair {
	char name[48];
	uint64_t value;
};

/* Names of enum device_state, ended by NULL. */
extern const char *const expect_states[];
/* What `order` and `generation` may name, in the order of their values. */
extern const char *const expect_interrupts[]; /* used, config */
extern const char *const expect_moves[];      /* same, moved */
#define EXPECT_ANSWERED_ALL UINT64_MAX	      /* in place of their number */
extern const char *const expect_raised[];     /* used, config, none */

/* What the words of a portable script stand for. */
struct script_binding {
	unsigned queue, which;	     /* `q`, and which of its requests */
	unsigned other, other_which; /* the same of `other` */
	uint8_t layout; /* enum request_layout, of requests where no layout= is given */
	uint8_t ring;	/* enum ring_format, of `start` where no ring= is given */
};

/* What a portable script needs of the queue under test and its request. */
enum script_need {
	NEED_READABLE = 1 << 0,	  /* the request has bytes that the device reads */
	NEED_WRITABLE = 1 << 1,	  /* ... room that it writes to */
	NEED_EXACT = 1 << 2,	  /* ... one answer only, whatever the division into buffers */
	NEED_DRIVEN = 1 << 3,	  /* the queue is served when the driver notifies it */
	NEED_REQUEST = 1 << 4,	  /* it has a request */
	NEED_COUNTERS = 1 << 5,	  /* the device has counters */
	NEED_MODEL = 1 << 6,	  /* the `model` rules judge it */
	NEED_TOP = 1 << 7,	  /* guest memory ends at 2^64 */
	NEED_VIRTIO_1_4 = 1 << 8, /* the device was written against VIRTIO 1.4 or later */
	NEED_SPLIT = 1 << 9,	  /* its rings are split: it is about these alone */
};
struct need_name {
	unsigned need;
	const char *name;
};
extern const struct need_name script_needs[]; /* ended by a NULL name */

/* A program and its annotations. */
struct script {
	struct program prog;
	char slot_names[PROGRAM_SLOTS][TEXT_NAME_MAX]; /* empty: none */
	uint32_t op_lines[PROGRAM_OPS_MAX];
	uint32_t target_line, target_column; /* where the header names it; 0: nowhere */
	char prose[SCRIPT_PROSE_MAX];	     /* the comment that it begins with, one line */
	char clauses[SCRIPT_CLAUSE_MAX][48];
	unsigned clause_count;
	unsigned needs_queues;	 /* at least so many */
	uint64_t needs_features; /* all of these offered */
	uint64_t needs_features_high;
	unsigned needs;	     /* enum script_need, or'ed */
	unsigned needs_size; /* entries that the queue under test can have; 0: any */
	/* Of all demands that name none (enum severity); SEVERITY_COUNT: each kind of demand
	 * has its own. */
	uint8_t severity;
	struct script_binding binding;
	/* Does it name `q`, `other`, a request of `q`?  Does it say no layout for one? */
	bool names_queue, names_other, sends_request, free_layout;
	bool free_ring; /* ... does it say no ring format to `start`? */
	unsigned expect_count;
	unsigned pair_count;
	struct expect expects[SCRIPT_EXPECT_MAX];
	struct counter_pair pairs[SCRIPT_PAIR_MAX];
};

#define TEXT_MESSAGE_MAX 340

struct text_error {
	unsigned line, column;		/* from 1 */
	char message[TEXT_MESSAGE_MAX]; /* what is wrong, what was expected */
};

/* Parse `len` bytes into `script`.  0, or -EINVAL with `error` filled in.  `q` is queue 0,
 * `other` queue 1, and requests are the first that those have. */
int text_parse(struct script *script, const char *text, size_t len, struct text_error *error);
/* The same with other meanings of these words. */
int text_parse_bound(struct script *script, const char *text, size_t len,
		     const struct script_binding *binding, struct text_error *error);

/* The byte-order mark that an editor put in front, in words: "a byte-order mark
 * (UTF-8)"; NULL if there is none. */
const char *text_mark(const char *text, size_t len);

/* Print the program, canonically.  `names`: slot names to use, or NULL. */
void text_print(FILE *out, const struct program *prog, const char (*names)[TEXT_NAME_MAX]);
/* One operation, without indentation or newline. */
void text_print_op(FILE *out, const struct program *prog, const struct op *op,
		   const char (*names)[TEXT_NAME_MAX]);
/* One value of a kind, as a field of that kind is written. */
void text_print_value(FILE *out, enum field_kind kind, uint64_t value);
/* An address as its base, a sign and an offset. */
void text_print_addr(FILE *out, uint8_t base, uint64_t offset, const char (*names)[TEXT_NAME_MAX]);

/*
 * For text_expect.c: the words of a line, and values in them.
 */
struct text_line {
	const char *start; /* of the line */
	const char *pos;   /* next byte to look at */
	const char *end;
	unsigned number;
	struct script *script;
	struct text_error *error;
};

struct text_word {
	const char *start;
	size_t len;
};

/* The next word; false at the end of the line. */
bool text_next(struct text_line *line, struct text_word *word);
bool text_word_is(const struct text_word *word, const char *name);
/* If the word is NAME=..., cut it to what follows; else false. */
bool text_word_named(struct text_word *word, const char *name);
/* A word as a message quotes it: cut if long, with unprintable bytes shown. */
struct text_quoted {
	char text[44];
};
struct text_quoted text_quote(const struct text_word *word);
/* Report an error at `word` (NULL: at the end of the line).  Returns -EINVAL. */
int text_fail(const struct text_line *line, const struct text_word *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* The value of a field of `kind`; an address's base goes to *base. */
int text_value(struct text_line *line, const struct text_word *word, enum field_kind kind,
	       uint64_t *value, uint8_t *base);
/* Parse all remaining words as hex digits, at most `max` bytes.  Returns the number of
 * bytes. */
int text_bytes(struct text_line *line, uint8_t *bytes, size_t max, size_t *count);
/* The severity that the word names; SEVERITY_COUNT: none.  And all of them, as a message
 * lists them. */
uint8_t text_severity(const struct text_word *word);
#define TEXT_SEVERITIES "must, should, limit or model"
/* A `>` line, its first word taken. */
int text_expect(struct text_line *line);

#endif
