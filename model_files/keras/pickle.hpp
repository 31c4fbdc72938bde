// SPDX-License-Identifier: Apache-2.0
// The few instructions of Python's pickles (protocol 2) that a TorchScript file has:
// https://docs.python.org/3/library/pickletools.html
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ringtrain::model_files::keras {

class Pickle {
 public:
  // Each adds a value. shape: the storage is dense, in row-major order.
  void text(std::string_view value);
  void number(int64_t value);
  void boolean(bool value);
  void none();
  void tensor(const std::string& storage, const std::vector<int64_t>& shape, bool requires_grad);
  void empty_tuple();

  // Begins an object of a class; then come pairs of text() and a value; then end_object().
  void begin_object(std::string_view module, std::string_view name);
  void end_object();

  std::string finish();

 private:
  void global(std::string_view module, std::string_view name);
  void tuple(const std::vector<int64_t>& values);

  std::string bytes_ = "\x80\x02";
};

}  // namespace ringtrain::model_files::keras
