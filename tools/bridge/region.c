/* SPDX-License-Identifier: MIT */
#include "bridge/region.h"
#include "ring/format.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *region_open(struct region *region, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    const char *wrong = NULL;
    uint64_t needed = 0;
    struct stat st;

    *region = (struct region){0};
    if (fd < 0)
        return strerror(errno);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size <= 0) {
        close(fd);
        return "it is no file with a channel";
    }
    region->device = st.st_dev;
    region->inode = st.st_ino;
    region->size = (size_t)st.st_size;
    region->memory = mmap(NULL, region->size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (region->memory == MAP_FAILED) {
        region->memory = NULL;
        return "it cannot be mapped";
    }
    if (format_open(region->memory, region->size, &region->ring, &needed) !=
        IPC_OK) {
        wrong = "there is no channel in it";
        region_close(region);
    }
    return wrong;
}

void region_close(struct region *region)
{
    if (region->memory)
        munmap(region->memory, region->size);
    *region = (struct region){0};
}

bool region_is_replaced(const struct region *region, const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && st.st_size > 0 &&
           (st.st_dev != region->device || st.st_ino != region->inode);
}

/* Offsets count all blocks since creation, from the first of a lap on. */
static uint64_t position_of(const struct ring *r, uint64_t offset)
{
    uint64_t blocks = offset / SHMIPC_BLOCK;
    uint64_t laps = blocks / r->block_count;

    return r->first + (laps << r->index_bits) + blocks % r->block_count;
}

enum region_fate region_judge(const struct region *region, uint64_t offset)
{
    const struct ring *r = &region->ring;
    uint64_t position = position_of(r, offset);
    struct view view;

    switch (take_look_at(r, position, &view)) {
    case LOOK_ENTRY:
        return REGION_COMMITTED;
    case LOOK_FILLER: /* it was recovered, or revoked before */
    case LOOK_BUSY:   /* its owner is dead: it will be recovered */
        return REGION_NOT_COMMITTED;
    case LOOK_NOTHING:
        /* An older word is a claim that came to nothing. FREE says nothing. */
        return (int32_t)(control_tag(view.word) - position_tag(r, position)) > 0
                   ? REGION_OVERWRITTEN
                   : REGION_NOT_COMMITTED;
    default:
        return REGION_OVERWRITTEN;
    }
}
