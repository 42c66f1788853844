// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamCore
import RstreamDaemonModel
import RstreamModel

/// Names, addresses, durations and times as people and peers write them: what is read is written in a form that is read as
/// the same.
enum Spellings {
    static func check(_ bytes: [UInt8]) throws(Finding) {
        let text = bytes.text
        try addresses(text)
        try names(text)
        try numbers(text)
        try demand(PercentEncoding.decode(PercentEncoding.encode(text))?.sameBytes(as: text) == true, "\(text) in %")
        if let decoded = PercentEncoding.decode(text, plusIsSpace: true) {
            let lenient = PercentEncoding.decodeLeniently(text, plusIsSpace: true)
            try demand(decoded.sameBytes(as: lenient), "\(text) is \(decoded) and \(lenient)")
        }
        try demand(Base64.decode(Base64.encode(bytes)) == bytes, "\(bytes) in Base64")
        try demand(Base64.decode(Array(Base64.encodeForURL(bytes).utf8)) == bytes, "\(bytes) in Base64 for URLs")
        _ = Base64.decode(bytes)
    }

    private static func addresses(_ text: String) throws(Finding) {
        if let address = IPAddress(text) {
            try demand(IPAddress("\(address)") == address, "\(text) is \(address)")
            let unmapped = address.unmapped
            try demand(unmapped.unmapped == unmapped, "\(text) is \(unmapped)")
            _ = (address.kind, unmapped.kind)
        }
        if let prefix = IPPrefix(text) {
            try demand(IPPrefix("\(prefix)") == prefix, "\(text) is \(prefix)")
            try demand(prefix.contains(prefix.address), "\(prefix) is not in itself")
        }
        if let address = try? EngineAddress(text) {
            try demand((try? EngineAddress("\(address)")) == address, "\(text) is \(address)")
            try demand((1...65_535).contains(address.port), "\(text) has the port \(address.port)")
        }
        if let address = try? ListenAddress(text) {
            try demand((try? ListenAddress("\(address)")) == address, "\(text) is \(address)")
            try demand(address.socketCount >= 1 && address.sockets.count >= 1, "\(text) is no socket")
            _ = address.readersOfOtherHosts
        }
        // A port alone may be longer than a service's name, and is found to be none where it is looked up.
        if text.utf8.count <= 255, let address = try? UpstreamAddress(text) {
            try demand((try? UpstreamAddress("\(address)")) == address, "\(text) is \(address)")
        }
        if let url = try? ProxyURL(text) {
            try demand((1...65_535).contains(url.address.port), "\(text) has the port \(url.address.port)")
        }
        for exception in ProxyException.list(text) {
            if let address = try? EngineAddress("engine.example:443") { _ = exception.covers(address) }
        }
    }

    private static func names(_ text: String) throws(Finding) {
        if Hostname.isValid(text) {
            try demand(text.utf8.count <= Hostname.longest && Hostname.isKnowable(text), "\(text) is a name")
        }
        for limit in [0, 1, 5, 64] {
            let cut = text.cut(toBytes: limit)
            // What was cut may have an ellipsis for its last bytes.
            try demand(cut.utf8.count <= max(limit, 3), "\(text) cut to \(limit) is \(cut)")
        }
        var spec = TunnelSpec(name: text)
        spec.hostname = text
        spec.labels = [text: text]
        for problem in spec.problems { try demand(!problem.description.isEmpty, "a problem has no words") }
        _ = try? HardwareKey(checking: text)
        _ = HardwareKey.holdsPIN(text)
    }

    private static func numbers(_ text: String) throws(Finding) {
        if let duration = Duration(configured: text) {
            try demand(duration >= .zero, "\(text) is \(duration)")
            if duration <= .longestConfigured {
                let written = duration.configured
                try demand(Duration(configured: written) == duration, "\(text) is \(written)")
            }
            try demand(!duration.secondsText.isEmpty, "\(text) has no text")
        }
        if let lasts = PublishWords.duration(text) {
            try demand(lasts > .zero && lasts <= .longestConfigured, "\(text) is \(lasts)")
        }
        if let time = UTCTime(text) {
            try demand(UTCTime("\(time)") == time, "\(text) is \(time)")
            _ = (time.advanced(by: .longestConfigured), time.toTheSecond)
        }
        if let id = RequestID(text) { try demand(RequestID("\(id)") == id, "\(text) is \(id)") }
    }
}
