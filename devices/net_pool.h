/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Buffers for frames, all of one size.
 *
 * A buffer has one owner at a time: the pool, or whoever acquired it, until it is
 * released.  A pool hands out at most NET_POOL_MAX of them, and keeps up to
 * NET_POOL_KEPT that come back; what comes back beyond that is freed.  So a
 * device whose bursts are no longer than that asks the host for memory only until
 * it has seen the longest of them.
 *
 * It refuses to wait: where there is no buffer, the caller counts that and decides
 * what becomes of the frame.
 */
#ifndef VRINGER_DEVICES_NET_POOL_H
#define VRINGER_DEVICES_NET_POOL_H

#include "device.h"

#define NET_POOL_MAX 32u
#define NET_POOL_KEPT 16u

struct net_pool {
	const struct device_host *host;
	uint32_t size; /* bytes of each buffer */
	unsigned out;  /* handed out now */
	unsigned kept; /* in `free` */
	uint8_t *free[NET_POOL_KEPT];
};

/* An empty pool of buffers of `size` bytes; `host` must outlive it. */
void net_pool_init(struct net_pool *pool, const struct device_host *host, uint32_t size);
/* Frees what is kept; what is handed out must have come back. */
void net_pool_fini(struct net_pool *pool);

/* A buffer, its contents undefined: 0; -ENOBUFS where NET_POOL_MAX are handed out,
 * -ENOMEM without host memory. */
int net_pool_acquire(struct net_pool *pool, uint8_t **buffer);
/* Keep `count` buffers, at most NET_POOL_KEPT, or more: 0; -ENOMEM with as many as
 * there was memory for. */
int net_pool_stock(struct net_pool *pool, unsigned count);
/* Give a buffer of this pool back, once. */
void net_pool_release(struct net_pool *pool, uint8_t *buffer);

#endif
