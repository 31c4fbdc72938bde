// SPDX-License-Identifier: Apache-2.0
#include "collectives/node_memory.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/file_descriptor.hpp"
#include "base/machine.hpp"
#include "base/round_up.hpp"
#include "base/text.hpp"
#include "collectives/send_descriptor.hpp"

namespace ringtrain::collectives {
namespace {

constexpr size_t kPage = 4096;

// Runs one step of the set-up and returns what it returns on every rank. A rank that throws makes
// all ranks throw the same error.
std::vector<std::string> run_together(const Node& node, const std::function<std::string()>& step) {
  std::string mine;
  try {
    mine = "+" + step();
  } catch (const std::exception& error) {
    mine = std::string("-") + error.what();
  }
  std::vector<std::string> results = node.all_gather(mine);
  for (size_t rank = 0; rank < results.size(); ++rank) {
    std::string& result = results[rank];
    if (!result.starts_with('+')) {
      throw lost_error(fmt::format("shared memory of local rank {}: {}", rank, result.substr(1)));
    }
    result.erase(0, 1);
  }
  return results;
}

// The kernel would kill a rank in the middle of training.
void check_room(size_t bytes) {
  const uint64_t available = this_machine_memory().usable();
  if (bytes <= available) return;
  throw lost_error(fmt::format("the ranks of this node share {} and {} are available",
                               print_size(bytes), print_size(available)));
}

FileDescriptor create_with_room(size_t bytes) {
  check_room(bytes);
  FileDescriptor file(
      checked(memfd_create("ringtrain", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  checked(ftruncate(file.get(), static_cast<off_t>(bytes)), "ftruncate");
  // No rank can shrink what others have mapped.
  checked(fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "fcntl");
  return file;
}

}  // namespace

NodeMemory::NodeMemory(const Node& node, size_t bytes) : offsets_{0} {
  if (node.size == 1) {
    offsets_.push_back(round_up(bytes, kPage));
    map(-1);
    return;
  }
  const auto sizes = run_together(node, [&] { return std::to_string(bytes); });
  for (const std::string& size : sizes) {
    offsets_.push_back(offsets_.back() + round_up(std::stoull(size), kPage));
  }
  FileDescriptor file;
  DescriptorSender sender;
  const auto addresses = run_together(node, [&]() -> std::string {
    if (node.rank != 0) return "";
    file = create_with_room(offsets_.back());
    return sender.listen();
  });
  run_together(node, [&] {
    if (node.rank == 0) {
      sender.send(file.get(), node.size - 1, node.timeout);
    } else {
      file = receive_descriptor(connect_to(addresses[0], "memory").get(), node.timeout);
    }
    map(file.get());
    std::memset(part(node.rank), 0, bytes);
    return "";
  });
}

// file: -1 for memory of this process alone.
void NodeMemory::map(int file) {
  const size_t bytes = offsets_.back();
  if (bytes == 0) return;
  const int flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, file, 0);
  if (memory == MAP_FAILED) {
    throw lost_error(fmt::format("{} of memory: {}", print_size(bytes), std::strerror(errno)));
  }
  base_ = static_cast<std::byte*>(memory);
}

NodeMemory::~NodeMemory() {
  if (base_ != nullptr) munmap(base_, offsets_.back());
}

}  // namespace ringtrain::collectives
