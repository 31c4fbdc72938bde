// SPDX-License-Identifier: Apache-2.0
#include "server/client/data.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <system_error>
#include <thread>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "net/base64.hpp"
#include "net/sha256.hpp"
#include "server/client/bucket_upload.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

constexpr uint64_t kPiece = uint64_t{4} << 20;
constexpr int kMostCuts = 20;  // of an upload, in a row
constexpr std::chrono::milliseconds kLook(300);
const std::string kTus = "Tus-Resumable: 1.0.0";

std::string print(const ordered_json& json) {
  return json.dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

std::string percent(const ordered_json& card) {
  const auto found = card.find("test_accuracy");
  const auto evaluations = card.value("evaluations", ordered_json::array());
  if (!evaluations.empty() && evaluations[0].contains("accuracy")) {
    return fmt::format("{:.2f}%", 100 * evaluations[0].value("accuracy", 0.0));
  }
  if (found == card.end() || !found->is_number()) return "-";
  return fmt::format("{:.2f}%", 100 * found->get<double>());
}

// Sends one file and returns its upload's id.
std::string send_file(RemoteServer& server, const fs::path& path) {
  const File file = File::open_for_reading(path);
  const std::string name = net::encode_base64(path.filename().string());
  const ordered_json made =
      server.ask({.method = "POST",
                  .path = "/api/v1/uploads",
                  .headers = {kTus, fmt::format("Upload-Length: {}", file.size()),
                              "Upload-Metadata: filename " + name}});
  const std::string place = "/api/v1/uploads/" + made.at("id").get<std::string>();
  std::string piece;
  int cuts = 0;
  for (uint64_t offset = 0; offset < file.size();) {
    piece.resize(std::min(kPiece, file.size() - offset));
    file.read_at(piece.data(), piece.size(), offset);
    try {
      server.ask({.method = "PATCH",
                  .path = place,
                  .body = piece,
                  .type = "application/offset+octet-stream",
                  .headers = {kTus, fmt::format("Upload-Offset: {}", offset)}});
      offset += piece.size();
      cuts = 0;
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::lost || ++cuts > kMostCuts) throw;
      offset = server.ask_patiently({.path = place}).at("offset").get<uint64_t>();
    }
  }
  return made.at("id").get<std::string>();
}

ordered_json kind_named(RemoteServer& server, const std::string& name) {
  const ordered_json kinds = server.ask({.path = "/api/v1/dataset-kinds"});
  std::string known;
  for (const ordered_json& kind : kinds.at("kinds")) {
    if (kind.value("kind", "") == name) return kind;
    known += (known.empty() ? "" : ", ") + kind.value("kind", "");
  }
  throw job_error(fmt::format("--kind {}: must be one of {}", name, known));
}

// "height=32": a number, true, or a list with commas where the option is one; else a text.
ordered_json option_value(const ordered_json& kind, const std::string& key,
                          const std::string& text) {
  for (const ordered_json& option : kind.at("options")) {
    if (option.value("key", "") != key) continue;
    const std::string type = option.value("type", "");
    if (type == "string") return text;
    if (type == "array") {
      ordered_json list = ordered_json::array();
      for (size_t start = 0; start <= text.size();) {
        const size_t end = std::min(text.find(',', start), text.size());
        list.push_back(text.substr(start, end - start));
        start = end + 1;
      }
      return list;
    }
    auto value = ordered_json::parse(text, nullptr, false);
    return value.is_discarded() ? ordered_json(text) : value;
  }
  return text;
}

// Waits until an operation is over.
ordered_json end_of(RemoteServer& server, const std::string& id) {
  for (;;) {
    ordered_json found = server.ask_patiently({.path = "/api/v1/operations/" + id});
    const std::string state = found.value("state", "");
    if (state == "Succeeded") return found;
    if (state != "Waiting" && state != "Running") {
      throw data_error(state == "Failed" ? found.value("error", "") : "the import was cancelled");
    }
    std::this_thread::sleep_for(kLook);
  }
}

std::string dataset_line(const ordered_json& one) {
  const auto number = [&](const char* key) { return print_count(one.value(key, uint64_t{0})); };
  return fmt::format("{:<24} {:>12} {:>12} {:>8} {:>10}  {}", one.value("name", ""),
                     number("train_rows"), number("test_rows"),
                     number(one.value("targets", 0) > 0 ? "targets" : "classes"),
                     print_size(one.value("bytes", uint64_t{0})), one.value("uuid", ""));
}

}  // namespace

void list_datasets_on_server(RemoteServer& server, bool as_json) {
  const ordered_json answer = server.ask({.path = "/api/v1/datasets"});
  if (as_json) return fmt::print("{}\n", print(answer));
  fmt::print("{:<24} {:>12} {:>12} {:>8} {:>10}  {}\n", "NAME", "TRAIN", "TEST", "CLASSES", "SIZE",
             "UUID");
  for (const ordered_json& one : answer.at("datasets")) fmt::print("{}\n", dataset_line(one));
}

void upload_to_server(RemoteServer& server, const RemoteUpload& upload, bool as_json) {
  const ordered_json kind = kind_named(server, upload.kind);
  const ordered_json& roles = kind.at("files");
  if (upload.files.size() > roles.size()) {
    throw job_error(fmt::format("--kind {} takes {}, found {}", upload.kind,
                                counted(roles.size(), "file"), upload.files.size()));
  }
  ordered_json body = {{"name", upload.name},
                       {"kind", upload.kind},
                       {"files", ordered_json::object()},
                       {"options", ordered_json::object()}};
  for (const std::string& one : upload.options) {
    const size_t equals = one.find('=');
    if (equals == std::string::npos) {
      throw job_error(fmt::format("--option {}: must be KEY=VALUE, as height=32", one));
    }
    const std::string key = one.substr(0, equals);
    body["options"][key] = option_value(kind, key, one.substr(equals + 1));
  }
  for (size_t i = 0; i < upload.files.size(); ++i) {
    body["files"][roles[i].value("role", "")] =
        upload.to_bucket ? ordered_json{{"url", send_to_bucket(server, upload.files[i])}}
                         : ordered_json{{"upload", send_file(server, upload.files[i])}};
  }
  const ordered_json begun = server.ask({.method = "POST",
                                         .path = "/api/v1/datasets",
                                         .body = body.dump(),
                                         .type = "application/json"});
  end_of(server, begun.at("id").get<std::string>());
  const ordered_json made = server.ask({.path = "/api/v1/datasets/" + as_path_part(upload.name)});
  if (as_json) return fmt::print("{}\n", print(made));
  fmt::print("{}: {} training and {} test rows, {}\n", upload.name,
             print_count(made.value("train_rows", uint64_t{0})),
             print_count(made.value("test_rows", uint64_t{0})),
             print_size(made.value("bytes", uint64_t{0})));
}

void list_models_on_server(RemoteServer& server, bool as_json) {
  const ordered_json answer = server.ask({.path = "/api/v1/models"});
  if (as_json) return fmt::print("{}\n", print(answer));
  fmt::print("{:<24} {:>8} {:>9}  {:<20} {}\n", "NAME", "VERSION", "ACCURACY", "JOB", "ALIASES");
  for (const ordered_json& one : answer.at("models")) {
    const ordered_json latest = one.value("latest", ordered_json::object());
    std::string aliases;
    for (const auto& [alias, version] : one.at("aliases").items()) {
      aliases += fmt::format("{}{}={}", aliases.empty() ? "" : ",", alias, version.get<int>());
    }
    fmt::print("{:<24} {:>8} {:>9}  {:<20} {}\n", one.value("name", ""), latest.value("version", 0),
               percent(latest), latest.value("job", ""), aliases);
  }
}

void get_model_from_server(RemoteServer& server, const std::string& model,
                           const std::string& version, const fs::path& folder) {
  const std::string path =
      fmt::format("/api/v1/models/{}/versions/{}", as_path_part(model), as_path_part(version));
  const ordered_json card = server.ask({.path = path});
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw io_error(fmt::format("{}: {}", folder.string(), error.message()));
  for (const auto& [name, about] : card.at("files").items()) {
    const fs::path to = folder / fs::path(name).filename();
    if (fs::exists(to, error)) {
      throw job_error(
          fmt::format("{} is there already: give another folder with --output", to.string()));
    }
    PendingFile pending(to);
    const std::string sum = server.download(path + "/files/" + as_path_part(name), pending.file());
    if (sum != about.value("sha256", "")) {
      throw lost_error(fmt::format("{}: has another SHA-256 than its card says", to.string()));
    }
    pending.commit();
    fmt::print("{}\n", to.string());
  }
}

void set_alias_on_server(RemoteServer& server, const std::string& model, const std::string& alias,
                         int version) {
  server.ask({.method = "PUT",
              .path = fmt::format("/api/v1/models/{}/aliases/{}", as_path_part(model),
                                  as_path_part(alias)),
              .body = ordered_json{{"version", version}}.dump(),
              .type = "application/json"});
  fmt::print("{}: {} is version {}\n", model, alias, version);
}

}  // namespace ringtrain::server
