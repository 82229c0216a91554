/* SPDX-License-Identifier: MIT */
#include "buffer/give.h"
#include "ring/payload.h"

#if defined(SHMIPC_MODEL)
/* Whether and when is the scenario's matter. */
#elif defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

enum { ZEN_3 = 25, ZEN_5 = 26 };

static uint32_t family(void)
{
    unsigned eax, ebx, ecx, edx;

    if (!__get_cpuid(0, &eax, &ebx, &ecx, &edx) || ebx != signature_AMD_ebx ||
        ecx != signature_AMD_ecx || edx != signature_AMD_edx ||
        !__get_cpuid(1, &eax, &ebx, &ecx, &edx))
        return 0;
    return (eax >> 8 & 0xf) + (eax >> 20 & 0xff);
}

/* From ZEN_5 on what is larger is copied without asking for the old lines. */
static uint32_t limit_here(void)
{
    const uint32_t amd = family();

    if (amd == ZEN_3)
        return UINT32_MAX;
    return amd >= ZEN_5 ? 4096 : 0;
}
#else
static uint32_t limit_here(void)
{
    return 0; /* not measured */
}
#endif

#ifndef SHMIPC_MODEL
uint32_t give_limit(const struct ring *r)
{
    /* A hypervisor can take microseconds to answer. One more than the limit;
     * 0: not asked yet. */
    static atomic_u64 asked;
    uint64_t limit = atomic_hint(&asked);

    if (!r->one_consumer || r->has_taps)
        return 0;
    if (limit == 0) {
        limit = (uint64_t)limit_here() + 1;
        atomic_set_hint(&asked, limit);
    }
    return (uint32_t)(limit - 1);
}
#endif

void give_lines(unsigned char *lines, size_t size)
{
    payload_give_back(lines, size);
}

void give_load(void *to, const unsigned char *from, size_t size)
{
    unsigned char *lines =
        (unsigned char *)(uintptr_t)from; /* NOLINT(*-no-int-to-ptr) */

    for (size_t at = 0; at < size; at += GIVE_PIECE) {
        size_t piece = size - at < GIVE_PIECE ? size - at : GIVE_PIECE;

        /* A compiler that knows how much it is at most copies by itself, at
         * half the rate of the C library. */
        __asm__("" : "+r"(piece));
        payload_load_owned((unsigned char *)to + at, from + at, piece);
        payload_give_back(lines + at, piece);
    }
}
