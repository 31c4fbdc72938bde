// SPDX-License-Identifier: Apache-2.0
#include "job/result_file.hpp"

#include <exception>

#include "base/file.hpp"
#include "job/result_fields.hpp"

namespace ringtrain {
namespace {

using nlohmann::ordered_json;

constexpr int64_t kResultVersion = 1;

}  // namespace

ordered_json result_to_json(const Result& result) {
  ordered_json json = {{"version", kResultVersion}};
  put_fields(json, result);
  return json;
}

std::string print_result(const Result& result) { return result_to_json(result).dump(2) + "\n"; }

std::optional<Result> parse_result(std::string_view text) {
  try {
    const auto json = ordered_json::parse(text);
    if (!json.is_object() || json.value("version", kResultVersion) > kResultVersion)
      return std::nullopt;
    Result result;
    take_fields(json, result);
    return result;
  } catch (const ordered_json::exception&) {
    return std::nullopt;
  }
}

std::optional<Result> read_result(const std::filesystem::path& file) {
  try {
    return parse_result(read_file(file));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void write_result(const std::filesystem::path& file, const Result& result) {
  write_file(file, print_result(result));
}

}  // namespace ringtrain
