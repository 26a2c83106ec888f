#include "dataplane/checksum.h"

#include <cstring>

#include "esp/big_endian.h"

namespace cygnet::dataplane {
namespace {

// One clone for wide vectors, chosen when the program starts; sanitizers do not bear such choices.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
#define FOR_WIDE_VECTORS __attribute__((target_clones("avx2", "default")))
#else
#define FOR_WIDE_VECTORS
#endif

using Lanes32 = std::uint32_t __attribute__((vector_size(32)));
using Lanes64 = std::uint64_t __attribute__((vector_size(64)));

// Sum of 32-bit words in the machine's order; RFC 1071 §2: order and width do not matter until the fold.
FOR_WIDE_VECTORS std::uint64_t sum_blocks(const std::uint8_t* data, std::size_t blocks) {
    Lanes64 lanes{};
    for (std::size_t i = 0; i < blocks; ++i) {
        Lanes32 words;
        std::memcpy(&words, data + i * sizeof words, sizeof words);
        lanes += __builtin_convertvector(words, Lanes64);
    }
    std::uint64_t sum = 0;
    for (int lane = 0; lane < 8; ++lane) sum += lanes[lane];
    return sum;
}

std::uint64_t fold_once(std::uint64_t sum) { return (sum & 0xffff) + (sum >> 16); }

std::uint16_t fold(std::uint64_t sum) {
    sum = (sum & 0xffff'ffff) + (sum >> 32);
    return static_cast<std::uint16_t>(fold_once(fold_once(fold_once(sum))));
}

}  // namespace

void ChecksumSum::add(const std::uint8_t* data, std::size_t size) {
    const std::size_t blocks = size / sizeof(Lanes32);
    std::uint64_t sum = blocks != 0 ? sum_blocks(data, blocks) : 0;
    data += blocks * sizeof(Lanes32);
    size -= blocks * sizeof(Lanes32);
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
    sum_ += esp::in_network_order(fold(sum));
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
    esp::store_be<std::uint16_t>(packet + 10, 0);
    ChecksumSum sum;
    sum.add(packet, header_size);
    esp::store_be(packet + 10, sum.checksum());
}

}  // namespace cygnet::dataplane
