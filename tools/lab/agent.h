/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of the lab's agent know of each other; agent.c has the loop. */
#ifndef LAB_AGENT_H
#define LAB_AGENT_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

#define MAX_COMMANDS 64

struct buffer {
	uint8_t *data;
	size_t len;
	size_t size;
};

/* agent.c */
int64_t now_ms(void);
void close_fd(int *fd);
void watch(struct pollfd *p, int fd, short events);

/* agent_buffer.c */
void buffer_add(struct buffer *b, const void *data, size_t len);
void buffer_drop(struct buffer *b, size_t len);

/* agent_port.c */
extern int port_rfd, port_wfd;

bool open_port(const char *path);
void close_port(void);
bool read_port(void);
bool write_port(void);
bool port_has_room(void);
bool port_has_output(void);
int64_t port_deadline(void);
void send_frame(uint8_t type, uint8_t stream, uint32_t id, const void *data, uint32_t len);
void send_ack(uint32_t id, uint8_t stream, uint32_t bytes);

/* agent_command.c */
void on_run(uint32_t id, char *payload, uint32_t len);
void on_data(uint32_t id, const uint8_t *payload, uint32_t len);
void on_ack(uint32_t id, uint8_t stream, uint32_t bytes);
void on_kill(uint32_t id);
void cancel_commands(void);
int64_t commands_deadline(void);
void watch_commands(struct pollfd *p, bool room);
void serve_commands(const struct pollfd *p);
int watch_children(void);
void reap(void);
void finish_commands(void);

/* agent_kmsg.c */
extern int kmsg_fd;
extern bool want_kmsg;

void kmsg_restart(void);
void pump_kmsg(bool all);

#endif /* LAB_AGENT_H */
