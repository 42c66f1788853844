extension OpenAPIDocument {
    /// Members of `components.schemas`: changes, events, health, and what is wrong with a call.
    static let changeSchemas = #"""
            "ReloadRequest": {
              "type": "object",
              "description": "How to reload.",
              "properties": {
                "dryRun": {"type": "boolean", "description": "Only say what a reload would do; false unless given."}
              },
              "additionalProperties": false
            },
            "ReloadReply": {
              "type": "object",
              "description": "What a reload did, or would do.",
              "required": ["outcome", "dryRun", "changes", "settings", "diagnostics"],
              "properties": {
                "outcome": {"$ref": "#/components/schemas/ReloadOutcome"},
                "dryRun": {"type": "boolean", "description": "Whether nothing was carried out."},
                "changes": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/ReloadChange"},
                  "description": "Sessions, then tunnels, then listeners; empty unless `applied`."
                },
                "settings": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/ReloadSetting"},
                  "description": "What is another one about the daemon as a whole."
                },
                "diagnostics": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/Diagnostic"},
                  "description": "Errors and warnings, in the order of files and lines."
                }
              }
            },
            "ReloadOutcome": {
              "type": "string",
              "enum": ["applied", "unchanged", "refused"],
              "description": "`unchanged`: the files ask for what runs already. `refused`: the files are not \#
        right, everything goes on as before."
            },
            "ReloadSetting": {
              "type": "object",
              "description": "A setting of the daemon as a whole that is another one in the files.",
              "required": ["key", "obstacle"],
              "properties": {
                "key": {"type": "string", "description": "As in the file, with dots: `limits.streams`."},
                "obstacle": {
                  "type": ["string", "null"],
                  "description": "Why the new value is not in force; null when it is."
                }
              }
            },
            "ReloadChange": {
              "type": "object",
              "description": "What happens to one session, tunnel or listener.",
              "required": ["tunnel", "listener", "context", "action", "disposition", "streams", "keys"],
              "properties": {
                "tunnel": {"type": ["string", "null"], "description": "Null when it is about a session or a \#
        listener."},
                "listener": {"type": ["string", "null"], "description": "Null when it is about a session or a \#
        tunnel."},
                "context": {
                  "type": ["string", "null"],
                  "description": "The context whose session is meant; null when it is about a tunnel or a listener."
                },
                "action": {
                  "type": "string",
                  "enum": ["add", "update", "replace", "remove", "reconnect"],
                  "description": "`update`: new streams go another way and the engine does not notice. `replace`: \#
        another one takes its place. `reconnect`: the session connects anew, streams stay."
                },
                "disposition": {
                  "type": ["string", "null"],
                  "enum": ["drain", "keep", "cut", null],
                  "description": "What becomes of the streams that run now, `keep` also where nothing touches them; \#
        null when there is none that could run."
                },
                "streams": {"type": "integer", "minimum": 0, "description": "How many streams run now."},
                "keys": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "What is another one in the files, as there with dots; empty for what comes or goes."
                }
              }
            },
            "Diagnostic": {
              "type": "object",
              "description": "One complaint about a configuration file.",
              "required": ["severity", "file", "line", "column", "message", "hint", "text"],
              "properties": {
                "severity": {"type": "string", "enum": ["error", "warning"]},
                "file": {"type": "string", "description": "Path of the file."},
                "line": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "Counted from 1; 0 when it is about the file as a whole."
                },
                "column": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "Counted from 1; 0 when it is about the file as a whole."
                },
                "message": {"type": "string", "description": "What is wrong, in one line."},
                "hint": {
                  "type": ["string", "null"],
                  "description": "What was expected, or the nearest valid key or value."
                },
                "text": {
                  "type": "string",
                  "description": "The whole complaint as `rstreamd --check` prints it, with the line and a caret."
                }
              }
            },
            "Accepted": {
              "type": "object",
              "description": "What is done from now on.",
              "required": ["action", "target", "streams", "disposition", "cutAt"],
              "properties": {
                "action": {"type": "string", "enum": ["reconnect", "disable", "enable", "drain"]},
                "target": {"type": "string", "description": "The context or the tunnel."},
                "streams": {
                  "type": ["integer", "null"],
                  "minimum": 0,
                  "description": "How many streams the tunnel has that this is about; null for `reconnect`."
                },
                "disposition": {
                  "type": ["string", "null"],
                  "enum": ["drain", "keep", "cut", null],
                  "description": "What becomes of them; null for `reconnect`."
                },
                "cutAt": {
                  "type": ["string", "null"],
                  "format": "date-time",
                  "description": "When those are cut that have not ended by then; null unless they drain."
                }
              }
            },
            "LogLevel": {
              "type": "object",
              "description": "The least important level that is logged.",
              "required": ["level"],
              "properties": {
                "level": {"type": "string", "enum": ["trace", "debug", "info", "notice", "warning", "error", \#
        "critical"]}
              },
              "additionalProperties": false
            },
            "Health": {
              "type": "object",
              "description": "Whether all is well, and what is not.",
              "required": ["status", "reasons"],
              "properties": {
                "status": {"type": "string", "enum": ["ok", "unavailable"]},
                "reasons": {
                  "type": "array",
                  "items": {"type": "string"},
                  "description": "What is wrong, a sentence each; empty when nothing is."
                }
              }
            },
            "Event": {
              "type": "object",
              "description": "One thing that happened. Which fields are there depends on `type`; the others are \#
        left out.",
              "required": ["id", "time", "type"],
              "properties": {
                "id": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "Greater than those before it, over restarts of the daemon too."
                },
                "time": {"type": "string", "format": "date-time", "description": "When it happened."},
                "type": {
                  "type": "string",
                  "pattern": "^(session|tunnel|listener|stream|reload|events)\\.[a-z]+$",
                  "description": "`session.STATE`; `tunnel.STATE`, `tunnel.unreachable`, `tunnel.reachable`; \#
        `listener.unreachable`, `listener.reachable`; `stream.opened`, `stream.closed`, `stream.failed`; \#
        `reload.OUTCOME`; `events.missed`."
                },
                "session": {"type": "string", "description": "The session's id."},
                "context": {"type": "string", "description": "The context of a session or tunnel."},
                "tunnel": {"type": "string", "description": "The tunnel's name."},
                "listener": {"type": "string", "description": "The listener's name."},
                "stream": {"type": "string", "description": "The stream's id; a stream that was refused has none."},
                "source": {"type": "string", "description": "The address of who connected."},
                "outcome": {
                  "type": "string",
                  "enum": ["completed", "upstream_failed", "upstream_reset", "visitor_reset", "empty", "refused", \#
        "idle", "cut", "lost"],
                  "description": "What became of a stream. `completed`: ended in order, both ways. \#
        `upstream_failed`: what it was to go to could not be reached. `upstream_reset`, `visitor_reset`: that side broke \#
        it off. `empty`: the upstream ended without a byte. `refused`: no room. `idle`: silent for too long. `cut`: by \#
        an operator, a reload or a stop. `lost`: the engine's connection."
                },
                "bytes": {
                  "$ref": "#/components/schemas/ByteCounts",
                  "description": "What a stream has carried until its end."
                },
                "durationSeconds": {"type": "number", "minimum": 0, "description": "How long a stream lasted, in \#
        seconds."},
                "forwardingAddress": {"type": "string", "description": "Where visitors reach a tunnel that is \#
        online."},
                "error": {
                  "$ref": "#/components/schemas/ErrorReport",
                  "description": "Why a stream ended, if not by itself, and why a session or tunnel is not online."
                },
                "changes": {
                  "type": "array",
                  "items": {"$ref": "#/components/schemas/ReloadChange"},
                  "description": "What a reload changed."
                },
                "message": {"type": "string", "description": "One line for a person."},
                "missed": {
                  "type": "integer",
                  "minimum": 0,
                  "description": "How many events this reader has not been told, because it did not keep up or \#
        came too late."
                }
              }
            },
            "Problem": {
              "type": "object",
              "description": "What is wrong with a call, as in RFC 9457.",
              "required": ["type", "title", "status", "detail", "code"],
              "properties": {
                "type": {"type": "string", "description": "Always `about:blank`: `code` says which problem it is."},
                "title": {"type": "string", "description": "The name of the status."},
                "status": {"type": "integer", "minimum": 400, "maximum": 599, "description": "The status."},
                "detail": {"type": "string", "description": "What is wrong, for a person."},
                "code": {
                  "type": "string",
                  "enum": [
                    "unknown_path",
                    "method_not_allowed",
                    "not_found",
                    "bad_request",
                    "forbidden",
                    "unsupported_media_type",
                    "too_large",
                    "timeout",
                    "busy",
                    "stopping",
                    "internal_error"
                  ],
                  "description": "Which problem it is. `unknown_path`: there is nothing at the path. `not_found`: \#
        there is no such tunnel, session or stream."
                }
              }
            }
        """#
}
