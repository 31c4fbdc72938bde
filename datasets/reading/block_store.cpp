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
#include "base/round_up.hpp"
#include "base/url.hpp"
#include "datasets/reading/check_block.hpp"

namespace ringtrain::datasets {
namespace {

constexpr uintptr_t kPage = 4096;

// Bytes of blocks that are mapped before their page tables are given back.
constexpr uint64_t kMostMapped = uint64_t{8} << 30;

}  // namespace

BlockFiles::BlockFiles(const DatasetIndex& index, Split split, const storage::CacheOptions& cache)
    : index_(index),
      split_(split),
      y_held_(index.split(split).pieces.size()),
      checked_(index.blocks(split)) {
  std::shared_ptr<storage::HostCache> host;
  for (const Shard& shard : index_.shards) {
    if (!is_url(shard.path)) {
      files_.push_back(File::open_for_reading(shard.path));
      continue;
    }
    if (!host) host = std::make_shared<storage::HostCache>(cache);
    remote_.push_back(storage::CachedObject::open(host, shard.path, shard.etag));
    files_.push_back(remote_.back()->open_file());
  }
  check_sizes();
}

const std::string& BlockFiles::name(const BlockPlace& place) const {
  return index_.shards[place.piece->shard].path;
}

const storage::CachedObject& BlockFiles::remote(const BlockPlace& place) const {
  return *remote_.at(place.piece->shard);
}

storage::Range BlockFiles::x_range(const BlockPlace& place) const {
  return {place.x_offset, place.rows * index_.row_bytes()};
}

// Labels of a block are few bytes, and a request of their own. Where all of a piece are not many,
// they are fetched once.
bool BlockFiles::keeps_all_y(const Piece& piece) const {
  constexpr uint64_t kMost = uint64_t{16} << 20;
  return piece.rows * index_.y_bytes() <= kMost;
}

storage::Range BlockFiles::y_range(const BlockPlace& place) const {
  if (keeps_all_y(*place.piece)) {
    return {place.piece->y_offset, place.piece->rows * index_.y_bytes()};
  }
  return {place.y_offset, place.rows * index_.y_bytes()};
}

void BlockFiles::want(const BlockPlace& place) const {
  if (!is_remote()) return;
  if (!keeps_all_y(*place.piece)) remote(place).want(y_range(place));
  remote(place).want(x_range(place));
}

void BlockFiles::hold(const BlockPlace& place) {
  if (!is_remote()) return;
  remote(place).want(x_range(place));  // both are on their way at once
  const auto piece = static_cast<size_t>(place.piece - index_.split(split_).pieces.data());
  if (!keeps_all_y(*place.piece)) {
    remote(place).hold(y_range(place));
  } else if (!y_held_[piece].load(std::memory_order_relaxed)) {
    remote(place).hold(y_range(place));
    y_held_[piece].store(true, std::memory_order_relaxed);
  }
  remote(place).hold(x_range(place));
}

void BlockFiles::drop(const BlockPlace& place) const {
  if (!is_remote()) return;
  if (!keeps_all_y(*place.piece)) remote(place).drop(y_range(place));
  remote(place).drop(x_range(place));
}

void BlockFiles::forget() const {
  if (is_remote()) remote_.front()->forget();
}

void BlockFiles::check_sizes() const {
  for (size_t i = 0; i < files_.size(); ++i) {
    const uint64_t size = files_[i].size();
    if (size != index_.shards[i].size) {
      throw data_error(fmt::format(
          "{}: has {} bytes here, {} when it was opened: is it the same file on every host?",
          printable_url(index_.shards[i].path), size, index_.shards[i].size));
    }
  }
}

BlockPlace BlockFiles::place(uint64_t block) const {
  RINGTRAIN_CHECK(block < blocks());
  const uint64_t row = block * index_.block_rows;
  const std::vector<Piece>& pieces = index_.split(split_).pieces;
  const auto after = std::upper_bound(pieces.begin(), pieces.end(), row,
                                      [](uint64_t r, const Piece& p) { return r < p.first_row; });
  BlockPlace place;
  place.piece = &*std::prev(after);
  const uint64_t first = row - place.piece->first_row;
  place.index = first / index_.block_rows;
  place.rows = std::min(index_.block_rows, place.piece->rows - first);
  place.x_offset = place.piece->x_offset + first * index_.row_bytes();
  place.y_offset = place.piece->y_offset + first * index_.y_bytes();
  return place;
}

void BlockFiles::check(uint64_t block, const BlockPlace& place, const BlockView& view) {
  if (!is_remote() && checked_[block].load(std::memory_order_relaxed)) return;
  check_block(index_, split_, *place.piece, place.index, view.x, view.y);
  checked_[block].store(true, std::memory_order_relaxed);
}

BlockBuffer::BlockBuffer(BlockFiles& files) : files_(files) {
  const DatasetIndex& index = files.index();
  const uint64_t rows = std::min(index.block_rows, index.split(files.split()).rows);
  x_.resize(rows * index.row_bytes());
  y_.resize(rows * index.y_bytes());
}

BlockView BlockBuffer::read(uint64_t block) {
  const BlockPlace place = files_.place(block);
  const File& file = files_.file(place);
  files_.hold(place);
  file.read_at(x_.data(), place.rows * files_.index().row_bytes(), place.x_offset);
  file.read_at(y_.data(), place.rows * files_.index().y_bytes(), place.y_offset);
  files_.drop(place);
  const BlockView view{x_.data(), y_.data()};
  files_.check(block, place, view);
  return view;
}

MappedBlocks::MappedBlocks(BlockFiles& files, Access access)
    : files_(files), access_(access), present_(files.blocks()) {
  for (const File& file : files.files()) {
    const Mapping& mapping = mappings_.emplace_back(file);
    if (mapping.size() == 0) continue;
    // Only hints. Without MADV_RANDOM, a page that is missing after all would bring its neighbours.
    ::madvise(const_cast<std::byte*>(mapping.data()), mapping.size(),
              access == Access::whole ? MADV_WILLNEED : MADV_RANDOM);
  }
}

BlockView MappedBlocks::view(uint64_t block) {
  const BlockPlace place = files_.place(block);
  const std::byte* base = mappings_[place.piece->shard].data();
  const BlockView view{base + place.x_offset, base + place.y_offset};
  files_.hold(place);
  const uint32_t round = round_.load(std::memory_order_relaxed);
  if (files_.is_remote() || present_[block].load(std::memory_order_relaxed) != round) {
    make_present(place, view);
    present_[block].store(round, std::memory_order_relaxed);
    files_.check(block, place, view);
  }
  return view;
}

void MappedBlocks::make_present(const BlockPlace& place, const BlockView& view) {
  const uint64_t x_bytes = place.rows * files_.index().row_bytes();
  const uint64_t y_bytes = place.rows * files_.index().y_bytes();
  if (access_ == Access::blocks &&
      mapped_bytes_.fetch_add(x_bytes + y_bytes, std::memory_order_relaxed) > kMostMapped) {
    start_over();
  }
  const auto populate = [&](const std::byte* data, uint64_t bytes) {
    const auto begin = reinterpret_cast<uintptr_t>(data) / kPage * kPage;
    const auto end = round_up(reinterpret_cast<uintptr_t>(data) + bytes, kPage);
    // If the disk fails, this returns an error where touching the page would be a SIGBUS. Kernels
    // before 5.14 do not know it (EINVAL).
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ) != 0 &&
        errno != EINVAL) {
      throw data_error(fmt::format("{}: cannot read {} bytes at {}: {}",
                                   printable_url(files_.name(place)), bytes, place.x_offset,
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
    const auto request_bytes = [&](uint64_t offset, uint64_t bytes) {
      // The kernel cuts a request to the device's read-ahead, 128 KiB by default.
      constexpr uint64_t kStep = uint64_t{128} << 10;
      for (uint64_t at = 0; at < bytes; at += kStep) {
        ::posix_fadvise(fd, static_cast<off_t>(offset + at),
                        static_cast<off_t>(std::min(kStep, bytes - at)), POSIX_FADV_WILLNEED);
      }
    };
    request_bytes(place.x_offset, place.rows * files_.index().row_bytes());
    request_bytes(place.y_offset, place.rows * files_.index().y_bytes());
    lock.lock();
  }
}

}  // namespace ringtrain::datasets
