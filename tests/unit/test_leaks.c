/* SPDX-License-Identifier: MIT */
/*
 * What a call takes from malloc and does not hand out, it gives back. The
 * linker sends every call of malloc and the others in this program, into which
 * the library is linked, here (see meson.build).
 */
#include "../own_name.h"
#include "channels.h"

/* Volatile, since compilers know what malloc and free do not change. */
static volatile long in_use;             /* pieces of memory */
static void (*volatile at_malloc)(void); /* happens before the next malloc */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
void __wrap_free(void *memory);

void *__wrap_malloc(size_t size)
{
    void (*happens)(void) = at_malloc;

    at_malloc = NULL;
    if (happens)
        happens();
    in_use++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    in_use++;
    return __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    in_use++;
    return __real_strdup(text);
}

void __wrap_free(void *memory)
{
    in_use -= memory != NULL;
    __real_free(memory);
}

enum { BLOCKS = 8, SIZE = 4096 };

Test(unit, a_handle_that_is_not_made_leaves_no_memory_behind)
{
    void *blank = shared_memory(SIZE);
    long before = in_use;

    must_fail(ipc_buffer_create(blank, 100), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_create(NULL, SIZE), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_buffer_attach(blank), IPC_ERR_NOT_FORMATTED);
    must_fail(ipc_buffer_attach_sized(blank, 0), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_create(blank, 100, quick), IPC_ERR_INVALID_ARGUMENT);
    must_fail(ipc_channel_connect(blank, quick), IPC_ERR_NOT_FORMATTED);
    must_fail(ipc_channel_connect_sized(blank, 0, quick),
              IPC_ERR_INVALID_ARGUMENT);
    must(in_use == before);
}

Test(unit, a_handle_gives_back_all_that_it_took)
{
    void *memory = shared_memory(SIZE);
    long before = in_use;
    IpcBuffer *b = ipc_buffer_create(memory, SIZE).result;
    IpcBuffer *other = attach_to(memory);
    IpcChannel *ch;

    must_write(b, 100, 1);
    must_read(other, 100, 1);
    must(in_use == before + 2);
    must_work(ipc_buffer_destroy(b));
    must(in_use == before + 1);
    must_work(ipc_buffer_destroy(other));
    must(in_use == before);
    /* Not by io_uring, whose library is not in this program: what that takes
     * and we give back is not counted. */
    for (uint32_t wait = 0; wait < IPC_WAIT_IO_URING; wait++) {
        IpcChannelConfiguration configuration = quick;
        IpcChannelResult r;

        configuration.wait = wait;
        r = ipc_channel_create(memory, SIZE, configuration);
        if (r.ipc_status != IPC_OK) /* a way that is not there */
            continue;
        ch = r.result;
        must_send(ch, 100, 1);
        must_receive(ch, 100, 1);
        must_work(ipc_channel_destroy(ch));
        must_say(in_use == before, "%ld pieces left by way %u", in_use - before,
                 wait);
    }
}

Test(unit, a_segment_gives_back_all_that_it_took)
{
    char name[OWN_NAME_ROOM];
    long before = in_use;
    IpcMemorySegmentResult mapped, again;

    own_name(name, "leaks");
    mapped = ipc_mmap(name, SIZE);
    again = ipc_mmap(name, SIZE);
    must_work(mapped);
    must_work(again);
    must_work(ipc_unmap(again.result));
    must_work(ipc_unlink(mapped.result));
    must(in_use == before);
    must_fail(ipc_mmap("", SIZE), IPC_ERR_INVALID_ARGUMENT);
    must(in_use == before);
}

/* ------------------------------------------ reads into memory from malloc */

static IpcChannel *channel;
static IpcChannel *other_reader;

static void other_reads(void)
{
    IpcEntry entry;

    must_work(ipc_channel_try_read(other_reader, &entry));
    free(entry.payload);
}

static void other_reads_and_more_comes(void)
{
    other_reads();
    must_send(other_reader, 200, 2);
}

static void other_reads_and_less_comes(void)
{
    other_reads();
    must_send(other_reader, 10, 2);
}

static void make_readers(void)
{
    void *memory;

    channel = new_channel(BLOCKS, 0, &memory);
    other_reader = ipc_channel_connect(memory, quick).result;
    must(other_reader != NULL);
}

/* The entry is gone when there is memory for it. */
Test(unit, a_read_that_came_too_late_leaves_no_memory_behind)
{
    IpcEntry entry;
    long before;

    make_readers();
    must_send(channel, 100, 1);
    before = in_use;
    at_malloc = other_reads;
    must_be(ipc_channel_try_read(channel, &entry).ipc_status, IPC_EMPTY);
    must(at_malloc == NULL); /* it happened */
    must(in_use == before);
}

Test(unit, a_read_that_came_too_late_for_one_entry_gets_the_next)
{
    void (*const happens[])(void) = {other_reads_and_more_comes,
                                     other_reads_and_less_comes};
    const size_t sizes[] = {200, 10};

    for (int i = 0; i < 2; i++) {
        IpcEntry entry;
        long before;

        make_readers();
        must_send(channel, 100, 1);
        before = in_use;
        at_malloc = happens[i];
        must_work(ipc_channel_try_read(channel, &entry));
        must(in_use == before + 1);
        must_be_entry(&entry, sizes[i], 2);
        must(in_use == before);
    }
}
