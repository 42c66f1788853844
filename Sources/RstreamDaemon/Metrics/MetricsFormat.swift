// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The formats of ``MetricsPage``, and which of them a client asks for.
enum MetricsFormat: Hashable, Sendable, CaseIterable {
    /// Prometheus' text format, version 0.0.4.
    case text
    /// OpenMetrics, version 1.0.0.
    case openMetrics

    /// The value of `Content-Type`.
    var mediaType: String {
        "\(range.type)/\(range.subtype); version=\(range.version ?? ""); charset=utf-8"
    }

    private var range: MediaRange {
        switch self {
        case .text: MediaRange(type: "text", subtype: "plain", version: "0.0.4")
        case .openMetrics: MediaRange(type: "application", subtype: "openmetrics-text", version: "1.0.0")
        }
    }

    /// The format for an `Accept` header, whose lines are joined by commas.
    ///
    /// OpenMetrics is for clients that name it, and do not prefer the text. Every other client gets the text, also one
    /// that accepts neither: a page that it may not like is more use than 406.
    init(accept header: String) {
        let ranges = MediaRange.all(in: header)
        let (text, openMetrics) = (Self.text.wish(in: ranges), Self.openMetrics.wish(in: ranges))
        let isWanted = openMetrics.isNamed && openMetrics.weight > 0 && openMetrics.weight >= text.weight
        self = isWanted ? .openMetrics : .text
    }

    /// The weight of this format, which is that of the range that describes it most closely, and whether that range names
    /// it.
    private func wish(in ranges: [MediaRange]) -> (weight: Int, isNamed: Bool) {
        let matches = ranges.compactMap { candidate in
            candidate.precision(for: range).map { (precision: $0, weight: candidate.weight) }
        }
        let closest = matches.max { ($0.precision, $0.weight) < ($1.precision, $1.weight) }
        return closest.map { ($0.weight, $0.precision >= 2) } ?? (0, false)
    }
}
