# SPDX-License-Identifier: MIT
"""What the numbers in texts have to be; check_numbers.py says how it is meant."""

DESIGN = "docs/design.md"
CRASHES = "docs/crashes.md"
LAYOUT = "lib/ring/layout.h"
OWNER = "lib/ring/owner.h"
BUFFER = "include/shmipc/ipc_buffer.h"
BUFFER_TYPES = "include/shmipc/ipc_buffer_types.h"
BATCH = "include/shmipc/ipc_batch.h"
CHANNEL = "include/shmipc/ipc_channel.h"
CHANNEL_TYPES = "include/shmipc/ipc_channel_types.h"
OPEN = "include/shmipc/ipc_open.h"
WAITSET = "include/shmipc/ipc_waitset.h"
SERVICE = "include/shmipc/ipc_service.h"
PROTOCOL = "lib/ring/protocol.h"
ANY = "*"

# What has no name in the code: where it stands there.
FACTS = (
    ("TAG_SHIFT", "lib/ring/control.h", r"\btag << (\d+)"),
    ("VALUE_SHIFT", "lib/ring/control.h", r"\bvalue << (\d+)"),
    ("ARRAY_SHIFT", "lib/ring/control.h", r"\bsize << (\d+)"),
    ("MESON", "meson.build", r"meson_version: '>= ([\d.]+)'"),
    ("CRITERION", "meson.build", r"'criterion', version: '>= ([\d.]+)'"),
    ("LIBURING", "meson.build", r"'liburing', version: '>= ([\d.]+)'"),
    ("INDENT", ".clang-format", r"\nIndentWidth: (\d+)"),
    ("COLUMNS", ".clang-format", r"ColumnLimit: (\d+)"),
    ("CONFIGURATION_WORDS", CHANNEL_TYPES, r"uint64_t reserved\[(\d+)\]"),
    ("VERSION", "meson.build", r"\n  version: '([\d.]+)'"),
)

# (file, sentence, what each # of it is)
RULES = (
    # How far one call goes.
    ("include/shmipc/ipc_buffer.h", "more than # blocks of filler to pass",
     "PROTOCOL_STEPS"),
    (DESIGN, "passes or replaces # words at most", "PROTOCOL_STEPS"),
    (DESIGN, "the kernel about # owners", "JUDGED_MAX"),
    # Time.
    ("SECURITY.md", "at least every # ms", "WAIT_CAP_NS / MS"),
    (DESIGN, "No sleep is longer than # ms", "WAIT_CAP_NS / MS"),
    (DESIGN, "`bare futex, # ms`", "WAIT_CAP_NS / MS"),
    (CHANNEL, "readable then: within # ms where there are up to #, and else",
     "WAIT_CAP_NS / MS", "PATROL_MIN"),
    (DESIGN, "a tenth every # ms as a set does", "WAIT_CAP_NS / MS"),
    (DESIGN, "a death is noticed within # ms only where", "WAIT_CAP_NS / MS"),
    (CHANNEL, "that thread looks every #", "WAIT_UNSIGNALLED_NS"),
    ("include/shmipc/ipc_uring.h", "# ms is what blocking reads take",
     "WAIT_CAP_NS / MS"),
    (CHANNEL_TYPES, "sleeps, ns; #: #, or not at all", "0", "DEFAULT_SPIN_NS"),
    (CHANNEL_TYPES, "IPC_WAIT_SLEEP sleeps from # to # ns", "DEFAULT_START_NS",
     "DEFAULT_MAX_NS"),
    (DESIGN, "tries for # us first", "DEFAULT_SPIN_NS / US"),
    (DESIGN, "with # us 0.13", "DEFAULT_SPIN_NS / US"),
    (DESIGN, "for # looks after each wake", "WAIT_PROMISED_LOOKS"),
    (DESIGN, "every #th empty look", "LOOKS_PER_CHECK"),
    (CRASHES, "at one of # looks in vain", "LOOKS_PER_CHECK"),
    (CRASHES, "at one of # answers in a row", "STUCK_ANSWERS_PER_RECOVERY"),
    (CRASHES, "at one of # answers without space",
     "STUCK_ANSWERS_PER_RECOVERY"),
    ("include/shmipc/ipc_acknowledge.h", "find out within # ms, waitsets",
     "WAIT_CAP_NS / MS"),
    (DESIGN, "tries once in # waits", "SPIN_WAITS_PER_TRIAL"),
    (CHANNEL_TYPES, "all but for one in #, until what", "SPIN_WAITS_PER_TRIAL"),
    (DESIGN, "a look from head, which is every #th", "LOOKS_PER_HEAD"),
    (DESIGN, "of a call at every #th", "HELD_LOOKS_PER_RECOVERY"),
    (DESIGN, "its # bits are the length", "bits(CONTROL_VALUE_MAX)"),
    (CRASHES, "after # ms at the latest", "WAIT_CAP_NS / MS"),
    (DESIGN, "one in # looks that find nothing", "LOOKS_PER_CHECK"),
    (DESIGN, "at one of # looks that find nothing", "LOOKS_PER_CHECK"),
    (DESIGN, "has a number of # random bits", "64"),
    (DESIGN, "a lap of its own, # to #, which", "1", "SHMIPC_FIRST_LAPS"),
    (DESIGN, "for the first time in lap #", "SHMIPC_RENEWAL_LAPS"),
    (CHANNEL, "a call that blocks within # ms", "WAIT_CAP_NS / MS"),
    (CHANNEL, "blocked readers learn it within # ms", "WAIT_CAP_NS / MS"),
    (WAITSET, "a thread for each # channels beyond", "GROUP_MEMBERS"),
    (WAITSET, "run, for # us at most", "YIELD_NS / US"),
    (WAITSET, "pauses that double from # us to # ms", "NAP_MIN_NS / US",
     "NAP_MAX_NS / MS"),
    (WAITSET, "within # ms in a set of up to # channels", "WAIT_CAP_NS / MS",
     "TURN_MIN"),
    (DESIGN, "at most # us and once in vain", "YIELD_NS / US"),
    (DESIGN, "It takes # words; threads", "GROUP_MEMBERS + 1"),
    (DESIGN, "in sets of up to # within # ms as by", "TURN_MIN",
     "WAIT_CAP_NS / MS"),
    (DESIGN, "in each of # turns a second", "SECOND / WAIT_CAP_NS"),
    (WAITSET, "An idle set wakes up # times a second", "SECOND / WAIT_CAP_NS"),
    ("lib/waitset/group.h", "takes `control` and # members at once",
     "GROUP_MEMBERS"),
    ("lib/waitset/waitset.h", "all words anew for each sleep, # at a time",
     "GROUP_MEMBERS"),
    ("lib/waitset/waitset.h", "sooner, after # ms first", "STUCK_NAP_NS / MS"),
    ("lib/buffer/pace.c", "entries per # ticks", "1 << PACE_RATE_SHIFT"),

    # Names.
    (OPEN, "rounded up to whole pages; # means # MiB", "0",
     "DEFAULT_SIZE / MIB"),
    (OPEN, "the node's number, at most #", "LAST_NODE"),
    (OPEN, "for at most # ms while", "UNLINK_WAIT_NS / MS"),
    (DESIGN, "does not wait longer than # ms", "UNLINK_WAIT_NS / MS"),
    (BUFFER, "waits for at most # ms for who opens", "LOCK_WAIT_NS / MS"),
    (CHANNEL, "waits for at most # ms for who opens", "LOCK_WAIT_NS / MS"),
    ("include/shmipc/ipc_tap.h", "pauses that double from # us to # ms",
     "TAP_FIRST_PAUSE_NS / US", "TAP_LAST_PAUSE_NS / MS"),
    (DESIGN, "looks again after # us to # ms", "SHORTEST_PAUSE_NS / US",
     "LONGEST_PAUSE_NS / MS"),

    # Services.
    (SERVICE, "a dot and # hex digits", "FRAME_DIGITS - 1"),
    (SERVICE, "a name that # characters more", "FRAME_DIGITS"),
    (SERVICE, "A call learns within # ms", "2 * CLIENT_SLICE_NS / MS"),
    (SERVICE, "within # ms if the client spins", "2 * SPIN_SLICE_NS / MS"),
    (SERVICE, "each with # bytes of its own; so the largest one, too. # means "
     "# MiB", "size_frame_request", "0", "SERVER_SIZE / MIB"),
    (SERVICE, "each with # bytes of its own; so the largest one, too; one above "
     "half of it may have to wait until the client collects. # means # KiB",
     "size_frame_answer", "0", "CLIENT_SIZE / 1024"),
    (SERVICE, "collect what it called for; # means # ms", "0",
     "SERVER_PATIENCE_NS / MS"),
    (SERVICE, "at the same time, at most #; # means #", "SERVER_CLIENTS_MAX",
     "0", "SERVER_CLIENTS"),
    (SERVICE, "sent and not collected, at most #; # means #",
     "CLIENT_CALLS_MAX", "0", "CLIENT_CALLS"),
    ("lib/service/frame.h", "a dot, #", "FRAME_DIGITS - 1"),
    (DESIGN, "wait look every # ms, those that spin for long every # ms",
     "CLIENT_SLICE_NS / MS", "SPIN_SLICE_NS / MS"),
    (DESIGN, "The server waits # ms, once", "SERVER_PATIENCE_NS / MS"),
    (CRASHES, "callers, within # ms", "2 * CLIENT_SLICE_NS / MS"),
    (CRASHES, "half made, after # s", "GIVE_UP_NS / SECOND"),

    # Owners.
    (BUFFER_TYPES, "# to #; # means the default: # in the smallest buffers, "
     "# in those of # blocks, and # from # KiB on", "1",
     "SHMIPC_OWNERS_LIMIT", "0",
     "owners_of(1)", "SHMIPC_OWNERS_FEW",
     "SHMIPC_OWNERS_FEW * SHMIPC_BLOCKS_PER_FEW", "SHMIPC_OWNERS_DEFAULT_MAX",
     "all_owners_from()"),
    (CHANNEL_TYPES, "# to #; # means the default: # in the smallest channels, "
     "# in those of # blocks, and # from # KiB on", "1",
     "SHMIPC_OWNERS_LIMIT", "0",
     "owners_of(1)", "SHMIPC_OWNERS_FEW",
     "SHMIPC_OWNERS_FEW * SHMIPC_BLOCKS_PER_FEW", "SHMIPC_OWNERS_DEFAULT_MAX",
     "all_owners_from()"),
    (BUFFER, "At an address that is a multiple of # less", "SHMIPC_ALIGN"),
    (CHANNEL, "At an address that is a multiple of # less", "SHMIPC_ALIGN"),
    (BUFFER_TYPES, "subscribe at the same time, # to #; # means the default: # in "
     "the smallest buffers, and # from # blocks on. Each takes # bytes", "1",
     "SHMIPC_SUBSCRIBERS_LIMIT", "0", "SHMIPC_SUBSCRIBERS_MIN",
     "SHMIPC_SUBSCRIBERS_DEFAULT_MAX",
     "SHMIPC_SUBSCRIBERS_DEFAULT_MAX * SHMIPC_BLOCKS_PER_SUBSCRIBER",
     "size_shm_subscriber"),
    (CHANNEL_TYPES, "subscribe at the same time, # to #; # means the default: # in "
     "the smallest channels, and # from # blocks on. Each takes # bytes", "1",
     "SHMIPC_SUBSCRIBERS_LIMIT", "0", "SHMIPC_SUBSCRIBERS_MIN",
     "SHMIPC_SUBSCRIBERS_DEFAULT_MAX",
     "SHMIPC_SUBSCRIBERS_DEFAULT_MAX * SHMIPC_BLOCKS_PER_SUBSCRIBER",
     "size_shm_subscriber"),
    (BUFFER, "`max_owners` is above #", "SHMIPC_OWNERS_LIMIT"),
    (CHANNEL, "max_owners above #", "SHMIPC_OWNERS_LIMIT"),
    (LAYOUT, "# owners from # KiB on", "SHMIPC_OWNERS_DEFAULT_MAX",
     "all_owners_from()"),
    (DESIGN, "# in the smallest, # in a ring of # blocks, # from # KiB on; so # "
     "messages of # bytes fit into # unaligned bytes. The smallest ring is # "
     "bytes: # are", "owners_of(1)", "SHMIPC_OWNERS_FEW",
     "SHMIPC_OWNERS_FEW * SHMIPC_BLOCKS_PER_FEW", "SHMIPC_OWNERS_DEFAULT_MAX",
     "all_owners_from()", "blocks_in(1024 - (SHMIPC_ALIGN - 1))",
     "SHMIPC_BLOCK", "1024", "region_size(1)", "offset_shm_region_owners"),
    (DESIGN, "then come # owners, a line", "owners_of(1)"),
    (DESIGN, "(the fixed part is # bytes and # for each of # owners)",
     "offset_shm_region_owners", "size_shm_owner",
     "owners_of(blocks_in(MIB))"),
    (OWNER, "(# stays in one slot are told apart)", "GENERATION_MASK"),
    ("lib/ring/owner.c", "Generation # is left out, so that an owner id is "
     "never #", "0", "0"),
    (OWNER, "names the owner (# bits)", "bits(CONTROL_VALUE_MAX)"),
    ("lib/ring/process.h", "1 to #", "PID_MASK"),
    ("lib/ring/process.h", "# bits, see process.c", "bits(NS_MASK)"),
    ("lib/ring/process.h", "# bits for a pid namespace", "bits(NS_MASK)"),
    ("lib/ring/process.c", "So # bits have room", "bits(NS_MASK)"),
    (DESIGN, "where the kernel begins to count, # bits", "bits(NS_MASK)"),
    (LAYOUT, "generation:# | process start time:#", "64 - GENERATION_SHIFT",
     "bits(START_MASK)"),
    (LAYOUT, "generation:# | of the owning process:#", "32 - HANDLES_BITS",
     "HANDLES_BITS"),
    ("lib/ring/owner.c", "identity: generation:# | pid:# | locked:# | pid namespace:#, "
     "started: generation:# | start time:#, handles: generation:# | count:#",
     "bits(GENERATION_MASK)", "bits(PID_MASK)", "1", "bits(NS_MASK)",
     "64 - GENERATION_SHIFT", "GENERATION_SHIFT", "32 - HANDLES_BITS",
     "HANDLES_BITS"),

    ("README.md", "fences for # messages after it has woken somebody",
     "WAIT_PROMISED_LOOKS"),
    (DESIGN, "ring (below # MiB)", "(CONTROL_VALUE_MAX + 1) // MIB"),
    (DESIGN, "eight of # bytes lie in one line, and up to # are",
     "SHMIPC_ARRAY_ALIGN", "SHMIPC_ARRAY_MAX"),
    ("NEWS.md", "(layout version #)", "SHMIPC_LAYOUT_VERSION"),
    ("docs/abi.md", "There were #:", "SHMIPC_LAYOUT_VERSION"),
    ("docs/abi.md", "# to # | no release", "1", "SHMIPC_LAYOUT_VERSION - 1"),
    ("docs/abi.md", "| # | # | yes |", "SHMIPC_LAYOUT_VERSION", "VERSION"),
    ("docs/abi.md", "of which there are # bytes", "4 + 8 * CONFIGURATION_WORDS"),
    ("docs/glossary.md", "# bytes of payload", "SHMIPC_BLOCK"),

    # Sizes of the region's parts.
    (LAYOUT, "mem rounded up to #", "SHMIPC_ALIGN"),
    (LAYOUT, "| identity # B |", "size_shm_identity"),
    (LAYOUT, "| tail # B |", "size_shm_tail"),
    (LAYOUT, "| head # B |", "size_shm_head"),
    (LAYOUT, "| readers' wait # B |", "size_shm_wait"),
    (LAYOUT, "| writers' wait # B |", "size_shm_wait"),
    (LAYOUT, "| owner slots # B m |", "size_shm_owner"),
    (LAYOUT, "| subscribers # B s |", "size_shm_subscriber"),
    (LAYOUT, "Cursor, # bit", "64"),
    (LAYOUT, "the index has # bits more", "CURSOR_BITS"),
    (LAYOUT, "the # upper bits of its index", "CURSOR_BITS"),
    (LAYOUT, "| control words # B n |", "CONTROL_WORD"),
    (LAYOUT, "| holders # B n |", "CONTROL_WORD"),
    (BUFFER_TYPES, "Takes # bytes more of memory for each block",
     "CONTROL_WORD"),
    (DESIGN, "What it costs is # bytes for each block", "CONTROL_WORD"),
    (LAYOUT, "padded to a multiple of #", "SHMIPC_ALIGN"),
    (LAYOUT, "| blocks # B n |", "SHMIPC_BLOCK"),
    ("README.md", "# bytes each,", "SHMIPC_BLOCK"),
    ("README.md", "From # MiB on # % of it are payload", "1",
     "int(payload_percent(MIB))"),
    (DESIGN, "# % of a # MiB region are payload blocks",
     "round(payload_percent(MIB), 1)", "1"),
    (DESIGN, "a #-byte message is one line", "SHMIPC_BLOCK"),
    (DESIGN, "# bytes moved for # bytes of payload",
     "SHMIPC_BLOCK + CONTROL_WORD", "SHMIPC_ARRAY_ALIGN"),
    (PROTOCOL, "n blocks of # bytes", "SHMIPC_BLOCK"),
    (BUFFER, "about # GiB stays unused",
     "round(region_size(SHMIPC_BLOCKS_MAX) / GIB, 1)"),
    (BUFFER, "equal modulo #,", "SHMIPC_ALIGN"),
    (CHANNEL, "equal modulo #,", "SHMIPC_ALIGN"),
    (BUFFER, "(up to #, the limit of any entry)", "SHMIPC_ENTRY_MAX"),
    (CHANNEL, "(up to #, the limit of any entry)", "SHMIPC_ENTRY_MAX"),
    (BUFFER, "capacity / # entries of up to # bytes", "IPC_BUFFER_BLOCK_SIZE",
     "SHMIPC_BLOCK"),
    (CHANNEL, "capacity / # entries of up to # bytes", "IPC_BUFFER_BLOCK_SIZE",
     "SHMIPC_BLOCK"),
    (BUFFER, "not a multiple of #", "SHMIPC_ARRAY_ALIGN"),
    (CHANNEL, "not a multiple of #", "SHMIPC_ARRAY_ALIGN"),
    ("include/shmipc/ipc_acknowledge.h", "not a multiple of #",
     "SHMIPC_ARRAY_ALIGN"),
    ("include/shmipc/ipc_common.h", "a multiple of #, always",
     "SHMIPC_ARRAY_ALIGN"),
    ("include/shmipc/ipc_common.h", "aligned to #", "SHMIPC_BLOCK"),

    # Words and their bits.
    (LAYOUT, "Position, # bit", "POSITION_BITS"),
    (LAYOUT, "laps never run out: # blocks", "1 << POSITION_BITS - 1"),
    (LAYOUT, "A new region begins in lap #", "1"),
    (LAYOUT, "Tail, # bit", "bits(SHMIPC_TAIL_CLOSED)"),
    (LAYOUT, "Head, # bit: item:# | position:#", "64", "64 - POSITION_BITS",
     "POSITION_BITS"),
    (LAYOUT, "Control word, # bit: tag:# | value:# | state:#", "64",
     "64 - TAG_SHIFT", "TAG_SHIFT - VALUE_SHIFT", "VALUE_SHIFT"),
    ("lib/ring/hold.h", "SHMIPC_RENEWAL_LAPS + # laps", "1"),
    (LAYOUT, "Holder, # bit: tag:# | owner:# | state:#", "64",
     "64 - TAG_SHIFT", "TAG_SHIFT - VALUE_SHIFT", "VALUE_SHIFT"),
    (LAYOUT, "Array, # bit: size:# | count - #:#", "bits(CONTROL_VALUE_MAX)",
     "bits(SHMIPC_ARRAY_ENTRY_MAX)", "1", "ARRAY_SHIFT"),
    (LAYOUT, "each at a multiple of # bytes", "SHMIPC_ARRAY_ALIGN"),
    (LAYOUT, "Owner, # bit: slot:# | generation:#", "TAG_SHIFT - VALUE_SHIFT",
     "SLOT_BITS", "bits(GENERATION_MASK)"),
    (PROTOCOL, "A position has # bits, and positions only grow: # blocks pass "
     "before one comes again, # years at", "POSITION_BITS",
     "1 << POSITION_BITS - 1", "int((1 << POSITION_BITS - 1) / YEAR_NS)"),
    (PROTOCOL, "A word has # bits of the lap", "64 - TAG_SHIFT"),
    (PROTOCOL, "comes again after # laps", "1 << 64 - TAG_SHIFT"),
    (PROTOCOL, "# laps, less a few", "1 << 64 - TAG_SHIFT"),
    (PROTOCOL, "So # bits of the lap suffice", "64 - TAG_SHIFT"),
    (DESIGN, "One #-bit control word per block", "CONTROL_WORD * 8"),
    (DESIGN, "the upper # bits of head", "64 - POSITION_BITS"),
    (DESIGN, "position of # bits | of #, the rest counts items | # blocks "
     "pass before laps run out, at a block each nanosecond # years", "64",
     "POSITION_BITS", "1 << POSITION_BITS - 1",
     "int((1 << POSITION_BITS - 1) / YEAR_NS)"),
    (DESIGN, "a multiple of # |", "SHMIPC_RENEWAL_LAPS"),
    (DESIGN, "one of the # before its own", "SHMIPC_RENEWAL_LAPS + 1"),
    (DESIGN, "for longer than # laps", "SHMIPC_RENEWAL_LAPS + 1"),
    (DESIGN, "What remains of the #-bit tag", "64 - TAG_SHIFT"),
    (DESIGN, "for # laps less a few", "1 << 64 - TAG_SHIFT"),
    (DESIGN, "such a word can be # laps old", "1 << 64 - TAG_SHIFT"),
    (DESIGN, "(two-block entries in a ring of two: # s)",
     "int(laps_take(1))"),

    # Arrays.
    (BATCH, "(# of # bytes in # bytes of the buffer)",
     "SHMIPC_BLOCK // SHMIPC_ARRAY_ALIGN", "SHMIPC_ARRAY_ALIGN",
     "SHMIPC_BLOCK"),
    (BATCH, "multiples of # bytes", "SHMIPC_ARRAY_ALIGN"),
    (BATCH, "Up to # at a time share a claim", "SHMIPC_ARRAY_MAX"),
    ("include/shmipc/cpp/in_place.hpp", "or to # if it was written in an array",
     "SHMIPC_ARRAY_ALIGN"),
    ("include/shmipc/cpp/typed.hpp", "their size, rounded up to #,",
     "SHMIPC_ARRAY_ALIGN"),
    (DESIGN, "# of # bytes lie in one line",
     "SHMIPC_BLOCK // SHMIPC_ARRAY_ALIGN", "SHMIPC_ARRAY_ALIGN"),

    # What can be counted.
    ("NEWS.md", "# ways of waiting", "IPC_WAIT_WATCHED"),
    (CHANNEL_TYPES, "wakes them # times a second", "SECOND / WAIT_ROUSE_NS"),
    (CHANNEL_TYPES, "not to last longer than # ms", "WAIT_CAP_NS / MS"),
    (DESIGN, "entries of # byte to", "1"),
    (DESIGN, "with a # KiB ring a day and more",
     "64 if laps_take(blocks_in(64 * 1024)) > 24 * 3600 else 'not so'"),
    ("CONTRIBUTING.md", "# spaces, # columns", "INDENT", "COLUMNS"),
    ("CONTRIBUTING.md", "files under about # lines",
     "600 if longest_file() <= 600 else longest_file()"),

    # Versions.
    ("README.md", "Needs Meson #, gcc 12 or clang 14, and Criterion #",
     "MESON", "CRITERION"),
    ("README.md", "liburing (#)", "LIBURING"),
    ("lib/wait/uring.h", "liburing #", "LIBURING"),
)

UNIT = r"(?!\s*(?:[num]?s|B|bytes?|[KMG]iB|bits?|%|years?|laps?|times)\b)"

# (file, pattern of text whose numbers are left alone); why is said above it.
EXEMPTIONS = (
    # Nothing, one, a flag, or what a system call returns: as such they are no
    # sizes of anything.
    (ANY, r"(?<![\w.^|/])(?:0|1|-1)(?![\w^|/%]|\.\d)" + UNIT),
    # When a function came. Versions before the first release are all the same.
    (ANY, r"Since \d+\.\d+\.\d+"),
    # Of releases: tests/headers/check_version.py looks at the newest.
    ("NEWS.md", r"\n## \d+\.\d+\.\d+ \([^)]*\)"),
    # Kinds of machine and what Linux calls its types.
    ("lib/wait/futex.c", r"\b(?:32|64)-bit\b"),
    ("NEWS.md", r"On 32 bits timeouts"),
    ("docs/abi.md", r"before 1\.0"),
    (DESIGN, r"## Time on 32 bits.*?built with 64 bits"),
    ("lib/channel/time32.c", r"for 32-bit.*?built with 64;"),
    (CHANNEL_TYPES, r"A program for 32-bit glibc.*?those of 64 bits"),
    # Kernels, compilers, systems and standards: not ours to choose.
    (ANY, r"\bLinux\s+\d+\.\d+|\bkernels? (?:headers )?before \d+\.\d+"),
    ("lib/wait/uring.h", r"before 6\.7"),
    ("lib/channel/uring_api.c", r"liburing 2\.8, but not from 2\.9"),
    (DESIGN, r"as tried on 6\.18"),
    ("README.md", r"gcc 12 or clang 14|Debian 12|\bC\+\+17\b"),
    ("CONTRIBUTING.md", r"C99 to C23 and C\+\+11 to C\+\+23|version 14 of these|"
     r"in C\+\+17, C\+\+20 and C\+\+23"),
    ("include/shmipc/ipc.hpp", r"\bC\+\+17\b"),
    # Sample code, and how wide a time_t can be.
    ("include/shmipc/cpp/timeout.hpp",
     r"read_for\(100ms\)|fit into 64 bits.*?of 32\."),
    ("include/shmipc/cpp/typed.hpp", r"\{42, 99\.5\}"),
    ("include/shmipc/cpp/waitset.hpp", r"ready\[16\].*?ready, 16"),
    ("include/shmipc/cpp/client.hpp", r"call_for\(\"ACME\", 1s\)"),
    ("docs/migration.md", r"\bC(?:\+\+)?\d\d\b"),
    (CHANNEL_TYPES, r"\bC\+\+\d\d\b"),
    (DESIGN, r"\bC\+\+23\b"),
    # Sample code, and malloc's alignment.
    (SERVICE, r'"ACME", 4,|Aligned to 16\.'),
    # Sections of the manual.
    ("README.md", r"\bman 7 shmipc"),
    ("NEWS.md", r"in section 3, and\s+shmipc\(7\)"),
    # As in <shmipc/ipc_open.h>.
    (SERVICE, r"\b0600\b"),
    # Sample code: tests/headers/matrix.sh compiles it.
    ("docs/migration.md", r"IPC_CHANNEL_CONFIGURATION\(128, 1000, 100000\)|"
     r"\.max_round_trips = 128"),
    (CHANNEL_TYPES, r"`\.max_round_trips = 128`"),
    # Measured once, before there was a bound.
    (DESIGN, r"an 18 MiB ring kept a read of 10 ms for 130 ms"),
    # Permission bits: tests/unit/test_segment_access.c looks at them.
    ("include/shmipc/ipc_mmap.h", r"\b0(?:600|777)\b"),
    ("include/shmipc/ipc_open.h", r"\b0(?:600|777)\b"),
    # Sample code: compiled and run by suite `examples`.
    ("README.md", r"```c\n.*?```"),
    ("docs/guide.md", r"```c\n.*?```\n\n```text\n.*?```"),
    ("docs/patterns.md", r"```c\n.*?```\n\n```text\n.*?```"),
    (CHANNEL, r"uint8_t mem\[1024\];.*?created ="),
    ("include/shmipc/ipc_share.h", r'shm_open\("name", O_RDWR, 0\)'),
    # Sections of manuals.
    ("README.md", r"man \d \w+"),
    ("NEWS.md", r"in section 3|shmipc\(7\)"),
    # Larger runs that somebody may ask for, and how long one took.
    ("CONTRIBUTING.md", r"killed-test -n 4000.*?missed or\s+doubled\)"),
    # What the maintainer's machine measured, with its unit: the tables of
    # docs/benchmarks/ are the source.
    # Of the README's a test of bench/ says that they are those.
    ("README.md", r"<!-- Figures: .*?<!-- End of the figures"),
    (DESIGN, r"55 to 190 ns one way.*?5\s+ns\)"),
    (DESIGN, r"4 against 28 to 54 million messages/s"),
    (DESIGN, r"reached 0\.2 to 0\.4 of .*?1\.2 to 1\.9 times"),
    (DESIGN, r"It costs 5 ns on"),
    (DESIGN, r"from 1\.58 to 1\.14 of a bare|costs 1\.16 of one"),
    (DESIGN, r"alone: 1\.54 -> 1\.28|3\.5 and 3\.1 us a wake on one CPU,\s+"
     r"where the word takes 2\.2"),
    (DESIGN, r"\(1\.26 instead of 1\.14\s+times|6\.1 times as much for 128 "
     r"channels|once in vain: 1\.17 times|blocked read 5\.3, a set.*?took 9500"
     r"|set of\s+1000 would look 10000"),
    (DESIGN, r"answers after 0, 1.*?2\.7 and 10\.|takes\s+28 us.*?are 270|"
     r"moves 3\.0 to 4\.8.*?8 million a second"),
    # What was counted once: lines of code then, instructions by callgrind.
    (DESIGN, r"some 800 of the .*?about 120 came back"),
    (DESIGN, r"a wake on one CPU 1\.54 -> 1\.28|64 bytes written\s+"
     r"to a channel.*?476 without it"),
    ("lib/buffer/pace.c", r"pauses: 2 to 8 us"),
    ("lib/wait/wait.h", r"costs 1\.29 of a bare futex\s+.*?1\.54"),
    # Stops of a walk, which are counted there.
    ("docs/architecture.md", r"\| \d+ \| `"),
    ("docs/architecture.md", r"goes on to 2|Stops 1 to 7|stops? \d+"),
    # The design that was given up: it has no code.
    (DESIGN, r"\| position = 32 bits.*?20 M/s"),
    # Lists and what counts pieces of a formula.
    (DESIGN, r"(?m)^\d\. |\bfact 2\b"),
    ("lib/ring/position.h", r"\b2\^index_bits"),
    (PROTOCOL, r"SHMIPC_RENEWAL_LAPS\s+\+\s+1"),
    # A worked example: four blocks, laps 7 to 9.
    (PROTOCOL, r"ONE LAP, BY EXAMPLE.*?renewal is for"),
    (PROTOCOL, r"n = 5\b"),
)
