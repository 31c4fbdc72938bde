// SPDX-License-Identifier: Apache-2.0
#include "job/outcome_file.hpp"

#include <exception>
#include <stdexcept>

#include "base/file.hpp"
#include "job/fields.hpp"

// Times are texts of RFC 3339, to the millisecond.
template <>
struct nlohmann::adl_serializer<ringtrain::Time> {
  static void to_json(ordered_json& json, const ringtrain::Time& time) {
    json = ringtrain::print_time_ms(time);
  }
  static void from_json(const ordered_json& json, ringtrain::Time& time) {
    const auto parsed = ringtrain::parse_time(json.get<std::string>());
    if (!parsed) throw std::runtime_error("not a time");
    time = *parsed;
  }
};

namespace ringtrain {

using nlohmann::ordered_json;

NLOHMANN_JSON_SERIALIZE_ENUM(RunStatus, {{RunStatus::killed, "killed"},
                                         {RunStatus::finished, "finished"},
                                         {RunStatus::cancelled, "cancelled"},
                                         {RunStatus::failed, "failed"},
                                         {RunStatus::lost, "lost"}})

constexpr auto fields_of(const Outcome*) {
  using T = Outcome;
  return std::tuple(field("status", &T::status), field("exit_code", &T::exit_code),
                    field("cause", &T::cause), field("signal", &T::signal), field("rank", &T::rank),
                    field("host", &T::host), field("attempts", &T::attempts),
                    field("started", &T::started), field("ended", &T::ended));
}

namespace {

constexpr int kOutcomeVersion = 1;

std::string print_indented(const Outcome& outcome, int indent) {
  ordered_json json = {{"version", kOutcomeVersion}};
  put_fields(json, outcome);
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace

std::string print_outcome(const Outcome& outcome) { return print_indented(outcome, -1); }

std::optional<Outcome> parse_outcome(std::string_view text) {
  try {
    const auto json = ordered_json::parse(text);
    if (!json.is_object() || json.value("version", kOutcomeVersion) > kOutcomeVersion)
      return std::nullopt;
    Outcome outcome;
    take_fields(json, outcome);
    // An unknown status is read as the first of the list: it must not pass for that.
    if (ordered_json(outcome.status) != json.at("status")) return std::nullopt;
    return outcome;
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

std::optional<Outcome> read_outcome(const std::filesystem::path& file) {
  try {
    return parse_outcome(read_file(file));
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void write_outcome(const std::filesystem::path& file, const Outcome& outcome) {
  write_file(file, print_indented(outcome, 2) + "\n");
}

void ask_to_finish(const std::filesystem::path& output) { write_file(output / "finish", ""); }

bool is_asked_to_finish(const std::filesystem::path& output) {
  std::error_code error;
  return std::filesystem::exists(output / "finish", error);
}

void forget_finish_request(const std::filesystem::path& output) {
  std::error_code ignored;
  std::filesystem::remove(output / "finish", ignored);
}

}  // namespace ringtrain
