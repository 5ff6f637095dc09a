// SPDX-License-Identifier: GPL-2.0
/* The kernel's log, record by record, for the host. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

int kmsg_fd = -1;
bool want_kmsg;

/* A new session gets the log from its beginning. */
void kmsg_restart(void)
{
	close_fd(&kmsg_fd);
	if (want_kmsg)
		kmsg_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

/* Send kernel log records until there are none, or (unless @all) enough waits to go out. */
void pump_kmsg(bool all)
{
	static const char lost[] = "0,0,0,-;LOST kernel log records were overwritten unread\n";
	static char batch[FRAME_CHUNK];
	size_t have = 0;
	ssize_t n;

	while (kmsg_fd >= 0 && (all || port_has_room())) {
		if (have > sizeof(batch) - 8192 - sizeof(lost)) {
			send_frame(FRAME_LOG, 0, 0, batch, (uint32_t)have);
			have = 0;
		}
		n = read(kmsg_fd, batch + have, 8192);
		if (n > 0) {
			have += (size_t)n;
			batch[have++] = '\0';
		} else if (n < 0 && errno == EPIPE) {
			memcpy(batch + have, lost, sizeof(lost));
			have += sizeof(lost);
		} else if (n == 0 || errno != EINTR) {
			break;
		}
	}
	if (have)
		send_frame(FRAME_LOG, 0, 0, batch, (uint32_t)have);
}
