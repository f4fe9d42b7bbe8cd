/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The host's side while a device is served.  See host.h.
 */
#include "harness/serve/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- echo -------------------------------------------------------------------------------- */

/* What a counter stands at; `none` if there is no such. */
static uint64_t counter(const struct guest *g, const char *name, uint64_t none)
{
	uint64_t values[TARGET_COUNTERS_MAX];
	unsigned count = name != NULL ? target_counter_count(g->target, g->device) : 0;

	for (unsigned i = 0; i < count; i++) {
		if (strcmp(g->target->counter_name(g->device, i), name) != 0)
			continue;
		target_counters(g->target, g->device, values);
		return values[i];
	}
	return none;
}

/* Take at most what can be typed again at once; false: there was nothing. */
static bool take(struct steps *steps, unsigned port, bool frames)
{
	struct op *op = step_begin(steps, OP_TAKE_OUTPUT);

	op->value[TAKE_OUTPUT_PORT] = port;
	op->value[TAKE_OUTPUT_MAX] = frames ? 0 : OP_BYTES_MAX;
	return step_run(steps) && steps->run->guest.output_len > 0;
}

static bool type(struct steps *steps, unsigned port)
{
	const struct guest *g = &steps->run->guest;

	step_begin(steps, OP_TYPE)->value[TYPE_PORT] = port;
	step_bytes(steps, g->output, g->output_len);
	return step_run(steps);
}

/* Takes of one port at a time: more than a driver sends between two looks. */
#define ECHOES_MAX 256

static void echo_port(struct steps *steps, unsigned port, uint64_t *lost)
{
	const struct guest *g = &steps->run->guest;
	const struct target_port *p = &g->target->ports[port];

	for (int i = 0; i < ECHOES_MAX; i++) {
		if (counter(g, p->held, 1) == 0 || !take(steps, port, target_port_frames(p)))
			return;
		if (g->output_len > OP_BYTES_MAX)
			*lost += g->output_len;
		else if (!type(steps, port))
			return;
	}
}

void host_echo(struct steps *steps, uint64_t *lost)
{
	const struct target *target = steps->run->guest.target;

	for (unsigned port = 0; port < target->port_count && !steps->over; port++)
		echo_port(steps, port, lost);
}

bool host_swap(struct steps *steps)
{
	step_begin(steps, OP_SAVE);
	if (!step_run(steps))
		return false;
	step_begin(steps, OP_RESTORE);
	return step_run(steps);
}

/* ---- lines ------------------------------------------------------------------------------- */

static bool is_hosts(uint8_t code)
{
	return code == OP_TYPE || code == OP_TAKE_OUTPUT || code == OP_PUT_BACK ||
	       code == OP_SET_NUM_PAGES || code == OP_CHANGE_CONFIG || code == OP_SAVE ||
	       code == OP_RESTORE || code == OP_WORK || code == OP_SETTLE || code == OP_REFUSE ||
	       code == OP_HOLD || code == OP_PRETEND;
}

int host_lines_open(struct host_lines *lines, int fd)
{
	lines->fd = fd;
	lines->len = 0;
	lines->script = fd >= 0 ? calloc(1, sizeof(*lines->script)) : NULL;
	return fd >= 0 && lines->script == NULL ? -ENOMEM : 0;
}

void host_lines_close(struct host_lines *lines)
{
	free(lines->script);
	lines->script = NULL;
	lines->fd = -1;
}

static void run_line(struct host_lines *lines, struct steps *steps, const char *line, int len)
{
	char text[HOST_LINE_MAX + 16];
	struct text_error error;
	int size = snprintf(text, sizeof(text), "device any\n%.*s\n", len, line);

	if (text_parse(lines->script, text, (size_t)size, &error) != 0) {
		fprintf(stderr, "serve: host: %.*s: %s\n", len < 60 ? len : 60, line,
			error.message);
		return;
	}
	for (uint32_t i = 0; i < lines->script->prog.op_count; i++) {
		const struct op *op = &lines->script->prog.ops[i];

		if (is_hosts(op->code))
			step_run_op(steps, &lines->script->prog, op);
		else
			fprintf(stderr, "serve: host: %s is no operation of the host's\n",
				op_find(op->code)->name);
	}
}

void host_lines_run(struct host_lines *lines, struct steps *steps)
{
	ssize_t got = read(lines->fd, lines->text + lines->len, sizeof(lines->text) - lines->len);
	char *end;

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* The end, or a line that never ends. */
	if (got <= 0) {
		if (got == 0 && lines->len == sizeof(lines->text))
			fprintf(stderr, "serve: host: a line of more than %u bytes\n",
				HOST_LINE_MAX);
		lines->fd = -1;
		return;
	}
	lines->len += (size_t)got;
	while ((end = memchr(lines->text, '\n', lines->len)) != NULL) {
		size_t len = (size_t)(end - lines->text);

		run_line(lines, steps, lines->text, (int)len);
		lines->len -= len + 1;
		memmove(lines->text, end + 1, lines->len);
	}
}
