/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * One queue in a fake host; see virtqueue_rig.h.
 */
#include "virtqueue_rig.h"

struct fake_host rig_host;
struct fake_queue rig_q;
struct virtqueue vq;
struct virtqueue_chain chain;
struct virtqueue_buffer buffer;
uint8_t seen[32768 / 8 * 2];

void rig_setup_at(uint64_t base, uint16_t size, uint64_t desc, uint64_t driver, uint64_t device)
{
	fake_host_init(&rig_host, base);
	rig_q = (struct fake_queue){
		.fake = &rig_host, .desc = desc, .driver = driver, .device = device, .size = size
	};
	memset(seen, 0xff, sizeof(seen));
	virtqueue_init(&vq, &rig_host.host, QUEUE, 32768, seen);
	vq.size = size;
	vq.area[VIRTQUEUE_DESC] = desc;
	vq.area[VIRTQUEUE_DRIVER] = driver;
	vq.area[VIRTQUEUE_DEVICE] = device;
	vq.ready = true;
}

void rig_setup(uint16_t size)
{
	rig_setup_at(BASE, size, BASE, BASE + 0x20000, BASE + 0x40000);
}

void rig_start_at(uint16_t position)
{
	vq.next_avail = position;
	vq.next_used = position;
	fake_avail_set(&rig_q, position);
}

void rig_entry(uint64_t table, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next)
{
	struct fake_queue at = { .fake = &rig_host, .desc = table };

	fake_desc(&at, i, addr, len, flags, next);
}

void rig_access(unsigned i, enum guest_purpose purpose, uint16_t walk, uint64_t addr, uint32_t len)
{
	assert_true(i < rig_host.logged);
	assert_int_equal(rig_host.log[i].why.purpose, purpose);
	assert_int_equal(rig_host.log[i].why.queue, QUEUE);
	assert_int_equal(rig_host.log[i].why.walk, walk);
	assert_int_equal(rig_host.log[i].addr, addr);
	assert_int_equal(rig_host.log[i].len, len);
}
