/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The transports that there are, and what can be run by each.  See transport.h.
 */
#include "harness/guest/transport.h"
#include "harness/program/text.h"
#include "harness/target/target.h"

#include <string.h>

const struct transport *const transport_all[] = { &transport_mmio, &transport_activated, NULL };

const struct transport *transport_find(const char *name)
{
	for (const struct transport *const *t = transport_all; *t != NULL; t++)
		if (strcmp((*t)->name, name) == 0)
			return *t;
	return NULL;
}

const struct transport *transport_or_first(const struct transport *transport)
{
	return transport != NULL ? transport : transport_all[0];
}

const char *transport_to_name(const struct transport *transport)
{
	return transport_or_first(transport) != transport_all[0] ? transport->name : NULL;
}

static bool is_register_op(const struct op *op)
{
	return op->code == OP_READ || op->code == OP_WRITE;
}

const char *transport_unmet(const struct transport *transport, const struct target *target,
			    const struct script *script, uint32_t *line)
{
	static const char no_registers[] = "needs registers, and the transport has none";
	const struct program *prog = &script->prog;

	*line = 0;
	transport = transport_or_first(transport);
	if (transport->read_register != NULL)
		return NULL;
	if (target->calls == NULL)
		return "the device is reached by registers only";
	for (uint32_t i = 0; i < prog->op_count; i++)
		if (is_register_op(&prog->ops[i])) {
			*line = script->op_lines[i];
			return no_registers;
		}
	for (uint32_t i = 0; i < script->expect_count; i++)
		if (script->expects[i].kind == EXPECT_REGISTER) {
			*line = script->expects[i].line;
			return no_registers;
		}
	return NULL;
}
