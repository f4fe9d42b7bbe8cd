/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Devices that are not ours and offer feature bit 70: `high-mmio` shows it in page 2 of
 * its registers, `high-lax` too but accepts whatever the driver does, `high-hidden` does
 * not show what it is to offer, and `high-activated` shows what the driver accepted of
 * bits 64 to 127 as its configuration.  None has a queue.  Built against the installed
 * files.
 */
#include <vringer.h>

#include <stdlib.h>
#include <string.h>

#define BIT_70 (1ull << (70 - 64))
#define VERSION_1 (1ull << 32)
#define PAGES 4u

struct high {
	const struct vringer_host *host;
	uint64_t offered[2], accepted[2]; /* bits 0 to 63, and 64 to 127 */
	uint32_t status, offered_sel, accepted_sel;
	int lax, hidden, live;
};

static struct high *new_high(const struct vringer_host *host, uint64_t offered)
{
	struct high *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->host = host;
	h->offered[0] = offered;
	h->offered[1] = host->offered_high;
	return h;
}

static void *create(const struct vringer_host *host, uint64_t offered, const uint16_t *queue_max)
{
	(void)queue_max;
	return new_high(host, offered);
}

static void *create_lax(const struct vringer_host *host, uint64_t offered,
			const uint16_t *queue_max)
{
	struct high *h = new_high(host, offered);

	(void)queue_max;
	if (h != NULL)
		h->lax = 1;
	return h;
}

static void *create_hidden(const struct vringer_host *host, uint64_t offered,
			   const uint16_t *queue_max)
{
	struct high *h = new_high(host, offered);

	(void)queue_max;
	if (h != NULL)
		h->hidden = 1;
	return h;
}

static uint32_t page(const uint64_t bits[2], uint32_t sel)
{
	return sel < PAGES ? (uint32_t)(bits[sel / 2] >> (32 * (sel % 2))) : 0;
}

static void read_register(void *device, uint64_t offset, void *buf, uint32_t len)
{
	const struct high *h = device;
	uint32_t value = 0;

	switch (offset) {
	case 0x000:
		value = 0x74726976;
		break;
	case 0x004:
		value = 2;
		break;
	case 0x008:
		value = 4;
		break;
	case 0x010:
		value = h->hidden && h->offered_sel > 1 ? 0 : page(h->offered, h->offered_sel);
		break;
	case 0x070:
		value = h->status;
		break;
	case 0x0b0: /* there is no shared memory: length and base */
	case 0x0b4:
	case 0x0b8:
	case 0x0bc:
		value = UINT32_MAX;
		break;
	default:
		break;
	}
	memset(buf, 0, len);
	memcpy(buf, &value, len < sizeof(value) ? len : sizeof(value));
}

static void write_status(struct high *h, uint32_t value)
{
	int valid = (h->accepted[0] & ~h->offered[0]) == 0 &&
		    (h->accepted[1] & ~h->offered[1]) == 0 && (h->accepted[0] & VERSION_1) != 0;

	h->status = value;
	if (value == 0)
		memset(h->accepted, 0, sizeof(h->accepted));
	if (value == 0)
		h->offered_sel = h->accepted_sel = 0;
	if ((value & 8) != 0 && !valid && !h->lax)
		h->status &= ~8u;
}

static void write_register(void *device, uint64_t offset, const void *buf, uint32_t len)
{
	struct high *h = device;
	uint32_t value;

	if (len != sizeof(value))
		return;
	memcpy(&value, buf, sizeof(value));
	if (offset == 0x014)
		h->offered_sel = value;
	else if (offset == 0x024)
		h->accepted_sel = value;
	else if (offset == 0x070)
		write_status(h, value);
	if (offset != 0x020 || h->accepted_sel >= PAGES || (h->status & 8) != 0)
		return;
	h->accepted[h->accepted_sel / 2] &= ~(0xffffffffull << (32 * (h->accepted_sel % 2)));
	h->accepted[h->accepted_sel / 2] |= (uint64_t)value << (32 * (h->accepted_sel % 2));
}

static void activate(void *device, uint64_t features, const struct vringer_ring *rings)
{
	struct high *h = device;

	(void)features;
	(void)rings;
	h->live = 1;
}

static void kick(void *device, uint32_t queue)
{
	(void)device;
	(void)queue;
}

static void reset(void *device)
{
	((struct high *)device)->live = 0;
}

static void config_read(void *device, uint64_t offset, void *buf, uint32_t len)
{
	const struct high *h = device;
	uint64_t shown = h->live ? h->host->accepted_high : 0;

	memset(buf, 0, len);
	if (offset < sizeof(shown))
		memcpy(buf, (const uint8_t *)&shown + offset,
		       len < sizeof(shown) - offset ? len : sizeof(shown) - offset);
}

#define HIGH(id, called, ...)                                                                      \
	static const struct vringer_target id = {                                                  \
		.version = VRINGER_VERSION,                                                        \
		.size = sizeof(id),                                                                \
		.name = called,                                                                    \
		.help = "feature bit 70",                                                          \
		.memory = VRINGER_MEMORY_PURPOSES,                                                 \
		.device_id = 4,                                                                    \
		.features = VERSION_1 | 1,                                                         \
		.features_high = BIT_70,                                                           \
		.destroy = free,                                                                   \
		__VA_ARGS__,                                                                       \
	}
#define REGISTERS                                                                                  \
	.level = VRINGER_LEVEL_MMIO, .flags = VRINGER_NO_INTERRUPT, .read = read_register,         \
	.write = write_register

HIGH(strict, "high-mmio", REGISTERS, .create = create);
HIGH(lax, "high-lax", REGISTERS, .create = create_lax);
HIGH(hidden, "high-hidden", REGISTERS, .create = create_hidden);
HIGH(activated, "high-activated", .level = VRINGER_LEVEL_ACTIVATED, .create = create,
     .activate = activate, .kick = kick, .reset = reset, .config_len = 8,
     .config_read = config_read);

VRINGER_TARGETS(&strict, &lax, &hidden, &activated);
