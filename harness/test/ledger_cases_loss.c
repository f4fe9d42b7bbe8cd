/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of what a device must use, give on and answer, each broken once, and kept once
 * next to it.  See ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_requests.h"
#include "ledger_rig.h"

static const struct target_stream stream = { .from = TX, .to = RX, .skip = 4, .frame_max = 100 };

static void begin(void)
{
	rig_target.stream_count = 1;
	rig_target.streams = &stream;
	rig_live(8);
	notify();
	avail_idx(1);
}

static void end(void)
{
	on = TX;
	return_chain(0, 0, 0, 0);
	wake();
	done();
	rest(DEVICE_IDLE);
}

/* A frame that the device drops; before that it looked for a chain, or not. */
static void drop_frame(bool looked)
{
	static const uint8_t frame[20];

	begin();
	take(0, 0, sizeof(frame), 0);
	payload_bytes(0, false, BUFFER, frame, sizeof(frame));
	on = RX;
	if (looked)
		avail_idx(0);
	end();
}

void case_frame_dropped(void)
{
	drop_frame(false);
}

void case_frame_without_a_chain(void)
{
	drop_frame(true);
}

/* A chain of three buffers, the last of them of that direction, is not read. */
static void refuse_chain(unsigned flags)
{
	begin();
	avail_entry(0, 0);
	desc(0, 0, BUFFER, 4, F_NEXT, 1);
	desc(0, 1, BUFFER, 0, F_NEXT, 2);
	desc(0, 2, BUFFER, 16, flags, 0);
	end();
}

void case_third_buffer_refused(void)
{
	refuse_chain(0);
}

void case_writable_buffer_refused(void)
{
	refuse_chain(F_WRITE);
}

static void no_reply_to(uint8_t opcode)
{
	const uint8_t request[40] = { sizeof(request), 0, 0, 0, opcode };

	fuse_new();
	request_read(request, sizeof(request));
	reply_returned(NULL, 0, 0);
}

void case_operation_unanswered(void)
{
	no_reply_to(3);
}

void case_forget_unanswered(void)
{
	no_reply_to(2);
}
