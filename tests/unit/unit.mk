# SPDX-License-Identifier: GPL-2.0
# Unit tests of ring, slip, records, offset manager, learned addresses and ivshmem's registers, in
# user space. Needs libcmocka-dev.

UNIT := build/unit
UNIT_CFLAGS := -std=gnu11 -g -Wall -Wextra -Werror -Iinclude -Ishmem_ring -Ioffset_mgr
UNIT_ASAN := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
# gcc warns that it does not follow fences; what crosses by acquire and release it does follow
UNIT_TSAN := -O1 -fsanitize=thread -Wno-tsan
UNIT_HDR := $(wildcard include/*.h shmem_ring/*.h offset_mgr/*.h vni/fdb.h tests/unit/*.h)
UNIT_TRAFFIC := tests/unit/traffic.c offset_mgr/vni_offset_mgr.c
UNIT_TESTS := $(addprefix $(UNIT)/,ring slip rec omgr fdb pair pair-fast threads ivshmem_v2 \
		claim)

.PHONY: unit
unit: $(UNIT_TESTS) ## unit tests, under the address and the thread sanitizer
	@sh tests/unit/run.sh $(UNIT_TESTS)

$(addprefix $(UNIT)/,ring slip rec omgr): $(UNIT)/%: tests/unit/%.c offset_mgr/vni_offset_mgr.c \
		$(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_ASAN) -o $@ $(filter %.c,$^) -lcmocka

$(UNIT)/fdb: tests/unit/fdb.c vni/fdb.c $(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_ASAN) -Ivni -o $@ $(filter %.c,$^) -lcmocka

$(UNIT)/pair: tests/unit/pair.c $(UNIT_TRAFFIC) $(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_ASAN) -o $@ $(filter %.c,$^) -lcmocka

# The same without a sanitizer: another timing, and millions of records.
$(UNIT)/pair-fast: tests/unit/pair.c $(UNIT_TRAFFIC) $(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -O2 -DRECORDS=1000000 -o $@ $(filter %.c,$^) -lcmocka

$(UNIT)/threads: tests/unit/threads.c $(UNIT_TRAFFIC) $(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_TSAN) -o $@ $(filter %.c,$^) -lcmocka -lpthread

$(UNIT)/ivshmem_v2: tests/unit/ivshmem_v2.c window/ivshmem_v2.c window/ivshmem_v2.h $(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_ASAN) -Iwindow -o $@ $(filter %.c,$^) -lcmocka

# With stubs of the kernel: the models' of <linux/...>, and a header behind them that is its own.
$(UNIT)/claim: tests/unit/claim.c window/claim.c window/window.h $(wildcard tests/unit/stubs/*.h) \
		$(UNIT_HDR)
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) -O2 -Itests/unit/stubs -Itests/model/stubs -include model_kernel.h \
		-I. -Iwindow -o $@ $(filter %.c,$^) -lcmocka -lpthread
