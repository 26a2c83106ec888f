// Bounded cursors over octets: the only way that a parser reads and a writer writes.
#pragma once

#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::inline base {

// Reads big-endian integers and views from the front of a span. Every read either
// succeeds whole or fails with Errc::truncated and consumes nothing.
class Reader {
public:
    explicit Reader(ByteView data) : data_(data) {}

    std::size_t left() const { return data_.size(); }
    bool empty() const { return data_.empty(); }

    template <class T>
    Result<T> integer(const char* where) {
        if (data_.size() < sizeof(T)) return fail(Errc::truncated, where);
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(T); ++i) value = value << 8 | data_[i];
        data_ = data_.subspan(sizeof(T));
        return static_cast<T>(value);
    }
    Result<std::uint8_t> u8(const char* where) { return integer<std::uint8_t>(where); }
    Result<std::uint16_t> u16(const char* where) { return integer<std::uint16_t>(where); }
    Result<std::uint32_t> u32(const char* where) { return integer<std::uint32_t>(where); }
    Result<std::uint64_t> u64(const char* where) { return integer<std::uint64_t>(where); }

    Result<ByteView> take(std::size_t size, const char* where) {
        if (data_.size() < size) return fail(Errc::truncated, where);
        const ByteView part = data_.first(size);
        data_ = data_.subspan(size);
        return part;
    }
    // All that is left; never fails.
    ByteView rest() {
        const ByteView part = data_;
        data_ = {};
        return part;
    }
    // Fails unless everything was read.
    Result<> finish(const char* where) const {
        if (!data_.empty()) return fail(Errc::trailing, where);
        return {};
    }

private:
    ByteView data_;
};

// Appends big-endian integers and octets to a buffer of its owner.
class Writer {
public:
    explicit Writer(Bytes& out) : out_(out) {}

    std::size_t size() const { return out_.size(); }

    template <class T>
    void integer(T value) {
        // A vector by itself would grow to one octet, to two, to four.
        if (out_.capacity() - out_.size() < sizeof(T)) out_.reserve(2 * out_.capacity() + 16);
        for (std::size_t i = sizeof(T); i-- > 0;)
            out_.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(value) >> (8 * i)));
    }
    void u8(std::uint8_t value) { integer(value); }
    void u16(std::uint16_t value) { integer(value); }
    void u32(std::uint32_t value) { integer(value); }
    void u64(std::uint64_t value) { integer(value); }
    void bytes(ByteView part) { out_.insert(out_.end(), part.begin(), part.end()); }
    void zeros(std::size_t count) { out_.resize(out_.size() + count); }

    // Overwrites two or four octets written earlier: lengths known only at the end.
    void patch_u16(std::size_t at, std::uint16_t value) {
        out_.at(at) = static_cast<std::uint8_t>(value >> 8);
        out_.at(at + 1) = static_cast<std::uint8_t>(value);
    }
    void patch_u32(std::size_t at, std::uint32_t value) {
        patch_u16(at, static_cast<std::uint16_t>(value >> 16));
        patch_u16(at + 2, static_cast<std::uint16_t>(value));
    }

private:
    Bytes& out_;
};

}  // namespace cygnet::inline base
