extension OpenAPIDocument {
    /// Members of `paths`: calls about sessions, tunnels and streams.
    static let thingPaths = #"""
            "/v1/status": {
              "get": {
                "operationId": "getStatus",
                "tags": ["state"],
                "summary": "Everything at once",
                "responses": {
                  "200": {
                    "description": "What runs.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/DaemonStatus"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/sessions": {
              "get": {
                "operationId": "listSessions",
                "tags": ["state"],
                "summary": "All sessions",
                "responses": {
                  "200": {
                    "description": "In the order in which they began.",
                    "content": {
                      "application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/SessionStatus"}}
                      }
                    }
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/sessions/{context}/reconnect": {
              "post": {
                "operationId": "reconnect",
                "tags": ["change"],
                "summary": "Connects the sessions of a context anew, whatever the backoff says",
                "parameters": [
                  {
                    "name": "context",
                    "in": "path",
                    "required": true,
                    "description": "The context's name.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "202": {
                    "description": "They are connecting; streams stay.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/tunnels": {
              "get": {
                "operationId": "listTunnels",
                "tags": ["state"],
                "summary": "All tunnels",
                "responses": {
                  "200": {
                    "description": "Those of the configuration in its order, then those that have left it and are \#
        not over yet.",
                    "content": {
                      "application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/TunnelStatus"}}
                      }
                    }
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/tunnels/{name}": {
              "get": {
                "operationId": "getTunnel",
                "tags": ["state"],
                "summary": "One tunnel",
                "parameters": [
                  {
                    "name": "name",
                    "in": "path",
                    "required": true,
                    "description": "The tunnel's name.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "The tunnel.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/TunnelStatus"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/tunnels/{name}/disable": {
              "post": {
                "operationId": "disableTunnel",
                "tags": ["change"],
                "summary": "Closes a tunnel until the next reload",
                "description": "Open streams go by its `reload.changed`; the answer says how many, and what becomes of them.",
                "parameters": [
                  {
                    "name": "name",
                    "in": "path",
                    "required": true,
                    "description": "The tunnel's name.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "202": {
                    "description": "It is being done.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/tunnels/{name}/enable": {
              "post": {
                "operationId": "enableTunnel",
                "tags": ["change"],
                "summary": "Opens a tunnel until the next reload",
                "description": "It asks for the address that it had before, if the engine chose that. A drain that an \#
        operator began is over: its streams go on.",
                "parameters": [
                  {
                    "name": "name",
                    "in": "path",
                    "required": true,
                    "description": "The tunnel's name.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "202": {
                    "description": "It is being done.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/tunnels/{name}/drain": {
              "post": {
                "operationId": "drainTunnel",
                "tags": ["change"],
                "summary": "Closes a tunnel until the next reload and lets its streams end",
                "description": "Streams that last longer than `drain.timeout` are cut, unless the tunnel is enabled before.",
                "parameters": [
                  {
                    "name": "name",
                    "in": "path",
                    "required": true,
                    "description": "The tunnel's name.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "202": {
                    "description": "It is being done.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Accepted"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/streams": {
              "get": {
                "operationId": "listStreams",
                "tags": ["state"],
                "summary": "Open streams, with what they have carried so far",
                "parameters": [
                  {
                    "name": "tunnel",
                    "in": "query",
                    "description": "Only those of the tunnel with this name.",
                    "schema": {"type": "string"}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "In the order in which they were opened.",
                    "content": {
                      "application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/StreamStatus"}}
                      }
                    }
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/streams/recent": {
              "get": {
                "operationId": "listRecentStreams",
                "tags": ["state"],
                "summary": "Streams that have ended, as their events told, the last 1,024 events at most",
                "parameters": [
                  {
                    "name": "tunnel",
                    "in": "query",
                    "description": "Only those of the tunnel with this name.",
                    "schema": {"type": "string"}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "In the order in which they ended; those that were turned away have no id.",
                    "content": {
                      "application/json": {
                        "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}}
                      }
                    }
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/streams/{id}": {
              "delete": {
                "operationId": "cutStream",
                "tags": ["change"],
                "summary": "Ends one stream at once",
                "parameters": [
                  {
                    "name": "id",
                    "in": "path",
                    "required": true,
                    "description": "The stream's id.",
                    "schema": {"type": "string", "minLength": 1}
                  }
                ],
                "responses": {
                  "204": {"description": "It is being cut."},
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "404": {"$ref": "#/components/responses/NotFound"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            }
        """#
}
