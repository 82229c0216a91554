/* SPDX-License-Identifier: MIT */
#include "bridge/note.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Finds what was damaged, not what was forged: who can write here can write
 * into the channel. */
static uint64_t sum_of(const struct note_slot *s, uint64_t number)
{
    const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
    uint64_t sum = NOTE_MAGIC ^ number;

    sum = (sum ^ s->stream) * factor;
    sum = (sum ^ (sum >> 32) ^ s->offset) * factor;
    sum = (sum ^ (sum >> 32) ^ s->before) * factor;
    sum = (sum ^ (sum >> 32) ^ s->position) * factor;
    sum = (sum ^ (sum >> 32) ^ s->used) * factor;
    return sum ^ (sum >> 32);
}

static uint64_t number_of(const struct note_slot *s)
{
    /* Acquire: the rest of the slot, by who wrote it. */
    return atomic_load_explicit(&s->number, memory_order_acquire);
}

static bool is_good(const struct note_slot *s)
{
    uint64_t number = number_of(s);

    return number > 0 && s->stream != 0 && s->sum == sum_of(s, number);
}

/* The slot that counts, or NULL. */
static const struct note_slot *newest(const struct note_stream *stream)
{
    const struct note_slot *a = &stream->slots[0], *b = &stream->slots[1];
    bool a_is_good = is_good(a), b_is_good = is_good(b);

    if (a_is_good && b_is_good)
        return number_of(a) > number_of(b) ? a : b;
    return a_is_good ? a : b_is_good ? b : NULL;
}

/* ---------------------------------------------------------------- the file */

/* Forgets all; the creation, last, makes it valid. */
static void begin(struct note_file *file, uint64_t creation)
{
    atomic_store_explicit(&file->creation, 0, memory_order_relaxed);
    /* Release: a file that is half begun has no creation. */
    atomic_thread_fence(memory_order_release);
    memset(file->table, 0, sizeof file->table);
    file->magic = NOTE_MAGIC;
    file->version = NOTE_VERSION;
    file->streams = NOTE_STREAMS;
    atomic_store_explicit(&file->creation, creation, memory_order_release);
}

static bool is_of(const struct note_file *file, uint64_t creation)
{
    return file->magic == NOTE_MAGIC && file->version == NOTE_VERSION &&
           file->streams == NOTE_STREAMS &&
           atomic_load_explicit(&file->creation, memory_order_acquire) ==
               creation;
}

static const char *check_and_size(int fd)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return "cannot be looked at";
    if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != 0)) {
        errno = EPERM;
        return "is no plain file of this user";
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? "another bridge writes into the channel"
                                    : "cannot be locked";
    /* Never shortened: nobody gets a SIGBUS. */
    if (st.st_size < (off_t)sizeof(struct note_file) &&
        posix_fallocate(fd, 0, (off_t)sizeof(struct note_file)) != 0) {
        errno = ENOSPC;
        return "has no room";
    }
    return NULL;
}

const char *note_open(struct note *note, const char *path, uint64_t creation)
{
    const char *wrong;
    void *memory;

    *note = (struct note){
        .fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
    if (note->fd < 0)
        return "cannot be opened";
    wrong = check_and_size(note->fd);
    if (wrong) {
        note_close(note);
        return wrong;
    }
    memory = mmap(NULL, sizeof *note->file, PROT_READ | PROT_WRITE, MAP_SHARED,
                  note->fd, 0);
    if (memory == MAP_FAILED) {
        note_close(note);
        return "cannot be mapped";
    }
    note->file = memory;
    note->is_new = !is_of(note->file, creation);
    if (note->is_new)
        begin(note->file, creation);
    return NULL;
}

void note_close(struct note *note)
{
    int kept = errno;

    if (note->file)
        munmap(note->file, sizeof *note->file);
    if (note->fd >= 0)
        close(note->fd);
    *note = (struct note){.fd = -1};
    errno = kept;
}

/* ----------------------------------------------------------------- streams */

static uint64_t now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

/* The place of a stream that can be forgotten: bit i of `keep` says that place
 * i cannot. */
static int oldest(const struct note *note, uint64_t keep)
{
    uint64_t least = UINT64_MAX;
    int found = -1;

    for (int i = 0; i < NOTE_STREAMS; i++) {
        const struct note_slot *s = newest(&note->file->table[i]);

        if (keep >> i & 1)
            continue;
        if (!s)
            return i;
        if (s->used < least) {
            least = s->used;
            found = i;
        }
    }
    return found;
}

static int place_of(const struct note *note, uint64_t stream)
{
    for (int i = 0; i < NOTE_STREAMS; i++) {
        const struct note_slot *s = newest(&note->file->table[i]);

        if (s && s->stream == stream)
            return i;
    }
    return -1;
}

int note_find(struct note *note, uint64_t stream, uint64_t keep,
              struct note_state *state)
{
    int place = place_of(note, stream);
    const struct note_slot *s;

    *state =
        (struct note_state){stream, NOTE_NONE, NOTE_NONE, NOTE_NONE, now()};
    if (place < 0) {
        place = oldest(note, keep);
        if (place < 0)
            return -1;
        memset(&note->file->table[place], 0, sizeof(struct note_stream));
    } else {
        s = newest(&note->file->table[place]);
        state->offset = s->offset;
        state->before = s->before;
        state->position = s->position;
    }
    return place;
}

void note_write(struct note *note, int place, const struct note_state *state)
{
    struct note_stream *stream = &note->file->table[place];
    uint64_t a = number_of(&stream->slots[0]), b = number_of(&stream->slots[1]);
    struct note_slot *to = &stream->slots[a > b];
    uint64_t number = (a > b ? a : b) + 1;

    to->stream = state->stream;
    to->offset = state->offset;
    to->before = state->before;
    to->position = state->position;
    to->used = state->used;
    to->sum = sum_of(to, number);
    /* Release: with this number the slot counts, and all of it is there. */
    atomic_store_explicit(&to->number, number, memory_order_release);
}
