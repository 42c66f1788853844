// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import RstreamModel

/// `lastError`: what went wrong last, and what to do about it (contract §6). Never holds a secret.
package struct ErrorReport: Codable, Hashable, Sendable {
    /// The official SDKs' `ERR_RSTREAM_…` where one exists.
    package var code: String
    /// Which side has to change: `engine`, `upstream`, `host` or `configuration`.
    package var origin: String
    /// What happened, where, in one line.
    package var message: String
    /// What to do about it, if anything.
    @OrNull package var fix: String?
    package var at: UTCTime
    /// When trying again can help: `afterBackoff`, `afterReload` or `never`.
    package var retry: String

    package init(_ error: RstreamError, at: UTCTime) {
        code = error.code.rawValue
        origin = error.origin.rawValue
        message = error.what
        _fix = OrNull(wrappedValue: error.fix)
        self.at = at
        retry = error.retry.rawValue
    }
}
