// SPDX-License-Identifier: Apache-2.0
#include "server/deployments/deployments.hpp"

#include <fmt/format.h>

#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "server/jobs/submission.hpp"
#include "server/now_text.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr const char* kFile = "deployment.json";
constexpr size_t kMost = 32;

ordered_json to_json(const DeploymentRecord& record) {
  return {{"model", record.model},
          {"version", record.version},
          {"created", record.created},
          {"by", record.by},
          {"port", record.port}};
}

// Returns a record without a model where the file is missing or broken.
DeploymentRecord read_record(const fs::path& file) {
  try {
    const auto json = nlohmann::json::parse(read_file(file, 1 << 16));
    return {.model = json.at("model").get<std::string>(),
            .version = json.at("version").get<int>(),
            .created = json.at("created").get<std::string>(),
            .by = json.at("by").get<std::string>(),
            .port = json.at("port").get<uint16_t>()};
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

Deployments::Deployments(fs::path folder, fs::path program, std::string address,
                         const Models& models)
    : folder_(std::move(folder)),
      program_(std::move(program)),
      address_(std::move(address)),
      models_(models) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    One one{.record = read_record(entry.path() / kFile), .process = nullptr};
    if (!is_job_name(name) || one.record.model.empty()) continue;
    start(name, one);
    all_.emplace(name, std::move(one));
  }
}

void Deployments::start(const std::string& name, One& one) {
  one.process = std::make_unique<DeployedModel>(
      DeployedModelOptions{.program = program_, .folder = folder_ / name, .address = address_},
      name, models_.folder(one.record.model, one.record.version), one.record.port);
}

void Deployments::save(const std::string& name, const DeploymentRecord& record) const {
  write_file(folder_ / name / kFile, to_json(record).dump(1) + "\n");
}

ordered_json Deployments::shown(const std::string& name, const One& one) const {
  ordered_json json = {{"name", name},
                       {"model", one.record.model},
                       {"version", one.record.version},
                       {"state", one.process->state()},
                       {"created", one.record.created},
                       {"by", one.record.by},
                       {"starts", one.process->starts()}};
  if (one.process->port() != 0) {
    json["address"] = fmt::format("http://{}:{}/", address_, one.process->port());
  }
  if (!one.process->error().empty()) json["error"] = one.process->error();
  return json;
}

std::vector<ordered_json> Deployments::list() const {
  std::vector<ordered_json> found;
  for (const auto& [name, one] : all_) found.push_back(shown(name, one));
  return found;
}

ordered_json Deployments::get(const std::string& name) const {
  const auto found = all_.find(name);
  if (found == all_.end()) throw Problem(404, fmt::format("there is no deployment '{}'", name));
  return shown(name, found->second);
}

ordered_json Deployments::put(const std::string& name, const std::string& model,
                              const std::string& version, const std::string& by) {
  if (!is_job_name(name)) {
    throw Problem(422,
                  "the name must be lower-case letters, digits and '-', at most 63, with a letter "
                  "or digit at both ends");
  }
  DeploymentRecord record{.model = model,
                          .version = models_.number_of(model, version),
                          .created = now_text(),
                          .by = by};
  const auto found = all_.find(name);
  if (found == all_.end()) {
    if (all_.size() == kMost) {
      throw Problem(409, fmt::format("there are {} deployments already: stop one first", kMost));
    }
    fs::create_directories(folder_ / name);
    save(name, record);
    One one{.record = std::move(record), .process = nullptr};
    start(name, one);
    return shown(name, all_.emplace(name, std::move(one)).first->second);
  }
  One& one = found->second;
  record.port = one.record.port;
  one.process->replace(models_.folder(model, record.version));
  one.earlier = std::exchange(one.record, std::move(record));
  save(name, one.record);
  return shown(name, one);
}

void Deployments::remove(const std::string& name) {
  get(name);
  all_.erase(name);
  std::error_code error;
  fs::remove_all(folder_ / name, error);
}

void Deployments::tick() {
  for (auto& [name, one] : all_) look(name, one);
}

void Deployments::look(const std::string& name, One& one) {
  one.process->tick();
  const bool has_changed = one.earlier && std::string_view(one.process->state()) != "Changing";
  if (has_changed) {
    if (one.process->change_failed()) one.record = *one.earlier;
    one.earlier.reset();
  }
  const uint16_t port = one.process->port();
  const bool has_moved = port != 0 && port != one.record.port;
  if (has_moved) one.record.port = port;
  if (has_changed || has_moved) save(name, one.record);
}

}  // namespace ringtrain::server
