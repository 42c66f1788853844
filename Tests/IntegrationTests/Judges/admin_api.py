# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Holds the admin API of a daemon against what the daemon itself says about it: /v1/openapi.json.

usage: admin_api.py SOCKET TUNNEL CONTEXT

The document has to be valid OpenAPI. Then schemathesis sends what the document allows and what it forbids, and every
answer has to be one that the document describes: first with names that it makes up, then with a real TUNNEL and CONTEXT.
Streams of events do not end and are left out.
"""

import asyncio
import json
import pathlib
import subprocess
import sys
import tempfile

from openapi_spec_validator import OpenAPIV31SpecValidator

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method"
)


async def copy(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


async def bridge(socket):
    """A port that leads to a Unix socket, for programs that know nothing else."""

    async def connected(reader, writer):
        to_reader, to_writer = await asyncio.open_unix_connection(socket)
        await asyncio.gather(copy(reader, to_writer), copy(to_reader, writer))

    return await asyncio.start_server(connected, "127.0.0.1", 0)


def fetch(socket, path):
    command = ["curl", "--silent", "--show-error", "--fail", "--unix-socket", socket, "http://rstreamd" + path]
    return json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)


async def judge(folder, base, document, settings, arguments):
    configuration = pathlib.Path(folder, "schemathesis.toml")
    configuration.write_text(settings)
    command = [
        sys.executable, "-m", "schemathesis.cli", f"--config-file={configuration}", "run", document,
        f"--url={base}", f"--checks={CHECKS}", "--exclude-path=/v1/events",
        # The daemon that is judged would be another one from then on.
        "--exclude-path=/v1/upgrade", "--seed=1", "--generation-deterministic",
        "--continue-on-failure", "--suppress-health-check=all", "--warnings=off",
        "--no-color", "--request-timeout=60", *arguments,
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        sys.exit(output.decode())


async def main(socket, tunnel, context):
    api = fetch(socket, "/v1/openapi.json")
    OpenAPIV31SpecValidator(api).validate()
    server = await bridge(socket)
    base = "http://127.0.0.1:%d" % server.sockets[0].getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        document = pathlib.Path(folder, "openapi.json")
        document.write_text(json.dumps(api))
        await judge(folder, base, str(document), "", ["--phases=coverage,fuzzing", "--max-examples=10"])
        real = f"[parameters]\n\"path.name\" = {json.dumps(tunnel)}\n\"path.context\" = {json.dumps(context)}\n"
        await judge(
            folder, base, str(document), real,
            ["--include-path-regex=[{](name|context)[}]", "--phases=fuzzing", "--max-examples=2", "--mode=positive"],
        )
    server.close()
    print("ok")


asyncio.run(main(*sys.argv[1:]))
