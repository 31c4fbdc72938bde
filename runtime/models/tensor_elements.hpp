// SPDX-License-Identifier: Apache-2.0
// Types of tensors that files of weights hold: torch's and the files' names for them.
#pragma once

#include <c10/core/ScalarType.h>
#include <fmt/format.h>

#include <array>

#include "base/error.hpp"
#include "model_files/safetensors.hpp"
#include "runtime/models/model.hpp"

namespace ringtrain {

struct TensorElement {
  at::ScalarType type;
  model_files::Dtype dtype;
};

inline constexpr std::array kTensorElements{
    TensorElement{at::kDouble, model_files::Dtype::f64},
    TensorElement{at::kFloat, model_files::Dtype::f32},
    TensorElement{at::kHalf, model_files::Dtype::f16},
    TensorElement{at::kBFloat16, model_files::Dtype::bf16},
    TensorElement{at::kLong, model_files::Dtype::i64},
    TensorElement{at::kInt, model_files::Dtype::i32},
    TensorElement{at::kShort, model_files::Dtype::i16},
    TensorElement{at::kChar, model_files::Dtype::i8},
    TensorElement{at::kByte, model_files::Dtype::u8},
    TensorElement{at::kBool, model_files::Dtype::boolean},
};

// Throws a job error for a tensor whose type no file of weights holds.
inline model_files::Dtype tensor_dtype(const NamedTensor& named) {
  for (const TensorElement& element : kTensorElements) {
    if (element.type == named.tensor.scalar_type()) return element.dtype;
  }
  throw job_error(fmt::format("tensor {}: safetensors has no type for {}", named.name,
                              c10::toString(named.tensor.scalar_type())));
}

}  // namespace ringtrain
