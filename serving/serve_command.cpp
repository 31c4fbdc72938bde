// SPDX-License-Identifier: Apache-2.0
#include "serving/serve_command.hpp"

namespace ringtrain::serving {

void add_serve(CLI::App& app, ServeOptions& options) {
  CLI::App* const command = app.add_subcommand(
      "serve",
      "Answer requests by trained models over HTTP: the Open Inference Protocol, KServe's version "
      "1, images, and a page to draw on");
  command
      ->add_option("models", options.models,
                   "Output folders of finished runs, their model.pt or model.safetensors, each as "
                   "PATH or NAME=PATH; also s3://BUCKET/FOLDER, or a model file's URL")
      ->required();
  command->add_option("--listen", options.listen, "Address to listen on; port 0: any free one")
      ->capture_default_str()
      ->type_name("ADDRESS:PORT");
  command->add_option("--max-batch", options.limits.max_batch, "Most rows computed together")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command
      ->add_option("--max-waiting", options.limits.max_waiting,
                   "Most rows of a model that wait; requests beyond are refused with 429")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--max-rows", options.max_rows, "Most rows of a request")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
  command->add_option("--max-body", options.max_body, "Largest body of a request, in MiB")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command
      ->add_option("--timeout-ms", options.timeout_ms,
                   "Time in which the model must come to a request that does not say X-Timeout-Ms; "
                   "others are refused with 429")
      ->capture_default_str()
      ->check(CLI::Range(1, 600000));
  command->add_option("--threads", options.threads, "Threads that compute a batch; 0: all cores")
      ->capture_default_str()
      ->check(CLI::Range(0, 1024));
  command->add_flag(
      "--require-evaluation", options.require_evaluation,
      "Refuse models without evaluation.json, which 'ringtrain evaluate --save' makes");
  command
      ->add_option("--admin-token-file", options.admin_token_file,
                   "File with a token of 16 or more bytes; whoever sends it may deploy other "
                   "versions by PUT /deployments/NAME")
      ->type_name("FILE");
  command->add_option("--tls-cert", options.certificate, "Certificate, PEM, to serve HTTPS with")
      ->type_name("FILE");
  command->add_option("--tls-key", options.key, "Its key, PEM")->type_name("FILE");
  command->footer(
      "Examples:\n"
      "  ringtrain serve runs/mnist-lenet\n"
      "  ringtrain serve digits=runs/mnist-lenet --listen 0.0.0.0:8000\n"
      "  ringtrain serve runs/mnist-lenet pets=runs/animals/model.pt\n"
      "  ringtrain serve cats=s3://training/runs/cats");
  command->callback([&options] { serve(options); });
}

}  // namespace ringtrain::serving
