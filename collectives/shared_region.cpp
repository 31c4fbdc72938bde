// SPDX-License-Identifier: Apache-2.0
#include "collectives/shared_region.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.hpp"
#include "base/round_up.hpp"

namespace ringtrain::collectives {
namespace {

static_assert(sizeof(RankState) <= RegionLayout::kPage);
static_assert(sizeof(RegionHeader) <= RegionLayout::kPage);
static_assert(sizeof(Ring) <= RegionLayout::kPage);
static_assert(std::atomic<uint64_t>::is_always_lock_free);

struct flock byte_of(int rank, int16_t kind) {
  struct flock lock = {};
  lock.l_type = kind;
  lock.l_whence = SEEK_SET;
  lock.l_start = rank;
  lock.l_len = 1;
  return lock;
}

}  // namespace

RegionLayout::RegionLayout(int size, size_t slot_bytes, size_t arena_bytes)
    : size_(static_cast<size_t>(size)),
      slot_bytes_(slot_bytes),
      arena_bytes_(arena_bytes),
      slots_(kPage * (1 + size_)),
      rings_(slots_ + 2 * size_ * slot_bytes_),
      arena_(rings_ + size_ * size_ * (kPage + kRingBytes)) {}

size_t RegionLayout::slot(int rank, int which) const {
  return slots_ + (2 * static_cast<size_t>(rank) + static_cast<size_t>(which)) * slot_bytes_;
}

size_t RegionLayout::ring(int from, int to) const {
  const size_t index = static_cast<size_t>(from) * size_ + static_cast<size_t>(to);
  return rings_ + index * (kPage + kRingBytes);
}

SharedRegion::SharedRegion(Meeting meeting, int rank, int size)
    : rank_(rank),
      size_(size),
      names_(meeting.names),
      slot_bytes_(meeting.slot_bytes),
      arena_bytes_(meeting.arena_bytes),
      spins_(meeting.oversubscribed ? 0 : kSpins),
      layout_(size, slot_bytes_, arena_bytes_),
      file_(std::move(meeting.memory)),
      process_(getpid()) {
  void* memory = mmap(nullptr, layout_.total(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
                      file_.get(), 0);
  if (memory == MAP_FAILED) {
    throw lost_error(
        fmt::format("{} MiB of shared memory: {}", layout_.total() >> 20, std::strerror(errno)));
  }
  memory_ = {static_cast<std::byte*>(memory), Unmap{layout_.total()}};
  struct flock lock = byte_of(rank_, F_WRLCK);
  if (fcntl(file_.get(), F_SETLK, &lock) != 0)
    throw lost_error(fmt::format("lock on the group's memory: {}", std::strerror(errno)));
  confirm(meeting, rank_, size_);
}

SharedRegion::~SharedRegion() { close(); }

void SharedRegion::Unmap::operator()(std::byte* memory) const { munmap(memory, bytes); }

bool SharedRegion::is_ours() const { return getpid() == process_; }

void SharedRegion::close() {
  if (closed_.exchange(true) || !is_ours()) return;
  state(rank_).left.store(1);
  wake_all();
}

void SharedRegion::wake_all() const {
  header().rounds.notify();
  for (int r = 0; r < size_; ++r) state(r).mail.notify();
}

bool SharedRegion::has_ended(int rank) const {
  if (rank == rank_) return false;
  if (state(rank).left.load() != 0) return true;
  struct flock lock = byte_of(rank, F_WRLCK);
  return fcntl(file_.get(), F_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

const char* SharedRegion::how_it_ended(int rank) const {
  return state(rank).left.load() != 0 ? "left the group" : "ended";
}

void SharedRegion::break_group(const std::string& reason) const {
  RegionHeader& shared = header();
  uint32_t whole = 0;
  if (shared.broken.compare_exchange_strong(whole, 1)) {
    std::strncpy(shared.reason.data(), reason.c_str(), shared.reason.size() - 1);
    shared.broken.store(2);
    wake_all();
  }
  throw_reason();
}

void SharedRegion::throw_reason() const {
  if (closed_.load()) throw lost_error("this rank has closed the group");
  // A process that is killed between the two stores leaves no reason.
  for (int i = 0; header().broken.load() != 2 && i < 100; ++i) usleep(1000);
  const std::string reason = header().reason.data();
  throw lost_error(reason.empty() ? "the group is broken" : reason);
}

}  // namespace ringtrain::collectives
