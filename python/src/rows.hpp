// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "datasets/format/dataset_index.hpp"

namespace ringtrain::python {

// The rows of a split as tensors: x is u8, f32 or i64 [rows, channels, height, width], y holds
// labels, i64 [rows], or targets, f32 [rows, targets].
//
// Tensors of slice() lie in the mapped file, where the shards' borders and the alignment allow it.
// Whoever writes to one changes it for this process alone, never the file. They may outlive the
// object. A block is checked against its checksums when it is first read.
//
// Thread: any. Errors: data errors of one line; std::out_of_range for rows that do not exist.
class Rows {
 public:
  struct Tensors {
    at::Tensor x;
    at::Tensor y;
  };

  // Small datasets are checked whole here, as by open_dataset().
  Rows(const std::string& path, datasets::Split split);

  Tensors slice(uint64_t first, uint64_t count) const;
  // Copies rows, in any order, one after the other.
  Tensors gather(const std::vector<int64_t>& rows) const;
  uint64_t size() const;
  const datasets::DatasetIndex& index() const;

 private:
  struct Shards;
  at::Tensor view(const std::byte* data, uint64_t rows, bool features) const;
  Tensors empty(uint64_t rows) const;

  std::shared_ptr<Shards> shards_;
};

}  // namespace ringtrain::python
