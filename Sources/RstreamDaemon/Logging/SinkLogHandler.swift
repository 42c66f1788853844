package import Logging

/// Hands log lines to a ``LogSink``, so that whoever logs waits for nobody.
package struct SinkLogHandler: LogHandler {
    package var logLevel: Logger.Level {
        get { own ?? shared.level }
        set { own = newValue }
    }
    package var metadata: Logger.Metadata = [:]
    /// Set for one logger only.
    private var own: Logger.Level?
    private let shared: LogLevelSwitch
    private let sink: LogSink

    package init(_ sink: LogSink, level: LogLevelSwitch) {
        self.sink = sink
        shared = level
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let facts = event.metadata.map { metadata.merging($0) { $1 } } ?? metadata
        sink.take(LogRecord(event.level, "\(event.message)", facts))
    }
}
