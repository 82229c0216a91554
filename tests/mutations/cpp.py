# SPDX-License-Identifier: MIT
"""Mistakes in the C++ headers. Each names the tests that fail with it."""
from mutation import Mutation

CH = "cpp/channels, buffers and segments in C++"
GU = "cpp/guards in C++"
ER = "cpp/errors and timeouts in C++"
TY = "cpp/typed channels in C++"
SU = "cpp/subscribers in C++"

MUTATIONS = [
    # ------------------------------------------------------------------ guards
    Mutation(
        name="a guard consumes though an exception unwinds",
        file="in_place.hpp",
        tests=[GU],
        edits=[("if (handle_ && std::uncaught_exceptions() <= unwinding_)",
                "if (handle_)")]),
    Mutation(
        name="a guard that moves forgets what was unwinding",
        file="in_place.hpp",
        tests=[GU],
        edits=[("unwinding_(other.unwinding_)",
                "unwinding_(0)")]),
    Mutation(
        name="a guard does not know what was unwinding", file="in_place.hpp",
        tests=[GU],
        edits=[("int unwinding_ = std::uncaught_exceptions();",
                "int unwinding_ = 0;")]),
    Mutation(
        name="a guard that is assigned forgets what was unwinding",
        file="in_place.hpp",
        tests=[GU],
        edits=[("std::swap(unwinding_, old.unwinding_);",
                "")]),
    Mutation(
        name="take says mine of another's entry", file="in_place.hpp",
        tests=[GU],
        edits=[("if (r.ipc_status == IPC_OK) return true;",
                "return true;")]),
    Mutation(
        name="take calls it an error that somebody was faster",
        file="in_place.hpp",
        tests=[GU],
        edits=[("r.ipc_status != IPC_ERR_OFFSET_MISMATCH &&",
                "")]),
    Mutation(
        name="an entry that is left is consumed", file="in_place.hpp",
        tests=[GU],
        edits=[("void leave() noexcept { handle_ = nullptr;",
                "void leave() noexcept {")]),
    Mutation(
        name="a reservation is not given back", file="in_place.hpp",
        tests=[GU],
        edits=[("~BasicReservation() { abort(); }",
                "~BasicReservation() { }")]),
    Mutation(
        name="a commit that failed gives the reservation up",
        file="in_place.hpp",
        tests=[GU],
        edits=[("if (r.ipc_status == IPC_OK) forget(); else report(r);",
                "forget(); if (r.ipc_status != IPC_OK) report(r);")]),
    Mutation(
        name="a reservation that moves loses its space", file="in_place.hpp",
        tests=[GU],
        edits=[("space_(std::exchange(other.space_, IpcReservation{}))",
                "space_()")]),
    # ----------------------------------------------------------------- handles
    Mutation(
        name="a channel that is assigned to is not released",
        file="channel.hpp",
        tests=[CH],
        edits=[("Channel &operator=(Channel &&) noexcept = default;",
                "Channel &operator=(Channel &&other) noexcept { "
                "(void)handle_.release(); handle_.reset(other.release()); "
                "return *this; }")]),
    Mutation(
        name="a channel is not released", file="error.hpp",
        tests=[CH],
        edits=[("[[maybe_unused]] const auto r = Function(handle);",
                "(void)handle;")]),
    Mutation(
        name="a released channel keeps its handle", file="channel.hpp",
        tests=[CH],
        edits=[("return handle_.release();", "return handle_.get();")]),
    Mutation(
        name="a read with a code does not wait", file="channel.hpp",
        tests=[CH],
        edits=[("return read_by(nullptr, detail::Assign(error));",
                "return try_read_by(detail::Assign(error));")]),
    Mutation(
        name="a read does not wait", file="channel.hpp",
        tests=[CH],
        edits=[("return read_by(nullptr, detail::Raise());",
                "return try_read_by(detail::Raise());")]),
    Mutation(
        name="a read with a code and a timeout waits for ever",
        file="channel.hpp",
        tests=[CH],
        edits=[("return read_by(timeout.get(), detail::Assign(error));",
                "return read_by(nullptr, detail::Assign(error));")]),
    Mutation(
        name="a peek with a code does not wait", file="channel.hpp",
        tests=[CH],
        edits=[("return peek_by(nullptr, detail::Assign(error));",
                "return try_peek_by(detail::Assign(error));")]),
    Mutation(
        name="a peek with a timeout does not wait", file="channel.hpp",
        tests=[CH],
        edits=[("return peek_by(timeout.get(), detail::Raise());",
                "return try_peek_by(detail::Raise());")]),
    Mutation(
        name="a write does not wait", file="channel_calls.hpp",
        tests=[CH],
        edits=[("written(ipc_channel_write_blocking(",
                "written(ipc_channel_write(")]),
    Mutation(
        name="every channel was created here", file="channel.hpp",
        tests=[CH],
        edits=[("return ipc_channel_created(handle_.get());",
                "return true;")]),
    Mutation(
        name="every handle was interrupted", file="channel.hpp",
        tests=[CH],
        edits=[("return r.ipc_status == IPC_OK && r.result;",
                "return r.ipc_status == IPC_OK;")]),
    Mutation(
        name="a segment that moves keeps its name", file="segment.hpp",
        tests=[CH],
        edits=[("unlink_(std::exchange(other.unlink_, false))",
                "unlink_(false)")]),
    Mutation(
        name="a segment keeps its name", file="segment.hpp",
        tests=[CH],
        edits=[("unlink_ = true;",
                "")]),
    Mutation(
        name="a waitset waits though it was told not to", file="waitset.hpp",
        tests=[CH],
        edits=[("return wait_by(ready, room, &zero, detail::Raise());",
                "return wait_by(ready, room, nullptr, detail::Raise());")]),
    Mutation(
        name="a waitset forgets the user's pointer", file="waitset.hpp",
        tests=[CH],
        edits=[("succeed(ipc_waitset_add(set_.get(), channel.get(), user), "
                "detail::Raise());",
                "succeed(ipc_waitset_add(set_.get(), channel.get(), nullptr), "
                "detail::Raise());")]),
    Mutation(
        name="a shared channel is left twice", file="shared.hpp",
        tests=[CH],
        edits=[("shared_(std::exchange(other.shared_, IpcSharedChannel{}))",
                "shared_(other.shared_)")]),
    # --------------------------------------------------- what is given and got
    Mutation(
        name="a closed channel is an error of reads", file="bytes.hpp",
        tests=[CH],
        edits=[("status == IPC_ERR_INTERRUPTED || status == IPC_ERR_CLOSED;",
                "status == IPC_ERR_INTERRUPTED;")]),
    Mutation(
        name="an interrupt is an error of reads", file="bytes.hpp",
        tests=[CH],
        edits=[("status == IPC_ERR_INTERRUPTED || status == IPC_ERR_CLOSED;",
                "status == IPC_ERR_CLOSED;")]),
    Mutation(
        name="a closed channel is none of writes", file="bytes.hpp",
        tests=[CH],
        edits=[("status == IPC_ERR_NO_SPACE_CONTIGUOUS ||",
                "status == IPC_ERR_NO_SPACE_CONTIGUOUS || status == "
                "IPC_ERR_CLOSED ||")]),
    Mutation(
        name="bytes are counted in elements", file="bytes.hpp",
        tests=[CH],
        edits=[("size_(std::size(piece) * sizeof(detail::ElementOf<const C>))",
                "size_(std::size(piece))")]),
    Mutation(
        name="memory is counted in elements", file="bytes.hpp",
        tests=[CH],
        edits=[("size_(std::size(piece) * sizeof(detail::ElementOf<C>))",
                "size_(std::size(piece))")]),
    Mutation(
        name="a smaller message is a T", file="bytes.hpp",
        tests=[CH],
        edits=[("if (status_ == IPC_OK && size_ != sizeof(T))",
                "if (status_ == IPC_OK && size_ < sizeof(T))")]),
    # -------------------------------------------------------- errors and times
    Mutation(
        name="a negative time is one", file="timeout.hpp",
        tests=[ER],
        edits=[("if (!(rough.count() > 0)) return;",
                "")]),
    Mutation(
        name="a part of a nanosecond is none", file="timeout.hpp",
        tests=[ER],
        edits=[("std::chrono::ceil<nanoseconds>(timeout - whole)",
                "std::chrono::floor<nanoseconds>(timeout - whole)")]),
    Mutation(
        name="nanoseconds that make a second are lost", file="timeout.hpp",
        tests=[ER],
        edits=[("time_.tv_sec++;",
                "")]),
    Mutation(
        name="a time that is too long overflows", file="timeout.hpp",
        tests=[ER],
        edits=[("rough.count() >= static_cast<double>(longest)",
                "rough.count() > 1e300")]),
    Mutation(
        name="an error code is not cleared", file="error.hpp",
        tests=[ER],
        edits=[("error_.clear();",
                "")]),
    Mutation(
        name="errno is not told", file="error.hpp",
        tests=[ER],
        edits=[("status == IPC_ERR_SYSTEM && sys_errno != 0",
                "false")]),
    Mutation(
        name="what the call said is not told", file="error.hpp",
        tests=[ER],
        edits=[("failure.detail = r.error.detail;",
                "")]),
    Mutation(
        name="the size that is needed is not told", file="error.hpp",
        tests=[CH],
        edits=[("failure.required_size = size_of(r.error.body, 0);",
                "")]),
    Mutation(
        name="an error has no status", file="error.hpp",
        tests=[ER],
        edits=[("status_(failure.status)",
                "status_(IPC_OK)")]),
    # ------------------------------------------------------------------- types
    Mutation(
        name="a larger entry is a T", file="typed.hpp",
        tests=[TY],
        edits=[("!entry || entry.size() == sizeof(T)",
                "!entry || entry.size() >= sizeof(T)")]),
    Mutation(
        name="an entry of another size is consumed", file="typed.hpp",
        tests=[TY],
        edits=[("entry.leave(); report(failure);",
                "report(failure);")]),
    Mutation(
        name="what the peek said is cleared", file="typed.hpp",
        tests=[TY],
        edits=[("if (!entry) return TypedEntry<T>(std::move(entry)); return "
                "peeked_by",
                "return peeked_by")]),
    Mutation(
        name="a mismatch has no size", file="typed.hpp",
        tests=[TY],
        edits=[("0, entry.size()};",
                "0, 0};")]),
    # ------------------------------------------------------------- subscribers
    Mutation(
        name="who is to begin at the oldest begins now", file="subscribe.hpp",
        tests=[SU],
        edits=[("subscription.from = from;",
                "subscription.from = IPC_SUBSCRIBE_FROM_NOW;")]),
    Mutation(
        name="the list has no room but says so", file="subscribe.hpp",
        tests=[SU],
        edits=[("r.result > found.room_",
                "r.result > found.room_ + 1")]),
    Mutation(
        name="the slowest is the one that is ahead", file="subscribe.hpp",
        tests=[SU],
        edits=[("one.lag > found->lag",
                "one.lag < found->lag")]),
    Mutation(
        name="a subscription that failed is not told", file="subscribe.hpp",
        tests=[SU],
        edits=[("const auto r = detail::subscribe(handle(), &how); if "
                "(r.ipc_status != IPC_OK) report(r);",
                "const auto r = detail::subscribe(handle(), &how); "
                "(void)report; (void)r;")]),
    Mutation(
        name="nobody says how much a subscriber lost", file="error.hpp",
        tests=[SU],
        edits=[("failure.lost = lost_of(r.error.body, 0);",
                "")]),
]
