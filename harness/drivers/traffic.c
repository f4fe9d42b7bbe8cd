/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * Bytes that a driver is to move, and whether they came back as they were.
 *
 *   traffic frames INTERFACE BYTES COUNT    Ethernet frames up to BYTES long, that the other end
 * sends back traffic lines DEVICE COUNT              lines into a terminal or a port, that the
 * other end types back traffic write FILE BYTES COUNT          such frames into a file of packets
 * (pcap), for DPDK traffic read FILE BYTES COUNT           are they all in FILE, in order?
 *
 * One line on stdout says what was moved, or what was wrong.  Exit 0: all came back, in
 * order, as it was; 1: it did not; 2: usage.  It waits 10 s for what is to come back.
 *
 * It knows nothing of this tree, and is linked statically: guests have no libraries.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define WAIT_MS 10000
/* Of the types for experiments (IEEE 802): no protocol of the kernel takes such frames. */
#define ETHERTYPE 0x88b5
#define FRAME_MIN 60u
#define FRAME_MAX 9014u
#define LINE_MAX 200u
/* Frames on their way: fewer than receive buffers, so that none is to be lost. */
#define WINDOW 16u

/* What a run moves: message `number` is `len` bytes long. */
struct traffic {
	int fd;
	unsigned count;
	uint8_t address[ETH_ALEN];
	unsigned frame_max;
	size_t sent_bytes;
};

static int fail(const char *what)
{
	perror(what);
	return 1;
}

/* Lengths in a fixed order that has all of them sooner or later, the limits first. */
static unsigned length(unsigned number, unsigned min, unsigned max)
{
	if (number < 2)
		return number == 0 ? min : max;
	return min + number * 97 % (max - min + 1);
}

static uint8_t pattern(unsigned number, unsigned at)
{
	return (uint8_t)(number * 31 + at * 7 + at / 251);
}

/* Waits for the other end. */
static int readable(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	return poll(&wait, 1, WAIT_MS) == 1 && (wait.revents & POLLIN) != 0;
}

/* Frame `number`, from the interface to itself; its length. */
static unsigned frame(const struct traffic *traffic, unsigned number, uint8_t *bytes)
{
	unsigned len = length(number, FRAME_MIN, traffic->frame_max);

	memcpy(bytes, traffic->address, ETH_ALEN);
	memcpy(bytes + ETH_ALEN, traffic->address, ETH_ALEN);
	bytes[2 * ETH_ALEN] = ETHERTYPE >> 8;
	bytes[2 * ETH_ALEN + 1] = ETHERTYPE & 0xff;
	for (unsigned at = ETH_HLEN; at < len; at++)
		bytes[at] = pattern(number, at);
	return len;
}

static bool numbers(struct traffic *traffic, const char *bytes, const char *count)
{
	*traffic = (struct traffic){ .count = (unsigned)strtoul(count, NULL, 10),
				     .address = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 },
				     .frame_max = (unsigned)strtoul(bytes, NULL, 10) };
	if (traffic->frame_max >= FRAME_MIN && traffic->frame_max <= FRAME_MAX &&
	    traffic->count > 0)
		return true;
	printf("%s frames of %s bytes: expected some, of %u to %u\n", count, bytes, FRAME_MIN,
	       FRAME_MAX);
	return false;
}

static int came_otherwise(const struct traffic *traffic, unsigned number, ssize_t got, unsigned len)
{
	printf("frame %u of %u came back otherwise: %zd bytes, sent were %u\n", number,
	       traffic->count, got, len);
	return 1;
}

static int all_came(const struct traffic *traffic)
{
	printf("%u frames of %u to %u bytes came back as they were, %zu bytes\n", traffic->count,
	       FRAME_MIN, traffic->frame_max, traffic->sent_bytes);
	return 0;
}

/* Halfway, with bytes under way, the guest has its host do something, if SNAPSHOT is set:
 * on fd 3, where guest_init.sh takes such lines. */
static void halfway(const struct traffic *traffic, unsigned number)
{
	if (number == traffic->count / 2 && getenv("SNAPSHOT") != NULL)
		dprintf(3, "host: snapshot\n");
}

static int frame_send(struct traffic *traffic, unsigned number)
{
	uint8_t bytes[FRAME_MAX];
	unsigned len = frame(traffic, number, bytes);

	halfway(traffic, number);
	traffic->sent_bytes += len;
	return send(traffic->fd, bytes, len, 0) == (ssize_t)len ? 0 : fail("send");
}

static int frame_take(const struct traffic *traffic, unsigned number)
{
	uint8_t want[FRAME_MAX], got[FRAME_MAX + 1];
	unsigned len = frame(traffic, number, want);
	ssize_t got_len;

	if (!readable(traffic->fd)) {
		printf("frame %u of %u did not come back\n", number, traffic->count);
		return 1;
	}
	got_len = recv(traffic->fd, got, sizeof(got), 0);
	if (got_len != (ssize_t)len || memcmp(got, want, len) != 0)
		return came_otherwise(traffic, number, got_len, len);
	return 0;
}

static int frames_open(struct traffic *traffic, const char *interface)
{
	struct ifreq request = { .ifr_ifindex = 0 };
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETHERTYPE),
				       .sll_ifindex = (int)if_nametoindex(interface) };

	traffic->fd = socket(AF_PACKET, SOCK_RAW, htons(ETHERTYPE));
	if (traffic->fd < 0)
		return fail("socket");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(traffic->fd, SIOCGIFHWADDR, &request) < 0)
		return fail(interface);
	memcpy(traffic->address, request.ifr_hwaddr.sa_data, ETH_ALEN);
	return bind(traffic->fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? fail("bind")
										   : 0;
}

static int frames(const char *interface, const char *bytes, const char *count)
{
	struct traffic traffic;
	unsigned sent = 0, came = 0;

	if (!numbers(&traffic, bytes, count) || frames_open(&traffic, interface) != 0)
		return 1;
	while (came < traffic.count) {
		for (; sent < traffic.count && sent - came < WINDOW; sent++)
			if (frame_send(&traffic, sent) != 0)
				return 1;
		if (frame_take(&traffic, came++) != 0)
			return 1;
	}
	return all_came(&traffic);
}

/* A file of packets, as libpcap(3) has it: one head, and one in front of each frame. */
struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, len_max, link;
};

struct pcap_frame {
	uint32_t seconds, microseconds, kept, len;
};

static const struct pcap_head pcap_head = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1 };

static int frames_write(const char *path, const char *bytes, const char *count)
{
	struct traffic traffic;
	FILE *file;
	int bad;

	if (!numbers(&traffic, bytes, count))
		return 1;
	file = fopen(path, "wb");
	if (file == NULL)
		return fail(path);
	fwrite(&pcap_head, sizeof(pcap_head), 1, file);
	for (unsigned number = 0; number < traffic.count; number++) {
		uint8_t data[FRAME_MAX];
		unsigned len = frame(&traffic, number, data);
		struct pcap_frame head = { .kept = len, .len = len };

		fwrite(&head, sizeof(head), 1, file);
		fwrite(data, len, 1, file);
	}
	bad = ferror(file);
	return fclose(file) != 0 || bad != 0 ? fail(path) : 0;
}

/* The heads of a file that DPDK wrote have other times and another limit. */
static int frame_read(struct traffic *traffic, unsigned number, FILE *file)
{
	uint8_t want[FRAME_MAX], got[FRAME_MAX];
	unsigned len = frame(traffic, number, want);
	struct pcap_frame head;

	if (fread(&head, sizeof(head), 1, file) != 1) {
		printf("%u of %u frames came back\n", number, traffic->count);
		return 1;
	}
	if (head.kept != len || head.len != len || fread(got, len, 1, file) != 1 ||
	    memcmp(got, want, len) != 0)
		return came_otherwise(traffic, number, head.len, len);
	traffic->sent_bytes += len;
	return 0;
}

/* All of them, and nothing else. */
static int frames_compare(struct traffic *traffic, FILE *file)
{
	struct pcap_head head;

	if (fread(&head, sizeof(head), 1, file) != 1 || head.link != pcap_head.link) {
		puts("not a file of Ethernet frames");
		return 1;
	}
	for (unsigned number = 0; number < traffic->count; number++)
		if (frame_read(traffic, number, file) != 0)
			return 1;
	if (fgetc(file) != EOF) {
		printf("more than %u frames came back\n", traffic->count);
		return 1;
	}
	return all_came(traffic);
}

static int frames_read(const char *path, const char *bytes, const char *count)
{
	struct traffic traffic;
	FILE *file;
	int rc;

	if (!numbers(&traffic, bytes, count))
		return 1;
	file = fopen(path, "rb");
	if (file == NULL)
		return fail(path);
	rc = frames_compare(&traffic, file);
	fclose(file);
	return rc;
}

/* Line `number`, of letters; its length. */
static unsigned line(unsigned number, uint8_t *bytes)
{
	unsigned len = length(number, 2, LINE_MAX);

	for (unsigned at = 0; at < len - 1; at++)
		bytes[at] = (uint8_t)('a' + pattern(number, at) % 26);
	bytes[len - 1] = '\n';
	return len;
}

static int line_round(struct traffic *traffic, unsigned number)
{
	uint8_t want[LINE_MAX], got[LINE_MAX];
	unsigned len = line(number, want);

	halfway(traffic, number);
	if (write(traffic->fd, want, len) != (ssize_t)len)
		return fail("write");
	for (unsigned have = 0; have < len;) {
		ssize_t more =
			readable(traffic->fd) ? read(traffic->fd, got + have, len - have) : 0;

		if (more <= 0) {
			printf("line %u: %u of %u bytes came back\n", number, have, len);
			return 1;
		}
		have += (unsigned)more;
	}
	if (memcmp(got, want, len) != 0) {
		printf("line %u: %u bytes came back, and not as they were\n", number, len);
		return 1;
	}
	traffic->sent_bytes += len;
	return 0;
}

static int lines(const char *device, const char *count)
{
	struct traffic traffic = { .fd = open(device, O_RDWR | O_NOCTTY),
				   .count = (unsigned)strtoul(count, NULL, 10) };
	struct termios mode;

	if (traffic.fd < 0)
		return fail(device);
	/* A terminal would echo what is typed, and the other end what is echoed. */
	if (tcgetattr(traffic.fd, &mode) == 0) {
		cfmakeraw(&mode);
		if (tcsetattr(traffic.fd, TCSANOW, &mode) < 0)
			return fail("tcsetattr");
	}
	for (unsigned number = 0; number < traffic.count; number++)
		if (line_round(&traffic, number) != 0)
			return 1;
	printf("%u lines came back as they were, %zu bytes\n", traffic.count, traffic.sent_bytes);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*move)(const char *path, const char *bytes, const char *count);
	} moves[] = {
		{ "frames", frames },
		{ "write", frames_write },
		{ "read", frames_read },
	};

	/* perror's lines go where the others go. */
	if (dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
		return 2;
	for (size_t i = 0; argc == 5 && i < sizeof(moves) / sizeof(moves[0]); i++)
		if (strcmp(argv[1], moves[i].name) == 0)
			return moves[i].move(argv[2], argv[3], argv[4]);
	if (argc == 4 && strcmp(argv[1], "lines") == 0)
		return lines(argv[2], argv[3]);
	puts("usage: traffic frames INTERFACE BYTES COUNT | lines DEVICE COUNT | "
	     "write|read FILE BYTES COUNT");
	return 2;
}
