// SPDX-License-Identifier: Apache-2.0
#include "datasets/block_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "datasets/error.hpp"
#include "datasets/verify.hpp"

namespace ringtrain::datasets {
namespace {

constexpr size_t kPage = 4096;

size_t round_up(size_t size) { return (size + kPage - 1) / kPage * kPage; }

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
      throw DataError(fmt::format(
          "{}: has {} bytes here, {} when it was opened: is it the same file on every host?",
          plan_.files[i].path, size, plan_.files[i].size));
    }
  }
}

BlockPlace BlockFiles::place(uint64_t block) const {
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

MappedBlocks::MappedBlocks(BlockFiles& files) : files_(files) {
  for (const File& file : files.files()) {
    const Mapping& mapping = mappings_.emplace_back(file);
    // Only a hint: without it the first epoch reads what it touches, block by block.
    if (mapping.size() > 0) {
      ::madvise(const_cast<std::byte*>(mapping.data()), mapping.size(), MADV_WILLNEED);
    }
  }
}

BlockView MappedBlocks::view(uint64_t block) {
  const BlockPlace place = files_.place(block);
  const std::byte* base = mappings_[place.piece->file].data();
  const BlockView view{base + place.x_offset, base + place.y_offset};
  files_.check(block, place, view);
  return view;
}

BlockFetcher::BlockFetcher(BlockFiles& files, int threads)
    : files_(files),
      largest_rows_(std::min(files.plan().block_rows, files.plan().part(files.split()).rows)) {
  // Blocks are read whole and in no order: what the kernel would read ahead is not needed next.
  for (const File& file : files.files()) ::posix_fadvise(file.fd(), 0, 0, POSIX_FADV_RANDOM);
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

BlockFetcher::~BlockFetcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.clear();
  }
  wanted_.notify_all();
  threads_.clear();  // joins
}

std::unique_ptr<FetchedBlock> BlockFetcher::fetch(uint64_t block) {
  std::unique_ptr<FetchedBlock> result;
  if (!spare_.empty()) {
    result = std::move(spare_.back());
    spare_.pop_back();
  } else {
    result = std::make_unique<FetchedBlock>();
    const size_t x_bytes = round_up(largest_rows_ * files_.plan().row_bytes());
    const size_t bytes = x_bytes + round_up(largest_rows_ * sizeof(int64_t));
    auto* memory = static_cast<std::byte*>(std::aligned_alloc(kPage, bytes));
    if (memory == nullptr) throw std::bad_alloc();
    result->bytes = {memory, std::free};
    result->view = {memory, memory + x_bytes};
  }
  result->block = block;
  result->done = false;
  result->error = nullptr;
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(result.get());
  }
  wanted_.notify_one();
  return result;
}

void BlockFetcher::wait(FetchedBlock& block) {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return block.done; });
  if (block.error) std::rethrow_exception(block.error);
}

void BlockFetcher::recycle(std::unique_ptr<FetchedBlock> block) {
  {
    std::unique_lock lock(mutex_);
    const auto queued = std::find(queue_.begin(), queue_.end(), block.get());
    if (queued != queue_.end()) {
      queue_.erase(queued);
    } else {
      arrived_.wait(lock, [&] { return block->done; });
    }
  }
  spare_.push_back(std::move(block));
}

void BlockFetcher::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    FetchedBlock* block = queue_.front();
    queue_.pop_front();
    lock.unlock();
    try {
      read(*block);
    } catch (...) {
      block->error = std::current_exception();
    }
    lock.lock();
    block->done = true;
    arrived_.notify_all();
  }
}

void BlockFetcher::read(FetchedBlock& block) {
  const BlockPlace place = files_.place(block.block);
  const File& file = files_.file(place);
  const uint64_t x_bytes = place.rows * files_.plan().row_bytes();
  const uint64_t y_bytes = place.rows * sizeof(int64_t);
  auto* base = block.bytes.get();
  file.read_at(base, x_bytes, place.x_offset);
  file.read_at(base + (block.view.y - block.view.x), y_bytes, place.y_offset);
  bytes_read_.fetch_add(x_bytes + y_bytes, std::memory_order_relaxed);
  files_.check(block.block, place, block.view);
}

}  // namespace ringtrain::datasets
