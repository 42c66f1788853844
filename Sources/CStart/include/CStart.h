// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#ifndef CSTART_H
#define CSTART_H

/// Nothing is called from here: what this target does, it does when a program that is linked with it is loaded.

#endif
