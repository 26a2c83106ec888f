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
    struct Block {
        std::vector<Value> values;  // never empty, sorted
        Value last;  // of them. A search looks at these alone, which lie together, before it looks into a block
    };

public:
    class Iterator {
    public:
        using value_type = Value;
        using difference_type = std::ptrdiff_t;
        Iterator() = default;
        const Value& operator*() const { return (*blocks_)[block_].values[place_]; }
        const Value* operator->() const { return &**this; }
        Iterator& operator++() {
            if (++place_ == (*blocks_)[block_].values.size()) {
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
        if (at == blocks_.size() && (at == 0 || blocks_.back().values.size() == block_values)) {
            blocks_.push_back({{value}, value});
            ++size_;
            return true;
        }
        at = std::min(at, blocks_.size() - 1);
        std::size_t place = place_in(blocks_[at], value);
        if (place < blocks_[at].values.size() && blocks_[at].values[place] == value) return false;
        if (blocks_[at].values.size() == block_values) {
            split(at);
            if (place > blocks_[at].values.size()) place -= blocks_[at++].values.size();
        }
        Block& block = blocks_[at];
        block.values.insert(block.values.begin() + static_cast<std::ptrdiff_t>(place), value);
        block.last = block.values.back();
        ++size_;
        return true;
    }
    // False if it was not there.
    bool erase(const Value& value) {
        const Iterator found = lower_bound(value);
        if (found == end() || *found != value) return false;
        Block& block = blocks_[found.block_];
        block.values.erase(block.values.begin() + static_cast<std::ptrdiff_t>(found.place_));
        --size_;
        if (block.values.empty()) {
            blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(found.block_));
        } else {
            block.last = block.values.back();
            join(found.block_ == 0 ? 0 : found.block_ - 1);
        }
        return true;
    }

private:
    // The first block whose last value is not less.
    std::size_t block_of(const Value& value) const {
        return static_cast<std::size_t>(std::ranges::lower_bound(blocks_, value, {}, &Block::last) - blocks_.begin());
    }
    static std::size_t place_in(const Block& block, const Value& value) {
        return static_cast<std::size_t>(std::ranges::lower_bound(block.values, value) - block.values.begin());
    }
    void split(std::size_t at) {
        Block& lower = blocks_[at];
        Block upper{.values = {}, .last = lower.last};
        upper.values.reserve(block_values);
        const auto middle = lower.values.begin() + block_values / 2;
        upper.values.assign(middle, lower.values.end());
        lower.values.erase(middle, lower.values.end());
        lower.last = lower.values.back();
        blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1, std::move(upper));
    }
    // Two neighbours that would fill half a block become one.
    void join(std::size_t at) {
        if (at + 1 >= blocks_.size()) return;
        Block &lower = blocks_[at], &upper = blocks_[at + 1];
        if (lower.values.size() + upper.values.size() > block_values / 2) return;
        lower.values.insert(lower.values.end(), upper.values.begin(), upper.values.end());
        lower.last = upper.last;
        blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }

    std::vector<Block> blocks_;  // in their order
    std::size_t size_ = 0;
};

}  // namespace cygnet::inline base
