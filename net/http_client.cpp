// SPDX-License-Identifier: Apache-2.0
#include "net/http_client.hpp"

#include <mutex>
#include <utility>

#include "net/http_transfer.hpp"

namespace ringtrain::net {

std::string header_of(const HttpResponse& response, std::string_view name) {
  for (const auto& [own, value] : response.headers) {
    if (own == name) return value;
  }
  return "";
}

struct HttpClient::IdleHandles {
  std::mutex mutex;
  std::vector<CurlHandle> handles;

  CurlHandle take() {
    {
      const std::lock_guard lock(mutex);
      if (!handles.empty()) {
        CurlHandle handle = std::move(handles.back());
        handles.pop_back();
        return handle;
      }
    }
    return make_curl_handle();
  }

  void give_back(CurlHandle handle) {
    const std::lock_guard lock(mutex);
    handles.push_back(std::move(handle));
  }
};

HttpClient::HttpClient() : idle_(std::make_unique<IdleHandles>()) {}

HttpClient::~HttpClient() = default;

HttpResponse HttpClient::perform(const HttpRequest& request, const OnData& on_data) {
  HttpTransfer transfer(idle_->take(), request, on_data);
  HttpResponse response = transfer.finish(curl_easy_perform(transfer.handle()));
  idle_->give_back(transfer.release());
  return response;
}

}  // namespace ringtrain::net
