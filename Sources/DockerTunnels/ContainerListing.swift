// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import GuardedJSON
internal import RstreamModel

/// The running containers, in the order in which they were made.
package struct ContainerListing: Hashable, Sendable {
    /// Those that run; who came first keeps a name that another one wants, too.
    package let containers: [Container]
    /// How many entries of the API's list have another form than the API's.
    package let unreadable: Int
    /// How many are longer than ``ContainerListReader/longestEntry``.
    package let tooLong: Int

    /// A listing of these containers.
    package init(_ containers: [Container], unreadable: Int = 0, tooLong: Int = 0) {
        self.containers = containers.sorted { first, second in
            first.created == second.created ? ByteKey(first.id) < ByteKey(second.id) : first.created < second.created
        }
        (self.unreadable, self.tooLong) = (unreadable, tooLong)
    }
}

/// Reads the answer to `GET /containers/json` as its bytes come, one container after the other, and keeps of each what
/// tunnels are made of. The API has no filter for labels by the beginning of their keys, so all containers are in it.
///
/// A container that cannot be read, or is too long, is counted and passed over: the others are served all the same.
package struct ContainerListReader {
    /// Bytes of a container. It has some kilobytes, and all of its labels are among them.
    package static let longestEntry = 1 * 1_024 * 1_024
    /// Bytes of the whole answer, and of what is kept of it: more than any host has.
    package static let longest = 256 * 1_024 * 1_024
    package static let mostKept = 16 * 1_024 * 1_024

    private let longest: Int
    private let mostKept: Int
    private var elements: JSONElements
    private var length = 0
    private var containers: [Container] = []
    private var kept = 0
    private var unreadable = 0
    private var tooLong = 0

    package init(
        longestEntry: Int = Self.longestEntry,
        longest: Int = Self.longest,
        mostKept: Int = Self.mostKept
    ) {
        (self.longest, self.mostKept) = (longest, mostKept)
        elements = JSONElements(longest: longestEntry)
    }

    /// Reads on. After an error nothing more may be read.
    package mutating func read(_ bytes: [UInt8]) throws(DockerFailure) {
        guard bytes.count <= longest - length else { throw .tooMuch }
        length += bytes.count
        guard let items = elements.read(bytes) else { throw Self.noList }
        for item in items {
            switch item {
            case .tooLong: tooLong += 1
            case .element(let json):
                let entry = (try? GuardedJSON.decode(Entry.self, from: json, limit: json.count)) ?? Entry()
                if entry.isUnreadable { unreadable += 1 }
                guard let container = entry.container else { continue }
                kept += container.size
                guard kept <= mostKept else { throw .tooMuch }
                containers.append(container)
            }
        }
    }

    /// The listing, when all bytes of the answer were read.
    package func end() throws(DockerFailure) -> ContainerListing {
        guard elements.isComplete else { throw Self.noList }
        return ContainerListing(containers, unreadable: unreadable, tooLong: tooLong)
    }

    private static let noList = DockerFailure.badAnswer("it is no list in JSON")
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
