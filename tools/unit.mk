# Builds the folders that are free of nginx, their unit tests and fuzz targets,
# without any include path of nginx:
#
#     make -f tools/unit.mk KIND=asan|tsan|cover|fuzz
#
# in build/unit-KIND.  Environment: see Makefile.

out := $(BUILD)/unit-$(KIND)
lib := $(wildcard ws/*.c token/*.c store/*.c)

cc := gcc
dir := t/unit
libs := -lcmocka -lyajl -llmdb -lz -lpthread

asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer

# null-dereference misfires in code that the sanitizers have changed
ifeq ($(KIND),asan)
flags := -O1 $(asan) -Wno-null-dereference
else ifeq ($(KIND),tsan)
flags := -O1 -fsanitize=thread -fno-omit-frame-pointer -Wno-null-dereference
else ifeq ($(KIND),cover)
flags := -O0 --coverage -fprofile-update=atomic
else ifeq ($(KIND),fuzz)
cc := clang
dir := t/fuzz
flags := -O1 $(asan) -fsanitize=fuzzer-no-link
link := -fsanitize=fuzzer
libs := -lyajl -llmdb -lz -lpthread
else
$(error KIND is asan, tsan, cover or fuzz)
endif

comma := ,
tests := $(patsubst $(dir)/%.c,$(out)/%,$(wildcard $(dir)/*.c))
objects := $(lib:%.c=$(out)/%.o)

all: $(tests)

.SECONDARY:

# the calls in whose place a test puts its own
wrapped = $(patsubst %,-Wl$(comma)--wrap=%,$(shell sed -nE \
	's/^wrap.[^,]*, (\w+),.*/\1/p; s/^__wrap_((mdb|pthread)\w+).*/\1/p' \
	$(dir)/$*.c))

$(out)/%: $(out)/$(dir)/%.o $(objects)
	$(cc) $(flags) $(link) $(wrapped) -o $@ $^ $(libs)

$(out)/%.o: %.c tools/unit.mk
	@mkdir -p $(@D)
	$(cc) -g $(flags) $(STRICT) $(WARNINGS) -I. -MMD -MP -c -o $@ $<

-include $(objects:.o=.d) $(tests:$(out)/%=$(out)/$(dir)/%.d)
