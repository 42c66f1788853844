// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the rstreamd maintainers

package import NIOCore

/// Signs for a client certificate whose key is not in this process's memory, such as one in a device.
package protocol TLSSigner: Sendable {
    /// The signature schemes that it offers, numbers of IANA's registry, the preferred one first.
    var algorithms: [UInt16] { get }

    /// Signs `input`, which is not hashed yet, with one of its schemes. The handshake waits meanwhile, and fails with the
    /// future's error.
    func sign(_ input: [UInt8], algorithm: UInt16, on eventLoop: any EventLoop) -> EventLoopFuture<[UInt8]>
}
