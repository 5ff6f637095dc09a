/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of vni_guest.ko share. */
#ifndef VNI_GUEST_H
#define VNI_GUEST_H

#include <linux/types.h>

#include "control.h"
#include "pipe.h"

/* guest_main.c: the control block */
extern struct vni_ctl *vni_guest_ctl;
int vni_guest_pipes(u32 channel, struct vni_pipe *in, struct vni_pipe *out);
void vni_guest_say(u32 state, const char *reason);
void vni_guest_busy(void);

/* guest_console.c: hvc0 */
int vni_guest_console_init(void);
void vni_guest_console_tick(void);

/* guest_port.c: /dev/vni-port */
int vni_guest_port_init(void);
bool vni_guest_port_tick(void);

/* guest_park.c: reboot, poweroff, halt, panic */
int vni_guest_park_init(void);

#endif /* VNI_GUEST_H */
