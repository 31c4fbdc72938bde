// SPDX-License-Identifier: Apache-2.0
// Answers of the Open Inference Protocol, version 2, and of KServe's version 1.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.hpp"
#include "serving/protocol/infer_request.hpp"
#include "serving/protocol/served_model.hpp"

namespace ringtrain::serving {

// Returns text as a JSON string, in quotes; what is not UTF-8 in it is replaced.
std::string json_text(std::string_view text);

// Returns an answer of JSON.
net::Answer json_answer(std::string json, int status = 200);

// Returns {"error": message}, as both protocols have it.
net::Answer error_answer(int status, const std::string& message);

// Returns the wanted outputs of a request. outputs: [rows, width] as the model returns them.
net::Answer infer_answer(const ServedModel& model, const std::string& id,
                         const std::vector<WantedOutput>& wanted,
                         const std::vector<float>& outputs);

// Returns {"predictions": [...]}: for each row its label and probabilities, or its targets.
net::Answer predictions_answer(const ServedModel& model, const std::vector<float>& outputs);

// Returns the likeliest classes, or the targets, of one row, as `ringtrain predict --json` prints
// them; with what the model has seen in base64 where `seen` is not empty.
net::Answer predict_answer(const ServedModel& model, const std::vector<float>& outputs, size_t top,
                           const std::string& seen);

// Returns a page of HTML with the likeliest class, or the targets, of one row.
net::Answer prediction_page(const ServedModel& model, const std::vector<float>& outputs);

// Returns the model's description: its input and outputs.
std::string metadata_json(const ServedModel& model);

}  // namespace ringtrain::serving
