# Builds the load generator and its yardsticks in build/bench:
#
#     make -f bench/bench.mk
#
# Environment: see Makefile.

out := $(BUILD)/bench
flags := -O2 -g -std=c99 $(WARNINGS) -I. -MMD -MP
load := $(patsubst bench/%.c,$(out)/%.o,$(wildcard bench/load*.c))

lib := $(patsubst %.c,$(out)/%.o,$(wildcard ws/*.c token/*.c))

all: $(out)/load $(out)/floor $(out)/pipeline $(out)/ballast $(out)/hot

$(out)/load: $(load)
	gcc -O2 -g -o $@ $^ -lssl -lcrypto

$(out)/floor: $(out)/floor.o $(out)/server.o
	gcc -O2 -g -o $@ $^ -lcrypto

$(out)/pipeline: $(out)/pipeline.o $(out)/server.o
	gcc -O2 -g -o $@ $^ -lcrypto -llmdb

$(out)/ballast: $(out)/ballast.o
	gcc -O2 -g -o $@ $^ -llmdb

$(out)/hot: $(out)/hot.o $(lib)
	gcc -O2 -g -o $@ $^ -lyajl -lz

$(out)/%.o: bench/%.c bench/bench.mk
	@mkdir -p $(@D)
	gcc $(flags) -c -o $@ $<

$(lib): $(out)/%.o: %.c bench/bench.mk
	@mkdir -p $(@D)
	gcc $(flags) -c -o $@ $<

-include $(wildcard $(out)/*.d $(out)/*/*.d)
