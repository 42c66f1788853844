// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamModel

/// A text of a peer that may repeat what it was sent: none of it is left, in no escape, and hiding twice changes nothing.
enum HiddenSecrets {
    private static let secrets = ["hunter2-hunter2", "p%C3%A4ss\"word/\u{e9}", "YWJjZGVmZ2hpamtsbW5vcA=="]

    static func check(_ bytes: [UInt8]) throws(Finding) {
        let mask = SecretMask(secrets.map { Array($0.utf8) })
        let hidden = mask.hide(in: bytes)
        for secret in secrets.map({ Array($0.utf8) }) {
            try demand(!hidden.contains(secret), "\(secret.text) is left in \(hidden.text)")
            let escaped = Array(PercentEncoding.encode(secret.text).utf8)
            try demand(!hidden.contains(escaped), "\(escaped.text) is left in \(hidden.text)")
            try demand(!hidden.contains(Base64.encode(secret)), "\(secret.text) is left in Base64 in \(hidden.text)")
        }
        try demand(mask.hide(in: hidden) == hidden, "\(hidden.text) is hidden again")
        let text = bytes.text
        try demand(mask.hide(in: text).utf8.elementsEqual(mask.hide(in: Array(text.utf8))), "\(text) differs as bytes")
    }
}
