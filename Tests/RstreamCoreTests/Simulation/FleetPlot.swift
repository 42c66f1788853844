// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

/// The drawing of `docs/fleet.svg`: the attempts of two fleets in each second, one above the other.
struct FleetPlot {
    let size: Int
    /// When the engine is back, in seconds since the loss.
    let outage: Int
    /// The seconds that are shown.
    let seconds: Int
    let daemons: Fleet.Arrivals
    let plain: Fleet.Arrivals

    private static let left = 70
    private static let right = 20
    private static let width = 860
    private static let height = 130

    var text: String {
        """
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Self.width) 430" width="\(Self.width)" role="img" aria-labelledby="t d">
          <title id="t">\(Self.number(size)) daemons and an engine that is gone for \(outage / 60) minutes</title>
          <desc id="d">Attempts to connect in each second. Daemons that wait a random part of each step come evenly: at most \
        \(Self.number(mostAtReturn(daemons))) in one second when the engine is back. With a plain exponential backoff all of them come in the same second, \
        every 30 seconds.</desc>
          <style>
            text { font: 14px ui-sans-serif, system-ui, sans-serif; fill: #1f2328; }
            .small { font-size: 12px; fill: #57606a; }
            .axis { stroke: #57606a; stroke-width: 1; fill: none; }
            .back { stroke: #1a7f37; stroke-width: 1.5; stroke-dasharray: 5 4; }
            .daemon { stroke: #0969da; stroke-width: 1.5; fill: none; } .plain { stroke: #cf222e; stroke-width: 1.5; fill: none; }
            @media (prefers-color-scheme: dark) {
              text { fill: #e6edf3; } .small { fill: #9198a1; } .axis { stroke: #9198a1; } .back { stroke: #3fb950; }
              .daemon { stroke: #4493f8; } .plain { stroke: #f85149; }
            }
          </style>
        \(panel(daemons, "rstreamd: a random part of 1, 2, 4, 8, 16, 30, 30 … seconds", kind: "daemon", top: 40))
        \(panel(plain, "plain: 1, 2, 4, 8, 16, 30, 30 … seconds", kind: "plain", top: 240))
          <text class="small" x="\(Self.width / 2)" y="422" style="text-anchor:middle">seconds since the loss; dashed: the engine is back</text>
        </svg>

        """
    }

    private func mostAtReturn(_ arrivals: Fleet.Arrivals) -> Int { arrivals.most(from: outage) }

    private func panel(_ arrivals: Fleet.Arrivals, _ title: String, kind: String, top: Int) -> String {
        let bottom = top + Self.height
        let back = x(outage)
        let peak = Self.number(mostAtReturn(arrivals))
        let marks = stride(from: 0, through: seconds, by: 60).map { second in
            #"  <text class="small" x="\#(x(second))" y="\#(bottom + 16)" style="text-anchor:middle">\#(second)</text>"#
        }
        let lines: [String] = [
            #"  <text x="\#(Self.left)" y="\#(top - 14)">\#(title)</text>"#,
            #"  <text class="small" x="\#(Self.width - Self.right)" y="\#(top - 14)" style="text-anchor:end">most in a second at the return: \#(peak)</text>"#,
            #"  <path class="axis" d="M\#(Self.left) \#(top)V\#(bottom)H\#(Self.width - Self.right)"/>"#,
            #"  <text class="small" x="\#(Self.left - 6)" y="\#(top + 5)" style="text-anchor:end">\#(Self.number(size))</text>"#,
            #"  <text class="small" x="\#(Self.left - 6)" y="\#(bottom)" style="text-anchor:end">0</text>"#,
            #"  <path class="back" d="M\#(back) \#(top)V\#(bottom)"/>"#,
            #"  <path class="\#(kind)" d="\#(curve(arrivals, bottom: bottom))"/>"#,
        ]
        return (lines + marks).joined(separator: "\n")
    }

    /// One step for each second; a second with more attempts than there are daemons is cut off.
    private func curve(_ arrivals: Fleet.Arrivals, bottom: Int) -> String {
        var path = "M\(Self.left) \(bottom)"
        var last = bottom
        for second in 0..<seconds {
            let attempts = arrivals.perSecond.indices.contains(second) ? arrivals.perSecond[second] : 0
            let y = bottom - min(attempts, size) * Self.height / size
            if y != last { path += "H\(x(second))V\(y)" }
            last = y
        }
        return path + "H\(x(seconds))"
    }

    private func x(_ second: Int) -> Int {
        Self.left + second * (Self.width - Self.left - Self.right) / seconds
    }

    /// `10,000`
    private static func number(_ value: Int) -> String {
        let digits = String(value)
        guard digits.count > 3 else { return digits }
        return "\(digits.dropLast(3)),\(digits.suffix(3))"
    }
}
