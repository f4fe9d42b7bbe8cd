/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Guest memory as a vhost-user backend has it: the table of regions, which is sent again
 * when one comes or goes, and the log of the pages that the backend wrote to.  See
 * vhost_user.h.
 */
#include "harness/peers/vhost_user.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_SHIFT 12

/* ---- the table ----------------------------------------------------------------------- */

int vhost_say_memory(struct vhost_user *u)
{
	const struct vringer_host *host = u->host;
	struct vhost_user_msg msg;
	struct stat file = { .st_ino = 0 };
	unsigned count = 0;
	int err;

	if (host->region_count == 0 || host->region_count > VHOST_REGIONS_MAX ||
	    fstat(host->regions[0].fd, &file) != 0)
		return -EINVAL;
	if (u->memory == file.st_ino)
		return 0;
	msg = vhost_user_message(VHOST_USER_SET_MEM_TABLE, 0);
	for (uint32_t i = 0; i < host->region_count; i++) {
		const struct vringer_region *region = &host->regions[i];

		if ((u->away >> i & 1) != 0)
			continue;
		msg.payload.memory.regions[count].guest_addr = region->addr;
		msg.payload.memory.regions[count].size = region->size;
		msg.payload.memory.regions[count].user_addr = region->addr;
		msg.payload.memory.regions[count].mmap_offset = region->fd_offset;
		msg.fds[count++] = region->fd;
	}
	msg.payload.memory.count = msg.fd_count = count;
	msg.header.size = (uint32_t)(offsetof(struct vhost_memory_table, regions) +
				     count * sizeof(msg.payload.memory.regions[0]));
	err = vhost_say_acked(u, &msg);
	if (err == 0)
		u->memory = file.st_ino;
	return err;
}

int vhost_set_region(struct vhost_user *u, uint64_t addr, bool present)
{
	uint32_t before = u->away;
	int err;

	for (uint32_t i = 0; i < u->host->region_count; i++)
		if (u->host->regions[i].addr == addr)
			u->away = present ? before & ~(1u << i) : before | 1u << i;
	if (u->away == before)
		return -EINVAL;
	u->memory = 0;
	/* It is told with the rings that begin next. */
	if (!u->live)
		return 0;
	u->busy = true;
	err = vhost_say_memory(u);
	if (err == 0)
		err = vhost_wait(u);
	if (err == -EREMOTEIO)
		u->away = before;
	return err;
}

void vhost_all_regions(struct vhost_user *u)
{
	if (u->away != 0)
		u->memory = 0;
	u->away = 0;
}

/* ---- the log ------------------------------------------------------------------------- */

/* A bit for each page up to the end of memory. */
static int open_log(struct vhost_user *u)
{
	const struct vringer_region *last = &u->host->regions[u->host->region_count - 1];
	uint64_t pages = (last->addr + last->size) >> PAGE_SHIFT;

	if (u->log_fd >= 0)
		return 0;
	u->log_len = (size_t)(pages + 7) / 8;
	u->log_fd = memfd_create("dirty-pages", MFD_CLOEXEC);
	if (u->log_fd < 0 || ftruncate(u->log_fd, (off_t)u->log_len) != 0)
		return -errno;
	u->log = mmap(NULL, u->log_len, PROT_READ | PROT_WRITE, MAP_SHARED, u->log_fd, 0);
	if (u->log != MAP_FAILED)
		return 0;
	u->log = NULL;
	return -errno;
}

int vhost_say_log(struct vhost_user *u)
{
	struct vhost_user_msg msg =
		vhost_user_message(VHOST_USER_SET_LOG_BASE, sizeof(msg.payload.log));
	int err;

	if (!vhost_speaks(u, VHOST_PROTOCOL_LOG_SHMFD))
		return -EOPNOTSUPP;
	err = open_log(u);
	if (err != 0)
		return err;
	msg.payload.log.mmap_size = u->log_len;
	msg.payload.log.mmap_offset = 0;
	msg.fds[0] = u->log_fd;
	msg.fd_count = 1;
	/* It is answered whether or not it asks for that. */
	return vhost_ask(u, &msg, 0, sizeof(uint64_t));
}

void vhost_clear_log(struct vhost_user *u)
{
	if (u->log != NULL)
		memset(u->log, 0, u->log_len);
}

bool vhost_logged(const struct vhost_user *u, uint64_t page)
{
	return u->log != NULL && page / 8 < u->log_len && (u->log[page / 8] >> page % 8 & 1) != 0;
}
