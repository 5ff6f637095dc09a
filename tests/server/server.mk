# SPDX-License-Identifier: GPL-2.0
# Tests of ivshmem-server, as a process, built with sanitizers.

$(UNIT)/ivshmem-server: $(wildcard tools/ivshmem-server/*.[ch])
	@mkdir -p $(@D)
	$(CC) $(UNIT_CFLAGS) $(UNIT_ASAN) -o $@ $(filter %.c,$^)

.PHONY: server
server: $(UNIT)/ivshmem-server ## tests of ivshmem-server
	@tests/server/run
