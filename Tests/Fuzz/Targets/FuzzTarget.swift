// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// A reader of bytes from outside, and what must be true of it whatever the bytes are.
///
/// `make fuzz` feeds it with inputs that libFuzzer makes of its corpus, the unit tests with the corpus itself and some
/// mutations. It is synchronous, and has no event loop, thread or lock that it waits for.
struct FuzzTarget: Sendable {
    /// The name of its folder in `Corpus`, and for `make fuzz TARGET=name`.
    let name: String
    /// Mutations that the unit tests try. Slow readers have fewer.
    let rounds: Int
    /// Throws what is wrong. A trap is wrong as well, and so is a check that does not return soon.
    let check: @Sendable (_ bytes: [UInt8]) throws(Finding) -> Void

    init(
        _ name: String,
        rounds: Int = 300,
        _ check: @escaping @Sendable (_ bytes: [UInt8]) throws(Finding) -> Void
    ) {
        (self.name, self.rounds, self.check) = (name, rounds, check)
    }

    /// All of them, by name.
    static let all: [FuzzTarget] =
        ([
            FuzzTarget("admin-requests", AdminRequests.check),
            FuzzTarget("certificates", Certificates.check),
            FuzzTarget("client-hellos", ClientHellos.check),
            FuzzTarget("configuration", rounds: 120, ConfigurationFiles.check),
            FuzzTarget("connect-answers", ConnectAnswers.check),
            FuzzTarget("container-events", ContainerEvents.check),
            FuzzTarget("containers", rounds: 120, ContainerLists.check),
            FuzzTarget("control-channel", ControlChannelEvents.check),
            FuzzTarget("dns-answers", DNSAnswers.check),
            FuzzTarget("edge-heads", EdgeHeads.check),
            FuzzTarget("edge-requests", EdgeRequests.check),
            FuzzTarget("event-stream", EventStream.check),
            FuzzTarget("expansion", Expansion.check),
            FuzzTarget("frames", Frames.check),
            FuzzTarget("http-status", HTTPStatusLines.check),
            FuzzTarget("imports", rounds: 60, ImportedFiles.check),
            FuzzTarget("inspection", InspectedStreams.check),
            FuzzTarget("json", JSONTexts.check),
            FuzzTarget("messages", Messages.check),
            FuzzTarget("proxy-protocol", ProxyHeaders.check),
            FuzzTarget("secrets", HiddenSecrets.check),
            FuzzTarget("socks-answers", SOCKSAnswers.check),
            FuzzTarget("spellings", Spellings.check),
            FuzzTarget("texts", ShownTexts.check),
            FuzzTarget("toml", TOMLTexts.check),
            FuzzTarget("yaml", YAMLTexts.check),
        ] + tls).sorted { $0.name < $1.name }

    #if EngineTLS
    private static let tls = [FuzzTarget("tls-records", rounds: 60, TLSRecords.check)]
    #else
    private static let tls: [FuzzTarget] = []
    #endif
}

/// What a target found wrong.
struct Finding: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What must be true of a reader.
func demand(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(Finding) {
    if !holds { throw Finding(complaint()) }
}
