// SPDX-License-Identifier: Apache-2.0
#include "server/models/models.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "server/jobs/submission.hpp"
#include "server/problem.hpp"
#include "server/uploads/uploads.hpp"

namespace ringtrain::server {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

namespace {

constexpr size_t kMostEvaluations = 20;

// Returns the number that a text is; 0: it is none.
int number_in(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size() && text[0] != '0';
  return is_number && value > 0 ? value : 0;
}

// Returns what a small file of ours holds; `none` where it is missing or broken.
ordered_json read_json(const fs::path& file, ordered_json none) {
  try {
    auto json = ordered_json::parse(read_file(file, uint64_t{64} << 20), nullptr, false);
    return json.type() == none.type() ? json : none;
  } catch (const Error&) {
    return none;
  }
}

void write_json(const fs::path& file, const ordered_json& json) {
  write_file(file, json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

}  // namespace

Models::Models(fs::path folder) : folder_(std::move(folder)) {
  fs::create_directories(folder_);
  std::error_code error;
  std::vector<fs::path> going;  // an earlier server did not see the end of it
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    if (entry.path().filename().string().starts_with(".")) going.push_back(entry.path());
  }
  for (const fs::path& path : going) fs::remove_all(path, error);
}

std::vector<int> Models::versions(const std::string& model) const {
  std::vector<int> found;
  std::error_code error;
  if (!is_job_name(model)) return found;
  for (const auto& entry : fs::directory_iterator(folder_ / model, error)) {
    const int number = number_in(entry.path().filename().string());
    if (number > 0 && fs::exists(entry.path() / "card.json", error)) found.push_back(number);
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

ordered_json Models::aliases(const std::string& model) const {
  return read_json(folder_ / model / "model.json", ordered_json::object())
      .value("aliases", ordered_json::object());
}

ordered_json Models::evaluations(const std::string& model, int version) const {
  return read_json(folder_ / model / std::to_string(version) / "evaluations.json",
                   ordered_json::array());
}

std::vector<ordered_json> Models::list() const {
  std::vector<ordered_json> all;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    const auto numbers = versions(name);
    if (numbers.empty()) continue;
    ordered_json latest = card(name, numbers.front());
    // The newest evaluation, with its figures alone.
    ordered_json& evaluated = latest["evaluations"];
    if (evaluated.size() > 1) evaluated.erase(evaluated.begin() + 1, evaluated.end());
    for (ordered_json& one : evaluated) {
      for (const char* const key : {"classes", "confusion", "targets"}) one.erase(key);
    }
    all.push_back({{"name", name},
                   {"versions", numbers.size()},
                   {"aliases", aliases(name)},
                   {"latest", std::move(latest)}});
  }
  std::sort(all.begin(), all.end(),
            [](const auto& one, const auto& two) { return one["name"] < two["name"]; });
  return all;
}

ordered_json Models::get(const std::string& model) const {
  const auto numbers = versions(model);
  if (numbers.empty()) {
    throw Problem(404, "there is no such model: GET /api/v1/models lists all");
  }
  ordered_json cards = ordered_json::array();
  for (const int number : numbers) cards.push_back(card(model, number));
  return {{"name", model}, {"aliases", aliases(model)}, {"versions", cards}};
}

int Models::number_of(const std::string& model, const std::string& version) const {
  const auto numbers = versions(model);
  int number = number_in(version);
  if (version == "latest" && !numbers.empty()) number = numbers.front();
  const ordered_json known = aliases(model);
  if (number == 0 && known.contains(version)) number = known[version].get<int>();
  if (number == 0 || std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
    throw Problem(404, fmt::format("there is no such version: it is a number, an alias or latest: "
                                   "GET /api/v1/models/{} lists all",
                                   is_job_name(model) ? model : "NAME"));
  }
  return number;
}

ordered_json Models::card(const std::string& model, int version) const {
  ordered_json card = read_json(folder(model, version) / "card.json", ordered_json::object());
  card["model"] = model;  // a folder may be renamed
  card["version"] = version;
  card["evaluations"] = evaluations(model, version);
  return card;
}

fs::path Models::folder(const std::string& model, int version) const {
  return folder_ / model / std::to_string(version);
}

int Models::version_of(const std::string& model, const std::string& job, int attempt) const {
  for (const int number : versions(model)) {
    const ordered_json found = card(model, number);
    if (found.value("job", "") == job && found.value("attempt", 0) == attempt) return number;
  }
  return 0;
}

int Models::adopt(const fs::path& complete, const std::string& model, ordered_json card) {
  fs::create_directories(folder_ / model);
  const auto numbers = versions(model);
  // A number that was an alias's or a program's is not given again.
  const ordered_json about = read_json(folder_ / model / "model.json", ordered_json::object());
  const int number = std::max(numbers.empty() ? 0 : numbers.front(), about.value("newest", 0)) + 1;
  write_json(complete / "card.json", card);
  sync_directory(complete);
  const fs::path place = folder(model, number);
  if (std::rename(complete.c_str(), place.c_str()) != 0) {
    throw io_error(fmt::format("{}: {}", place.string(), std::strerror(errno)));
  }
  sync_directory(folder_ / model);
  save_aliases(model, aliases(model));
  return number;
}

void Models::save_aliases(const std::string& model, const ordered_json& aliases) {
  const auto numbers = versions(model);
  const ordered_json about = read_json(folder_ / model / "model.json", ordered_json::object());
  const int newest = std::max(numbers.empty() ? 0 : numbers.front(), about.value("newest", 0));
  write_json(folder_ / model / "model.json", {{"newest", newest}, {"aliases", aliases}});
}

void Models::set_alias(const std::string& model, const std::string& alias, int version) {
  number_of(model, std::to_string(version));
  if (!is_job_name(alias) || alias == "latest" || number_in(alias) > 0) {
    throw Problem(422,
                  "the alias must be lower-case letters, digits and '-', at most 63, no number, "
                  "and not latest, which is the newest version");
  }
  ordered_json all = aliases(model);
  all[alias] = version;
  save_aliases(model, all);
}

void Models::remove_alias(const std::string& model, const std::string& alias) {
  ordered_json all = aliases(model);
  if (!all.contains(alias)) throw Problem(404, "there is no such alias");
  all.erase(alias);
  save_aliases(model, all);
}

void Models::add_evaluation(const std::string& model, int version, const ordered_json& evaluation) {
  ordered_json all = evaluations(model, version);
  all.insert(all.begin(), evaluation);
  if (all.size() > kMostEvaluations) all.erase(all.begin() + kMostEvaluations, all.end());
  write_json(folder(model, version) / "evaluations.json", all);
}

void Models::remove(const std::string& model, int version) {
  number_of(model, std::to_string(version));
  const ordered_json all = aliases(model);
  for (const auto& [alias, number] : all.items()) {
    if (number != version) continue;
    throw Problem(409, fmt::format("version {} is '{}': give that alias to another version first",
                                   version, alias));
  }
  const fs::path gone = folder_ / (".gone." + random_id());
  fs::rename(folder(model, version), gone);
  std::error_code ignored;
  fs::remove_all(gone, ignored);
}

}  // namespace ringtrain::server
