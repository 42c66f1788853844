extension OpenAPIDocument {
    /// Members of `components.schemas`: the configuration that runs.
    static let configurationSchemas = #"""
            "Configuration": {
              "type": "object",
              "description": "The configuration that runs, in the keys and units of the files, with every default \#
        filled in and secrets as `***`. `rstreamd --check` accepts it.",
              "required": [
                "version",
                "include",
                "contexts",
                "tunnels",
                "listeners",
                "watch",
                "admin",
                "log",
                "drain",
                "reload",
                "reconnect",
                "limits",
                "debug"
              ],
              "properties": {
                "version": {"type": "integer", "minimum": 0},
                "include": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Empty: what included files hold is in it. `/v1/status` names the files."
                },
                "clientConfig": {"type": "string", "description": "Path of the client configuration."},
                "contexts": {
                  "type": "object",
                  "additionalProperties": {"$ref": "#/components/schemas/ConfiguredContext"},
                  "description": "By name."
                },
                "tunnels": {"type": "array", "items": {"$ref": "#/components/schemas/ConfiguredTunnel"}},
                "listeners": {"type": "array", "items": {"$ref": "#/components/schemas/ConfiguredListener"}},
                "watch": {"type": "boolean", "description": "Whether a changed file is reason enough to reload."},
                "admin": {
                  "type": "object",
                  "description": "The admin socket.",
                  "required": ["socket", "group", "mode"],
                  "properties": {
                    "socket": {"type": "string", "description": "Its path."},
                    "group": {"type": "string", "description": "The group that it is given to."},
                    "mode": {"type": "string", "pattern": "^0[0-7]+$", "description": "Its permission bits, in \#
        octal."}
                  }
                },
                "metrics": {
                  "type": "object",
                  "description": "Where metrics are served beside the admin socket.",
                  "required": ["listen"],
                  "properties": {"listen": {"type": "string", "description": "`address:port` or `unix:…`."}}
                },
                "log": {
                  "type": "object",
                  "description": "What is logged, and how.",
                  "required": ["level", "format"],
                  "properties": {
                    "level": {"type": "string", "description": "As configured; see `/v1/log` for what is in force."},
                    "format": {"type": "string", "enum": ["auto", "journal", "json", "text"]}
                  }
                },
                "drain": {
                  "type": "object",
                  "description": "What happens at a stop.",
                  "required": ["timeout"],
                  "properties": {
                    "timeout": {"$ref": "#/components/schemas/ConfiguredDuration"}
                  }
                },
                "reload": {"$ref": "#/components/schemas/ConfiguredDisposition"},
                "reconnect": {
                  "type": "object",
                  "description": "How long to wait before dialing again.",
                  "required": ["minimum", "maximum", "rejected"],
                  "properties": {
                    "minimum": {"$ref": "#/components/schemas/ConfiguredDuration"},
                    "maximum": {"$ref": "#/components/schemas/ConfiguredDuration"},
                    "rejected": {"$ref": "#/components/schemas/ConfiguredDuration"}
                  }
                },
                "debug": {
                  "type": "object",
                  "description": "What helps to find a bug of the daemon's.",
                  "required": ["coreDumps"],
                  "properties": {
                    "coreDumps": {"type": "boolean", "description": "Whether the kernel may write core dumps."}
                  }
                },
                "limits": {
                  "type": "object",
                  "description": "How much the daemon takes on at once.",
                  "required": ["streams", "pendingStreams", "openingStreams", "unixUpstreams", "tunnelOwners"],
                  "properties": {
                    "streams": {
                      "type": "integer",
                      "minimum": 0,
                      "description": "Streams at once; 0 for as many as the descriptor limit allows."
                    },
                    "pendingStreams": {
                      "type": "integer",
                      "minimum": 0,
                      "description": "Streams that may wait to be taken up."
                    },
                    "openingStreams": {
                      "type": "integer",
                      "minimum": 0,
                      "description": "Streams that may be in their handshakes."
                    },
                    "unixUpstreams": {
                      "type": "array",
                      "items": {"type": "string"},
                      "description": "Directories whose sockets may be upstreams whoever owns them."
                    },
                    "tunnelOwners": {
                      "type": "array",
                      "items": {"type": "string"},
                      "description": "Users who may own tunnel files beside root and the daemon's user."
                    }
                  }
                }
              }
            },
            "ConfiguredDuration": {
              "type": "string",
              "pattern": "^[0-9]+([.][0-9]+)?(ms|s|m|h)$",
              "description": "A number and a unit, as in the files."
            },
            "ConfiguredDisposition": {
              "type": "object",
              "description": "What a reload does to the streams of what it changes.",
              "required": ["changed"],
              "properties": {"changed": {"type": "string", "enum": ["drain", "keep", "cut"]}}
            },
            "ConfiguredContext": {
              "type": "object",
              "description": "An engine and a credential: either `engine`, or `apiUrl`, `projectEndpoint` and \#
        perhaps `region`; and one of `token`, `tokenFile`, `tokenCredential`, `mtls` and `noToken`.",
              "required": ["transport"],
              "properties": {
                "engine": {"type": "string", "description": "`host:port`"},
                "apiUrl": {"type": "string", "description": "Where the project is looked up."},
                "projectEndpoint": {"type": "string"},
                "region": {"type": "string"},
                "token": {"$ref": "#/components/schemas/Hidden"},
                "tokenFile": {"type": "string", "description": "Path of a file."},
                "tokenCredential": {"type": "string", "description": "Name of a systemd credential."},
                "mtls": {
                  "type": "object",
                  "description": "A client certificate; `***` where the client configuration itself holds it.",
                  "required": ["certificateFile", "keyFile"],
                  "properties": {
                    "certificateFile": {"type": "string"},
                    "keyFile": {"type": "string"}
                  }
                },
                "noToken": {"type": "boolean", "description": "True when there is no credential."},
                "transport": {"$ref": "#/components/schemas/ConfiguredTransport"}
              }
            },
            "ConfiguredTransport": {
              "type": "object",
              "description": "How the engine is reached. What is not set is left out.",
              "required": ["mptcp", "tls", "redirects"],
              "properties": {
                "bind": {
                  "type": "object",
                  "description": "The local address or interface.",
                  "required": ["mode"],
                  "properties": {
                    "mode": {"type": "string", "enum": ["address", "interface"]},
                    "address": {"type": "string"},
                    "interface": {"type": "string"}
                  }
                },
                "ipFamily": {"type": "string"},
                "mptcp": {"type": "boolean"},
                "dns": {
                  "type": "object",
                  "description": "The name server that is asked.",
                  "required": ["override", "tls"],
                  "properties": {
                    "override": {"type": "string"},
                    "tls": {"type": "boolean"},
                    "serverName": {"type": "string"}
                  }
                },
                "tls": {"$ref": "#/components/schemas/ConfiguredTLS"},
                "redirects": {
                  "type": "string",
                  "enum": ["engine", "public", "any"],
                  "description": "Where the engine may send the daemon for a stream."
                },
                "proxy": {
                  "type": "object",
                  "description": "The proxy that is gone through.",
                  "required": ["fromEnvironment"],
                  "properties": {
                    "http": {"type": "string", "description": "Without what it says about a user."},
                    "socks5": {"type": "string", "description": "Without what it says about a user."},
                    "fromEnvironment": {"type": "boolean"},
                    "username": {"type": "string"},
                    "password": {"$ref": "#/components/schemas/Hidden"},
                    "headers": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Hidden"}},
                    "tls": {"$ref": "#/components/schemas/ConfiguredTLS"}
                  }
                }
              }
            },
            "ConfiguredTLS": {
              "type": "object",
              "description": "Who is trusted.",
              "required": ["insecureSkipVerify"],
              "properties": {
                "caFile": {"type": "string"},
                "serverName": {"type": "string"},
                "insecureSkipVerify": {"type": "boolean"}
              }
            },
            "ConfiguredTunnel": {
              "type": "object",
              "description": "One tunnel.",
              "required": ["name", "context", "forward", "enabled", "upstream", "limits", "reload", "tunnel"],
              "properties": {
                "name": {"type": "string"},
                "context": {"$ref": "#/components/schemas/ConfiguredReference"},
                "forward": {"type": "string"},
                "enabled": {
                  "type": "boolean",
                  "description": "As configured, or as an operator wants it until the next reload."
                },
                "upstream": {
                  "type": "object",
                  "description": "How the upstream is reached.",
                  "required": ["connectTimeout", "holdTimeout", "idleTimeout", "proxyProtocol"],
                  "properties": {
                    "connectTimeout": {"$ref": "#/components/schemas/ConfiguredDuration"},
                    "holdTimeout": {"$ref": "#/components/schemas/ConfiguredDuration"},
                    "idleTimeout": {"$ref": "#/components/schemas/ConfiguredDuration"},
                    "proxyProtocol": {"type": "string", "enum": ["none", "v1", "v2"]}
                  }
                },
                "limits": {
                  "type": "object",
                  "description": "What it takes on at once.",
                  "required": ["streams"],
                  "properties": {"streams": {"type": "integer", "minimum": 0, "description": "0 for no limit of \#
        its own."}}
                },
                "reload": {"$ref": "#/components/schemas/ConfiguredDisposition"},
                "tunnel": {"$ref": "#/components/schemas/ConfiguredSpec"}
              }
            },
            "ConfiguredReference": {
              "description": "The name of a context, or one that stands in the entry.",
              "oneOf": [{"type": "string"}, {"$ref": "#/components/schemas/ConfiguredContext"}]
            },
            "ConfiguredSpec": {
              "type": "object",
              "description": "What the engine is asked for. What is not set is left out.",
              "properties": {
                "publish": {"type": "boolean"},
                "protocol": {"type": "string"},
                "type": {"type": "string"},
                "host": {"type": "string"},
                "port": {"type": "integer"},
                "allowCrossRegionRouting": {"type": "boolean"},
                "upstreamTLS": {"type": "boolean"},
                "datagramGuaranteedDelivery": {"type": "boolean"},
                "trustedIPs": {"type": "array", "items": {"type": "string"}},
                "geoip": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "http": {"type": "object", "description": "HTTP between visitor and engine."},
                "tls": {"type": "object", "description": "TLS between visitor and engine."}
              }
            },
            "ConfiguredListener": {
              "type": "object",
              "description": "One listener.",
              "required": ["name", "listen", "dial", "context", "dialTimeout", "limits"],
              "properties": {
                "name": {"type": "string"},
                "listen": {"type": "string"},
                "dial": {"type": "string"},
                "context": {"$ref": "#/components/schemas/ConfiguredReference"},
                "dialTimeout": {"$ref": "#/components/schemas/ConfiguredDuration"},
                "limits": {
                  "type": "object",
                  "description": "What it takes on at once.",
                  "required": ["streams"],
                  "properties": {"streams": {"type": "integer", "minimum": 0, "description": "0 for no limit of \#
        its own."}}
                },
                "mode": {
                  "type": "string",
                  "pattern": "^0[0-7]+$",
                  "description": "The permission bits of a Unix socket, in octal; absent for a port."
                },
                "group": {"type": "string", "description": "The group that a Unix socket is given to, if any."}
              }
            },
            "Hidden": {"type": "string", "const": "***", "description": "A secret, which is never shown."}
        """#
}
