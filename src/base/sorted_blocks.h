// A set of small values in their order, side by side in blocks: for indices of very many entries. An entry costs up to twice its
// own size; a node of std::set has 48 octets more.
#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <iterator>
#include <vector>

namespace cygnet::inline base {

template <class Value, std::size_t block_values = 64>
class SortedBlocks {
    using Block = std::vector<Value>;  // never empty, sorted

public:
    class Iterator {
    public:
        using value_type = Value;
        using difference_type = std::ptrdiff_t;
        Iterator() = default;
        const Value& operator*() const { return (*blocks_)[block_][place_]; }
        const Value* operator->() const { return &**this; }
        Iterator& operator++() {
            if (++place_ == (*blocks_)[block_].size()) {
                ++block_;
                place_ = 0;
            }
            return *this;
        }
        Iterator operator++(int) {
            Iterator before = *this;
            ++*this;
            return before;
        }
        bool operator==(const Iterator&) const = default;

    private:
        friend SortedBlocks;
        Iterator(const std::vector<Block>* blocks, std::size_t block, std::size_t place)
            : blocks_(blocks), block_(block), place_(place) {}
        const std::vector<Block>* blocks_ = nullptr;
        std::size_t block_ = 0, place_ = 0;
    };

    // Iterators are good until the next change.
    Iterator begin() const { return {&blocks_, 0, 0}; }
    Iterator end() const { return {&blocks_, blocks_.size(), 0}; }
    // The first value that is not less.
    Iterator lower_bound(const Value& value) const {
        const std::size_t block = block_of(value);
        if (block == blocks_.size()) return end();
        return {&blocks_, block, place_in(blocks_[block], value)};
    }
    bool contains(const Value& value) const {
        const Iterator found = lower_bound(value);
        return found != end() && *found == value;
    }
    bool empty() const { return blocks_.empty(); }
    std::size_t size() const { return size_; }

    // False if it was there before.
    bool insert(const Value& value) {
        std::size_t at = block_of(value);
        // What comes after all others fills blocks one after the other.
        if (at == blocks_.size() && (at == 0 || blocks_.back().size() == block_values)) {
            blocks_.push_back({value});
            ++size_;
            return true;
        }
        at = std::min(at, blocks_.size() - 1);
        std::size_t place = place_in(blocks_[at], value);
        if (place < blocks_[at].size() && blocks_[at][place] == value) return false;
        if (blocks_[at].size() == block_values) {
            split(at);
            if (place > blocks_[at].size()) place -= blocks_[at++].size();
        }
        blocks_[at].insert(blocks_[at].begin() + static_cast<std::ptrdiff_t>(place), value);
        ++size_;
        return true;
    }
    // False if it was not there.
    bool erase(const Value& value) {
        const Iterator found = lower_bound(value);
        if (found == end() || *found != value) return false;
        blocks_[found.block_].erase(blocks_[found.block_].begin() + static_cast<std::ptrdiff_t>(found.place_));
        --size_;
        if (blocks_[found.block_].empty())
            blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(found.block_));
        else
            join(found.block_ == 0 ? 0 : found.block_ - 1);
        return true;
    }

private:
    // The first block whose last value is not less.
    std::size_t block_of(const Value& value) const {
        return static_cast<std::size_t>(
            std::ranges::lower_bound(blocks_, value, {}, [](const Block& block) -> const Value& { return block.back(); }) -
            blocks_.begin());
    }
    static std::size_t place_in(const Block& block, const Value& value) {
        return static_cast<std::size_t>(std::ranges::lower_bound(block, value) - block.begin());
    }
    void split(std::size_t at) {
        Block upper;
        upper.reserve(block_values);
        const auto middle = blocks_[at].begin() + block_values / 2;
        upper.assign(middle, blocks_[at].end());
        blocks_[at].erase(middle, blocks_[at].end());
        blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
    }
    // Two neighbours that would fill half a block become one.
    void join(std::size_t at) {
        if (at + 1 >= blocks_.size() || blocks_[at].size() + blocks_[at + 1].size() > block_values / 2) return;
        blocks_[at].insert(blocks_[at].end(), blocks_[at + 1].begin(), blocks_[at + 1].end());
        blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }

    std::vector<Block> blocks_;  // in their order
    std::size_t size_ = 0;
};

}  // namespace cygnet::inline base
