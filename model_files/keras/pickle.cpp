// SPDX-License-Identifier: Apache-2.0
#include "model_files/keras/pickle.hpp"

#include <limits>

namespace ringtrain::model_files::keras {
namespace {

// Instructions.
constexpr char kMark = '(';
constexpr char kTuple = 't';
constexpr char kReduce = 'R';
constexpr char kBinaryPersistentId = 'Q';

template <typename Number>
void append(std::string& bytes, Number value) {
  for (size_t i = 0; i < sizeof value; ++i) {
    bytes += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff);
  }
}

}  // namespace

void Pickle::text(std::string_view value) {
  bytes_ += 'X';
  append(bytes_, static_cast<uint32_t>(value.size()));
  bytes_ += value;
}

void Pickle::number(int64_t value) {
  if (value >= std::numeric_limits<int32_t>::min() &&
      value <= std::numeric_limits<int32_t>::max()) {
    bytes_ += 'J';
    append(bytes_, static_cast<int32_t>(value));
    return;
  }
  bytes_ += "\x8a\x08";  // a whole number of 8 bytes
  append(bytes_, value);
}

void Pickle::boolean(bool value) { bytes_ += value ? '\x88' : '\x89'; }

void Pickle::none() { bytes_ += 'N'; }

void Pickle::empty_tuple() { bytes_ += ')'; }

void Pickle::global(std::string_view module, std::string_view name) {
  bytes_ += 'c';
  bytes_ += module;
  bytes_ += '\n';
  bytes_ += name;
  bytes_ += '\n';
}

void Pickle::tuple(const std::vector<int64_t>& values) {
  bytes_ += kMark;
  for (const int64_t value : values) number(value);
  bytes_ += kTuple;
}

// torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, requires_grad, OrderedDict())
void Pickle::tensor(const std::string& storage, const std::vector<int64_t>& shape,
                    bool requires_grad) {
  std::vector<int64_t> strides(shape.size(), 1);
  int64_t elements = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = elements;
    elements *= shape[i];
  }
  global("torch._utils", "_rebuild_tensor_v2");
  bytes_ += kMark;
  bytes_ += kMark;
  text("storage");
  global("torch", "FloatStorage");
  text(storage);
  text("cpu");
  number(elements);
  bytes_ += kTuple;
  bytes_ += kBinaryPersistentId;
  number(0);
  tuple(shape);
  tuple(strides);
  boolean(requires_grad);
  global("collections", "OrderedDict");
  empty_tuple();
  bytes_ += kReduce;
  bytes_ += kTuple;
  bytes_ += kReduce;
}

// NEWOBJ without arguments, then a dictionary of its attributes, given by BUILD.
void Pickle::begin_object(std::string_view module, std::string_view name) {
  global(module, name);
  empty_tuple();
  bytes_ += "\x81}";
  bytes_ += kMark;
}

void Pickle::end_object() { bytes_ += "ub"; }

std::string Pickle::finish() { return bytes_ + '.'; }

}  // namespace ringtrain::model_files::keras
