// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ATen.h>

#include <torch/csrc/distributed/c10d/Types.hpp>
#include <vector>

#include "collectives/communicator.hpp"

namespace ringtrain::python {

// A tensor as its elements in a row: itself where it is contiguous, else a copy.
class Row {
 public:
  // Throws where the tensor is not a dense one in the CPU's memory.
  explicit Row(const at::Tensor& tensor);

  collectives::Elements elements() const;
  // The tensor, or its copy.
  const at::Tensor& contiguous() const { return row_; }
  // Writes the copy back.
  void store() const;

 private:
  at::Tensor given_;
  at::Tensor row_;
};

std::vector<Row> rows_of(const std::vector<at::Tensor>& tensors);
std::vector<collectives::Elements> elements_of(const std::vector<Row>& rows);
void store(const std::vector<Row>& rows);

// Returns a copy of all elements in a row.
at::Tensor joined(const std::vector<at::Tensor>& tensors);

// Returns the only tensor of a list; throws where it has another number of them.
const at::Tensor& only(const std::vector<at::Tensor>& tensors);
void check_count(const std::vector<at::Tensor>& tensors, int ranks);
// Throws where the tensors differ in type or number of elements.
void check_like(const at::Tensor& tensor, const at::Tensor& model);

// Equal parts of a contiguous tensor, one a rank.
std::vector<collectives::Elements> parts_of(const collectives::Elements& whole, int ranks);

// Throws where the operation is unknown or has no meaning for the type.
collectives::Reduce reduce_of(const c10d::ReduceOp& op, const at::Tensor& tensor);

}  // namespace ringtrain::python
