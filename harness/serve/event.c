/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Events between a driver and a device.  See event.h.
 */
#include "harness/serve/event.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_ready(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	return poll(&ready, 1, 0) == 1;
}

int event_signal(int fd)
{
	static const uint64_t one = 1;

	/* O_NONBLOCK would be the driver's as well. */
	if (!is_ready(fd, POLLOUT) || write(fd, &one, sizeof(one)) >= 0 || errno == EAGAIN ||
	    errno == EINTR)
		return 0;
	return -errno;
}

int event_take(int fd)
{
	uint64_t count;
	struct iovec to = { .iov_base = &count, .iov_len = sizeof(count) };
	ssize_t got = preadv2(fd, &to, 1, -1, RWF_NOWAIT);

	/* Not all kinds, nor all kernels, read without waiting. */
	if (got < 0 && errno == EOPNOTSUPP) {
		if (!is_ready(fd, POLLIN))
			return 0;
		got = read(fd, &count, sizeof(count));
	}
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return got > 0 ? 1 : -EPIPE;
}
