#include "dataplane/checksum.h"

#include <cstring>

#include "base/big_endian.h"

namespace cygnet::dataplane {
namespace {

// One clone for wide vectors, chosen when the program starts; sanitizers do not bear such choices.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
#define FOR_WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_VECTORS
#endif

using Lanes = std::uint64_t __attribute__((vector_size(32)));
constexpr std::size_t block_size = 2 * sizeof(Lanes);

// Sum of 32-bit words in the machine's order; RFC 1071 §2: order and width do not matter until the fold.
// Low and high halves of 64-bit lanes are summed apart, so that nothing overflows.
FOR_WIDE_VECTORS std::uint64_t sum_blocks(const std::uint8_t* data, std::size_t blocks) {
    const Lanes low_half = {0xffff'ffff, 0xffff'ffff, 0xffff'ffff, 0xffff'ffff};
    Lanes low{}, high{}, low2{}, high2{};
    for (std::size_t i = 0; i < blocks; ++i) {
        Lanes words, words2;
        std::memcpy(&words, data + i * block_size, sizeof words);
        std::memcpy(&words2, data + i * block_size + sizeof words, sizeof words2);
        low += words & low_half;
        high += words >> 32;
        low2 += words2 & low_half;
        high2 += words2 >> 32;
    }
    low += high + low2 + high2;
    return low[0] + low[1] + low[2] + low[3];
}

std::uint64_t fold_once(std::uint64_t sum) { return (sum & 0xffff) + (sum >> 16); }

std::uint16_t fold(std::uint64_t sum) {
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    return static_cast<std::uint16_t>(fold_once(fold_once(fold_once(sum))));
}

}  // namespace

void ChecksumSum::add(const std::uint8_t* data, std::size_t size) {
    const std::size_t blocks = size / block_size;
    std::uint64_t sum = blocks != 0 ? sum_blocks(data, blocks) : 0;
    data += blocks * block_size;
    size -= blocks * block_size;
    for (; size >= 4; data += 4, size -= 4) {
        std::uint32_t words;
        std::memcpy(&words, data, sizeof words);
        sum += words;
    }
    for (; size >= 2; data += 2, size -= 2) {
        std::uint16_t word;
        std::memcpy(&word, data, sizeof word);
        sum += word;
    }
    if (size != 0) {
        std::uint16_t word = 0;
        std::memcpy(&word, data, 1);
        sum += word;
    }
    sum_ += in_network_order(fold(sum));
}

std::uint16_t ChecksumSum::folded() const { return fold(sum_); }

ChecksumSum pseudo_header(const std::uint8_t* packet, model::Family family, std::uint8_t protocol,
                          std::size_t transport_size) {
    ChecksumSum sum;
    if (family == model::Family::v4)
        sum.add(packet + 12, 8);
    else
        sum.add(packet + 8, 32);
    sum.add_word(protocol);
    sum.add_word(static_cast<std::uint16_t>(transport_size));
    return sum;
}

void finish_ipv4_header(std::uint8_t* packet, std::size_t header_size) {
    store_be<std::uint16_t>(packet + 10, 0);
    ChecksumSum sum;
    sum.add(packet, header_size);
    store_be(packet + 10, sum.checksum());
}

}  // namespace cygnet::dataplane
