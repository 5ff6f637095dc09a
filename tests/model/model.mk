# SPDX-License-Identifier: GPL-2.0
# Model checking of the ring's and the links' protocols, on the code itself; see README.rst.

MODEL := build/model
MODEL_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Itests/model
# Callbacks have parameters that they do not need, as in the kernel.
MODEL_KERNEL := -Wno-unused-parameter -I. -Iwindow -Itests/model/stubs \
	-include tests/model/stubs/model_kernel.h
MODEL_ROOMS := -Iinclude -Ishmem_ring
MODEL_ENGINE := $(addprefix tests/model/,engine.c search.c livelock.c)
MODEL_HDR := $(wildcard tests/model/*.h tests/model/stubs/*.h include/*.h shmem_ring/*.h window/*.h)

.PHONY: model
model: $(MODEL)/wake $(MODEL)/links ## model check the barriers and the link protocol, 4 min
	@sh tests/model/run.sh "$(MODEL)/links weak" "$(MODEL)/links loans" \
		"$(MODEL)/links interleavings strict" $(MODEL)/wake

$(MODEL)/wake: tests/model/wake.c $(MODEL_ENGINE) $(MODEL_HDR)
	@mkdir -p $(@D)
	$(CC) $(MODEL_CFLAGS) -include tests/model/plat.h $(MODEL_ROOMS) -o $@ $(filter %.c,$^)

$(MODEL)/%.o: tests/model/%.c $(MODEL_HDR)
	@mkdir -p $(@D)
	$(CC) $(MODEL_CFLAGS) -c -o $@ $<

$(MODEL)/kernel-%.o: tests/model/%.c $(MODEL_HDR)
	@mkdir -p $(@D)
	$(CC) $(MODEL_CFLAGS) $(MODEL_KERNEL) $(MODEL_ROOMS) -c -o $@ $<

$(MODEL)/window-%.o: window/%.c $(MODEL_HDR)
	@mkdir -p $(@D)
	$(CC) $(MODEL_CFLAGS) $(MODEL_KERNEL) $(MODEL_ROOMS) -c -o $@ $<

$(MODEL)/links: $(addprefix $(MODEL)/,kernel-links.o kernel-links_node.o kernel-quiet.o \
		window-links.o window-channels.o engine.o search.o livelock.o)
	$(CC) -o $@ $^
