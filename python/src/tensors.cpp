// SPDX-License-Identifier: Apache-2.0
#include "python/src/tensors.hpp"

namespace ringtrain::python {
namespace {

using collectives::Elements;
using collectives::ElementType;
using collectives::Reduction;

ElementType type_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kBool:
      return ElementType::boolean;
    case at::kByte:
      return ElementType::uint8;
    case at::kChar:
      return ElementType::int8;
    case at::kShort:
      return ElementType::int16;
    case at::kInt:
      return ElementType::int32;
    case at::kLong:
      return ElementType::int64;
    case at::kHalf:
      return ElementType::float16;
    case at::kBFloat16:
      return ElementType::bfloat16;
    case at::kFloat:
      return ElementType::float32;
    case at::kDouble:
      return ElementType::float64;
    default:
      return ElementType::raw;
  }
}

Reduction reduction_of(c10d::ReduceOp::RedOpType op) {
  switch (op) {
    case c10d::ReduceOp::SUM:
      return Reduction::sum;
    case c10d::ReduceOp::AVG:
      return Reduction::average;
    case c10d::ReduceOp::PRODUCT:
      return Reduction::product;
    case c10d::ReduceOp::MIN:
      return Reduction::min;
    case c10d::ReduceOp::MAX:
      return Reduction::max;
    case c10d::ReduceOp::BAND:
      return Reduction::bit_and;
    case c10d::ReduceOp::BOR:
      return Reduction::bit_or;
    case c10d::ReduceOp::BXOR:
      return Reduction::bit_xor;
    case c10d::ReduceOp::PREMUL_SUM:
      return Reduction::scaled_sum;
    default:
      TORCH_CHECK(false, "ringtrain: this ReduceOp is unknown");
  }
}

}  // namespace

Row::Row(const at::Tensor& tensor) : given_(tensor) {
  TORCH_CHECK(tensor.device().is_cpu(), "ringtrain averages CPU tensors and got one on ",
              tensor.device(), ": use init_process_group(\"cpu:ringtrain,cuda:nccl\")");
  TORCH_CHECK(tensor.layout() == at::kStrided, "ringtrain: tensors must be dense, not ",
              tensor.layout());
  row_ = tensor.contiguous();
}

Elements Row::elements() const {
  const ElementType type = type_of(row_);
  const size_t count = type == ElementType::raw ? row_.nbytes() : static_cast<size_t>(row_.numel());
  return {static_cast<std::byte*>(row_.data_ptr()), count, type};
}

void Row::store() const {
  if (row_.is_same(given_)) return;
  const at::NoGradGuard no_grad;
  given_.copy_(row_);
}

std::vector<Elements> parts_of(const Elements& whole, int ranks) {
  const size_t count = whole.count / static_cast<size_t>(ranks);
  std::vector<Elements> parts;
  for (int r = 0; r < ranks; ++r) {
    std::byte* data = whole.data + static_cast<size_t>(r) * count * size_of(whole.type);
    parts.push_back({data, count, whole.type});
  }
  return parts;
}

const at::Tensor& only(const std::vector<at::Tensor>& tensors) {
  TORCH_CHECK(tensors.size() == 1, "ringtrain takes one tensor a call, not ", tensors.size());
  return tensors[0];
}

void check_count(const std::vector<at::Tensor>& tensors, int ranks) {
  TORCH_CHECK(tensors.size() == static_cast<size_t>(ranks), "ringtrain: ", tensors.size(),
              " tensors for ", ranks, " ranks");
}

void check_like(const at::Tensor& tensor, const at::Tensor& model) {
  TORCH_CHECK(tensor.scalar_type() == model.scalar_type() && tensor.numel() == model.numel(),
              "ringtrain: tensors of one call must be alike: ", tensor.numel(), " ",
              tensor.scalar_type(), " and ", model.numel(), " ", model.scalar_type());
}

std::vector<Row> rows_of(const std::vector<at::Tensor>& tensors) {
  return {tensors.begin(), tensors.end()};
}

std::vector<Elements> elements_of(const std::vector<Row>& rows) {
  std::vector<Elements> elements;
  for (const Row& row : rows) elements.push_back(row.elements());
  return elements;
}

void store(const std::vector<Row>& rows) {
  for (const Row& row : rows) row.store();
}

at::Tensor joined(const std::vector<at::Tensor>& tensors) {
  std::vector<at::Tensor> flat;
  for (const at::Tensor& tensor : tensors) flat.push_back(tensor.reshape({-1}));
  return at::cat(flat);
}

collectives::Reduce reduce_of(const c10d::ReduceOp& op, const at::Tensor& tensor) {
  collectives::Reduce reduce = {.how = reduction_of(op)};
  TORCH_CHECK(can_reduce(type_of(tensor), reduce.how), "ringtrain has no reduction \"",
              name_of(reduce.how), "\" of ", tensor.scalar_type(), " tensors");
  if (reduce.how == Reduction::scaled_sum) {
    const auto* factor = dynamic_cast<const c10d::NCCLPreMulSumSupplement*>(op.supplement_.get());
    TORCH_CHECK(factor != nullptr, "ringtrain: PREMUL_SUM without a factor");
    reduce.factor = factor->tensor_factor.defined() ? factor->tensor_factor.item<double>()
                                                    : factor->double_factor;
  }
  return reduce;
}

}  // namespace ringtrain::python
