/* SPDX-License-Identifier: MIT */
/*
 * libshmipc: what every layer shares: statuses, results, entries, version.
 *
 * Results. Every function that can fail returns a small struct by value:
 *
 *     IpcBufferWriteResult r = ipc_buffer_write(buffer, data, size);
 *     if (IpcBufferWriteResult_is_error(r))
 *         fprintf(stderr, "%s: %s\n", ipc_status_name(r.ipc_status),
 *                 r.error.detail);
 *
 * `ipc_status` is always set. `result` is set when the status is zero or
 * positive, `error` when it is negative; the other one is left unwritten, so
 * that IPC_OK costs nothing but the status. A positive status says that there
 * was nothing to do, which is no error: _is_ok is true then. `error.detail` is
 * a text for it too, and `error.has_body` false. Ask reads and peeks whether
 * they _has_entry.
 *
 * Contracts. A function blocks, or allocates, only if its contract says so. One
 * that is "the same" as another, or does what another does, has the contract of
 * that one but for what it tells. Which threads and processes may call it at
 * once is told there, or at the head of its header for all functions.
 *
 * Options. Those that begin with `struct_size` can grow. Set it to the size
 * that the struct has in these headers, and all that is not set to zero. A
 * library that is older than the headers takes options that are larger than its
 * own, if what it does not know is zero, and refuses them otherwise, so that
 * nothing that was asked for is left out.
 *
 * With SHMIPC_DEBUG=1 in its environment a program is told on stderr why calls
 * fail, with the numbers of the error's body (the same reason once in a row),
 * whom the library takes for dead, and what it repairs. The environment is
 * looked at once, when there is first something to say. Without that, and in
 * programs that are set-user-ID or the like, the library never prints.
 */
#ifndef SHMIPC_IPC_COMMON_H
#define SHMIPC_IPC_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shmipc/ipc_export.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Version of these headers; ipc_version() tells the library's own. */
#define IPC_VERSION_MAJOR  0
#define IPC_VERSION_MINOR  2
#define IPC_VERSION_PATCH  0
#define IPC_VERSION_STRING "0.2.0"

/**
 * Outcome of a call: negative is an error, zero or positive is not. Values
 * never change their number or meaning; new ones are added at the end.
 */
typedef enum IpcStatus {
    /** Done. */
    IPC_OK = 0,
    /** Nothing to read. */
    IPC_EMPTY = 1,
    /** skip_force alone: somebody else moved past that entry first. */
    IPC_ALREADY_SKIPPED = 2,
    /** Kept for source compatibility, never returned. */
    IPC_PLACEHOLDER = 3,

    /** The entry can never fit, however empty the buffer is. */
    IPC_ERR_ENTRY_TOO_LARGE = -1,
    /** malloc failed. */
    IPC_ERR_ALLOCATION = -2,
    /** NULL, zero size, misaligned offset, impossible configuration. */
    IPC_ERR_INVALID_ARGUMENT = -3,
    /** The memory given is too small; nothing was changed. */
    IPC_ERR_TOO_SMALL = -4,
    /** The handle or reservation is in a state that forbids the call. */
    IPC_ERR_ILLEGAL_STATE = -5,
    /** A system call failed; the error body holds errno. */
    IPC_ERR_SYSTEM = -6,
    /** Full right now; try again after readers have drained. */
    IPC_ERR_NO_SPACE_CONTIGUOUS = -7,
    /** The next entry is claimed but not committed yet. */
    IPC_ERR_NOT_READY = -8,
    /** Somebody else holds what the call needs. */
    IPC_ERR_LOCKED = -9,
    /** The entry at the head is another one, or somebody else took it. */
    IPC_ERR_OFFSET_MISMATCH = -10,
    /** The deadline passed. */
    IPC_ERR_TIMEOUT = -11,
    /** `max_round_trips` rounds passed. */
    IPC_ERR_RETRY_LIMIT = -12,
    /** Shared memory holds something that cannot be true. */
    IPC_ERR_CORRUPTED = -13,
    /** The memory was never formatted by create. */
    IPC_ERR_NOT_FORMATTED = -14,
    /** The memory was formatted by a library with another layout. */
    IPC_ERR_LAYOUT_VERSION = -15,
    /** The memory is being formatted this moment; try again. */
    IPC_ERR_INITIALIZING = -16,
    /** The mapping is shorter than the formatted region. */
    IPC_ERR_TRUNCATED = -17,
    /** Another living handle has the one-producer or one-consumer role. */
    IPC_ERR_ROLE_TAKEN = -18,
    /** Every owner slot belongs to a living process. */
    IPC_ERR_OWNERS_FULL = -19,
    /** The channel was closed; for a read: and all that was written is read. */
    IPC_ERR_CLOSED = -20,
    /** This library was built without it, or the running kernel lacks it. */
    IPC_ERR_UNSUPPORTED = -21,
    /** Every process that wrote into the channel is dead. */
    IPC_ERR_PRODUCERS_DEAD = -22,
    /** The entry at the head has another size. */
    IPC_ERR_SIZE_MISMATCH = -23,
    /** The memory was formatted anew since the handle was made: destroy the
     * handle and connect again. */
    IPC_ERR_FORMATTED_ANEW = -24,
    /** The memory is mapped for reading only, or the handle only observes. */
    IPC_ERR_READ_ONLY = -25,
    /** The call would have had to wait, and somebody interrupted the handle, or
     * a signal did. */
    IPC_ERR_INTERRUPTED = -26,
    /** There is no space, and every process that read from the channel is dead.
     */
    IPC_ERR_CONSUMERS_DEAD = -27,
    /** It was to be created, and exists. */
    IPC_ERR_EXISTS = -28,
    /** The memory to be formatted is used by another process. */
    IPC_ERR_IN_USE = -29,
    /** There is nothing of that name. */
    IPC_ERR_NOT_FOUND = -30,
    /** A subscriber or tap was too far behind, and entries passed it by. */
    IPC_ERR_LAGGED = -31,
    /** A call: nobody serves any more, or who had the call has died. */
    IPC_ERR_SERVER_DEAD = -32,
    /** A call: it was given up, or the server refused it. */
    IPC_ERR_CANCELLED = -33,
    /** Each subscriber reads everything there, and the handle is none. */
    IPC_ERR_NOT_SUBSCRIBED = -34
} IpcStatus;

/* What -fshort-enums makes of them is not what the library was compiled with:
 * no program can be. */
typedef char
    IpcNeedsEnumsOfIntSoNoShortOnes_[sizeof(IpcStatus) == sizeof(int) ? 1 : -1];

/**
 * The name of a status, such as "IPC_ERR_TIMEOUT"; "unknown" for a number that
 * is not a status. The string is static. Safe from any thread; never blocks.
 * Since 0.1.0.
 */
IPC_API const char *ipc_status_name(IpcStatus status);

/**
 * One sentence that says what a status means; static, never NULL. Safe from
 * any thread; never blocks. Since 0.1.0.
 */
IPC_API const char *ipc_status_text(IpcStatus status);

/**
 * The library's version: major, minor and patch number, with dots between;
 * static. Safe from any thread; never blocks. Since 0.1.0.
 */
IPC_API const char *ipc_version(void);

/**
 * A message. `offset` names it: its byte position in the stream of everything
 * ever written, 0 for the first entry of a new buffer, a multiple of 8, always
 * growing. Who owns `payload` depends on the call that filled the entry.
 */
typedef struct IpcEntry {
    uint64_t offset;
    void *payload;
    size_t size;
} IpcEntry;

/**
 * Space for an entry that is being written in place. `payload` points at
 * `size` writable bytes, aligned to 64. The struct may be copied; it belongs
 * to the handle that made it. `opaque` is the library's.
 */
typedef struct IpcReservation {
    uint64_t offset;
    void *payload;
    size_t size;
    uint64_t opaque[2];
} IpcReservation;

/**
 * Declares the result type NAME of a call that yields a T, with an error body
 * of type E, and the functions that make and question it:
 * NAME_ok(status, result), NAME_error(status, detail),
 * NAME_error_body(status, detail, body), NAME_is_ok(r), NAME_is_error(r) and
 * NAME_is_error_has_body(r.error). `error.has_body` and `error.hasBody`, as the
 * original calls it, are one member.
 */
#define IPC_RESULT(NAME, T, E)                                                 \
    IPC_RESULT_ERROR_(NAME, E)                                                 \
    typedef struct NAME {                                                      \
        IpcStatus ipc_status;                                                  \
        T result;                                                              \
        NAME##Error error;                                                     \
    } NAME;                                                                    \
    IPC_UNUSED_ static inline NAME NAME##_ok(IpcStatus status, T result)       \
    {                                                                          \
        NAME r;                                                                \
        r.ipc_status = status;                                                 \
        r.result = result;                                                     \
        return r;                                                              \
    }                                                                          \
    IPC_RESULT_FUNCTIONS_(NAME, E)

/** The same for a call that yields nothing but its status: NAME_ok(status). */
#define IPC_RESULT_UNIT(NAME, E)                                               \
    IPC_RESULT_ERROR_(NAME, E)                                                 \
    typedef struct NAME {                                                      \
        IpcStatus ipc_status;                                                  \
        NAME##Error error;                                                     \
    } NAME;                                                                    \
    IPC_UNUSED_ static inline NAME NAME##_ok(IpcStatus status)                 \
    {                                                                          \
        NAME r;                                                                \
        r.ipc_status = status;                                                 \
        return r;                                                              \
    }                                                                          \
    IPC_RESULT_FUNCTIONS_(NAME, E)

/**
 * Declares NAME_has_entry(r) beside the others, for the results of calls that
 * look for an entry. Those are no error, so _is_ok, when they find none;
 * NAME_has_entry says whether they found one: true for IPC_OK alone.
 */
#define IPC_RESULT_HAS_ENTRY(NAME)                                             \
    IPC_UNUSED_ static inline bool NAME##_has_entry(NAME r)                    \
    {                                                                          \
        return r.ipc_status == IPC_OK;                                         \
    }

/* Parts of the macros above, not for use elsewhere. */
#ifndef IPC_TELL_
/* The detail; and the library tells of it on stderr, see above, for which it
 * defines these before (lib/answer.h). */
#define IPC_TELLER_(NAME, E)
#define IPC_TELL_(NAME, status, detail)            (detail)
#define IPC_TELL_BODY_(NAME, status, detail, body) (detail)
#endif
#define IPC_RESULT_ERROR_(NAME, E)                                             \
    typedef struct NAME##Error {                                               \
        const char *detail;                                                    \
        IPC_EXTENSION_ union {                                                 \
            bool has_body;                                                     \
            bool hasBody;                                                      \
        };                                                                     \
        E body;                                                                \
    } NAME##Error;
#define IPC_RESULT_FUNCTIONS_(NAME, E)                                         \
    IPC_TELLER_(NAME, E)                                                       \
    IPC_UNUSED_ static inline NAME NAME##_error(IpcStatus status,              \
                                                const char *detail)            \
    {                                                                          \
        NAME r;                                                                \
        r.ipc_status = status;                                                 \
        r.error.detail = IPC_TELL_(NAME, status, detail ? detail : "");        \
        r.error.has_body = false;                                              \
        return r;                                                              \
    }                                                                          \
    IPC_UNUSED_ static inline NAME NAME##_error_body(                          \
        IpcStatus status, const char *detail, E body)                          \
    {                                                                          \
        NAME r;                                                                \
        r.ipc_status = status;                                                 \
        r.error.has_body = true;                                               \
        r.error.body = body;                                                   \
        r.error.detail =                                                       \
            IPC_TELL_BODY_(NAME, status, detail ? detail : "", body);          \
        return r;                                                              \
    }                                                                          \
    IPC_UNUSED_ static inline bool NAME##_is_ok(NAME r)                        \
    {                                                                          \
        return r.ipc_status >= 0;                                              \
    }                                                                          \
    IPC_UNUSED_ static inline bool NAME##_is_error(NAME r)                     \
    {                                                                          \
        return r.ipc_status < 0;                                               \
    }                                                                          \
    IPC_UNUSED_ static inline bool NAME##_is_error_has_body(NAME##Error error) \
    {                                                                          \
        return error.has_body;                                                 \
    }

#ifdef __cplusplus
}
#endif
#endif
