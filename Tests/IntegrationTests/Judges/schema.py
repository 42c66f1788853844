# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Holds the schemas of `rstreamd --schema` against files whose fate is known, with python-jsonschema.

usage: schema.py DAEMON-SCHEMA TUNNELS-SCHEMA CORPUS DAEMON-FILE TUNNEL-FILE

Both have to be valid JSON Schemas. Whatever the daemon accepts (the folders `valid` of CORPUS and the two example files)
has to be valid by the schema of its kind. A schema may accept more than the daemon, so of the refused files only the
number is printed that it accepts; a file with an unknown key is none of them.
"""

import json
import pathlib
import sys

import jsonschema
import yaml


class Loader(yaml.CSafeLoader):
    """Reads YAML as an editor does for a JSON Schema: JSON has no dates, and its keys are texts."""

    def construct_mapping(self, node, deep=False):
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}


# Neither "=" nor a date is a kind of value in JSON.
NO_JSON = {"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"}
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in NO_JSON]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def validator(path):
    schema = json.loads(pathlib.Path(path).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def complaint(file, judge):
    """What is wrong with a file; None when nothing is."""
    try:
        with open(file, "rb") as text:
            content = yaml.load(text, Loader)
    except (yaml.YAMLError, ValueError) as error:
        return f"not YAML: {error}"
    error = jsonschema.exceptions.best_match(judge.iter_errors(content))
    return error and f"{error.json_path}: {error.message}"


def main(daemon_schema, tunnels_schema, corpus, daemon_file, tunnel_file):
    corpus = pathlib.Path(corpus)
    kinds = [
        (validator(daemon_schema), corpus / "daemon", daemon_file),
        (validator(tunnels_schema), corpus, tunnel_file),
    ]
    complaints, accepted, refused, passed = [], 0, 0, []
    for judge, folder, example in kinds:
        for file in [pathlib.Path(example), *sorted((folder / "valid").glob("*.yaml"))]:
            accepted += 1
            if found := complaint(file, judge):
                complaints.append(f"{file}: {found}")
        for file in sorted((folder / "invalid").glob("*.yaml")):
            refused += 1
            if complaint(file, judge) is None:
                passed.append(file)
    complaints += [f"{file}: accepted" for file in passed if "unknown-key" in file.name]
    if accepted < 40 or refused < 60:
        complaints.append(f"only {accepted} and {refused} files were found")
    if complaints:
        sys.exit("\n".join(complaints))
    print(f"{len(passed)} of {refused} refused files are valid by their schema")
    print("ok")


main(*sys.argv[1:])
