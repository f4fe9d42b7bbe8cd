/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of ports and dialogues, each broken once, and kept once next to it.  See
 * ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_rig.h"

/* The guest writes what comes out of it to TX; what the host takes is `taken`. */
static void pass_bytes(const char *written, const char *taken)
{
	rig_port();
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 8, 0);
	payload_bytes(0, false, BUFFER, written, 8);
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
	host(HOST_TAKE, taken, 8, 8);
	rest(DEVICE_IDLE);
}

void case_bytes_changed(void)
{
	pass_bytes("as read ", "as raed ");
}

void case_bytes_as_they_came(void)
{
	pass_bytes("as read ", "as read ");
}

/* One message of the driver, and `times` answers. */
static void converse(int times)
{
	rig_dialogue();
	rig_live(8);
	notify();
	avail_idx(1);
	take(0, 0, 8, 0);
	payload_bytes(0, false, BUFFER, RIG_ASK, 8);
	return_chain(0, 0, 0, 0);
	wake();
	on = RX;
	avail_idx((uint16_t)times);
	for (int i = 0; i < times; i++) {
		take((uint16_t)i, (uint16_t)i, 16, F_WRITE);
		payload_bytes((uint16_t)i, true, BUFFER, RIG_ANSWER, 12);
		return_chain((uint16_t)i, (uint16_t)i, (uint16_t)i, 12);
	}
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_answered_twice(void)
{
	converse(2);
}

void case_answered_once(void)
{
	converse(1);
}

/* Two chains are there for what the host types; the device fills `filled` of them. */
static void give_bytes(uint16_t filled)
{
	rig_port();
	rig_live(8);
	host(HOST_TYPE, "two chains of it", 16, 16);
	rest(DEVICE_IDLE);
	on = RX;
	notify();
	avail_idx(2);
	for (uint16_t i = 0; i < filled; i++) {
		take(i, i, 4, F_WRITE);
		payload_bytes(i, true, BUFFER, i == 0 ? "two " : "chai", 4);
		return_chain(i, i, i, 4);
	}
	wake();
	done();
	rest(DEVICE_IDLE);
}

void case_bytes_left_behind(void)
{
	give_bytes(1);
}

void case_bytes_as_many_as_chains(void)
{
	give_bytes(2);
}
