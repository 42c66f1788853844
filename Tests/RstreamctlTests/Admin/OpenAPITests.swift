// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

import RstreamAdmin
import RstreamModel
import Testing

@Suite("The OpenAPI document")
struct OpenAPITests {
    private static func document() throws -> JSONValue {
        try AdminJSON.decode(JSONValue.self, from: OpenAPIDocument.text(version: "1.2.3").utf8)
    }

    private static let name = "wéb 1/2"

    /// Every call there is: a new case of `Route` does not compile in `operation(of:)` before somebody thinks of it here.
    private static let routes: [Route] =
        [
            .status, .sessions, .reconnect(context: name), .canary(context: name), .tunnels, .tunnel(name),
            .streams(tunnel: nil), .streams(tunnel: name), .recentStreams(tunnel: nil), .recentStreams(tunnel: name),
            .cutStream("1"), .reload,
            .upgrade, .events, .logLevel, .setLogLevel, .config, .live, .ready, .metrics, .openAPI,
            .openTunnel, .closeTunnel(name), .claimTunnel(name), .tunnelFile(name), .requests(tunnel: name),
            .capture(tunnel: name), .dial(name, context: nil), .dial(name, context: name),
        ] + Route.TunnelChange.allCases.flatMap { [.changeTunnel(name, $0), .changeTunnels($0)] }

    /// Where the document has to describe a call.
    private static func operation(of route: Route) -> String {
        switch route {
        case .status: "get /v1/status"
        case .sessions: "get /v1/sessions"
        case .reconnect: "post /v1/sessions/{context}/reconnect"
        case .canary: "post /v1/sessions/{context}/canary"
        case .tunnels: "get /v1/tunnels"
        case .tunnel: "get /v1/tunnels/{name}"
        case .changeTunnel(_, let change): "post /v1/tunnels/{name}/\(change.rawValue)"
        case .changeTunnels(let change): "post /v1/\(change.rawValue)"
        case .openTunnel: "post /v1/tunnels"
        case .closeTunnel: "delete /v1/tunnels/{name}"
        case .claimTunnel: "post /v1/tunnels/{name}/claim"
        case .tunnelFile: "get /v1/tunnels/{name}/file"
        case .requests: "get /v1/tunnels/{name}/requests"
        case .capture: "post /v1/tunnels/{name}/capture"
        case .dial: "post /v1/dial/{name}"
        case .streams: "get /v1/streams"
        case .recentStreams: "get /v1/streams/recent"
        case .cutStream: "delete /v1/streams/{id}"
        case .reload: "post /v1/reload"
        case .upgrade: "post /v1/upgrade"
        case .events: "get /v1/events"
        case .logLevel: "get /v1/log"
        case .setLogLevel: "put /v1/log"
        case .config: "get /v1/config"
        case .live: "get /v1/health/live"
        case .ready: "get /v1/health/ready"
        case .metrics: "get /metrics"
        case .openAPI: "get /v1/openapi.json"
        }
    }

    private static func operations() throws -> [String: JSONValue] {
        var operations: [String: JSONValue] = [:]
        for (path, methods) in try document()["paths"].fields {
            for (method, operation) in methods.fields { operations["\(method) \(path)"] = operation }
        }
        return operations
    }

    @Test("describes every call, and nothing else")
    func calls() throws {
        #expect(Set(try Self.operations().keys) == Set(Self.routes.map(Self.operation)))
    }

    @Test("and the daemon mean the same call by the same method and path")
    func paths() throws {
        for route in Self.routes {
            let parts = Self.operation(of: route).split(separator: " ")
            let read = try Route(method: route.method, target: route.path)
            #expect(read == route)
            #expect(route.method.lowercased() == parts[0])
            // A name in braces stands for one segment, whatever is in it.
            let segments = route.path.split(separator: "?")[0].split(separator: "/")
            let described = parts[1].split(separator: "/")
            #expect(segments.count == described.count)
            for (segment, wanted) in zip(segments, described) where !wanted.hasPrefix("{") {
                #expect(segment == wanted)
            }
        }
    }

    @Test("has the version of the daemon, and a name of its own for every operation")
    func names() throws {
        #expect(try Self.document()["info"]["version"] == .text("1.2.3"))
        #expect(!OpenAPIDocument.text(version: "1.2.3").contains("{version}"))
        let names = try Self.operations().values.map { $0["operationId"] }
        #expect(Set(names).count == names.count)
    }

    @Test("has no dangling reference and no unused component")
    func references() throws {
        let document = try Self.document()
        var wanted: Set<String> = []
        func collect(_ value: JSONValue) {
            if case .text(let reference) = value["$ref"] { wanted.insert(reference) }
            for value in value.fields.values { collect(value) }
            for value in value.elements { collect(value) }
        }
        collect(document)
        let there = document["components"].fields.flatMap { kind, members in
            members.fields.keys.map { "#/components/\(kind)/\($0)" }
        }
        #expect(wanted == Set(there))
    }

    @Test("says of every call how it fails: as a problem, or with a status that has one")
    func failures() throws {
        for (name, operation) in try Self.operations() {
            let responses = operation["responses"].fields
            #expect(responses.keys.contains { $0.hasPrefix("2") || $0 == "101" }, "\(name)")
            #expect(responses["default"] != nil, "\(name)")
            let takesName = name.contains("{")
            #expect((responses["404"] != nil) == (takesName || name.hasPrefix("get /v1/streams")), "\(name)")
            #expect((responses["415"] != nil) == (operation["requestBody"] != .null), "\(name)")
        }
    }

    @Test("has exactly the fields of every answer, and says which are always there", arguments: Samples.all)
    func fields(sample: Samples.Sample) throws {
        let schema = try Self.document()["components"]["schemas"][sample.schema]
        let full = Set(try sample.full().fields.keys)
        let least = Set(try sample.least().fields.keys)
        #expect(Set(schema["properties"].fields.keys) == full)
        #expect(Set(schema["required"].elements.compactMap(\.text)) == least)
    }

    @Test("says of every field which kinds of values it has", arguments: Samples.all)
    func kinds(sample: Samples.Sample) throws {
        let document = try Self.document()
        for value in [try sample.full(), try sample.least()] {
            for (name, value) in value.fields {
                let schema = document["components"]["schemas"][sample.schema]["properties"][name]
                #expect(Self.fits(value, schema, document), "\(sample.schema).\(name): \(value)")
            }
        }
    }

    /// The properties of a schema, or the schema itself where it is no object, that have a list of values.
    private static func listed(_ name: String, _ schema: JSONValue) -> [String] {
        guard schema["enum"] == .null else { return [name] }
        return schema["properties"].fields.filter { $0.value["enum"] != .null }.map { "\(name).\($0.key)" }
    }

    @Test("has no schema and no list of values that these tests do not compare with the code")
    func completeness() throws {
        // The configuration's schemas are compared with a daemon's answer, see `ConfigurationDocumentTests`.
        let schemas = try Self.document()["components"]["schemas"].fields.filter { name, _ in
            !name.hasPrefix("Configur") && name != "Hidden"
        }
        let objects = schemas.filter { $0.value["type"] == .text("object") }.map(\.key)
        #expect(Set(objects) == Set(Samples.all.map(\.schema)))
        #expect(Set(schemas.flatMap(Self.listed)) == Set(Samples.words.map(\.0)))
    }

    /// Whether a value is of a kind that the schema allows. What the parts of it are like is not looked at.
    private static func fits(_ value: JSONValue, _ schema: JSONValue, _ document: JSONValue) -> Bool {
        if case .text(let reference) = schema["$ref"] {
            let name = reference.split(separator: "/").last.map(String.init) ?? ""
            return fits(value, document["components"]["schemas"][name], document)
        }
        let choices = schema["anyOf"].elements
        guard choices.isEmpty else { return choices.contains { fits(value, $0, document) } }
        let words = schema["enum"].elements
        guard words.isEmpty || words.contains(value) else { return false }
        let kinds = schema["type"].elements.isEmpty ? [schema["type"]] : schema["type"].elements
        switch value {
        case .null: return kinds.contains(.text("null"))
        case .bool: return kinds.contains(.text("boolean"))
        case .integer: return kinds.contains(.text("integer")) || kinds.contains(.text("number"))
        case .number: return kinds.contains(.text("number"))
        case .text: return kinds.contains(.text("string"))
        case .array: return kinds.contains(.text("array"))
        case .object: return kinds.contains(.text("object"))
        }
    }

    @Test("knows every word that an answer may have", arguments: Samples.words)
    func words(_ place: String, _ words: [String]) throws {
        let parts = place.split(separator: ".").map(String.init)
        let schema = try Self.document()["components"]["schemas"][parts[0]]
        let property = parts.count > 1 ? schema["properties"][parts[1]] : schema
        #expect(Set(property["enum"].elements.filter { $0 != .null }) == Set(words.map { .text($0) }), "\(place)")
    }
}

extension JSONValue {
    /// A member of an object; null when there is none.
    subscript(name: String) -> JSONValue { fields[name] ?? .null }

    var fields: [String: JSONValue] { if case .object(let fields) = self { fields } else { [:] } }
    var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
}
