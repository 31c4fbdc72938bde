// SPDX-License-Identifier: Apache-2.0
// The configuration of one Keras layer, which may hold anything.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "model_files/keras/network.hpp"

namespace ringtrain::model_files::keras {

class LayerFields {
 public:
  // source: the file's name. Throws a data error if the JSON describes no layer.
  LayerFields(const nlohmann::json& layer, std::string source);

  const std::string& class_name() const { return class_name_; }
  // Returns the name as TorchScript's attributes have it: letters, digits and "_".
  std::string identifier() const;

  // Throws a data error that names file and layer.
  [[noreturn]] void refuse(std::string_view why) const;

  // Return the value of a key; the default where it is missing or null. Throw a data error for
  // another type, or a number below 1 or above 2^24.
  int64_t positive(const char* key) const;
  Extent extent(const char* key, Extent otherwise) const;
  bool boolean(const char* key, bool otherwise) const;
  double number(const char* key, double otherwise) const;
  std::string text(const char* key, const std::string& otherwise) const;
  // The name of an activation, by itself or as an object of Keras 3; "linear" where there is none.
  std::string activation() const;
  // A shape with its batch in front, [null, 28, 28, 1], without it; empty where there is none.
  std::vector<int64_t> input_shape() const;

  // Throws a data error unless the axis is the last one, of this number.
  void require_last_axis(int last) const;

  // Throws a data error unless a key that changes what the layer does has its usual value.
  void require(const char* key, const nlohmann::json& usual) const;

 private:
  const nlohmann::json* find(const char* key) const;

  std::string source_;
  nlohmann::json config_;
  std::string class_name_;
  std::string name_;
};

}  // namespace ringtrain::model_files::keras
