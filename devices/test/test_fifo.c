/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The byte queue against the simplest one there is, over every wrap and growth,
 * and where there is no room and no memory.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../fifo.h"
#include "fake_host.h"

#define LIMIT 16384u

static struct fake_host host;
static struct fifo fifo;
static uint8_t model[LIMIT], bytes[LIMIT + 1];
static uint32_t model_len;

static int setup(void **state)
{
	(void)state;
	fake_host_init(&host, 0);
	fifo_init(&fifo, &host.host, LIMIT);
	model_len = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fifo_release(&fifo);
	assert_int_equal(host.blocks, 0);
	return 0;
}

static void push(uint32_t len, bool front)
{
	int ret = front ? fifo_put_back(&fifo, bytes, len) : fifo_append(&fifo, bytes, len);

	if (len > LIMIT - model_len) {
		assert_int_equal(ret, -ENOSPC);
		return;
	}
	assert_int_equal(ret, 0);
	if (front)
		memmove(model + len, model, model_len);
	memcpy(front ? model : model + model_len, bytes, len);
	model_len += len;
}

static void take(uint32_t max)
{
	static uint8_t taken[LIMIT];
	uint32_t len = fifo_take(&fifo, taken, max);

	assert_int_equal(len, max < model_len ? max : model_len);
	assert_memory_equal(taken, model, len);
	memmove(model, model + len, model_len - len);
	model_len -= len;
}

static void as_the_model(void **state)
{
	uint32_t random = 12345, largest = 0, i, b;

	(void)state;
	for (i = 0; i < 3000; i++) {
		random = random * 1664525 + 1013904223;
		for (b = 0; b < sizeof(bytes); b += 97)
			bytes[b] = (uint8_t)(random >> 11) ^ (uint8_t)b;
		switch (random >> 28 & 3) {
		case 0:
			push(random >> 8 & 0xfff, false);
			break;
		case 1:
			push(random >> 8 & 0x1ff, true);
			break;
		default:
			take(random >> 8 & 0xfff);
			break;
		}
		assert_int_equal(fifo.len, model_len);
		assert_int_equal(fifo_room(&fifo), LIMIT - model_len);
		assert_true(fifo.len > 0 || fifo.size <= 4096);
		if (fifo.size > largest)
			largest = fifo.size;
	}
	assert_int_equal(largest, LIMIT);
	push(LIMIT - model_len, false);
	push(1, true);
	push(1, false);
	push(0, true);
	take(LIMIT);
}

/* Written in pieces, and committed or not. */
static void in_pieces(void **state)
{
	uint32_t piece, done;

	(void)state;
	push(4000, false);
	take(3000);
	memset(bytes, 0x77, 500);
	assert_int_equal(fifo_reserve(&fifo, 500), 0);
	for (done = 0; done < 500; done += piece) {
		uint8_t *to = fifo_tail(&fifo, done, &piece);

		if (piece > 500 - done)
			piece = 500 - done;
		memcpy(to, bytes, piece);
	}
	assert_int_equal(fifo.len, model_len);
	fifo_commit(&fifo, 500);
	memcpy(model + model_len, bytes, 500);
	model_len += 500;
	assert_int_equal(*fifo_head(&fifo, 1000, &piece), 0x77);
	fifo_drop(&fifo, 1000);
	memmove(model, model + 1000, model_len - 1000);
	model_len -= 1000;
	take(LIMIT);
}

static void no_memory(void **state)
{
	(void)state;
	host.allocs_left = 0;
	assert_int_equal(fifo_append(&fifo, bytes, 1), -ENOMEM);
	assert_int_equal(fifo_append(&fifo, bytes, 0), 0);
	host.allocs_left = 1;
	push(4000, false);
	assert_int_equal(fifo_put_back(&fifo, bytes, 97), -ENOMEM);
	push(96, true);
	take(LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(as_the_model, setup, teardown),
		cmocka_unit_test_setup_teardown(in_pieces, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
