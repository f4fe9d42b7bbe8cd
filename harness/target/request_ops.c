/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What happens before and after a request: operations, as in a script without its header,
 * for the host, or for the driver on another queue.  `q` is the request's own queue.
 *
 * They start no session, repeat nothing, demand nothing, take no snapshots, and send no
 * request that has operations of its own: each of them is run once for its request.
 */
#include "harness/program/text.h"
#include "harness/target/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SAME_FIELD(CHAIN_REQUEST_QUEUE, SEND_REQUEST_QUEUE);
SAME_FIELD(CHAIN_REQUEST_WHICH, SEND_REQUEST_WHICH);
SAME_FIELD(OFFER_REQUEST_QUEUE, SEND_REQUEST_QUEUE);
SAME_FIELD(OFFER_REQUEST_WHICH, SEND_REQUEST_WHICH);
SAME_FIELD(TYPE_PORT, TAKE_OUTPUT_PORT);
SAME_FIELD(TYPE_PORT, PUT_BACK_PORT);

/* Only what the guest itself does, in order. */
static bool is_plain(const struct op *op)
{
	return op->code != OP_REPEAT && op->code != OP_ADVANCE && op->code != OP_ALTER &&
	       (op->code < OP_SAVE || op->code > OP_CUT) && op->code != OP_START;
}

static bool moves_bytes(const struct op *op)
{
	return op->code == OP_TYPE || op->code == OP_TAKE_OUTPUT || op->code == OP_PUT_BACK;
}

/* What is wrong with an operation, or NULL. */
static const char *op_fault(const struct target *target, const struct op *op)
{
	const struct target_request *request;

	if (!is_plain(op))
		return "not in a request: start, repeat and snapshots";
	if (moves_bytes(op) && op->value[TYPE_PORT] >= target->port_count)
		return "the device has no such port";
	if (op->code < OP_CHAIN_REQUEST || op->code > OP_SEND_REQUEST)
		return NULL;
	request = target_request(target, (unsigned)op->value[SEND_REQUEST_QUEUE],
				 (unsigned)op->value[SEND_REQUEST_WHICH]);
	if (request == NULL)
		return "that queue has no request";
	if (request->before != NULL || request->after != NULL)
		return "sends a request that has operations of its own";
	return NULL;
}

/* Of a text that was parsed. */
static int check(const struct target *target, const struct script *script, struct text_error *error)
{
	const char *fault = NULL;

	error->line = 2;
	error->column = 1;
	if (script->expect_count > 0) {
		error->line = script->expects[0].line;
		fault = "not in a request: `>` lines";
	} else if (script->needs != 0 || script->names_other) {
		fault = "not in a request: needs and `other`";
	}
	for (uint32_t i = 0; fault == NULL && i < script->prog.op_count; i++) {
		error->line = script->op_lines[i];
		fault = op_fault(target, &script->prog.ops[i]);
	}
	if (fault == NULL)
		return 0;
	snprintf(error->message, sizeof(error->message), "%s", fault);
	return -EINVAL;
}

int target_request_ops(const struct target *target, const struct target_request *request,
		       const char *text, struct program **prog, char *why, size_t size)
{
	static const char header[] = "device any\n";
	const struct script_binding binding = { .queue = request->queue };
	struct script *script = NULL;
	struct text_error error;
	char *whole = NULL;
	size_t len;
	int err = -ENOMEM;

	*prog = NULL;
	/* Bytes that mean something are sent by themselves. */
	if (text == NULL || request->name == NULL)
		return 0;
	len = strlen(text) + sizeof(header);
	whole = malloc(len);
	script = calloc(1, sizeof(*script));
	*prog = malloc(sizeof(**prog));
	if (whole == NULL || script == NULL || *prog == NULL)
		goto out;
	snprintf(whole, len, "%s%s", header, text);
	err = text_parse_bound(script, whole, len - 1, &binding, &error);
	if (err == 0)
		err = check(target, script, &error);
	if (err == 0)
		**prog = script->prog;
	else if (why != NULL)
		snprintf(why, size,
			 "has a request '%.32s' with an invalid operation: %u:%u: %.100s",
			 request->name, error.line - 1, error.column, error.message);
out:
	if (err != 0) {
		free(*prog);
		*prog = NULL;
	}
	free(script);
	free(whole);
	return err;
}
