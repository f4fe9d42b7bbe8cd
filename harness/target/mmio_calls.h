/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * target->calls of a device under our own transport (devices/mmio.h), which has each of
 * them by that name.  Not here: the calls of what has another transport, or none.
 */
#ifndef VRINGER_HARNESS_MMIO_CALLS_H
#define VRINGER_HARNESS_MMIO_CALLS_H

#include "devices/mmio.h"
#include "harness/target/target.h"

#define MMIO_CALL_LOOK(type, name, parameters, arguments)                                          \
	static type call_##name parameters                                                         \
	{                                                                                          \
		return mmio_##name arguments;                                                      \
	}
#define MMIO_CALL_ACT(name, parameters, arguments)                                                 \
	static void call_##name parameters                                                         \
	{                                                                                          \
		mmio_##name arguments;                                                             \
	}
#define MMIO_CALL_ENTRY_LOOK(type, name, parameters, arguments) .name = call_##name,
#define MMIO_CALL_ENTRY_ACT(name, parameters, arguments) .name = call_##name,

/* Define the table, `storage` static or nothing; the macro CALLEE gives the struct mmio of
 * `device`, a pointer. */
#define MMIO_CALLS(storage, table)                                                                 \
	TARGET_CALLS(MMIO_CALL_LOOK, MMIO_CALL_ACT)                                                \
	storage const struct target_calls table = { TARGET_CALLS(MMIO_CALL_ENTRY_LOOK,             \
								 MMIO_CALL_ENTRY_ACT) }

#endif
