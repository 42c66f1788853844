// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The release this source tree becomes.
package let rstreamVersion = "0.1.0"
