/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * A vhost-user backend of an entropy device (VIRTIO 1.4, 5.4), written from the protocol's
 * text (QEMU, docs/interop/vhost-user.rst) and from nothing else in this tree: what a
 * front-end may meet, legal or not, as its options say.
 *
 *	vhost_user_rng --socket PATH | --fd N | --connection N [--mode NAME]... [--at MOMENT]
 *		[--us N]
 *
 * A mode is a character (vhost_device.h), a habit of its ring (ring.h), or a misfortune (luck.h),
 * which happens at that moment.  Without one: a single thread that serves its ring before
 * messages, and one connection after the other.
 */
#include "vhost_device.h"

#include "luck.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char *const names[] = {
	[THREAD] = "thread",
	[POLLS] = "polls",
	[MESSAGE_FIRST] = "message-first",
	[LATE] = "late",
	[ONCE] = "once",
	[HANGS_UP] = "hangs-up",
	[CALLS_AT_START] = "calls-at-start",
	[NO_PROTOCOL] = "no-protocol",
	[NO_REPLY_ACK] = "no-reply-ack",
	[NO_CONFIG] = "no-config",
	[WITH_STATUS] = "status",
	[WITH_RESET] = "reset-device",
	[WITH_LOG] = "log",
	[NO_VERSION_1] = "no-version-1",
	[NO_QUEUE] = "no-queue",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == CHARACTERS, "a name for each character");

static int listen_at(const char *path)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(where.sun_path)) {
		fprintf(stderr, "vhost_user_rng: %s: the path is too long\n", path);
		exit(1);
	}
	strcpy(where.sun_path, path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) != 0 ||
	    listen(fd, 1) != 0) {
		fprintf(stderr, "vhost_user_rng: %s: %s\n", path, strerror(errno));
		exit(1);
	}
	return fd;
}

static bool choose(const char *name)
{
	for (unsigned i = 0; i < CHARACTERS; i++)
		if (strcmp(names[i], name) == 0)
			return own.is[i] = true;
	return ring_habit(&own.ring, name) || luck_choose(name);
}

static int usage(void)
{
	fprintf(stderr, "vhost_user_rng --socket PATH | --fd N | --connection N [--mode NAME]... "
			"[--at MOMENT] [--us N]\ncharacters:");
	for (unsigned i = 0; i < CHARACTERS; i++)
		fprintf(stderr, " %s", names[i]);
	fprintf(stderr, "\n");
	ring_help();
	luck_help();
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket", 1, NULL, 's' }, { "fd", 1, NULL, 'f' }, { "connection", 1, NULL, 'c' },
		{ "mode", 1, NULL, 'm' },   { "at", 1, NULL, 'a' }, { "us", 1, NULL, 'u' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = NULL;
	bool right = true;
	int listening = -1, option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		path = option == 's' ? optarg : path;
		listening = option == 'f' ? (int)strtol(optarg, NULL, 10) : listening;
		own.connection = option == 'c' ? (int)strtol(optarg, NULL, 10) : own.connection;
		own.delay_us = option == 'u' ? strtol(optarg, NULL, 10) : own.delay_us;
		right = right && option != '?' && (option != 'm' || choose(optarg)) &&
			(option != 'a' || luck_when(optarg));
	}
	if (!right || (path != NULL) + (listening >= 0) + (own.connection >= 0) != 1)
		return usage();
	luck_strike(AT_START);
	if (own.is[LATE])
		device_pause_us(300000);
	if (path != NULL)
		listening = listen_at(path);
	if (!device_open())
		return 1;
	do {
		if (listening >= 0)
			/* Nobody wants to know who it is. */
			/* cppcheck-suppress nullPointer */
			own.connection = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		if (own.connection >= 0)
			serve_connection();
	} while (listening >= 0 && !own.is[ONCE]);
	return 0;
}
