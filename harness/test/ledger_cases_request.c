/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules of requests, each broken once, and kept once next to it; and what the tests
 * of them have in common.  See ledger_cases.h, ledger_requests.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger_cases.h"
#include "ledger_requests.h"
#include "ledger_rig.h"

static uint16_t chains; /* so far */

void balloon_new(void)
{
	static uint8_t numbers[16];

	rig_target.pages_max = sizeof(numbers) / sizeof(uint32_t);
	rig_live(8);
	ledger.pages.bytes = numbers;
	chains = 0;
}

void fuse_new(void)
{
	rig_target.fuse = true;
	rig_live(8);
	chains = 0;
}

void list_read(const void *numbers, uint32_t len, uint32_t read)
{
	on = TX;
	notify();
	avail_idx((uint16_t)(chains + 1));
	take(chains, 0, len, 0);
	if (read > 0)
		payload_bytes(chains, false, BUFFER, numbers, read);
}

void list_returned(void)
{
	return_chain(chains, chains, 0, 0);
	wake();
	done();
	chains++;
}

void request_read(const void *head, uint32_t read)
{
	on = TX;
	notify();
	avail_idx((uint16_t)(chains + 1));
	avail_entry(chains, 0);
	desc(chains, 0, BUFFER, 40, F_NEXT, 1);
	desc(chains, 1, REPLY, REPLY_ROOM, F_WRITE, 0);
	if (read > 0)
		payload_bytes(chains, false, BUFFER, head, read);
}

void reply_returned(const void *reply, uint32_t wrote, uint32_t len)
{
	if (wrote > 0)
		payload_bytes(chains, true, REPLY, reply, wrote);
	return_chain(chains, chains, 0, len);
	wake();
	done();
	chains++;
}

static void ask_about(uint64_t len)
{
	static const uint8_t numbers[8] = { 0x30, 0, 0, 0, 0x31, 0, 0, 0 };

	balloon_new();
	list_read(numbers, sizeof(numbers), sizeof(numbers));
	ledger_page(&ledger, 0x30 * PAGE, PAGE);
	ledger_page(&ledger, 0x31 * PAGE, len);
	list_returned();
}

void case_half_a_page(void)
{
	ask_about(PAGE / 2);
}

void case_whole_pages(void)
{
	ask_about(PAGE);
}

static void answer_to(uint8_t unique)
{
	static const uint8_t request[40] = { 40, 0, 0, 0, 3, 0, 0, 0, 7 };
	uint8_t reply[16] = { 16, 0, 0, 0, 0xda, 0xff, 0xff, 0xff, unique };

	fuse_new();
	request_read(request, sizeof(request));
	reply_returned(reply, sizeof(reply), sizeof(reply));
}

void case_reply_to_another(void)
{
	answer_to(8);
}

void case_reply_to_the_request(void)
{
	answer_to(7);
}
