// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The variables of the official tools (CONFIG.md §1). A blank one is not set.
struct Variables {
    let all: [String: String]

    init(_ environment: [String: String]) {
        all = environment
    }

    var context: String? { self[.context] }
    var apiURL: String? { self[.apiURL] }
    var token: String? { self[.token] }
    var certificateFile: String? { self[.certificateFile] }
    var keyFile: String? { self[.keyFile] }
    var region: String? { self[.region] }
    var headers: String? { self[.headers] }

    /// The engine with the name of its variable; the second is an older name.
    var engine: (text: String, name: String)? {
        for name in [Name.engine, .engineAddress] {
            if let text = self[name] { return (text, name.rawValue) }
        }
        return nil
    }

    /// The transport's mode; the second variable is the older way to ask for it.
    var transportMode: String? {
        if let mode = self[.transport] { return mode }
        guard let quic = self[.quic] else { return nil }
        return quic.sameBytes(as: "1") ? "quic" : "tls"
    }

    enum Name: String {
        case context = "RSTREAM_CONTEXT"
        case apiURL = "RSTREAM_API_URL"
        case engine = "RSTREAM_ENGINE"
        case engineAddress = "RSTREAM_ENGINE_ADDRESS"
        case token = "RSTREAM_AUTHENTICATION_TOKEN"
        case certificateFile = "RSTREAM_MTLS_CERT_FILE"
        case keyFile = "RSTREAM_MTLS_KEY_FILE"
        case region = "RSTREAM_REGION"
        case transport = "RSTREAM_TUNNEL_TRANSPORT"
        case quic = "RSTREAM_QUIC_TRANSPORT"
        case headers = "RSTREAM_CONTROL_PLANE_HEADERS"
    }

    private subscript(name: Name) -> String? { all[name.rawValue].filled }
}
