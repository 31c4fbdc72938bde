// SPDX-License-Identifier: Apache-2.0
#include "python/src/rows.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <c10/util/StringUtil.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/round_up.hpp"
#include "base/url.hpp"
#include "datasets/reading/block_store.hpp"
#include "datasets/reading/open.hpp"

namespace ringtrain::python {

using datasets::BlockPlace;
using datasets::BlockView;
using datasets::DatasetIndex;

// A whole file, mapped so that a script may write to a tensor over it: the pages that it writes to
// become its own.
class PrivateMapping {
 public:
  explicit PrivateMapping(const File& file) : size_(file.size()) {
    if (size_ == 0) return;
    void* address =
        ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file.fd(), 0);
    if (address == MAP_FAILED) {
      throw data_error(file.path().string() +
                       ": cannot be mapped into memory: " + std::generic_category().message(errno));
    }
    data_ = static_cast<std::byte*>(address);
  }
  PrivateMapping(PrivateMapping&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  PrivateMapping& operator=(PrivateMapping&&) = delete;
  PrivateMapping(const PrivateMapping&) = delete;
  PrivateMapping& operator=(const PrivateMapping&) = delete;
  ~PrivateMapping() {
    if (data_ != nullptr) ::munmap(data_, size_);
  }
  std::byte* data() const { return data_; }

 private:
  std::byte* data_ = nullptr;
  uint64_t size_;
};

namespace {

// Reads pages from the disk: a disk that fails is an error here, where touching the page would be a
// SIGBUS. Kernels before 5.14 do not know it (EINVAL).
void populate(const File& file, const std::byte* data, uint64_t bytes) {
  constexpr uintptr_t kPage = 4096;
  const auto begin = reinterpret_cast<uintptr_t>(data) / kPage * kPage;
  const auto end = round_up(reinterpret_cast<uintptr_t>(data) + bytes, kPage);
  if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_READ) != 0 &&
      errno != EINVAL) {
    throw data_error(file.path().string() +
                     ": cannot be read: " + std::generic_category().message(errno));
  }
}

at::ScalarType type_of(datasets::ElementType element) {
  switch (element) {
    case datasets::ElementType::u8:
      return at::kByte;
    case datasets::ElementType::f32:
      return at::kFloat;
    default:
      return at::kLong;
  }
}

}  // namespace

struct Rows::Shards {
  Shards(const DatasetIndex& index, datasets::Split split)
      : files(index, split), present(files.blocks()) {
    for (const File& file : files.files()) mappings.emplace_back(file);
  }

  // The block in memory, read and checked.
  BlockView view(uint64_t block, const BlockPlace& place) {
    std::byte* base = mappings[place.piece->shard].data();
    const BlockView view{base + place.x_offset, base + place.y_offset};
    if (!present[block].load(std::memory_order_relaxed)) {
      populate(files.file(place), view.x, place.rows * files.index().row_bytes());
      populate(files.file(place), view.y, place.rows * files.index().y_bytes());
      files.check(block, place, view);
      present[block].store(true, std::memory_order_relaxed);
    }
    return view;
  }

  uint64_t rows() const { return files.index().split(files.split()).rows; }

  datasets::BlockFiles files;
  std::vector<PrivateMapping> mappings;
  std::vector<std::atomic<bool>> present;  // a script may write to what was checked once
};

Rows::Rows(const std::string& path, datasets::Split split) {
  if (is_url(path)) {
    throw data_error(printable_url(path) + ": a script reads files: download it and name the file");
  }
  shards_ = std::make_shared<Shards>(datasets::open_dataset(path), split);
}

uint64_t Rows::size() const { return shards_->rows(); }

const DatasetIndex& Rows::index() const { return shards_->files.index(); }

// A tensor over rows in the mapping, which it keeps; a copy where they are not aligned.
at::Tensor Rows::view(const std::byte* data, uint64_t rows, bool features) const {
  const Tensors like = empty(0);
  const at::Tensor& model = features ? like.x : like.y;
  std::vector<int64_t> sizes = model.sizes().vec();
  sizes[0] = static_cast<int64_t>(rows);
  // The mapping is private, so that writing is allowed.
  auto* const memory = const_cast<std::byte*>(data);
  at::Tensor tensor = at::from_blob(
      memory, sizes, [shards = shards_](void*) {}, model.options());
  const bool aligned = reinterpret_cast<uintptr_t>(data) % model.element_size() == 0;
  return aligned ? tensor : tensor.clone();
}

Rows::Tensors Rows::empty(uint64_t rows) const {
  const datasets::Shape& shape = index().shape;
  const auto count = static_cast<int64_t>(rows);
  const auto targets = static_cast<int64_t>(index().targets.names.size());
  return {.x = at::empty({count, shape.channels, shape.height, shape.width},
                         at::TensorOptions(type_of(index().element))),
          .y = targets == 0 ? at::empty({count}, at::TensorOptions(at::kLong))
                            : at::empty({count, targets}, at::TensorOptions(at::kFloat))};
}

Rows::Tensors Rows::slice(uint64_t first, uint64_t count) const {
  if (first > size() || count > size() - first) {
    throw std::out_of_range(c10::str("rows ", first, " to ", first + count, " of ", size()));
  }
  if (count == 0) return empty(0);
  const uint64_t block_rows = index().block_rows;
  const uint64_t first_block = first / block_rows;
  const uint64_t last_block = (first + count - 1) / block_rows;
  const BlockPlace place = shards_->files.place(first_block);
  if (shards_->files.place(last_block).piece != place.piece) {
    std::vector<int64_t> rows(count);
    for (uint64_t i = 0; i < count; ++i) rows[i] = static_cast<int64_t>(first + i);
    return gather(rows);
  }
  const BlockView start = shards_->view(first_block, place);
  for (uint64_t block = first_block + 1; block <= last_block; ++block) {
    shards_->view(block, shards_->files.place(block));
  }
  const uint64_t inside = first % block_rows;
  return {.x = view(start.x + inside * index().row_bytes(), count, true),
          .y = view(start.y + inside * index().y_bytes(), count, false)};
}

Rows::Tensors Rows::gather(const std::vector<int64_t>& rows) const {
  Tensors tensors = empty(rows.size());
  auto* x = static_cast<std::byte*>(tensors.x.data_ptr());
  auto* y = static_cast<std::byte*>(tensors.y.data_ptr());
  const uint64_t x_bytes = index().row_bytes();
  const uint64_t y_bytes = index().y_bytes();
  for (const int64_t row : rows) {
    if (row < 0 || static_cast<uint64_t>(row) >= size()) {
      throw std::out_of_range(c10::str("row ", row, " of ", size()));
    }
    const uint64_t block = static_cast<uint64_t>(row) / index().block_rows;
    const uint64_t inside = static_cast<uint64_t>(row) % index().block_rows;
    const BlockView from = shards_->view(block, shards_->files.place(block));
    std::memcpy(x, from.x + inside * x_bytes, x_bytes);
    std::memcpy(y, from.y + inside * y_bytes, y_bytes);
    x += x_bytes;
    y += y_bytes;
  }
  return tensors;
}

}  // namespace ringtrain::python
