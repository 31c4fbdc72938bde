// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/infer_request.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "net/base64.hpp"
#include "serving/dims.hpp"
#include "serving/protocol/json_numbers.hpp"
#include "serving/protocol/refusal.hpp"

namespace ringtrain::serving {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& message) { throw Refusal(400, message); }

// A value of an object; `null` where it is not there.
const json& member(const json& object, const char* key) {
  static const json kNone;
  if (!object.is_object()) return kNone;
  const auto found = object.find(key);
  return found == object.end() ? kNone : *found;
}

std::string text_of(const json& object, const char* key, const std::string& where) {
  const json& value = member(object, key);
  if (!value.is_string()) refuse(fmt::format("{}: \"{}\" must be a string", where, key));
  return value.get<std::string>();
}

// Returns the rows of a tensor whose shape is [rows] and the samples', in which dimensions of size
// 1 may be left out.
uint32_t rows_of(const json& input, const ServedModel& model, const RequestLimits& limits) {
  const json& shape = member(input, "shape");
  Dims dims;
  bool whole = shape.is_array();
  if (whole) {
    for (const json& dim : shape) {
      whole = whole && dim.is_number_unsigned() && dim.get<uint64_t>() <= uint64_t{1} << 62;
      if (whole) dims.push_back(dim.get<int64_t>());
    }
  }
  if (!whole) refuse(fmt::format("{}: \"shape\" must be a list of whole numbers", kInput));
  const datasets::Shape& own = model.samples.shape;
  const Dims wanted = {own.channels, own.height, own.width};
  const bool fits =
      !dims.empty() && without_ones({dims.begin() + 1, dims.end()}) == without_ones(wanted);
  if (!fits) {
    refuse(fmt::format("{}: expected the shape [rows, {}], got [{}]", kInput,
                       fmt::join(wanted, ", "), fmt::join(dims, ", ")));
  }
  if (dims[0] < 1 || dims[0] > limits.max_rows) {
    refuse(fmt::format("{}: expected 1 to {} rows, got {}", kInput, limits.max_rows, dims[0]));
  }
  return static_cast<uint32_t>(dims[0]);
}

void check_finite(const InputRows& input, const ServedModel& model) {
  if (model.samples.element != datasets::ElementType::f32) return;
  const auto* const numbers = reinterpret_cast<const float*>(input.data());
  const uint64_t count = input.rows * (model.samples.row_bytes() / sizeof(float));
  for (uint64_t i = 0; i < count; ++i) {
    if (!std::isfinite(numbers[i])) {
      refuse(fmt::format("{}: number {} is not finite", kInput, i));
    }
  }
}

// Finds the bytes of a tensor behind the JSON, at `at`.
void take_binary(InputRows& input, std::string body, uint64_t at, const json& size,
                 const ServedModel& model) {
  const uint64_t wanted = input.rows * model.samples.row_bytes();
  if (!size.is_number_unsigned() || size.get<uint64_t>() != wanted) {
    refuse(fmt::format("{}: expected binary_data_size {} for its shape, got {}", kInput, wanted,
                       size.dump()));
  }
  if (body.size() - at != wanted) {
    refuse(fmt::format("{}: expected {} bytes behind the JSON, got {}", kInput, wanted,
                       body.size() - at));
  }
  input.bytes = std::move(body);
  input.offset = at;
  if (at % size_of(model.samples.element) != 0) {
    input.bytes.erase(0, at);
    input.offset = 0;
  }
}

std::vector<WantedOutput> wanted_outputs(const json& request, const ServedModel& model) {
  const std::vector<OutputKind> all = outputs_of(model);
  const json& binary = member(member(request, "parameters"), "binary_data_output");
  const bool all_binary = binary.is_boolean() && binary.get<bool>();
  std::vector<WantedOutput> wanted;
  const json& outputs = member(request, "outputs");
  if (outputs.is_null()) {
    for (const OutputKind kind : all) wanted.push_back({kind, all_binary});
    return wanted;
  }
  if (!outputs.is_array()) refuse("\"outputs\" must be a list");
  for (const json& output : outputs) {
    const std::string name = text_of(output, "name", "outputs");
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](OutputKind kind) { return name == name_of(kind); });
    if (found == all.end()) {
      std::vector<std::string> names;
      for (const OutputKind kind : all) names.emplace_back(name_of(kind));
      refuse(fmt::format("outputs: {} has no output {}; it has {}", model.name, name,
                         fmt::join(names, ", ")));
    }
    if (wanted.size() == all.size()) refuse("outputs: an output is named twice");
    const json& own = member(member(output, "parameters"), "binary_data");
    wanted.push_back({*found, own.is_boolean() ? own.get<bool>() : all_binary});
  }
  return wanted;
}

// Returns the bytes of the body that are JSON.
uint64_t json_size(const std::string& body, std::optional<std::string_view> header) {
  if (!header) return body.size();
  uint64_t size = 0;
  const auto* const end = header->data() + header->size();
  const auto [rest, error] = std::from_chars(header->data(), end, size);
  if (error != std::errc() || rest != end || size > body.size() || size == 0) {
    refuse(
        fmt::format("Inference-Header-Content-Length: expected 1 to {}, the bytes of the body, "
                    "got {}",
                    body.size(), *header));
  }
  return size;
}

const json& the_input(const json& request, const ServedModel& model) {
  const json& inputs = member(request, "inputs");
  if (!inputs.is_array() || inputs.size() != 1) {
    refuse(fmt::format("\"inputs\" must be a list of one tensor, {}", kInput));
  }
  const json& input = inputs[0];
  const std::string name = text_of(input, "name", "inputs");
  if (name != kInput) {
    refuse(fmt::format("inputs: {} has no input {}; it has {}", model.name, name, kInput));
  }
  const std::string datatype = text_of(input, "datatype", kInput);
  const std::string_view own = datatype_of(model.samples.element);
  if (datatype != own) {
    refuse(fmt::format("{}: expected the datatype {}, got {}", kInput, own, datatype));
  }
  return input;
}

}  // namespace

std::string_view name_of(OutputKind kind) {
  switch (kind) {
    case OutputKind::logits:
      return "logits";
    case OutputKind::probabilities:
      return "probabilities";
    case OutputKind::label:
      return "label";
    case OutputKind::values:
      break;
  }
  return "values";
}

std::vector<OutputKind> outputs_of(const ServedModel& model) {
  if (model.samples.has_targets()) return {OutputKind::values};
  return {OutputKind::probabilities, OutputKind::label, OutputKind::logits};
}

InferRequest parse_infer(std::string body, std::optional<std::string_view> json_bytes,
                         const ServedModel& model, const RequestLimits& limits) {
  const uint64_t size = json_size(body, json_bytes);
  const json request = parse_json(std::string_view(body).substr(0, size));
  if (!request.is_object()) refuse("the request must be a JSON object");
  const json& input = the_input(request, model);
  InferRequest result;
  if (member(request, "id").is_string()) result.id = member(request, "id").get<std::string>();
  result.outputs = wanted_outputs(request, model);
  result.input.rows = rows_of(input, model, limits);
  const json& binary = member(member(input, "parameters"), "binary_data_size");
  if (!binary.is_null()) {
    take_binary(result.input, std::move(body), size, binary, model);
    check_finite(result.input, model);
    return result;
  }
  if (body.size() != size) refuse("bytes follow the JSON, and no tensor has binary_data_size");
  const uint64_t bytes = result.input.rows * model.samples.row_bytes();
  const uint64_t count = bytes / size_of(model.samples.element);
  const json& data = member(input, "data");
  if (!data.is_array()) refuse(fmt::format("{}: \"data\" must be a list of numbers", kInput));
  append_numbers(result.input.bytes, data, model.samples.element, count, kInput);
  if (result.input.bytes.size() != bytes) {
    refuse(fmt::format("{}: expected {} numbers for its shape, got {}", kInput, count,
                       result.input.bytes.size() / size_of(model.samples.element)));
  }
  return result;
}

InputRows parse_instances(const std::string& body, const ServedModel& model,
                          const RequestLimits& limits, const DecodeImage& decode) {
  const json request = parse_json(body);
  const json& instances = member(request, "instances");
  if (!instances.is_array() || instances.empty() || instances.size() > limits.max_rows) {
    refuse(fmt::format("\"instances\" must be a list of 1 to {} samples", limits.max_rows));
  }
  InputRows input{.rows = static_cast<uint32_t>(instances.size())};
  const uint64_t elements = static_cast<uint64_t>(model.samples.shape.elements());
  for (size_t i = 0; i < instances.size(); ++i) {
    const std::string name = fmt::format("instances[{}]", i);
    if (instances[i].is_object()) {
      const auto bytes = net::decode_base64(text_of(instances[i], "b64", name));
      if (!bytes) refuse(fmt::format("{}: \"b64\" is not base64", name));
      input.bytes += decode(*bytes, model);
      continue;
    }
    append_numbers(input.bytes, instances[i], model.samples.element, elements, name);
    if (input.bytes.size() != (i + 1) * model.samples.row_bytes()) {
      refuse(fmt::format("{}: expected {} numbers, as {} x {} x {}", name, elements,
                         model.samples.shape.channels, model.samples.shape.height,
                         model.samples.shape.width));
    }
  }
  return input;
}

}  // namespace ringtrain::serving
