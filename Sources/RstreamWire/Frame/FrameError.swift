/// Why bytes are not a frame, or a message cannot become one (PROTOCOL.md §2).
package enum FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A header announced, or a message needs, more than 65,535 bytes.
    case tooLarge(length: Int)
    /// The payload of a complete frame is not a protobuf message.
    case malformed
    /// A field of the message is not what such a field can be.
    case field(FieldError)

    package var description: String {
        switch self {
        case .tooLarge(let length): "a frame of \(length) bytes is longer than the \(WireLimits.framePayload) allowed"
        case .malformed: "a frame does not hold a message"
        case .field(let error): "in a message, \(error)"
        }
    }
}
