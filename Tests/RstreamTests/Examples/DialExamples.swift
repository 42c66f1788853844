// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import NIOCore
import Rstream

func ask(through client: RstreamClient) async throws -> String {
    let stream = try await client.dial("postgres-primary")
    let answer = try await stream.withBytes { inbound, outbound in
        try await outbound.write(ByteBuffer(string: "How many?"))
        outbound.finish()
        var text = ""
        for try await bytes in inbound { text += String(buffer: bytes) }
        return text
    }
    return answer
}

func answerDialers(_ control: RstreamControlChannel) async throws {
    try await control.withTunnel(TunnelSpec(name: "postgres-primary", publish: false)) { tunnel in
        try await tunnel.serve { stream in
            try await stream.withBytes { inbound, outbound in
                for try await bytes in inbound { try await outbound.write(bytes) }
            }
        }
    }
}

func confirmDial(_ client: RstreamClient, print: (String) -> Void) async throws {
    let stream = try await client.dial("postgres-primary", zeroRTT: false)
    if case .confirmed(let streamID) = stream.acceptance { print("connected: stream \(streamID)") }
    stream.channel.close(promise: nil)
}

func explainErrors(of client: RstreamClient, print: (String) -> Void) async {
    do {
        let control = try await client.connect()
        await control.close()
    } catch {
        print("\(error.code): \(error.what)")
        if let fix = error.fix { print("try this: \(fix)") }
        switch error.retry {
        case .afterBackoff: print("may pass by itself")
        case .afterReload: print("\(error.origin) has to change first")
        case .never: print("was cancelled, or can never succeed")
        }
    }
}

func serve(
    _ spec: TunnelSpec,
    through client: RstreamClient,
    for limit: Duration,
    _ handler: @escaping @Sendable (RstreamAcceptedStream) async throws -> Void
) async throws {
    try await withThrowingTaskGroup { group in
        group.addTask {
            try await client.withControlChannel { control in
                try await control.withTunnel(spec) { tunnel in
                    try await tunnel.serve(handler)
                }
            }
        }
        group.addTask { try await Task.sleep(for: limit) }
        try await group.next()
        group.cancelAll()
    }
}
