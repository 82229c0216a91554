/* SPDX-License-Identifier: MIT */
/*
 * Memory that is zero already is not stored to when a ring is made in it; and
 * all other memory is. Told by what is present afterwards: of files by their
 * blocks, of private memory by mincore().
 */
#include "by_name.h"

#include <sys/mman.h>
#include <sys/stat.h>

enum { LARGE = 64 << 20, LITTLE = 256 << 10 };

static IpcOpenOptions large_with(uint32_t flags)
{
    IpcOpenOptions options = options_with(flags);

    options.size = LARGE;
    return options;
}

/* Bytes of memory that the segment of that name takes. */
static uint64_t taken(const char *of)
{
    struct stat file;
    int fd = shm_open(of, O_RDONLY, 0);

    must(fd >= 0 && fstat(fd, &file) == 0);
    close(fd);
    return (uint64_t)file.st_blocks * 512;
}

static uint64_t present(void *memory, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (size + page - 1) / page;
    unsigned char *in = malloc(pages);
    uint64_t found = 0;

    must(in != NULL && mincore(memory, size, in) == 0);
    for (size_t i = 0; i < pages; i++)
        found += in[i] & 1 ? page : 0;
    free(in);
    return found;
}

static void *fresh(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    must(memory != MAP_FAILED);
    return memory;
}

static IpcChannelConfiguration zeroed(uint32_t more)
{
    IpcChannelConfiguration c = {.flags = IPC_BUFFER_ZEROED | more};

    return c;
}

Test(open, a_sparse_channel_takes_memory_only_as_it_is_used)
{
    IpcOpenOptions options = large_with(IPC_OPEN_SPARSE);
    IpcChannel *first = result_of(ipc_channel_open(name, &options));
    IpcChannel *second = result_of(ipc_channel_open(name, NULL));

    must(taken(name) < LITTLE);
    must(ipc_channel_max_entry_size(first) >= LARGE);
    must_pass(first, second, 1);
    must_pass(second, first, 2);
    must(taken(name) < LITTLE);
    must_work(ipc_channel_destroy(first));
    must_work(ipc_channel_destroy(second));
}

Test(open, what_is_opened_without_that_flag_has_all_its_pages)
{
    IpcOpenOptions options = large_with(0);

    open_and_leave(name, &options);
    must(taken(name) >= LARGE);
}

Test(open, a_sparse_file_with_a_path_and_a_memfd_are_channels_too)
{
    IpcOpenOptions options = large_with(IPC_OPEN_SPARSE | IPC_OPEN_PATH);
    IpcOpenOptions memfd = large_with(IPC_OPEN_SPARSE | IPC_OPEN_MEMFD);
    IpcChannel *ch = result_of(ipc_channel_open(path, &options));

    must_pass(ch, ch, 1);
    must_work(ipc_channel_destroy(ch));
    ch = result_of(ipc_channel_open("nameless", &memfd));
    must_pass(ch, ch, 2);
    must_work(ipc_channel_destroy(ch));
}

Test(open, a_sparse_segment_takes_memory_only_as_it_is_used)
{
    IpcMmapOptions options = {.struct_size = sizeof options,
                              .flags = IPC_MMAP_SPARSE};
    IpcMemorySegment *s =
        result_of(ipc_mmap_with_options(name, LARGE, &options));
    IpcChannel *ch;

    must(s->size == LARGE && taken(name) == 0);
    /* The kernel is asked: nobody has said that it is zero. */
    ch = result_of(ipc_channel_create(s->memory, (size_t)s->size,
                                      (IpcChannelConfiguration){0}));
    must(taken(name) < LITTLE);
    must_pass(ch, ch, 1);
    must_work(ipc_channel_destroy(ch));
    must_work(ipc_unlink(s));
}

Test(open, a_segment_in_which_something_was_is_cleared)
{
    IpcMmapOptions options = {.struct_size = sizeof options,
                              .flags = IPC_MMAP_SPARSE};
    IpcMemorySegment *s =
        result_of(ipc_mmap_with_options(name, LARGE, &options));
    IpcBuffer *b;

    /* One byte, far behind the header. */
    ((volatile unsigned char *)s->memory)[2 << 20] = 1;
    b = result_of(ipc_buffer_create(s->memory, (size_t)s->size));
    must(((volatile unsigned char *)s->memory)[2 << 20] == 0);
    must(taken(name) > 4 << 20);
    must_work(ipc_buffer_destroy(b));
    must_work(ipc_unlink(s));
}

Test(open, memory_that_is_said_to_be_zero_is_not_touched)
{
    IpcBufferOptions options = {.struct_size = sizeof options,
                                .flags = IPC_BUFFER_ZEROED};
    void *memory = fresh(LARGE);
    IpcChannel *ch;
    IpcBuffer *b;

    ch = result_of(ipc_channel_create(memory, LARGE, zeroed(0)));
    must(present(memory, LARGE) < LITTLE);
    must_pass(ch, ch, 1);
    must_work(ipc_channel_destroy(ch));
    must(munmap(memory, LARGE) == 0);
    memory = fresh(LARGE);
    b = result_of(ipc_buffer_create_with_options(memory, LARGE, &options));
    must(present(memory, LARGE) < LITTLE);
    must_write(b, 100, 1);
    must_read(b, 100, 1);
    must_work(ipc_buffer_destroy(b));
    must(munmap(memory, LARGE) == 0);
}

Test(open, memory_of_which_nothing_is_said_is_cleared)
{
    void *memory = fresh(LARGE);
    IpcBuffer *b = result_of(ipc_buffer_create(memory, LARGE));

    must(present(memory, LARGE) > 4 << 20);
    must_work(ipc_buffer_destroy(b));
    must(munmap(memory, LARGE) == 0);
}

/* Holders' words as well as control words. */
Test(open, rings_of_all_modes_work_in_untouched_memory)
{
    static const uint32_t modes[] = {
        0, IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER,
        IPC_BUFFER_TAPS | IPC_BUFFER_ONE_PRODUCER, IPC_BUFFER_KNOWS_CONSUMERS};

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        void *memory = fresh(LITTLE);
        IpcChannel *ch =
            result_of(ipc_channel_create(memory, LITTLE, zeroed(modes[i])));

        /* Some laps. */
        for (unsigned n = 0; n < 20000; n++)
            must_pass(ch, ch, (int)n);
        must_work(ipc_channel_destroy(ch));
        must(munmap(memory, LITTLE) == 0);
    }
}

Test(open, a_false_promise_about_a_ring_that_is_there_is_noticed)
{
    const size_t words = 320 + 8 * 64; /* where they begin with 8 owners */
    void *memory = fresh(LITTLE);
    IpcChannel *ch = result_of(ipc_channel_create(
        memory, LITTLE, (IpcChannelConfiguration){.max_owners = 8}));
    IpcChannelConfiguration again = zeroed(IPC_BUFFER_RECREATE);

    again.max_owners = 8;
    must_work(ipc_channel_write(ch, "old", 4));
    must_work(ipc_channel_destroy(ch));
    must(!is_all((unsigned char *)memory + words, 8, 0));
    ch = result_of(ipc_channel_create(memory, LITTLE, again));
    must(is_all((unsigned char *)memory + words, 8, 0));
    must_work(ipc_channel_destroy(ch));
    must(munmap(memory, LITTLE) == 0);
}
