// SPDX-License-Identifier: GPL-2.0
/* The byte stream to the host: frames on their way out, frames that come in. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "agent.h"

#define OUT_LIMIT (512u * 1024) /* no new output is read while this much waits to go out */
#define STALL_MS 1000		/* half a frame for so long: look for a new HELLO in it */

int port_rfd = -1, port_wfd = -1;
static struct buffer port_in, port_out;
static int64_t port_in_since; /* when port_in last grew */

bool port_has_room(void)
{
	return port_out.len < OUT_LIMIT;
}

bool port_has_output(void)
{
	return port_out.len;
}

void send_frame(uint8_t type, uint8_t stream, uint32_t id, const void *data, uint32_t len)
{
	struct frame_header h = {
		.magic = FRAME_MAGIC,
		.type = type,
		.stream = stream,
		.id = id,
		.length = len,
	};

	h.check = frame_check(&h);
	buffer_add(&port_out, &h, sizeof(h));
	if (len)
		buffer_add(&port_out, data, len);
}

void send_ack(uint32_t id, uint8_t stream, uint32_t bytes)
{
	send_frame(FRAME_ACK, stream, id, &bytes, sizeof(bytes));
}

static void on_hello(const uint8_t *nonce)
{
	uint8_t reply[512];
	char boot_id[64] = "";
	struct utsname uts;
	int fd, n;

	cancel_commands();
	port_out.len = 0;
	kmsg_restart();

	fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, boot_id, 36) != 36)
			boot_id[0] = '\0';
		close(fd);
	}
	uname(&uts);
	memcpy(reply, nonce, NONCE_SIZE);
	n = snprintf((char *)reply + NONCE_SIZE, sizeof(reply) - NONCE_SIZE,
		     "release=%s\nboot_id=%s\npid=%d\n", uts.release, boot_id, (int)getpid());
	send_frame(FRAME_WELCOME, 0, 0, reply, (uint32_t)(NONCE_SIZE + n));
}

static void on_frame(const struct frame_header *h, uint8_t *payload)
{
	uint32_t bytes;

	switch (h->type) {
	case FRAME_HELLO:
		if (h->length == NONCE_SIZE)
			on_hello(payload);
		break;
	case FRAME_RUN:
		on_run(h->id, (char *)payload, h->length);
		break;
	case FRAME_DATA:
		on_data(h->id, payload, h->length);
		break;
	case FRAME_ACK:
		if (h->length == sizeof(bytes)) {
			memcpy(&bytes, payload, sizeof(bytes));
			on_ack(h->id, h->stream, bytes);
		}
		break;
	case FRAME_KILL:
		on_kill(h->id);
		break;
	case FRAME_SYNC:
		pump_kmsg(true);
		send_frame(FRAME_SYNC, 0, h->id, NULL, 0);
		break;
	default:
		break;
	}
}

static bool header_at(size_t at, struct frame_header *h)
{
	if (at + sizeof(*h) > port_in.len)
		return false;
	memcpy(h, port_in.data + at, sizeof(*h));
	return h->magic == FRAME_MAGIC && h->length <= FRAME_MAX && h->check == frame_check(h);
}

/* A host that went away in mid-frame and came back: skip to its HELLO, if there is one. */
static void skip_to_hello(void)
{
	struct frame_header h;

	for (size_t at = 1; at + sizeof(h) + NONCE_SIZE <= port_in.len; at++) {
		if (header_at(at, &h) && h.type == FRAME_HELLO) {
			buffer_drop(&port_in, at);
			return;
		}
	}
}

static void parse_port(void)
{
	struct frame_header h;
	size_t at = 0;

	while (at + sizeof(h) <= port_in.len) {
		if (!header_at(at, &h)) {
			at++;
			continue;
		}
		if (at + sizeof(h) + h.length > port_in.len)
			break;
		on_frame(&h, port_in.data + at + sizeof(h));
		at += sizeof(h) + h.length;
	}
	buffer_drop(&port_in, at);
}

/* A frame has begun and does not go on: look for another session's. Returns ms until then. */
int64_t port_deadline(void)
{
	int64_t now = now_ms();

	if (!port_in.len)
		return INT64_MAX;
	if (now - port_in_since >= STALL_MS) {
		skip_to_hello();
		parse_port();
		port_in_since = now;
	}
	return STALL_MS;
}

bool read_port(void)
{
	uint8_t chunk[FRAME_CHUNK];
	ssize_t n = read(port_rfd, chunk, sizeof(chunk));

	if (n > 0) {
		buffer_add(&port_in, chunk, (size_t)n);
		port_in_since = now_ms();
		parse_port();
		return true;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

bool write_port(void)
{
	ssize_t n = write(port_wfd, port_out.data, port_out.len);

	if (n > 0)
		buffer_drop(&port_out, (size_t)n);
	return n >= 0 || errno == EAGAIN || errno == EINTR;
}

/* A serial line carries bytes, not lines that somebody types. */
static void make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode))
		return;
	cfmakeraw(&mode);
	tcsetattr(fd, TCSANOW, &mode);
}

bool open_port(const char *path)
{
	if (!strcmp(path, "-")) {
		port_rfd = 0;
		port_wfd = 1;
	} else {
		port_rfd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		port_wfd = port_rfd;
		make_raw(port_rfd);
	}
	if (port_rfd >= 0) {
		fcntl(port_rfd, F_SETFL, fcntl(port_rfd, F_GETFL) | O_NONBLOCK);
		fcntl(port_wfd, F_SETFL, fcntl(port_wfd, F_GETFL) | O_NONBLOCK);
	}
	return port_rfd >= 0;
}

/* No host at the other end now. */
void close_port(void)
{
	close(port_rfd);
	port_rfd = -1;
	port_in.len = 0;
}
