/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The frame pool: a stack of free buffers, so that the one used last, which is
 * the warmest, is used next.  net_pool.h has the contract.
 */
#include <errno.h>

#include "net_pool.h"

void net_pool_init(struct net_pool *pool, const struct device_host *host, uint32_t size)
{
	pool->host = host;
	pool->size = size;
	pool->out = pool->kept = 0;
}

void net_pool_fini(struct net_pool *pool)
{
	while (pool->kept > 0)
		pool->host->free(pool->host->ctx, pool->free[--pool->kept]);
}

int net_pool_acquire(struct net_pool *pool, uint8_t **buffer)
{
	if (pool->out == NET_POOL_MAX)
		return -ENOBUFS;
	if (pool->kept > 0)
		*buffer = pool->free[--pool->kept];
	else
		*buffer = pool->host->alloc(pool->host->ctx, pool->size);
	if (!*buffer)
		return -ENOMEM;
	pool->out++;
	return 0;
}

int net_pool_stock(struct net_pool *pool, unsigned count)
{
	while (pool->kept < count) {
		uint8_t *buffer = pool->host->alloc(pool->host->ctx, pool->size);

		if (!buffer)
			return -ENOMEM;
		pool->free[pool->kept++] = buffer;
	}
	return 0;
}

void net_pool_release(struct net_pool *pool, uint8_t *buffer)
{
	pool->out--;
	if (pool->kept < NET_POOL_KEPT)
		pool->free[pool->kept++] = buffer;
	else
		pool->host->free(pool->host->ctx, buffer);
}
