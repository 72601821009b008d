# Builds the load generator and its yardsticks in build/bench:
#
#     make -f bench/bench.mk
#
# Environment: see Makefile.

out := $(BUILD)/bench
load := $(patsubst bench/%.c,$(out)/%.o,$(wildcard bench/load*.c))

all: $(out)/load $(out)/floor $(out)/pipeline

$(out)/load: $(load)
	gcc -O2 -g -o $@ $^

$(out)/floor: $(out)/floor.o $(out)/server.o
	gcc -O2 -g -o $@ $^ -lcrypto

$(out)/pipeline: $(out)/pipeline.o $(out)/server.o
	gcc -O2 -g -o $@ $^ -lcrypto -llmdb

$(out)/%.o: bench/%.c bench/bench.mk
	@mkdir -p $(@D)
	gcc -O2 -g -std=c99 $(WARNINGS) -MMD -MP -c -o $@ $<

-include $(wildcard $(out)/*.d)
