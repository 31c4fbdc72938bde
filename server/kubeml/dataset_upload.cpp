// SPDX-License-Identifier: Apache-2.0
#include "server/kubeml/dataset_upload.hpp"

#include <string>
#include <utility>

#include "server/data/data_routes.hpp"

namespace ringtrain::server {
namespace {

// Removes an upload at its end.
class RemovedUpload {
 public:
  RemovedUpload(Uploads& uploads, std::string id) : uploads_(uploads), id_(std::move(id)) {}
  ~RemovedUpload() { uploads_.remove(id_); }
  RemovedUpload(const RemovedUpload&) = delete;
  RemovedUpload& operator=(const RemovedUpload&) = delete;

 private:
  Uploads& uploads_;
  const std::string id_;
};

}  // namespace

net::BodyReceiver receive_dataset(KubemlStorage& storage, Uploads& uploads, const Call& call) {
  const std::string name = call.path.at("name");
  storage.check_new_dataset(name);
  const std::string type(call.request.header("content-type"));
  return receive_upload(uploads, call, name, [&storage, &uploads, name, type](const Upload& form) {
    const RemovedUpload removed(uploads, form.id);
    storage.add_dataset(name, uploads.data(form.id), type);
    return json_answer({{"result", "Dataset created"}});
  });
}

}  // namespace ringtrain::server
