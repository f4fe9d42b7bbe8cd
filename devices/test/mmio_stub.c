/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The stub model of the transport's tests; mmio_stub.h says what it offers.
 */
#include <endian.h>
#include <string.h>

#include "../snapshot_codec.h"
#include "mmio_stub.h"

struct fake_host stub_host;
struct mmio *stub_mmio;
struct stub *stub;
int stub_create_result;

static int stub_create(struct device *dev)
{
	size_t i;

	stub = (struct stub *)dev;
	for (i = sizeof(stub->dev); i < offsetof(struct stub, scratch); i++)
		assert_int_equal(((uint8_t *)stub)[i], 0);
	return stub_create_result;
}

static void stub_destroy(struct device *dev)
{
	assert_ptr_equal(dev, &stub->dev);
}

static void stub_reset(struct device *dev)
{
	stub->resets++;
	stub->status_at_reset = dev->status;
}

static void stub_queue_reset(struct device *dev, unsigned queue)
{
	stub->queue_resets[queue]++;
	stub->avail_at_reset = dev->queues[queue].next_avail;
}

static void stub_queue_start(struct device *dev, unsigned queue)
{
	assert_true(dev->queues[queue].ready);
	stub->queue_starts[queue]++;
}

static void stub_notify(struct device *dev, unsigned queue)
{
	stub->notified[queue]++;
	dev->counters[1]++;
}

static void stub_work(struct device *dev)
{
	(void)dev;
	stub->works++;
}

static enum device_state stub_state(const struct device *dev)
{
	(void)dev;
	return stub->state;
}

static void stub_config_read(const struct device *dev, uint64_t offset, uint8_t *buf, uint32_t len)
{
	uint32_t i;

	(void)dev;
	for (i = 0; i < len; i++)
		buf[i] = offset + i < sizeof(stub->config) ? stub->config[offset + i] : 0;
}

static void stub_config_write(struct device *dev, uint64_t offset, const uint8_t *buf, uint32_t len)
{
	uint32_t i;

	(void)dev;
	for (i = 0; i < len; i++)
		if (offset + i < sizeof(stub->config))
			stub->config[offset + i] = buf[i];
}

static void stub_save(const struct device *dev, struct snapshot_out *out)
{
	snapshot_put_bytes(out, ((const struct stub *)dev)->config, sizeof(stub->config));
}

static void stub_restore(struct device *dev, const struct snapshot_view *view,
			 struct snapshot_in *in)
{
	const uint8_t *config = snapshot_get_bytes(in, sizeof(stub->config));

	(void)view;
	if (in->commit && config)
		memcpy(((struct stub *)dev)->config, config, sizeof(stub->config));
}

static const struct device_queue_desc stub_queues[] = {
	{ .name = "a", .size_max = 64 },
	{ .name = "b", .size_max = 128, .driver_initiated = true },
};
static const struct device_shm stub_shm[] = {
	{ .id = 2, .base = 0x123456789abcdef0, .len = 0x1000 },
	{ .id = 0x102, .base = 0, .len = 0xfedcba9876543210 },
};
/* One more than it has. */
static const char *const stub_counters[] = { "stub_zero", "stub_notified", "stub_beyond" };
const struct device_ops stub_ops = {
	.name = "stub",
	.device_id = 77,
	.state_size = sizeof(struct stub),
	.scratch_size = sizeof(((struct stub *)NULL)->scratch),
	.features = UINT64_C(1) << VIRTIO_F_VERSION_1 | UINT64_C(1) << 50 | 1u << 5 | 1u << 31,
	.queue_count = 2,
	.queues = stub_queues,
	.shm_count = 2,
	.shm = stub_shm,
	.counter_count = 2,
	.counter_names = stub_counters,
	.create = stub_create,
	.destroy = stub_destroy,
	.reset = stub_reset,
	.queue_reset = stub_queue_reset,
	.queue_start = stub_queue_start,
	.notify = stub_notify,
	.work = stub_work,
	.state = stub_state,
	.config_read = stub_config_read,
	.config_write = stub_config_write,
	.save = stub_save,
	.restore = stub_restore,
};

uint32_t stub_read(uint64_t offset)
{
	uint32_t value;

	mmio_read(stub_mmio, offset, &value, sizeof(value));
	return le32toh(value);
}

void stub_write(uint64_t offset, uint32_t value)
{
	value = htole32(value);
	mmio_write(stub_mmio, offset, &value, sizeof(value));
}

uint64_t stub_counter(const char *name)
{
	unsigned i;

	for (i = 0; i < mmio_counter_count(stub_mmio); i++)
		if (strcmp(mmio_counter_name(stub_mmio, i), name) == 0)
			return mmio_counters(stub_mmio)[i];
	fail_msg("no counter %s", name);
	return 0;
}

uint64_t stub_counter_sum(void)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < mmio_counter_count(stub_mmio); i++)
		sum += mmio_counters(stub_mmio)[i];
	return sum;
}

void stub_climb(uint32_t status)
{
	stub_write(VIRTIO_MMIO_STATUS, S_ACK);
	if (status >= S_DRIVER) {
		stub_write(VIRTIO_MMIO_STATUS, S_DRIVER);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
		stub_write(VIRTIO_MMIO_DRIVER_FEATURES, 1);
	}
	if (status >= S_FEAT)
		stub_write(VIRTIO_MMIO_STATUS, S_FEAT);
	if (status >= S_OK)
		stub_write(VIRTIO_MMIO_STATUS, S_OK);
	assert_int_equal(stub_read(VIRTIO_MMIO_STATUS), status);
}

int stub_setup(void **state)
{
	(void)state;
	stub_create_result = 0;
	fake_host_init(&stub_host, 0);
	stub_mmio = mmio_create(&stub_ops, &stub_host.host, UINT64_MAX, NULL);
	return stub_mmio ? 0 : -1;
}

int stub_teardown(void **state)
{
	(void)state;
	assert_int_equal(stub_host.logged, 0);
	mmio_destroy(stub_mmio);
	assert_int_equal(stub_host.blocks, 0);
	return 0;
}
