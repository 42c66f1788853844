import RstreamModel

/// The variables of the environment, by the bytes of their names.
struct VariableTable: Sendable {
    private let values: [ByteKey: String]
    /// The bytes of the longest name.
    private let longest: Int

    init(_ environment: [String: String]) {
        values = Dictionary(environment.map { (ByteKey($0.key), $0.value) }) { first, _ in first }
        longest = environment.keys.map(\.utf8.count).max() ?? 0
    }

    /// What a variable holds; nil when it is not set.
    subscript(name: String) -> String? {
        name.utf8.count <= longest ? values[ByteKey(name)] : nil
    }
}
