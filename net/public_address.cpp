// SPDX-License-Identifier: Apache-2.0
#include "net/public_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace ringtrain::net {
namespace {

using Bytes = std::span<const uint8_t>;

struct Range {
  std::array<uint8_t, 16> first;
  int bits;
};

bool is_in(Bytes address, const Range& range) {
  for (int bit = 0; bit < range.bits; ++bit) {
    const auto at = static_cast<size_t>(bit / 8);
    const int shift = 7 - bit % 8;
    if ((address[at] >> shift & 1) != (range.first[at] >> shift & 1)) return false;
  }
  return true;
}

// RFC 6890 and its registry.
constexpr Range kPrivate4[] = {
    {{0}, 8},         {{10}, 8},       {{100, 64}, 10},      {{127}, 8},
    {{169, 254}, 16}, {{172, 16}, 12}, {{192, 0, 0}, 24},    {{192, 0, 2}, 24},
    {{192, 168}, 16}, {{198, 18}, 15}, {{198, 51, 100}, 24}, {{203, 0, 113}, 24},
    {{224}, 4},       {{240}, 4}};

// Addresses that hold one of IPv4, and where in them.
struct Embedded {
  Range range;
  size_t offset;
};
constexpr Embedded kEmbedded[] = {
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96}, 12},  // ::ffff:0:0/96
    {{{0, 0x64, 0xff, 0x9b}, 96}, 12},                       // 64:ff9b::/96, NAT64
    {{{0x20, 0x02}, 16}, 2}};                                // 2002::/16, 6to4

bool is_public4(Bytes address) {
  return std::none_of(std::begin(kPrivate4), std::end(kPrivate4),
                      [&](const Range& range) { return is_in(address, range); });
}

// Only 2000::/3 is given out; Teredo (2001::/32) and documentation (2001:db8::/32) are in it.
bool is_public6(Bytes address) {
  for (const auto& [range, offset] : kEmbedded) {
    if (is_in(address, range)) return is_public4(address.subspan(offset, 4));
  }
  return is_in(address, {{0x20}, 3}) && !is_in(address, {{0x20, 0x01, 0, 0}, 32}) &&
         !is_in(address, {{0x20, 0x01, 0x0d, 0xb8}, 32});
}

}  // namespace

bool is_public(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return is_public4(bytes);
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address, sizeof v6);
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return is_public6(bytes);
  }
  return false;
}

std::string print_address(const sockaddr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (address.sa_family == AF_INET) {
    bytes = &reinterpret_cast<const sockaddr_in*>(&address)->sin_addr;
  } else if (address.sa_family == AF_INET6) {
    bytes = &reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  }
  if (bytes == nullptr ||
      ::inet_ntop(address.sa_family, bytes, text.data(), text.size()) == nullptr) {
    return "?";
  }
  return text.data();
}

}  // namespace ringtrain::net
