extension OpenAPIDocument {
    /// Members of `components.schemas`: the configuration that runs.
    static let configurationSchemas = #"""
            "Configuration": {
              "type": "object",
              "description": "The configuration that runs, in the keys of the files, with every default filled in \#
        and secrets as `***`.",
              "required": [
                "version",
                "files",
                "include",
                "clientConfig",
                "contexts",
                "tunnels",
                "listeners",
                "watch",
                "admin",
                "metrics",
                "log",
                "drain",
                "reload",
                "reconnect",
                "limits",
                "debug"
              ],
              "properties": {
                "version": {"type": "integer", "minimum": 0},
                "files": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "Every file that was read, the daemon's own first."
                },
                "include": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "The patterns whose files are read too, as paths."
                },
                "clientConfig": {"type": ["string", "null"], "description": "Path of the client configuration."},
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
                  "type": ["object", "null"],
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
                    "timeout": {"type": "number", "minimum": 0, "description": "How long streams may last, in \#
        seconds."}
                  }
                },
                "reload": {"$ref": "#/components/schemas/ConfiguredFate"},
                "reconnect": {
                  "type": "object",
                  "description": "How long to wait before dialing again.",
                  "required": ["minimum", "maximum", "rejected"],
                  "properties": {
                    "minimum": {"type": "number", "minimum": 0, "description": "The first wait of a backoff, in \#
        seconds."},
                    "maximum": {"type": "number", "minimum": 0, "description": "Its longest wait, in seconds."},
                    "rejected": {
                      "type": "number",
                      "minimum": 0,
                      "description": "The wait after the engine refused, in seconds."
                    }
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
            "ConfiguredFate": {
              "type": "object",
              "description": "What a reload does to the streams of what it changes.",
              "required": ["changed"],
              "properties": {"changed": {"type": "string", "enum": ["drain", "keep", "cut"]}}
            },
            "ConfiguredContext": {
              "type": "object",
              "description": "An engine and a credential: either `engine`, or `apiUrl`, `projectEndpoint` and \#
        perhaps `region` and `headers`; and one of `token`, `tokenFile`, `tokenCredential`, `mtls` and `noToken`.",
              "required": ["transport"],
              "properties": {
                "engine": {"type": "string", "description": "`host:port`"},
                "apiUrl": {"type": "string", "description": "Where the project is looked up."},
                "projectEndpoint": {"type": "string"},
                "region": {"type": "string"},
                "headers": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Hidden"}},
                "token": {"$ref": "#/components/schemas/Hidden"},
                "tokenFile": {"type": "string", "description": "Path of a file."},
                "tokenCredential": {"type": "string", "description": "Path of a systemd credential."},
                "mtls": {
                  "type": "object",
                  "description": "A client certificate, in files or in the configuration itself.",
                  "properties": {
                    "certificateFile": {"type": "string"},
                    "keyFile": {"type": "string"},
                    "certificate": {"$ref": "#/components/schemas/Hidden"},
                    "key": {"$ref": "#/components/schemas/Hidden"}
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
                  "required": ["fromEnvironment", "tls"],
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
                "context": {"type": "string"},
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
                    "connectTimeout": {
                      "type": "number",
                      "minimum": 0,
                      "description": "How long a dial may take, in seconds."
                    },
                    "holdTimeout": {
                      "type": "number",
                      "minimum": 0,
                      "description": "How long a stream may wait for a missing upstream, in seconds."
                    },
                    "idleTimeout": {
                      "type": "number",
                      "minimum": 0,
                      "description": "How long a stream may be silent, 0 for ever, in seconds."
                    },
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
                "reload": {"$ref": "#/components/schemas/ConfiguredFate"},
                "tunnel": {"$ref": "#/components/schemas/TunnelProperties"}
              }
            },
            "ConfiguredListener": {
              "type": "object",
              "description": "One listener.",
              "required": ["name", "listen", "dial", "context"],
              "properties": {
                "name": {"type": "string"},
                "listen": {"type": "string"},
                "dial": {"type": "string"},
                "context": {"type": "string"}
              }
            },
            "Hidden": {"type": "string", "const": "***", "description": "A secret, which is never shown."}
        """#
}
