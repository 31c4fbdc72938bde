// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Pins versitygw, an S3 server on a folder, by version and hash (go.sum).
package main

import _ "github.com/versity/versitygw/cmd/versitygw"
