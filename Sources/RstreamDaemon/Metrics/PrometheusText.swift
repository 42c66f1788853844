// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamDaemonModel
internal import RstreamModel

/// A writer of Prometheus' text format, version 0.0.4.
struct PrometheusText {
    enum Kind: String {
        case counter
        case gauge
        case histogram
    }

    typealias Labels = [(name: String, value: String)]

    private(set) var text = ""

    /// Begins a metric family; its samples have to follow.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

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
