// SPDX-License-Identifier: Apache-2.0
// Answers of an HttpServer that other threads make, and its end in two steps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "net/http_client.hpp"
#include "net/http_server.hpp"

namespace ringtrain::net {
namespace {

class PendingAnswerTest : public testing::Test {
 protected:
  PendingAnswerTest()
      : server_(options(), [this](const ServedRequest& request) { return answer(request); }) {
    thread_ = std::thread([this] { server_.run(); });
  }
  ~PendingAnswerTest() override {
    server_.stop();
    thread_.join();
  }

  HttpServerOptions options() {
    HttpServerOptions options;
    options.max_body = 2048;
    options.refuse = [](int status, const std::string& detail) {
      return Answer{.status = status, .body = "refused: " + detail, .close = true};
    };
    options.on_signal = [this] { signalled_.release(); };
    return options;
  }

  Answer answer(const ServedRequest& request) {
    if (request.target == "/count") return {.body = std::to_string(server_.in_progress())};
    auto later = std::make_shared<HttpPending>();
    if (request.target == "/at-once") {
      later->finish({.body = "at once"});
    } else {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(later);
      arrived_.release();
    }
    return {.pending = later};
  }

  HttpResponse get(const std::string& path, const std::string& body = "") {
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(server_.port()) + path;
    request.method = body.empty() ? "GET" : "POST";
    request.body = body;
    return HttpClient().perform(request);
  }

  std::mutex mutex_;
  std::vector<std::shared_ptr<HttpPending>> waiting_;
  std::counting_semaphore<> arrived_{0};
  std::counting_semaphore<> signalled_{0};
  HttpServer server_;
  std::thread thread_;
};

TEST_F(PendingAnswerTest, ManyWaitAndEachGetsItsOwn) {
  constexpr size_t kClients = 8;
  std::vector<std::thread> clients;
  std::vector<std::string> bodies(kClients);
  for (size_t i = 0; i < kClients; ++i) {
    clients.emplace_back([this, i, &bodies] { bodies[i] = get("/later").body; });
  }
  for (size_t i = 0; i < kClients; ++i) arrived_.acquire();
  EXPECT_EQ(get("/count").body, std::to_string(kClients + 1));
  for (size_t i = 0; i < kClients; ++i) waiting_[i]->finish({.body = std::to_string(i)});
  for (std::thread& client : clients) client.join();
  std::sort(bodies.begin(), bodies.end());
  for (size_t i = 0; i < kClients; ++i) EXPECT_EQ(bodies[i], std::to_string(i));
}

TEST_F(PendingAnswerTest, MayBeGivenBeforeTheServerWaitsForIt) {
  EXPECT_EQ(get("/at-once").body, "at once");
}

TEST_F(PendingAnswerTest, RefusesInTheProgramsOwnWords) {
  const HttpResponse response = get("/later", std::string(4096, 'x'));
  EXPECT_EQ(response.status, 413);
  EXPECT_EQ(response.body, "refused: the body of the request is larger than 2.0 KiB");
}

TEST_F(PendingAnswerTest, ASignalIsLeftToTheProgramAndOthersAreStillAnswered) {
  EXPECT_EQ(get("/at-once").body, "at once");  // it serves, and so takes signals
  ::kill(::getpid(), SIGTERM);
  signalled_.acquire();
  EXPECT_EQ(get("/at-once").body, "at once");
}

}  // namespace
}  // namespace ringtrain::net
