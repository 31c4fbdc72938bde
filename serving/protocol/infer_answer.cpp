// SPDX-License-Identifier: Apache-2.0
#include "serving/protocol/infer_answer.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "net/base64.hpp"

namespace ringtrain::serving {
namespace {

// The shortest text that is read back as the same float; JSON has none for what is not finite.
void append_number(std::string& to, float value) {
  if (std::isfinite(value)) {
    fmt::format_to(std::back_inserter(to), "{}", value);
  } else {
    to += "null";
  }
}

void append_numbers(std::string& to, const std::vector<float>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (i > 0) to += ',';
    append_number(to, values[i]);
  }
}

size_t best_of(const float* outputs, size_t classes) {
  return static_cast<size_t>(std::max_element(outputs, outputs + classes) - outputs);
}

const std::string& label_of(const ServedModel& model, const float* outputs) {
  return model.samples.class_names[best_of(outputs, model.width())];
}

std::string html_text(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '&') {
      escaped += "&amp;";
    } else if (c == '<') {
      escaped += "&lt;";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

// An output's numbers, or its labels.
struct OutputData {
  std::vector<float> numbers = {};
  std::vector<std::string> labels = {};
};

OutputData data_of(const ServedModel& model, OutputKind kind, const std::vector<float>& outputs) {
  if (kind == OutputKind::logits) return {.numbers = outputs};
  OutputData data;
  const size_t width = model.width();
  for (size_t at = 0; at < outputs.size(); at += width) {
    const float* const row = outputs.data() + at;
    if (kind == OutputKind::label) {
      data.labels.push_back(label_of(model, row));
      continue;
    }
    const std::vector<float> values =
        kind == OutputKind::values ? values_of(model, row) : probabilities_of(row, width);
    data.numbers.insert(data.numbers.end(), values.begin(), values.end());
  }
  return data;
}

// Labels: each with its length in front, u32.
std::string bytes_of(const OutputData& data, OutputKind kind) {
  if (kind != OutputKind::label) {
    return {reinterpret_cast<const char*>(data.numbers.data()),
            data.numbers.size() * sizeof(float)};
  }
  std::string bytes;
  for (const std::string& label : data.labels) {
    const auto size = static_cast<uint32_t>(label.size());
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes += label;
  }
  return bytes;
}

void append_data(std::string& json, const OutputData& data, OutputKind kind) {
  json += ",\"data\":[";
  if (kind != OutputKind::label) append_numbers(json, data.numbers);
  for (size_t i = 0; i < data.labels.size(); ++i) {
    if (i > 0) json += ',';
    json += json_text(data.labels[i]);
  }
  json += "]}";
}

const char* datatype_of_output(OutputKind kind) {
  return kind == OutputKind::label ? "BYTES" : "FP32";
}

}  // namespace

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

net::Answer json_answer(std::string json, int status) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}, {"X-Content-Type-Options", "nosniff"}},
          .body = std::move(json)};
}

net::Answer error_answer(int status, const std::string& message) {
  return json_answer(fmt::format("{{\"error\":{}}}\n", json_text(message)), status);
}

net::Answer infer_answer(const ServedModel& model, const std::string& id,
                         const std::vector<WantedOutput>& wanted,
                         const std::vector<float>& outputs) {
  const size_t rows = outputs.size() / model.width();
  std::string json = fmt::format("{{\"model_name\":{},\"model_version\":{}", json_text(model.name),
                                 json_text(model.version));
  if (!id.empty()) json += fmt::format(",\"id\":{}", json_text(id));
  json += ",\"outputs\":[";
  std::string binary;
  bool is_binary = false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    const OutputKind kind = wanted[i].kind;
    const std::string shape = kind == OutputKind::label
                                  ? fmt::format("[{}]", rows)
                                  : fmt::format("[{},{}]", rows, model.width());
    const OutputData data = data_of(model, kind, outputs);
    json += fmt::format("{}{{\"name\":\"{}\",\"datatype\":\"{}\",\"shape\":{}", i > 0 ? "," : "",
                        name_of(kind), datatype_of_output(kind), shape);
    if (!wanted[i].binary) {
      append_data(json, data, kind);
      continue;
    }
    is_binary = true;
    const std::string bytes = bytes_of(data, kind);
    json += fmt::format(",\"parameters\":{{\"binary_data_size\":{}}}}}", bytes.size());
    binary += bytes;
  }
  json += "]}";
  if (!is_binary) return json_answer(std::move(json));
  net::Answer answer{.headers = {{"Content-Type", "application/octet-stream"},
                                 {"X-Content-Type-Options", "nosniff"},
                                 {"Inference-Header-Content-Length", std::to_string(json.size())}}};
  answer.body = std::move(json) + binary;
  return answer;
}

net::Answer predictions_answer(const ServedModel& model, const std::vector<float>& outputs) {
  const size_t width = model.width();
  std::string json = "{\"predictions\":[";
  for (size_t at = 0; at < outputs.size(); at += width) {
    const float* const row = outputs.data() + at;
    if (at > 0) json += ',';
    if (model.samples.has_targets()) {
      const std::vector<float> values = values_of(model, row);
      for (size_t k = 0; k < width; ++k) {
        json += fmt::format("{}{}:", k == 0 ? '{' : ',', json_text(model.samples.targets.names[k]));
        append_number(json, values[k]);
      }
      json += '}';
      continue;
    }
    json += fmt::format("{{\"label\":{},\"probabilities\":[", json_text(label_of(model, row)));
    append_numbers(json, probabilities_of(row, width));
    json += "]}";
  }
  return json_answer(json + "]}");
}

net::Answer predict_answer(const ServedModel& model, const std::vector<float>& outputs, size_t top,
                           const std::string& seen) {
  using nlohmann::ordered_json;
  const datasets::DatasetIndex& samples = model.samples;
  ordered_json json = {{"model", model.name}, {"version", model.version}};
  auto list = ordered_json::array();
  if (samples.has_targets()) {
    const std::vector<float> values = values_of(model, outputs.data());
    for (size_t k = 0; k < values.size(); ++k) {
      list.push_back({{"target", samples.targets.names[k]}, {"value", values[k]}});
    }
    json["targets"] = list;
  } else {
    const std::vector<float> values = probabilities_of(outputs.data(), model.width());
    std::vector<size_t> order(values.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return values[a] > values[b]; });
    if (order.size() > top) order.resize(top);
    for (const size_t i : order) {
      list.push_back({{"class", samples.class_names[i]}, {"probability", values[i]}});
    }
    json["classes"] = list;
  }
  if (!seen.empty()) {
    const datasets::Shape& shape = samples.shape;
    json["seen"] = {{"shape", {shape.channels, shape.height, shape.width}},
                    {"pixels", net::encode_base64(seen)}};
  }
  return json_answer(json.dump(-1, ' ', false, ordered_json::error_handler_t::replace));
}

net::Answer prediction_page(const ServedModel& model, const std::vector<float>& outputs) {
  std::string text;
  if (model.samples.has_targets()) {
    text = fmt::format("{}", fmt::join(values_of(model, outputs.data()), ", "));
  } else {
    text = label_of(model, outputs.data());
  }
  return {.headers = {{"Content-Type", "text/html; charset=utf-8"},
                      {"Content-Security-Policy", "default-src 'none'"},
                      {"X-Content-Type-Options", "nosniff"}},
          .body = fmt::format("<!doctype html>\n<h1>The prediction is {}</h1>\n", html_text(text))};
}

std::string metadata_json(const ServedModel& model) {
  using nlohmann::ordered_json;
  const datasets::Shape& shape = model.samples.shape;
  auto outputs = ordered_json::array();
  for (const OutputKind kind : outputs_of(model)) {
    auto dims = ordered_json::array({-1});
    if (kind != OutputKind::label) dims.push_back(model.width());
    outputs.push_back(
        {{"name", name_of(kind)}, {"datatype", datatype_of_output(kind)}, {"shape", dims}});
  }
  ordered_json json = {
      {"name", model.name},
      {"versions", {model.version}},
      {"platform", "ringtrain"},
      {"inputs",
       ordered_json::array({{{"name", kInput},
                             {"datatype", datatype_of(model.samples.element)},
                             {"shape", {-1, shape.channels, shape.height, shape.width}}}})},
      {"outputs", outputs},
      {"parameters", ordered_json::object()}};
  if (model.samples.has_targets()) {
    json["parameters"]["targets"] = model.samples.targets.names;
  } else {
    json["parameters"]["class_names"] = model.samples.class_names;
  }
  json["parameters"]["dataset"] = model.samples.uuid;
  return json.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace ringtrain::serving
