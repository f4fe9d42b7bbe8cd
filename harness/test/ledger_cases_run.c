/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Rules that a whole run judges, each broken once, and kept once next to it.  See
 * ledger_cases.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "harness/run/run.h"

#include <cmocka.h>
#include <linux/virtio_mmio.h>

#include "broken.h"
#include "ledger_cases.h"
#include "ledger_rig.h"

static void run_on_target(const struct target *target, const char *text)
{
	struct run_options options = { .judging = { .strict = true, .limits = true },
				       .twins = true };
	static struct script script;
	struct text_error error;
	struct run *run;

	assert_int_equal(text_parse(&script, text, strlen(text), &error), 0);
	assert_int_equal(run_open(&run, target, &error), 0);
	run_program(run, &script.prog, &options);
	ledger = run->guest.ledger;
	run_close(run);
}

static void run_text(const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	broken_target.facts = rig_target.facts;
	run_on_target(&broken_target, text);
	broken_target.facts = FACT_ALL;
}

static void run_misdeed(enum misdeed misdeed)
{
	run_text("device any\nconfig_write 0 %d width=4\n", misdeed);
}

void case_register_kept(void)
{
	run_misdeed(MISDEED_KEEP_REGISTER);
}

void case_register_cleared(void)
{
	run_misdeed(MISDEED_NONE);
}

void case_dead_after_reset(void)
{
	run_misdeed(MISDEED_DIE_AT_RESET);
}

void case_alive_after_reset(void)
{
	run_misdeed(MISDEED_NONE);
}

/* Read, then learnt: the second session reads what the first left. */
static void run_secret(enum misdeed misdeed)
{
	run_text("device any\nread 0x%x\nconfig_write 0 %d width=4\n", BROKEN_SECRET, misdeed);
}

void case_secret_kept(void)
{
	run_secret(MISDEED_KEEP_SECRET);
}

void case_secret_not_kept(void)
{
	run_secret(MISDEED_NONE);
}

static void run_restore(enum misdeed misdeed)
{
	run_text("device any\nstatus ACKNOWLEDGE\nconfig_write 0 %d width=4\nsave\nrestore\n",
		 misdeed);
}

void case_own_snapshot_refused(void)
{
	run_restore(MISDEED_REFUSE_OWN);
}

void case_own_snapshot_taken(void)
{
	run_restore(MISDEED_NONE);
}

void case_other_status_shown(void)
{
	run_restore(MISDEED_SHOW_OTHER);
}

void case_same_status_shown(void)
{
	run_restore(MISDEED_NONE);
}

/* Restored in the middle, where a register shows what is missing later. */
static void run_on(enum misdeed misdeed)
{
	run_text("device any\nconfig_write 0 %d width=4\nread 0x0\nread 0x0\nread 0x%x\n", misdeed,
		 BROKEN_SECRET);
}

void case_secret_not_restored(void)
{
	run_on(MISDEED_RESTORE_LESS);
}

void case_secret_restored(void)
{
	run_on(MISDEED_NONE);
}

/* Of many operations: what is to be kept is there after `before` thousand of them. */
static void run_on_for_long(enum misdeed misdeed, unsigned before)
{
	run_text("device any budget=64\nrepeat %u\n  read 0x0\nend\nconfig_write 0 %d width=4\n"
		 "repeat %u\n  read 0x0\nend\nread 0x%x\n",
		 before * 1000, misdeed, (10 - before) * 1000, BROKEN_SECRET);
}

void case_secret_not_restored_for_long(unsigned before)
{
	run_on_for_long(MISDEED_RESTORE_LESS, before);
}

void case_secret_restored_for_long(unsigned before)
{
	run_on_for_long(MISDEED_NONE, before);
}

static void run_race(enum misdeed misdeed)
{
	run_text("device any\nstart driver_ok size=4\navail_flags 0 1\nfill b1 len=1 value=0x11\n"
		 "offer 0 b1\nrace 2 b1 22\nconfig_write 0 %d width=4\nread 0x%x\n",
		 misdeed, BROKEN_SECRET);
}

void case_half_of_each_fetch(void)
{
	run_race(MISDEED_FETCH_AND_MIX);
}

void case_second_fetch_alone(void)
{
	run_race(MISDEED_FETCH_AND_DROP);
}

#define STATUS_AT 24 /* byte of a snapshot of ours */

/* It takes any status, and saves it. */
static uint8_t status_taken;

static int restore_any_status(void *device, const void *data, size_t len, size_t *at,
			      const char **what)
{
	uint8_t bytes[4096] = { 0 };

	assert_true(len > STATUS_AT && len <= sizeof(bytes));
	memcpy(bytes, data, len);
	status_taken = bytes[STATUS_AT];
	bytes[STATUS_AT] = 0;
	return target_find("balloon")->restore(device, bytes, len, at, what);
}

static size_t save_any_status(const void *device, void *out, size_t room)
{
	size_t len = target_find("balloon")->save(device, out, room);

	assert_true(len > STATUS_AT && len <= room);
	((uint8_t *)out)[STATUS_AT] = status_taken;
	return len;
}

void case_status_of_no_device(void)
{
	struct target target = *target_find("balloon");

	target.facts = rig_target.facts;
	target.model = rig_target.model;
	target.restore = restore_any_status;
	target.save = save_any_status;
	status_taken = 0;
	run_on_target(&target, "device balloon\nsave\ncorrupt 24 2\nrestore\n");
}

void case_status_of_another_device(void)
{
	struct target target = *target_find("balloon");

	target.facts = rig_target.facts;
	run_on_target(&target, "device balloon\nsave\ncorrupt 24 1\nrestore\n");
}

/* The file system, which does not hear of what it is notified of: from the first of its
 * devices on, or from the second. */
static unsigned created, deaf_from;

static void *create_counted(const struct target *target, const struct device_host *host,
			    uint64_t offered, const uint16_t *queue_max)
{
	created++;
	return target_find("fs")->create(target, host, offered, queue_max);
}

static void write_deaf(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	if (created < deaf_from || offset != VIRTIO_MMIO_QUEUE_NOTIFY)
		target_find("fs")->write(device, offset, buf, len);
}

static void run_requests(unsigned from, const char *text)
{
	struct target target = *target_find("fs");

	target.facts = rig_target.facts & (FACT_REGISTERS | FACT_STATE | FACT_REQUESTS);
	target.model = target.transport = false;
	target.liveness = "device any\nreset\n";
	target.save = NULL;
	target.restore = NULL;
	target.create = create_counted;
	target.write = write_deaf;
	created = 0;
	deaf_from = from;
	run_on_target(&target, text);
}

#define ONE_REQUEST "device any\nstart driver_ok\nsend_request 1\n"
#define AFTER_A_MISTAKE "device any\nstart driver_ok\nsend_request 1 flip=1\nsend_request 1\n"

static bool logs_all(const void *device, uint64_t page)
{
	(void)device;
	(void)page;
	return true;
}

/* All but the page that the request's room begins in. */
static bool logs_some(const void *device, uint64_t page)
{
	(void)device;
	return page % 2 == 0;
}

static void run_logged(bool (*logged)(const void *device, uint64_t page))
{
	struct target target = *target_find("fs");

	target.facts = rig_target.facts & (target.facts | FACT_LOG);
	target.liveness = "device any\nreset\n";
	target.save = NULL;
	target.restore = NULL;
	target.model = target.transport = false;
	target.logged = logged;
	run_on_target(&target, ONE_REQUEST);
}

void case_page_not_logged(void)
{
	run_logged(logs_some);
}

void case_pages_logged(void)
{
	run_logged(logs_all);
}

void case_request_left_alone(void)
{
	run_requests(1, ONE_REQUEST);
}

void case_request_answered(void)
{
	run_requests(9, ONE_REQUEST);
}

void case_request_left_alone_after_a_mistake(void)
{
	run_requests(1, AFTER_A_MISTAKE);
}

void case_request_answered_after_a_mistake(void)
{
	run_requests(9, AFTER_A_MISTAKE);
}

void case_halves_left_alone(void)
{
	run_requests(2, ONE_REQUEST);
}

void case_halves_answered(void)
{
	run_requests(9, ONE_REQUEST);
}
