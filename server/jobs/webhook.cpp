// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/webhook.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <vector>

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "net/sha256.hpp"

namespace ringtrain::server {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::hours kGivenUpAfter(24);
constexpr std::chrono::milliseconds kLongestPause(std::chrono::hours(1));
constexpr std::chrono::seconds kTimeout(10);
constexpr uint64_t kMaxAnswer = 65536;

bool is_old(const fs::path& file) {
  std::error_code error;
  const auto written = fs::last_write_time(file, error);
  return !error && fs::file_time_type::clock::now() - written > kGivenUpAfter;
}

}  // namespace

std::string webhook_signature(const std::string& secret, int64_t seconds, const std::string& body) {
  const std::string signed_text = fmt::format("{}.{}", seconds, body);
  return fmt::format("t={},v1={}", seconds, net::hmac_sha256(secret, signed_text));
}

Webhook::Webhook(WebhookOptions options, fs::path outbox, std::chrono::milliseconds first_pause)
    : options_(std::move(options)), outbox_(std::move(outbox)), first_pause_(first_pause) {
  std::error_code error;
  fs::create_directories(outbox_, error);
  if (error)
    throw io_error(fmt::format("{}: cannot be made: {}", outbox_.string(), error.message()));
  thread_ = std::thread([this] { run(); });
}

Webhook::~Webhook() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Webhook::add(const std::string& name, const std::string& body) {
  write_file(outbox_ / (name + ".json"), body);
  {
    const std::lock_guard lock(mutex_);
    has_new_ = true;
  }
  changed_.notify_all();
}

void Webhook::run() {
  std::chrono::milliseconds pause = first_pause_;
  std::unique_lock lock(mutex_);
  bool has_all = true;
  for (;;) {
    const auto is_woken = [this] { return ends_ || has_new_; };
    if (has_all) {
      changed_.wait(lock, is_woken);
    } else {
      changed_.wait_for(lock, pause, is_woken);
    }
    if (ends_) return;
    has_new_ = false;
    lock.unlock();
    has_all = send_all();
    lock.lock();
    pause = has_all ? first_pause_ : std::min(2 * pause, kLongestPause);
  }
}

bool Webhook::send_all() {
  std::error_code error;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(outbox_, error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  bool has_all = true;
  for (const fs::path& file : files) {
    {
      const std::lock_guard lock(mutex_);
      if (ends_) return true;
    }
    if (send(file)) {
      fs::remove(file, error);
    } else {
      has_all = false;
    }
  }
  return has_all;
}

bool Webhook::send(const fs::path& file) {
  const std::string name = file.stem().string();
  std::string why;
  try {
    const std::string body = read_file(file);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    net::HttpRequest request{
        .method = "POST",
        .url = options_.url,
        .headers = {"Content-Type: application/json", "X-Ringtrain-Delivery: " + name,
                    "X-Ringtrain-Signature: " + webhook_signature(options_.secret, seconds, body)},
        .body = body,
        .public_addresses_only = !options_.private_addresses,
        .max_body = kMaxAnswer,
        .timeout = kTimeout};
    const net::HttpResponse answer = http_.perform(request);
    if (net::is_success(answer)) return true;
    why = fmt::format("the receiver answers {}", answer.status);
  } catch (const net::HttpError& error) {
    why = error.reason();
    if (error.failure() == net::HttpFailure::address_refused) {
      why += ": --webhook-to-private allows it";
    }
  } catch (const Error& error) {
    why = error.what();
  }
  const bool is_over = is_old(file);
  log_warning(fmt::format("webhook: {}: {}; {}", name, why,
                          is_over ? "given up after a day" : "tried again later"));
  return is_over;
}

}  // namespace ringtrain::server
