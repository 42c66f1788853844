// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// The documents that the page for browsers consists of. They are no part of the API: what they show comes from it.
enum PageDocument: Hashable, Sendable, CaseIterable {
    /// What the daemon does.
    case status
    /// The effective configuration.
    case configuration
    /// The latest requests of inspected tunnels.
    case requests
    case style
    case script

    var path: String {
        switch self {
        case .status: "/"
        case .configuration: "/config"
        case .requests: "/requests"
        case .style: "/page.css"
        case .script: "/page.js"
        }
    }

    var mediaType: String {
        switch self {
        case .status, .configuration, .requests: "text/html; charset=utf-8"
        case .style: "text/css; charset=utf-8"
        case .script: "text/javascript; charset=utf-8"
        }
    }

    /// The document of a request's target; nil for any other path.
    init?(target: String) {
        let path = target.split(byte: "?", maxSplits: 1, omittingEmpty: false)[0]
        guard let document = Self.allCases.first(where: { $0.path.sameBytes(as: path) }) else { return nil }
        self = document
    }
}

/// The files of the page, which the build embeds in the program.
enum PageFiles {
    static let status = PageTemplate(PackageResources.page_html)
    static let configuration = PageTemplate(PackageResources.config_html)
    static let requests = PageTemplate(PackageResources.requests_html)
    static let style = PackageResources.page_css
    static let script = PackageResources.page_js
}
