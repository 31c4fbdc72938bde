// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace ringtrain::collectives {

// The type in which ranks write gradients for each other. Sums are fp32.
enum class Wire { fp32, bf16 };

}  // namespace ringtrain::collectives
