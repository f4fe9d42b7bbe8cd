/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A session with packed rings that is recorded becomes programs that replay: chains out of
 * the driver's own table, indirect ones too, and events by the entries that each program has
 * used (harness/serve/recorder.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before cmocka, which has an expect_check of its own. */
#include "devices/ring.h"
#include "harness/run/sanitizers.h"
#include "recorder_rig.h"

#include <cmocka.h>

#include "signals.h"

SANITIZER_OPTIONS(SANITIZER_CHILDREN)

#define SIZE 20u /* of each queue: it divides no power of two */
#define FRAMES 600u
#define ROOM 8u
#define ENTRIES 2u /* of a frame that is sent */

static struct recorder_rig rig;
static struct script script;

static void give_room(unsigned head)
{
	char text[200];

	snprintf(text, sizeof(text),
		 "desc 0 %u addr=low+0x%x len=1526 flags=write\npublish 0 %u\nnotify 0\n", head,
		 0x20000 + head * 0x800, head);
	recorder_rig_run(&rig, text);
}

/* With an event of the entry where the next is returned, as a driver sets it that wants to
 * hear of each. */
static void send_frame(unsigned i)
{
	unsigned at = i * ENTRIES % (2 * SIZE);
	char text[400];

	snprintf(text, sizeof(text),
		 "used_event 1 0x%x\n"
		 "fill low+0x18000 len=12\n"
		 "store low+0x1800c 0200000000%02x0200000000020800%04x\n"
		 "desc 1 0 addr=low+0x18000 len=12 flags=next next=1\n"
		 "desc 1 1 addr=low+0x1800c len=60\n"
		 "publish 1 0\nnotify 1\n",
		 at % SIZE | (at < SIZE ? RING_EVENT_WRAP : 0u), i % 256, i % 65536);
	recorder_rig_run(&rig, text);
	assert_int_equal(recorder_rig_take(&rig, 1), 1);
	recorder_rig_run(&rig, "ack used\n");
}

static void begin(void)
{
	char text[200];

	recorder_rig_open(&rig, target_find("net-loopback"), 0);
	snprintf(text, sizeof(text),
		 "start features_ok ring=packed\nqueue 0 size=%u\nqueue 1 size=%u\n"
		 "status ACKNOWLEDGE|DRIVER|FEATURES_OK|DRIVER_OK\n",
		 SIZE, SIZE);
	recorder_rig_run(&rig, text);
	assert_true(rig.run->guest.queues[1].packed);
}

static void end(void)
{
	recorder_rig_close(&rig);
	if (rig.told > 0)
		fail_msg("%s", rig.tell);
	assert_int_equal(rig.result.differs, 0);
	assert_int_equal(rig.result.found, 0);
	assert_false(rig.result.full);
}

/* Chains of queue 1 that the program has had back when operation `op` is run. */
static unsigned used_before(uint32_t op)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < script.expect_count; i++)
		count += script.expects[i].kind == EXPECT_USED && script.expects[i].value[2] == 1 &&
			 script.expects[i].op < op;
	return count;
}

static void a_long_session_is_split_and_its_events_move_along(void **state)
{
	unsigned events = 0, moved = 0;

	(void)state;
	begin();
	for (unsigned head = 0; head < ROOM; head++)
		give_room(head);
	for (unsigned i = 0; i < FRAMES; i++) {
		send_frame(i);
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
		give_room(i % ROOM);
	}
	end();
	assert_true(rig.result.kept > 4);
	for (unsigned number = 1; number <= rig.result.kept; number++) {
		assert_true(recorder_rig_load(&rig, number, &script));
		assert_int_equal(script.prog.ops[0].code, OP_START);
		assert_int_equal(script.prog.ops[0].value[START_RING], RING_FORMAT_PACKED);
		for (uint32_t i = 0; i < script.prog.op_count; i++) {
			const struct op *op = &script.prog.ops[i];
			unsigned at = used_before(i) * ENTRIES % (2 * SIZE), event;

			if (op->code != OP_USED_EVENT)
				continue;
			/* What a program starts from may say the one before. */
			event = at % SIZE | (at < SIZE ? RING_EVENT_WRAP : 0u);
			moved += op->value[USED_EVENT_VALUE] != event;
			events++;
		}
	}
	assert_true(events >= FRAMES);
	assert_in_range(moved, 0, rig.result.kept - 1);
	recorder_rig_release(&rig);
}

/* Room in two pieces, by a table. */
static void give_table(unsigned head)
{
	uint64_t low = rig.run->guest.arena.place[BASE_LOW];
	unsigned data = 0x20000 + head * 0x800, table = 0x30000 + head * 0x40;
	const struct vring_packed_desc descs[] = {
		{ low + data, 512, 0, VRING_DESC_F_WRITE },
		{ low + data + 512, 1014, 0, VRING_DESC_F_WRITE },
	};
	uint8_t raw[sizeof(descs)];
	char text[300];
	int len = snprintf(text, sizeof(text), "store low+0x%x ", table);

	memcpy(raw, descs, sizeof(raw));
	for (size_t i = 0; i < sizeof(raw); i++)
		len += snprintf(text + len, sizeof(text) - (size_t)len, "%02x", raw[i]);
	snprintf(text + len, sizeof(text) - (size_t)len,
		 "\ndesc 0 %u addr=low+0x%x len=32 flags=indirect\npublish 0 %u\nnotify 0\n", head,
		 table, head);
	recorder_rig_run(&rig, text);
}

static void indirect_chains_that_are_out_are_written_again(void **state)
{
	(void)state;
	begin();
	for (unsigned head = 0; head < ROOM; head++)
		give_table(head);
	for (unsigned i = 0; i < FRAMES; i++) {
		send_frame(i);
		assert_int_equal(recorder_rig_take(&rig, 0), 1);
		give_table(i % ROOM);
	}
	end();
	assert_true(rig.result.kept > 4);
	/* Before anything is notified; one may have come back just then. */
	for (unsigned number = 2; number <= rig.result.kept; number++) {
		unsigned tables = 0;

		assert_true(recorder_rig_load(&rig, number, &script));
		for (uint32_t i = 0; i < script.prog.op_count; i++) {
			const struct op *op = &script.prog.ops[i];

			tables += op->code == OP_DESC &&
				  op->value[DESC_FLAGS] == VRING_DESC_F_INDIRECT;
			if (op->code == OP_NOTIFY)
				break;
		}
		assert_in_range(tables, ROOM - 1, ROOM);
	}
	recorder_rig_release(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_session_is_split_and_its_events_move_along),
		cmocka_unit_test(indirect_chains_that_are_out_are_written_again),
	};

	signals_remember();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
