# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

"""Visitors of several kinds, the service that they reach, and the programs between them, for runs that count what is
lost on the way."""
