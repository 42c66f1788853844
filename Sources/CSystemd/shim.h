// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
