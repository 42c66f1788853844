# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Envoy's two halves: the initiator opens a reverse tunnel to the responder, which sends each visitor's stream
through it as an HTTP/2 CONNECT."""

from __future__ import annotations

import json
from pathlib import Path

TYPE = "type.googleapis.com/envoy.extensions."
HTTP = "upstreams.http.v3.HttpProtocolOptions"


def typed(name: str, type_name: str, **fields) -> dict:
    return {"name": name, "typed_config": {"@type": TYPE + type_name, **fields}}


def socket_address(address: str) -> dict:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host, "port_value": int(port)}}


def cluster(name: str, address: str, **fields) -> dict:
    endpoint = {"endpoint": {"address": socket_address(address)}}
    return {
        "name": name, "connect_timeout": "30s", "type": "STATIC", **fields,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }  # fmt: skip


def document(extension: str, type_name: str, listeners: list, clusters: list) -> str:
    # JSON is YAML.
    prefix = "envoy.bootstrap.reverse_tunnel."
    return json.dumps(
        {
            "node": {"id": "benchmark", "cluster": "benchmark"},
            "bootstrap_extensions": [
                typed(prefix + extension, f"bootstrap.reverse_tunnel.{extension}.v3.{type_name}", stat_prefix="tunnel")
            ],
            "static_resources": {"listeners": listeners, "clusters": clusters},
        },
        indent=1,
    )


# Both halves: more streams at once than the measures have, and windows that a round trip does not exhaust.
HTTP2 = {
    "max_concurrent_streams": 40_000,
    "initial_stream_window_size": 1024 * 1024,
    "initial_connection_window_size": 64 * 1024 * 1024,
}
NO_LIMITS = {"thresholds": [{"max_connections": 40_000, "max_pending_requests": 40_000, "max_requests": 40_000}]}


def initiator(engine: str, service: str, authority: Path) -> str:
    connect = {"match": {"connect_matcher": {}}, "route": {
        "cluster": "service", "timeout": "0s", "upgrade_configs": [{"upgrade_type": "CONNECT", "connect_config": {}}],
    }}  # fmt: skip
    manager = typed(
        "envoy.filters.network.http_connection_manager",
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="streams", codec_type="HTTP2", http2_protocol_options={**HTTP2, "allow_connect": True},
        stream_idle_timeout="0s", upgrade_configs=[{"upgrade_type": "CONNECT"}],
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [connect]}]},
        http_filters=[typed("envoy.filters.http.router", "filters.http.router.v3.Router")],
    )  # fmt: skip
    tunnel = {
        "name": "tunnel", "listener_filters_timeout": "0s", "filter_chains": [{"filters": [manager]}],
        "address": {"socket_address": {
            "address": "rc://agent:agents:tenant@engine:1", "port_value": 0,
            "resolver_name": "envoy.resolvers.reverse_connection",
        }},
    }  # fmt: skip
    tls = typed(
        "envoy.transport_sockets.tls", "transport_sockets.tls.v3.UpstreamTlsContext", sni="localhost",
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "validation_context": {"trusted_ca": {"filename": str(authority)}},
        },
    )  # fmt: skip
    return document(
        "downstream_socket_interface", "DownstreamReverseConnectionSocketInterface", [tunnel],
        [cluster("engine", engine, transport_socket=tls), cluster("service", service, circuit_breakers=NO_LIMITS)],
    )  # fmt: skip


def responder(engine: str, visitors: str, certificate: Path, key: Path) -> str:
    tls = typed(
        "envoy.transport_sockets.tls", "transport_sockets.tls.v3.DownstreamTlsContext",
        common_tls_context={
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"},
            "tls_certificates": [
                {"certificate_chain": {"filename": str(certificate)}, "private_key": {"filename": str(key)}}
            ],
        },
    )  # fmt: skip
    handshakes = typed(
        "envoy.filters.network.reverse_tunnel", "filters.network.reverse_tunnel.v3.ReverseTunnel", ping_interval="10s"
    )
    proxy = typed(
        "envoy.filters.network.tcp_proxy", "filters.network.tcp_proxy.v3.TcpProxy",
        stat_prefix="visitors", cluster="agents", idle_timeout="0s",
        tunneling_config={"hostname": "service:1"},
    )  # fmt: skip
    agents = {
        "name": "agents", "connect_timeout": "30s", "lb_policy": "CLUSTER_PROVIDED", "circuit_breakers": NO_LIMITS,
        "cluster_type": typed(
            "envoy.clusters.reverse_connection", "clusters.reverse_connection.v3.ReverseConnectionClusterConfig",
            cleanup_interval="60s", host_id_format="agent",
        ),
        "typed_extension_protocol_options": {
            "envoy.extensions." + HTTP: {
                "@type": TYPE + HTTP, "explicit_http_config": {"http2_protocol_options": HTTP2},
            }
        },
    }  # fmt: skip
    return document(
        "upstream_socket_interface", "UpstreamReverseConnectionSocketInterface",
        [
            {
                "name": "engine", "address": socket_address(engine),
                "filter_chains": [{"filters": [handshakes], "transport_socket": tls}],
            },
            {"name": "visitors", "address": socket_address(visitors), "filter_chains": [{"filters": [proxy]}]},
        ],
        [agents],
    )  # fmt: skip
