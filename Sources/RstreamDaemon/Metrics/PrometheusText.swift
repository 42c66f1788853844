// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamDaemonModel
internal import RstreamModel

/// A writer of metrics, in Prometheus' text format or as OpenMetrics.
///
/// The samples of both are the same. OpenMetrics names a family without the ending that its samples get from their kind,
/// states its unit, and ends with a line that says so.
struct PrometheusText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
        /// Always 1, for the sake of its labels; a gauge where there is no such kind.
        case info

        /// With what the names of samples end, and in OpenMetrics those of families do not.
        fileprivate var ending: String? {
            switch self {
            case .counter: "_total"
            case .info: "_info"
            case .gauge, .histogram: nil
            }
        }
    }

    typealias Labels = [(name: String, value: String)]

    let format: MetricsFormat
    private(set) var text = ""

    init(_ format: MetricsFormat) {
        self.format = format
    }

    /// Begins a metric family; its samples have to follow. `name` is theirs, but for the endings of a histogram's.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        switch format {
        case .text:
            let kind = kind == .info ? Kind.gauge : kind
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
        case .openMetrics:
            let family = kind.ending.flatMap { name.without(ending: $0) } ?? name
            text += "# TYPE \(family) \(kind.rawValue)\n"
            if let unit = Self.units.first(where: { family.endsWithBytes(of: "_\($0)") }) {
                text += "# UNIT \(family) \(unit)\n"
            }
            text += "# HELP \(family) \(help)\n"
        }
    }

    /// Ends the page.
    mutating func end() {
        if format == .openMetrics { text += "# EOF\n" }
    }

    /// The units of our metrics, with which the name of a family ends.
    private static let units = ["seconds", "bytes"]

    mutating func sample(_ name: String, _ labels: Labels, _ value: Int) {
        line(name, labels, String(value))
    }

    mutating func sample(_ name: String, _ labels: Labels, seconds value: Double) {
        line(name, labels, String(value))
    }

    mutating func sample(_ name: String, _ value: Int) { sample(name, [], value) }

    mutating func sample(_ name: String, seconds value: Double) { sample(name, [], seconds: value) }

    /// A histogram's buckets, sum and count.
    mutating func sample(_ name: String, _ labels: Labels, _ histogram: Histogram) {
        var sum = 0
        for (bound, count) in zip(Histogram.bounds, histogram.counts) {
            sum += count
            sample(name + "_bucket", labels + [(name: "le", value: String(bound.inSeconds))], sum)
        }
        sample(name + "_bucket", labels + [(name: "le", value: "+Inf")], histogram.count)
        sample(name + "_sum", labels, seconds: histogram.sum.inSeconds)
        sample(name + "_count", labels, histogram.count)
    }

    private mutating func line(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension String {
    /// The text before the ending; nil if it ends otherwise.
    fileprivate func without(ending: String) -> String? {
        endsWithBytes(of: ending) ? String(decoding: utf8.dropLast(ending.utf8.count), as: UTF8.self) : nil
    }
}
