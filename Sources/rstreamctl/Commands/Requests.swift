// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import ArgumentParser
internal import Linux
internal import RstreamAdmin

struct Requests: ControlCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the latest requests of a tunnel with inspect: true.",
        discussion: """
            At most 200, in the order in which they ended, from the daemon's memory. Values of headers and parameters \
            whose names say that they are secret read ***. A user who may only read sees no headers and no queries. With \
            --follow and -o json, each is an object on a line of its own.

            Bodies are kept only while --bodies asks for them, in no other place than its connection: of requests that \
            begin meanwhile, the first 8 KiB each way, with the secrets in them.
            """
    )

    private static let interval = Duration.seconds(1)

    @Argument(
        help: ArgumentHelp("The tunnel's name in the configuration.", valueName: "name"),
        completion: Names.tunnels
    )
    var name: String

    @Flag(help: "Also show the headers of requests and responses.")
    var headers = false

    @Flag(help: "Continue with requests as they end, until interrupted.")
    var follow = false

    @Flag(help: "Show requests with their bodies as they end, from now on, until interrupted.")
    var bodies = false

    @OptionGroup var options: GlobalOptions

    func act(_ command: CommandContext) async throws -> ExitStatus {
        let answer = try await ask(command)
        guard answer.value.inspected || command.isJSON else {
            throw Failure(
                .failed,
                "tunnel \(name) is not inspected",
                "fix: set inspect: true for it, which takes protocol: http, and reload"
            )
        }
        if bodies { return try await capture(command) }
        guard follow else {
            try command.show(answer) { requests in
                requests.requests.flatMap { RequestView($0, showsHeaders: headers).lines }
            }
            return .done
        }
        var (requests, follower) = (answer.value, RequestFollower())
        while true {
            let (missed, new) = follower.new(in: requests)
            complain(ofMissed: missed, command)
            for request in new { try show(request, command) }
            try await Task.sleep(for: Self.interval)
            requests = try await ask(command).value
        }
    }

    private func capture(_ command: CommandContext) async throws -> ExitStatus {
        try await command.calls.capture(name) {
            let what = "bodies of requests that begin from now on, up to 8 KiB each way; secrets in them are shown"
            command.console.complain(Line(what))
        } _: { request, json in
            complain(ofMissed: request.missed?.wrappedValue ?? 0, command)
            if command.isJSON {
                try command.console.write(document: Array(json.utf8))
            } else {
                try command.console.write(RequestView(request, showsHeaders: headers, showsBodies: true).lines)
            }
        }
        guard try await ask(command).value.inspected else {
            throw Failure(.failed, "tunnel \(name) is not inspected any more")
        }
        throw Failure(.notReachable, "the daemon at \(command.calls.socket) has ended the requests")
    }

    private func complain(ofMissed missed: Int, _ command: CommandContext) {
        if missed > 0 { command.console.complain(Line("requests that were missed: \(missed)")) }
    }

    private func show(_ request: RequestStatus, _ command: CommandContext) throws {
        if command.isJSON {
            try command.console.write(document: AdminJSON.encode(request))
        } else {
            try command.console.write(RequestView(request, showsHeaders: headers).lines)
        }
    }

    private func ask(_ command: CommandContext) async throws -> DaemonCalls.Answer<TunnelRequests> {
        try await command.calls.ask(.requests(tunnel: name), as: TunnelRequests.self)
    }
}

/// Which requests of each answer `requests --follow` has not shown yet.
struct RequestFollower: Hashable, Sendable {
    private var last = 0

    /// The requests that are new, and how many the daemon no longer had.
    mutating func new(in answer: TunnelRequests) -> (missed: Int, requests: [RequestStatus]) {
        // The daemon may be another one meanwhile, which counts from one on.
        if answer.total < last { last = 0 }
        defer { last = answer.total }
        let requests = answer.requests.filter { $0.id > last }
        // What was there before the first look is not missed.
        guard last > 0 else { return (0, requests) }
        return (answer.total - last - requests.count, requests)
    }
}
