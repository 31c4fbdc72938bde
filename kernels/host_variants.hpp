// SPDX-License-Identifier: Apache-2.0
// Loops compiled several times, for newer instruction sets.
#pragma once

// One portable program, the best variant of each driver chosen when it is loaded. Sanitizers
// instrument the resolver, which runs before their runtime is up, so they get the plain variant.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define RINGTRAIN_HOST_VARIANTS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define RINGTRAIN_HOST_VARIANTS
#endif

// A loop body or lambda has to be inlined into each variant to be compiled for its instruction set.
#define RINGTRAIN_INLINE __attribute__((always_inline))
