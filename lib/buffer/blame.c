/* SPDX-License-Identifier: MIT */
#include "buffer/blame.h"

static const char no_count[] =
    "count is not above 0: say how many there are, one at least";
static const char size_is_0[] =
    "size is 0: an entry has at least one byte, so say how many it has";
const char *blame_handle(void)
{
    return "the handle is NULL: create, attach or connect first, and see "
           "whether that worked";
}

const char *blame_write(const void *handle, const void *data)
{
    if (!handle)
        return blame_handle();
    if (!data)
        return "data is NULL: pass the bytes to write";
    return size_is_0;
}

const char *blame_pieces(const void *handle, const struct iovec *pieces,
                         int count)
{
    if (!handle)
        return blame_handle();
    if (!pieces)
        return "pieces is NULL: pass an array of struct iovec";
    if (count <= 0)
        return no_count;
    for (int i = 0; i < count; i++)
        if (!pieces[i].iov_base && pieces[i].iov_len)
            return "a piece has a length, and its iov_base is NULL: point it "
                   "at its bytes";
    return "all pieces are empty: an entry has at least one byte";
}

const char *blame_reserve(const void *handle, const IpcReservation *dest)
{
    if (!handle)
        return blame_handle();
    if (!dest)
        return "dest is NULL: pass an IpcReservation to fill";
    return size_is_0;
}

const char *blame_write_batch(const void *handle, const struct iovec *entries,
                              int count)
{
    if (!handle)
        return blame_handle();
    if (!entries)
        return "entries is NULL: pass an array of struct iovec, one for each "
               "entry";
    if (count <= 0)
        return no_count;
    for (int i = 0; i < count; i++)
        if (entries[i].iov_len == 0)
            return "an entry is empty (its iov_len is 0): each has at least "
                   "one byte";
    return "the iov_base of an entry is NULL: point it at its bytes";
}

const char *blame_array(const void *handle, const void *data, size_t size)
{
    if (!handle)
        return blame_handle();
    if (!data)
        return "data is NULL: pass the memory of the entries";
    return size == 0 ? "size is 0: say how many bytes each entry has"
                     : no_count;
}

const char *blame_dest(const void *handle)
{
    return handle ? "dest is NULL: pass an IpcEntry to fill" : blame_handle();
}

const char *blame_read_into(const void *handle, const IpcEntry *dest)
{
    if (!handle || !dest)
        return blame_dest(handle);
    return "dest->payload is NULL: point it at memory of yours, and say in "
           "dest->size how many bytes that has";
}

const char *blame_read_batch(const void *handle, const IpcEntry *entries,
                             const void *memory)
{
    if (!handle)
        return blame_handle();
    if (!entries)
        return "entries is NULL: pass an array of IpcEntry to fill";
    if (!memory)
        return "memory is NULL: pass where the payloads are to go";
    return no_count;
}

const char *blame_skip(const void *handle)
{
    return handle ? "offset is not a multiple of 8: pass the offset of the "
                    "entry that was peeked"
                  : blame_handle();
}

const char *blame_read_ahead(const void *handle)
{
    return handle ? "offset is not a multiple of 8: pass the offset of an "
                    "entry that was read ahead"
                  : blame_handle();
}

const char *blame_stats(const void *handle)
{
    return handle ? "dest is NULL: pass an IpcBufferStats to fill"
                  : blame_handle();
}

const char *blame_owners(const void *handle)
{
    return handle ? "owners is NULL, and room is not 0: pass an array of so "
                    "many IpcOwner, or room 0 to count"
                  : blame_handle();
}

const char *blame_timeout(const struct timespec *timeout)
{
    if (!timeout)
        return NULL;
    if (timeout->tv_sec < 0)
        return "the timeout's tv_sec is negative: it is how long to wait from "
               "now on; 0 is not at all, and a timeout of NULL for ever";
    if (timeout->tv_nsec < 0)
        return "the timeout's tv_nsec is negative: it is from 0 to 999999999";
    if (timeout->tv_nsec > 999999999)
        return "the timeout's tv_nsec is above 999999999: whole seconds go "
               "into tv_sec";
    return NULL;
}
