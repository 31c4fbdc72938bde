// SPDX-License-Identifier: Apache-2.0
#include "mpijob/client/transport.hpp"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <thread>
#include <utility>

#include "mpijob/client/api_error.hpp"
#include "mpijob/client/credentials.hpp"

namespace ringtrain::mpijob {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t largest_answer = 256 << 20;

template <typename Value>
void set(CURL* handle, CURLoption option, Value value) {
  if (const CURLcode code = curl_easy_setopt(handle, option, value); code != CURLE_OK) {
    throw std::runtime_error(
        fmt::format("curl_easy_setopt {}: {}", static_cast<int>(option), curl_easy_strerror(code)));
  }
}

void set_blob(CURL* handle, CURLoption option, const std::string& bytes) {
  curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_COPY};
  set(handle, option, &blob);
}

// The host of "https://host:port/path" with its port, for CURLOPT_CONNECT_TO.
std::pair<std::string, std::string> authority_and_rest(const std::string& server) {
  const auto start = server.find("://") + 3;
  const auto end = std::min(server.find('/', start), server.size());
  return {server.substr(start, end - start), server.substr(end)};
}

std::string port_of(const std::string& authority) {
  const auto colon = authority.rfind(':');
  if (colon == std::string::npos || authority.find(']', colon) != std::string::npos) return "443";
  return authority.substr(colon + 1);
}

void initialize_curl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw std::runtime_error("curl_global_init failed");
}

bool is_overloaded(long status) {
  return status == 429 || status == 502 || status == 503 || status == 504;
}

}  // namespace

// One request under way.
class Transport::Stream {
 public:
  Stream(CURLM* multi, const Access& access, const Credential& credential,
         const HttpRequest& request, OnData on_data, OnEnd on_end)
      : multi_(multi),
        handle_(curl_easy_init()),
        on_data_(std::move(on_data)),
        on_end_(std::move(on_end)) {
    if (handle_ == nullptr) throw std::runtime_error("curl_easy_init failed");
    try {
      prepare(access, credential, request);
      if (curl_multi_add_handle(multi_, handle_) != CURLM_OK) {
        throw std::runtime_error("curl_multi_add_handle failed");
      }
    } catch (...) {
      free_all();
      throw;
    }
  }
  ~Stream() {
    curl_multi_remove_handle(multi_, handle_);
    free_all();
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  bool had_data() { return std::exchange(had_data_, false); }
  bool ended() const { return ended_; }
  bool could_connect() const { return could_connect_; }

  void end(CURLcode code) {
    ended_ = true;
    StreamEnd end;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &end.status);
    could_connect_ = code != CURLE_COULDNT_CONNECT && code != CURLE_COULDNT_RESOLVE_HOST;
    if (code != CURLE_OK) {
      end.status = 0;
      end.problem = describe(code);
    }
    end.body = std::move(body_);
    if (on_end_) on_end_(end);
  }

 private:
  void free_all() {
    curl_easy_cleanup(handle_);
    curl_slist_free_all(headers_);
    curl_slist_free_all(connect_to_);
  }

  static void append(curl_slist*& list, const std::string& text) {
    curl_slist* const longer = curl_slist_append(list, text.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list = longer;
  }

  void prepare(const Access& access, const Credential& credential, const HttpRequest& request) {
    set(handle_, CURLOPT_PRIVATE, this);
    set(handle_, CURLOPT_ERRORBUFFER, error_.data());
    set(handle_, CURLOPT_NOSIGNAL, 1L);
    set(handle_, CURLOPT_PROTOCOLS_STR, "https,http");
    set(handle_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(handle_, CURLOPT_USERAGENT, "ringtrain");
    set(handle_, CURLOPT_ACCEPT_ENCODING, "");
    set(handle_, CURLOPT_CONNECTTIMEOUT_MS, 10'000L);
    set(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout.count()));
    // A watch may be silent for minutes; a server that is gone must still be noticed.
    set(handle_, CURLOPT_TCP_KEEPALIVE, 1L);
    set(handle_, CURLOPT_TCP_KEEPIDLE, 15L);
    set(handle_, CURLOPT_TCP_KEEPINTVL, 5L);
    set(handle_, CURLOPT_WRITEFUNCTION, &Stream::on_bytes);
    set(handle_, CURLOPT_WRITEDATA, this);

    prepare_tls(access, credential);
    set(handle_, CURLOPT_URL, (base_url(access) + request.target).c_str());
    if (!access.proxy.empty()) set(handle_, CURLOPT_PROXY, access.proxy.c_str());

    append(headers_, "Accept: application/json, */*");
    if (!credential.token.empty()) append(headers_, "Authorization: Bearer " + credential.token);
    if (!access.username.empty()) {
      set(handle_, CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(handle_, CURLOPT_USERNAME, access.username.c_str());
      set(handle_, CURLOPT_PASSWORD, access.password.c_str());
    }
    if (!access.impersonated_user.empty()) {
      append(headers_, "Impersonate-User: " + access.impersonated_user);
    }
    for (const std::string& group : access.impersonated_groups) {
      append(headers_, "Impersonate-Group: " + group);
    }
    set(handle_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!request.body.empty()) {
      append(headers_, "Content-Type: " + request.content_type);
      append(headers_, "Expect:");
      set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(handle_, CURLOPT_COPYPOSTFIELDS, request.body.data());
    }
    set(handle_, CURLOPT_HTTPHEADER, headers_);
  }

  // The certificate's name may be another than the server's (tls-server-name): then that is the
  // name we ask for, at the server's address.
  std::string base_url(const Access& access) {
    if (access.tls_server_name.empty()) return access.server;
    const auto [authority, path] = authority_and_rest(access.server);
    const std::string port = port_of(authority);
    const std::string with_port = authority.ends_with(":" + port) ? authority : authority + ":443";
    append(connect_to_, "::" + with_port);
    set(handle_, CURLOPT_CONNECT_TO, connect_to_);
    return fmt::format("https://{}:{}{}", access.tls_server_name, port, path);
  }

  void prepare_tls(const Access& access, const Credential& credential) {
    set(handle_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(handle_, CURLOPT_SSL_VERIFYPEER, access.insecure ? 0L : 1L);
    set(handle_, CURLOPT_SSL_VERIFYHOST, access.insecure ? 0L : 2L);
    if (!access.certificate_authority.empty()) {
      set_blob(handle_, CURLOPT_CAINFO_BLOB, access.certificate_authority);
      set(handle_, CURLOPT_CAPATH, static_cast<char*>(nullptr));  // those and no others
    }
    if (!credential.client_certificate.empty()) {
      set(handle_, CURLOPT_SSLCERTTYPE, "PEM");
      set_blob(handle_, CURLOPT_SSLCERT_BLOB, credential.client_certificate);
      set(handle_, CURLOPT_SSLKEYTYPE, "PEM");
      set_blob(handle_, CURLOPT_SSLKEY_BLOB, credential.client_key);
    }
  }

  static std::size_t on_bytes(char* bytes, std::size_t one, std::size_t count, void* stream) {
    return static_cast<Stream*>(stream)->take({bytes, one * count});
  }

  std::size_t take(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    if (on_data_ && status >= 200 && status < 300) {
      had_data_ = true;
      on_data_(bytes);
    } else {
      if (body_.size() + bytes.size() > largest_answer) return 0;
      body_ += bytes;
    }
    return bytes.size();
  }

  std::string describe(CURLcode code) const {
    const std::string why = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
      return fmt::format(
          "its certificate is not to be trusted ({}): certificate-authority in the kubeconfig is "
          "not this cluster's",
          why);
    }
    if (code == CURLE_SSL_CERTPROBLEM) {
      return fmt::format("the kubeconfig's client certificate cannot be used ({})", why);
    }
    return why;
  }

  CURLM* multi_;
  CURL* handle_;
  curl_slist* headers_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_{};
  OnData on_data_;
  OnEnd on_end_;
  std::string body_;
  bool had_data_ = false;
  bool ended_ = false;
  bool could_connect_ = true;
};

struct Transport::State {
  explicit State(Access given) : access(std::move(given)), credentials(access) {}

  Access access;
  Credentials credentials;
  CURLM* multi = nullptr;

  // Moves everything on. True where a stream got data or ended.
  bool step(milliseconds at_most) {
    int running = 0;
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      throw std::runtime_error("curl_multi_perform failed");
    }
    bool moved = finish_ended();
    if (moved || at_most.count() <= 0) return moved;
    int ready = 0;
    if (curl_multi_poll(multi, nullptr, 0, static_cast<int>(at_most.count()), &ready) != CURLM_OK) {
      throw std::runtime_error("curl_multi_poll failed");
    }
    curl_multi_perform(multi, &running);
    return finish_ended();
  }

  bool finish_ended() {
    bool moved = std::exchange(data_came, false);
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      void* stream = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &stream);
      static_cast<Stream*>(stream)->end(message->data.result);
      moved = true;
    }
    return moved;
  }

  bool data_came = false;
};

Transport::Transport(Access access) {
  initialize_curl();
  if (access.insecure) {
    std::fputs(fmt::format("ringtrain: warning: {} skips the verification of TLS: anybody on the "
                           "way can read and change what is sent\n",
                           access.origin)
                   .c_str(),
               stderr);
  }
  state_ = std::make_unique<State>(std::move(access));
  state_->multi = curl_multi_init();
  if (state_->multi == nullptr) throw std::runtime_error("curl_multi_init failed");
}

Transport::~Transport() { curl_multi_cleanup(state_->multi); }

const Access& Transport::access() const { return state_->access; }

Transport::StreamPointer Transport::open(const HttpRequest& request, OnData on_data, OnEnd on_end) {
  State& state = *state_;
  const auto note = [&state, take = std::move(on_data)](std::string_view bytes) {
    state.data_came = true;
    take(bytes);
  };
  return {new Stream(state.multi, state.access, state.credentials.current(), request, note,
                     std::move(on_end)),
          [](Stream* stream) { delete stream; }};
}

bool Transport::wait(milliseconds at_most) {
  const auto deadline = Clock::now() + at_most;
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(deadline - Clock::now());
    if (state_->step(std::max(left, milliseconds(0)))) return true;
    if (left.count() <= 0) return false;
  }
}

bool Transport::renew_credentials() { return state_->credentials.renew(); }

HttpResponse Transport::perform(const HttpRequest& request) {
  const bool read = request.method == "GET";
  const auto give_up = Clock::now() + std::chrono::seconds(8);
  milliseconds pause(250);
  bool renewed = false;
  for (;;) {
    StreamEnd result;
    bool could_connect = true;
    {
      Stream stream(state_->multi, state_->access, state_->credentials.current(), request, nullptr,
                    [&](const StreamEnd& end) { result = end; });
      while (!stream.ended()) state_->step(milliseconds(1000));
      could_connect = stream.could_connect();
    }
    if (result.status == 401 && !renewed && state_->credentials.renew()) {
      renewed = true;
      continue;
    }
    // What was never received can be sent again, whatever it is.
    const bool again = (read && is_overloaded(result.status)) ||
                       (result.status == 0 && !could_connect) || result.status == 429;
    if (again && Clock::now() + pause < give_up) {
      std::this_thread::sleep_for(pause);
      pause *= 2;
      continue;
    }
    if (result.status == 0) {
      throw ApiError(0, "",
                     fmt::format("the API server {} cannot be reached: {} ({})",
                                 state_->access.server, result.problem, state_->access.origin));
    }
    return {result.status, std::move(result.body)};
  }
}

}  // namespace ringtrain::mpijob
