/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The ring of the entropy device, and the thread that may serve it.  See vhost_device.h.
 */
#include "vhost_device.h"

#include "luck.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIT(n) (UINT64_C(1) << (n))

struct own own = {
	.delay_us = 3000,
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.returned = PTHREAD_COND_INITIALIZER,
	.ring = { .memory = &own.memory },
	.kick = -1,
	.call = -1,
	.err = -1,
	.wake = -1,
	.connection = -1,
};

void device_put_event(int fd)
{
	const uint64_t one = 1;

	if (fd >= 0 && write(fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		perror("peer: an eventfd");
}

static void interrupt(void *ctx)
{
	(void)ctx;
	device_put_event(own.call);
}

void device_replace(int *fd, int with)
{
	if (*fd >= 0)
		close(*fd);
	*fd = with;
}

/* ---- the ring ------------------------------------------------------------------------ */

static void start_ring(void)
{
	own.ring.event_idx = (own.features & BIT(VIRTIO_RING_F_EVENT_IDX)) != 0;
	own.ring.indirect = (own.features & BIT(VIRTIO_RING_F_INDIRECT_DESC)) != 0;
	own.ring.log_used = (own.at.flags & BIT(VHOST_VRING_F_LOG)) != 0;
	own.ring.used_log = own.at.log_guest_addr;
	if (!memory_from_user(&own.memory, own.at.desc_user_addr, &own.ring.desc) ||
	    !memory_from_user(&own.memory, own.at.avail_user_addr, &own.ring.avail) ||
	    !memory_from_user(&own.memory, own.at.used_user_addr, &own.ring.used))
		own.ring.desc = 1;
	ring_start(&own.ring, own.base);
}

/* The driver broke the ring: the front-end is told. */
static void complain(bool was_broken)
{
	if (was_broken || !own.ring.broken)
		return;
	device_put_event(own.err);
	own.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (own.is[HANGS_UP])
		shutdown(own.connection, SHUT_RDWR);
}

void device_pause_us(long us)
{
	const struct timespec time = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

/* With the lock, as all below; it is left for the time that answers take. */
static void serve(void)
{
	bool was_broken = own.ring.live && own.ring.broken;

	if (!own.ring.live)
		start_ring();
	if (!own.is[THREAD]) {
		ring_serve(&own.ring);
		complain(was_broken);
		return;
	}
	while (ring_take(&own.ring)) {
		pthread_mutex_unlock(&own.lock);
		device_pause_us(own.delay_us);
		pthread_mutex_lock(&own.lock);
		ring_return(&own.ring);
		pthread_cond_broadcast(&own.returned);
	}
	/* It may have been stopped meanwhile, and have nothing to say. */
	if (own.ring.live)
		ring_serve(&own.ring);
	complain(was_broken);
}

void device_take_kick(void)
{
	uint64_t count;

	if (own.kick < 0 || read(own.kick, &count, sizeof(count)) != sizeof(count))
		return;
	if (!luck_strike(AT_KICK))
		return;
	own.kicked = true;
	if (own.enabled)
		serve();
}

void device_stop_ring(void)
{
	while (own.ring.held_count > 0)
		pthread_cond_wait(&own.returned, &own.lock);
	if (own.ring.live)
		own.base = own.ring.next_avail;
	ring_stop(&own.ring);
	own.kicked = false;
	device_replace(&own.kick, -1);
}

static bool is_kicked(void)
{
	struct pollfd p = { .fd = own.kick, .events = POLLIN };

	return own.kick >= 0 && poll(&p, 1, 0) > 0;
}

/* The other thread. */
static void *serve_for_ever(void *arg)
{
	pthread_mutex_lock(&own.lock);
	for (;;) {
		struct pollfd p[] = { { .fd = own.wake, .events = POLLIN },
				      { .fd = own.kick, .events = POLLIN } };
		uint64_t count;

		pthread_mutex_unlock(&own.lock);
		if (own.is[POLLS])
			device_pause_us(own.delay_us);
		else if (poll(p, 2, -1) > 0 && p[0].revents != 0 &&
			 read(own.wake, &count, sizeof(count)) < 0)
			return arg;
		pthread_mutex_lock(&own.lock);
		if (is_kicked())
			device_take_kick();
		else if (own.is[POLLS] && own.enabled && own.kicked)
			serve();
	}
}

bool device_open(void)
{
	pthread_t thread;

	own.ring.interrupt = interrupt;
	own.wake = eventfd(0, EFD_CLOEXEC);
	return (!own.is[THREAD] && !own.is[POLLS]) ||
	       pthread_create(&thread, NULL, serve_for_ever, NULL) == 0;
}
