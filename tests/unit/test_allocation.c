/* SPDX-License-Identifier: MIT */
/*
 * Failing allocations. The linker sends every call of malloc and the others in
 * this program, into which the library is linked, here (see meson.build).
 */
#include "../own_name.h"
#include "channels.h"
#include <fcntl.h>

static bool out_of_memory;
static bool out_of_strings;
static bool out_of_mappings;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
void *__real_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset);
void *__real_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset);
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset);

void *__wrap_malloc(size_t size)
{
    errno = ENOMEM;
    return out_of_memory ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    errno = ENOMEM;
    return out_of_memory ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
    errno = ENOMEM;
    return out_of_strings ? NULL : __real_strdup(text);
}

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd,
                  off_t offset)
{
    errno = ENOMEM;
    return out_of_mappings
               ? MAP_FAILED
               : __real_mmap(at, size, protection, flags, fd, offset);
}

/* Its name where off_t is asked to have 64 bits. */
void *__wrap_mmap64(void *at, size_t size, int protection, int flags, int fd,
                    off_t offset)
{
    errno = ENOMEM;
    return out_of_mappings
               ? MAP_FAILED
               : __real_mmap64(at, size, protection, flags, fd, offset);
}

enum { SIZE = 4096 };

Test(unit, no_memory_for_a_handle_is_told_and_changes_nothing)
{
    unsigned char *blank = shared_memory(SIZE);
    unsigned char *good = shared_memory(SIZE);
    unsigned char copy[SIZE];
    const IpcStatus allocation = IPC_ERR_ALLOCATION;

    must_work(ipc_buffer_create(good, SIZE));
    memcpy(copy, good, SIZE);
    memset(blank, 0x5a, SIZE);
    out_of_memory = true;
    must_fail(ipc_buffer_create(blank, SIZE), allocation);
    must_fail(ipc_buffer_create_with_options(blank, SIZE, NULL), allocation);
    must_fail(ipc_channel_create(blank, SIZE, quick), allocation);
    must_fail(ipc_buffer_attach(good), allocation);
    must_fail(ipc_buffer_attach_sized(good, SIZE), allocation);
    must_fail(ipc_channel_connect(good, quick), allocation);
    must_fail(ipc_channel_connect_sized(good, SIZE, quick), allocation);
    out_of_memory = false;
    must(is_all(blank, SIZE, 0x5a));
    must(memcmp(copy, good, SIZE) == 0);
    must_work(ipc_buffer_create(blank, SIZE));
    must_work(ipc_buffer_attach(good));
}

/* The library's first call in this process needs a page of its own. */
Test(unit, no_page_for_the_process_is_told_and_can_be_had_later)
{
    unsigned char *memory = shared_memory(SIZE);

    memset(memory, 0x5a, SIZE);
    out_of_mappings = true;
    must_fail(ipc_buffer_create(memory, SIZE), IPC_ERR_ALLOCATION);
    must_fail(ipc_channel_create(memory, SIZE, quick), IPC_ERR_ALLOCATION);
    must_fail(ipc_buffer_attach(memory), IPC_ERR_ALLOCATION);
    out_of_mappings = false;
    must(is_all(memory, SIZE, 0x5a));
    must_work(ipc_buffer_create(memory, SIZE));
}

Test(unit, an_entry_for_whose_copy_there_is_no_memory_stays)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(8, mode, NULL);
        IpcEntry entry;
        const IpcStatus allocation = IPC_ERR_ALLOCATION;

        must_send(ch, 100, 1);
        must_send(ch, 50, 2);
        memset(&entry, 0x5a, sizeof entry);
        out_of_memory = true;
        must_fail(ipc_channel_read(ch, &entry), allocation);
        must_fail(ipc_channel_try_read(ch, &entry), allocation);
        must_fail(ipc_channel_read_with_timeout(ch, &entry, NULL), allocation);
        must(entry.payload == NULL);
        out_of_memory = false;
        must_receive(ch, 100, 1);
        must_receive(ch, 50, 2);
    }
}

Test(unit, what_does_not_allocate_works_without_memory)
{
    for (uint32_t mode = 0; mode < ALL_MODES; mode++) {
        IpcChannel *ch = new_channel(8, mode, NULL);
        unsigned char data[100];
        IpcEntry entry = {.payload = data, .size = sizeof data};
        IpcBufferStats stats = {.struct_size = sizeof stats};
        IpcOwner owner = {.struct_size = sizeof owner};
        IpcReservation r;

        out_of_memory = out_of_strings = out_of_mappings = true;
        must_send(ch, 100, 1);
        must_work(ipc_channel_read_into(ch, &entry));
        must(is_filled(data, 100, 1));
        must_work(ipc_channel_reserve(ch, 80, &r));
        must_work(ipc_channel_commit(ch, &r, 70));
        must_work(ipc_channel_peek(ch, &entry));
        must_work(ipc_channel_skip(ch, entry.offset));
        must_be(ipc_channel_try_read(ch, &entry).ipc_status, IPC_EMPTY);
        must_fail(ipc_channel_read(ch, &entry), IPC_ERR_RETRY_LIMIT);
        must_work(ipc_channel_recover(ch, false));
        must_work(ipc_channel_stats(ch, &stats));
        must_work(ipc_channel_owners(ch, &owner, 1));
        out_of_memory = out_of_strings = out_of_mappings = false;
    }
}

static bool name_exists(const char *name)
{
    int fd = shm_open(name, O_RDONLY, 0);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

Test(unit, a_segment_that_cannot_be_described_or_mapped_leaves_no_name)
{
    IpcMemorySegmentResult r;
    char name[OWN_NAME_ROOM];

    own_name(name, "memory");
    out_of_memory = true;
    must_fail(ipc_mmap(name, SIZE), IPC_ERR_ALLOCATION);
    out_of_memory = false;
    must(!name_exists(name));
    out_of_strings = true;
    must_fail(ipc_mmap(name, SIZE), IPC_ERR_ALLOCATION);
    out_of_strings = false;
    must(!name_exists(name));
    out_of_mappings = true;
    r = ipc_mmap(name, SIZE);
    out_of_mappings = false;
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOMEM && !r.error.body.existed);
    must(!name_exists(name));
}

Test(unit, an_existing_segment_that_cannot_be_mapped_keeps_its_name)
{
    IpcMemorySegment *segment;
    IpcMemorySegmentResult r;
    char name[OWN_NAME_ROOM];

    own_name(name, "keep");
    segment = ipc_mmap(name, SIZE).result;
    must(segment != NULL);
    out_of_mappings = true;
    r = ipc_mmap(name, SIZE);
    out_of_mappings = false;
    must_fail(r, IPC_ERR_SYSTEM);
    must(r.error.body.sys_errno == ENOMEM && r.error.body.existed);
    must(name_exists(name));
    must_work(ipc_unlink(segment));
    must(!name_exists(name));
}
