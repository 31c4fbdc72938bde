// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Keeps Helm, a program of its own, among this module's pinned versions.
package main

import _ "helm.sh/helm/v3/cmd/helm"
