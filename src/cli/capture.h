// IKE datagrams out of a capture file (pcap and pcapng, read by libpcap):
//
//   link layer (Ethernet, Linux cooked, raw IP, BSD loopback) ─ IPv4 or IPv6 ─ UDP 500 or 4500 ─ [non-ESP marker] ─ IKE
#pragma once

#include <functional>
#include <string>
#include <variant>

#include "model/address.h"
#include "base/bytes.h"
#include "base/result.h"

namespace cygnet::cli {

struct CapturedIke {
    model::Endpoint from, to;
    ByteView message;  // without the non-ESP marker
};
// Part of an IP datagram: named, not read.
struct CapturedFragment {
    model::IpAddress from, to;
    std::size_t offset = 0;  // octets
    std::size_t octets = 0;
};
// ESP in UDP, keepalives, other traffic.
struct NotIke {};
using Captured = std::variant<CapturedIke, CapturedFragment, NotIke>;

// The numbers of libpcap's link types that are read.
enum class LinkType : int { null = 0, ethernet = 1, raw = 12, raw_bsd = 14, raw_ip = 101, loop = 108, linux_cooked = 113, ipv4 = 228, ipv6 = 229, linux_cooked_2 = 276 };

// One frame of a capture. Pure; whatever is cut short or unknown is NotIke.
Captured read_frame(LinkType link, ByteView frame);

struct Frame {
    std::int64_t seconds = 0;  // since 1970
    std::uint32_t microseconds = 0;
    std::size_t number = 0;    // from 1
    bool cut_short = false;    // the capture holds less than was on the wire
    Captured content;
};
// Calls for each frame in order. Errors say what is wrong with the file.
Result<> read_capture(const std::string& path, const std::function<void(const Frame&)>& on_frame);

}  // namespace cygnet::cli
