extension OpenAPIDocument {
    /// Members of `components.schemas`: what runs.
    static let stateSchemas = #"""
            "DaemonStatus": {
              "type": "object",
              "description": "Everything at once.",
              "required": ["daemon", "sessions", "tunnels", "listeners", "streams"],
              "properties": {
                "daemon": {"$ref": "#/components/schemas/DaemonFacts"},
                "sessions": {"type": "array", "items": {"$ref": "#/components/schemas/SessionStatus"}},
                "tunnels": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/TunnelStatus"},
                  "description": "In the order of the configuration."
                },
                "listeners": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/ListenerStatus"},
                  "description": "In the order of the configuration."
                },
                "streams": {"$ref": "#/components/schemas/StreamCounts", "description": "All streams of the daemon."}
              }
            },
            "DaemonFacts": {
              "type": "object",
              "description": "The process itself.",
              "required": ["version", "pid", "state", "startedAt", "configFiles", "lastReload"],
              "properties": {
                "version": {"type": "string", "description": "The version of rstreamd."},
                "pid": {"type": "integer", "minimum": 1, "description": "The number of its process."},
                "state": {"type": "string", "enum": ["running", "reloading", "stopping"]},
                "startedAt": {"type": "string", "format": "date-time", "description": "When it started."},
                "configFiles": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Every file of the configuration that runs, the daemon's own first."
                },
                "lastReload": {
                  "anyOf": [{"$ref": "#/components/schemas/LastReload"}, {"type": "null"}],
                  "description": "Null before the first reload."
                }
              }
            },
            "LastReload": {
              "type": "object",
              "description": "What became of the last reload, whoever asked for it.",
              "required": ["at", "outcome", "message"],
              "properties": {
                "at": {"type": "string", "format": "date-time", "description": "When it was over."},
                "outcome": {"$ref": "#/components/schemas/ReloadOutcome"},
                "message": {"type": "string", "description": "One line for a person."}
              }
            },
            "SessionStatus": {
              "type": "object",
              "description": "One session: an engine, a credential and a transport that tunnels share.",
              "required": [
                "id",
                "context",
                "engine",
                "state",
                "clientId",
                "since",
                "attempt",
                "nextAttemptAt",
                "lastError",
                "heartbeatRttSeconds",
                "tokenExpiresAt",
                "certificateExpiresAt",
                "verification"
              ],
              "properties": {
                "id": {"type": "string", "description": "Unique in this process."},
                "context": {"type": "string", "description": "The context that it is named after; others may share it."},
                "engine": {"type": "string", "description": "`host:port`, or the project that is looked up."},
                "state": {"$ref": "#/components/schemas/SessionState"},
                "clientId": {
                  "type": ["string", "null"],
                  "description": "What the engine calls the daemon; null unless online."
                },
                "since": {"type": "string", "format": "date-time", "description": "Since when it is in its state."},
                "attempt": {"type": "integer", "minimum": 0, "description": "Attempts since traffic last flowed."},
                "nextAttemptAt": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "Null unless `waiting` or `rejected`."
                },
                "lastError": {
                  "anyOf": [{"$ref": "#/components/schemas/ErrorReport"}, {"type": "null"}],
                  "description": "Null while nothing went wrong since it was last online."
                },
                "heartbeatRttSeconds": {
                  "type": ["number", "null"],
                  "minimum": 0,
                  "description": "The last heartbeat's way to the engine and back, in seconds; null before the first."
                },
                "tokenExpiresAt": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "When the token ends; null when that is not known."
                },
                "certificateExpiresAt": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "When the client certificate ends; null when there is none."
                },
                "verification": {"$ref": "#/components/schemas/Verification"}
              }
            },
            "Verification": {
              "type": "string",
              "enum": ["full", "engineOnly", "none"],
              "description": "Whose certificate is checked. `none`: not the engine's, so anybody can be the engine. \#
        `engineOnly`: not that of the proxy in front of it."
            },
            "SessionState": {
              "type": "string",
              "enum": ["connecting", "online", "waiting", "rejected", "closed"],
              "description": "`waiting`: until the next attempt. `rejected`: the engine refused in a way that \#
        trying again at once cannot mend."
            },
            "TunnelStatus": {
              "type": "object",
              "description": "One tunnel of the configuration, or one that has left it and is not over yet.",
              "required": [
                "name",
                "context",
                "state",
                "id",
                "forward",
                "forwardingAddress",
                "properties",
                "since",
                "nextAttemptAt",
                "streams",
                "bytes",
                "drain",
                "lastError"
              ],
              "properties": {
                "name": {"type": "string", "description": "Unique in the configuration."},
                "context": {"type": "string", "description": "The context that it is opened with."},
                "state": {"$ref": "#/components/schemas/TunnelState"},
                "id": {"type": ["string", "null"], "description": "The engine's name for it; null unless it is \#
        open."},
                "forward": {"type": "string", "description": "Where its streams go: `host:port` or `unix:…`."},
                "forwardingAddress": {
                  "type": ["string", "null"],
                  "description": "Where visitors reach it; null unless it is open."
                },
                "properties": {
                  "$ref": "#/components/schemas/TunnelProperties",
                  "description": "What the engine granted, or what it is asked for while it has not."
                },
                "since": {"type": "string", "format": "date-time", "description": "Since when it is in its state."},
                "nextAttemptAt": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "When it is asked for again; null unless it waits for that, with its session online."
                },
                "streams": {"$ref": "#/components/schemas/StreamCounts"},
                "bytes": {"$ref": "#/components/schemas/ByteCounts"},
                "drain": {
                  "anyOf": [{"$ref": "#/components/schemas/DrainStatus"}, {"type": "null"}],
                  "description": "What becomes of streams of it that are to end; null when none is."
                },
                "lastError": {
                  "anyOf": [{"$ref": "#/components/schemas/ErrorReport"}, {"type": "null"}],
                  "description": "What keeps it from being online, or its upstream from being reached; null when \#
        nothing does."
                }
              }
            },
            "DrainStatus": {
              "type": "object",
              "description": "Streams that may end until they are cut.",
              "required": ["streams", "cutAt"],
              "properties": {
                "streams": {"type": "integer", "minimum": 0, "description": "How many have not ended yet."},
                "cutAt": {"type": "string", "format": "date-time", "description": "When the others are cut."}
              }
            },
            "TunnelState": {
              "type": "string",
              "enum": ["disabled", "pending", "opening", "online", "rejected", "draining", "closed"],
              "description": "`disabled`: by the configuration, or by an operator until the next reload. \#
        `pending`: waits for its session or its next attempt. `rejected`: the engine refused in a way that trying \#
        again at once cannot mend. `draining`: takes no new streams. `closed`: the daemon stops, and no stream is left."
            },
            "TunnelProperties": {
              "type": "object",
              "description": "A tunnel's properties. What is not set is left out.",
              "properties": {
                "name": {"type": "string", "description": "What private dialers call it."},
                "type": {"type": "string", "description": "`bytestream` or `datagram`."},
                "publish": {"type": "boolean", "description": "Whether visitors outside of the project can reach \#
        it."},
                "protocol": {"type": "string", "description": "`http`, `tls`, `tcp`, `dtls`, `quic` or `webtty`."},
                "hostname": {"type": "string", "description": "The published name."},
                "port": {"type": "integer", "minimum": 0, "maximum": 4294967295, "description": "The published \#
        port."},
                "labels": {
                  "type": "object",
                  "additionalProperties": {"type": "string"},
                  "description": "Free pairs of texts."
                },
                "geoip": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Countries that visitors may come from, ISO 3166-1 alpha-2."
                },
                "trustedIps": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Networks that visitors may come from."
                },
                "tlsMode": {"type": "string", "description": "`terminated` or `passthrough`."},
                "tlsAlpns": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Application protocols that visitors are offered, in order."
                },
                "tlsMinVersion": {"type": "string", "description": "`tls1.2` or `tls1.3`."},
                "tlsCiphers": {"type": "array", "items": {"type": "string"}, "description": "Cipher suites, in \#
        order."},
                "mtlsAuth": {"type": "boolean", "description": "Whether visitors have to show a certificate."},
                "httpVersion": {
                  "type": "string",
                  "description": "`http/1.1`, `h2c` or `h3`: what the upstream is spoken to with."
                },
                "tokenAuth": {"type": "boolean", "description": "Whether the edge asks for a token."},
                "rstreamAuth": {"type": "boolean", "description": "Whether the edge asks for an rstream login."},
                "challengeMode": {"type": "boolean", "description": "Whether the edge challenges browsers."},
                "upstreamTls": {"type": "boolean", "description": "Whether the engine speaks TLS to the upstream."},
                "datagramGuaranteedDelivery": {
                  "type": "boolean",
                  "description": "Whether datagrams come over a reliable stream."
                },
                "allowCrossRegionRouting": {"type": "boolean", "description": "Whether another region may serve it."}
              }
            },
            "ListenerStatus": {
              "type": "object",
              "description": "One listener: a local port or socket in front of a private tunnel.",
              "required": [
                "name",
                "context",
                "state",
                "listen",
                "addresses",
                "dial",
                "streams",
                "bytes",
                "lastError"
              ],
              "properties": {
                "name": {"type": "string", "description": "Unique in the configuration."},
                "context": {"type": "string", "description": "The context that is dialed with."},
                "state": {
                  "type": "string",
                  "enum": ["waiting", "listening"],
                  "description": "`waiting`: its address cannot be had yet."
                },
                "listen": {"type": "string", "description": "`address:port` or `unix:…`, as it is configured."},
                "addresses": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Where it listens in fact, in the same form: one for each address of a name; empty \#
        while it does not listen."
                },
                "dial": {"type": "string", "description": "The tunnel that is dialed: its id or name."},
                "streams": {"$ref": "#/components/schemas/StreamCounts"},
                "bytes": {"$ref": "#/components/schemas/ByteCounts"},
                "lastError": {
                  "anyOf": [{"$ref": "#/components/schemas/ErrorReport"}, {"type": "null"}],
                  "description": "Why it does not listen, or why its tunnel could not be dialed; null when nothing \#
        is wrong."
                }
              }
            },
            "StreamStatus": {
              "type": "object",
              "description": "One open stream: a visitor's bytes through a tunnel, or a local connection through a \#
        listener.",
              "required": ["id", "tunnel", "listener", "state", "source", "openedAt", "bytes"],
              "properties": {
                "id": {"type": "string", "description": "Unique in this process."},
                "tunnel": {"type": ["string", "null"], "description": "Null for a stream of a listener."},
                "listener": {"type": ["string", "null"], "description": "Null for a stream of a tunnel."},
                "state": {
                  "type": "string",
                  "enum": ["opening", "holding", "relaying", "draining"],
                  "description": "`holding`: waits for an upstream that refuses or is missing. `draining`: left \#
        over from what a reload or a stop has ended."
                },
                "source": {
                  "type": ["string", "null"],
                  "description": "The address of who connected; null when the engine did not say."
                },
                "openedAt": {"type": "string", "format": "date-time", "description": "When it was offered."},
                "bytes": {"$ref": "#/components/schemas/ByteCounts"}
              }
            },
            "StreamCounts": {
              "type": "object",
              "description": "Streams since the daemon started.",
              "required": ["active", "total", "failed"],
              "properties": {
                "active": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "Open now, those that are being opened included."
                },
                "total": {"type": "integer", "minimum": 0, "description": "All that were ever asked for."},
                "failed": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "Those among them that were refused, or whose other side could not be reached."
                }
              }
            },
            "ByteCounts": {
              "type": "object",
              "description": "Bytes of streams, those of open ones included.",
              "required": ["received", "sent"],
              "properties": {
                "received": {"type": "integer", "minimum": 0, "description": "From the engine's side: what \#
        visitors sent."},
                "sent": {"type": "integer", "minimum": 0, "description": "From the local side: what visitors got."}
              }
            },
            "ErrorReport": {
              "type": "object",
              "description": "What went wrong, and what to do about it.",
              "required": ["code", "origin", "message", "fix", "at", "retry"],
              "properties": {
                "code": {"type": "string", "pattern": "^ERR_RSTREAM_", "description": "Stable name of the kind of \#
        error."},
                "origin": {
                  "type": "string",
                  "enum": ["engine", "upstream", "host", "configuration"],
                  "description": "Which side has to change."
                },
                "message": {"type": "string", "description": "What happened and where, in one line."},
                "fix": {
                  "type": ["string", "null"],
                  "description": "What to do about it; null when there is nothing to do."
                },
                "at": {"type": "string", "format": "date-time", "description": "When it happened first."},
                "retry": {
                  "type": "string",
                  "enum": ["afterBackoff", "afterReload", "never"],
                  "description": "When trying again can help."
                }
              }
            }
        """#
}
