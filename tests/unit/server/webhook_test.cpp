// SPDX-License-Identifier: Apache-2.0
#include "server/jobs/webhook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/deadline.hpp"
#include "base/file.hpp"
#include "base/file_descriptor.hpp"
#include "tests/unit/net/fake_server.hpp"
#include "tests/unit/temporary_directory.hpp"

namespace ringtrain::server {
namespace {

using testing::HasSubstr;

constexpr const char* kSecret = "0123456789abcdef";

class WebhookTest : public testing::Test {
 protected:
  net::Reply answer(const net::ReceivedRequest& request) {
    const std::lock_guard lock(mutex_);
    received_.push_back(request);
    return {.status = received_.size() <= failures_ ? 500 : 204, .pieces = {}};
  }
  size_t received() {
    const std::lock_guard lock(mutex_);
    return received_.size();
  }
  WebhookOptions options() const {
    return {.url = receiver_.url() + "/hook", .secret = kSecret, .private_addresses = true};
  }
  bool is_empty() const { return std::filesystem::is_empty(folder_ / "outbox"); }
  template <class Condition>
  void wait_until(Condition condition) {
    for (const Deadline deadline(std::chrono::seconds(30)); !condition();) {
      ASSERT_FALSE(deadline.passed());
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  TemporaryDirectory folder_;
  std::mutex mutex_;
  size_t failures_ = 0;
  std::vector<net::ReceivedRequest> received_;
  net::FakeServer receiver_{[this](const net::ReceivedRequest& r) { return answer(r); }};
};

TEST_F(WebhookTest, SignsWhatItSends) {
  Webhook webhook(options(), folder_ / "outbox");
  webhook.add("a.1.Succeeded", "{\"x\":1}");
  wait_until([this] { return received() == 1 && is_empty(); });
  const auto& request = received_[0];
  EXPECT_EQ(request.target, "/hook");
  EXPECT_EQ(request.body, "{\"x\":1}");
  EXPECT_THAT(request.headers, HasSubstr("X-Ringtrain-Delivery: a.1.Succeeded\r\n"));
  const std::string name = "X-Ringtrain-Signature: ";
  const size_t at = request.headers.find(name) + name.size();
  const std::string value = request.headers.substr(at, request.headers.find('\r', at) - at);
  const int64_t seconds = std::stoll(value.substr(2));
  EXPECT_EQ(value, webhook_signature(kSecret, seconds, request.body));
}

TEST_F(WebhookTest, TriesAgainUntilTheReceiverTakesIt) {
  failures_ = 3;
  Webhook webhook(options(), folder_ / "outbox", std::chrono::milliseconds(1));
  webhook.add("a", "{}");
  wait_until([this] { return is_empty(); });
  EXPECT_EQ(received(), 4u);
}

TEST_F(WebhookTest, SendsWhatAnEarlierServerLeft) {
  std::filesystem::create_directories(folder_ / "outbox");
  write_file(folder_ / "outbox" / "a.json", "{}");
  Webhook webhook(options(), folder_ / "outbox");
  wait_until([this] { return received() == 1; });
}

// Reads what is written to stderr until `text` is in it.
void wait_for_stderr(const std::string& text, const std::function<void()>& work) {
  Pipe pipe = make_pipe();
  const FileDescriptor before(::dup(STDERR_FILENO));
  ::dup2(pipe.write_end.get(), STDERR_FILENO);
  work();
  std::string said;
  std::array<char, 512> buffer;
  while (said.find(text) == std::string::npos) {
    const ssize_t size = ::read(pipe.read_end.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    said.append(buffer.data(), static_cast<size_t>(size));
  }
  ::dup2(before.get(), STDERR_FILENO);
}

TEST_F(WebhookTest, LeadsToNoPrivateNetworkUnlessItMay) {
  WebhookOptions careful = options();
  careful.private_addresses = false;
  Webhook webhook(careful, folder_ / "outbox");
  wait_for_stderr("--webhook-to-private allows it", [&] { webhook.add("a", "{}"); });
  EXPECT_EQ(received(), 0u);
  EXPECT_FALSE(is_empty());
}

}  // namespace
}  // namespace ringtrain::server
