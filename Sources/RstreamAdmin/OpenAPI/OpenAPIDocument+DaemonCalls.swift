extension OpenAPIDocument {
    /// Members of `paths`: calls about the daemon itself.
    static let daemonPaths = #"""
            "/v1/reload": {
              "post": {
                "operationId": "reload",
                "tags": ["change"],
                "summary": "Reads the configuration again and makes it what runs",
                "description": "An empty body is one without a dry run.",
                "requestBody": {
                  "required": false,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReloadRequest"}}}
                },
                "responses": {
                  "200": {
                    "description": "What was done, or would be.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReloadReply"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
                  "422": {
                    "description": "The files are not right, and everything goes on as before.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReloadReply"}}}
                  },
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/events": {
              "get": {
                "operationId": "listEvents",
                "tags": ["state"],
                "summary": "What happens, as it happens",
                "description": "A reader that does not keep up, or comes too late, is told how many events it has \#
        missed by an event `events.missed`.",
                "parameters": [
                  {
                    "name": "Last-Event-ID",
                    "in": "header",
                    "description": "Begin after this event, 0 for all that the daemon still holds, which are at \#
        most 1,024; without it, begin with what happens next.",
                    "schema": {"type": "integer", "minimum": 0, "maximum": 9223372036854775806}
                  }
                ],
                "responses": {
                  "200": {
                    "description": "A stream of server-sent events that lasts until one side ends it. Each has an \#
        `id`, its type as `event`, and an Event as `data`. The comment `end of backlog` stands between what was \#
        and what comes, another comment every 15 s says that the daemon is still there.",
                    "content": {
                      "text/event-stream": {
                        "schema": {
                          "type": "string",
                          "description": "The JSON of every `data` is an Event.",
                          "contentMediaType": "application/json",
                          "contentSchema": {"$ref": "#/components/schemas/Event"}
                        }
                      }
                    }
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/log": {
              "get": {
                "operationId": "getLogLevel",
                "tags": ["state"],
                "summary": "The least important level that is logged",
                "responses": {
                  "200": {
                    "description": "The level.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LogLevel"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              },
              "put": {
                "operationId": "setLogLevel",
                "tags": ["change"],
                "summary": "Changes the level until the daemon ends",
                "description": "Holds until the daemon ends, whatever a reload says.",
                "requestBody": {
                  "required": true,
                  "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LogLevel"}}}
                },
                "responses": {
                  "200": {
                    "description": "The level from now on.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/LogLevel"}}}
                  },
                  "400": {"$ref": "#/components/responses/BadRequest"},
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "415": {"$ref": "#/components/responses/UnsupportedMediaType"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/config": {
              "get": {
                "operationId": "getConfiguration",
                "tags": ["state"],
                "summary": "The configuration that runs, secrets as `***`",
                "responses": {
                  "200": {
                    "description": "The configuration.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Configuration"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/health/live": {
              "get": {
                "operationId": "getLiveness",
                "tags": ["health"],
                "summary": "Whether the daemon does its work",
                "responses": {
                  "200": {
                    "description": "It is.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {
                    "description": "It does not. Or as many clients as may be are connected.",
                    "content": {
                      "application/json": {"schema": {"$ref": "#/components/schemas/Health"}},
                      "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    }
                  },
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/health/ready": {
              "get": {
                "operationId": "getReadiness",
                "tags": ["health"],
                "summary": "Whether every enabled tunnel is online",
                "responses": {
                  "200": {
                    "description": "It is.",
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Health"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {
                    "description": "Some are not. Or as many clients as may be are connected.",
                    "content": {
                      "application/json": {"schema": {"$ref": "#/components/schemas/Health"}},
                      "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
                    }
                  },
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/metrics": {
              "get": {
                "operationId": "getMetrics",
                "tags": ["health"],
                "summary": "Metrics for Prometheus",
                "responses": {
                  "200": {
                    "description": "In the text format, version 0.0.4.",
                    "content": {"text/plain": {"schema": {"type": "string"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            },
            "/v1/openapi.json": {
              "get": {
                "operationId": "getOpenAPI",
                "tags": ["health"],
                "summary": "This document",
                "responses": {
                  "200": {
                    "description": "An OpenAPI document.",
                    "content": {"application/json": {"schema": {"type": "object"}}}
                  },
                  "413": {"$ref": "#/components/responses/TooLarge"},
                  "503": {"$ref": "#/components/responses/Unavailable"},
                  "default": {"$ref": "#/components/responses/Problem"}
                }
              }
            }
        """#
}
