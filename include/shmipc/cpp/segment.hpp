/* SPDX-License-Identifier: MIT */
/*
 * libshmipc for C++: named shared memory, see ipc_mmap.h.
 */
#ifndef SHMIPC_CPP_SEGMENT_HPP
#define SHMIPC_CPP_SEGMENT_HPP

#include <shmipc/cpp/error.hpp>
#include <shmipc/ipc_mmap.h>

#include <cstddef>
#include <cstdint>
#include <utility>

namespace shmipc
{

/**
 * A segment that is mapped while this lives; move only. It has to outlive the
 * channels and buffers in it: declare it before them. The name stays when it
 * goes, unless unlink_at_end() was called. Any thread may look at it, one at a
 * time may change it. Since 0.1.0.
 */
class Segment
{
  public:
    /** None. */
    Segment() noexcept = default;

    /** Takes over what ipc_mmap made. */
    explicit Segment(IpcMemorySegment *segment) noexcept : segment_(segment)
    {
    }

    Segment(Segment &&other) noexcept
        : segment_(std::exchange(other.segment_, nullptr)),
          unlink_(std::exchange(other.unlink_, false))
    {
    }

    Segment &operator=(Segment &&other) noexcept
    {
        Segment old(std::move(other));

        std::swap(segment_, old.segment_);
        std::swap(unlink_, old.unlink_);
        return *this;
    }

    ~Segment()
    {
        if (segment_ && unlink_) {
            [[maybe_unused]] const auto r = ipc_unlink(segment_);
        } else if (segment_) {
            [[maybe_unused]] const auto r = ipc_unmap(segment_);
        }
    }

#if defined(__cpp_exceptions)
    /**
     * Creates the segment `name` of `size` bytes, or opens the one that exists,
     * and maps it; statuses as ipc_mmap_with_options. `options` may be nullptr.
     * Blocks as file operations do. Since 0.1.0.
     */
    static Segment open(const char *name, std::uint64_t size,
                        const IpcMmapOptions *options = nullptr)
    {
        return open_by(name, size, options, detail::Raise());
    }

    /**
     * Removes the name and unmaps, as ipc_unlink, whose statuses it has; no
     * handle may use the memory any more. It lasts until the last process has
     * unmapped it. Since 0.1.0.
     */
    void unlink()
    {
        unlink_by(detail::Raise());
    }
#endif

    static Segment open(const char *name, std::uint64_t size,
                        const IpcMmapOptions *options,
                        std::error_code &error) noexcept
    {
        return open_by(name, size, options, detail::Assign(error));
    }

    static Segment open(const char *name, std::uint64_t size,
                        std::error_code &error) noexcept
    {
        return open(name, size, nullptr, error);
    }

    void unlink(std::error_code &error) noexcept
    {
        unlink_by(detail::Assign(error));
    }

    /** The name is to be removed when this goes, after the handles that were
     * declared behind it. Since 0.1.0. */
    void unlink_at_end() noexcept
    {
        unlink_ = true;
    }

    explicit operator bool() const noexcept
    {
        return segment_ != nullptr;
    }

    /** The memory and how many bytes of it there are; nullptr and 0 if there is
     * no segment. */
    std::byte *data() const noexcept
    {
        return segment_ ? static_cast<std::byte *>(segment_->memory) : nullptr;
    }

    std::size_t size() const noexcept
    {
        return segment_ ? static_cast<std::size_t>(segment_->size) : 0;
    }

    /** nullptr if there is no segment. */
    const char *name() const noexcept
    {
        return segment_ ? segment_->name : nullptr;
    }

    /** For calls of C; still this object's. */
    IpcMemorySegment *get() const noexcept
    {
        return segment_;
    }

    /** Gives it up, to be given to ipc_unmap or ipc_unlink. */
    IpcMemorySegment *release() noexcept
    {
        unlink_ = false;
        return std::exchange(segment_, nullptr);
    }

  private:
    template <class Report>
    static Segment open_by(const char *name, std::uint64_t size,
                           const IpcMmapOptions *options, Report report)
    {
        const auto r = ipc_mmap_with_options(name, size, options);

        if (r.ipc_status == IPC_OK)
            return Segment(r.result);
        report(r);
        return Segment();
    }

    template <class Report> void unlink_by(Report report)
    {
        const auto r = ipc_unlink(segment_);

        if (r.ipc_status == IPC_OK)
            release();
        else
            report(r);
    }

    IpcMemorySegment *segment_ = nullptr;
    bool unlink_ = false;
};

} // namespace shmipc

#endif
