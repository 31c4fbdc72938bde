// SPDX-License-Identifier: Apache-2.0
#include "datasets/reading/block_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "base/check.hpp"
#include "base/error.hpp"
#include "datasets/reading/verify.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uintptr_t kPage = 4096;

// Of blocks, before their page tables are given back.
constexpr uint64_t kMostMapped = uint64_t{8} << 30;

uintptr_t round_up(uintptr_t size) { return (size + kPage - 1) / kPage * kPage; }

uint64_t block_count(const Plan& plan, Split split) {
  return (plan.part(split).rows + plan.block_rows - 1) / plan.block_rows;
}

}  // namespace

BlockFiles::BlockFiles(const Plan& plan, Split split)
    : plan_(plan), split_(split), checked_(block_count(plan, split)) {
  for (const DataFile& file : plan_.files) files_.push_back(File::open_for_reading(file.path));
  check_sizes();
}

void BlockFiles::check_sizes() const {
  for (size_t i = 0; i < files_.size(); ++i) {
    const uint64_t size = files_[i].size();
    if (size != plan_.files[i].size) {
      throw data_error(fmt::format(
          "{}: has {} bytes here, {} when it was opened: is it the same file on every host?",
          plan_.files[i].path, size, plan_.files[i].size));
    }
  }
}

BlockPlace BlockFiles::place(uint64_t block) const {
  RINGTRAIN_CHECK(block < blocks());
  const uint64_t row = block * plan_.block_rows;
  const std::vector<Piece>& pieces = plan_.part(split_).pieces;
  const auto after = std::upper_bound(pieces.begin(), pieces.end(), row,
                                      [](uint64_t r, const Piece& p) { return r < p.first_row; });
  BlockPlace place;
  place.piece = &*std::prev(after);
  const uint64_t first = row - place.piece->first_row;
  place.index = first / plan_.block_rows;
  place.rows = std::min(plan_.block_rows, place.piece->rows - first);
  place.x_offset = place.piece->x_offset + first * plan_.row_bytes();
  place.y_offset = place.piece->y_offset + first * sizeof(int64_t);
  return place;
}

void BlockFiles::check(uint64_t block, const BlockPlace& place, const BlockView& view) {
  if (checked_[block].load(std::memory_order_relaxed)) return;
  verify_block(plan_, split_, *place.piece, place.index, view.x, view.y);
  checked_[block].store(true, std::memory_order_relaxed);
}

MappedBlocks::MappedBlocks(BlockFiles& files, Access access)
    : files_(files), access_(access), present_(files.blocks()) {
  for (const File& file : files.files()) {
    const Mapping& mapping = mappings_.emplace_back(file);
    if (mapping.size() == 0) continue;
    // Only hints. Without the second, a page that is missing after all would bring its neighbours.
    ::madvise(const_cast<std::byte*>(mapping.data()), mapping.size(),
              access == Access::whole ? MADV_WILLNEED : MADV_RANDOM);
  }
}

BlockView MappedBlocks::view(uint64_t block) {
  const BlockPlace place = files_.place(block);
  const std::byte* base = mappings_[place.piece->file].data();
  const BlockView view{base + place.x_offset, base + place.y_offset};
  const uint32_t round = round_.load(std::memory_order_relaxed);
  if (present_[block].load(std::memory_order_relaxed) != round) {
    make_present(place, view);
    present_[block].store(round, std::memory_order_relaxed);
    files_.check(block, place, view);
  }
  return view;
}

void MappedBlocks::make_present(const BlockPlace& place, const BlockView& view) {
  const uint64_t x_bytes = place.rows * files_.plan().row_bytes();
  const uint64_t y_bytes = place.rows * sizeof(int64_t);
  if (access_ == Access::blocks &&
      mapped_bytes_.fetch_add(x_bytes + y_bytes, std::memory_order_relaxed) > kMostMapped) {
    start_over();
  }
  const auto populate = [&](const std::byte* data, uint64_t bytes) {
    const auto begin = reinterpret_cast<uintptr_t>(data) / kPage * kPage;
    const auto end = round_up(reinterpret_cast<uintptr_t>(data) + bytes);
    // Where the disk fails, touching the page would be a SIGBUS; this tells. Kernels before 5.14 do
    // not know it (EINVAL).
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ) != 0 &&
        errno != EINVAL) {
      throw data_error(fmt::format("{}: cannot read {} bytes at {}: {}",
                                   files_.file(place).path().string(), bytes, place.x_offset,
                                   std::generic_category().message(errno)));
    }
  };
  populate(view.x, x_bytes);
  populate(view.y, y_bytes);
}

void MappedBlocks::start_over() {
  mapped_bytes_.store(0, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_relaxed);
  for (size_t i = 0; i < mappings_.size(); ++i) {
    mappings_[i].map_again(files_.files()[i]);
    if (mappings_[i].size() == 0) continue;
    ::madvise(const_cast<std::byte*>(mappings_[i].data()), mappings_[i].size(), MADV_RANDOM);
  }
}

ReadAhead::ReadAhead(const BlockFiles& files) : files_(files), thread_([this] { work(); }) {}

ReadAhead::~ReadAhead() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_one();
  // jthread joins.
}

void ReadAhead::request(uint64_t block) {
  const BlockPlace place = files_.place(block);
  bytes_.fetch_add(place.rows * (files_.plan().row_bytes() + sizeof(int64_t)),
                   std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(block);
  }
  wanted_.notify_one();
}

void ReadAhead::forget() {
  const std::lock_guard lock(mutex_);
  queue_.clear();
}

void ReadAhead::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const uint64_t block = queue_.front();
    queue_.pop_front();
    lock.unlock();
    const BlockPlace place = files_.place(block);
    const int fd = files_.file(place).fd();
    const auto ask = [&](uint64_t offset, uint64_t bytes) {
      // The kernel cuts what one call asks for to the device's read-ahead, 128 KiB by default.
      constexpr uint64_t kStep = uint64_t{128} << 10;
      for (uint64_t at = 0; at < bytes; at += kStep) {
        ::posix_fadvise(fd, static_cast<off_t>(offset + at),
                        static_cast<off_t>(std::min(kStep, bytes - at)), POSIX_FADV_WILLNEED);
      }
    };
    ask(place.x_offset, place.rows * files_.plan().row_bytes());
    ask(place.y_offset, place.rows * sizeof(int64_t));
    lock.lock();
  }
}

}  // namespace ringtrain::datasets
