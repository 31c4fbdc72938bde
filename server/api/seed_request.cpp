// SPDX-License-Identifier: Apache-2.0
#include "server/api/seed_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "job/parse.hpp"
#include "job/yaml.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

using nlohmann::ordered_json;

// Samples of MNIST's training part.
constexpr int64_t kMnistRows = 60000;

ordered_json error(const char* type, const ordered_json& place, const char* message,
                   const ordered_json& input) {
  return {{"type", type}, {"loc", place}, {"msg", message}, {"input", input}};
}

[[noreturn]] void refuse(const ordered_json& errors) {
  throw Problem(422, "the body does not fit", {{"detail", errors}});
}

// Takes fields from a body, and collects what does not fit.
class Reader {
 public:
  explicit Reader(const ordered_json& body) : body_(body) {}

  void text(const char* name, std::string& value, bool required = false, bool nullable = false) {
    const auto found = body_.find(name);
    if (found == body_.end()) {
      if (required) add("missing", name, "Field required", body_);
    } else if (nullable && found->is_null()) {
      value.clear();
    } else if (!found->is_string()) {
      add("string_type", name, "Input should be a valid string", *found);
    } else {
      value = found->get<std::string>();
    }
  }

  // Takes what Pydantic does: 3, 3.0, "3" and true.
  void number(const char* name, int64_t& value) {
    const auto found = body_.find(name);
    if (found == body_.end()) return;
    if (found->is_number_integer()) {
      value = found->get<int64_t>();
    } else if (found->is_boolean()) {
      value = found->get<bool>() ? 1 : 0;
    } else if (found->is_number_float()) {
      const auto number = found->get<double>();
      const bool whole = number == std::floor(number) && std::abs(number) < 9e15;
      if (whole) {
        value = static_cast<int64_t>(number);
      } else {
        add("int_from_float", name,
            "Input should be a valid integer, got a number with a fractional part", *found);
      }
    } else if (found->is_string()) {
      const std::string text(trimmed(found->get_ref<const std::string&>()));
      const char* const end = text.data() + text.size();
      const auto [rest, status] = std::from_chars(text.data(), end, value);
      if (status != std::errc() || rest != end) {
        add("int_parsing", name,
            "Input should be a valid integer, unable to parse string as an integer", *found);
      }
    } else {
      add("int_type", name, "Input should be a valid integer", *found);
    }
  }

  void finish() const {
    if (!errors_.empty()) refuse(errors_);
  }

 private:
  void add(const char* type, const char* name, const char* message, const ordered_json& input) {
    errors_.push_back(error(type, ordered_json::array({"body", name}), message, input));
  }

  const ordered_json& body_;
  ordered_json errors_ = ordered_json::array();
};

[[noreturn]] void fail(const std::string& detail) { throw Problem(500, detail); }

int64_t product(int64_t one, int64_t two) {
  if (one < 1 || two < 1 || one > std::numeric_limits<int32_t>::max() ||
      two > std::numeric_limits<int32_t>::max()) {
    fail("batch_size and world_size: must be at least 1, and no larger than 2147483647");
  }
  return one * two;
}

void check_data(const SeedRequest& request) {
  if (request.dataset_type != "mnist") {
    fail(
        fmt::format("dataset_type: must be mnist, found '{}'", request.dataset_type.substr(0, 60)));
  }
  const size_t scheme = request.dataset_uri.find("://");
  if (scheme != std::string::npos && request.dataset_uri.substr(0, scheme) != "s3" &&
      request.dataset_uri.substr(0, scheme) != "https") {
    fail(
        fmt::format("dataset_uri: '{}' names another place: give s3://BUCKET/KEY, https://..., or "
                    "the path of a file that 'ringtrain dataset import' made",
                    request.dataset_uri.substr(0, 200)));
  }
}

}  // namespace

SeedRequest parse_seed_request(const std::string& body) {
  if (body.empty()) {
    refuse(ordered_json::array(
        {error("missing", ordered_json::array({"body"}), "Field required", nullptr)}));
  }
  ordered_json json;
  try {
    json = ordered_json::parse(body);
  } catch (const ordered_json::parse_error& wrong) {
    ordered_json one =
        error("json_invalid", ordered_json::array({"body", wrong.byte > 0 ? wrong.byte - 1 : 0}),
              "JSON decode error", ordered_json::object());
    one["ctx"] = {{"error", "Expecting value"}};
    refuse(ordered_json::array({one}));
  } catch (const ordered_json::exception&) {
    ordered_json one = error("json_invalid", ordered_json::array({"body", 0}), "JSON decode error",
                             ordered_json::object());
    one["ctx"] = {{"error", "Out of range"}};
    refuse(ordered_json::array({one}));
  }
  if (!json.is_object()) {
    refuse(ordered_json::array(
        {error("model_attributes_type", ordered_json::array({"body"}),
               "Input should be a valid dictionary or object to extract fields from", json)}));
  }
  SeedRequest request;
  Reader reader(json);
  reader.text("job_name", request.job_name, true);
  reader.text("image", request.image);
  reader.number("epochs", request.epochs);
  reader.number("dataset_size", request.dataset_size);
  reader.number("batch_size", request.batch_size);
  reader.number("world_size", request.world_size);
  reader.text("dataset_type", request.dataset_type);
  reader.text("dataset_uri", request.dataset_uri, false, true);
  reader.finish();
  return request;
}

nlohmann::json read_seed_defaults(const std::string& text, const std::string& name) {
  nlohmann::json keys = parse_yaml(text, name).value;
  const auto is_group = [&](const char* key) {
    return keys.contains(key) && keys[key].is_object();
  };
  const auto is_text = [&](const char* key) { return keys.contains(key) && keys[key].is_string(); };
  if (!keys.is_object() || !is_group("kubernetes") || !is_text("output") ||
      (keys.contains("dataset") && !is_text("dataset"))) {
    throw job_error(fmt::format(
        "{}: must have output, a folder for the jobs' results, and the group kubernetes, as in "
        "'kubernetes: {{volumes: [{{mount: /data, claim: mnist}}]}}'; it may have a dataset",
        name));
  }
  for (const auto& [key, value] : keys.items()) {
    if (key != "dataset" && key != "output" && key != "kubernetes") {
      throw job_error(fmt::format(
          "{}: {}: is the body's: only dataset, output and kubernetes are taken here", name, key));
    }
  }
  const auto refusals = find_refusals(job_file_of({.job_name = "a"}, keys));
  if (!refusals.empty()) {
    throw job_error(fmt::format("{}: {}: {}", name, refusals[0].path, refusals[0].message));
  }
  return keys;
}

std::string job_file_of(const SeedRequest& request, const nlohmann::json& defaults) {
  check_data(request);
  const auto quoted = [](const std::string& text) { return nlohmann::json(text).dump(); };
  const bool names_one = defaults.contains("dataset");
  const std::string mnist = names_one ? defaults["dataset"].get<std::string>() : "data/mnist.h5";
  const std::string& dataset = request.dataset_uri.empty() ? mnist : request.dataset_uri;
  const int64_t batch = product(request.batch_size, request.world_size);
  std::string text = fmt::format(
      "# Sent as a job of k8s-distributed-training\n"
      "name: {}\nmodel: lenet\ndataset: {}\nepochs: {}\nbatch_size: {}\n"
      "optimizer: {{type: adamw, learning_rate: 0.001}}\n",
      quoted(request.job_name), quoted(dataset), request.epochs, batch);
  if (request.dataset_size > 0) {
    text += fmt::format("samples: {}\n", std::min(request.dataset_size, kMnistRows));
  }
  if (!defaults.is_null()) {
    nlohmann::json kubernetes = defaults.at("kubernetes");
    if (!kubernetes.contains("image")) kubernetes["image"] = request.image;
    text += fmt::format("output: {}\nkubernetes: {}\n",
                        quoted(defaults.at("output").get<std::string>() + "/" + request.job_name),
                        kubernetes.dump());
  }
  return text;
}

}  // namespace ringtrain::server
