// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

@testable import RstreamRelay

/// Both directions of a stream that is inspected: what is kept of it is the same however it arrives, and whether bodies are
/// kept or not; it has no secret in it, and takes no more memory than it may.
///
/// The input is what the visitor and the service send in turn, with a byte 0x1E between them. A byte 0x1C stands for
/// headers with a secret, and 0x1D for a request whose target has one.
enum InspectedStreams {
    private static let secret = "hunter2-hunter2"
    private static let headers = """
        Authorization: Bearer \(secret)\r\nX-Api-Key: \(secret)\r\nCookie: a=\(secret); b=\(secret)\r\n\
        Set-Cookie: a=\(secret)\r\nReferer: https://me:\(secret)@web.example/?token=\(secret)
        """
    private static let request = "GET /a?token=\(secret)&b=c;api_key=\(secret)#access_token=\(secret) HTTP/1.1"
    /// More than a stream takes, and less.
    private static let rooms = [1 << 20, 700, 0]
    private static let roomsForBodies = [nil, 1 << 20, 50]
    /// A stream that has no more bytes never comes near ``InspectionStateMachine/mostMemory``.
    private static let mostBytes = 4 * 1_024
    private static let mostMemory = InspectionStateMachine.mostMemory + InspectionStateMachine.mostMemoryOfBodies

    static func check(_ bytes: [UInt8]) throws(Finding) {
        guard !bytes.contains(Array(secret.utf8)) else { return }
        let turns = bytes.split(separator: 0x1E, omittingEmptySubsequences: false).map { turn in
            turn.flatMap { byte in
                switch byte {
                case 0x1C: Array("\r\n\(headers)\r\n".utf8)
                case 0x1D: Array("\r\n\(request)\r\n".utf8)
                default: [byte]
                }
            }
        }
        let ways = turns.map { deliveries(of: $0) }
        var first: [InspectedRequest]?
        for way in 0..<3 {
            for room in rooms {
                let records = try inspect(ways.map { $0[way] }, room: room)
                for roomForBodies in roomsForBodies.compactMap({ $0 }) {
                    let same = try inspect(ways.map { $0[way] }, room: room, roomForBodies: roomForBodies)
                    try demand(same == records, "\(records) is \(same) where bodies are kept")
                }
                guard room == rooms[0], turns.joined().count <= mostBytes else { continue }
                if let first {
                    try demand(records == first, "\(first) at once is \(records) in pieces")
                } else {
                    first = records
                }
            }
        }
    }

    /// What is kept of the turns, each of which comes in pieces, without their bodies.
    private static func inspect(
        _ turns: [[[UInt8]]],
        room: Int,
        roomForBodies: Int? = nil
    ) throws(Finding) -> [InspectedRequest] {
        let now = ContinuousClock.now
        var (machine, records) = (InspectionStateMachine(), [InspectedRequest]())
        var (asked, answered) = (0, 0)
        for (index, turn) in turns.enumerated() {
            for piece in turn {
                let isVisitor = index.isMultiple(of: 2)
                if isVisitor { asked += piece.count } else { answered += piece.count }
                let limit =
                    roomForBodies.map { _ in mostMemory }
                    ?? min(machine.size + room, InspectionStateMachine.mostMemory)
                piece.withUnsafeBytes { bytes in
                    machine.received(
                        bytes,
                        from: isVisitor ? .visitor : .service,
                        at: now,
                        room: room,
                        roomForBodies: roomForBodies
                    )
                }
                try demand(machine.size <= limit, "it takes \(machine.size) bytes where \(limit) are free")
                records += machine.takeEnded()
            }
        }
        machine.inputEnded(.service, at: now)
        machine.streamEnded(at: now)
        records += machine.takeEnded()
        try demand(machine.isOver && machine.size == 0, "it is not over, or takes \(machine.size) bytes")
        for record in records { try check(record, keepsBodies: roomForBodies != nil) }
        let isOrdered = records.drop { !$0.end.endsInspection }.allSatisfy(\.end.endsInspection)
        try demand(isOrdered, "a request is complete behind one that ended the inspection: \(records)")
        let counts = records.reduce((0, 0)) { ($0.0 + $1.requestBytes, $0.1 + $1.responseBytes) }
        try demand(counts.0 <= asked && counts.1 <= answered, "bodies of \(counts) bytes in \((asked, answered))")
        for index in records.indices { records[index].bodies = nil }
        return records
    }

    private static func check(_ record: InspectedRequest, keepsBodies: Bool) throws(Finding) {
        try demand(record.sizeOfHeads <= InspectedRequest.largest, "a request takes \(record.sizeOfHeads) bytes")
        try demand(keepsBodies || record.bodies == nil, "bodies are kept that nobody asks for")
        if let bodies = record.bodies {
            let kept = [(bodies.request, record.requestBytes), (bodies.response, record.responseBytes)]
            for (body, length) in kept {
                try demand(body.bytes.count <= InspectedBody.most, "a body takes \(body.bytes.count) bytes")
                try demand(body.isCut == (body.bytes.count < length), "\(body.bytes.count) of \(length) bytes are kept")
            }
        }
        try demand(record.status.map { (100...999).contains($0) } ?? true, "the status is \(record.status ?? 0)")
        let pairs = record.requestHeaders.pairs + record.responseHeaders.pairs
        let texts = [record.method ?? "", record.target ?? ""] + pairs.flatMap { [$0.name, $0.value] }
        for text in texts { try demand(!Array(text.utf8).contains(Array(secret.utf8)), "a secret is in \(text)") }
        for (name, value) in pairs {
            let isSecret = Array(name.utf8).withUnsafeBytes { SecretNames.isSecret($0) }
            try demand(!isSecret || value.utf8.elementsEqual("***".utf8), "\(name) is shown as \(value)")
        }
    }
}
