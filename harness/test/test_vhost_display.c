/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * What the display of a GPU's backend answers, in whatever pieces it is asked, and what it
 * refuses (harness/peers/vhost_display.h).
 */
#include "harness/peers/vhost_display.h"

#include <errno.h>
#include <linux/virtio_gpu.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define REPLY 4u

static struct vhost_display display;
static int other; /* the backend's end */
static char why[120];

static int setup(void **state)
{
	(void)state;
	why[0] = '\0';
	return vhost_display_open(&display, &other);
}

static int teardown(void **state)
{
	(void)state;
	vhost_display_close(&display);
	close(other);
	return 0;
}

static int serve(void)
{
	return vhost_display_serve(&display, why, sizeof(why));
}

static void say(uint32_t request, uint32_t flags, uint32_t size)
{
	uint32_t header[3] = { request, flags, size };

	assert_int_equal(send(other, header, sizeof(header), 0), sizeof(header));
}

static void pour(size_t len)
{
	uint8_t *bytes = calloc(1, len);

	assert_non_null(bytes);
	assert_int_equal(send(other, bytes, len, 0), len);
	free(bytes);
}

/* The answer, of `size` bytes. */
static void is_answered(uint32_t request, void *payload, uint32_t size)
{
	uint32_t header[3];

	assert_int_equal(recv(other, header, sizeof(header), MSG_DONTWAIT), sizeof(header));
	assert_int_equal(header[0], request);
	assert_int_equal(header[1], REPLY);
	assert_int_equal(header[2], size);
	if (size > 0)
		assert_int_equal(recv(other, payload, size, MSG_DONTWAIT), size);
}

static void is_silent(void)
{
	uint8_t byte;

	assert_int_equal(recv(other, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void nothing_is_served(void **state)
{
	(void)state;
	assert_int_equal(serve(), 0);
	display.fd = dup(display.fd);
	vhost_display_close(&display);
	assert_int_equal(serve(), 0);
	vhost_display_close(&display);
}

static void it_has_no_features(void **state)
{
	uint64_t features = ~UINT64_C(0);

	(void)state;
	say(1, 0, 0);
	assert_int_equal(serve(), 1);
	is_answered(1, &features, sizeof(features));
	assert_int_equal(features, 0);
	say(2, 0, sizeof(features));
	pour(sizeof(features));
	assert_int_equal(serve(), 1);
	is_silent();
	assert_int_equal(serve(), 0);
}

static void there_is_one_display(void **state)
{
	struct virtio_gpu_resp_display_info info;

	(void)state;
	say(3, 0, 0);
	assert_int_equal(serve(), 1);
	is_answered(3, &info, sizeof(info));
	is_silent();
	assert_int_equal(info.hdr.type, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	assert_int_equal(info.pmodes[0].enabled, 1);
	assert_int_not_equal(info.pmodes[0].r.width, 0);
	assert_int_equal(info.pmodes[1].enabled, 0);
}

/* A question byte for byte, behind a picture that comes in two halves. */
static void pieces_are_put_together(void **state)
{
	const uint32_t question[3] = { 10, 0, 20 };

	(void)state;
	say(8, 0, 100000);
	pour(40000);
	assert_int_equal(serve(), 1);
	is_silent();
	pour(60000);
	for (size_t i = 0; i < sizeof(question); i++) {
		assert_int_equal(send(other, (const uint8_t *)question + i, 1, 0), 1);
		assert_int_equal(serve(), 1);
		is_silent();
	}
	pour(19);
	assert_int_equal(serve(), 1);
	is_silent();
	pour(1);
	assert_int_equal(serve(), 1);
	is_answered(10, NULL, 0);
}

static void many_questions_at_once(void **state)
{
	uint64_t features;
	struct virtio_gpu_resp_display_info info;

	(void)state;
	say(1, 0, 0);
	say(4, 0, 12);
	pour(12);
	say(3, 0, 0);
	assert_int_equal(serve(), 1);
	is_answered(1, &features, sizeof(features));
	is_answered(3, &info, sizeof(info));
	is_silent();
}

static void is_refused(uint32_t request, uint32_t flags, const char *line)
{
	say(request, flags, 0);
	assert_int_equal(serve(), -EPROTO);
	assert_string_equal(why, line);
	assert_int_equal(display.fd, -1);
}

static void an_unknown_message_is_refused(void **state)
{
	(void)state;
	is_refused(11, 0, "message 11 with flags 0x0 to its display, expected 1 to 10 without");
}

static void message_0_is_refused(void **state)
{
	(void)state;
	is_refused(0, 0, "message 0 with flags 0x0 to its display, expected 1 to 10 without");
}

static void a_reply_is_refused(void **state)
{
	(void)state;
	is_refused(3, REPLY, "message 3 with flags 0x4 to its display, expected 1 to 10 without");
}

/* A backend need not have a display. */
static void who_closes_it_is_left_alone(void **state)
{
	(void)state;
	assert_int_equal(shutdown(other, SHUT_RDWR), 0);
	assert_int_equal(serve(), 0);
	assert_int_equal(display.fd, -1);
}

/* Who goes on and on is looked at in between. */
static void it_does_not_go_on_for_ever(void **state)
{
	enum { MESSAGES = 8192 };
	const uint32_t hide[3] = { 5, 0, 0 };
	static uint8_t bytes[MESSAGES * sizeof(hide)];
	int left = 0;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++)
		memcpy(bytes + i * sizeof(hide), hide, sizeof(hide));
	assert_int_equal(send(other, bytes, sizeof(bytes), 0), sizeof(bytes));
	assert_int_equal(serve(), 1);
	assert_int_equal(ioctl(display.fd, FIONREAD, &left), 0);
	assert_true(left > 0);
	while (serve() == 1)
		;
	assert_int_not_equal(display.fd, -1);
	is_silent();
}

/* One that asks and does not read. */
static void who_takes_no_answer_is_given_up(void **state)
{
	int err;

	(void)state;
	do {
		say(3, 0, 0);
		err = serve();
	} while (err == 1);
	assert_true(err == -EAGAIN || err == -ENOBUFS);
	assert_int_equal(display.fd, -1);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_served),
		TEST(it_has_no_features),
		TEST(there_is_one_display),
		TEST(pieces_are_put_together),
		TEST(many_questions_at_once),
		TEST(an_unknown_message_is_refused),
		TEST(message_0_is_refused),
		TEST(a_reply_is_refused),
		TEST(who_closes_it_is_left_alone),
		TEST(it_does_not_go_on_for_ever),
		TEST(who_takes_no_answer_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
