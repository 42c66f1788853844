// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

extension String? {
    /// The text without white space at either end; nil when it is blank, which counts as not set everywhere.
    var filled: String? {
        guard let text = self?.trimmed, !text.isEmpty else { return nil }
        return text
    }
}
