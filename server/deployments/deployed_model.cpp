// SPDX-License-Identifier: Apache-2.0
#include "server/deployments/deployed_model.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <exception>
#include <nlohmann/json.hpp>
#include <random>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "base/text.hpp"
#include "net/http_client.hpp"
#include "server/problem.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostRead = uint64_t{1} << 20;  // of the child's output
constexpr std::chrono::seconds kLongestPause(60);
constexpr std::string_view kListening = "ringtrain serve on http://";

FileDescriptor new_file(const fs::path& path) {
  return FileDescriptor(
      checked(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open"));
}

std::string read_output(const fs::path& path) {
  try {
    return read_file(path, kMostRead);
  } catch (const Error&) {
    return "";
  }
}

std::string new_token() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

// Returns the last message of `ringtrain serve`, without the program's name.
std::string last_message(const std::string& text) {
  const std::string_view all = trimmed(text);
  std::string_view line = all.substr(all.rfind('\n') + 1);
  if (line.starts_with("ringtrain: ")) line.remove_prefix(11);
  return std::string(line.substr(0, 1000));
}

std::string error_in(const net::HttpResponse& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  return json.is_object() && json.contains("error") && json["error"].is_string()
             ? json["error"].get<std::string>()
             : fmt::format("it answered {}", answer.status);
}

}  // namespace

DeployedModel::DeployedModel(DeployedModelOptions options, std::string name, fs::path model,
                             uint16_t port)
    : options_(std::move(options)), name_(std::move(name)), model_(std::move(model)), port_(port) {
  start();
}

const char* DeployedModel::state() const {
  if (change_) return "Changing";
  if (is_ready_) return "Ready";
  return child_ && error_.empty() ? "Starting" : "Failed";
}

void DeployedModel::start() {
  token_ = new_token();
  const fs::path token = options_.folder / "admin-token";
  try {
    const FileDescriptor file = new_file(token);
    if (write_all(file.get(), token_) != token_.size()) throw io_error("its token is not written");
    const FileDescriptor out = new_file(options_.folder / "out");
    const FileDescriptor err = new_file(options_.folder / "err");
    child_.emplace(SpawnOptions{
        .arguments = {options_.program.string(), "serve", name_ + "=" + model_.string(), "--listen",
                      fmt::format("{}:{}", options_.address, port_), "--admin-token-file",
                      token.string()},
        .standard_output = out.get(),
        .standard_error = err.get(),
        .own_group = true,
        .death_signal = SIGTERM});
    ++starts_;
  } catch (const std::exception& failed) {
    error_ = failed.what();
    next_start_ = Clock::now() + kLongestPause;
  }
}

void DeployedModel::read_port() {
  const std::string text = read_output(options_.folder / "out");
  const size_t at = text.find(kListening);
  const size_t end = text.find('\n', at);
  if (at == std::string::npos || end == std::string::npos) return;
  const size_t colon = text.rfind(':', end);
  std::from_chars(text.data() + colon + 1, text.data() + end, port_);
  is_ready_ = true;
  error_.clear();
  pause_ = std::chrono::seconds(1);
}

void DeployedModel::take_end(const ExitStatus& status) {
  const std::string said = last_message(read_output(options_.folder / "err"));
  error_ = !said.empty() ? said : fmt::format("it ended with {}", status.shell_code());
  if (!is_ready_) port_ = 0;  // which somebody else may have by now
  is_ready_ = false;
  child_.reset();
  next_start_ = Clock::now() + pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
}

void DeployedModel::take_change() {
  try {
    if (!change_->poll()) return;
    error_.clear();
  } catch (const std::exception& failed) {
    error_ = failed.what();
    change_failed_ = true;
    model_ = earlier_model_;
  }
  change_.reset();
}

void DeployedModel::tick() {
  if (change_) take_change();
  if (!child_) {
    if (Clock::now() >= next_start_) start();
    return;
  }
  if (!is_ready_) read_port();
  if (const auto status = child_->poll()) take_end(*status);
}

void DeployedModel::replace(const fs::path& model) {
  if (change_) throw Problem(409, "the deployment is changing: wait until it is Ready");
  change_failed_ = false;
  earlier_model_ = std::exchange(model_, model);
  if (!is_ready_) {
    child_.reset();
    error_.clear();
    pause_ = std::chrono::seconds(1);
    start();
    return;
  }
  net::HttpRequest request;
  request.method = "PUT";
  request.url = fmt::format("http://{}:{}/deployments/{}", options_.address, port_, name_);
  request.headers = {"Authorization: Bearer " + token_, "Content-Type: application/json"};
  request.body = nlohmann::json{{"model", model.string()}}.dump();
  request.timeout = std::chrono::minutes(5);
  change_ = std::make_unique<Background>([request = std::move(request)](BackgroundState&) {
    const net::HttpResponse answer = net::HttpClient().perform(request);
    if (!net::is_success(answer)) throw data_error(error_in(answer));
  });
}

}  // namespace ringtrain::server
