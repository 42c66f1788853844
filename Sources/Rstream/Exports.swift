// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

// The nouns of the public interface live in RstreamModel, where the wire and the configuration share them. Users of
// the library import one module.
@_exported public import RstreamModel
