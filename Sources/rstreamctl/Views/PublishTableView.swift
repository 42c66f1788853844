// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// `rstreamctl publish --table`: the address, what `top` shows of the tunnel and its streams, and below that the latest
/// visitors; never more lines or columns than there are.
struct PublishTableView: Hashable, Sendable {
    let lines: [Line]

    init(_ progress: PublishProgress, _ model: TopModel, rows: Int, columns: Int, now: UTCTime) {
        let head = progress.address.isEmpty ? [Line("\(progress.name) has no address yet", .waiting)] : progress.address
        let room = max(0, rows - head.count)
        // A third is for the latest lines, or as much as the table leaves.
        let table = TopView(
            model,
            rows: room - min(progress.latest.isEmpty ? 0 : progress.latest.count + 1, room / 3),
            columns: columns,
            now: now
        )
        let latest = progress.latest.suffix(max(0, room - table.lines.count - 1))
        let all = head + table.lines + (latest.isEmpty ? [] : [Line()] + latest)
        lines = all.prefix(max(0, rows)).map { $0.cut(to: columns) }
    }
}
