/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the ledger knows of ports: bytes between queues and the host (ledger_port.c).
 */
#ifndef VRINGER_HARNESS_LEDGER_PORT_H
#define VRINGER_HARNESS_LEDGER_PORT_H

#include "harness/ledger/ledger_bytes.h"
#include "harness/ledger/ledger_digest.h"

struct ledger;

/* A target_port.  What is not said to live longer is of a device. */
struct ledger_port {
	/* Of a target: indices of counters, or -1. */
	struct ledger_port_counters {
		int held, pending, dropped, typed, put_back;
	} counters;
	struct ledger_bytes out, in;
	uint32_t staged; /* bytes read behind `out`, of the chain that is being read */
	uint16_t walk;	 /* ... which is this one */
	bool failed;	 /* ... of which an access failed */
	bool lost;	 /* more than can be kept: not judged */
	uint32_t given;	 /* the device call that gave bytes of `in` to the driver last */
	/* Bytes of chains that were returned since the device last rested and that
	 * nobody read; `unsure`: it may be more chains than is known. */
	uint64_t unread;
	bool unsure;
	uint64_t dropped_before; /* that counter, when the device last rested */
	/* Of bytes that the device did not take: the counter then, and how many there
	 * were since. */
	struct ledger_refusal {
		uint64_t before, bytes;
	} typed, put_back;
};

/* Of a chain: what was read of it, `at` and `blind`, and what was written. */
struct ledger_port_chain {
	struct ledger_digest bytes;
};

/* At rest; see ledger_waiting.c. */
void ledger_waiting_bytes(struct ledger *l, const void *device, bool excused);

#endif
