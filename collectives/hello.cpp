// SPDX-License-Identifier: Apache-2.0
#include "collectives/hello.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>

#include "base/machine.hpp"

namespace ringtrain::collectives {
namespace {

// Returns the same text for two processes that can share memory.
std::string this_place() {
  const char* named = std::getenv("RINGTRAIN_NODE");
  if (named != nullptr && *named != '\0') return named;
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  struct stat network = {};
  stat("/proc/self/ns/net", &network);
  return fmt::format("{}/{}/{}", boot, network.st_ino, geteuid());
}

// Returns how many bytes of addresses this process can give to an arena: half of what is left, so
// that there is some for more groups. A process whose memory is limited has no arena.
size_t room_for_arena() {
  for (const auto resource : {RLIMIT_AS, RLIMIT_FSIZE}) {
    rlimit largest = {};
    if (getrlimit(resource, &largest) == 0 && largest.rlim_cur != RLIM_INFINITY) return 0;
  }
  constexpr size_t kAddresses = size_t{1} << 46;  // every 64-bit Linux gives a process more
  size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const size_t used = pages * static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return used < kAddresses ? (kAddresses - used) / 2 : 0;
}

}  // namespace

std::string write_hello(const std::string& nonce) {
  return fmt::format("{} {} {}, {}", nonce, room_for_arena(),
                     fmt::join(this_machine_core_names(), " "), this_place());
}

Hello read_hello(const std::string& text) {
  Hello hello = {.text = text, .nonce = {}, .room = 0, .cores = {}, .place = {}};
  std::string cores;
  std::istringstream in(text);
  in >> hello.nonce >> hello.room;
  std::getline(in, cores, ',');
  std::getline(in, hello.place);
  std::istringstream names(cores);
  hello.cores.insert(std::istream_iterator<std::string>(names), {});
  return hello;
}

}  // namespace ringtrain::collectives
