// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

internal import RstreamModel

/// A container as Docker's list of containers has it.
package struct TestContainer: Sendable {
    package var id: String
    package var name: String
    package var created: Int
    package var labels: [String: String]
    /// The address of each network by its name.
    package var networks: [String: String]
    package var state = "running"

    package init(
        _ name: String,
        id: String? = nil,
        created: Int = 1_790_000_000,
        labels: [String: String],
        networks: [String: String] = ["bridge": "172.17.0.2"]
    ) {
        self.name = name
        self.id = id ?? String(String(repeating: "0123456789abcdef", count: 4).prefix(64 - name.utf8.count)) + name
        self.created = created
        self.labels = labels
        self.networks = networks
    }

    /// An element of the answer, with what is not read, too.
    package var json: String {
        let labels = labels.map { "\($0.quotedJSON):\($1.quotedJSON)" }.joined(separator: ",")
        let networks = networks.map { name, address in
            """
            \(name.quotedJSON):{"IPAMConfig":null,"Links":null,"Aliases":null,"MacAddress":"02:42:ac:11:00:02",\
            "NetworkID":"4be3","EndpointID":"8a0c","Gateway":"172.17.0.1","IPAddress":\(address.quotedJSON),\
            "IPPrefixLen":16,"IPv6Gateway":"","GlobalIPv6Address":"","GlobalIPv6PrefixLen":0,"DNSNames":null}
            """
        }
        return """
            {"Id":\(id.quotedJSON),"Names":[\("/\(name)".quotedJSON)],"Image":"example/web:1","ImageID":"sha256:0c1d",\
            "Command":"/bin/web --port 8080","Created":\(created),"Ports":[{"PrivatePort":8080,"Type":"tcp"}],\
            "Labels":{\(labels)},"State":\(state.quotedJSON),"Status":"Up 5 minutes","HostConfig":{"NetworkMode":"bridge"},\
            "NetworkSettings":{"Networks":{\(networks.joined(separator: ","))}},"Mounts":[]}
            """
    }

    /// The whole answer.
    package static func listing(_ containers: [TestContainer]) -> String {
        "[\(containers.map(\.json).joined(separator: ","))]\n"
    }

    /// An event of this container, on a line.
    package func event(_ action: String) -> String {
        """
        {"status":"\(action)","id":"\(id)","from":"example/web:1","Type":"container","Action":"\(action)",\
        "Actor":{"ID":"\(id)","Attributes":{"image":"example/web:1","name":\(name.quotedJSON)}},"scope":"local",\
        "time":1790000001,"timeNano":1790000001000000000}\n
        """
    }
}
