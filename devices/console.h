/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * The console device, with two ports and the multiport control protocol: port 0
 * is the console, port 1 a channel for bulk data.
 *
 *   guest                          device                          host
 *   transmit queue of a port  -->  output, at most 1 MiB  --> console_take_output
 *                                         ^ front ------------ console_put_back
 *   receive queue of a port   <--  input, at most 1 MiB   <-- console_type
 *   control queues            <->  at most one of each message a session
 *
 * What the guest sends while output has no room stays where it is, and the
 * device is DEVICE_WAITING until the host takes some.  Output that was taken over
 * survives a reset, input that was not delivered does not.
 *
 * Not offered: VIRTIO_CONSOLE_F_SIZE and VIRTIO_CONSOLE_F_EMERG_WRITE.
 *
 * VIRTIO 1.4, 5.3 (console device).
 */
#ifndef VRINGER_DEVICES_CONSOLE_H
#define VRINGER_DEVICES_CONSOLE_H

#include <linux/virtio_console.h>

#include "device.h"

/* VIRTIO 5.3.2. */
enum console_queue {
	CONSOLE_RX0,
	CONSOLE_TX0,
	CONSOLE_CONTROL_RX, /* to the driver */
	CONSOLE_CONTROL_TX, /* to the device */
	CONSOLE_RX1,
	CONSOLE_TX1,
	CONSOLE_QUEUE_COUNT
};

#define CONSOLE_PORTS 2u
#define CONSOLE_QUEUE_SIZE_MAX 256
#define CONSOLE_PORT0_NAME "ktstr-console"
#define CONSOLE_PORT1_NAME "ktstr-bulk"

/* What one call takes over or delivers, and never more chains of a queue than that
 * has entries; the rest is left-over work. */
#define CONSOLE_CALL_BYTES_MAX (256u << 10) /* of output of one port */
#define CONSOLE_CONTROL_CHAINS_MAX 32u	    /* of each control queue */
#define CONSOLE_INPUT_CHAINS_MAX 64u	    /* of one receive queue */
#define CONSOLE_COPY_MAX (32u << 10)	    /* bytes of one access */
/* What the host keeps of one port, in each direction. */
#define CONSOLE_HELD_MAX (1u << 20)

extern const struct device_ops console_ops;

/*
 * The host's side.  `dev` is an instance of console_ops and `port` less than
 * CONSOLE_PORTS; these calls are made when the device is not in another call.
 */

/* Take up to `max` bytes of what the guest wrote to `port`, oldest first; the
 * number of bytes.  A device that waited for room has work left then. */
uint32_t console_take_output(struct device *dev, unsigned port, void *buf, uint32_t max);

/* Put bytes back in front of what is next to be taken of port 1.  0, -ENOSPC
 * where they would not fit in CONSOLE_HELD_MAX, or -ENOMEM: nothing is put back
 * then. */
int console_put_back(struct device *dev, const void *data, uint32_t len);

/* Type bytes into `port`: the number that was accepted, from the first on, which
 * is less than `len` where the port holds CONSOLE_HELD_MAX or there is no memory.
 * What the driver is ready for is delivered at once. */
uint32_t console_type(struct device *dev, unsigned port, const void *data, uint32_t len);

/* Did the driver open the port in this session? */
bool console_port_open(const struct device *dev, unsigned port);

#endif
