# SPDX-License-Identifier: GPL-2.0
# The benchmark; Documentation/bench.rst. `make bench ARGS="--part ring"` measures one part only.

.PHONY: bench bench-quick bench-compare bench-build

bench-build:
	@tools/deps install $(KVER) uml bench
	@$(MAKE) -s uml all >/dev/null

bench: bench-build ## measure VNI beside its rivals, write a report (about 75 minutes)
	@tools/vni-bench run $(ARGS)

bench-quick: bench-build ## the same in 5 minutes, fewer runs and sizes
	@tools/vni-bench run --quick $(ARGS)

bench-compare: ## BASE=old.json [NEW=new.json]: tell noise from change
	@tools/vni-bench compare "$(BASE)" $(NEW)
