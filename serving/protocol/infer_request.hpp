// SPDX-License-Identifier: Apache-2.0
// Requests of the Open Inference Protocol, version 2, REST, with its binary tensor extension, and
// of KServe's version 1, as rows of a model. Strangers send them: every size is checked before
// memory is allocated. https://kserve.github.io/open-inference-protocol,
// https://github.com/triton-inference-server/server, extension_binary_data.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "serving/protocol/served_model.hpp"

namespace ringtrain::serving {

// Samples [rows, channels, height, width] of the model's element type, not normalised.
struct InputRows {
  uint32_t rows = 0;
  std::string bytes = {};  // may begin with other parts of a request
  size_t offset = 0;       // of the first row; aligned as its elements

  const std::byte* data() const {
    return reinterpret_cast<const std::byte*>(bytes.data()) + offset;
  }
};

enum class OutputKind { logits, probabilities, label, values };
// Returns the output's name in requests and answers: "probabilities".
std::string_view name_of(OutputKind kind);
// Returns the outputs that a model has, in the order of its metadata.
std::vector<OutputKind> outputs_of(const ServedModel& model);

struct WantedOutput {
  OutputKind kind;
  bool binary = false;
};

struct InferRequest {
  std::string id = {};
  InputRows input = {};
  std::vector<WantedOutput> outputs = {};
};

struct RequestLimits {
  uint32_t max_rows = 1024;  // of a request
};

// The name of the one input of every model.
inline constexpr const char* kInput = "input";

// Reads the body of POST /v2/models/NAME/infer. json_bytes: the header Inference-Header-Content-
// Length, with which a body is JSON and then the bytes of tensors. Throws a Refusal with status 400
// that names the tensor, what was expected and what was found.
InferRequest parse_infer(std::string body, std::optional<std::string_view> json_bytes,
                         const ServedModel& model, const RequestLimits& limits);

// Reads the body of POST /v1/models/NAME:predict: {"instances": [sample, ...]}, each a nested or
// flat array, or {"b64": "..."} with the bytes of an image, which `decode` makes a row of. Throws a
// Refusal with status 400 that names the instance.
using DecodeImage = std::function<std::string(const std::string& bytes, const ServedModel& model)>;
InputRows parse_instances(const std::string& body, const ServedModel& model,
                          const RequestLimits& limits, const DecodeImage& decode);

}  // namespace ringtrain::serving
