// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import Logging
import RstreamModel

/// Passes lines to another handler, which writes them to a terminal. Characters that move the cursor, change the
/// direction of the text or start a new line are escaped: agents and visitors choose some of the text.
package struct PrintableLogHandler: LogHandler {
    private var writer: any LogHandler

    package init(_ writer: any LogHandler) {
        self.writer = writer
    }

    package var logLevel: Logger.Level {
        get { writer.logLevel }
        set { writer.logLevel = newValue }
    }

    package var metadata: Logger.Metadata {
        get { writer.metadata }
        set { writer.metadata = newValue.printable }
    }

    package var metadataProvider: Logger.MetadataProvider? {
        get { writer.metadataProvider }
        set { writer.metadataProvider = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { writer[metadataKey: key] }
        set { writer[metadataKey: key] = newValue?.printable }
    }

    package func log(event: LogEvent) {
        var event = event
        event.message = "\("\(event.message)".printable)"
        event.metadata = event.metadata?.printable
        if let error = event.error {
            event.error = nil
            event.metadata = (event.metadata ?? [:]).merging(["error": "\("\(error)".printable)"]) { $1 }
        }
        writer.log(event: event)
    }
}

extension Logger.Metadata {
    fileprivate var printable: Logger.Metadata {
        Logger.Metadata(map { ($0.key.printable, $0.value.printable) }) { $1 }
    }
}

extension Logger.MetadataValue {
    fileprivate var printable: Logger.MetadataValue {
        switch self {
        case .string(let text): .string(text.printable)
        case .stringConvertible(let value): .string("\(value)".printable)
        case .dictionary(let values): .dictionary(values.printable)
        case .array(let values): .array(values.map(\.printable))
        }
    }
}
