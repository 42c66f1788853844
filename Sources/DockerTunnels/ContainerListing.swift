// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import GuardedJSON
internal import RstreamModel

/// The answer to `GET /containers/json`: the running containers, in the order in which they were made.
///
/// A container that cannot be read is counted and passed over: the others are served all the same.
package struct ContainerListing: Hashable, Sendable {
    /// Bytes of an answer. A container has some kilobytes in it.
    package static let longest = 16 * 1_024 * 1_024

    /// Those that run; who came first keeps a name that another one wants, too.
    package let containers: [Container]
    /// How many entries have another form than the API's.
    package let unreadable: Int

    /// Reads the body of an answer.
    package init(json: some Collection<UInt8>) throws(GuardedJSON.Failure) {
        let entries = try Self.entries(of: json)
        self.init(entries.compactMap(\.container), unreadable: entries.count { $0.isUnreadable })
    }

    private static func entries(of json: some Collection<UInt8>) throws(GuardedJSON.Failure) -> [Entry] {
        do throws(GuardedJSON.Failure) {
            return try GuardedJSON.decode([Entry].self, from: json, limit: longest)
        } catch {
            // A label can have such a text, and must not keep other containers from being served.
            let bytes = Array(json)
            guard error == .tooManyMarks, let places = JSONElements.places(in: bytes) else { throw error }
            return places.map { place in
                (try? GuardedJSON.decode(Entry.self, from: bytes[place], limit: longest)) ?? Entry()
            }
        }
    }

    /// A listing of these containers.
    package init(_ containers: [Container], unreadable: Int = 0) {
        self.containers = containers.sorted { first, second in
            first.created == second.created ? ByteKey(first.id) < ByteKey(second.id) : first.created < second.created
        }
        self.unreadable = unreadable
    }
}

/// An entry of the list, read or not.
private struct Entry: Decodable {
    /// Nil for one that does not run, and for one that cannot be read.
    var container: Container?
    var isUnreadable = false

    /// One that cannot be read.
    init() { isUnreadable = true }

    init(from decoder: any Decoder) {
        guard let fields = try? Fields(from: decoder) else {
            isUnreadable = true
            return
        }
        // A container that is paused or starts again answers no visitor. Podman's word for its state is the same.
        guard fields.state?.asciiLowercased.sameBytes(as: "running") ?? true else { return }
        container = Container(
            id: fields.id ?? "",
            names: fields.names ?? [],
            created: fields.created,
            labels: (fields.labels ?? [:]).map { Container.Label(key: $0, value: $1) },
            networks: (fields.networkSettings?.networks ?? [:]).compactMap { name, place in
                place.map { Container.Network(name: name, addresses: $0.addresses) }
            }
        )
    }
}

/// What the API writes about a container, as far as it is read. Go writes `null` for maps and lists without anything.
private struct Fields: Decodable {
    struct NetworkSettings: Decodable {
        struct Place: Decodable {
            let address: String?
            let address6: String?

            enum CodingKeys: String, CodingKey {
                case address = "IPAddress"
                case address6 = "GlobalIPv6Address"
            }

            var addresses: [String] { [address, address6].compactMap(\.self).filter { IPAddress($0) != nil } }
        }

        let networks: [String: Place?]?

        enum CodingKeys: String, CodingKey {
            case networks = "Networks"
        }
    }

    let id: String?
    let names: [String]?
    let created: Int64
    let labels: [String: String]?
    let state: String?
    let networkSettings: NetworkSettings?

    enum CodingKeys: String, CodingKey {
        case id = "Id"
        case names = "Names"
        case created = "Created"
        case labels = "Labels"
        case state = "State"
        case networkSettings = "NetworkSettings"
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        id = try fields.decodeIfPresent(String.self, forKey: .id)
        names = try fields.decodeIfPresent([String].self, forKey: .names)
        // Only the order of containers depends on it.
        created = (try? fields.decodeIfPresent(Int64.self, forKey: .created)) ?? 0
        labels = try fields.decodeIfPresent([String: String].self, forKey: .labels)
        state = try fields.decodeIfPresent(String.self, forKey: .state)
        networkSettings = try fields.decodeIfPresent(NetworkSettings.self, forKey: .networkSettings)
    }
}
