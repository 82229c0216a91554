/* SPDX-License-Identifier: MIT */
/*
 * What happens when a handle is used for the first time, and when it is made
 * while the memory changes.
 */
#include "channels.h"
#include <pthread.h>
#include <sys/ptrace.h>

enum { BLOCKS = 8, ONE_PRODUCER = 1, ONE_CONSUMER = 2 };

/* Who had the role before may have promised fences to sleepers. */
Test(unit, a_new_holder_of_a_role_has_promised_nothing)
{
    for (uint32_t mode = 1; mode < ALL_MODES; mode++) {
        struct shm_region *region;
        IpcBuffer *b = new_ring(BLOCKS, mode, &region);
        const uint32_t readers = mode & ONE_PRODUCER ? 0 : 1;
        const uint32_t writers = mode & ONE_CONSUMER ? 0 : 1;

        for (int heir = 0; heir < 2; heir++) {
            atomic_put_relaxed(&region->readers.fenced, 1);
            atomic_put_relaxed(&region->writers.fenced, 1);
            must_write(b, 10, 1);
            must(atomic_get_relaxed(&region->readers.fenced) == readers);
            must(atomic_get_relaxed(&region->writers.fenced) == 1);
            must_read(b, 10, 1);
            must(atomic_get_relaxed(&region->writers.fenced) == writers);
            must_work(ipc_buffer_destroy(b));
            b = attach_to(region);
        }
    }
}

struct beginners {
    IpcBuffer *buffer;
    pthread_barrier_t start;
};

static void *write_first(void *of)
{
    struct beginners *beginners = of;

    pthread_barrier_wait(&beginners->start);
    must_write(beginners->buffer, 10, 1);
    return NULL;
}

/* The model checker tries every way in which they can meet; here are real
 * threads. */
Test(unit, threads_that_write_first_at_once_are_one_owner, .timeout = 60)
{
    enum { THREADS = 4, ROUNDS = 500 };

    for (int round = 0; round < ROUNDS; round++) {
        struct shm_region *region;
        struct beginners beginners = {.buffer = new_ring(BLOCKS, 0, &region)};
        pthread_t threads[THREADS];

        pthread_barrier_init(&beginners.start, NULL, THREADS);
        for (int i = 0; i < THREADS; i++)
            must(pthread_create(&threads[i], NULL, write_first, &beginners) ==
                 0);
        for (int i = 0; i < THREADS; i++)
            must(pthread_join(threads[i], NULL) == 0);
        pthread_barrier_destroy(&beginners.start);
        must(stats_of(beginners.buffer).owners == 1);
        must((atomic_get_relaxed(&region->owners[0].handles) & 0x3ffff) == 1);
        must_work(ipc_buffer_destroy(beginners.buffer));
        must(stats_of(attach_to(region)).owners == 0);
        must(munmap(region, ring_size(BLOCKS, 8)) == 0);
    }
}

/* ------------------------------------------------------- changing memory */

/* create dies when it comes to the second page, which it may not write. */
Test(unit, a_region_whose_creator_died_is_initializing_even_if_it_was_one)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint32_t owners = (uint32_t)(page / sizeof(struct shm_owner));
    unsigned char *memory = shared_memory(ring_size(BLOCKS, owners));
    int status;
    pid_t child;

    make_ring(memory, BLOCKS, owners, 0);
    attach_to(memory);
    child = fork_child();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        must(mprotect(memory + page, page, PROT_READ) == 0);
        make_ring(memory, BLOCKS, owners, 0);
        child_done();
    }
    must(waitpid(child, &status, 0) == child);
    must(!WIFEXITED(status) || SANITIZED);
    must_fail(ipc_buffer_attach(memory), IPC_ERR_INITIALIZING);
    make_ring(memory, BLOCKS, owners, 0);
    attach_to(memory);
}

/* Attaches; what it accepts, it must use. Its parent goes through it step by
 * step. */
__attribute__((noreturn)) static void attach_step_by_step(void *region)
{
    IpcBufferAttachResult r;

    must_work(ipc_buffer_destroy(attach_to(region))); /* nothing is new */
    must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    raise(SIGSTOP);
    r = ipc_buffer_attach(region);
    if (r.ipc_status == IPC_OK)
        must(stats_of(r.result).capacity == BLOCKS * 64);
    else
        must_fail(r, IPC_ERR_CORRUPTED);
    child_done();
}

/* Changes the header before each of the child's instructions whose number has
 * another value in that bit than the one before. Of any two instructions there
 * is a bit in which they differ. */
static void attach_while_changing(struct shm_region *region, int bit,
                                  uint32_t first)
{
    volatile uint32_t *block_count = &region->identity.block_count;
    int status;
    pid_t child;

    *block_count = BLOCKS;
    child = fork_child();
    if (child == 0)
        attach_step_by_step(region);
    must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
    for (int step = 0; WIFSTOPPED(status); step++) {
        *block_count = BLOCKS - (((uint32_t)step >> bit ^ first) & 1);
        must(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) == 0);
        must(waitpid(child, &status, 0) == child);
    }
    must(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static bool can_trace(void)
{
    int status;
    pid_t child = fork_child();

    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0);
    return waitpid(child, &status, 0) == child && status == 0 && !SANITIZED;
}

/* Whoever scribbles over what was just judged. */
Test(unit, a_header_that_changes_while_it_is_judged_is_used_as_it_was_judged,
     .timeout = 60)
{
    struct shm_region *region;

    if (!can_trace())
        cr_skip_test("no ptrace, or far too many instructions");
    new_ring(BLOCKS, 0, &region);
    for (int bit = 0; bit < 12; bit++)
        for (uint32_t first = 0; first < 2; first++)
            attach_while_changing(region, bit, first);
}

Test(unit, a_mapping_of_the_whole_region_is_enough_and_of_a_byte_less_is_not)
{
    for (uint32_t blocks = 1; blocks < 20; blocks++)
        for (size_t shift = 0; shift < 64; shift += 9) {
            size_t size = ring_size(blocks, 3) + (64 - shift) % 64;
            unsigned char *memory = shared_memory(size + 64);
            IpcBufferOptions options = {.struct_size = sizeof options,
                                        .max_owners = 3};
            IpcBufferAttachResult r;

            memory += shift;
            must_work(ipc_buffer_create_with_options(memory, size, &options));
            r = ipc_buffer_attach_sized(memory, size - 1);
            must_fail(r, IPC_ERR_TRUNCATED);
            must(r.error.body.min_size == size);
            must_work(ipc_buffer_attach_sized(memory, size));
        }
}
